"""Stamps as tokens: the centre at full resolution, the whole at a third of it, and the light within apertures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.inputs import ImageInputs
from asterism.models.statistics import RobustScale, RowSample
from asterism.models.transformer import Pool, Transformer

__all__ = ["ImageEncoder"]

_APERTURES = (0.7, 1.5, 3.0, 6.0)
"""Arcseconds: standard deviations of the Gaussian apertures."""


class ImageEncoder(nn.Module):
    """Stamps (B, bands, y, x) → one vector (B, width).

    Parameters
    ----------
    inputs : ImageInputs
    side : int
        Largest side of the crop.
    width, heads, blocks : int
        Of tokens and the transformer.
    stem : (int, int)
        Channels of the convolutions before the tokens.
    """

    def __init__(
        self, inputs: ImageInputs, side: int, width: int, heads: int, blocks: int, stem: tuple[int, int]
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.bands = inputs.bands
        self.take: list[int] | None = None
        # A whole number of coarse patches: 3 pixels to one, 8 of these to a token.
        self.side = max(24, min(side, min(inputs.shape)) // 24 * 24)
        self.centre = max(16, self.side // 3 // 8 * 8)
        n = len(self.bands)
        a, b = stem
        self.fine, self.coarse = _stem(2 * n, a, b, width), _stem(2 * n, a, b, width)
        tokens = (self.centre // 8) ** 2, (self.side // 24) ** 2
        self.position = nn.Parameter(0.2 * torch.randn(sum(tokens), width))
        self.light = nn.Sequential(
            nn.Linear(2 * n * (len(_APERTURES) + 2), 2 * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(2 * width, width),
        )
        self.scale = RobustScale(n * (len(_APERTURES) + 2))
        self.register_buffer("softening", torch.ones(n))
        self.register_buffer("apertures", _gaussians(self.side, inputs.pixel_scale), persistent=False)
        self.transformer = Transformer(width, heads, blocks)
        self.pool = Pool(width, heads)
        self._noise: RowSample | None = None
        self._sample: list[Mapping[str, Tensor]] = []

    softening: Tensor
    apertures: Tensor

    def turn_to(self, inputs: ImageInputs) -> None:
        """Read stamps of other bands or another size from now on: bands are matched by name, missing ones are absent."""
        raise ConfigurationError("not yet")

    def forward(self, image: Mapping[str, Tensor]) -> Tensor:
        """Vectors (B, width) of objects that all have an image."""
        tokens, valid = self.tokens(image)
        return self.pool(self.transformer(tokens, valid), valid)

    def tokens(self, image: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Tokens (B, 1 + N, width), that of the apertures first, and which were observed (B, 1 + N) bool."""
        flux, ivar, seen = self._pixels(image)
        statistics = self._statistics(image, flux, ivar, seen)
        known = torch.isfinite(statistics)
        standard = self.scale(torch.nan_to_num(statistics), known)
        light = self.light(torch.cat([standard, known.to(standard.dtype)], 1))
        weight = seen.to(flux.dtype)
        cut = (self.side - self.centre) // 2
        inner = (..., slice(cut, cut + self.centre), slice(cut, cut + self.centre))
        share = F.avg_pool2d(weight, 3)
        thirds = F.avg_pool2d(flux, 3) / share.clamp_min(1e-6)
        fine = torch.cat([self._stretch(flux[inner]), weight[inner]], 1)
        # The mean of nine pixels has a third of the noise of one.
        coarse = torch.cat([self._stretch(3 * thirds), share], 1)
        found = [
            stem(x.contiguous(memory_format=torch.channels_last)).flatten(2).transpose(1, 2)
            for stem, x in ((self.fine, fine), (self.coarse, coarse))
        ]
        tokens = torch.cat(found, 1) + self.position
        observed = [F.max_pool2d(share.amax(1, keepdim=True), 8).flatten(1) > 0 for share in (weight[inner], share)]
        tokens = torch.cat([light[:, None], tokens], 1)
        return tokens, F.pad(torch.cat(observed, 1), (1, 0), value=True)

    def observe(self, image: Mapping[str, Tensor]) -> None:
        """Offer training stamps to the bounded samples that `settle` reads."""
        flux, ivar, seen = self._pixels(image)
        if self._noise is None:
            self._noise = RowSample(16_384)
        self._noise.add(self._statistics(image, flux, ivar, seen)[image["present"]])

    def settle(self) -> None:
        """Set softenings and standardisation from the stamps observed."""
        if self._noise is not None:
            rows = self._noise.rows()
            self.scale.fit(rows)
            n = len(self.bands)
            noise = 10.0 ** rows[:, -n:].nanmedian(0).values
            self.softening.copy_(torch.where(torch.isfinite(noise), noise, 1.0))
        self._noise = None

    def _stretch(self, flux: Tensor) -> Tensor:
        return _asinh(flux / self.softening[:, None, None]) / 2

    def _pixels(self, image: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Flux and its inverse variance, 0 where not observed, and where they were, cropped or padded to the side."""
        flux = image["flux"]
        seen = ((image["ivar"] > 0) & image["present"][:, None, None, None]).expand_as(flux)
        ivar = torch.where(seen, image["ivar"], 0.0)
        flux = torch.where(seen, flux, 0.0)
        return _fit(flux, self.side), _fit(ivar, self.side), _fit(seen, self.side)

    def _statistics(self, image: Mapping[str, Tensor], flux: Tensor, ivar: Tensor, seen: Tensor) -> Tensor:
        """(B, bands · (apertures + 2)): log flux within each aperture, log PSF width, log noise of a pixel; NaN where unknown."""
        weight = seen.to(flux.dtype)
        count = weight.sum((2, 3))
        typical = ivar.sum((2, 3)) / count.clamp_min(1)
        there = count > 0
        sigma = torch.where(there, typical.clamp_min(1e-30).rsqrt(), torch.nan)
        shape = self.apertures.flatten(1)
        share = weight.flatten(2) @ shape.T
        light = (flux.flatten(2) @ shape.T) / share.clamp_min(1e-6) * shape.sum(1)
        error = sigma[..., None] * (shape * shape).sum(1).sqrt()
        told = torch.where(share > 0.5 * shape.sum(1), _asinh(light / (2 * error)) + torch.log(2 * error), torch.nan)
        width = image["psf_fwhm"] if "psf_fwhm" in image else torch.full_like(sigma, torch.nan)
        width = torch.where(there & (width > 0), torch.log10(width.clamp_min(1e-3)), torch.nan)
        return torch.cat([told.flatten(1), width, torch.log10(sigma)], 1)


def _stem(channels: int, a: int, b: int, width: int) -> nn.Sequential:
    """(B, channels, n, n) → (B, width, n/8, n/8)."""
    return nn.Sequential(
        nn.Conv2d(channels, a, 3, 2, 1), nn.GELU(approximate="tanh"),
        nn.Conv2d(a, b, 3, 2, 1), nn.GELU(approximate="tanh"),
        nn.Conv2d(b, width, 3, 2, 1),
    )  # fmt: skip


def _fit(pixels: Tensor, side: int) -> Tensor:
    """Centre crop, or zeros around, to (…, side, side)."""
    down, right = side - pixels.shape[-2], side - pixels.shape[-1]
    return F.pad(pixels, (right // 2, right - right // 2, down // 2, down - down // 2)) if down or right else pixels


def _gaussians(side: int, pixel_scale: float) -> Tensor:
    x = (torch.arange(side) - (side - 1) / 2) * pixel_scale
    r2 = x[:, None] ** 2 + x**2
    return torch.stack([torch.exp(-0.5 * r2 / s**2) for s in _APERTURES])


def _asinh(x: Tensor) -> Tensor:
    """asinh by square root and logarithm: several times faster than torch's own, exact to 1e-7 absolutely."""
    size = x.abs()
    return torch.copysign(torch.log(size + torch.sqrt(1 + size * size)), x)
