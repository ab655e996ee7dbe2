"""Spectra of galaxies: the four types of Coleman, Wu & Weedman (1980) as GalSim packages them, mixed and dusted.

The files run from 91 to 22050 Å (extended by Bolzonella, Miralles & Pelló 2000); their optical part was taken in air,
and is moved to vacuum here (at their resolution of about 10 Å a shift of 1 to 3 Å is small, but it is a shift).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["GALAXY_RANGE", "TYPES", "air_to_vacuum", "calzetti", "galaxy_seds"]

Floats = npt.NDArray[np.float64]

TYPES: tuple[str, ...] = ("E", "Sbc", "Scd", "Im")
"""Templates in the order of `Population.galaxy_type`."""

GALAXY_RANGE = (912.0, 22000.0)
"""Wavelengths at rest (Å) that the templates are used for."""


def air_to_vacuum(wavelength: npt.ArrayLike) -> Floats:
    """Vacuum wavelengths of wavelengths in air (Å); below 2000 Å, where nobody observes in air, they are the same.

    Ciddor (1996) as Morton (2000, ApJS 130, 403) gives it, inverted by one step (exact to 1e-4 Å).

    Examples
    --------
    >>> round(float(air_to_vacuum(5577.34)), 2)
    5578.89
    """
    air = np.asarray(wavelength, dtype=np.float64)
    sigma2 = (1e4 / air) ** 2
    n = 1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - sigma2) + 1.5998e-4 / (38.9 - sigma2)
    return np.where(air > 2000.0, air * n, air)


@cache
def _templates() -> tuple[Floats, Floats]:
    """Common wavelengths (m,) in Å and log f_lambda (4, m), each 1 at 5500 Å."""
    import galsim

    folder = Path(galsim.meta_data.share_dir) / "SEDs"
    wavelength = np.concatenate([np.arange(900.0, 11500.0, 5.0), np.arange(11500.0, 22050.0, 50.0)])
    rows = []
    for name in TYPES:
        air, flux = np.loadtxt(folder / f"CWW_{name}_ext.sed").T
        on_grid = np.interp(wavelength, air_to_vacuum(air), flux)
        rows.append(np.log(np.maximum(on_grid / np.interp(5500.0, wavelength, on_grid), 1e-12)))
    return wavelength, np.stack(rows)


def calzetti(wavelength: Floats) -> Floats:
    """k(lambda) = A(lambda)/E(B-V) of Calzetti et al. (2000, ApJ 533, 682), equation 4, extended flat in slope."""
    x = np.clip(wavelength, 1200.0, 22000.0) * 1e-4
    red = 2.659 * (-1.857 + 1.040 / x) + 4.05
    blue = 2.659 * (-2.156 + 1.509 / x - 0.198 / x**2 + 0.011 / x**3) + 4.05
    return np.maximum(np.where(x >= 0.63, red, blue), 0.0)


def galaxy_seds(galaxy_type: Floats, dust: Floats, redshift: Floats, wavelength: Floats) -> Floats:
    """Flux densities of galaxies as observed.

    Parameters
    ----------
    galaxy_type : ndarray, shape (n,)
        0 (E) to 3 (Im); between two types their logarithms are mixed.
    dust : ndarray, shape (n,)
        E(B-V) of the stars, mag.
    redshift : ndarray, shape (n,)
        Redshifts.
    wavelength : ndarray, shape (m,)
        Observed, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, arbitrary scale.
    """
    grid, logs = _templates()
    place = np.clip(galaxy_type.astype(np.intp), 0, len(TYPES) - 2)
    share = np.clip(galaxy_type - place, 0.0, 1.0)
    mixed = logs[place] * (1.0 - share)[:, None] + logs[place + 1] * share[:, None]
    mixed -= 0.4 * np.log(10.0) * dust[:, None] * calzetti(grid)[None, :]
    rest = wavelength[None, :] / (1.0 + redshift[:, None])
    return np.stack([np.exp(np.interp(at, grid, log)) for at, log in zip(rest, mixed, strict=True)])
