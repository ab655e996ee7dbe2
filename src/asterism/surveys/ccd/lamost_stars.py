"""LAMOST's star catalogue: which object each fibre of an observation plan was on, as a FITS table.

Columns are named as in LAMOST's general catalogue: ``obsid``, ``lmjd``, ``planid``, ``spid``, ``fiberid`` (from 1), ``ra``,
``dec`` (deg), ``fibertype`` (Obj, F-std, Sky, Unused, PosErr or Dead), and where known ``class``, ``subclass``, ``z``, ``mag``
(r, AB).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["OBJECT_TYPES", "fibres_of", "object_names", "read_star_catalogue", "write_star_catalogue"]

OBJECT_TYPES = ("OBJ", "F-STD")
"""Fibre types, in capitals, whose light is an object's."""

_NEEDED = ("spid", "fiberid", "ra", "dec", "fibertype")


def write_star_catalogue(path: Path, stars: Table) -> Path:
    """Write a star catalogue as a FITS table, whole or not at all.

    Parameters
    ----------
    path : Path
    stars : astropy.table.Table
        Columns as on the module's page.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    BadInputError
        A column lacks, or a fibre is named twice.
    """
    _check(stars, str(path))
    from astropy.io import fits

    with atomic_write(path) as temporary, temporary.open("wb") as file:
        fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(stars)]).writeto(file)
    return Path(path)


def read_star_catalogue(path: Path) -> Table:
    """Read a star catalogue: FITS, or anything else that astropy reads as a table.

    Parameters
    ----------
    path : Path

    Returns
    -------
    astropy.table.Table
        Column names in lower case, texts without padding.

    Raises
    ------
    BadInputError
        The file can't be read, lacks a column, or names a fibre twice.
    """
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            stars = Table.read(path)
    except Exception as error:  # astropy's readers raise whatever their parsers do
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"can't read {path} as a table ({reason}); give the star catalogue as FITS") from error
    stars.rename_columns(stars.colnames, [name.lower() for name in stars.colnames])
    for name in stars.colnames:
        if stars[name].dtype.kind in "SU":
            stars[name] = np.char.strip(np.asarray(stars[name]).astype(str))
    _check(stars, str(path))
    return stars


def _check(stars: Table, place: str) -> None:
    for name in _NEEDED:
        if name not in stars.colnames:
            raise BadInputError(f"column {name!r} lacks in the star catalogue {place}; add it")
    keys = np.stack([np.asarray(stars["spid"]), np.asarray(stars["fiberid"])])
    found, counts = np.unique(keys, axis=1, return_counts=True)
    if (counts > 1).any():
        spid, fibre = found[:, np.argmax(counts > 1)]
        raise BadInputError(
            f"fibre {fibre} of spectrograph {spid} is twice in the star catalogue {place}; keep one plan's rows"
        )


def fibres_of(stars: Table, spid: int, fibres: int, place: str = "the star catalogue") -> npt.NDArray[np.intp]:
    """Row of the catalogue for each fibre of a spectrograph.

    Parameters
    ----------
    stars : astropy.table.Table
    spid : int
        Spectrograph.
    fibres : int
        Fibres of a slit.
    place : str
        For the error.

    Returns
    -------
    ndarray of intp, shape (fibres,)
        -1 where the catalogue has no row for the fibre.

    Raises
    ------
    BadInputError
        The catalogue has no fibre of the spectrograph, or a fibre that the slit has not.
    """
    rows = np.flatnonzero(np.asarray(stars["spid"]) == spid)
    if not rows.size:
        there = ", ".join(str(n) for n in np.unique(stars["spid"]).tolist()) or "none"
        raise BadInputError(f"{place} has no fibre of spectrograph {spid} (it has {there}); give that plan's catalogue")
    numbers = np.asarray(stars["fiberid"])[rows].astype(np.intp)
    if numbers.min() < 1 or numbers.max() > fibres:
        raise BadInputError(f"{place} has fibres {numbers.min()} to {numbers.max()}, but a slit has 1 to {fibres}")
    index = np.full(fibres, -1, dtype=np.intp)
    index[numbers - 1] = rows
    return index


def object_names(lmjd: int, planid: str, spid: int, fibres: npt.NDArray[np.intp]) -> list[str]:
    """Names of observations after LAMOST's files: ``56550-GAC061N46V3_sp03-017``.

    Examples
    --------
    >>> object_names(56550, "GAC061N46V3", 3, np.array([17]))
    ['56550-GAC061N46V3_sp03-017']
    """
    return [f"{lmjd}-{planid}_sp{spid:02d}-{fibre:03d}" for fibre in fibres.tolist()]
