"""FITS files from outside: opened only as far as their own bytes go, and any damage is one sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.surveys.fits.fits_headers import check_counts

__all__ = [
    "DAMAGE",
    "TableRow",
    "card",
    "column",
    "find_column",
    "open_fits",
    "table_rows",
    "text_cell",
]

_SMALL = 1 << 20  # bytes of a table that is read at once, without astropy's objects for each of its columns
_SIZES = re.compile(rb"NAXIS1  = *(\d+).{50,70}?NAXIS2  = *(\d+)", re.DOTALL)
_TEXT = re.compile(rb"(TFORM(\d+) *= ')(\d*)A *'")

_LARGEST_UNPACKED = 1 << 30  # bytes that a packed file may hold; the largest of the surveys' are a tenth of it
_CARD = 80  # bytes
_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}  # by their first two bytes

DAMAGE = (OSError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, zlib.error)
"""What astropy and numpy raise over damaged files, in their words."""


@contextmanager
def open_fits(path: Path, first: int | None = None) -> Iterator[Any]:
    """Open a FITS file, packed by gzip or bzip2 or not.

    Every HDU's data lie within the file, so that reading them takes no more memory than they say they have.

    Parameters
    ----------
    path : Path
        The file.
    first : int, optional
        Read the headers of so many HDUs only, and don't look what stands behind; all by default.

    Yields
    ------
    astropy.io.fits.HDUList
        Data are read when they are asked for.

    Raises
    ------
    BadInputError
        On entering or in the block: the file is no FITS, ends before its data do, holds more than a file of a survey
        does, or is damaged where it is read.
    """
    from astropy.io import fits
    from astropy.io.fits.verify import VerifyError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            source, size = _source(path)
            check_counts(source, size, path)
            # Opened here, since astropy leaves a file open when it finds that it can't be read.
            with (
                source.open("rb") if isinstance(source, Path) else source as stream,
                fits.open(stream, memmap=False, lazy_load_hdus=first is not None) as hdus,
            ):
                if first is not None:
                    hdus = _first(hdus, first, size)
                if any("truncated" in str(warning.message).lower() for warning in caught):
                    raise BadInputError(f"{path} is truncated: it ends before its data do; fetch the file again")
                for k, hdu in enumerate(hdus):
                    _check_size(path, k, hdu, size)
                yield hdus
        except (*DAMAGE, VerifyError) as error:
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise BadInputError(f"can't read {path} as FITS ({reason}); fetch the file again") from error


def _first(hdus: Any, number: int, size: int) -> list[Any]:
    """As many of the first HDUs as there are."""
    found = []
    for k in range(number):
        try:
            found.append(hdus[k])
        except IndexError:
            break
        info = found[-1].fileinfo()
        if info is not None and info["datLoc"] + info["datSpan"] >= size:
            break  # that was the last: looking for another takes as long as one
    return found


def _source(path: Path) -> tuple[Any, int]:
    """What astropy reads, and how many bytes there are."""
    with path.open("rb") as file:
        unpack = _PACKED.get(file.read(2))
    if unpack is None:
        return path, path.stat().st_size
    with unpack(path, "rb") as stream:
        body = stream.read(_LARGEST_UNPACKED + 1)
    if len(body) > _LARGEST_UNPACKED:
        raise BadInputError(f"{path} unpacks to more than {_LARGEST_UNPACKED >> 20} MB; unpack it and look what it is")
    return io.BytesIO(body), len(body)


def _check_size(path: Path, number: int, hdu: Any, size: int) -> None:
    from astropy.io import fits

    info = hdu.fileinfo()
    start = 0 if info is None else info["datLoc"]
    # An image that is compressed has its unpacked size as its own; on the disk it is a table.
    packed = isinstance(hdu, fits.CompImageHDU) and info is not None
    if (start + int(info["datSpan"]) - 2879 if packed else start + int(hdu.size)) > size:
        raise BadInputError(
            f"HDU {number} of {path} says that it has {hdu.size:,} bytes of data, more than the file; fetch it again"
        )
    if isinstance(hdu, fits.CompImageHDU):
        unpacked = abs(int(hdu.header.get("BITPIX", 8))) // 8 * int(np.prod([int(n) for n in hdu.shape], dtype=object))
        if unpacked > _LARGEST_UNPACKED:
            raise BadInputError(
                f"HDU {number} of {path} unpacks to {unpacked >> 20:,} MB; no survey's image is so large"
            )


def find_column(hdu: Any, *names: str) -> str | None:
    """The table's own writing of the first of these column names that it has, in any case."""
    there = _names(hdu)
    return next((there[name.upper()] for name in names if name.upper() in there), None)


def _names(hdu: Any) -> Mapping[str, str]:
    """Columns of a table by their names in capitals."""
    small = _small_table(hdu)
    if small is not None:
        return small.layout.names
    return {} if getattr(hdu, "columns", None) is None else {name.upper(): name for name in hdu.columns.names}


def column(hdu: Any, path: Path, *names: str) -> np.ndarray:
    """A column by one of its names, in any case, in the machine's byte order.

    Raises
    ------
    BadInputError
        The HDU is no table, or has no such column.
    """
    found = find_column(hdu, *names)
    if found is None:
        raise BadInputError(f"HDU {hdu.name or 'without a name'} of {path} has no column {names[0]}; fetch it again")
    values = _values(hdu, found)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _values(hdu: Any, name: str) -> npt.NDArray[Any]:
    small = _small_table(hdu)
    if small is not None and name in small.layout.plain:
        return np.asarray(small.records[name])
    return np.asarray(hdu.data[name])


