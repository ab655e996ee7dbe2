"""What a pipeline finds on a noisy stamp: position, PSF and model fluxes, radii, concentration.

Nothing here knows the truth: stamps, the PSF, the noise per pixel and the gain go in. The steps are those of SDSS's
photometric pipeline (Stoughton et al. 2002, section 4.4) in their simplest honest form: neighbours are taken off, the PSF is
fitted (a matched filter), then de Vaucouleurs and exponential models of any half-light radius, convolved with the PSF: for
fluxes round ones, for the radius de Vaucouleurs models of any axis ratio and angle. The same steps measure every camera's
stamps.

The pipeline knows the PSF's width to a per cent or so. Its fluxes are tied to an aperture by stars (EDR paper, section
4.4.5.6), which takes that error out of them; radii keep it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from asterism.surveys.stamps.cameras import SDSS, Camera
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.deblending import remove_neighbours
from asterism.surveys.stamps.ellipses import AngularProducts, best_major_radius
from asterism.surveys.stamps.light_profiles import (
    PROFILES,
    RADII,
    WIDTHS,
    interpolate_products,
    model_norms,
    scan_products,
    seen_variances,
)
from asterism.surveys.stamps.psf import psf_images

__all__ = ["Measurement", "measure"]

Floats = npt.NDArray[np.float64]

Singles = npt.NDArray[np.float32]

_CHUNK = 2**18  # pixels (of all bands) that are worked on at a time: they stay in the processor's cache
_STAR_CUT = 0.145  # psf - model below which SDSS calls an object a star (Stoughton et al. 2002, section 4.4.6.1)
_PROFILE_STEP = 0.25  # pixels of the radial profile
_RADIUS_STEP = 0.1  # of ln radius, for the derivative of the flux
_WORST_RADIUS = 0.7  # of ln radius: the standard deviation that a radius without information is given


@dataclass
class Measurement:
    """What was measured on n stamps.

    Attributes
    ----------
    centroid : ndarray, shape (n, 2)
        x and y against the stamp's centre, pixels.
    psf_flux, psf_ivar : ndarray, shape (n, bands)
        PSF-weighted flux (nanomaggy) and its inverse variance.
    flux, ivar : ndarray, shape (n, bands)
        Flux of the galaxy model that fits the r band best, with its shape, in each band; the inverse variance holds the
        uncertainty of the shape too, which SDSS's own errors leave out.
    radius : ndarray, shape (n, bands)
        Semi-major half-light radius of the best de Vaucouleurs model of each band, arcsec: SDSS's deVRad.
    psf_fwhm : ndarray, shape (n, bands)
        Width of the PSF that models are seen through, as the survey's tables give it (`Camera.fwhm_ratio`), arcsec.
    concentration : ndarray, shape (n, bands)
        Ratio of the radii that hold 90 and 50 per cent of the light; NaN where there is too little light.
    psf_minus_model : ndarray, shape (n, bands)
        PSF magnitude minus model magnitude; NaN where a flux is not positive.
    psf_probability : ndarray, shape (n,)
        Probability that the true difference, all bands together, is below SDSS's cut for stars.
    compactness : ndarray, shape (n,)
        Mean over the bands of `radius` over `psf_fwhm`.
    """

    centroid: Floats
    psf_flux: Floats
    psf_ivar: Floats
    flux: Floats
    ivar: Floats
    radius: Floats
    psf_fwhm: Floats
    concentration: Floats
    psf_minus_model: Floats
    psf_probability: Floats
    compactness: Floats

    def put(self, rows: npt.NDArray[np.intp], other: Measurement, chosen: npt.NDArray[np.intp]) -> None:
        """Set these rows to the chosen ones of `other`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)[chosen]

    @classmethod
    def empty(cls, n: int, camera: Camera = SDSS) -> Measurement:
        """n objects that have not been measured."""
        width = {"centroid": (n, 2), "psf_probability": (n,), "compactness": (n,)}
        shape = (n, len(camera.bands))
        return cls(**{field.name: np.full(width.get(field.name, shape), np.nan) for field in fields(cls)})

    @classmethod
    def concatenate(cls, parts: list[Measurement]) -> Measurement:
        """All of them, in this order."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def measure(
    stamps: npt.NDArray[np.floating],
    conditions: Conditions,
    camera: Camera = SDSS,
    psf_error: npt.NDArray[np.floating] | None = None,
) -> Measurement:
    """Measure stamps.

    Parameters
    ----------
    stamps : ndarray, shape (n, bands, size, size)
        Sky-subtracted, nanomaggy per pixel; axes band, y, x. The middle `camera.measured` pixels are used.
    conditions : Conditions
        Of the n observations; used are the seeing and shape of the PSF, the noise of a pixel without source, and the gain.
    camera : Camera
        What they were observed with.
    psf_error : ndarray, shape (n, bands), optional
        By how much the ln of the width of the PSF is taken too large where radii are measured; 0 by default.

    Returns
    -------
    Measurement
    """
    assumed = conditions.fwhm if psf_error is None else conditions.fwhm * np.exp(psf_error)
    edge = max(0, (stamps.shape[-1] - camera.measured) // 2)
    side = stamps.shape[-1] - 2 * edge
    step = max(1, _CHUNK // (stamps.shape[1] * side * side))
    if not len(stamps):
        return Measurement.empty(0, camera)
    parts = []
    for start in range(0, len(stamps), step):
        rows = np.arange(start, min(start + step, len(stamps)))
        data = stamps[start : start + step, :, edge : edge + side, edge : edge + side]
        parts.append(_measure(np.ascontiguousarray(data, np.float32), conditions.take(rows), assumed[rows], camera))
    return Measurement.concatenate(parts)


def _measure(data: Singles, seen: Conditions, assumed: Floats, camera: Camera) -> Measurement:
    centroid = _centroid(data, seen, camera)
    data = remove_neighbours(data, centroid, seen.sky_sigma, camera)
    psf_flux, psf_norm, psf_cube = _psf_flux(data, centroid, seen, camera)
    psf_ivar = _inverse_variance(psf_flux, psf_norm, psf_cube, seen)
    products = AngularProducts.of(data, *_places(data.shape[-1], centroid))
    radius = best_major_radius(products.in_frame(seen.ellipticity), assumed, camera)[0]
    psf_fwhm = camera.fwhm_ratio * assumed
    flux, ivar = _model_flux(products.flat, seen, camera)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where((psf_flux > 0) & (flux > 0), -2.5 * np.log10(psf_flux / flux), np.nan)
    return Measurement(
        centroid,
        psf_flux,
        psf_ivar,
        flux,
        ivar,
        radius,
        psf_fwhm,
        _concentration(data, centroid, radius, seen.fwhm, flux * np.sqrt(ivar), camera),
        difference,
        _psf_probability(psf_flux, psf_ivar, flux, ivar),
        (radius / psf_fwhm).mean(axis=1),
    )


def _inverse_variance(flux: Floats, norm: Floats, cube: Floats, seen: Conditions) -> Floats:
    """Of the amplitude of a model fitted with equal weights: sky / sum m^2 + photons sum m^3 / (sum m^2)^2."""
    return 1.0 / (seen.sky_sigma**2 / norm + np.maximum(flux, 0.0) / seen.gain * cube / norm**2)


def _places(size: int, centroid: Floats) -> tuple[Floats, Floats]:
    """x and y of a stamp's pixels against each centroid: (n, size) each."""
    place = np.arange(size) - 0.5 * (size - 1)
    return place - centroid[:, :1], place - centroid[:, 1:]


