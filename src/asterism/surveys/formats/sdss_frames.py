"""SDSS's calibrated fields, ``frame-BAND-RUN-CAMCOL-FIELD.fits``: what stands where in them, their noise, how they are written.

HDU 0 is the image, sky-subtracted, in nanomaggy; HDU 1 the calibration of each column, nanomaggy per count; HDU 2 the sky
that was taken off, in counts, on a coarse grid with the places to interpolate it at; HDU 3 the astrometric solution on the
great circle of the scan, one row. The frame data model's page gives these and the variance of a pixel,
``(counts / gain + dark variance) calibration^2`` with counts = image / calibration + sky, and the tables below.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.surveys.fits.fits_files import Cards, image_part, records, table_part, write_fits

__all__ = [
    "ASTROMETRY", "BANDS", "DARK_VARIANCE", "FIELD_SHAPE", "GAIN", "SKY_SHAPE", "Field", "Pointing", "directory",
    "electronics", "file_name", "object_id", "pixel_variance", "write_frame",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

BANDS = ("u", "g", "r", "i", "z")
"""One file each."""

FIELD_SHAPE = (1489, 2048)
"""Rows and columns of a field."""

SKY_SHAPE = (192, 256)
"""Rows and columns of the sky in HDU 2; the number of rows varies a little in files."""

GAIN: dict[int, tuple[float, ...]] = {
    1: (1.62, 3.32, 4.71, 5.165, 4.745),
    2: (1.825, 3.855, 4.6, 6.565, 5.155),
    3: (1.59, 3.845, 4.72, 4.86, 4.885),
    4: (1.6, 3.995, 4.76, 4.885, 4.775),
    5: (1.47, 4.05, 4.725, 4.64, 3.48),
    6: (2.17, 4.035, 4.895, 4.76, 4.69),
}
"""Electrons per count by camera column, in ugriz (frame data model; column 2 in u from run 1101 on, 1.595 before)."""

DARK_VARIANCE: dict[int, tuple[float, ...]] = {
    1: (9.61, 15.6025, 1.8225, 7.84, 0.81),
    2: (12.6025, 1.44, 1.0, 6.25, 1.0),
    3: (8.7025, 1.3225, 1.3225, 4.6225, 1.0),
    4: (12.6025, 1.96, 1.3225, 7.5625, 12.6025),
    5: (9.3025, 1.1025, 0.81, 7.84, 2.1025),
    6: (7.0225, 1.8225, 0.9025, 5.0625, 1.21),
}
"""Counts^2 of read-out and dark by camera column, in ugriz (frame data model; from run 1501 on)."""

_EARLY_GAIN = {(2, "u"): (1100, 1.595)}
_EARLY_DARK = {(2, "i"): (1500, 5.76), (4, "i"): (1500, 6.25), (4, "z"): (1500, 9.61), (5, "z"): (1500, 1.8225)}
# Camera column and band: last run for which the number holds, number (frame data model).

ASTROMETRY = (
    "NODE:D INCL:D a:D b:D c:D d:D e:D f:D dRow0:D dRow1:D dRow2:D dRow3:D dCol0:D dCol1:D dCol2:D dCol3:D csRow:D "
    "csCol:D ccRow:D ccCol:D riCut:D mjd:D airmass:D muErr:E nuErr:E"
)
"""Columns of HDU 3: those of asTrans files with the great circle's node and inclination, deg."""


@dataclass(frozen=True)
class Field:
    """Which field of which scan.

    Attributes
    ----------
    run, camcol, field : int
        Scan; column of the camera, 1 to 6; field of the scan.
    rerun : str
        Of the reduction.
    """

    run: int
    camcol: int
    field: int
    rerun: str = "301"


@dataclass(frozen=True)
class Pointing:
    """How a field lies on the sky.

    Attributes
    ----------
    ra, dec : float
        Of the middle, deg.
    rotation : float
        Angle from north through east to the y axis (along the scan), deg.
    pixel_scale : float
        arcsec.
    """

    ra: float
    dec: float
    rotation: float
    pixel_scale: float


def file_name(band: str, field: Field) -> str:
    """Name of a file.

    Examples
    --------
    >>> file_name("r", Field(4192, 4, 300))
    'frame-r-004192-4-0300.fits'
    """
    return f"frame-{band}-{field.run:06d}-{field.camcol}-{field.field:04d}.fits"


def object_id(field: Field, number: int) -> int:
    """SDSS's objID: sky version 2, rerun, run, camcol, field, number.

    Examples
    --------
    >>> object_id(Field(752, 1, 22), 112) >> 48 & 2047
    301
    """
    return 2 << 59 | int(field.rerun) << 48 | field.run << 32 | field.camcol << 29 | field.field << 16 | number


def directory(field: Field) -> str:
    """Folder of a field, as the archive has it."""
    return f"frames/{field.rerun}/{field.run}/{field.camcol}"


