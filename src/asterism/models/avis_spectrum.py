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
_BLOCK = 32
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
        # Of independent pixels with inverse variances v and weights w the mean has (Σwv)² / Σw²v, and v is nearly the same here.
        effective = weight.sum(1) / np.maximum((weight**2).sum(1), 1e-12)
        self.register_buffer("effective", torch.from_numpy(effective.astype(np.float32)), persistent=False)

    near: Tensor
    weight: Tensor
    effective: Tensor

    def forward(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Flux and inverse variance (B, pixels), both 0 where nothing was observed."""
        seen = (role["ivar"] > 0) & role["present"][:, None]
        ivar = torch.where(seen, role["ivar"], 0.0)
        weighted = torch.where(seen, role["flux"], 0.0) * ivar
        # Sums over a bag of pixels each, for all spectra at once: a hundred times faster than gathering them.
        both = torch.cat([weighted, ivar]).T.contiguous()
        start = torch.arange(len(self.near), device=both.device) * self.near.shape[1]
        sums = F.embedding_bag(self.near.flatten(), both, start, mode="sum", per_sample_weights=self.weight.flatten())
        mean, total = sums.T.contiguous().chunk(2)
        mean = torch.where(total > 0, mean / total.clamp_min(1e-30), 0.0)
        return mean, total * self.effective


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
            nn.Conv1d(4, a, 7, 2, 3), nn.GELU(),
            nn.Conv1d(a, b, 5, 2, 2), nn.GELU(),
            nn.Conv1d(b, c, 5, 2, 2), nn.GELU(),
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
        return self.summary(*self.tokens(*self.grid(role)))

    def summary(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """Vectors (B, width) of tokens."""
        return self.pool(self.transformer(tokens, valid), valid)

    def tokens(self, flux: Tensor, ivar: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, 1 + N, width), that of the whole spectrum first, and which were observed (B, 1 + N) bool."""
        pixels, seen, whole = self.channels(flux, ivar)
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
        _, seen, whole = self.channels(*self.grid(role))
        self._sample.add(whole[seen.any(1)])

    def settle(self) -> None:
        """Set the standardisation of level and signal-to-noise from the spectra observed."""
        if self._sample is not None:
            self.scale.fit(self._sample.rows())
        self._sample = None

    def channels(self, flux: Tensor, ivar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Channels (B, 4, P), where they were observed (B, P), and log level and log signal-to-noise (B, 2)."""
        seen = ivar > 0
        root = ivar.sqrt()
        # The continuum: means over a 72nd of the range, and of three of these, joined by straight lines.
        blocks = _means(flux * ivar, ivar, _BLOCK)
        there = _means(flux * ivar, ivar, _BLOCK)[1] > 0
        level = torch.where(there, blocks[0], torch.nan).nanmedian(1).values.nan_to_num(0.0)
        noise = torch.where(there, blocks[1].clamp_min(1e-30).rsqrt(), torch.nan).nanmedian(1).values.nan_to_num(1.0)
        level = torch.maximum(level, 0.5 * noise)[:, None]
        smooth = _line(blocks[0], self.pixels)
        signal = level * root
        excess = (flux - smooth) * seen
        pixels = torch.stack(
            [
                _asinh(3 * smooth / level) / 2 * seen,
                _asinh(excess * root) / 2,
                _asinh(3 * excess / level * (signal * signal / (1 + signal * signal))) / 2,
                _asinh(signal) / 2,
            ],
            1,
        )
        ratio = torch.log(((flux * root).sum(1) / seen.sum(1).clamp_min(1)).clamp_min(0.03))
        told = torch.full_like(ratio, torch.nan) if self.relative else torch.log(level[:, 0])
        return pixels, seen, torch.stack([told, ratio], 1)


def _means(weighted: Tensor, weight: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Weighted means over blocks of `width` pixels and their neighbours (B, P / width), and the mean weight."""
    both = F.avg_pool1d(torch.stack([weighted, weight], 1), width)
    top, bottom = F.avg_pool1d(F.pad(both, (1, 1), mode="replicate"), 3, 1).unbind(1)
    return torch.where(bottom > 0, top / bottom.clamp_min(1e-30), 0.0), bottom


def _line(blocks: Tensor, pixels: int) -> Tensor:
    """Straight lines (B, pixels) through the values of blocks."""
    return F.interpolate(blocks[:, None], pixels, mode="linear", align_corners=False)[:, 0]


def _asinh(x: Tensor) -> Tensor:
    """asinh by square root and logarithm: several times faster than torch's own, exact to 1e-7 absolutely."""
    size = x.abs()
    return torch.copysign(torch.log(size + torch.sqrt(1 + size * size)), x)
