"""Families of redshift densities: what a head's numbers mean, as a probability density of redshift.

All work in ζ = ln(1 + z), in which photometric errors are about as wide near as far, and all live on [0, z_max] with
integral 1. A family has no weights and no state: the numbers of one density (P of them) are in the last axis.

========  ==================================================================================================
binned    a density that is linear between B knots, equally spaced in ζ; its masses are a softmax (as in
          classification; cf. Pasquet et al. 2019, A&A 621, A26), its targets smoothed by a Gaussian
mixture   K Gaussians in ζ, cut off at the ends (mixture density network, Bishop 1994, NCRG/94/004)
flow      a Gaussian in ζ through a monotonic rational-quadratic spline of K bins (neural spline flow,
          Durkan et al. 2019, arXiv:1906.04032), as `zuko` has it
========  ==================================================================================================
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from importlib import import_module
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from asterism.errors import ConfigurationError
from asterism.models.configuration import Strict

__all__ = ["Binned", "Family", "Flow", "Mixture", "RedshiftConfig", "RedshiftOptions", "family_of"]

#: Numbers in memory at once while densities are computed on a grid: 32 MB of float32.
_AT_ONCE = 2**23


class RedshiftOptions(Strict):
    """What can be chosen of a redshift density; ``asterism train --show-config`` lists it under ``redshift.``."""

    density: Annotated[Literal["mixture", "binned", "flow"], Field(description="kind of redshift density")] = "mixture"
    components: Annotated[
        int, Field(ge=1, le=64, description="Gaussians of a mixture, or bins of a flow's spline (2 or more)")
    ] = 5
    bins: Annotated[int, Field(ge=2, le=4096, description="knots of a binned density, equally spaced in ln(1 + z)")] = (
        100
    )
    smoothing: Annotated[
        float,
        Field(ge=0.25, le=20, description="width of the Gaussian over which a binned target is spread [knot spacings]"),
    ] = 1.0
    points: Annotated[int, Field(ge=16, le=4096, description="redshifts of the grid on which densities are given")] = (
        300
    )


class RedshiftConfig(RedshiftOptions):
    """Configuration of the redshift head.

    Parameters
    ----------
    z_max : float
        Last redshift of the grid; the first is 0, and they are equally spaced in ln(1 + z).
    classes : tuple of str
        Classes that have a density each, in their order; empty for one density of all objects.
    """

    z_max: Annotated[float, Field(gt=0, le=30)]
    classes: tuple[str, ...] = ()

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) != len(classes):
            raise ValueError("a class has one redshift density; name each once")
        return classes

    @property
    def grid(self) -> np.ndarray:
        """The grid's redshifts (G,) float64, increasing from 0 to z_max."""
        grid = np.expm1(np.linspace(0.0, math.log1p(self.z_max), self.points))
        grid[0], grid[-1] = 0.0, self.z_max
        return grid

    @property
    def step(self) -> float:
        """Spacing of the grid in ln(1 + z)."""
        return math.log1p(self.z_max) / (self.points - 1)


