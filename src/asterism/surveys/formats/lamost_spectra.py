"""LAMOST's 1D spectra as releases up to DR7 publish them: one float32 image of five rows each, and how they are written.

The rows are flux (relative), inverse variance, wavelength (vacuum Å), and the two masks; the header's EXTEN0 says so, for
earlier releases have something else in the third row. The wavelength of pixel i is 10^(COEFF0 + COEFF1 i). Class, subclass
and redshift stand in the header. Files are called ``spec-LMJD-PLAN_spSS-FFF.fits`` in a folder of the plan.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.surveys.ccd.lamost_stars import object_names
from asterism.surveys.fits.fits_files import Cards, image_part, write_fits
from asterism.surveys.formats.spectral_grids import grid_named

__all__ = ["MASK_BITS", "PIXEL_MASK", "ROWS", "UNKNOWN", "designation", "file_name", "write_spectrum"]

Singles = npt.NDArray[np.float32]

ROWS = ("Flux", "Inverse", "Wavelength", "Andmask", "Ormask")
"""Rows of the image by the names that EXTEN0 has in DR7."""

UNKNOWN = -9999.0
"""Redshift that is not known."""

PIXEL_MASK = {"BADCCD": 1, "BADPROFILE": 2, "NOSKY": 4, "BRIGHTSKY": 8, "BADCENTER": 16, "NODATA": 32}
"""Bits of the masks (Luo et al. 2015, RAA 15, 1095, and the releases' descriptions of their data)."""

MASK_BITS = {
    "bad pixel": PIXEL_MASK["BADCCD"],
    "bright sky line": PIXEL_MASK["BRIGHTSKY"],
    "outside": PIXEL_MASK["NODATA"],
}
"""What we call a pixel, and its bit in the masks."""


def file_name(lmjd: int, planid: str, spid: int, fibre: int) -> str:
    """Name of a file.

    Examples
    --------
    >>> file_name(58575, "HD103621N361936B01", 3, 2)
    'spec-58575-HD103621N361936B01_sp03-002.fits'
    """
    return f"spec-{object_names(lmjd, planid, spid, np.array([fibre]))[0]}.fits"


def designation(ra: float, dec: float) -> str:
    """Name of an object by its position (deg), truncated as the IAU asks.

    Examples
    --------
    >>> designation(158.209454, 35.693413)
    'LAMOST J103250.26+354136.2'
    """
    hours, arcsec = ra % 360.0 / 15.0 * 3600.0, abs(dec) * 3600.0
    centi, deci = int(hours * 100.0 + 1e-6), int(arcsec * 10.0 + 1e-6)
    right = f"{centi // 360000:02d}{centi // 6000 % 60:02d}{centi % 6000 / 100:05.2f}"
    up = f"{'-' if dec < 0 else '+'}{deci // 36000:02d}{deci // 600 % 60:02d}{deci % 600 / 10:04.1f}"
    return f"LAMOST J{right}{up}"


def write_spectrum(directory: Path, flux: Singles, ivar: Singles, mask: npt.NDArray[np.int32], cards: Cards) -> Path:
    """Write one spectrum.

    Parameters
    ----------
    directory : Path
        Its folder.
    flux, ivar : ndarray of float32, shape (3909,)
        On LAMOST's grid (`asterism.surveys.formats.spectral_grids`); flux is relative. Observed in one pixel at least.
    mask : ndarray of int32, shape (3909,)
        Bits of `MASK_BITS`.
    cards : mapping
        Of the header: LMJD, PLANID, SPID, FIBERID name the file; CLASS, SUBCLASS, Z, RA, DEC and what else there is.

    Returns
    -------
    Path
        The file. Pixels without information at the ends are left out, others have flux 0 and ivar 0.
    """
    grid = grid_named("lamost")
    known = np.flatnonzero(ivar > 0)
    inside = slice(int(known[0]), int(known[-1]) + 1)
    observed = ivar[inside] > 0
    image = np.zeros((len(ROWS), inside.stop - inside.start), np.float32)
    image[0], image[1] = np.where(observed, flux[inside], 0.0), ivar[inside]
    image[2], image[3], image[4] = grid.wavelength[inside], mask[inside], mask[inside]
    numbers = (_value(cards[key]) for key in ("LMJD", "PLANID", "SPID", "FIBERID"))
    name = file_name(*numbers)
    first = round(float(grid.position[inside.start]), 4)
    own: dict[str, Any] = {
        "FILENAME": name,
        "DATA_V": ("LAMOST DR7", "Data release whose format this is"),
        "EXTEN0": ", ".join(ROWS),
        "N_EXTEN": (1, "The extension number"),
        "EXTNAME": ("Flux", "The extension name"),
        "TELESCOP": ("LAMOST", "GuoShouJing Telescope"),
        "OBS_TYPE": ("OBJ", "The type of target (OBJ, FLAT, ARC or BIAS)"),
        "RADECSYS": ("FK5", "Equatorial coordinate system"),
        "EQUINOX": (2000.0, "Equinox in years"),
        "HELIO": (True, "Heliocentric correction"),
        "VACUUM": (True, "Wavelengths are in vacuum"),
        "NWORDER": (2, "Number of linear-log10 coefficients"),
        "WFITTYPE": ("LOG-LINEAR", "Linear-log10 dispersion"),
        "COEFF0": (first, "Central wavelength (log10) of first pixel"),
        "COEFF1": (grid.step, "Log10 dispersion per pixel"),
        "CRVAL1": (first, "Central wavelength (log10) of first pixel"),
        "CD1_1": (grid.step, "Log10 dispersion per pixel"),
        "CRPIX1": (1, "Starting pixel (1-indexed)"),
        "CTYPE1": "LINEAR",
        "DC-FLAG": (1, "Log-linear flag"),
    }
    return write_fits(directory / name, [image_part(image, {**own, **cards}, primary=True)])


def _value(card: Any) -> Any:
    return card[0] if isinstance(card, tuple) else card