def _centroid(data: Singles, seen: Conditions, camera: Camera) -> Floats:
    """Positions by three Newton steps of a matched filter on the sum of the bands, each weighted by its
    signal-to-noise."""
    n, _, size, _ = data.shape
    sigma = np.median(camera.psf.sigma(seen.fwhm / camera.pixel_scale)[:, :, 0], axis=1)[:, None]
    centroid = np.zeros((n, 2))
    x, y = (np.exp(-0.5 * (along / sigma) ** 2).astype(np.float32) for along in _places(size, centroid))
    light = np.einsum("nby,ny->nb", (data @ x[:, None, :, None])[..., 0], y)
    weight = (np.maximum(light, 0.0) / seen.sky_sigma**2).astype(np.float32)
    combined = np.einsum("nb,nbyx->nyx", weight, data)
    for _ in range(3):
        along_x, along_y = _places(size, centroid)
        x, y = (np.exp(-0.5 * (along / sigma) ** 2) for along in (along_x, along_y))
        both = (combined @ np.stack([x, x * along_x], axis=-1).astype(np.float32)).astype(np.float64)  # (n, y, 2)
        total = (both[..., 0] * y).sum(axis=1)
        first = np.stack([(both[..., 1] * y).sum(axis=1), (both[..., 0] * y * along_y).sum(axis=1)], axis=1)
        shift = 2.0 * first / np.where(total > 0, total, np.inf)[:, None]
        # Nothing is farther from the catalogued place than the stamp's cutting allows.
        centroid = np.clip(centroid + np.clip(shift, -0.5, 0.5), -1.0, 1.0)
    return centroid