class TableRow(Mapping[str, Any]):
    """One row of a table, by column in capitals; only what is asked for is read.

    Parameters
    ----------
    hdu : astropy.io.fits.BinTableHDU
    row : int
        From 0.
    """

    def __init__(self, hdu: Any, row: int = 0, _piece: tuple[int, _SmallTable] | None = None) -> None:
        self._hdu, self._row, self._piece, self._names = hdu, row, _piece, _names(hdu)

    def __getitem__(self, name: str) -> Any:
        found = self._names[name]
        if self._piece is not None and found in self._piece[1].layout.plain:
            return self._piece[1].records[found][self._row - self._piece[0]]
        return _values(self._hdu, found)[self._row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def table_rows(hdu: Any, start: int, stop: int) -> Iterator[TableRow]:
    """Some rows of a table in a file; the bytes of others are not read.

    Parameters
    ----------
    hdu : astropy.io.fits.BinTableHDU
    start, stop : int
        First row, and the one after the last.

    Yields
    ------
    TableRow
    """
    piece = _read_records(hdu, start, stop)
    for row in range(start, stop):
        yield TableRow(hdu, row, None if piece is None else (start, piece))


@dataclass(frozen=True, eq=False)
class _Layout:
    """Columns of a table: `plain` are those whose numbers or texts stand in the file as they are."""

    fields: tuple[tuple[str, np.dtype[Any]], ...]
    names: Mapping[str, str]
    plain: frozenset[str]


@dataclass(frozen=True)
class _SmallTable:
    layout: _Layout
    records: npt.NDArray[np.void]


_tables: WeakKeyDictionary[Any, _SmallTable | None] = WeakKeyDictionary()


def _small_table(hdu: Any) -> _SmallTable | None:
    """Records of a small table in a file; None for all others.

    Files of a survey have the same columns, some hundreds of them, and astropy makes an object of each again for every
    file: most of what reading a spectrum takes. What it has found out for one header serves for all that are the same.
    """
    if type(hdu).__name__ != "BinTableHDU":
        return None
    if hdu not in _tables:
        _tables[hdu] = _read_small_table(hdu)
    return _tables[hdu]


def _read_small_table(hdu: Any) -> _SmallTable | None:
    info = hdu.fileinfo()
    small = info is not None and "data" not in vars(hdu) and info["datSpan"] <= _SMALL
    return _read_records(hdu, 0, None) if small else None


def _read_records(hdu: Any, start: int, stop: int | None) -> _SmallTable | None:
    """Records of a table in a file from a row on; None where astropy must read it."""
    info = hdu.fileinfo()
    if info is None:
        return None
    file = info["file"]
    file.seek(info["hdrLoc"])
    header = file.read(info["datLoc"] - info["hdrLoc"])
    told = _SIZES.search(header)
    layout = None if told is None else _layout(_template(header, told))
    if told is None or layout is None:
        return None
    widths = tuple((int(number) - 1, int(width or 1)) for _, number, width in _TEXT.findall(header))
    dtype = _record(layout, widths)
    stop = int(told[2]) if stop is None else stop
    size = dtype.itemsize * (stop - start)
    if dtype.itemsize != int(told[1]) or not 0 <= size <= info["datSpan"]:
        return None
    file.seek(info["datLoc"] + dtype.itemsize * start)
    body = file.read(size)
    return _SmallTable(layout, np.frombuffer(body, dtype)) if len(body) == size else None


def _template(header: bytes, told: re.Match[bytes]) -> bytes:
    """A header without what differs between tables of one kind: rows, and how long texts are."""
    body = bytearray(header)
    for key in (1, 2):
        start = told.start(key) - told.start(key) % _CARD
        body[start : start + _CARD] = f"NAXIS{key}  = {0:20d}".encode().ljust(_CARD)
    return _TEXT.sub(lambda text: (text[1] + b"A").ljust(len(text[0]) - 1) + b"'", bytes(body))


@lru_cache(maxsize=64)
def _layout(header: bytes) -> _Layout | None:
    """What astropy makes of a table's header, texts of one letter each; None where that is not all there is to it."""
    from astropy.io import fits

    columns = fits.BinTableHDU.fromstring(header).columns
    formats = {one.name: str(one.format) for one in columns}
    if not formats or len(formats) < len(columns) or any(one.dim for one in columns if formats[one.name][-1] == "A"):
        return None
    dtype = columns.dtype.newbyteorder(">")
    plain = frozenset(
        one.name
        for one in columns
        if re.fullmatch(r"\d*[EDJKIBA]", formats[one.name])
        and all(value in (None, "") for value in (one.bscale, one.bzero, one.null))
    )
    fields = tuple((name, dtype[name]) for name in columns.names)
    return _Layout(fields, {name.upper(): name for name in columns.names}, plain)


@lru_cache(maxsize=256)
def _record(layout: _Layout, widths: tuple[tuple[int, int], ...]) -> np.dtype[Any]:
    """Records of a table whose texts are so long."""
    long = dict(widths)
    return np.dtype([(name, f"S{long[k]}" if k in long else kind) for k, (name, kind) in enumerate(layout.fields)])


def card(header: Any, *keys: str) -> Any:
    """The value of the first of these keywords that a header has; None where it has none, or an empty text."""
    for key in keys:
        value = header.get(key)
        if isinstance(value, str):
            value = value.strip()
        if value is not None and value != "" and type(value).__name__ != "Undefined":
            return value
    return None


def text_cell(value: Any) -> str:
    """A cell of a table of texts, without FITS's padding; bytes that are no ASCII are dropped."""
    if isinstance(value, bytes | np.bytes_):
        value = value.decode("ascii", "ignore")
    return str(value).strip().strip("\0").strip()
