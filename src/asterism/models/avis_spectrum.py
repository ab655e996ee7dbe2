"""Any survey's spectra as tokens of the same wavelengths: one set of weights for every grid."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.numeric import asinh
from asterism.models.spectral_factors import SpectralFactors
from asterism.models.spectral_inputs import SpectrumInputs
from asterism.models.statistics import RobustScale, RowSample
from asterism.models.transformer import Pool, Transformer, rotation

__all__ = ["RANGE", "CommonGrid", "SpectrumEncoder"]

RANGE = (3600.0, 9824.0)
"""Å in vacuum that are read, whatever the survey: those of DESI."""

_TOKENS = 96
_BLOCK = 32  # pixels of the common grid; the continuum is a mean over three such
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
        used = near[weight > 0]
        self.first, self.last = int(used.min()), int(used.max()) + 1
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
    """Spectra of any survey → one vector (B, width).

    On the common grid of 2304 pixels each spectrum is divided by its level, the median of its continuum (at least half the typical
    error of that). The continuum is straight lines through inverse-variance means of 3/72 of the range. Four channels:

    ============  ===================================================================================
    continuum     asinh(3 continuum / level) / 2: the shape, whatever the brightness
    significance  asinh((flux - continuum) / error) / 2: lines, as far as noise lets see them
    contrast      asinh(3 (flux - continuum) / level · s² / (1 + s²)) / 2, s = level / error: lines
                  by their strength, shrunk to 0 where the noise is larger than the level
    signal        asinh(s) / 2: 0 where nothing was observed
    ============  ===================================================================================

    Four convolutions of strides 2, 2, 2 and 3 make one token of 24 pixels; they know no wavelength, so that a line is learned once for
    all redshifts. Then each token is told its ln λ by sines and cosines (Vaswani et al. 2017, arXiv:1706.03762, section 3.5), and a
    transformer relates lines to their places. Tokens without anything observed are masked.

    A first token has what holds for the whole spectrum, standardised with buffers learned from the training rows: the logarithms of
    the level, not known where a survey's flux is relative, and of the mean signal-to-noise ratio.

    Beside the vector stand linear factors, learned from the training rows as well, see `SpectralFactors`.

    Parameters
    ----------
    inputs : SpectrumInputs
    width, heads, blocks : int
        Of tokens and the transformer.
    stem : (int, int, int)
        Channels of the convolutions before the tokens.
    factors : int
        Number of linear factors; may be 0.
    normalised : bool
        Leave out the level, as where a survey's flux is relative.
    """

    stride = 24
    place: Tensor
    cosine: Tensor
    sine: Tensor

    def __init__(
        self,
        inputs: SpectrumInputs,
        width: int,
        heads: int,
        blocks: int,
        stem: tuple[int, int, int],
        *,
        factors: int = 0,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        self.normalised = normalised
        self.width, self.heads = width, heads
        self.turn_to(inputs)
        a, b, c = stem
        self.stem = nn.Sequential(
            nn.Conv1d(4, a, 7, 2, 3), nn.GELU(),
            nn.Conv1d(a, b, 5, 2, 2), nn.GELU(),
            nn.Conv1d(b, c, 5, 2, 2), nn.GELU(),
            nn.Conv1d(c, width, 3, 3, 0),
        )  # fmt: skip
        place = (torch.arange(_TOKENS) + 0.5) / _TOKENS
        angle = math.pi * place[:, None] * torch.arange(1, _FREQUENCIES + 1)
        self.register_buffer("place", torch.cat([angle.sin(), angle.cos()], 1), persistent=False)
        cosine, sine = rotation(torch.arange(_TOKENS + 1), width // heads)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self.position = nn.Linear(2 * _FREQUENCIES, width)
        self.whole = nn.Linear(4, width)
        self.scale = RobustScale(2)
        self.transformer = Transformer(width, heads, blocks)
        self.pool = Pool(width, heads)
        self.factors = SpectralFactors(factors, self.stride * _TOKENS)
        self._sample: RowSample | None = None

    def turn_to(self, inputs: SpectrumInputs) -> None:
        """Read another survey's grid from now on."""
        self.grid = CommonGrid(inputs, self.stride * _TOKENS)
        self.relative = inputs.relative

    def present(self, role: Mapping[str, Tensor]) -> Tensor:
        """Objects (B,) bool of which something was observed within `RANGE`."""
        return role["present"] & (role["ivar"][:, self.grid.first : self.grid.last] > 0).any(1)

    def forward(self, role: Mapping[str, Tensor]) -> Tensor:
        """Vectors (B, width) of objects that are `present`."""
        return self.summary(*self.tokens(*self.grid(role)))

    def both(self, role: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Vectors (B, width) and linear factors (B, K) of objects that are `present`."""
        spectra = self.grid(role)
        return self.summary(*self.tokens(*spectra)), self.factors(*spectra, self.level(*spectra)[0])

    def summary(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """Vectors (B, width) of tokens (B, 1 + N, width) of which some are valid."""
        return self.pool(self.related(tokens, valid), valid)

    def related(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """Tokens (B, 1 + N, width) that have seen each other, with their places, of tokens of which some are valid."""
        tokens = self.transformer(tokens, valid, (self.cosine, self.sine))
        return tokens + F.pad(self.position(self.place), (0, 0, 1, 0))

    def tokens(self, flux: Tensor, ivar: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, 1 + N, width) of spectra on the common grid, that of the whole first, and which were observed."""
        pixels, seen, whole = self.channels(flux, ivar)
        tokens = self.stem(pixels).transpose(1, 2)
        observed = F.max_pool1d(seen[:, None].to(pixels.dtype), self.stride)[:, 0] > 0
        known = torch.isfinite(whole)
        standard = self.scale(torch.nan_to_num(whole), known)
        first = self.whole(torch.cat([standard, known.to(standard.dtype)], 1))
        return torch.cat([first[:, None], tokens], 1), F.pad(observed, (1, 0), value=True)

    def observe(self, role: Mapping[str, Tensor]) -> None:
        """Offer training spectra to the bounded sample that `settle` reads."""
        if self._sample is None:
            self._sample = RowSample(16_384)
        flux, ivar = (values[self.present(role)] for values in self.grid(role))
        self._sample.add(self.channels(flux, ivar)[2])
        if self.factors.count:
            self.factors.observe(flux, ivar, self.level(flux, ivar)[0])

    def settle(self) -> None:
        """Set the standardisation of level and signal-to-noise, and the linear factors, from the spectra observed."""
        if self._sample is not None:
            self.scale.fit(self._sample.rows())
        self._sample = None
        self.factors.settle()

    def level(self, flux: Tensor, ivar: Tensor) -> tuple[Tensor, Tensor]:
        """Level (B, 1) and continuum (B, P) of spectra on the common grid."""
        light, weight = _means(flux * ivar, ivar, _BLOCK)
        there = weight > 0
        level = torch.where(there, light, torch.nan).nanmedian(1).values.nan_to_num(0.0)
        noise = torch.where(there, weight.clamp_min(1e-30).rsqrt(), torch.nan).nanmedian(1).values.nan_to_num(1.0)
        return torch.maximum(level, 0.5 * noise)[:, None], _lines(light, flux.shape[1])

    def channels(self, flux: Tensor, ivar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Channels (B, 4, P), where they were observed (B, P), and log level and log signal-to-noise (B, 2)."""
        seen, root = ivar > 0, ivar.sqrt()
        level, continuum = self.level(flux, ivar)
        signal = level * root
        excess = (flux - continuum) * seen
        pixels = [
            asinh(3 * continuum / level) * seen,
            asinh(excess * root),
            asinh(3 * excess / level * (signal * signal / (1 + signal * signal))),
            asinh(signal),
        ]
        ratio = torch.log(((flux * root).sum(1) / seen.sum(1).clamp_min(1)).clamp_min(0.03))
        told = torch.full_like(ratio, torch.nan) if self.relative or self.normalised else torch.log(level[:, 0])
        return torch.stack(pixels, 1) / 2, seen, torch.stack([told, ratio], 1)


def _means(weighted: Tensor, weight: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Weighted means over blocks of `width` pixels and their neighbours (B, P / width), and the mean weight."""
    both = F.avg_pool1d(torch.stack([weighted, weight], 1), width)
    top, bottom = F.avg_pool1d(F.pad(both, (1, 1), mode="replicate"), 3, 1).unbind(1)
    return torch.where(bottom > 0, top / bottom.clamp_min(1e-30), 0.0), bottom


def _lines(blocks: Tensor, pixels: int) -> Tensor:
    """Straight lines (B, pixels) through the values of blocks."""
    return F.interpolate(blocks[:, None], pixels, mode="linear", align_corners=False)[:, 0]
