"""Tables that have one row per target (fibre maps, redshifts, catalogues of redshifts), looked up by TARGETID."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.surveys.fits.fits_reading import card, open_fits, text_cell

__all__ = ["Records", "TargetTable", "cards_of", "target_tables"]

_OF_COLUMNS = ("TTYPE", "TFORM", "TUNIT", "TDIM", "TCOMM", "INFIL")  # hundreds that nobody asks for
_IN_MEMORY = 64 << 20  # bytes of a table; larger ones are mapped, and only what is asked for is read

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class TargetTable:
    """A table of one FITS file with a column TARGETID.

    Parameters
    ----------
    hdu : astropy.io.fits.BinTableHDU
        Of an open file.
    path : Path
        The file.

    Attributes
    ----------
    name : str
        Of the HDU, in upper case.
    columns : dict of str to str
        The table's own names of its columns, by their names in upper case.
    header : dict
        Keywords of its header.
    """

    def __init__(self, hdu: Any, path: Path) -> None:
        self.name = str(hdu.name).strip().upper()
        self.columns = {str(name).upper(): str(name) for name in hdu.columns.names}
        self.header = cards_of(hdu.header)
        self._rows = int(hdu.header["NAXIS2"])
        self._scaled = {
            str(c.name) for c in hdu.columns if c.bscale not in ("", None, 1) or c.bzero not in ("", None, 0)
        }
        self._large = int(hdu.size) > _IN_MEMORY and path.suffix.lower() != ".gz"
        if self._large:
            self._data = np.memmap(path, hdu.columns.dtype.newbyteorder(">"), "r", hdu.fileinfo()["datLoc"], self._rows)
        else:
            self._data = hdu.data
        ids = self.values("TARGETID", slice(None))
        if ids.ndim != 1 or ids.dtype.kind not in "iu":
            raise BadInputError(f"TARGETID in HDU {self.name} of {path} holds no whole numbers; fetch the file again")
        self.ids: Ints = ids.astype(np.int64)
        self._order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[self._order]

    def __len__(self) -> int:
        return self._rows

    def find(self, ids: npt.ArrayLike) -> Ints:
        """First row of each target; -1 where the table does not have it."""
        wanted = np.asarray(ids, np.int64)
        if not len(self._sorted):
            return np.full(len(wanted), -1)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return np.where(self._sorted[place] == wanted, self._order[place], -1)

    def values(self, name: str, rows: Ints | slice) -> npt.NDArray:
        """Cells of a column (its name in upper case), in the machine's byte order."""
        own = self.columns[name]
        if self._large and own in self._scaled:
            raise BadInputError(
                f"column {name} of a table of {self._rows:,} rows is scaled; write it anew without TSCAL"
            )
        cells = np.asarray(self._data[own][rows])
        return cells.astype(cells.dtype.newbyteorder("="), copy=False)


def cards_of(header: Any) -> dict[str, Any]:
    """Keywords of a header and their values; None for what is empty."""
    found: dict[str, Any] = {}
    for one in header.cards:
        key = one.keyword
        if key not in found and key not in ("COMMENT", "HISTORY", "") and not key.startswith(_OF_COLUMNS):
            found[key] = card({key: one.value}, key)
    return found


def target_tables(path: Path) -> tuple[TargetTable, ...]:
    """All tables of a file that have a column TARGETID; kept for the next call.

    Raises
    ------
    BadInputError
        The file can't be read.
    """
    seen = path.stat()
    return _target_tables(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=12)
def _target_tables(path: Path, time: int, size: int) -> tuple[TargetTable, ...]:
    with open_fits(path) as hdus:
        return tuple(
            TargetTable(hdu, path)
            for hdu in hdus
            if getattr(hdu, "columns", None) is not None and "TARGETID" in [str(n).upper() for n in hdu.columns.names]
        )


class Records:
    """What several tables say of some targets; the first that knows a value has the word.

    Parameters
    ----------
    tables : iterable of (TargetTable, rows)
        With the row of each target, -1 where the table does not have it.
    number : int
        Targets.
    """

    def __init__(self, tables: Iterable[tuple[TargetTable, Ints]], number: int) -> None:
        self._tables = list(tables)
        self._number = number

    @classmethod
    def of(cls, tables: Iterable[TargetTable], ids: Ints) -> Records:
        """Targets by their ids."""
        return cls([(table, table.find(ids)) for table in tables], len(ids))

    def __add__(self, other: Records) -> Records:
        return Records([*self._tables, *other._tables], self._number)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Targets that one of the tables has."""
        found = np.zeros(self._number, bool)
        for _, rows in self._tables:
            found |= rows >= 0
        return found

    def where_known(self, name: str) -> npt.NDArray[np.object_]:
        """Name of the HDU that is the first to have a column and a target; empty where none has."""
        found = np.full(self._number, "", object)
        for table, rows in reversed(self._tables):
            if name in table.columns:
                found[rows >= 0] = table.name
        return found

    def numbers(self, *names: str) -> Floats:
        """A column of numbers under the first of its names that there is; NaN where it is not known."""
        found = np.full(self._number, np.nan)
        for cells, there in self._cells(names):
            fits = there & np.isnan(found) & np.isfinite(cells.astype(np.float64))
            found[fits] = cells[fits]
        return found

    def integers(self, *names: str) -> Ints | None:
        """A column of whole numbers; 0 where it is not known, None where no table has it."""
        found, seen, any_table = np.zeros(self._number, np.int64), np.zeros(self._number, bool), False
        for cells, there in self._cells(names, "iub"):
            fits = there & ~seen
            found[fits] = cells[fits].astype(np.int64)
            seen |= there
            any_table = True
        return found if any_table else None

    def texts(self, *names: str) -> list[str]:
        """A column of texts without padding; empty where it is not known."""
        found = [""] * self._number
        for cells, there in self._cells(names, "SU"):
            for row in np.flatnonzero(there):
                found[row] = found[row] or text_cell(cells[row])
        return found

    def _cells(self, names: Sequence[str], kinds: str = "fiub") -> Iterator[tuple[npt.NDArray, npt.NDArray[np.bool_]]]:
        for table, rows in self._tables:
            name = next((name for name in names if name in table.columns), None)
            if name is None or not len(table):
                continue
            cells = table.values(name, np.maximum(rows, 0))
            if cells.ndim == 1 and cells.dtype.kind in kinds:
                yield cells, np.asarray(rows >= 0)