def electronics(camcol: int, band: str, run: int = 1501) -> tuple[float, float]:
    """Electrons per count, and counts^2 of read-out and dark, in a camera column's band at the time of a run.

    Examples
    --------
    >>> electronics(2, "u", run=94)
    (1.595, 12.6025)
    """
    which = BANDS.index(band)
    found = []
    for now, before in ((GAIN, _EARLY_GAIN), (DARK_VARIANCE, _EARLY_DARK)):
        last, number = before.get((camcol, band), (-1, 0.0))
        found.append(number if run <= last else now[camcol][which])
    return found[0], found[1]


def pixel_variance(
    image: npt.NDArray,
    calibration: npt.NDArray,
    sky: npt.ArrayLike,
    camcol: int,
    band: str,
    run: int = 1501,
) -> Floats:
    """Variance of a frame's pixels by the data model's recipe.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        HDU 0, nanomaggy.
    calibration : ndarray, shape (x,)
        HDU 1, nanomaggy per count.
    sky : array_like, shape (y, x) or ()
        HDU 2 at every pixel, counts.
    camcol : int
        1 to 6.
    band : str
        Of `BANDS`.
    run : int
        Of the scan: the camera's electronics changed early in the survey.

    Returns
    -------
    ndarray, shape (y, x)
        nanomaggy^2.
    """
    gain, dark = electronics(camcol, band, run)
    scale = np.asarray(calibration, np.float64)[None, :]
    counts = np.maximum(np.asarray(image, np.float64) / scale + np.asarray(sky, np.float64), 0.0)
    return np.asarray((counts / gain + dark) * scale**2)


def write_frame(
    path: Path,
    image: Singles,
    band: str,
    field: Field,
    pointing: Pointing,
    calibration: float,
    sky: float,
    cards: Cards,
) -> Path:
    """Write one band of a field.

    Parameters
    ----------
    path : Path
        Folder.
    image : ndarray of float32, shape (y, x)
        nanomaggy, sky-subtracted.
    band : str
        Of `BANDS`.
    field : Field
        Which.
    pointing : Pointing
        Where.
    calibration : float
        nanomaggy per count, of all columns.
    sky : float
        Counts per pixel.
    cards : mapping
        More of the primary header.

    Returns
    -------
    Path
        The file.
    """
    height, width = image.shape
    cosine, sine = np.cos(np.radians(pointing.rotation)), np.sin(np.radians(pointing.rotation))
    step = pointing.pixel_scale / 3600.0
    # A great circle whose northernmost (or southernmost) point is the field's middle runs along the parallel there.
    node, inclination = (pointing.ra - 90.0) % 360.0, pointing.dec
    own: dict[str, Any] = {
        "ORIGIN": "SDSS",
        "TELESCOP": "2.5m",
        "RUN": (field.run, "Run number"),
        "RERUN": (field.rerun, "rerun"),
        "CAMCOL": (field.camcol, "column in the imaging camera"),
        "FRAME": (field.field, "Frame sequence number within the run"),
        "FILTER": (band, "filter used"),
        "EXPTIME": (53.907456, "Exposure time (seconds)"),
        "NMGY": (calibration, "Calibration value [nanomaggy per count]"),
        "BUNIT": ("nanomaggy", "Unit of the pixels"),
        "RADECSYS": ("ICRS", "International Celestial Ref. System"),
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRPIX1": (0.5 * (width + 1), "X of reference pixel"),
        "CRPIX2": (0.5 * (height + 1), "Y of reference pixel"),
        "CRVAL1": (pointing.ra, "RA of reference pixel (deg)"),
        "CRVAL2": (pointing.dec, "Dec of reference pixel (deg)"),
        "CD1_1": (-cosine * step, "RA deg per column pixel"),
        "CD1_2": (sine * step, "RA deg per row pixel"),
        "CD2_1": (sine * step, "Dec deg per column pixel"),
        "CD2_2": (cosine * step, "Dec deg per row pixel"),
    }
    primary = image_part(np.asarray(image, np.float32), {**own, **cards}, primary=True)
    vector = image_part(np.full(width, calibration, np.float32))
    # The middle of the first pixel is 0.5 in asTrans; mu = a + b row + c column, nu = d + e row + f column.
    row, column = 0.5 * height, 0.5 * width
    solution = {
        "NODE": node, "INCL": inclination,
        "b": sine * step, "c": -cosine * step, "e": cosine * step, "f": sine * step,
        "a": pointing.ra - sine * step * row + cosine * step * column,
        "d": -cosine * step * row - sine * step * column,
        "riCut": 100.0, "airmass": 1.0,
    }  # fmt: skip
    return write_fits(
        path / file_name(band, field),
        [primary, vector, _sky_table(sky, height, width), table_part("", records(ASTROMETRY, 1, solution))],
    )


def _sky_table(sky: float, height: int, width: int) -> bytes:
    """HDU 2: a coarse sky, and where each row and column falls on it."""
    rows, columns = SKY_SHAPE
    text = f"ALLSKY:{rows * columns}E({rows},{columns}) XINTERP:{width}E YINTERP:{height}E"
    values = {
        "ALLSKY": np.full((1, rows, columns), sky),
        "XINTERP": ((np.arange(width) + 0.5) * columns / width - 0.5)[None],
        "YINTERP": ((np.arange(height) + 0.5) * rows / height - 0.5)[None],
    }
    return table_part("", records(text, 1, values))