def _psf_flux(data: Singles, centroid: Floats, seen: Conditions, camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Flux of the PSF fitted with equal weights, the sum of PSF^2 over the stamp, and of PSF^3."""
    psf = psf_images(camera.psf, seen.fwhm / camera.pixel_scale, seen.ellipticity, centroid, data.shape[-1])
    flat, square = psf.reshape(*psf.shape[:2], -1), (psf * psf).reshape(*psf.shape[:2], -1)
    product = np.einsum("nbp,nbp->nb", flat, data.reshape(flat.shape)).astype(np.float64)
    norm = square.sum(axis=-1, dtype=np.float64)
    return product / norm, norm, np.einsum("nbp,nbp->nb", flat, square).astype(np.float64)


def _best_radius(products: Singles, fwhm: Floats, profile: str, camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Radius (arcsec) of the best model of each band, its gain in chi^2 times the pixels' variance, and the second
    derivative of that by ln radius."""
    amplitude, norm = scan_products(profile, products.reshape(-1, len(WIDTHS)), fwhm.ravel(), camera)
    quality = np.maximum(amplitude, 0.0) ** 2 / norm
    best = np.argmax(quality, axis=-1)
    # A parabola through the best and its neighbours; at the ends of the grid the end itself.
    inner = np.clip(best, 1, len(RADII) - 2)
    low, middle, high = (np.take_along_axis(quality, (inner + step)[..., None], axis=-1)[..., 0] for step in (-1, 0, 1))
    bend = low - 2.0 * middle + high
    shift = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    place = np.where(best == inner, inner + np.clip(shift, -0.5, 0.5), best)
    radius = RADII[0] * np.exp(place * np.log(RADII[1] / RADII[0]))
    gain, bend = np.max(quality, axis=-1), np.minimum(bend, 0.0) / np.log(RADII[1] / RADII[0]) ** 2
    return radius.reshape(fwhm.shape), gain.reshape(fwhm.shape), bend.reshape(fwhm.shape)


def _model_flux(products: Singles, seen: Conditions, camera: Camera) -> tuple[Floats, Floats]:
    """Flux of the reference band's best model in every band (its shape held, convolved with each PSF), and its inverse
    variance, to which the uncertainty of the shape belongs."""
    r, fwhm = camera.reference, seen.fwhm
    tries = [_best_radius(products[:, r : r + 1], fwhm[:, r : r + 1], profile, camera) for profile in PROFILES]
    chosen = np.argmax(np.stack([gain[:, 0] for _, gain, _ in tries]), axis=0)
    flux, ivar = np.empty_like(fwhm), np.empty_like(fwhm)
    for number, profile in enumerate(PROFILES):
        rows = np.flatnonzero(chosen == number)
        if not len(rows):
            continue
        radius, _, bend = (part[rows] for part in tries[number])
        amplitudes = []
        for factor in (1.0, np.exp(-_RADIUS_STEP), np.exp(_RADIUS_STEP)):
            tried = np.broadcast_to(np.clip(radius * factor, RADII[0], RADII[-1]), fwhm[rows].shape)
            weight, variance = seen_variances(profile, tried, fwhm[rows], camera)
            norm = model_norms(profile, tried, fwhm[rows], camera)
            amplitudes.append((interpolate_products(products[rows], variance, weight) / norm, norm))
        (flux[rows], norm), (smaller, _), (larger, _) = amplitudes
        # For a Gaussian the sum of cubes is 4/3 of the squared sum of squares; galaxies seen through the PSF are near to
        # it.
        held = 1.0 / _inverse_variance(flux[rows], norm, 4.0 / 3.0 * norm**2, seen.take(rows))
        pixel = (held * norm)[:, r : r + 1]
        # d^2 chi^2 / d(ln r)^2 is twice the inverse variance of ln r.
        of_radius = np.minimum(2.0 * pixel / np.maximum(-bend, 1e-30), _WORST_RADIUS**2)
        slope = (larger - smaller) / (2.0 * _RADIUS_STEP)
        ivar[rows] = 1.0 / (held + slope**2 * of_radius)
    return flux, ivar


def _concentration(
    data: Singles, centroid: Floats, radius: Floats, fwhm: Floats, signal_to_noise: Floats, camera: Camera
) -> Floats:
    """R90/R50 of the growth curve inside an aperture of two seeings and three radii (at most the stamp)."""
    n, bands = fwhm.shape
    size = data.shape[-1]
    x, y = (along.astype(np.float32) for along in _places(size, centroid))
    steps = int(size / 2 / _PROFILE_STEP)
    # Pixels are split between the two nearest rings by distance, so that the curve grows smoothly.
    ring = np.sqrt(x[:, None, :] ** 2 + y[:, :, None] ** 2)
    ring *= np.float32(1.0 / _PROFILE_STEP)
    low = np.minimum(ring.astype(np.int32), steps)
    share = np.where(low < steps, ring - low, np.float32(0.0))
    profile = np.empty((n, bands, steps + 2))
    for row in range(n):
        index, outer = low[row].ravel(), share[row].ravel()
        for band in range(bands):
            light = data[row, band].ravel()
            beyond = light * outer
            whole = np.bincount(index, light, steps + 2)
            moved = np.bincount(index, beyond, steps + 2)
            profile[row, band] = whole - moved
            profile[row, band, 1:] += moved[:-1]
    growth = np.cumsum(profile[..., : steps + 1], axis=-1)
    aperture = (2.0 * fwhm + 3.0 * np.minimum(radius, 2.0 * fwhm)) / camera.pixel_scale
    edge = np.clip(np.rint(aperture / _PROFILE_STEP).astype(np.intp), 8, steps)
    total = np.take_along_axis(growth, edge[..., None], axis=-1)[..., 0]
    radii = []
    for held in (0.5, 0.9):
        level = (held * total)[..., None]
        first = np.argmax(growth >= level, axis=-1)
        before = np.maximum(first - 1, 0)
        above = np.take_along_axis(growth, first[..., None], axis=-1)[..., 0]
        below = np.take_along_axis(growth, before[..., None], axis=-1)[..., 0]
        rise = above - below
        between = np.where(rise > 0, (level[..., 0] - below) / np.where(rise > 0, rise, 1.0), 0.0)
        radii.append(before + np.clip(between, 0.0, 1.0))
    known = (signal_to_noise > 5.0) & (total > 0) & (radii[0] > 0)
    return np.where(known, radii[1] / np.where(radii[0] > 0, radii[0], 1.0), np.nan)


def _psf_probability(psf_flux: Floats, psf_ivar: Floats, flux: Floats, ivar: Floats) -> Floats:
    """P(psf - model < 0.145 mag) of all bands together, weighted by signal-to-noise, with Gaussian errors."""
    from scipy.special import ndtr

    weight = np.maximum(flux, 0.0) * ivar
    psf, model = (weight * psf_flux).sum(axis=1), (weight * flux).sum(axis=1)
    # The two share their noise: for nested models the variance of the difference is the difference of the variances.
    variance = (weight**2 * np.maximum(1.0 / ivar - 1.0 / psf_ivar, 0.04 / psf_ivar)).sum(axis=1)
    threshold = 10.0 ** (-0.4 * _STAR_CUT) * model
    return np.where(model > 0, ndtr((psf - threshold) / np.sqrt(np.where(variance > 0, variance, 1.0))), 0.5)
