"""Making a catalog from batches of rows (and, from `narrow`, by adding columns to another one)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import IDENTITY
from asterism.catalogs.fingerprint import content_hash, row_hashes
from asterism.catalogs.hats_layout import (
    HEALPIX_COLUMN,
    HEALPIX_FIELD,
    Cell,
    cells_by_number,
    cells_on_the_sky,
    row_bytes,
    spatial_index,
    write_data_file,
)
from asterism.catalogs.narrow import NarrowWriter, write_wide
from asterism.catalogs.quantization import quantized_table
from asterism.catalogs.sources import assign_sources, photometry_hash
from asterism.catalogs.staging import Staging, copied, gather
from asterism.catalogs.validate import bad_positions, cast_column, validate
from asterism.catalogs.writer import Writer
from asterism.errors import AsterismError, BadInputError, unknown_name

__all__ = ["CatalogWriter", "NarrowWriter", "write_wide"]

_STAGE_ROWS, _STAGE_BYTES = 50_000, 64 << 20
_LIGHT, _ROW, _FILE = "_photometry", "_row", "_file"


class CatalogWriter(Writer):
    """A new catalog from batches of rows; use it as a context manager, or call `close`.

    Rows wait on the disk until `close`, so memory holds one batch, and per row its ids and position. The same rows give
    the same data files byte for byte, however they are cut into batches.

    Parameters
    ----------
    path : path-like
        Directory to make.
    fields : sequence of pyarrow.Field
        Columns, with metadata (see `asterism.catalogs.schema`). ``object_id`` and ``source_id`` are added in front
        where they are not there.
    placed : bool
        Rows have positions: HATS; else numbered parts in the order in which rows are added.
    made_by : mapping
        How the catalog is made (``{"command": …}``), kept in ``asterism.json``.
    inputs : mapping
        What it is made from (see `Output`).
    overwrite : bool
        Replace an earlier output.
    rows_per_partition, bytes_per_partition : int
        Limits of a data file (bytes in memory).

    Raises
    ------
    OutputError
        The place holds something else.
    BadInputError
        A column that no catalog has.

    Examples
    --------
    >>> with CatalogWriter("c", fields, placed=True, made_by={}, inputs={"seed": 1}) as writer:  # doctest: +SKIP
    ...     if not writer.complete:
    ...         for table in tables:
    ...             writer.add(table)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fields: Sequence[pa.Field],
        *,
        placed: bool,
        made_by: Mapping[str, Any],
        inputs: Mapping[str, Any],
        overwrite: bool = False,
        rows_per_partition: int = 50_000,
        bytes_per_partition: int = 256 << 20,
    ) -> None:
        names = {field.name for field in fields}
        fields = [*(field for field in IDENTITY[:2] if field.name not in names), *fields]
        if placed and not {"ra", "dec"} <= names:
            raise BadInputError(f"{path} can't be placed on the sky: its columns lack ra or dec")
        self.schema = pa.schema(fields)
        self._limit = max(1, min(rows_per_partition, bytes_per_partition // max(row_bytes(self.schema), 1)))
        super().__init__(path, fields, placed, made_by, {**inputs, "rows_per_partition": self._limit}, overwrite)
        self._staged = pa.schema([*fields, (_LIGHT, pa.string()), (_ROW, pa.string()), (_FILE, pa.string())])
        self._buffer: list[pa.Table] = []
        if not self.complete:
            self._staging = Staging(self._output.directory, self._staged, keep=self._output.resumed)

    def __enter__(self) -> CatalogWriter:
        return self

    @property
    def done_blocks(self) -> frozenset[int]:
        """Blocks that an interrupted run has left, and those added since; they need not be added again."""
        return frozenset() if self.complete else frozenset(self._staging.blocks)

    def add(
        self,
        table: pa.Table,
        *,
        file: str | Sequence[str] = "",
        rows: Sequence[int | str] | None = None,
        block: int | None = None,
    ) -> None:
        """Add rows.

        Parameters
        ----------
        table : pyarrow.Table
            The columns of the writer's fields, in any order. ``object_id`` may lack or be null: it is then made from a
            hash of the row. ``source_id`` may too: sources are found when the catalog is closed.
        file : str or sequence of str
            Where the rows come from, for quarantine: of all, or of each.
        rows : sequence of int or str, optional
            Their rows in that file.
        block : int, optional
            Number of a block of rows that can be made again by itself: it is kept on the disk at once, and an
            interrupted run that is continued finds it in `done_blocks`. Blocks go by number, before all other rows.
            Lines put in quarantine since the last `add` belong to the block.

        Raises
        ------
        BadInputError
            A column that lacks or is unknown, a type that does not fit, a value against the laws of `validate`.
        """
        if self.complete or (block is not None and block in self._staging.blocks):
            self._lines.clear()
            return
        where = (file if isinstance(file, str) else "") or str(self.path)
        ready = self._prepare(table, where)
        names = pa.repeat(file, len(ready)) if isinstance(file, str) else pa.array(file, pa.string())
        labels = (
            pa.array([str(row) for row in rows], pa.string())
            if rows is not None
            else ready["object_id"].combine_chunks()
        )
        if self._placed and (bad := bad_positions(ready)).any():
            for row, name in zip(
                labels.filter(pa.array(bad)).to_pylist(), names.filter(pa.array(bad)).to_pylist(), strict=True
            ):
                self.quarantine(row, name, "no position on the sky: ra or dec is missing or out of range")
            ready, labels, names = (part.filter(pa.array(~bad)) for part in (ready, labels, names))
        light = np.full(len(ready), None, object) if self._placed else photometry_hash(ready)
        ready = (
            ready.append_column(_LIGHT, pa.array(light, pa.string()))
            .append_column(_ROW, labels)
            .append_column(_FILE, names)
        )
        if block is not None:
            self._staging.put(ready, self._take_lines(), block)
            return
        self._buffer.append(ready)
        if sum(map(len, self._buffer)) >= _STAGE_ROWS or sum(t.nbytes for t in self._buffer) >= _STAGE_BYTES:
            self._flush()

    def _prepare(self, table: pa.Table, where: str) -> pa.Table:
        """The writer's columns and types, with an object_id in every row."""
        for name in table.column_names:
            if name not in self.schema.names:
                raise BadInputError(f"{unknown_name('column', name, self.schema.names)} in {where}")
        columns = []
        for field in self.schema:
            if field.name not in table.column_names and field.name in ("object_id", "source_id"):
                columns.append(pa.nulls(len(table), pa.string()))
            else:
                columns.append(cast_column(table, field, where))
        ready = pa.table(columns, schema=self.schema)
        validate(ready, where)
        ready = quantized_table(ready)
        names = ready["object_id"]
        if names.null_count:
            missing = pc.is_null(names)
            made = row_hashes(ready.filter(missing), leave_out=("object_id", "source_id"))
            filled = pc.replace_with_mask(names.combine_chunks(), missing.combine_chunks(), pa.array(made, pa.string()))
            ready = ready.set_column(ready.column_names.index("object_id"), self.schema.field("object_id"), filled)
        return ready

    def _take_lines(self) -> list[dict[str, str]]:
        lines, self._lines = self._lines, []
        return lines

    def _flush(self) -> None:
        if self._buffer or self._lines:
            table = pa.concat_tables(self._buffer) if self._buffer else self._staged.empty_table()
            self._staging.put(table, self._take_lines(), None)
            self._buffer = []

    def close(self) -> Catalog:
        """Name the sources, place the rows, write the data files, and give the catalog its name.

        Returns
        -------
        Catalog

        Raises
        ------
        BadInputError
            There is no row to write.
        """
        if self.complete or not self._open:
            return open_catalog(self.path)
        self._open = False
        try:
            return self._close()
        except BaseException as error:
            self._output.abandon(keep=not isinstance(error, AsterismError))
            raise

    def _close(self) -> Catalog:
        self._flush()
        files = self._staging.files()
        names = [n for n in ("object_id", "source_id", "ra", "dec", _LIGHT, _ROW, _FILE) if n in self._staged.names]
        lines, told = [], []
        for file in files:  # one at a time: what is mapped counts as memory
            table = self._staging.open(file)
            lines += self._staging.quarantine_lines(table)
            told.append(copied(table, names))
        sizes = [len(table) for table in told]
        keys = pa.concat_tables(told) if told else self._staged.empty_table()
        kept = self._without_repeats(keys, lines)
        if not len(kept):
            reasons = Counter(line["reason"] for line in lines).most_common(1)
            why = f": {len(lines)} went to quarantine, most often because {reasons[0][0]!r}" if reasons else ""
            raise BadInputError(f"no row is left to write to {self.path}{why}; check the input")
        keys = keys.take(pa.array(kept))
        sources = self._sources(keys)
        cells, order, index = self._places(keys)
        schema = pa.schema([HEALPIX_FIELD, *self.schema]) if self._placed else self.schema
        parts = []
        for cell in cells:
            rows = order[cell.start : cell.stop]
            table = gather(files, sizes, kept[rows], self.schema.names)
            columns = dict(zip(table.column_names, table.columns, strict=True))
            columns["source_id"] = pa.array(sources[rows], pa.string())
            if index is not None:
                columns[HEALPIX_COLUMN] = pa.array(index[rows])
            table = pa.table([columns[name] for name in schema.names], schema=schema)
            write_data_file(table, self._output.directory / cell.relative_path)
            parts.append((cell.relative_path, len(table), content_hash(table, leave_out=[HEALPIX_COLUMN])))
        self._staging.remove()
        return self._finish(schema, parts, lines, None)

    def _without_repeats(self, keys: pa.Table, lines: list[dict[str, str]]) -> np.ndarray:
        """Rows to keep: the first of each object_id; the others go to quarantine."""
        names = np.asarray(keys["object_id"].to_pylist(), dtype=object)
        if not len(names):
            return np.empty(0, np.int64)
        _, first = np.unique(names.astype(str), return_index=True)
        repeated = np.setdiff1d(np.arange(len(names)), first)
        told = keys.select([_ROW, _FILE]).take(pa.array(repeated)).to_pylist()
        for row, name in zip(told, names[repeated], strict=True):
            reason = f"object_id {name} is there already; the first row with it is kept"
            lines.append({"row": row[_ROW], "file": row[_FILE], "reason": reason})
        return np.sort(first)

    def _sources(self, keys: pa.Table) -> np.ndarray:
        places = {
            name: pc.fill_null(keys[name], np.nan).to_numpy() if name in keys.column_names else None
            for name in ("ra", "dec")
        }
        return assign_sources(
            keys["object_id"].to_pylist(),
            keys["source_id"].to_pylist(),
            places["ra"],
            places["dec"],
            keys[_LIGHT].to_pylist(),
        )

    def _places(self, keys: pa.Table) -> tuple[list[Cell], np.ndarray, np.ndarray | None]:
        """Partitions, rows in their order, and spatial indices of the rows."""
        if not self._placed:
            return cells_by_number(len(keys), self._limit), np.arange(len(keys)), None
        index = spatial_index(keys["ra"].to_numpy(), keys["dec"].to_numpy())
        sorting = pa.table({"index": index, "object_id": keys["object_id"]})
        order = pc.sort_indices(sorting, [("index", "ascending"), ("object_id", "ascending")]).to_numpy()
        return cells_on_the_sky(index[order], self._limit), order.astype(np.int64), index
