"""SDSS's and BOSS's spectra, one file ``spec-PLATE-MJD-FIBER.fits`` each: what stands where in them, and how they are written.

A "lite" file has four HDUs: an empty one with the plate's header, ``COADD`` (one row per pixel, 1e-4 in log10 of the vacuum
wavelength), ``SPECOBJ`` (SDSS-I/II) or ``SPALL`` (BOSS, eBOSS) with the pipeline's results in one row, and ``SPZLINE``; "full"
files have the single exposures behind. Pixels that nothing is known of have ivar 0; those before the first and after the
last that is known are left out. The data model is on SDSS's pages (``spec``); columns stand in
`asterism.surveys.formats.sdss_columns`, bits are those of SPPIXMASK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.surveys.fits.fits_files import Cards, image_part, records, table_part, write_fits
from asterism.surveys.formats.sdss_columns import COADD, SPALL, SPECOBJ, SPZLINE
from asterism.surveys.formats.spectral_grids import grid_named

__all__ = [
    "MASK_BITS",
    "UNIT",
    "SdssSpectrum",
    "file_name",
    "lite_directory",
    "spectrum_id",
    "spectrum_rows",
    "write_spectrum",
]

Singles = npt.NDArray[np.float32]

UNIT = "1E-17 erg/cm^2/s/Ang"
"""BUNIT of these files."""

MASK_BITS = {"bad pixel": 1 << 18, "bright sky line": 1 << 23, "outside": 1 << 24}
"""What we call a pixel, and its bit in ``and_mask`` and ``or_mask``: FULLREJECT, BRIGHTSKY, NODATA of SPPIXMASK."""

_RUN2D = {"SPECOBJ": "26", "SPALL": "v5_13_2"}  # reductions whose schemas these are


@dataclass(frozen=True)
class SdssSpectrum:
    """One coadded spectrum on the pixels of the grid (`asterism.surveys.formats.spectral_grids`), each array of its size.

    Attributes
    ----------
    flux, ivar : ndarray of float32
        1e-17 erg/s/cm2/Å and its inverse variance; 0 where not observed.
    mask : ndarray of int32
        Bits of SPPIXMASK.
    wdisp : ndarray of float32
        Standard deviation of the line-spread function, pixels.
    sky, model : ndarray of float32
        The sky that was taken off, and the best model.
    """

    flux: Singles
    ivar: Singles
    mask: npt.NDArray[np.int32]
    wdisp: Singles
    sky: Singles
    model: Singles


def file_name(plate: int, mjd: int, fibre: int) -> str:
    """Name of a file.

    Examples
    --------
    >>> file_name(266, 51602, 1)
    'spec-0266-51602-0001.fits'
    """
    return f"spec-{plate:04d}-{mjd:05d}-{fibre:04d}.fits"


def lite_directory(plate: int) -> str:
    """Folder of a plate's files, as the archive has it below a reduction."""
    return f"spectra/lite/{plate:04d}"


def spectrum_id(plate: int, mjd: int, fibre: int, run2d: int = 0) -> int:
    """SPECOBJID: plate, fibre, MJD and reduction in 14, 12, 14 and 14 bits, the last ten spare.

    Examples
    --------
    >>> spectrum_id(266, 51602, 1, 26)
    299489676975171584
    """
    return plate << 50 | fibre << 38 | (mjd - 50000) << 24 | run2d << 10


def spectrum_rows(schema: str, rows: int, values: Mapping[str, Any]) -> npt.NDArray[np.void]:
    """Rows of HDU 2.

    Parameters
    ----------
    schema : {"SPECOBJ", "SPALL"}
        SDSS-I/II's, or BOSS's and eBOSS's.
    rows : int
        Their number.
    values : mapping
        By column. The reduction (RUN2D) is that of the schema where it is not given.

    Returns
    -------
    ndarray, shape (rows,)
    """
    text = SPECOBJ if schema == "SPECOBJ" else SPALL
    return records(text, rows, {"RUN2D": _RUN2D[schema], **values})


def write_spectrum(
    directory: Path, schema: str, spectrum: SdssSpectrum, row: npt.NDArray[np.void], cards: Cards
) -> Path:
    """Write one lite file.

    Parameters
    ----------
    directory : Path
        Its folder.
    schema : {"SPECOBJ", "SPALL"}
        Name of HDU 2.
    spectrum : SdssSpectrum
        Observed in one pixel at least.
    row : ndarray, shape (1,)
        Of `spectrum_rows`; it names plate, MJD and fibre.
    cards : mapping
        More of the primary header.

    Returns
    -------
    Path
        The file.
    """
    known = np.flatnonzero(spectrum.ivar > 0)
    inside = slice(int(known[0]), int(known[-1]) + 1)
    position = grid_named("sdss").position
    plate, mjd, fibre = (int(row[name][0]) for name in ("PLATE", "MJD", "FIBERID"))
    own: dict[str, Any] = {
        "TELESCOP": ("SDSS 2.5-M", "Sloan Digital Sky Survey"),
        "FLAVOR": ("science", "exposure type, SDSS spectro style"),
        "MJD": (mjd, "MJD of the observation"),
        "PLATEID": (plate, "plate"),
        "FIBERID": (fibre, "fibre of the plate"),
        "PLUG_RA": (float(row["PLUG_RA"][0]), "[deg] RA of object"),
        "PLUG_DEC": (float(row["PLUG_DEC"][0]), "[deg] dec of object"),
        "RUN2D": (_RUN2D[schema], "reduction whose format this is"),
        "VACUUM": (True, "Wavelengths are in vacuum"),
        "NWORDER": (2, "Linear-log10 coefficients"),
        "WFITTYPE": ("LOG-LINEAR", "Linear-log10 dispersion"),
        "COEFF0": (round(float(position[inside.start]), 4), "Central wavelength (log10) of first pixel"),
        "COEFF1": (grid_named("sdss").step, "Log10 dispersion per pixel"),
        "DC-FLAG": (1, "Log-linear flag"),
        "BUNIT": UNIT,
    }
    primary = image_part(None, {**own, **cards}, primary=True)
    values = {
        "flux": spectrum.flux[inside],
        "loglam": position[inside],
        "ivar": spectrum.ivar[inside],
        "and_mask": spectrum.mask[inside],
        "or_mask": spectrum.mask[inside],
        "wdisp": spectrum.wdisp[inside],
        "sky": spectrum.sky[inside],
        "model": spectrum.model[inside],
    }
    coadd = table_part("COADD", records(COADD, inside.stop - inside.start, values))
    lines = table_part("SPZLINE", records(SPZLINE, 0, {}))
    return write_fits(directory / file_name(plate, mjd, fibre), [primary, coadd, table_part(schema, row), lines])
