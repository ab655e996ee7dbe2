"""Stamps as tokens: the centre at full resolution, the whole at a third of it, and the light within apertures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.inputs import ImageInputs
from asterism.models.numeric import asinh
from asterism.models.statistics import RobustScale, RowSample
from asterism.models.transformer import Pool, Transformer

__all__ = ["FINE", "THIRD", "ImageEncoder", "Pixels"]

FINE, THIRD = 8, 3
"""Pixels along a token's side, and full pixels along one of the coarse scale."""

_APERTURES = (0.7, 1.5, 3.0, 6.0)
"""Arcseconds: standard deviations of the Gaussian apertures."""

_LEAST_SHARE = 0.1  # of an aperture that has to be seen
_NORMAL = 1
"""Which of them holds the light that flux is normalised by: wider than the seeing, and not yet mostly sky."""


class Pixels(NamedTuple):
    """What of stamps is read.

    Attributes
    ----------
    flux : Tensor
        (B, bands, y, x) over the object's own light, 0 where not observed.
    ivar : Tensor
        Its inverse variance.
    seen : Tensor
        Where it was observed, bool.
    light : Tensor
        (B,) what flux was divided by, nanomaggy; NaN where nothing was observed of it, and flux is as it was.
    """

    flux: Tensor
    ivar: Tensor
    seen: Tensor
    light: Tensor

    def without(self, hidden: Tensor) -> Pixels:
        """The same with pixels (B, 1, y, x) bool taken away."""
        return self._replace(
            flux=torch.where(hidden, 0.0, self.flux),
            ivar=torch.where(hidden, 0.0, self.ivar),
            seen=self.seen & ~hidden,
        )


