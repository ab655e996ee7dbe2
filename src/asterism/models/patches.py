"""Image patches as tokens: flux in units of its noise and of the object's light, what was not observed masked."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.models.inputs import ImageInputs
from asterism.models.numeric import asinh
from asterism.models.statistics import RobustScale, RowSample

__all__ = ["ImagePatches"]

_LONGEST_GRID = 8


class ImagePatches(nn.Module):
    """Stamps (B, bands, y, x) → tokens (B, N, width) and which of them were observed.

    A pixel enters twice: as ``asinh(S/N) / 3`` with the noise of the sky, which keeps six decades of flux apart, and
    as ``asinh(10 f / F) / 3`` with F the band's light within a Gaussian aperture on the stamp's centre, which is the
    object's profile, the same at every brightness. F counts as at least three times its own error, so that the
    profile of what was not detected stays near 0. Each token also carries the share of its pixels that were observed,
    per band.

    What holds for a whole stamp goes into every token: per band log10 PSF width (arcsec), log10 of the flux error of a
    pixel, and the asinh signal-to-noise of F, standardised with buffers learned from the training rows.

    Some images tell a noise for each pixel, with the source's own photons in it, others the sky's alone. Both are read as the
    sky's, the median over the stamp: a bright star has the same tokens either way.

    Patches are embedded by a two-layer MLP, get a learned position, and look at their neighbours once through a
    depthwise 3×3 convolution over the grid of patches. Stamps whose side is no multiple of the patch are padded with
    unobserved pixels.

    Parameters
    ----------
    inputs : ImageInputs
        Bands, size and pixel scale.
    width : int
        Width of a token.
    patch : int, optional
        Pixels along a patch's side; by default the smallest that gives at most 8×8 patches.
    """

    def __init__(self, inputs: ImageInputs, width: int, patch: int | None = None) -> None:
        super().__init__()
        ny, nx = inputs.shape
        self.inputs = inputs
        self.patch = patch or math.ceil(max(ny, nx) / _LONGEST_GRID)
        self.grid = (math.ceil(ny / self.patch), math.ceil(nx / self.patch))
        bands = len(inputs.bands)
        # A convolution with the patch as kernel and stride is one linear map of every patch.
        self.pixels = nn.Conv2d(2 * bands, 2 * width, self.patch, self.patch)
        self.share = nn.Linear(bands, 2 * width)
        self.embed = nn.Sequential(nn.GELU(), nn.Linear(2 * width, width))
        self.position = nn.Parameter(0.5 * torch.randn(self.grid[0] * self.grid[1], width))
        self.whole = nn.Linear(2 * 3 * bands, width)
        self.neighbours = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.mix = nn.Linear(width, width)
        self.scale = RobustScale(3 * bands)
        self.register_buffer("aperture", _aperture(inputs), persistent=False)
        self._sample: RowSample | None = None

    aperture: Tensor

    def forward(self, image: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Tokens of a batch.

        Parameters
        ----------
        image : mapping of str to Tensor
            ``batch["image"]``: ``flux`` (B, bands, y, x), ``ivar`` of the same shape or (B, bands, 1, 1), optionally
            ``psf_fwhm`` (B, bands), ``present`` (B,).

        Returns
        -------
        tokens : Tensor
            (B, N, width).
        observed : Tensor
            (B, N) bool: tokens with at least one observed pixel.
        """
        flux, ivar, seen = self._pixels(image)
        statistics, light = self._whole(image, flux, ivar, seen)
        significance = asinh(flux * torch.sqrt(ivar)) / 3
        profile = asinh(flux * (10 / light.clamp_min(1e-12))[:, :, None, None]) / 3
        share = F.avg_pool2d(self._pad(seen.to(flux.dtype)), self.patch).flatten(2).transpose(1, 2)
        pixels = self.pixels(self._pad(torch.cat([significance, profile], 1))).flatten(2).transpose(1, 2)
        tokens = self.embed(pixels + self.share(share))
        known = torch.isfinite(statistics)
        standard = self.scale(torch.nan_to_num(statistics), known)
        tokens = tokens + self.position + self.whole(torch.cat([standard, (~known).to(standard.dtype)], 1))[:, None]
        observed = (share > 0).any(-1)
        tokens = tokens * observed[:, :, None]
        around = self.neighbours(tokens.transpose(1, 2).unflatten(-1, self.grid)).flatten(2).transpose(1, 2)
        return tokens + self.mix(F.gelu(around)), observed

    def observe(self, image: Mapping[str, Tensor]) -> None:
        """Offer training stamps to the bounded sample that `settle` reads."""
        flux, ivar, seen = self._pixels(image)
        if self._sample is None:
            self._sample = RowSample(16_384)
        statistics = self._whole(image, flux, ivar, seen)[0]
        self._sample.add(statistics[image["present"]])

    def settle(self) -> None:
        """Set the standardisation of what holds for a whole stamp from the stamps observed."""
        if self._sample is not None:
            self.scale.fit(self._sample.rows())
        self._sample = None

    def _pixels(self, image: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Flux and the sky's inverse variance, 0 where not observed, and where they were."""
        flux, ivar = image["flux"], image["ivar"]
        seen = ((ivar > 0) & image["present"][:, None, None, None]).expand_as(flux)
        if ivar.shape[2:] == flux.shape[2:]:
            known = torch.where(ivar > 0, ivar, torch.nan).flatten(2)
            ivar = torch.nan_to_num(known.nanmedian(-1).values)[:, :, None, None]
        return torch.where(seen, flux, 0.0), torch.where(seen, ivar.expand_as(flux), 0.0), seen

    def _whole(self, image: Mapping[str, Tensor], flux: Tensor, ivar: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Statistics of whole stamps (B, 3 bands), NaN where not known, and the light per band (B, bands)."""
        weight = self.aperture * seen
        # Σwf / Σw²: the amplitude of a source of the aperture's shape, by least squares with equal errors
        norm = (weight * self.aperture).sum((2, 3)).clamp_min(1e-6)
        amplitude = (weight * flux).sum((2, 3)) / norm
        variance = (weight**2 / torch.where(seen, ivar, 1.0)).sum((2, 3)) / norm**2
        light = torch.maximum(amplitude, 3 * torch.sqrt(variance)) * self.aperture.sum()
        any_seen = seen.any(-1).any(-1)
        typical = ivar.sum((2, 3)) / seen.sum((2, 3)).clamp_min(1)
        noise = torch.where(any_seen, -0.5 * torch.log10(typical.clamp_min(1e-30)), torch.nan)
        snr = torch.where(any_seen, torch.asinh(amplitude / torch.sqrt(variance.clamp_min(1e-30))), torch.nan)
        width = image["psf_fwhm"] if "psf_fwhm" in image else torch.full_like(noise, torch.nan)
        width = torch.where(any_seen & (width > 0), torch.log10(width.clamp_min(1e-3)), torch.nan)
        return torch.cat([width, noise, snr], 1), light

    def _pad(self, pixels: Tensor) -> Tensor:
        """Zeros at the far edges, up to a whole number of patches."""
        down = self.grid[0] * self.patch - pixels.shape[2]
        right = self.grid[1] * self.patch - pixels.shape[3]
        return F.pad(pixels, (0, right, 0, down)) if down or right else pixels


def _aperture(inputs: ImageInputs) -> Tensor:
    """Gaussian weight on the stamp's centre, of FWHM 1.5″ (a point source in ordinary seeing), peak 1."""
    ny, nx = inputs.shape
    sigma = 1.5 / 2.3548 / inputs.pixel_scale
    y = torch.arange(ny) - (ny - 1) / 2
    x = torch.arange(nx) - (nx - 1) / 2
    return torch.exp(-0.5 * (y[:, None] ** 2 + x[None] ** 2) / sigma**2)
