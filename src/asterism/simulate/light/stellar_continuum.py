"""What stellar spectra stand on: black bodies, and the smooth factor that bends a spectrum onto given colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.photometry import BANDS

__all__ = ["bend", "planck"]

Floats = npt.NDArray[np.float64]

_HC_K = 1.438777e8  # h c / k, Å K


def planck(teff: Floats, wavelength: Floats) -> Floats:
    """Black bodies over wavelength, each scaled near 1 at 5500 Å.

    Parameters
    ----------
    teff : ndarray, shape (n,)
        K.
    wavelength : ndarray, shape (n, m)
        Å.

    Returns
    -------
    ndarray, shape (n, m)
    """
    x = _HC_K / (wavelength * teff[:, None])
    return np.asarray((wavelength / 5500.0) ** -5 / np.expm1(x) / np.exp(-_HC_K / (5500.0 * teff))[:, None])


def bend(wavelength: Floats, warp: Floats) -> Floats:
    """10^(-0.4 m) with m linear in ln wavelength between the SDSS bands.

    Parameters
    ----------
    wavelength : ndarray, shape (n, m)
        Å.
    warp : ndarray, shape (n, 5)
        mag at the effective wavelengths of ugriz; beyond them the last slope goes on for 30 per cent of a step.

    Returns
    -------
    ndarray, shape (n, m)
    """
    knots = np.log([band.wavelength for band in BANDS])
    at = np.log(wavelength)
    place = np.clip(np.searchsorted(knots, at) - 1, 0, 3)
    share = np.clip((at - knots[place]) / (knots[place + 1] - knots[place]), -0.3, 1.3)
    rows = np.arange(len(warp))[:, None]
    return np.asarray(10.0 ** (-0.4 * (warp[rows, place] * (1.0 - share) + warp[rows, place + 1] * share)))
