"""Cutouts of the Legacy Surveys as the viewer's cutout service gives them: a cube (band, y, x) and its inverse variance.

HDU 0 is the image in nanomaggy per pixel, the second HDU (asked for with ``&invvar``) its inverse variance; both headers have
BANDS (``grz``), BAND0, BAND1, …, IMAGETYP (``IMAGE``, ``INVVAR``) and a tangential World Coordinate System about the position
that was asked for, north up and east left. The i band is in the south only, from DR10 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.catalogs.bands import known_bands
from asterism.surveys.fits.fits_files import Cards, image_part, write_fits

__all__ = ["BANDS", "PIXEL_SCALE", "file_name", "image_bands", "write_cutout"]

Singles = npt.NDArray[np.float32]

BANDS = ("g", "r", "i", "z")
"""Of images, in order of wavelength."""


def image_bands(survey: str) -> tuple[str, ...]:
    """Bands of a survey's images that are known: W1 and W2 of the Legacy Surveys have fluxes only.

    Examples
    --------
    >>> image_bands("legacy")
    ('g', 'r', 'i', 'z')
    """
    return BANDS if survey == "legacy" else known_bands(survey)


PIXEL_SCALE = 0.262
"""arcsec, of the coadds (Dey et al. 2019, AJ 157, 168)."""


def file_name(ra: float, dec: float) -> str:
    """Name that the service gives to a cutout about a position (deg).

    Examples
    --------
    >>> file_name(150.12346, -1.5)
    'cutout_150.1235_-1.5000.fits'
    """
    return f"cutout_{ra:.4f}_{dec:.4f}.fits"


def write_cutout(
    directory: Path,
    flux: Singles,
    ivar: Singles,
    bands: Sequence[str],
    ra: float,
    dec: float,
    cards: Cards,
    pixel_scale: float = PIXEL_SCALE,
) -> Path:
    """Write one cutout.

    Parameters
    ----------
    directory : Path
        Its folder.
    flux, ivar : ndarray of float32, shape (bands, y, x)
        nanomaggy and nanomaggy^-2.
    bands : sequence of str
        E.g. ``("g", "r", "z")``.
    ra, dec : float
        Of the middle, deg.
    cards : mapping
        More of both headers.
    pixel_scale : float
        arcsec.

    Returns
    -------
    Path
        The file.
    """
    _, height, width = flux.shape
    shared: dict[str, Any] = {
        "SURVEY": "LegacySurvey",
        "BANDS": "".join(bands),
        **{f"BAND{n}": band for n, band in enumerate(bands)},
        "CTYPE1": ("RA---TAN", "TANgent plane"),
        "CTYPE2": ("DEC--TAN", "TANgent plane"),
        "CRVAL1": (ra, "Reference RA"),
        "CRVAL2": (dec, "Reference Dec"),
        "CRPIX1": (0.5 * (width + 1), "Reference x"),
        "CRPIX2": (0.5 * (height + 1), "Reference y"),
        "CD1_1": (-pixel_scale / 3600.0, "CD matrix"),
        "CD1_2": (0.0, "CD matrix"),
        "CD2_1": (0.0, "CD matrix"),
        "CD2_2": (pixel_scale / 3600.0, "CD matrix"),
        "IMAGEW": (width, "Image width"),
        "IMAGEH": (height, "Image height"),
    }
    parts = [
        image_part(np.asarray(values, np.float32), {**shared, "IMAGETYP": kind, **cards}, primary=kind == "IMAGE")
        for kind, values in (("IMAGE", flux), ("INVVAR", ivar))
    ]
    return write_fits(directory / file_name(ra, dec), parts)
