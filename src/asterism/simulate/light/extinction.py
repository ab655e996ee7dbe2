"""How the Galaxy's dust reddens a spectrum: the curve of Fitzpatrick (1999), scaled as Schlafly & Finkbeiner (2011).

No dependency of the project has an extinction curve. That of Fitzpatrick (1999, PASP 111, 63) for R_V = 3.1 is a cubic
spline through published anchors; Schlafly & Finkbeiner (2011, ApJ 737, 103) found it to fit the colours of stars when
the map's E(B-V) is scaled down; their table 6, from which photometry takes its coefficients, is made with this curve.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["galactic_extinction"]

Floats = npt.NDArray[np.float64]

_RV = 3.1
_RECALIBRATION = 2.742 / _RV  # of the map's E(B-V): A(V) is 2.742 times it (Schlafly & Finkbeiner 2011, table 6)
# Anchors in the optical and infrared: wavelength (µm) and A/E(B-V) at R_V = 3.1, Fitzpatrick (1999), table 3 (as
# polynomials of R_V in his code); the ultraviolet follows from the curve of Fitzpatrick & Massa (1990).
_ANCHORS = (
    (26500.0, 0.265 * _RV / 3.1),
    (12200.0, 0.829 * _RV / 3.1),
    (6000.0, -0.422809 + 1.00270 * _RV + 2.13572e-4 * _RV**2),
    (5470.0, -0.0513540 + 1.00216 * _RV - 7.35778e-5 * _RV**2),
    (4670.0, 0.700127 + 1.00184 * _RV - 3.32598e-5 * _RV**2),
    (4110.0, 1.19456 + 1.01707 * _RV - 5.46959e-3 * _RV**2 + 7.97809e-4 * _RV**3 - 4.45636e-5 * _RV**4),
)  # Å
_UV_ANCHORS = (2700.0, 2600.0)  # Å


def _ultraviolet(x: Floats) -> Floats:
    """A/E(B-V) at x = 1/µm in the ultraviolet: Fitzpatrick & Massa (1990) with Fitzpatrick's (1999) coefficients."""
    x0, gamma, c3, c4 = 4.596, 0.99, 3.23, 0.41
    c2 = -0.824 + 4.717 / _RV
    c1 = 2.030 - 3.007 * c2
    drude = x**2 / ((x**2 - x0**2) ** 2 + (gamma * x) ** 2)
    rise = np.where(x > 5.9, 0.5392 * (x - 5.9) ** 2 + 0.05644 * (x - 5.9) ** 3, 0.0)
    return np.asarray(c1 + c2 * x + c3 * drude + c4 * rise + _RV)


@cache
def _spline() -> Any:
    from scipy.interpolate import CubicSpline

    ultraviolet = 1e4 / np.array(_UV_ANCHORS)
    x = np.concatenate([[0.0], [1e4 / wavelength for wavelength, _ in _ANCHORS], ultraviolet])
    y = np.concatenate([[0.0], [value for _, value in _ANCHORS], _ultraviolet(ultraviolet)])
    return CubicSpline(x, y, bc_type="natural")


def galactic_extinction(wavelength: npt.ArrayLike) -> Floats:
    """A(lambda) / E(B-V), for E(B-V) in the scale of the map of Schlegel, Finkbeiner & Davis (1998).

    Parameters
    ----------
    wavelength : array_like
        Å, vacuum, 1150 and more.

    Returns
    -------
    ndarray of float64
        Magnitudes per magnitude, of the same shape.

    Examples
    --------
    >>> [round(float(a), 2) for a in galactic_extinction([4686.0, 6166.0, 8932.0])]
    [3.35, 2.29, 1.26]
    """
    x = 1e4 / np.asarray(wavelength, dtype=np.float64)
    optical = _spline()(np.minimum(x, 1e4 / _UV_ANCHORS[0]))
    return _RECALIBRATION * np.where(x < 1e4 / _UV_ANCHORS[0], optical, _ultraviolet(x))
