"""What a pipeline finds on a noisy stamp: position, PSF and model fluxes, radii, concentration.

Nothing here knows the truth: stamps, the seeing, the noise per pixel and the gain go in. The steps are those of SDSS's
photometric pipeline (Stoughton et al. 2002, section 4.4) in their simplest honest form: weighted with the PSF (a
matched filter), then de Vaucouleurs and exponential models of any half-light radius, round and convolved with the PSF.

All models are mixtures of round Gaussians, and what a fit needs of the data is its product with each of them. So the
stamp is multiplied once with Gaussians of 30 widths about its centroid, and every model's product is interpolated from
those.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.images import STAMP_SIZE, double_gaussian
from asterism.simulate.photometry import BAND_NAMES
from asterism.simulate.profiles import PROFILES, RADII, model_norms, seen_variances

__all__ = ["Measurement", "measure"]

Floats = npt.NDArray[np.float64]

_WIDTHS = np.geomspace(0.65, 60.0, 30)  # pixels
_STEP = float(np.log(_WIDTHS[1] / _WIDTHS[0]))
_STAR_CUT = 0.145  # psf - model below which SDSS calls an object a star (Stoughton et al. 2002, section 4.4.6.1)
_PROFILE_STEP = 0.25  # pixels of the radial profile


@dataclass
class Measurement:
    """What was measured on n stamps.

    Attributes
    ----------
    centroid : ndarray, shape (n, 2)
        x and y against the stamp's centre, pixels.
    psf_flux, psf_ivar : ndarray, shape (n, 5)
        PSF-weighted flux (nanomaggy) and its inverse variance.
    flux, ivar : ndarray, shape (n, 5)
        Flux of the galaxy model that fits the r band best, with its shape, in each band.
    radius : ndarray, shape (n, 5)
        Half-light radius of the best de Vaucouleurs model of each band, arcsec.
    concentration : ndarray, shape (n, 5)
        Ratio of the radii that hold 90 and 50 per cent of the light; NaN where there is too little light.
    psf_minus_model : ndarray, shape (n, 5)
        PSF magnitude minus model magnitude; NaN where a flux is not positive.
    psf_probability : ndarray, shape (n,)
        Probability that the true difference, all bands together, is below SDSS's cut for stars.
    compactness : ndarray, shape (n,)
        Mean over the bands of the radius over the seeing.
    """

    centroid: Floats
    psf_flux: Floats
    psf_ivar: Floats
    flux: Floats
    ivar: Floats
    radius: Floats
    concentration: Floats
    psf_minus_model: Floats
    psf_probability: Floats
    compactness: Floats

    def put(self, rows: npt.NDArray[np.intp], other: Measurement, chosen: npt.NDArray[np.intp]) -> None:
        """Set these rows to the chosen ones of `other`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)[chosen]

    @classmethod
    def empty(cls, n: int) -> Measurement:
        """n objects that have not been measured."""
        width = {"centroid": (n, 2), "psf_probability": (n,), "compactness": (n,)}
        return cls(
            **{field.name: np.full(width.get(field.name, (n, len(BAND_NAMES))), np.nan) for field in fields(cls)}
        )


def measure(stamps: npt.NDArray[np.floating], fwhm: Floats, sky_sigma: Floats, gain: Floats) -> Measurement:
    """Measure stamps.

    Parameters
    ----------
    stamps : ndarray, shape (n, 5, 32, 32)
        Sky-subtracted, nanomaggy per pixel; axes band, y, x.
    fwhm : ndarray, shape (n, 5)
        Seeing, arcsec.
    sky_sigma : ndarray, shape (n, 5)
        Standard deviation of a pixel without source, nanomaggy.
    gain : ndarray, shape (n, 5)
        Electrons per nanomaggy, for the source's own photon noise.

    Returns
    -------
    Measurement
    """
    data = np.asarray(stamps, dtype=np.float64)
    sigma, weight = double_gaussian(fwhm)
    centroid = _centroid(data, fwhm, sky_sigma)
    psf_flux, psf_norm, psf_cube = _psf_flux(data, centroid, sigma, weight)
    psf_ivar = _inverse_variance(psf_flux, psf_norm, psf_cube, sky_sigma, gain)
    products = _gaussian_products(data, centroid)
    radius = _best_radius(products, fwhm, "de Vaucouleurs")[0]
    flux, norm = _model_flux(products, fwhm)
    # For a Gaussian the sum of cubes is 4/3 of the squared sum of squares; galaxies seen through the PSF are near to
    # it.
    ivar = _inverse_variance(flux, norm, 4.0 / 3.0 * norm**2, sky_sigma, gain)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where((psf_flux > 0) & (flux > 0), -2.5 * np.log10(psf_flux / flux), np.nan)
    return Measurement(
        centroid,
        psf_flux,
        psf_ivar,
        flux,
        ivar,
        radius,
        _concentration(data, centroid, radius, fwhm, flux * np.sqrt(ivar)),
        difference,
        _psf_probability(psf_flux, psf_ivar, flux, ivar),
        (radius / fwhm).mean(axis=1),
    )


