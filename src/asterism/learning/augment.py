"""What is done to training objects before the model sees them.

Images are turned, mirrored and shifted, since a source has no preferred orientation and is never centred exactly.
Objects are dimmed, since spectroscopic training sets are brighter than the sky that a model is used on: the flux is
scaled by 10^(-0.4 Δm) and noise is added until the inverse variance is right for the fainter object. For seeing and sky see
`asterism.learning.image_augment`, for spectra `asterism.learning.spectral_augment`. Nothing shifts a wavelength: that would be
another redshift. Everything is drawn from the generator that is given, so that a seed gives the same batch again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from asterism.errors import ConfigurationError
from asterism.learning.config import AugmentConfig
from asterism.learning.image_augment import add_sky, pixels, widen_psf
from asterism.learning.spectral_augment import augment_spectra

__all__ = ["Augmentation", "check_dimming", "dim", "flip_images", "rotate_images", "shift_images"]

Batch = dict[str, Any]


def rotate_images(image: Tensor, quarter_turns: Tensor) -> Tensor:
    """Each image rotated by its own number of quarter turns.

    Parameters
    ----------
    image : Tensor, shape (B, bands, ny, nx)
        Square images, or one value per band (ny = nx = 1), which no rotation changes.
    quarter_turns : Tensor, shape (B,), int64
        0 to 3, in the direction from the last axis to the one before it (as ``torch.rot90``).

    Returns
    -------
    Tensor, same shape
    """
    if image.shape[-1] == 1 and image.shape[-2] == 1:
        return image
    out = image.clone()
    for turns in (1, 2, 3):
        chosen = quarter_turns == turns
        out[chosen] = torch.rot90(image[chosen], turns, dims=(-1, -2))
    return out


def flip_images(image: Tensor, flipped: Tensor) -> Tensor:
    """The chosen images mirrored along their last axis.

    Parameters
    ----------
    image : Tensor, shape (B, bands, ny, nx)
    flipped : Tensor, shape (B,), bool

    Returns
    -------
    Tensor, same shape
    """
    out = image.clone()
    out[flipped] = image[flipped].flip(-1)
    return out


def shift_images(flux: Tensor, ivar: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Each image moved by its own (dy, dx), bilinearly between pixels.

    Rows and columns that come in from outside repeat the nearest edge mirrored, so that the noise there stays noise.
    The variance of an interpolated pixel is Σ w² σ² of the pixels it mixes; one of them without information (inverse
    variance 0) leaves none. Whole-pixel shifts mix nothing and keep all values.

    Parameters
    ----------
    flux : Tensor, shape (B, bands, ny, nx)
    ivar : Tensor, shape (B, bands, ny, nx) or (B, bands, 1, 1)
    shift : Tensor, shape (B, 2), float32
        Along y and x [pixel]; positive moves the source to larger indices.

    Returns
    -------
    flux, ivar : Tensor
        Shapes as given.
    """
    whole = torch.floor(shift)
    part = shift - whole
    if not bool(part.any()):
        flux = _moved(flux, whole)
        ivar = _moved(ivar, whole) if ivar.shape[-2:] == flux.shape[-2:] else ivar
        return torch.where(ivar > 0, flux, 0.0), ivar
    new_flux = torch.zeros_like(flux)
    variance = torch.zeros_like(ivar)
    lost = torch.zeros_like(ivar, dtype=torch.bool)
    per_pixel = ivar.shape[-2:] == flux.shape[-2:]
    for step_y in (0, 1):
        weight_y = part[:, 0] if step_y else 1 - part[:, 0]
        for step_x in (0, 1):
            weight = (weight_y * (part[:, 1] if step_x else 1 - part[:, 1]))[:, None, None, None]
            if not bool((weight > 0).any()):
                continue
            move = whole + torch.tensor([step_y, step_x], dtype=whole.dtype, device=whole.device)
            new_flux += weight * _moved(flux, move)
            moved_ivar = _moved(ivar, move) if per_pixel else ivar
            used = weight > 0
            lost |= used & (moved_ivar <= 0)
            variance += torch.where(moved_ivar > 0, weight**2 / moved_ivar.clamp_min(1e-30), torch.zeros_like(ivar))
    known = ~lost & (variance > 0)
    new_ivar = torch.where(known, 1 / torch.where(known, variance, torch.ones_like(variance)), torch.zeros_like(ivar))
    # A pixel without information holds no flux either, as everywhere in a batch.
    return torch.where(known.expand_as(new_flux), new_flux, torch.zeros_like(new_flux)), new_ivar


