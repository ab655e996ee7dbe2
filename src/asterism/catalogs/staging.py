"""Rows that wait on the disk until all have come and their places are known."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.hats_layout import row_bytes
from asterism.catalogs.outputs import atomic_write

__all__ = ["QUARANTINE_SCHEMA", "Staging", "copied", "gather"]

QUARANTINE_SCHEMA = pa.schema([("row", pa.string()), ("file", pa.string()), ("reason", pa.string())])
"""Columns of ``quarantine.parquet``."""

_FOLDER = "staging"
_WIDE = 1 << 18  # bytes of a row from which on staged rows are packed; packing takes longer than small rows are worth


class Staging:
    """Chunks of rows as Arrow files in a folder of the unfinished output, memory-mapped when they are gathered.

    Parameters
    ----------
    directory : pathlib.Path
        The unfinished output.
    schema : pyarrow.Schema
        Of the rows.
    keep : bool
        Keep the blocks of an interrupted run.

    Attributes
    ----------
    blocks : set of int
        Blocks that are there.
    """

    def __init__(self, directory: Path, schema: pa.Schema, keep: bool) -> None:
        self.folder = directory / _FOLDER
        self.schema = schema
        if not keep and self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(".*"):
            leftover.unlink()
        # Chunks that were numbered as they came are of no use to another run, which may cut its rows otherwise.
        for chunk in self.folder.glob("chunk-*.arrow"):
            chunk.unlink()
        self.blocks = {int(file.stem.split("-")[1]) for file in self.folder.glob("block-*.arrow")}
        self._chunks = 0

    def put(self, table: pa.Table, quarantine: list[dict[str, str]], block: int | None) -> None:
        """Write rows, and the quarantine lines that came with them, as one file."""
        if block is None:
            name = f"chunk-{self._chunks:010d}.arrow"
            self._chunks += 1
        else:
            name = f"block-{block:010d}.arrow"
            self.blocks.add(block)
        lines = pa.Table.from_pylist(quarantine, schema=QUARANTINE_SCHEMA)
        # One file holds both, so that no kill can part them: the lines stand in the schema's metadata.
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, lines.schema) as writer:
            writer.write_table(lines)
        schema = self.schema.with_metadata({b"quarantine": sink.getvalue().to_pybytes()})
        ready = table.replace_schema_metadata(schema.metadata).combine_chunks()
        # Wide rows would take two to five times the catalog's place until it is closed. Each partition opens all files that
        # hold one of its rows: LZ4 takes half as much place again as zstd, and a fifth of the time to open.
        packed = pa.ipc.IpcWriteOptions(compression="lz4" if row_bytes(schema) > _WIDE else None)
        with atomic_write(self.folder / name) as file, pa.ipc.new_file(file, schema, options=packed) as writer:
            writer.write_table(ready)

    def files(self) -> list[Path]:
        """All files in order: the blocks by number, then the chunks as they came."""
        return sorted(self.folder.glob("block-*.arrow")) + sorted(self.folder.glob("chunk-*.arrow"))

    @staticmethod
    def open(file: Path) -> pa.Table:
        """The rows of a file, memory-mapped for as long as the table is held."""
        with pa.ipc.open_file(pa.memory_map(str(file))) as reader:
            return reader.read_all()

    @staticmethod
    def quarantine_lines(table: pa.Table) -> list[dict[str, str]]:
        """The quarantine lines that were put with a table."""
        with pa.ipc.open_stream(pa.py_buffer(table.schema.metadata[b"quarantine"])) as reader:
            return reader.read_all().to_pylist()

    def remove(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder)


def copied(table: pa.Table, columns: list[str]) -> pa.Table:
    """Columns of a memory-mapped table in memory of their own, so that the mapping ends."""
    return table.select(columns).replace_schema_metadata(None).take(pa.array(np.arange(len(table))))


def gather(files: list[Path], sizes: list[int], rows: npt.NDArray[np.int64], columns: list[str]) -> pa.Table:
    """Rows of a list of files, counted through all of them, in the order asked for.

    Only the files that hold one of the rows are opened, and no longer than it takes to copy these rows.

    Parameters
    ----------
    files : list of Path
        Of `Staging.files`.
    sizes : list of int
        Rows of each.
    rows : ndarray of int64
        Which.
    columns : list of str
        Columns wanted.

    Returns
    -------
    pyarrow.Table
    """
    starts = np.cumsum([0, *sizes])
    order = np.argsort(rows, kind="stable")
    wanted = rows[order]
    taken = []
    for index in np.unique(np.searchsorted(starts, wanted, side="right") - 1):
        low, high = np.searchsorted(wanted, [starts[index], starts[index + 1]])
        table = Staging.open(files[index]).select(columns)
        taken.append(table.take(pa.array(wanted[low:high] - starts[index])).replace_schema_metadata(None))
    back = np.empty(len(rows), np.int64)
    back[order] = np.arange(len(rows))
    return pa.concat_tables(taken).combine_chunks().take(pa.array(back))
