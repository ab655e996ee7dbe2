"""Filters, and what an object's spectrum gives in them: magnitudes and observed fluxes, in any camera's bands.

The filters come with speclite: ``sdss2010-*`` (Doi et al. 2010, AJ 139, 1628), ``decam2014-*``, ``BASS-*``, ``MzLS-*``
and ``lsst2023-*``. Spectra are sampled on one grid a camera, so that a band's flux is one product with a matrix.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.catalogs.bands import BandInfo
from asterism.surveys.stamps.cameras import SDSS, Camera

__all__ = ["BANDS", "BAND_NAMES", "grid_wavelength", "observed_fluxes", "synthetic_magnitudes"]

Floats = npt.NDArray[np.float64]

BAND_NAMES: tuple[str, ...] = SDSS.bands
"""SDSS bands, in the order of every array."""

BANDS: tuple[BandInfo, ...] = SDSS.infos
"""Their constants."""

_REFERENCE = SDSS.channels[SDSS.reference].response

_STEP = 5.0  # Å
_AB_FLUX = 3.631e-20  # erg/s/cm2/Hz of magnitude 0
_LIGHT = 2.99792458e18  # Å/s


@cache
def _filters(responses: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Grid (m,) in Å and matrix (m, b): f_lambda in erg/s/cm2/Å times it is flux in units of AB magnitude 0."""
    import speclite.filters

    loaded = [speclite.filters.load_filter(name) for name in responses]
    low = min(float(response.wavelength[0]) for response in loaded)
    high = max(float(response.wavelength[-1]) for response in loaded)
    wavelength = np.arange(_STEP * np.floor(low / _STEP), high + _STEP, _STEP)
    columns = []
    for response in loaded:
        r = np.interp(wavelength, response.wavelength, response.response, left=0.0, right=0.0)
        norm = np.trapezoid(r * _LIGHT / wavelength, wavelength) * _AB_FLUX
        columns.append(r * wavelength * _STEP / norm)
    matrix = np.stack(columns, axis=1)
    wavelength.setflags(write=False)
    matrix.setflags(write=False)
    return wavelength, matrix


def _responses(camera: Camera) -> tuple[str, ...]:
    """The camera's filters, and SDSS's r, in which magnitudes are given, last."""
    return (*(channel.response for channel in camera.channels), _REFERENCE)


def grid_wavelength(camera: Camera = SDSS) -> Floats:
    """Observed wavelengths (Å, vacuum) on which spectra are sampled: all of a camera's filters and SDSS's r, end to end."""
    return _filters(_responses(camera))[0]


def synthetic_magnitudes(flux_density: Floats, zero_point: str = "ab", camera: Camera = SDSS) -> Floats:
    """Magnitudes of spectra in a camera's bands.

    Parameters
    ----------
    flux_density : ndarray, shape (n, m)
        f_lambda on `grid_wavelength` of the camera, erg/s/cm2/Å.
    zero_point : {"ab", "sdss"}
        ``sdss``: in the survey's system, m_survey = m_AB - offset.
    camera : Camera
        Whose filters.

    Returns
    -------
    ndarray, shape (n, bands)
    """
    magnitudes = _magnitudes(flux_density, camera)[:, :-1]
    return magnitudes - camera.ab_offset if zero_point == "sdss" else magnitudes


def _magnitudes(flux_density: Floats, camera: Camera) -> Floats:
    """AB magnitudes in the camera's bands, and in SDSS's r."""
    # einsum, not a BLAS product: its sums do not depend on the number of threads, so neither do a catalog's bytes.
    return np.asarray(-2.5 * np.log10(np.einsum("nm,mb->nb", flux_density, _filters(_responses(camera))[1])))


def observed_fluxes(flux_density: Floats, r_mag: Floats, ebv: Floats, camera: Camera = SDSS) -> Floats:
    """Fluxes that reach the telescope: scaled to a magnitude, dimmed by the Galaxy, in the survey's zero point.

    Parameters
    ----------
    flux_density : ndarray, shape (n, m)
        f_lambda on `grid_wavelength` of the camera, any scale.
    r_mag : ndarray, shape (n,)
        r (AB, SDSS's filter) that they are to have before extinction.
    ebv : ndarray, shape (n,)
        Galactic E(B-V), mag, scale of Schlegel et al. (1998).
    camera : Camera
        Whose bands.

    Returns
    -------
    ndarray, shape (n, bands)
        Nanomaggy in the survey's zero point.
    """
    magnitudes = _magnitudes(flux_density, camera)
    magnitudes = magnitudes[:, :-1] - magnitudes[:, -1:] + r_mag[:, None]
    extinction = ebv[:, None] * camera.extinction_coefficient
    return np.asarray(10.0 ** (0.4 * (22.5 - (magnitudes + extinction - camera.ab_offset))))
