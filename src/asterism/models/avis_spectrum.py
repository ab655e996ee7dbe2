"""Any survey's spectra as tokens of the same wavelengths: one set of weights for every grid."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.spectral_inputs import SpectrumInputs
from asterism.models.statistics import RobustScale, RowSample
from asterism.models.transformer import Pool, Transformer

__all__ = ["RANGE", "CommonGrid", "SpectrumEncoder"]

RANGE = (3600.0, 9824.0)
"""Å in vacuum that are read, whatever the survey: those of DESI."""

_STRIDE = 24
"""Pixels of the common grid per token; the strides of the stem multiply to it."""

_TOKENS = 96
_FREQUENCIES = 16


class CommonGrid(nn.Module):
    """Spectra on their survey's pixels → (flux, inverse variance) on pixels of equal steps in ln λ, common to all surveys.

    A pixel is the mean of the observed ones around it, with weights of inverse variance times a triangle that reaches as far as
    the wider of the two steps: an average where the survey's pixels are the finer, linear interpolation where they are the wider.
    Equal steps in ln λ make a redshift a shift, the same for every line.

    Parameters
    ----------
    inputs : SpectrumInputs
        The survey's grid.
    pixels : int
        Of the common grid, over `RANGE`.

    Raises
    ------
    ConfigurationError
        The survey has nothing within `RANGE`.
    """

    def __init__(self, inputs: SpectrumInputs, pixels: int) -> None:
        super().__init__()
        grid = np.log(inputs.wavelength)
        first, last = math.log(RANGE[0]), math.log(RANGE[1])
        if grid[0] >= last or grid[-1] <= first:
            raise ConfigurationError(
                f"model avis reads {RANGE[0]:g} to {RANGE[1]:g} Å and {inputs.group} has {inputs.wavelength[0]:.0f} to "
                f"{inputs.wavelength[-1]:.0f} Å; give it spectra of visible light"
            )
        step = (last - first) / pixels
        centre = first + (np.arange(pixels) + 0.5) * step
        behind = np.clip(np.searchsorted(grid, centre), 1, len(grid) - 1)
        reach = np.maximum(grid[behind] - grid[behind - 1], step)
        start = np.searchsorted(grid, centre - reach)
        width = int((np.searchsorted(grid, centre + reach, side="right") - start).max())
        places = start[:, None] + np.arange(width)
        near = np.minimum(places, len(grid) - 1)
        weight = np.clip(1 - np.abs(grid[near] - centre[:, None]) / reach[:, None], 0, None) * (places < len(grid))
        self.register_buffer("near", torch.from_numpy(near), persistent=False)
        self.register_buffer("weight", torch.from_numpy(weight.astype(np.float32)), persistent=False)

    near: Tensor
    weight: Tensor

    def forward(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Flux and inverse variance (B, pixels), both 0 where nothing was observed."""
        seen = (role["ivar"] > 0) & role["present"][:, None]
        ivar = torch.where(seen, role["ivar"], 0.0)
        flux = torch.where(seen, role["flux"], 0.0)
        weighted = ivar[:, self.near] * self.weight
        total = weighted.sum(-1)
        mean = (weighted * flux[:, self.near]).sum(-1) / total.clamp_min(1e-30)
        # Σwv over Σw²v, with w the triangle and v the inverse variance: independent pixels averaged.
        square = (weighted * self.weight).sum(-1)
        return mean, torch.where(total > 0, total * (total / square.clamp_min(1e-30)), 0.0)


