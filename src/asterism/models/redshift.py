"""The redshift head: from the features of ensemble members to a probability density of redshift, of one or several classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from asterism.models.ensemble import MemberLinear
from asterism.models.redshift_families import RedshiftConfig, family_of

__all__ = ["LOWEST_REDSHIFT", "RedshiftHead", "known_redshifts", "normalised"]

LOWEST_REDSHIFT = -0.01
"""Redshifts from here to 0 are motions of stars and galaxies and count as 0; below, a label is no redshift."""


def known_redshifts(
    config: RedshiftConfig, classes: Sequence[str], redshift: Tensor, label: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Which objects have a redshift to learn from, and which density of the head it belongs to.

    Parameters
    ----------
    config : RedshiftConfig
    classes : sequence of str
        The model's classes, in the order of the labels' indices.
    redshift : Tensor
        (B,) true redshifts, NaN where unknown.
    label : Tensor, optional
        (B,) int64 class indices, -1 where unknown; needed where the head has a density per class.

    Returns
    -------
    known : Tensor
        (B,) bool: the redshift is known, and so is the density it belongs to.
    z : Tensor
        (B,) redshifts within [0, z_max]; 0 where not known.
    index : Tensor
        (B,) int64 of the density; 0 where not known.
    """
    known = torch.isfinite(redshift) & (redshift >= LOWEST_REDSHIFT)
    index = torch.zeros(redshift.shape, dtype=torch.int64, device=redshift.device)
    if config.classes:
        if label is None:
            known = torch.zeros_like(known)
        else:
            places = [config.classes.index(c) if c in config.classes else -1 for c in classes]
            index = torch.tensor([*places, -1], device=redshift.device)[label]
            known, index = known & (index >= 0), index.clamp_min(0)
    return known, torch.where(known, redshift, 0.0).clamp(0.0, config.z_max), index


def normalised(density: Tensor, grid: Tensor) -> Tensor:
    """Densities (..., G) scaled so that the integral by the trapezoid rule over a grid (G,) is 1."""
    return density / torch.trapezoid(density, grid.to(density))[..., None]


class RedshiftHead(nn.Module):
    """One linear layer per ensemble member: features (B, M, D) → the numbers of its densities (B, M, C, P).

    The answer is the members' mean density. What the labels are like, their mean and spread in ln(1 + z) and their
    distribution on the grid, is learned once from the training rows (`observe`, `settle`).

    Parameters
    ----------
    members, width : int
        M and D.
    config : RedshiftConfig
        C is the number of its classes, or 1.

    Attributes
    ----------
    grid : Tensor
        (G,) redshifts, float64; not saved, the configuration has it.
    location, scale : Tensor
        (C,) mean and standard deviation of ln(1 + z) of the training rows.
    counts : Tensor
        (C, G) float64: training rows, each shared between the two grid points beside its redshift.
    """

    grid: Tensor
    location: Tensor
    scale: Tensor
    counts: Tensor

    def __init__(self, members: int, width: int, config: RedshiftConfig) -> None:
        super().__init__()
        self.config = config
        self.family = family_of(config)
        self.densities = max(1, len(config.classes))
        self.linear = MemberLinear(members, width, self.densities * self.family.size)
        self.register_buffer("grid", torch.from_numpy(config.grid), persistent=False)
        self.register_buffer("location", torch.zeros(self.densities))
        self.register_buffer("scale", torch.ones(self.densities))
        self.register_buffer("counts", torch.zeros(self.densities, config.points, dtype=torch.float64))
        self._moments = torch.zeros(self.densities, 3, dtype=torch.float64)

    def forward(self, features: Tensor) -> Tensor:
        """Numbers of the densities (B, M, C, P) of features (B, M, D)."""
        raw = self.linear(features.transpose(0, 1)).transpose(0, 1)
        return self.family.numbers(raw.unflatten(-1, (self.densities, -1)), self.location, self.scale)

    def density(self, numbers: Tensor) -> Tensor:
        """The members' mean densities on the grid (B, C, G), integral 1, of what `forward` gave."""
        grid = self.grid.to(numbers)
        return normalised(self.family.on_grid(numbers, grid), grid)

    def observe(self, z: Tensor, index: Tensor) -> None:
        """Offer training redshifts (n,) within the grid and the densities (n,) that they belong to."""
        zeta = torch.log1p(z.double())
        ones = torch.ones_like(zeta)
        self._moments.index_add_(0, index, torch.stack([ones, zeta, zeta**2], 1))
        place = (zeta / self.config.step).clamp(0, self.config.points - 1)
        left = place.floor().clamp_max(self.config.points - 2)
        flat = self.counts.view(-1)
        for offset, share in ((0, 1 - (place - left)), (1, place - left)):
            flat.index_add_(0, index * self.config.points + left.long() + offset, share)

    def settle(self) -> None:
        """Set location and scale from what was observed; a density without labels keeps 0 and 1."""
        number, total, squares = self._moments.unbind(1)
        mean = total / number.clamp_min(1)
        spread = (squares / number.clamp_min(1) - mean**2).clamp_min(0).sqrt()
        seen = number > 0
        self.location.copy_(torch.where(seen, mean, 0.0))
        self.scale.copy_(torch.where(seen, spread.clamp_min(self.config.step), 1.0))

    def prior(self) -> Tensor:
        """Distribution of the training redshifts on the grid (C, G) float64, integral 1; even where there are none."""
        # Less than an object per point: no redshift of the grid is impossible because no training row had it.
        counts = self.counts + 0.5 / self.config.points
        spacing = torch.diff(self.grid)
        width = torch.zeros_like(self.grid)
        width[:-1] += spacing / 2
        width[1:] += spacing / 2
        return normalised(counts / width, self.grid)
