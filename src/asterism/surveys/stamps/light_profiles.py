"""Galaxy profiles as mixtures of round Gaussians, for measuring: amplitudes, norms and their integrals over a stamp.

Hogg & Lang (2013, PASP 125, 719) write the exponential and the de Vaucouleurs profile as six and eight Gaussians (their
tables 1 and 2). Seen through a PSF of Gaussians they stay mixtures of Gaussians, so that fitting them needs no
convolution: what a fit needs of the data is its product with round Gaussians of a few widths, and every model's product is
interpolated from those.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from asterism.surveys.stamps.cameras import CAMERAS, SDSS, Camera

__all__ = [
    "FWHM_GRID",
    "PROFILES",
    "RADII",
    "WIDTHS",
    "cubic_weights",
    "interpolate_products",
    "mixture",
    "model_norms",
    "scan_products",
    "seen_variances",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

PROFILES: tuple[str, ...] = ("de Vaucouleurs", "exponential")
"""Galaxy models that are tried, as SDSS's photometric pipeline does (Stoughton et al. 2002, section 4.4.5)."""

RADII: Floats = np.geomspace(0.03, 12.0, 30)
"""Half-light radii (arcsec) that are tried; the best is refined between them."""

WIDTHS: Floats = np.geomspace(0.45, 60.0, 26)
"""Standard deviations (pixels) of the Gaussians that the data is multiplied with."""

# Amplitude and variance (in units of the half-light radius squared) of each Gaussian.
_MIXTURES = {
    "exponential": (
        (2.34853813e-03, 3.07995260e-02, 2.23364214e-01, 1.17949102e00, 4.33873750e00, 5.99820770e00),
        (1.20078965e-03, 8.84526493e-03, 3.91463084e-02, 1.39976817e-01, 4.60962500e-01, 1.50159566e00),
    ),
    "de Vaucouleurs": (
        (4.26347652e-02, 2.40127183e-01, 6.85907632e-01, 1.51937350e00, 2.83627243e00, 4.46467501e00, 5.72440830e00,
         5.60989349e00),
        (2.23759216e-04, 1.00220099e-03, 4.18731126e-03, 1.69432589e-02, 6.84850479e-02, 2.87207080e-01, 1.33320254e00,
         8.40215071e00),
    ),
}  # fmt: skip
FWHM_GRID: Floats = np.geomspace(0.4, 3.2, 61)
"""Seeing (arcsec) that tables are made for."""

_STEP = float(np.log(WIDTHS[1] / WIDTHS[0]))


def mixture(profile: str) -> tuple[Floats, Floats]:
    """Shares of the light and variances (half-light radii squared) of a profile's Gaussians.

    Parameters
    ----------
    profile : {"de Vaucouleurs", "exponential"}

    Returns
    -------
    two arrays of shape (k,)
    """
    amplitude, variance = (np.array(column) for column in _MIXTURES[profile])
    return amplitude / amplitude.sum(), variance


def seen_variances(profile: str, radius: Floats, fwhm: Floats, camera: Camera = SDSS) -> tuple[Floats, Floats]:
    """Weights (k,) and variances (..., k) in pixels squared of a profile of `radius` arcsec seen through the PSF.

    `radius` and `fwhm` are broadcast against each other.
    """
    share, variance = mixture(profile)
    sigma, weight = camera.psf.sigma(np.asarray(fwhm) / camera.pixel_scale), np.array(camera.psf.shares)
    pixels = np.asarray(radius, np.float64) / camera.pixel_scale
    both = variance[:, None] * pixels[..., None, None] ** 2 + sigma[..., None, :] ** 2
    return (share[:, None] * weight).ravel(), both.reshape(*both.shape[:-2], len(share) * len(weight))