class ImageEncoder(nn.Module):
    """Stamps (B, bands, y, x) → one vector (B, width).

    Two scales, each cut into tokens of 8×8 pixels by three convolutions of stride 2: a third of the stamp's side around its centre
    at full resolution, where faint and small sources have all that there is of them, and the whole with means of 3×3 pixels. At full
    resolution the whole would be nine times the work for sky. Flux is divided by the object's own light within the second aperture
    (the mean of its bands, at least the error of that), so that convolutions see colours and shapes alike at all brightnesses and, by
    the noise, how far they can be trusted. A pixel is asinh(flux / softening) / 2, the softening of a band being the typical noise
    of a pixel in the training stamps, and is beside whether, or how much of it, was observed.

    A token of its own has what holds for the whole stamp: the logarithm of that light and, per band, the light within four Gaussian
    apertures as asinh magnitudes, whose softening is their own error, PSF width and pixel noise, standardised with buffers learned from
    the training stamps. Colours are then there from the start and need no convolution to find them.

    A band of which nothing was observed is 0 everywhere and marked so in the light's token and in every pixel's share: convolution and
    linear map have a learned answer to the mark.

    Some images tell a noise for each pixel, others one for each band; it counts only as the stamp's typical one.

    Parameters
    ----------
    inputs : ImageInputs
    side : int
        Largest side of the crop around the centre; stamps that are smaller are cropped to a multiple of 24.
    width, heads, blocks : int
        Of tokens and the transformer.
    stem : (int, int)
        Channels of the convolutions before the tokens.
    normalised : bool
        Leave out the light itself: how bright an object is then shows in nothing but how far it rises above the noise.
    """

    softening: Tensor
    apertures: Tensor

    def __init__(
        self,
        inputs: ImageInputs,
        side: int,
        width: int,
        heads: int,
        blocks: int,
        stem: tuple[int, int],
        *,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        self.normalised = normalised
        self.inputs, self.bands, self.width, self.heads = inputs, inputs.bands, width, heads
        self.take: list[int] | None = None
        step = THIRD * FINE
        self.side = max(step, min(side, *inputs.shape) // step * step)
        self.centre = max(2 * FINE, self.side // THIRD // FINE * FINE)
        n, told = len(self.bands), len(inputs.bands) * (len(_APERTURES) + 2) + (not normalised)
        self.fine, self.coarse = _stem(2 * n, *stem, width), _stem(2 * n, *stem, width)
        self.fine_tokens, self.coarse_tokens = (self.centre // FINE) ** 2, (self.side // step) ** 2
        self.position = nn.Parameter(0.2 * torch.randn(self.fine_tokens + self.coarse_tokens, width))
        self.light = nn.Sequential(nn.Linear(2 * told, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.scale = RobustScale(told)
        self.register_buffer("softening", torch.ones(n))
        self.register_buffer("apertures", _gaussians(self.side, inputs.pixel_scale), persistent=False)
        self.transformer = Transformer(width, heads, blocks)
        self.pool = Pool(width, heads)
        self._sample: RowSample | None = None

    def turn_to(self, inputs: ImageInputs) -> None:
        """Read stamps of other bands or of another size from now on.

        Bands are matched by name: what the weights know and the stamps lack is absent, what they don't know is not read. Stamps are
        cropped, or padded with pixels that were not observed, to the size that the weights know.

        Raises
        ------
        ConfigurationError
            Pixel scale or zero point differ, or no band is known.
        """
        ours = self.inputs
        if abs(inputs.pixel_scale / ours.pixel_scale - 1) > 0.01:
            raise ConfigurationError(
                f"the model reads images with pixels of {ours.pixel_scale:g} arcsec and {inputs.group} has pixels of "
                f"{inputs.pixel_scale:g}; train a model on such images, or leave them out"
            )
        if inputs.zero_point != ours.zero_point:
            raise ConfigurationError(
                f"the model reads images with fluxes of zero point {ours.zero_point} and {inputs.group} has "
                f"{inputs.zero_point}; train a model on such images, or leave them out"
            )
        if not set(ours.bands) & set(inputs.bands):
            raise ConfigurationError(
                f"the model knows images in bands {', '.join(ours.bands)} and {inputs.group} has none of them (only "
                f"{', '.join(inputs.bands)}); train a model on such images, or leave them out"
            )
        same = inputs.bands == ours.bands
        self.take = None if same else [inputs.bands.index(b) if b in inputs.bands else -1 for b in ours.bands]

    def present(self, image: Mapping[str, Tensor]) -> Tensor:
        """Objects (B,) bool of which something was observed in a band that the weights know."""
        ivar = image["ivar"] if self.take is None else self._known(image["ivar"], 0.0)
        return image["present"] & (ivar > 0).flatten(1).any(1)

    def forward(self, image: Mapping[str, Tensor]) -> Tensor:
        """Vectors (B, width) of objects that are `present`."""
        tokens, valid = self.tokens(image, self.pixels(image))
        return self.pool(self.transformer(tokens, valid), valid)

    def tokens(self, image: Mapping[str, Tensor], pixels: Pixels) -> tuple[Tensor, Tensor]:
        """Tokens (B, 1 + N, width), that of the light first, and which were observed (B, 1 + N) bool.

        Parameters
        ----------
        image : mapping of str to Tensor
            ``batch["image"]``, for the PSF.
        pixels : Pixels
            What `pixels` gives, or with some of it taken away.
        """
        statistics = self._statistics(image, pixels)
        known = torch.isfinite(statistics)
        standard = self.scale(torch.nan_to_num(statistics), known)
        light = self.light(torch.cat([standard, known.to(standard.dtype)], 1))
        tokens, observed = [light[:, None]], [known.any(1, keepdim=True)]
        for stem, (values, _, share) in zip((self.fine, self.coarse), self.scales(*pixels[:3]), strict=True):
            channels = torch.cat([self.stretch(values), share], 1).contiguous(memory_format=torch.channels_last)
            tokens.append(stem(channels).flatten(2).transpose(1, 2))
            observed.append(F.max_pool2d(share.amax(1, keepdim=True), FINE).flatten(1) > 0)
        observed[0] = torch.ones_like(observed[0])
        return torch.cat([tokens[0], torch.cat(tokens[1:], 1) + self.position], 1), torch.cat(observed, 1)

    def observe(self, image: Mapping[str, Tensor]) -> None:
        """Offer training stamps to the bounded sample that `settle` reads."""
        if self._sample is None:
            self._sample = RowSample(16_384)
        self._sample.add(self._statistics(image, self.pixels(image))[self.present(image)])

    def settle(self) -> None:
        """Set softenings and standardisation from the stamps observed."""
        if self._sample is not None:
            rows = self._sample.rows()
            self.scale.fit(rows)
            noise = 10.0 ** rows[:, rows.shape[1] - len(self.bands) :].nanmedian(0).values
            self.softening.copy_(torch.where(torch.isfinite(noise), noise, 1.0))
        self._sample = None

    def stretch(self, flux: Tensor) -> Tensor:
        """asinh(flux / softening) / 2 of (B, bands, y, x)."""
        return asinh(flux / self.softening[:, None, None]) / 2

    def scales(
        self, flux: Tensor, ivar: Tensor, seen: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
        """Of the centre at full resolution and of the whole at a third: flux, inverse variance, share observed.

        The coarse scale's flux is three times the mean of its nine pixels, so that its noise is that of one.
        """
        cut = (self.side - self.centre) // 2
        inner = (..., slice(cut, cut + self.centre), slice(cut, cut + self.centre))
        weight = seen.to(flux.dtype)
        share = F.avg_pool2d(weight, THIRD)
        light = F.avg_pool2d(flux, THIRD) * (THIRD / share.clamp_min(1e-6))
        ivar = ivar.expand_as(flux)
        return (flux[inner], ivar[inner], weight[inner]), (light, F.avg_pool2d(ivar, THIRD), share)

    def pixels(self, image: Mapping[str, Tensor], hidden: Tensor | None = None) -> Pixels:
        """What is read of stamps, cropped or padded to the side.

        Parameters
        ----------
        image : mapping of str to Tensor
            ``batch["image"]``.
        hidden : Tensor, optional
            Pixels (B, 1, y, x) bool that the object's own light must not be told from.
        """
        flux, ivar = image["flux"], image["ivar"]
        if self.take is not None:
            flux, ivar = self._known(flux, 0.0), self._known(ivar, 0.0)
        if min(flux.shape[-2:]) < self.side:
            ivar = ivar.expand_as(flux)  # what is put around a stamp was not observed
        flux, ivar = _fit(flux, self.side), _fit(ivar, self.side) if ivar.shape[-1] > 1 else ivar
        seen = (ivar > 0) & image["present"][:, None, None, None]
        ivar = torch.where(seen, ivar, 0.0)
        if not bool(seen.all()):
            flux = torch.where(seen, flux, 0.0)
        # One inverse variance for a band is not written down for each of its pixels: what is done here reads much and counts little.
        whole = Pixels(flux, ivar.expand_as(flux), seen.expand_as(flux), flux.new_empty(0))
        light = self._light(whole if hidden is None else whole.without(hidden))
        over = light.nan_to_num(nan=1.0)[:, None, None, None]
        return Pixels(flux / over, (ivar * over * over).expand_as(flux), seen.expand_as(flux), light)

    def _light(self, pixels: Pixels) -> Tensor:
        """Light of each object (B,) within an aperture, mean of the bands that saw a tenth of it, and at least the error of such a mean,
        which is all that is known where none did; NaN where nothing was observed.
        """
        shape, weight = self.apertures[_NORMAL].flatten(), pixels.seen.to(pixels.flux.dtype).flatten(2)
        share = weight @ shape / shape.sum()
        covered, count = share > _LEAST_SHARE, weight.sum(2)
        measured = pixels.flux.flatten(2) @ shape / share.clamp_min(_LEAST_SHARE)
        light = (measured * covered).sum(1) / covered.sum(1).clamp_min(1)
        there = count > 0
        variance = there * count / pixels.ivar.sum((2, 3)).clamp_min(1e-30)
        error = (variance.sum(1) * (shape * shape).sum()).sqrt() / there.sum(1).clamp_min(1)
        return torch.where(there.any(1), torch.maximum(light, error), torch.nan)

    def _known(self, values: Tensor, absent: float) -> Tensor:
        """Bands (B, bands, …) that the weights know, of those that the stamps have."""
        assert self.take is not None
        nothing = torch.full_like(values[:, 0], absent)
        return torch.stack([values[:, i] if i >= 0 else nothing for i in self.take], 1)

    def _statistics(self, image: Mapping[str, Tensor], pixels: Pixels) -> Tensor:
        """(B, 1 + bands · (apertures + 2)): log light, not where `normalised`; log flux within each aperture, log PSF width, log noise
        of a pixel, all over that light; NaN where unknown.
        """
        flux, ivar, seen, total = pixels
        weight = seen.to(flux.dtype)
        count = weight.sum((2, 3))
        typical = ivar.sum((2, 3)) / count.clamp_min(1)
        there = count > 0
        sigma = torch.where(there, typical.clamp_min(1e-30).rsqrt(), torch.nan)
        shape = self.apertures.flatten(1)
        share, light = (
            # One by one: a matrix of so few columns is multiplied several times slower.
            torch.stack([values.flatten(2) @ aperture for aperture in shape], 2)
            for values in (weight, flux)
        )
        light = light / share.clamp_min(1e-6) * shape.sum(1)
        error = sigma[..., None] * (shape * shape).sum(1).sqrt()
        told = torch.where(share > 0.5 * shape.sum(1), asinh(light / (2 * error)) + torch.log(2 * error), torch.nan)
        width = image["psf_fwhm"] if "psf_fwhm" in image else torch.full_like(sigma, torch.nan)
        if self.take is not None and "psf_fwhm" in image:
            width = self._known(width, torch.nan)
        width = torch.where(there & (width > 0), torch.log10(width.clamp_min(1e-3)), torch.nan)
        every = [told.flatten(1), width, torch.log10(sigma)]
        return torch.cat(every if self.normalised else [torch.log(total)[:, None], *every], 1)


def _stem(channels: int, a: int, b: int, width: int) -> nn.Sequential:
    """(B, channels, n, n) → (B, width, n/8, n/8)."""
    return nn.Sequential(
        nn.Conv2d(channels, a, 3, 2, 1), nn.GELU(), nn.Conv2d(a, b, 3, 2, 1), nn.GELU(),
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
