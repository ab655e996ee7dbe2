"""Photometric bands: their constants, and the way from magnitudes to fluxes in nanomaggies and back.

One nanomaggy (nmgy) is the flux of an object of magnitude 22.5 in the survey's own zero point, so that a flux and a
magnitude of the same table differ by a formula and not by a calibration. `BandInfo.ab_offset` leads from there to AB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError, unknown_name

__all__ = [
    "BandInfo",
    "ab_to_nanomaggy",
    "asinh_to_nanomaggy",
    "band_info",
    "depth_sigma",
    "known_bands",
    "nanomaggy_to_ab",
    "nanomaggy_to_asinh",
]

Floats = npt.NDArray[np.float64]

_POGSON = 2.5 / np.log(10.0)
"""Magnitudes per unit of natural logarithm of the flux."""

_NANOMAGGY = 1e9
"""Nanomaggies in a maggy (the flux of magnitude 0)."""


@dataclass(frozen=True)
class BandInfo:
    """Published constants of one band of one survey; None where nothing is published.

    Attributes
    ----------
    survey, band : str
        As in column names (``photometry_SURVEY_flux``) and in the metadata ``bands``.
    wavelength : float
        Effective wavelength, Å (vacuum).
    extinction_coefficient : float or None
        A(band) / E(B-V), where E(B-V) is the value of the map of Schlegel, Finkbeiner & Davis (1998).
    ab_offset : float
        m_AB = m_survey + ab_offset.
    softening : float or None
        b of asinh magnitudes, in maggies (Lupton, Gunn & Szalay 1999); None where magnitudes are logarithmic.
    depth_5sigma : float or None
        Magnitude (AB) of a point source at five standard deviations.
    """

    survey: str
    band: str
    wavelength: float
    extinction_coefficient: float | None
    ab_offset: float = 0.0
    softening: float | None = None
    depth_5sigma: float | None = None


# SDSS: softening from Stoughton et al. (2002), table 21; AB offsets from the SDSS DR17 page on flux calibration
# (u_AB = u - 0.04, z_AB = z + 0.02); extinction from Schlafly & Finkbeiner (2011), table 6, R_V = 3.1; median
# depths of point sources at five standard deviations from the SDSS DR17 page on the scope of its imaging;
# wavelengths from Fukugita et al. (1996) as revised by Doi et al. (2010).
# Legacy Surveys: extinction from the DR9 description (Schlafly & Finkbeiner 2011 for the DECam filters), wavelengths of
# the DECam filters. Its depth differs from brick to brick and stands in its own tables, so none is given here. Its fluxes
# in W1 and W2 (forced photometry on unWISE) are AB, unlike those of WISE itself.
# LSST: extinction from Schlafly & Finkbeiner (2011), table 6; wavelengths and ten-year depths from Ivezić et al. (2019),
# table 1.
# WISE: offsets Vega to AB, wavelengths from Jarrett et al. (2011); depths 54 and 71 microjansky of the AllWISE
# explanatory supplement, section II.3; extinction from the Legacy Surveys DR9 description.
_BANDS: dict[tuple[str, str], BandInfo] = {
    (info.survey, info.band): info
    for info in (
        BandInfo("sdss", "u", 3551.0, 4.239, -0.04, 1.4e-10, 22.15),
        BandInfo("sdss", "g", 4686.0, 3.303, 0.0, 0.9e-10, 23.13),
        BandInfo("sdss", "r", 6166.0, 2.285, 0.0, 1.2e-10, 22.70),
        BandInfo("sdss", "i", 7480.0, 1.698, 0.0, 1.8e-10, 22.20),
        BandInfo("sdss", "z", 8932.0, 1.263, 0.02, 7.4e-10, 20.71),
        BandInfo("legacy", "g", 4770.0, 3.214),
        BandInfo("legacy", "r", 6370.0, 2.165),
        BandInfo("legacy", "i", 7770.0, 1.592),
        BandInfo("legacy", "z", 9150.0, 1.211),
        BandInfo("legacy", "W1", 33526.0, 0.184),
        BandInfo("legacy", "W2", 46028.0, 0.113),
        BandInfo("lsst", "u", 3671.0, 4.145, 0.0, None, 26.1),
        BandInfo("lsst", "g", 4827.0, 3.237, 0.0, None, 27.4),
        BandInfo("lsst", "r", 6223.0, 2.273, 0.0, None, 27.5),
        BandInfo("lsst", "i", 7546.0, 1.684, 0.0, None, 26.8),
        BandInfo("lsst", "z", 8691.0, 1.323, 0.0, None, 26.1),
        BandInfo("lsst", "y", 9712.0, 1.088, 0.0, None, 24.9),
        BandInfo("wise", "W1", 33526.0, 0.184, 2.699, None, 19.57),
        BandInfo("wise", "W2", 46028.0, 0.113, 3.339, None, 19.27),
    )
}


def known_bands(survey: str) -> tuple[str, ...]:
    """Names of the bands of a survey whose constants are known, in order of wavelength (empty: none is)."""
    return tuple(band for name, band in _BANDS if name == survey)


def band_info(survey: str, band: str) -> BandInfo:
    """Constants of one band.

    Parameters
    ----------
    survey : str
        ``sdss``, ``legacy``, ``lsst`` or ``wise``.
    band : str
        E.g. ``r`` or ``W1``.

    Returns
    -------
    BandInfo

    Raises
    ------
    ConfigurationError
        The survey or the band is not known; the sentence names the nearest one.

    Examples
    --------
    >>> band_info("sdss", "r").softening
    1.2e-10
    """
    info = _BANDS.get((survey, band))
    if info is not None:
        return info
    bands = known_bands(survey)
    if not bands:
        raise ConfigurationError(unknown_name("survey", survey, {name for name, _ in _BANDS}))
    raise ConfigurationError(unknown_name(f"band of {survey}", band, bands))


def asinh_to_nanomaggy(
    mag: npt.ArrayLike, mag_err: npt.ArrayLike | None, softening: npt.ArrayLike
) -> tuple[Floats, Floats | None]:
    """Flux and its standard deviation from SDSS asinh magnitudes.

    f = 2b sinh(-m ln10/2.5 - ln b) and sigma_f = sigma_m (ln10/2.5) 2b sqrt(1 + (f/2b)^2), in maggies (Lupton, Gunn &
    Szalay 1999, equations 3 and 7). A magnitude fainter than -2.5 log10(b) is a negative flux, and a right one.

    Parameters
    ----------
    mag : array_like
        Asinh magnitudes, any shape; NaN stays NaN.
    mag_err : array_like or None
        Their standard deviations.
    softening : array_like
        b in maggies, broadcast against `mag`.

    Returns
    -------
    flux : ndarray of float64
        Nanomaggy, as the magnitudes' shape.
    sigma : ndarray of float64 or None
        Nanomaggy; None where `mag_err` is None.

    Examples
    --------
    >>> flux, sigma = asinh_to_nanomaggy([22.5], None, 1.2e-10)
    >>> bool(abs(flux[0] - 1) < 0.02), sigma
    (True, None)
    """
    b = np.asarray(softening, dtype=np.float64)
    m = np.asarray(mag, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        flux = np.asarray(2.0 * b * np.sinh(-m / _POGSON - np.log(b)))
        if mag_err is None:
            return flux * _NANOMAGGY, None
        # hypot(1, x) does not overflow where x*x would.
        sigma = np.asarray(mag_err, dtype=np.float64) / _POGSON * 2.0 * b * np.hypot(1.0, flux / (2.0 * b))
    return flux * _NANOMAGGY, np.asarray(sigma * _NANOMAGGY)


def nanomaggy_to_asinh(flux: npt.ArrayLike, softening: npt.ArrayLike) -> Floats:
    """Asinh magnitude of a flux: m = -2.5/ln10 (asinh(f/2b) + ln b), the inverse of `asinh_to_nanomaggy`.

    Parameters
    ----------
    flux : array_like
        Nanomaggy; of any sign.
    softening : array_like
        b in maggies, broadcast against `flux`.

    Returns
    -------
    ndarray of float64
        Magnitudes; NaN where the flux is.
    """
    b = np.asarray(softening, dtype=np.float64)
    f = np.asarray(flux, dtype=np.float64) / _NANOMAGGY
    return np.asarray(-_POGSON * (np.arcsinh(f / (2.0 * b)) + np.log(b)))


def ab_to_nanomaggy(mag: npt.ArrayLike, mag_err: npt.ArrayLike | None = None) -> tuple[Floats, Floats | None]:
    """Flux and its standard deviation from logarithmic magnitudes: f = 10^(-0.4 (m - 22.5)).

    Parameters
    ----------
    mag : array_like
        Magnitudes (AB, or any logarithmic system: the zero point stays the table's).
    mag_err : array_like or None
        Their standard deviations; sigma_f = f sigma_m ln10/2.5.

    Returns
    -------
    flux : ndarray of float64
        Nanomaggy.
    sigma : ndarray of float64 or None
        Nanomaggy; None where `mag_err` is None.
    """
    m = np.asarray(mag, dtype=np.float64)
    with np.errstate(over="ignore"):
        flux = np.asarray(10.0 ** (-0.4 * (m - 22.5)))
    if mag_err is None:
        return flux, None
    return flux, np.asarray(flux * np.asarray(mag_err, dtype=np.float64) / _POGSON)


def nanomaggy_to_ab(flux: npt.ArrayLike) -> Floats:
    """Logarithmic magnitude of a flux in nanomaggies, 22.5 - 2.5 log10 f; NaN where the flux is not positive."""
    f = np.asarray(flux, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(f > 0, 22.5 - 2.5 * np.log10(f), np.nan)


def depth_sigma(depth_5sigma: npt.ArrayLike) -> Floats:
    """Standard deviation (nanomaggy) of the sky noise of a survey whose 5-sigma depth is this magnitude.

    Examples
    --------
    >>> round(float(depth_sigma(22.5)), 3)
    0.2
    """
    return np.asarray(ab_to_nanomaggy(depth_5sigma)[0] / 5.0)
