"""Text tables: CSV (with any one-character delimiter) and columns separated by blanks."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from asterism.errors import BadInputError
from asterism.surveys.tables.table_map import FileLayout
from asterism.surveys.tables.table_page import Complain, Page

__all__ = ["CsvTable", "WhitespaceTable", "open_text"]

_BLOCK_BYTES = 4 << 20
_LINES = 20_000


def open_text(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacking gzip and bzip2 by the suffix."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if path.suffix == ".bz2":
        return bz2.open(path, "rb")
    return path.open("rb")


def _preamble(path: Path, comment: str | None) -> tuple[int, bytes]:
    """Count the leading comment lines, and give the line after them."""
    mark = comment.encode() if comment else None
    try:
        with open_text(path) as stream:
            start = stream.read(1 << 16)
            if b"\0" in start:
                raise BadInputError(f"{path} is not a text table (it holds binary data); name its format in the map")
            stream.seek(0)
            for skipped, line in enumerate(stream):
                if mark is None or not line.lstrip(b"\xef\xbb\xbf").startswith(mark):
                    return skipped, line
    except (OSError, EOFError) as error:
        raise BadInputError(f"can't read {path}: {error}; fetch the file again") from error
    raise BadInputError(f"{path} has no rows; nothing can be made of an empty table")


class CsvTable:
    """A CSV file, streamed by pyarrow with every cell as text.

    Parameters
    ----------
    path : Path
        The file, plain or packed with gzip or bzip2.
    layout : FileLayout
        Delimiter, comment mark, header or names of the columns.

    Raises
    ------
    BadInputError
        The file is empty or binary.
    """

    def __init__(self, path: Path, layout: FileLayout) -> None:
        self.path = path
        self.units: dict[str, str] = {}
        self._delimiter = "\t" if ".tsv" in path.suffixes else layout.delimiter
        comments, first = _preamble(path, layout.comment)
        self._skip = comments + (1 if layout.header and layout.columns is not None else 0)
        # Whether pyarrow itself reads the names, from the line after the comments.
        self._header = layout.columns is None
        self.names = list(layout.columns) if layout.columns is not None else self._split(first)
        self._check_names()

    def _split(self, line: bytes) -> list[str]:
        import csv

        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadInputError(f"{self.path} is not a UTF-8 text table; convert it or name its format") from error
        return next(csv.reader([text.rstrip("\r\n")], delimiter=self._delimiter), [])

    def _check_names(self) -> None:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise BadInputError(f"{self.path} has two columns named {twice[0]!r}; rename one of them")

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Read the columns named, block by block.

        Parameters
        ----------
        columns : sequence of str
            Names out of `names`.
        complain : callable
            Gets each line whose number of cells is not that of the header; the line is left out.

        Yields
        ------
        Page

        Raises
        ------
        BadInputError
            The text is not UTF-8, or can't be parsed at all.
        """
        from pyarrow import csv

        first_line = self._skip + (2 if self._header else 1)
        rejected: set[int] = set()

        def reject(line: Any) -> str:
            row = line.number - first_line + 1
            rejected.add(row)
            complain(row, f"the line has {line.actual_columns} cells where {line.expected_columns} are expected")
            return "skip"

        size = max(self.path.stat().st_size, 1)
        try:
            with self.path.open("rb") as raw, pa.input_stream(raw, compression=self._compression()) as stream:
                reader = csv.open_csv(
                    stream,
                    read_options=csv.ReadOptions(
                        use_threads=False,
                        block_size=_BLOCK_BYTES,
                        skip_rows=self._skip,
                        column_names=None if self._header else self.names,
                    ),
                    parse_options=csv.ParseOptions(delimiter=self._delimiter, invalid_row_handler=reject),
                    convert_options=csv.ConvertOptions(
                        column_types={name: pa.string() for name in self.names},
                        include_columns=list(columns),
                        strings_can_be_null=False,
                    ),
                )
                row = 1
                for batch in reader:
                    rows = np.empty(batch.num_rows, np.int64)
                    for k in range(batch.num_rows):
                        while row in rejected:
                            row += 1
                        rows[k] = row
                        row += 1
                    cells = {name: batch.column(k) for k, name in enumerate(columns)}
                    yield Page(cells, rows, min(raw.tell() / size, 1.0))
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            reason = " ".join(str(error).split())
            raise BadInputError(f"can't read {self.path} as CSV: {reason[:200]}; mend the file or its map") from error

    def _compression(self) -> str | None:
        return {".gz": "gzip", ".bz2": "bz2"}.get(self.path.suffix)


class WhitespaceTable:
    """A table whose cells are separated by blanks; no cell can hold a blank.

    Parameters
    ----------
    path : Path
        The file, plain or packed with gzip or bzip2.
    layout : FileLayout
        Comment mark, header or names of the columns.

    Raises
    ------
    BadInputError
        The file is empty or binary.
    """

    def __init__(self, path: Path, layout: FileLayout) -> None:
        self.path = path
        self.units: dict[str, str] = {}
        self._comment = layout.comment
        comments, first = _preamble(path, layout.comment)
        self._skip = comments + (1 if layout.header else 0)
        if layout.columns is not None:
            self.names = list(layout.columns)
        else:
            self.names = first.decode("utf-8", "replace").split()

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Read the columns named, some thousand lines at a time; see `CsvTable.pages`."""
        places = [self.names.index(name) for name in columns]
        mark = self._comment.encode() if self._comment else None
        size = max(self.path.stat().st_size, 1)
        row = 0
        read = 0
        try:
            with open_text(self.path) as stream:
                for line in islice(stream, self._skip):
                    read += len(line)
                while lines := list(islice(stream, _LINES)):
                    rows: list[int] = []
                    kept: list[list[str]] = []
                    for line in lines:
                        read += len(line)
                        if not line.strip() or (mark is not None and line.startswith(mark)):
                            continue
                        row += 1
                        cells = line.decode("utf-8").split()
                        if len(cells) != len(self.names):
                            complain(row, f"the line has {len(cells)} cells where {len(self.names)} are expected")
                            continue
                        rows.append(row)
                        kept.append(cells)
                    arrays = {
                        name: pa.array([cells[place] for cells in kept], pa.string())
                        for name, place in zip(columns, places, strict=True)
                    }
                    yield Page(arrays, np.array(rows, np.int64), min(read / size, 1.0))
        except UnicodeDecodeError as error:
            raise BadInputError(f"{self.path} is not a UTF-8 text table; convert it or name its format") from error
        except (OSError, EOFError) as error:
            raise BadInputError(f"can't read {self.path}: {error}; fetch the file again") from error
