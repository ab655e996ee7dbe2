"""FITS files of surveys: tables whose columns are given as text, and files that are whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from asterism.catalogs.outputs import atomic_write
from asterism.errors import ConfigurationError

if TYPE_CHECKING:
    from astropy.io import fits

__all__ = ["Cards", "column_names", "image_part", "put_cards", "records", "table_part", "write_fits"]

Cards = Mapping[str, Any]
"""Header cards: value, or (value, comment), by keyword; the values of ``COMMENT`` are a sequence of lines."""

_KINDS = {"E": ">f4", "D": ">f8", "J": ">i4", "K": ">i8", "I": ">i2", "B": "u1", "U": ">u8"}
_BLOCK = 2880  # bytes
_NAXIS2 = re.compile(r"(NAXIS2  = )( *\d+)")
_COLUMN = re.compile(r"([A-Za-z0-9_]+):(\d*)([EDJKIBAU])(?:\((\d+(?:,\d+)*)\))?")


@cache
def _columns(text: str) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """Name, numpy's kind (``S21`` for texts) and shape of each column."""
    found: list[tuple[str, str, tuple[int, ...]]] = []
    for word in text.split():
        match = _COLUMN.fullmatch(word)
        if match is None:
            raise ConfigurationError(f"{word!r} is no column; write NAME:FORMAT as in FLUX:5E or Z:E")
        name, count, letter, shape = match.groups()
        if letter == "A":
            found.append((name, f"S{count or 1}", ()))
        else:
            size = tuple(int(n) for n in shape.split(",")) if shape else (int(count),) if count else ()
            found.append((name, _KINDS[letter], size))
    return tuple(found)


def column_names(text: str) -> tuple[str, ...]:
    """Names of columns that are given as text.

    Examples
    --------
    >>> column_names("PLATE:J CLASS:6A FLUX:5E")
    ('PLATE', 'CLASS', 'FLUX')
    """
    return tuple(name for name, _, _ in _columns(text))


def records(text: str, rows: int, values: Mapping[str, Any]) -> npt.NDArray[np.void]:
    """Rows of a FITS table as a numpy structured array; what is not given is 0 or empty.

    Parameters
    ----------
    text : str
        Columns with FITS's formats, e.g. ``PLATE:J CLASS:6A SPECTROFLUX:5E PROFMEAN:75E(5,15)``; the shape in brackets is
        numpy's, and U is an unsigned K, which FITS shifts by 2^63). Columns of texts are widened where a value is longer.
    rows : int
        Their number.
    values : mapping of str to array_like
        By column: one value for all rows, or one for each.

    Returns
    -------
    ndarray, shape (rows,)
        Big-endian, as FITS has them.

    Raises
    ------
    ConfigurationError
        A value for a column that is not there.
    """
    columns = _columns(text)
    unknown = sorted(set(values) - {name for name, _, _ in columns})
    if unknown:
        raise ConfigurationError(f"there is no column {unknown[0]!r} in this table; take it out of the values")
    ready = {}
    fields: list[tuple[str, str, tuple[int, ...]]] = []
    for name, kind, shape in columns:
        if name in values and kind.startswith("S"):
            ready[name] = np.char.encode(np.asarray(values[name], dtype=np.str_), "ascii", "replace")
            kind = f"S{max(int(kind[1:]), ready[name].dtype.itemsize)}"
        elif name in values:
            ready[name] = np.asarray(values[name])
        fields.append((name, kind, shape))
    found = np.zeros(rows, np.dtype(fields))
    for name, value in ready.items():
        found[name] = value
    return found


@cache
def _table_header(name: str, dtype: np.dtype, rows: int) -> str:
    """Header of a binary table; tables of a survey are alike, and astropy takes a tenth of a second for a wide one."""
    from astropy.io import fits

    hdu = fits.BinTableHDU(np.zeros(rows, dtype), name=name or None)
    for key in [key for key in hdu.header["TDIM*"] if "," not in hdu.header[key]]:
        del hdu.header[key]  # lists need none
    return str(hdu.header.tostring())


def table_part(name: str, rows: npt.NDArray[np.void]) -> bytes:
    """HDU of a binary table, as it stands in a file.

    Parameters
    ----------
    name : str
        EXTNAME; none where empty.
    rows : ndarray
        Of `records`.

    Returns
    -------
    bytes
    """
    header = _table_header(name, rows.dtype, 1)
    if len(rows) != 1:
        header = _NAXIS2.sub(lambda match: f"{match[1]}{len(rows):>20}", header, count=1)
    stored = rows.copy()
    for column, (kind, _) in ((name, field[:2]) for name, field in (rows.dtype.fields or {}).items()):
        if kind == np.dtype(">u8"):  # shifted by 2^63: its topmost bit turned over
            stored[column] ^= np.uint64(1 << 63)
    return header.encode("ascii") + _padded(stored.tobytes())


def image_part(
    data: npt.NDArray[Any] | None, cards: Cards | None = None, *, name: str = "", primary: bool = False
) -> bytes:
    """HDU of an image, as it stands in a file.

    Parameters
    ----------
    data : ndarray, or None
        Float or signed integer; None for an empty primary HDU.
    cards : mapping, optional
        More of its header.
    name : str
        EXTNAME; none where empty.
    primary : bool
        The first HDU of the file.

    Returns
    -------
    bytes
    """
    from astropy.io import fits

    hdu = fits.PrimaryHDU(data) if primary else fits.ImageHDU(data, name=name or None)
    put_cards(hdu.header, cards or {})
    body = b"" if data is None else np.asarray(data).astype(data.dtype.newbyteorder(">")).tobytes()
    return str(hdu.header.tostring()).encode("ascii") + _padded(body)


def _padded(body: bytes) -> bytes:
    return body + b"\0" * (-len(body) % _BLOCK)


def put_cards(header: fits.Header, cards: Cards) -> None:
    """Put cards into a header, in their order."""
    for key, value in cards.items():
        if key == "COMMENT":
            for line in value:
                header.add_comment(line)
        else:
            header[key] = value


def write_fits(path: Path, parts: Sequence[bytes]) -> Path:
    """Write HDUs as a FITS file, whole or not at all.

    Parameters
    ----------
    path : Path
        Its folder is made where missing.
    parts : sequence of bytes
        Of `image_part` and `table_part`, the primary HDU first.

    Returns
    -------
    Path
        The file.
    """
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        for part in parts:
            file.write(part)
    return Path(path)