def cubic_weights(variance: Floats) -> tuple[npt.NDArray[np.intp], tuple[Floats, ...]]:
    """First of four neighbouring widths, and their weights, for cubic interpolation in ln width.

    Parameters
    ----------
    variance : ndarray, any shape
        Of Gaussians, pixels squared.

    Returns
    -------
    first : ndarray of int, the same shape
        Index in `WIDTHS`.
    weights : tuple of four ndarrays, the same shape
    """
    place = np.clip((0.5 * np.log(variance) - np.log(WIDTHS[0])) / _STEP, 0.0, len(WIDTHS) - 1.0)
    left = np.clip(place.astype(np.intp), 1, len(WIDTHS) - 3)
    t = place - left
    weights = (
        -t * (t - 1.0) * (t - 2.0) / 6.0,
        (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
        -(t + 1.0) * t * (t - 2.0) / 2.0,
        (t + 1.0) * t * (t - 1.0) / 6.0,
    )
    return left - 1, weights


def interpolate_products(products: npt.NDArray[np.floating], variance: Floats, weight: Floats) -> Floats:
    """Products of data with a mixture, from those with Gaussians of `WIDTHS`.

    Parameters
    ----------
    products : ndarray, shape (..., widths)
        Of the data with the Gaussians, of unit light.
    variance : ndarray, shape (..., k)
        Of the mixture's Gaussians, pixels squared.
    weight : ndarray, shape (k,)
        Their shares of the light.

    Returns
    -------
    ndarray, shape (...,)
    """
    first, shares = cubic_weights(variance)
    total = np.zeros(variance.shape)
    for step, share in enumerate(shares):
        total += share * np.take_along_axis(products, first + step, axis=-1)
    return np.asarray((total * weight).sum(axis=-1))


@cache
def _norm_table(profile: str, camera: str) -> Floats:
    """ln of the sum over the measured pixels of model^2: (radius, fwhm)."""
    chosen = CAMERAS[camera]
    rows = []
    for radius in RADII:
        weight, variance = seen_variances(profile, np.array(radius), FWHM_GRID, chosen)
        total = variance[..., :, None] + variance[..., None, :]
        overlap = weight[:, None] * weight[None, :] / (2.0 * np.pi * total)
        # The product of two Gaussians is one of this variance; what of it lies outside of the stamp is not summed.
        narrow = variance[..., :, None] * variance[..., None, :] / total
        inside = erf(chosen.measured / 2.0 / np.sqrt(2.0 * narrow)) ** 2
        rows.append(np.log((overlap * inside).sum(axis=(-1, -2))))
    return np.stack(rows)


@cache
def _scan_table(profile: str, camera: str) -> tuple[Singles, Singles]:
    """Weights of the products that make each model's (fwhm, width, radius), and its norm (fwhm, radius)."""
    chosen = CAMERAS[camera]
    weight, variance = seen_variances(profile, RADII[None, :], FWHM_GRID[:, None], chosen)
    first, shares = cubic_weights(variance)
    table = np.zeros((len(FWHM_GRID), len(RADII), len(WIDTHS)))
    row, column = np.indices(first.shape[:2])
    for step, share in enumerate(shares):
        for k in range(len(weight)):
            np.add.at(table, (row, column, first[..., k] + step), share[..., k] * weight[k])
    return table.swapaxes(1, 2).astype(np.float32), np.exp(_norm_table(profile, camera)).T.astype(np.float32)


def scan_products(profile: str, products: Singles, fwhm: Floats, camera: Camera = SDSS) -> tuple[Floats, Floats]:
    """Products and norms of the models of all `RADII`.

    Parameters
    ----------
    profile : str
        One of `PROFILES`.
    products : ndarray, shape (m, widths)
        Of the data with the Gaussians.
    fwhm : ndarray, shape (m,)
        Seeing, arcsec.
    camera : Camera
        PSF and pixels.

    Returns
    -------
    product, norm : ndarray, shape (m, radii)
    """
    table, norms = _scan_table(profile, camera.name)
    place = np.interp(np.log(fwhm), np.log(FWHM_GRID), np.arange(len(FWHM_GRID)))
    left = np.minimum(place.astype(np.intp), len(FWHM_GRID) - 2)
    t = (place - left).astype(np.float32)[:, None]
    one = products[:, None, :]
    product = (1.0 - t) * (one @ table[left])[:, 0] + t * (one @ table[left + 1])[:, 0]
    return product.astype(np.float64), ((1.0 - t) * norms[left] + t * norms[left + 1]).astype(np.float64)


@cache
def _norm_spline(profile: str, camera: str):
    from scipy.interpolate import RectBivariateSpline

    return RectBivariateSpline(np.log(RADII), np.log(FWHM_GRID), _norm_table(profile, camera))


def model_norms(profile: str, radius: Floats, fwhm: Floats, camera: Camera = SDSS) -> Floats:
    """Sum over the measured pixels of the squared model of unit flux, by interpolation in a table.

    Parameters
    ----------
    profile : str
        One of `PROFILES`.
    radius, fwhm : ndarray
        arcsec, broadcast against each other.
    camera : Camera
        PSF and pixels.

    Returns
    -------
    ndarray
        pixel^-1.
    """
    radius, fwhm = np.broadcast_arrays(np.asarray(radius, np.float64), np.asarray(fwhm, np.float64))
    x = np.log(np.clip(radius, RADII[0], RADII[-1]))
    y = np.log(np.clip(fwhm, FWHM_GRID[0], FWHM_GRID[-1]))
    return np.asarray(np.exp(_norm_spline(profile, camera.name).ev(x, y)))
