"""From what a catalog holds of spectra to what convolutional networks read: windows of strips, windows of wavelength, z-scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from asterism.errors import BadInputError, ConfigurationError
from asterism.models.spectral_inputs import ArmInputs, SpectrumInputs

__all__ = ["STRIP", "STRIP_ROWS", "SpectrumWindow", "StripWindow", "bridged", "window_of_strips", "z_scores"]

STRIP_ROWS, STRIP = 15, 4136
"""Pixels of LAMOST's whole strips, across the dispersion and along it: windows are counted on these."""


def z_scores(values: Tensor, seen: Tensor) -> Tensor:
    """Values less their mean, over their standard deviation, for each object by itself.

    Parameters
    ----------
    values : Tensor
        (B, …) float.
    seen : Tensor
        (B, …) bool: the others are not read.

    Returns
    -------
    Tensor
        (B, …), 0 where not seen; 0 everywhere where all that is seen is the same.
    """
    axes = tuple(range(1, values.ndim))
    weight = seen.to(values.dtype)
    count = weight.sum(axes, keepdim=True).clamp_min(1)
    values = torch.where(seen, values, 0.0)
    mean = values.sum(axes, keepdim=True) / count
    centred = (values - mean) * weight
    deviation = torch.sqrt((centred * centred).sum(axes, keepdim=True) / count)
    # What rounding leaves of a constant is no deviation.
    scale = torch.where(deviation > 1e-6 * mean.abs(), 1 / deviation.clamp_min(1e-30), 0.0)
    return centred * scale


def window_of_strips(name: str, arm: ArmInputs, window: tuple[int, int], rows: int) -> ArmInputs:
    """The part of an arm's strips that a network reads.

    Parameters
    ----------
    name : str
        Of the model, for messages.
    arm : ArmInputs
        What is stored.
    window : (int, int)
        First pixel along the dispersion, and the one behind the last, of the whole strip.
    rows : int
        Central rows, an odd number.

    Raises
    ------
    ConfigurationError
        It is not wholly stored.
    """
    margin = (STRIP_ROWS - rows) // 2
    wanted = ArmInputs(name=arm.name, rows=rows, pixels=window[1] - window[0], first_pixel=window[0], first_row=margin)
    if wanted.part_of(arm) is not None:
        return wanted
    if arm.first_pixel <= window[0] and window[1] <= arm.first_pixel + arm.pixels:
        raise ConfigurationError(
            f"model {name} reads rows {margin} to {margin + rows} of the {arm.name} strips and the catalog holds "
            f"{arm.first_row} to {arm.first_row + arm.rows}; set model.rows to what is there"
        )
    raise ConfigurationError(
        f"model {name} reads pixels {window[0]} to {window[1]} of the {arm.name} strips and the catalog holds "
        f"{arm.first_pixel} to {arm.first_pixel + arm.pixels}; set model.{arm.name}_window to what is there"
    )


def bridged(values: Tensor, seen: Tensor) -> Tensor:
    """Values with straight lines over what was not seen; before the first seen and behind the last these two go on.

    Parameters
    ----------
    values : Tensor
        (B, n) float.
    seen : Tensor
        (B, n) bool.

    Returns
    -------
    Tensor
        (B, n); rows of which nothing was seen stay as they are.
    """
    n = values.shape[1]
    place = torch.arange(n, device=values.device).expand_as(values)
    left = torch.where(seen, place, -1).cummax(1).values
    right = torch.where(seen, place, n).flip(1).cummin(1).values.flip(1)
    # At an end there is one neighbour only; where there is none both places are the pixel's own.
    left, right = torch.where(left < 0, right, left), torch.where(right >= n, left, right)
    none = ~seen.any(1, keepdim=True)
    left, right = torch.where(none, place, left), torch.where(none, place, right)
    share = (place - left) / (right - left).clamp_min(1)
    line = values.gather(1, left) * (1 - share) + values.gather(1, right) * share
    return torch.where(seen, values, line)