def dim(
    flux: Tensor, ivar: Tensor, dimming: Tensor, sky_sigma: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Fluxes as they would be measured were the source fainter.

    A measured variance is sky plus source, σ² = σ_sky² + σ_source², with σ_sky no larger than what was measured. With
    s = 10^(-0.4 Δm) the source's photon noise falls with its flux and the sky's stays, σ'² = σ_sky² + s σ_source².
    Scaling alone leaves s² σ²; the rest, σ'² - s² σ² >= 0, is added as Gaussian noise. A source at the limit of the
    survey so keeps the survey's depth as its error.

    Parameters
    ----------
    flux, ivar : Tensor, shape (B, bands, ...)
        Nanomaggy and nanomaggy⁻²; where ivar is 0 nothing was observed, and nothing changes. ``ivar`` may have size 1
        along the trailing axes of ``flux``.
    dimming : Tensor, shape (B,)
        Δm >= 0 [mag].
    sky_sigma : Tensor, broadcastable to ``ivar``
        The sky's noise [nanomaggy]; infinity where it is unknown, which takes all of the measured noise for the sky's.
    generator : torch.Generator

    Returns
    -------
    flux, ivar : Tensor
        Shapes as given.
    """
    scale = torch.pow(10.0, -0.4 * dimming).view(-1, *([1] * (flux.ndim - 1)))
    seen = ivar > 0
    variance = torch.where(seen, 1 / ivar.clamp_min(1e-30), torch.zeros_like(ivar))
    sky = torch.minimum(variance, sky_sigma.to(variance) ** 2)
    faint = sky + scale * (variance - sky)
    added = (faint - scale**2 * variance).clamp_min(0).sqrt()
    noise = torch.randn(flux.shape, generator=generator, device=flux.device, dtype=flux.dtype)
    new_flux = torch.where(seen.expand_as(flux), scale * flux + added * noise, flux)
    new_ivar = torch.where(seen & (faint > 0), 1 / faint.clamp_min(1e-30), torch.zeros_like(ivar))
    # Undimmed objects keep their values to the bit, not to rounding.
    untouched = scale == 1
    return torch.where(untouched, flux, new_flux), torch.where(untouched, ivar, new_ivar)


def check_dimming(config: AugmentConfig, roles: Sequence[str]) -> None:
    """Refuse to dim objects of which spectra are read.

    Raises
    ------
    ConfigurationError
        `config` dims and a role is a spectrum: the noise of a fainter spectrum is not known from the brighter one, and an
        object must not be dimmed in its image alone. It changes brightness and a role is a 2D spectrum.
    """
    read = [role for role in roles if role.startswith("spectrum")]
    if config.dimming > 0 and read:
        raise ConfigurationError(
            f"augment.dimming makes photometry and images fainter and the inputs have {read[0]}, which would stay bright;"
            " set augment.dimming=0"
        )
    if config.brightness > 0 and "spectrum2d" in roles:
        raise ConfigurationError(
            "augment.brightness scales all that is measured of an object, and strips of 2D spectra hold the sky as well;"
            " set augment.brightness=0"
        )


class Augmentation:
    """All augmentations of a run, applied to one batch at a time.

    Photometry and image of an object are dimmed by the same Δm, each with its own noise. Sizes, concentrations and
    point-source probabilities stay as measured.

    Parameters
    ----------
    config : AugmentConfig
    sky_sigma : sequence of float, optional
        The survey's point-source depth as one-sigma flux per photometric band [nanomaggy]; infinity where unknown.
        An image's sky is taken from the image: the median variance of its observed pixels, band by band.
    pixel_scale : float, optional
        Of the images [arcsec]; without it they are not blurred.
    """

    def __init__(
        self, config: AugmentConfig, sky_sigma: Tensor | None = None, pixel_scale: float | None = None
    ) -> None:
        self.config = config
        self.sky_sigma = sky_sigma
        self.pixel_scale = pixel_scale

    @property
    def active(self) -> bool:
        """Whether any augmentation is switched on."""
        c = self.config
        spectral = max(c.exposure, c.calibration, c.gaps, c.fibre) > 0
        seen = max(c.shift, c.brightness, c.blur, c.image_noise) > 0
        return c.rotations or c.flips or seen or (c.dimming > 0 and c.dimming_probability > 0) or spectral

    def __call__(self, batch: Mapping[str, Any], generator: torch.Generator) -> Batch:
        """A batch with augmented copies of photometry, image and spectrum; what is not touched is shared with the one given."""
        out = dict(batch)
        if self.config.dimming > 0:
            self._dim(out, generator)
        if "image" in out:
            self._move(out, generator)
            self._observe(out, generator)
        c = self.config
        if "spectrum" in out and max(c.exposure, c.calibration, c.gaps, c.fibre) > 0:
            group = out["spectrum"]
            flux, ivar = augment_spectra(
                group["flux"],
                group["ivar"],
                c.exposure,
                c.calibration,
                c.gaps,
                generator,
                gap_runs=c.gap_runs,
                fibre=c.fibre,
            )
            out["spectrum"] = {**group, "flux": flux, "ivar": ivar}
        if c.brightness > 0:
            self._brighten(out, generator)
        return out

    def _observe(self, batch: Batch, generator: torch.Generator) -> None:
        """Worse seeing and a brighter sky, each for a random half."""
        config, group = self.config, batch["image"]
        flux, ivar = group["flux"], group["ivar"]
        changed = dict(group)
        if config.blur > 0 and self.pixel_scale is not None:
            width = _half(flux.shape[0], config.blur, generator, flux.device)
            flux, ivar = widen_psf(flux, ivar, pixels(width, self.pixel_scale), generator)
            if "psf_fwhm" in group:
                wider = (group["psf_fwhm"] ** 2 + width[:, None] ** 2).sqrt()
                changed["psf_fwhm"] = torch.where(width[:, None] > 0, wider, group["psf_fwhm"])
        if config.image_noise > 0:
            added = _half(flux.shape[0], config.image_noise, generator, flux.device)
            flux, ivar = add_sky(flux, ivar, added, generator)
        batch["image"] = {**changed, "flux": flux, "ivar": ivar}

    def _brighten(self, batch: Batch, generator: torch.Generator) -> None:
        """One factor for everything that is measured of an object, its errors included: signal-to-noise ratios stay."""
        roles = [role for role in ("photometry", "image", "spectrum") if role in batch]
        if not roles:
            return
        first = batch[roles[0]]["flux"]
        draw = 2 * torch.rand(first.shape[0], generator=generator, device=first.device) - 1
        scale = torch.pow(10.0, -0.4 * self.config.brightness * draw)
        for role in roles:
            group = batch[role]
            factor = scale.view(-1, *[1] * (group["flux"].ndim - 1))
            batch[role] = {**group, "flux": group["flux"] * factor, "ivar": group["ivar"] / factor**2}

    def _dim(self, batch: Batch, generator: torch.Generator) -> None:
        flux = next(batch[role]["flux"] for role in ("photometry", "image") if role in batch)
        draws = torch.rand((2, flux.shape[0]), generator=generator, device=flux.device)
        chosen = draws[0] < self.config.dimming_probability
        dimming = torch.where(chosen, draws[1] * self.config.dimming, torch.zeros_like(draws[1]))
        if "photometry" in batch:
            group = batch["photometry"]
            sky = torch.full((1,), torch.inf) if self.sky_sigma is None else self.sky_sigma
            flux, ivar = dim(group["flux"], group["ivar"], dimming, sky.to(flux.device), generator)
            batch["photometry"] = {**group, "flux": flux, "ivar": ivar}
        if "image" in batch:
            group = batch["image"]
            flux, ivar = dim(group["flux"], group["ivar"], dimming, _image_sky(group["ivar"]), generator)
            batch["image"] = {**group, "flux": flux, "ivar": ivar}

    def _move(self, batch: Batch, generator: torch.Generator) -> None:
        config, group = self.config, batch["image"]
        flux, ivar = group["flux"], group["ivar"]
        n, device = flux.shape[0], flux.device
        if config.rotations:
            turns = torch.randint(0, 4, (n,), generator=generator, device=device)
            flux, ivar = rotate_images(flux, turns), rotate_images(ivar, turns)
        if config.flips:
            flipped = torch.rand(n, generator=generator, device=device) < 0.5
            flux, ivar = flip_images(flux, flipped), flip_images(ivar, flipped)
        if config.shift > 0:
            shift = (2 * torch.rand((n, 2), generator=generator, device=device) - 1) * config.shift
            flux, ivar = shift_images(flux, ivar, shift if config.subpixel else torch.round(shift))
        batch["image"] = {**group, "flux": flux, "ivar": ivar}


def _half(count: int, largest: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """Even draws from 0 to the largest for a random half, (count,); 0 for the others."""
    draws = torch.rand((2, count), generator=generator, device=device)
    return torch.where(draws[0] < 0.5, draws[1] * largest, torch.zeros_like(draws[1]))


def _moved(image: Tensor, move: Tensor) -> Tensor:
    """Images moved by whole pixels, shape (B, bands, ny, nx) and (B, 2), mirrored at the edges."""
    bands, ny, nx = image.shape[1:]
    rows = _mirrored(torch.arange(ny, device=image.device) - move[:, :1].long(), ny)
    columns = _mirrored(torch.arange(nx, device=image.device) - move[:, 1:].long(), nx)
    places = (nx * rows[:, :, None] + columns[:, None, :]).flatten(1)[:, None].expand(-1, bands, -1)
    return image.flatten(2).gather(2, places).unflatten(2, (ny, nx))


def _mirrored(index: Tensor, n: int) -> Tensor:
    """Indices outside 0..n-1 reflected back in, the edge pixel repeated."""
    folded = torch.remainder(index, 2 * n)
    return torch.where(folded < n, folded, 2 * n - 1 - folded)


def _image_sky(ivar: Tensor) -> Tensor:
    """Noise of the sky per object and band, shape (B, bands, 1, 1): from the median variance of observed pixels."""
    flat = torch.where(ivar > 0, ivar, torch.full_like(ivar, torch.nan)).flatten(2)
    median = flat.nanmedian(dim=-1).values[..., None, None]
    return torch.where(torch.isfinite(median), median.clamp_min(1e-30).rsqrt(), torch.full_like(median, torch.inf))