class Family(ABC):
    """A family of densities on [0, z_max].

    Parameters
    ----------
    config : RedshiftConfig

    Attributes
    ----------
    size : int
        P, numbers of one density.
    """

    size: int

    def __init__(self, config: RedshiftConfig) -> None:
        self.config = config
        self.end = math.log1p(config.z_max)
        # What is narrower than the grid's spacing can't be told on it, and labels that are all the same (stars at 0)
        # would otherwise make a density grow without bound.
        self.narrowest = 0.5 * config.step

    @abstractmethod
    def numbers(self, raw: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        """A density's numbers (..., P) from a layer's outputs (..., P), and the labels' mean and spread in ζ (...)."""

    @abstractmethod
    def log_density(self, numbers: Tensor, z: Tensor) -> Tensor:
        """Logarithm of the density with respect to z, of numbers (..., P) at redshifts (...), which broadcast."""

    def loss(self, numbers: Tensor, z: Tensor) -> Tensor:
        """What is descended for each density (...): by default the negative log density at the true redshift."""
        return -self.log_density(numbers, z)

    def on_grid(self, numbers: Tensor, grid: Tensor) -> Tensor:
        """Mean over members of the densities on a grid.

        Parameters
        ----------
        numbers : Tensor
            (B, M, C, P): of M members and C densities of each object.
        grid : Tensor
            (G,).

        Returns
        -------
        Tensor
            (B, C, G), not yet normalised on the grid.
        """
        members, densities, size = numbers.shape[1:]
        rows = max(1, _AT_ONCE // (members * densities * len(grid) * size))
        parts = [numbers.new_zeros((0, densities, len(grid)))]
        for block in numbers.split(rows):
            parts.append(self.log_density(block[..., None, :], grid).exp().mean(1))
        return torch.cat(parts)


class Mixture(Family):
    """K Gaussians in ζ, cut off at 0 and z_max. Numbers: K log weights, K means, K log widths."""

    def __init__(self, config: RedshiftConfig) -> None:
        super().__init__(config)
        self.size = 3 * config.components

    def numbers(self, raw: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        """Weights by softmax; means and widths from standard units, the means spread over the labels' range."""
        weight, mean, width = raw.unflatten(-1, (3, -1)).unbind(-2)
        # Components that begin at the same place take longer to part.
        spread = torch.linspace(-1.0, 1.0, self.config.components, device=raw.device, dtype=raw.dtype)
        spread = spread if self.config.components > 1 else torch.zeros_like(spread)
        mean = location[..., None] + scale[..., None] * (mean + spread)
        # The widths begin at a third of the labels' spread, about what the fluxes' colours leave.
        width = self.narrowest + scale[..., None] * torch.exp((width - 1.0).clamp(-8.0, 2.0))
        return torch.cat([weight.log_softmax(-1), mean, width.log()], -1)

    def log_density(self, numbers: Tensor, z: Tensor) -> Tensor:
        """ln Σ w N(ζ; m, s) - ln(1 + z) - ln(mass within the ends)."""
        weight, mean, width = numbers.unflatten(-1, (3, -1)).unbind(-2)
        zeta = torch.log1p(z)[..., None]
        inverse = torch.exp(-width)
        inside = weight - 0.5 * ((zeta - mean) * inverse) ** 2 - width - 0.5 * math.log(2 * math.pi)
        mass = torch.special.ndtr((self.end - mean) * inverse) - torch.special.ndtr(-mean * inverse)
        # A density that has next to nothing within the ends counts as unfit instead of being blown up.
        mass = (weight.exp() * mass).sum(-1).clamp_min(1e-3)
        return torch.logsumexp(inside, -1) - torch.log1p(z) - mass.log()


class Binned(Family):
    """Linear in ζ between B knots. Numbers: the logarithms of the knots' masses, which sum to 1."""

    def __init__(self, config: RedshiftConfig) -> None:
        super().__init__(config)
        self.size = config.bins
        self.spacing = self.end / (config.bins - 1)

    def numbers(self, raw: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        """Log-softmax."""
        return raw.log_softmax(-1)

    def log_density(self, numbers: Tensor, z: Tensor) -> Tensor:
        """Between knots k and k + 1, the line through mass / width at either; then - ln(1 + z)."""
        heights = self._heights(numbers)
        place = (torch.log1p(z) / self.spacing).clamp(0, self.size - 1)
        left = place.floor().clamp_max(self.size - 2)
        part = place - left
        shape = torch.broadcast_shapes(heights.shape[:-1], z.shape)
        index = left.long().expand(shape)[..., None]
        heights = heights.expand(*shape, self.size)
        low, high = heights.gather(-1, index)[..., 0], heights.gather(-1, index + 1)[..., 0]
        return torch.log((1 - part) * low + part * high) - torch.log1p(z)

    def loss(self, numbers: Tensor, z: Tensor) -> Tensor:
        """Cross-entropy to a Gaussian around the true ζ, `smoothing` knots wide."""
        knots = torch.arange(self.size, device=z.device, dtype=numbers.dtype)
        distance = (knots - (torch.log1p(z) / self.spacing).clamp(0, self.size - 1)[..., None]) / self.config.smoothing
        target = torch.softmax(-0.5 * distance**2, -1)
        return -(target * numbers).sum(-1)

    def on_grid(self, numbers: Tensor, grid: Tensor) -> Tensor:
        """As the base, but the members' mean is taken first, on the knots: between them all is linear."""
        heights = self._heights(numbers).mean(1)
        place = (torch.log1p(grid) / self.spacing).clamp(0, self.size - 1)
        left = place.floor().clamp_max(self.size - 2)
        part, index = (place - left).to(heights), left.long()
        return ((1 - part) * heights[..., index] + part * heights[..., index + 1]) / (1 + grid.to(heights))

    def _heights(self, numbers: Tensor) -> Tensor:
        """Density in ζ at the knots: the masses over their widths; the outer knots have half of one."""
        heights = numbers.exp() / self.spacing
        ends = torch.ones(self.size, device=numbers.device, dtype=numbers.dtype)
        ends[0] = ends[-1] = 2.0
        # A softmax can round to 0, and a logarithm must not.
        return (heights * ends).clamp_min(1e-12)


class Flow(Family):
    """A Gaussian of (ζ - m) / s through a spline. Numbers: m, ln s, and 3K - 1 of the spline.

    Raises
    ------
    ConfigurationError
        When zuko is not installed, or the spline has fewer than two bins.
    """

    def __init__(self, config: RedshiftConfig) -> None:
        super().__init__(config)
        if config.components < 2:
            raise ConfigurationError("a flow's spline needs redshift.components of 2 or more; set it to 8")
        self.size = 3 * config.components + 1
        _zuko()  # missing, it is missed here and not in the first batch; a module kept could not be copied

    def numbers(self, raw: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        """Middle and width from standard units; the spline's numbers as they are."""
        mean = location + scale * raw[..., 0]
        width = self.narrowest + scale * torch.exp((raw[..., 1] - 1.0).clamp(-8.0, 2.0))
        return torch.cat([mean[..., None], width.log()[..., None], raw[..., 2:]], -1)

    def log_density(self, numbers: Tensor, z: Tensor) -> Tensor:
        """ln N(spline(u)) + ln spline'(u) - ln s - ln(1 + z) - ln(mass within the ends), u = (ζ - m) / s."""
        bins = self.config.components
        mean, width = numbers[..., 0], numbers[..., 1]
        widths, heights, slopes = numbers[..., 2:].split([bins, bins, bins - 1], -1)
        spline = _zuko().MonotonicRQSTransform(widths, heights, slopes, bound=5.0)
        zeta = torch.log1p(z)
        there, slope = spline.call_and_ladj(((zeta - mean) * torch.exp(-width)).contiguous())
        ends = [spline((torch.full_like(mean, end) - mean) * torch.exp(-width)) for end in (0.0, self.end)]
        mass = (torch.special.ndtr(ends[1]) - torch.special.ndtr(ends[0])).clamp_min(1e-3)
        log_normal = -0.5 * there**2 - 0.5 * math.log(2 * math.pi)
        return log_normal + slope - width - torch.log1p(z) - mass.log()


def family_of(config: RedshiftConfig) -> Family:
    """The family that a configuration names."""
    families: dict[str, type[Family]] = {"mixture": Mixture, "binned": Binned, "flow": Flow}
    return families[config.density](config)


def _zuko() -> Any:
    try:
        return import_module("zuko.transforms")
    except ModuleNotFoundError:
        raise ConfigurationError(
            "redshift.density=flow needs zuko, which is missing; pip install 'asterism[photoz]'"
        ) from None