def _inverse_variance(flux: Floats, norm: Floats, cube: Floats, sky_sigma: Floats, gain: Floats) -> Floats:
    """Of the amplitude of a model fitted with equal weights: sky / sum m^2 + photons sum m^3 / (sum m^2)^2."""
    return 1.0 / (sky_sigma**2 / norm + np.maximum(flux, 0.0) / gain * cube / norm**2)


def _axis_profiles(centroid: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Normalised one-dimensional Gaussians (..., 32) along x and y about each centroid; width (n, ...) in pixels."""
    place = np.arange(STAMP_SIZE) - 0.5 * (STAMP_SIZE - 1)
    ahead = (slice(None),) + (None,) * (width.ndim - 1)
    along = []
    for axis in (0, 1):
        distance = place - centroid[:, axis][ahead][..., None]
        along.append(np.exp(-0.5 * (distance / width[..., None]) ** 2) / (np.sqrt(2.0 * np.pi) * width[..., None]))
    return along[0], along[1]


def _centroid(data: Floats, fwhm: Floats, sky_sigma: Floats) -> Floats:
    """Positions by three Newton steps of a matched filter on the sum of the bands, each weighted by its
    signal-to-noise."""
    n = len(data)
    sigma = np.median(double_gaussian(fwhm)[0][:, :, 0], axis=1)
    centroid = np.zeros((n, 2))
    place = np.arange(STAMP_SIZE) - 0.5 * (STAMP_SIZE - 1)
    combined = np.zeros((n, STAMP_SIZE, STAMP_SIZE))
    for step in range(4):
        x, y = _axis_profiles(centroid, sigma)
        if step == 0:
            light = np.einsum("nbyx,ny,nx->nb", data, y, x, optimize=True)
            combined = np.einsum("nb,nbyx->nyx", np.maximum(light, 0.0) / sky_sigma**2, data)
            continue
        total = np.einsum("nyx,ny,nx->n", combined, y, x, optimize=True)
        first = np.stack(
            [
                np.einsum("nyx,ny,nx->n", combined, y, x * (place - centroid[:, :1]), optimize=True),
                np.einsum("nyx,ny,nx->n", combined, y * (place - centroid[:, 1:]), x, optimize=True),
            ],
            axis=1,
        )
        shift = 2.0 * first / np.where(total > 0, total, np.inf)[:, None]
        # Nothing is farther from the catalogued place than the stamp's cutting allows.
        centroid = np.clip(centroid + np.clip(shift, -0.5, 0.5), -1.0, 1.0)
    return centroid


def _psf_flux(data: Floats, centroid: Floats, sigma: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Flux of the PSF fitted with equal weights, the sum of PSF^2 over the stamp, and of PSF^3."""
    x, y = _axis_profiles(centroid, sigma)  # (n, band, gaussian, pixel)
    product = np.einsum("nbyx,nbgy,nbgx,g->nb", data, y, x, weight, optimize=True)
    pair = np.einsum("nbgx,nbhx->nbgh", x, x) * np.einsum("nbgy,nbhy->nbgh", y, y)
    norm = np.einsum("nbgh,g,h->nb", pair, weight, weight)
    tight = sigma**-2.0
    p, q, r = tight[..., :, None, None], tight[..., None, :, None], tight[..., None, None, :]
    triple = p * q * r / ((2.0 * np.pi) ** 2 * (p + q + r))
    cube = np.einsum("nbghk,g,h,k->nb", triple, weight, weight, weight)
    return product / norm, norm, cube


def _gaussian_products(data: Floats, centroid: Floats) -> Floats:
    """Products of each stamp with round Gaussians of `_WIDTHS` about the centroid: (n, band, width)."""
    x, y = _axis_profiles(centroid, np.broadcast_to(_WIDTHS, (len(data), len(_WIDTHS))))
    # For each width: y' D x, as one matrix product per stamp and a sum.
    half = data @ x[:, None].swapaxes(-1, -2)  # (n, band, y, width)
    return np.asarray((half * y[:, None].swapaxes(-1, -2)).sum(axis=2))


def _interpolate(products: Floats, variance: Floats, weight: Floats) -> Floats:
    """Products with mixtures: cubic interpolation in ln width; variance (n, band, ..., k), weight (k,)."""
    place = np.clip((0.5 * np.log(variance) - np.log(_WIDTHS[0])) / _STEP, 0.0, len(_WIDTHS) - 1.0)
    left = np.clip(place.astype(np.intp), 1, len(_WIDTHS) - 3)
    t = place - left
    table = products.reshape(products.shape[:2] + (1,) * (variance.ndim - 3) + products.shape[2:])
    table = np.broadcast_to(table, variance.shape[:-1] + products.shape[2:])
    cubic = (
        (-t * (t - 1.0) * (t - 2.0) / 6.0, -1),
        ((t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0, 0),
        (-(t + 1.0) * t * (t - 2.0) / 2.0, 1),
        ((t + 1.0) * t * (t - 1.0) / 6.0, 2),
    )
    total = sum(share * np.take_along_axis(table, left + step, axis=-1) for share, step in cubic)
    return np.asarray((total * weight).sum(axis=-1))


def _best_radius(products: Floats, fwhm: Floats, profile: str) -> tuple[Floats, Floats]:
    """Radius (arcsec) of the best model of each band, and its gain in chi^2 times the pixels' variance."""
    weight, variance = seen_variances(profile, RADII[None, None, :], fwhm[:, :, None])
    amplitude = _interpolate(products, variance, weight)
    norm = model_norms(profile, RADII[None, None, :], fwhm[:, :, None])
    quality = np.maximum(amplitude, 0.0) ** 2 / norm
    best = np.argmax(quality, axis=-1)
    # A parabola through the best and its neighbours; at the ends of the grid the end itself.
    inner = np.clip(best, 1, len(RADII) - 2)
    low, middle, high = (np.take_along_axis(quality, (inner + step)[..., None], axis=-1)[..., 0] for step in (-1, 0, 1))
    bend = low - 2.0 * middle + high
    shift = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    place = np.where(best == inner, inner + np.clip(shift, -0.5, 0.5), best)
    radius = RADII[0] * np.exp(place * np.log(RADII[1] / RADII[0]))
    return radius, np.max(quality, axis=-1)


def _model_flux(products: Floats, fwhm: Floats) -> tuple[Floats, Floats]:
    """Flux of the r band's best model in every band (its shape held, convolved with each PSF), and its norm."""
    r = BAND_NAMES.index("r")
    tries = [_best_radius(products[:, r : r + 1], fwhm[:, r : r + 1], profile) for profile in PROFILES]
    chosen = np.argmax(np.stack([quality[:, 0] for _, quality in tries]), axis=0)
    flux, norm = np.empty_like(fwhm), np.empty_like(fwhm)
    for number, profile in enumerate(PROFILES):
        rows = chosen == number
        radius = np.broadcast_to(tries[number][0][rows], fwhm[rows].shape)
        weight, variance = seen_variances(profile, radius, fwhm[rows])
        norm[rows] = model_norms(profile, radius, fwhm[rows])
        flux[rows] = _interpolate(products[rows], variance, weight) / norm[rows]
    return flux, norm


def _concentration(data: Floats, centroid: Floats, radius: Floats, fwhm: Floats, signal_to_noise: Floats) -> Floats:
    """R90/R50 of the growth curve inside an aperture of two seeings and three radii (at most the stamp)."""
    n, bands = fwhm.shape
    place = np.arange(STAMP_SIZE) - 0.5 * (STAMP_SIZE - 1)
    x = place[None, None, :] - centroid[:, 0, None, None]
    y = place[None, :, None] - centroid[:, 1, None, None]
    steps = int(STAMP_SIZE / 2 / _PROFILE_STEP)
    # Pixels are split between the two nearest rings by distance, so that the curve grows smoothly.
    ring = np.hypot(x, y) / _PROFILE_STEP
    low = np.minimum(ring.astype(np.intp), steps)
    share = np.where(low < steps, ring - low, 0.0)
    offset = (np.arange(n * bands) * (steps + 2)).reshape(n, bands, 1, 1)
    profile = np.zeros(n * bands * (steps + 2))
    for index, part in ((low, 1.0 - share), (low + 1, share)):
        profile += np.bincount(
            (offset + index[:, None]).ravel(), weights=(data * part[:, None]).ravel(), minlength=len(profile)
        )
    growth = np.cumsum(profile.reshape(n, bands, steps + 2)[..., : steps + 1], axis=-1)
    aperture = (2.0 * fwhm + 3.0 * np.minimum(radius, 2.0 * fwhm)) / constant("pixel_scale")
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
