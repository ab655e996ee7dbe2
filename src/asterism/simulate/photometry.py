"""The SDSS filters, and what an object's spectrum gives in them: magnitudes and observed fluxes.

The filters are speclite's ``sdss2010-*`` (Doi et al. 2010, AJ 139, 1628), which come with that package. Spectra are
sampled on one grid, so that a band's flux is one product with a matrix.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.catalogs.bands import BandInfo, band_info

__all__ = ["BANDS", "BAND_NAMES", "grid_wavelength", "observed_fluxes", "synthetic_magnitudes"]

Floats = npt.NDArray[np.float64]

BAND_NAMES: tuple[str, ...] = ("u", "g", "r", "i", "z")
"""SDSS bands, in the order of every array."""

BANDS: tuple[BandInfo, ...] = tuple(band_info("sdss", name) for name in BAND_NAMES)
"""Their constants."""

_STEP = 5.0  # Å
_AB_FLUX = 3.631e-20  # erg/s/cm2/Hz of magnitude 0
_LIGHT = 2.99792458e18  # Å/s


@cache
def _filters() -> tuple[Floats, Floats]:
    """Grid (m,) in Å and matrix (m, 5): f_lambda in erg/s/cm2/Å times it is flux in units of AB magnitude 0."""
    import speclite.filters

    responses = [speclite.filters.load_filter(f"sdss2010-{name}") for name in BAND_NAMES]
    low = min(float(response.wavelength[0]) for response in responses)
    high = max(float(response.wavelength[-1]) for response in responses)
    wavelength = np.arange(_STEP * np.floor(low / _STEP), high + _STEP, _STEP)
    columns = []
    for response in responses:
        r = np.interp(wavelength, response.wavelength, response.response, left=0.0, right=0.0)
        norm = np.trapezoid(r * _LIGHT / wavelength, wavelength) * _AB_FLUX
        columns.append(r * wavelength * _STEP / norm)
    matrix = np.stack(columns, axis=1)
    wavelength.setflags(write=False)
    matrix.setflags(write=False)
    return wavelength, matrix


def grid_wavelength() -> Floats:
    """Observed wavelengths (Å, vacuum) on which spectra are sampled: all five filters, end to end."""
    return _filters()[0]


def _offsets() -> Floats:
    return np.array([band.ab_offset for band in BANDS])


def synthetic_magnitudes(flux_density: Floats, zero_point: str = "ab") -> Floats:
    """Magnitudes of spectra in ugriz.

    Parameters
    ----------
    flux_density : ndarray, shape (n, m)
        f_lambda on `grid_wavelength`, erg/s/cm2/Å.
    zero_point : {"ab", "sdss"}
        ``sdss``: in the survey's system, m_sdss = m_AB - offset.

    Returns
    -------
    ndarray, shape (n, 5)
    """
    # einsum, not a BLAS product: its sums do not depend on the number of threads, so neither do a catalog's bytes.
    magnitudes = -2.5 * np.log10(np.einsum("nm,mb->nb", flux_density, _filters()[1]))
    return np.asarray(magnitudes - _offsets() if zero_point == "sdss" else magnitudes)


def observed_fluxes(flux_density: Floats, r_mag: Floats, ebv: Floats) -> Floats:
    """Fluxes that reach the telescope: scaled to a magnitude, dimmed by the Galaxy, in the survey's zero point.

    Parameters
    ----------
    flux_density : ndarray, shape (n, m)
        f_lambda on `grid_wavelength`, any scale.
    r_mag : ndarray, shape (n,)
        r (AB) that they are to have before extinction.
    ebv : ndarray, shape (n,)
        Galactic E(B-V), mag, scale of Schlegel et al. (1998).

    Returns
    -------
    ndarray, shape (n, 5)
        Nanomaggy in the SDSS zero point.
    """
    magnitudes = synthetic_magnitudes(flux_density)
    r = BAND_NAMES.index("r")
    magnitudes = magnitudes - magnitudes[:, r : r + 1] + r_mag[:, None]
    extinction = ebv[:, None] * np.array([band.extinction_coefficient for band in BANDS], dtype=np.float64)
    return np.asarray(10.0 ** (0.4 * (22.5 - (magnitudes + extinction - _offsets()))))
