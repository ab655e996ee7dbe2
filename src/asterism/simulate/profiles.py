"""Galaxy profiles as mixtures of round Gaussians, for measuring: amplitudes, norms and their integrals over a stamp.

Hogg & Lang (2013, PASP 125, 719) write the exponential and the de Vaucouleurs profile as six and eight Gaussians (their
tables 1 and 2). Seen through a PSF of Gaussians they stay mixtures of Gaussians, so that fitting them needs no
convolution.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from asterism.simulate.constants import constant
from asterism.simulate.images import STAMP_SIZE, double_gaussian

__all__ = ["PROFILES", "RADII", "mixture", "model_norms"]

Floats = npt.NDArray[np.float64]

PROFILES: tuple[str, ...] = ("de Vaucouleurs", "exponential")
"""Galaxy models that are tried, as SDSS's photometric pipeline does (Stoughton et al. 2002, section 4.4.5)."""

RADII: Floats = np.geomspace(0.03, 12.0, 30)
"""Half-light radii (arcsec) that are tried; the best is refined between them."""

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
_FWHM_GRID = np.geomspace(0.6, 3.2, 33)  # arcsec


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


def seen_variances(profile: str, radius: Floats, fwhm: Floats) -> tuple[Floats, Floats]:
    """Weights (k,) and variances (..., k) in pixels squared of a profile of `radius` arcsec seen through the PSF.

    `radius` and `fwhm` are broadcast against each other.
    """
    share, variance = mixture(profile)
    sigma, weight = double_gaussian(fwhm)
    pixels = np.asarray(radius, np.float64) / constant("pixel_scale")
    both = variance[:, None] * pixels[..., None, None] ** 2 + sigma[..., None, :] ** 2
    return (share[:, None] * weight).ravel(), both.reshape(*both.shape[:-2], len(share) * len(weight))


@cache
def _norm_table(profile: str) -> Floats:
    """ln of the sum over the stamp of model^2: (radius, fwhm)."""
    weight, variance = seen_variances(profile, RADII[:, None], _FWHM_GRID[None, :])
    total = variance[..., :, None] + variance[..., None, :]
    overlap = weight[:, None] * weight[None, :] / (2.0 * np.pi * total)
    # The product of two Gaussians is one of this variance; what of it lies outside of the stamp is not summed.
    narrow = variance[..., :, None] * variance[..., None, :] / total
    inside = erf(STAMP_SIZE / 2.0 / np.sqrt(2.0 * narrow)) ** 2
    return np.asarray(np.log((overlap * inside).sum(axis=(-1, -2))))


def model_norms(profile: str, radius: Floats, fwhm: Floats) -> Floats:
    """Sum over the pixels of a stamp of the squared model of unit flux, by interpolation in a table.

    Parameters
    ----------
    profile : str
        One of `PROFILES`.
    radius, fwhm : ndarray
        arcsec, broadcast against each other.

    Returns
    -------
    ndarray
        pixel^-1.
    """
    from scipy.interpolate import RectBivariateSpline

    radius, fwhm = np.broadcast_arrays(np.asarray(radius, np.float64), np.asarray(fwhm, np.float64))
    spline = RectBivariateSpline(np.log(RADII), np.log(_FWHM_GRID), _norm_table(profile))
    x = np.log(np.clip(radius, RADII[0], RADII[-1]))
    return np.exp(spline.ev(x, np.log(np.clip(fwhm, _FWHM_GRID[0], _FWHM_GRID[-1]))))
