"""Wavelengths in air and in vacuum: everything here is in vacuum, and this is the one place that converts.

astropy, on which the project stands, has no such conversion; its formula is Ciddor's (1996, Applied Optics 35, 1566)
for standard air (15 °C, 101325 Pa, dry, 330 ppm of CO2), in the form of Morton (2000, ApJS 130, 403, equation 8).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["AIR_LIMIT", "air_to_vacuum", "refractive_index", "vacuum_to_air"]

Floats = npt.NDArray[np.float64]

AIR_LIMIT = 2000.0
"""Å; no line bluewards is given in air, by a convention as old as the vacuum spectrograph."""


def refractive_index(wavelength: npt.ArrayLike) -> Floats:
    """Refractive index of standard air.

    Parameters
    ----------
    wavelength : array_like
        Vacuum, Å, 2000 and more.

    Returns
    -------
    ndarray of float64
        Of the same shape.

    Examples
    --------
    >>> round(float(refractive_index(5578.89)), 6)
    1.000278
    """
    sigma2 = (1e4 / np.asarray(wavelength, dtype=np.float64)) ** 2
    return np.asarray(1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - sigma2) + 1.5998e-4 / (38.9 - sigma2))


def air_to_vacuum(wavelength: npt.ArrayLike) -> Floats:
    """Vacuum wavelengths of wavelengths in air.

    Parameters
    ----------
    wavelength : array_like
        Air, Å; bluewards of `AIR_LIMIT` they are taken to be in vacuum already.

    Returns
    -------
    ndarray of float64
        Vacuum, Å, of the same shape; the formula, which is of vacuum wavelengths, is inverted to better than 1e-6 Å.

    Examples
    --------
    >>> round(float(air_to_vacuum(5577.34)), 2)
    5578.89
    """
    air = np.asarray(wavelength, dtype=np.float64)
    inside = np.maximum(air, AIR_LIMIT)
    vacuum = inside * refractive_index(inside)
    vacuum = inside * refractive_index(vacuum)
    return np.where(air > AIR_LIMIT, vacuum, air)


def vacuum_to_air(wavelength: npt.ArrayLike) -> Floats:
    """Wavelengths in air of vacuum wavelengths.

    Parameters
    ----------
    wavelength : array_like
        Vacuum, Å; bluewards of `AIR_LIMIT` they stay as they are.

    Returns
    -------
    ndarray of float64
        Air, Å, of the same shape.

    Examples
    --------
    >>> round(float(vacuum_to_air(5578.89)), 2)
    5577.34
    """
    vacuum = np.asarray(wavelength, dtype=np.float64)
    air = vacuum / refractive_index(np.maximum(vacuum, AIR_LIMIT))
    return np.where(air > AIR_LIMIT, air, vacuum)
