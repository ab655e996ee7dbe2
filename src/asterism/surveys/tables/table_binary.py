"""Tables that carry types and often units: FITS, Parquet, VOTable, ECSV."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.errors import BadInputError
from asterism.surveys.tables.table_map import FileLayout
from asterism.surveys.tables.table_page import Complain, Page, RawColumn

__all__ = ["AstropyTable", "FitsTable", "ParquetTable"]

_ROWS = 50_000


class FitsTable:
    """A table in a FITS file, memory-mapped.

    Parameters
    ----------
    path : Path
        The file.
    layout : FileLayout
        ``hdu`` says which extension; the first table where it is absent.

    Raises
    ------
    BadInputError
        The file is no FITS, is truncated, or holds no table.
    """

    def __init__(self, path: Path, layout: FileLayout) -> None:
        from astropy.io import fits

        self.path = path
        hdus = self._open()
        with hdus:
            tables = [k for k, hdu in enumerate(hdus) if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            if layout.hdu is not None and layout.hdu not in tables:
                raise BadInputError(f"HDU {layout.hdu} of {path} is not a table; the tables are HDU {tables or 'none'}")
            if not tables:
                raise BadInputError(f"{path} holds no table; a FITS table is a BINTABLE or TABLE extension")
            self._hdu = tables[0] if layout.hdu is None else layout.hdu
            columns = hdus[self._hdu].columns
            self.names: list[str] = list(columns.names)
            self.units = {c.name: c.unit.strip() for c in columns if c.unit and c.unit.strip()}
            self._blank = {c.name: c.null for c in columns if isinstance(c.null, int)}

    def _open(self) -> Any:
        from astropy.io import fits

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                hdus = fits.open(self.path, memmap=True)
                len(hdus)  # reads all headers, and so finds a file that ends early
            except (OSError, EOFError, ValueError, TypeError) as error:
                reason = " ".join(str(error).split())
                raise BadInputError(f"can't read {self.path} as FITS: {reason}; fetch the file again") from error
        if any("truncated" in str(w.message) for w in caught):
            hdus.close()
            raise BadInputError(f"{self.path} is truncated: it ends before its last table does; fetch the file again")
        return hdus

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Read the columns named, 50,000 rows at a time; see `CsvTable.pages`."""
        with self._open() as hdus:
            try:
                data = hdus[self._hdu].data
                n = 0 if data is None else len(data)
                for start in range(0, n, _ROWS):
                    part = data[start : start + _ROWS]
                    cells = {name: self._cells(part, name) for name in columns}
                    rows = np.arange(start + 1, start + 1 + len(part), dtype=np.int64)
                    yield Page(cells, rows, min((start + len(part)) / n, 1.0))
            except (OSError, EOFError, ValueError, TypeError, IndexError) as error:
                reason = " ".join(str(error).split())
                raise BadInputError(f"can't read the table of {self.path}: {reason}; fetch the file again") from error

    def _cells(self, part: Any, name: str) -> RawColumn:
        values = np.asarray(part[name])
        if values.dtype.kind in "SU":
            return pa.array(np.char.strip(values.astype(str)).tolist(), pa.string())
        # FITS is big-endian; everything after this expects the machine's own order.
        values = values.astype(values.dtype.newbyteorder("="))
        if name in self._blank:
            return np.ma.masked_equal(values, self._blank[name])
        return values


class ParquetTable:
    """A Parquet file.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    BadInputError
        The file is no Parquet, or is truncated.
    """

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self.path = path
        try:
            self._file = parquet.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            reason = " ".join(str(error).split())
            raise BadInputError(f"can't read {path} as Parquet: {reason[:160]}; fetch the file again") from error
        schema = self._file.schema_arrow
        self.names = list(schema.names)
        self.units = {
            column.name: column.metadata[b"unit"].decode()
            for column in schema
            if column.metadata and column.metadata.get(b"unit")
        }

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Read the columns named, 50,000 rows at a time; see `CsvTable.pages`."""
        total = max(self._file.metadata.num_rows, 1)
        start = 0
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS, columns=list(columns)):
                cells = {name: _arrow_cells(batch.column(name)) for name in columns}
                rows = np.arange(start + 1, start + 1 + batch.num_rows, dtype=np.int64)
                start += batch.num_rows
                yield Page(cells, rows, start / total)
        except (pa.ArrowInvalid, OSError) as error:
            reason = " ".join(str(error).split())
            raise BadInputError(f"can't read {self.path}: {reason[:160]}; fetch the file again") from error


def _arrow_cells(column: pa.Array) -> RawColumn:
    """An Arrow column as text, or as a numpy array with the nulls masked (lists become (n, k))."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind) or pa.types.is_binary(kind):
        return column.cast(pa.string())
    if pa.types.is_fixed_size_list(kind):
        flat = _arrow_cells(column.fill_null([None] * kind.list_size).flatten())
        return flat if isinstance(flat, pa.Array) else flat.reshape(len(column), kind.list_size)
    blank = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    values = column.fill_null(0).to_numpy(zero_copy_only=False) if pa.types.is_primitive(kind) else np.array([])
    if len(values) != len(column):
        return column.cast(pa.string())
    return np.ma.array(values, mask=blank) if blank.any() else np.asarray(values)


class AstropyTable:
    """An ECSV or VOTable file, read whole by astropy.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"ecsv", "votable"}
        Which of the two.

    Raises
    ------
    BadInputError
        The file is not of that kind, is damaged, or holds several tables.
    """

    def __init__(self, path: Path, kind: str) -> None:
        from astropy.table import Table

        self.path = path
        with warnings.catch_warnings():
            # VOTables of real services break the standard in a hundred harmless ways.
            warnings.simplefilter("ignore")
            try:
                self._table = Table.read(path, format="ascii.ecsv" if kind == "ecsv" else "votable")
            except Exception as error:  # astropy raises nearly everything for a damaged file
                reason = " ".join(str(error).split())[:160] or type(error).__name__
                raise BadInputError(f"can't read {path} as {kind.upper()}: {reason}; mend or fetch it again") from error
        self.names = list(self._table.colnames)
        self.units = {name: str(self._table[name].unit) for name in self.names if self._table[name].unit}

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Give the columns named as one page; see `CsvTable.pages`."""
        rows = np.arange(1, len(self._table) + 1, dtype=np.int64)
        yield Page({name: _astropy_cells(self._table[name]) for name in columns}, rows, 1.0)


def _astropy_cells(column: Any) -> RawColumn:
    values = np.ma.asarray(column)
    if values.dtype.kind in "SUO":
        blank = np.ma.getmaskarray(values)
        texts = [
            None if b else (v.decode() if isinstance(v, bytes) else str(v))
            for v, b in zip(values.data, blank, strict=True)
        ]
        return pa.array(texts, pa.string())
    return values if np.ma.is_masked(values) else np.asarray(values)