class StripWindow(nn.Module):
    """The part of an arm's strips that a network reads, z-scored: (B, 1, rows, columns).

    The strip of a fibre is cut to its central rows and a window along the dispersion, both counted on the whole 15 × 4136
    pixels also where the catalog holds a part of them. Electrons are z-scored over the observed pixels of the window, each
    object and arm by itself; pixels that were not observed stand at 0, the mean.

    Parameters
    ----------
    name : str
        Of the model, for messages.
    arm : ArmInputs
        What is stored of the strips.
    window : (int, int)
        First pixel along the dispersion, and the one behind the last.
    rows : int
        Central rows, an odd number.
    subtract : bool
        Whether the electrons that are expected of the sky are taken off first; where they are not known a pixel counts as not
        observed.

    Attributes
    ----------
    rows, columns : (int, int)
        Half-open ranges of the whole strip that are read.

    Raises
    ------
    ConfigurationError
        The window is not wholly stored.
    """

    role = "spectrum2d"

    def __init__(self, name: str, arm: ArmInputs, window: tuple[int, int], rows: int, subtract: bool) -> None:
        super().__init__()
        wanted = window_of_strips(name, arm, window, rows)
        self.arm, self.subtract = arm.name, subtract
        self.rows, self.columns = (wanted.first_row, wanted.first_row + rows), window
        self.shape = (rows, wanted.pixels)
        self.stored = (arm.rows, arm.pixels)
        self.cut = (..., *(wanted.part_of(arm) or ()))

    def forward(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Strips (B, 1, rows, columns), and whether anything was observed in the window (B,) bool.

        Raises
        ------
        BadInputError
            The strips are not of the size that the model was made for: another cut would be read at the wrong place.
        """
        if (found := tuple(role[self.arm].shape[1:])) != self.stored:
            raise BadInputError(
                f"the batch's {self.arm} strips have {found[0]} × {found[1]} pixels and the model reads"
                f" {self.stored[0]} × {self.stored[1]}; read them as the model's own inputs say"
                " (model.config.inputs.check(catalog.schema, name))"
            )
        electrons = role[self.arm][self.cut]
        seen = (role[f"{self.arm}_ivar"][self.cut] > 0) & role["present"][:, None, None]
        if self.subtract:
            electrons = electrons - role[f"{self.arm}_sky"][self.cut]
            seen = seen & torch.isfinite(electrons)
        return z_scores(electrons, seen)[:, None], seen.flatten(1).any(1)


class SpectrumWindow(nn.Module):
    """A window of wavelength of any survey's spectra on a fixed number of pixels, z-scored: (B, 1, 1, pixels).

    The pixels have equal steps in Å. Each is a mean of the observed pixels around it with triangular weights that reach as
    far as the wider of the two steps: linear interpolation where the survey's pixels are the wider, an average where they
    are the finer. The flux is z-scored over the window, each object by itself, so that relative and calibrated fluxes read alike;
    pixels without anything observed near stand at 0, the mean, or on the line between their neighbours.

    Parameters
    ----------
    name : str
        Of the model, for messages.
    inputs : SpectrumInputs
        The survey's grid.
    window : (float, float)
        Å in vacuum.
    pixels : int
    arm : str
        Name of the window.
    bridge : bool
        Whether pixels without anything observed are bridged.

    Raises
    ------
    ConfigurationError
        The window reaches out of the survey's grid.
    """

    role = "spectrum"

    def __init__(
        self,
        name: str,
        inputs: SpectrumInputs,
        window: tuple[float, float],
        pixels: int = 2000,
        arm: str = "",
        bridge: bool = False,
    ) -> None:
        super().__init__()
        self.bridge = bridge
        self.arm, self.wavelength, self.shape = arm, window, (1, pixels)
        self.rows, self.columns = (0, 1), (0, pixels)
        grid = inputs.wavelength
        if window[0] < grid[0] or window[1] > grid[-1]:
            raise ConfigurationError(
                f"model {name} reads {window[0]:g} to {window[1]:g} Å and {inputs.group} has {grid[0]:.0f} to "
                f"{grid[-1]:.0f} Å; set model.windows to what is there"
            )
        step = (window[1] - window[0]) / pixels
        centre = window[0] + (np.arange(pixels) + 0.5) * step
        behind = np.clip(np.searchsorted(grid, centre), 1, len(grid) - 1)
        reach = np.maximum(grid[behind] - grid[behind - 1], step)
        first = np.searchsorted(grid, centre - reach)
        width = int((np.searchsorted(grid, centre + reach, side="right") - first).max())
        places = first[:, None] + np.arange(width)
        near = np.minimum(places, len(grid) - 1)
        weight = np.clip(1 - np.abs(grid[near] - centre[:, None]) / reach[:, None], 0, None) * (places < len(grid))
        self.register_buffer("near", torch.from_numpy(near), persistent=False)
        self.register_buffer("weight", torch.from_numpy(weight.astype(np.float32)), persistent=False)

    near: Tensor
    weight: Tensor

    def forward(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Spectra (B, 1, 1, pixels), and whether anything was observed in the window (B,) bool."""
        first, last = int(self.near[0, 0]), int(self.near[-1, -1]) + 1
        seen = (role["ivar"][:, first:last] > 0) & role["present"][:, None]
        flux = torch.where(seen, role["flux"][:, first:last], 0.0)
        near = self.near - first
        # Fluxes of 1e-17 and of thousands alike: scaled by the largest, sums and squares stay in range.
        flux = flux / flux.abs().amax(1, keepdim=True).clamp_min(1e-30)
        share = (seen[:, near] * self.weight).sum(-1)
        there = share > 1e-3
        values = (flux[:, near] * self.weight).sum(-1) / share.clamp_min(1e-3)
        scores = z_scores(values, there)
        if self.bridge:
            scores = bridged(scores, there)
        return scores[:, None, None], there.any(1)