class SpectrumEncoder(nn.Module):
    """Spectra → one vector (B, width).

    Parameters
    ----------
    inputs : SpectrumInputs
    width, heads, blocks : int
        Of tokens and the transformer.
    stem : (int, int, int)
        Channels of the convolutions before the tokens.
    """

    def __init__(self, inputs: SpectrumInputs, width: int, heads: int, blocks: int, stem: tuple[int, int, int]) -> None:
        super().__init__()
        self.pixels = _STRIDE * _TOKENS
        self.turn_to(inputs)
        a, b, c = stem
        self.stem = nn.Sequential(
            nn.Conv1d(4, a, 7, 2, 3), nn.GELU(approximate="tanh"),
            nn.Conv1d(a, b, 5, 2, 2), nn.GELU(approximate="tanh"),
            nn.Conv1d(b, c, 5, 2, 2), nn.GELU(approximate="tanh"),
            nn.Conv1d(c, width, 3, 3, 0),
        )  # fmt: skip
        place = (torch.arange(_TOKENS) + 0.5) / _TOKENS
        angle = 2 * math.pi * place[:, None] * torch.arange(1, _FREQUENCIES + 1) / 2
        self.register_buffer("place", torch.cat([angle.sin(), angle.cos()], 1), persistent=False)
        self.position = nn.Linear(2 * _FREQUENCIES, width)
        self.whole = nn.Linear(4, width)
        self.scale = RobustScale(2)
        self.transformer = Transformer(width, heads, blocks)
        self.pool = Pool(width, heads)
        self._sample: RowSample | None = None

    place: Tensor

    def turn_to(self, inputs: SpectrumInputs) -> None:
        """Read another survey's grid from now on."""
        self.grid = CommonGrid(inputs, self.pixels)
        self.relative = inputs.relative

    def forward(self, role: Mapping[str, Tensor]) -> Tensor:
        """Vectors (B, width) of objects that all have a spectrum."""
        tokens, valid = self.tokens(role)
        return self.pool(self.transformer(tokens, valid), valid)

    def tokens(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Tokens (B, 1 + N, width), that of the whole spectrum first, and which were observed (B, 1 + N) bool."""
        pixels, seen, whole = self.pixels_of(role)
        tokens = self.stem(pixels).transpose(1, 2) + self.position(self.place)
        observed = F.max_pool1d(seen[:, None].to(pixels.dtype), _STRIDE)[:, 0] > 0
        known = torch.isfinite(whole)
        standard = self.scale(torch.nan_to_num(whole), known)
        first = self.whole(torch.cat([standard, known.to(standard.dtype)], 1))
        tokens = torch.cat([first[:, None], tokens], 1)
        return tokens, F.pad(observed, (1, 0), value=True)

    def observe(self, role: Mapping[str, Tensor]) -> None:
        """Offer training spectra to the bounded sample that `settle` reads."""
        if self._sample is None:
            self._sample = RowSample(16_384)
        _, seen, whole = self.pixels_of(role)
        self._sample.add(whole[seen.any(1)])

    def settle(self) -> None:
        """Set the standardisation of level and signal-to-noise from the spectra observed."""
        if self._sample is not None:
            self.scale.fit(self._sample.rows())
        self._sample = None

    def pixels_of(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Channels (B, 4, P), where they were observed (B, P), and log level and log signal-to-noise (B, 2)."""
        flux, ivar = self.grid(role)
        seen = ivar > 0
        count = seen.sum(1).clamp_min(1)
        ratio = flux * ivar.sqrt()
        noise = torch.where(seen, ivar.clamp_min(1e-30).rsqrt(), torch.nan).nanmedian(1).values.nan_to_num(1.0)
        level = torch.where(seen, flux, torch.nan).nanmedian(1).values.nan_to_num(0.0)
        level = torch.maximum(level, 0.3 * noise)[:, None]
        shape = flux / level
        smooth = _smooth(flux * ivar, ivar, 95)
        line = torch.where(seen, (flux - smooth) * ivar.sqrt(), 0.0)
        error = torch.where(seen, torch.log(level * ivar.sqrt().clamp_min(1e-15)), 0.0)
        broad = torch.where(seen, _smooth(flux * ivar, ivar, 15) / level, 0.0)
        pixels = torch.stack([_asinh(3 * broad) / 2, _asinh(line) / 2, _asinh(shape * 1.0) * seen / 2, error / 3], 1)
        signal = torch.log(((ratio * seen).sum(1) / count).clamp_min(0.03))
        told = torch.full_like(signal, torch.nan) if self.relative else torch.log(level[:, 0])
        return pixels, seen, torch.stack([told, signal], 1)


def _smooth(weighted: Tensor, weight: Tensor, width: int) -> Tensor:
    """Weighted mean over `width` pixels around each (B, P); 0 where nothing was observed near."""
    both = torch.stack([weighted, weight], 1)
    top, bottom = F.avg_pool1d(both, width, 1, width // 2, count_include_pad=False).unbind(1)
    return torch.where(bottom > 0, top / bottom.clamp_min(1e-30), 0.0)


def _asinh(x: Tensor) -> Tensor:
    """asinh by square root and logarithm: several times faster than torch's own, exact to 1e-7 absolutely."""
    size = x.abs()
    return torch.copysign(torch.log(size + torch.sqrt(1 + size * size)), x)
