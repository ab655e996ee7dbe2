"""Opening a table of any of the formats that astronomers pass around, and finding columns in it by name.

Text cells stay text (an id of nineteen digits does not survive a double), so what is a number, a blank or a mistake is
decided in `table_cells`, with the row at hand. CSV, whitespace tables, FITS and Parquet are read in pages; ECSV and
VOTable are read whole by astropy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from asterism.errors import BadInputError, unknown_name
from asterism.surveys.tables.table_binary import AstropyTable, FitsTable, ParquetTable
from asterism.surveys.tables.table_map import FileLayout
from asterism.surveys.tables.table_page import Complain, Page, RawColumn, TableSource
from asterism.surveys.tables.table_text import CsvTable, WhitespaceTable, open_text

__all__ = ["MappedTable", "open_table"]

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".dat": "whitespace",
    ".ecsv": "ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".fts": "fits",
    ".vot": "votable",
    ".votable": "votable",
    ".xml": "votable",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_ELEMENT = re.compile(r"(.+)\[(\d+)\]")


def _content(path: Path) -> str | None:
    """Tell the format from the first bytes, for those formats whose first bytes tell it."""
    try:
        with open_text(path) as stream:
            start = stream.read(512)
    except (OSError, EOFError) as error:
        raise BadInputError(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error
    if start.startswith(b"SIMPLE  ="):
        return "fits"
    if start.startswith(b"PAR1"):
        return "parquet"
    if b"<VOTABLE" in start:
        return "votable"
    if start.startswith(b"# %ECSV"):
        return "ecsv"
    return None


def _format(path: Path, layout: FileLayout) -> str:
    """Choose the format: the map's, else the suffix's; the first bytes must not contradict it."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".bz2"):
        suffixes.pop()
    by_suffix = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    content = _content(path)
    chosen = layout.format or by_suffix or content
    if chosen is None:
        raise BadInputError(
            f"can't tell the format of {path} from its suffix; rename it (known: {', '.join(_SUFFIXES)}) "
            'or write format = "…" under [file] in the map'
        )
    # ECSV is often called .csv or .txt, and then its own header must be honoured for units and types.
    if content == "ecsv" and layout.format is None:
        return content
    if content is not None and content != chosen:
        raise BadInputError(f"{path} is a {content} file by its content, not {chosen}; rename it or correct the map")
    if chosen in ("fits", "parquet", "votable") and content is None:
        raise BadInputError(f"{path} is not a {chosen} file by its content; it is damaged or wrongly named")
    return chosen


class MappedTable:
    """A table in which columns are found under the names of a map.

    Parameters
    ----------
    path : path
        The file.
    layout : FileLayout
        What the map says of the file.

    Attributes
    ----------
    path : Path
    name : str
        The file's name, as it stands in messages and in quarantine.parquet.

    Raises
    ------
    BadInputError
        The file is missing, a directory, of an unknown format, damaged or empty.
    """

    def __init__(self, path: str | Path, layout: FileLayout) -> None:
        self.path = Path(path)
        self.name = self.path.name
        if self.path.is_dir():
            raise BadInputError(f"{self.path} is a directory; name the table files in it")
        if not self.path.exists():
            raise BadInputError(f"{self.path} does not exist; check the path")
        kind = _format(self.path, layout)
        self._ignore_case = kind == "fits"  # names of FITS columns have no case
        self._source: TableSource
        if kind == "csv":
            self._source = CsvTable(self.path, layout)
        elif kind == "whitespace":
            self._source = WhitespaceTable(self.path, layout)
        elif kind == "fits":
            self._source = FitsTable(self.path, layout)
        elif kind == "parquet":
            self._source = ParquetTable(self.path)
        else:
            self._source = AstropyTable(self.path, kind)

    def _find(self, name: str, used: Collection[str] = ()) -> tuple[str, int | None]:
        """Find the physical column, and the element where ``NAME[k]`` asks for one.

        Columns that are used already are not proposed for one that is missing.
        """
        names = self._source.names
        if name in names:
            return name, None
        element = _ELEMENT.fullmatch(name)
        stem = element[1] if element else name
        if stem not in names:
            alike = [n for n in names if n.casefold() == stem.casefold()] if self._ignore_case else []
            if len(alike) != 1:
                meant = [n for n in names if n not in used]
                raise BadInputError(f"{self.path}: {unknown_name('column', stem, names, meant)}")
            stem = alike[0]
        return stem, int(element[2]) if element else None

    def check(self, columns: Sequence[str]) -> None:
        """Refuse a table that lacks one of the columns, before anything is read.

        Raises
        ------
        BadInputError
            A column is missing; the sentence names the nearest one.
        """
        used = {name for name in columns if name in self._source.names}
        for name in columns:
            self._find(name, used)

    def unit(self, column: str) -> str | None:
        """Unit that the file gives for a column, as it is written there; None where it gives none."""
        return self._source.units.get(self._find(column)[0])

    def pages(self, columns: Sequence[str], complain: Complain) -> Iterator[Page]:
        """Read the columns under the map's names, page by page.

        Parameters
        ----------
        columns : sequence of str
            Names as in the map, ``NAME[k]`` for elements of vectors.
        complain : callable
            Gets rows that can't be taken apart.

        Yields
        ------
        Page

        Raises
        ------
        BadInputError
            The file is damaged, or an element is asked for that a column does not have.
        """
        found = {name: self._find(name) for name in columns}
        physical = list(dict.fromkeys(stem for stem, _ in found.values()))
        for page in self._source.pages(physical, complain):
            cells = {name: self._cell(page.columns[stem], name, k) for name, (stem, k) in found.items()}
            yield Page(cells, page.rows, page.done)

    def _cell(self, column: RawColumn, name: str, element: int | None) -> RawColumn:
        if isinstance(column, pa.Array) or column.ndim == 1:
            if element is not None:
                raise BadInputError(f"{self.path}: column of {name!r} is not a vector; write its name without [..]")
            return column
        if element is None:
            raise BadInputError(
                f"{self.path}: column {name!r} is a vector of {column.shape[1]}; say which element, e.g. {name}[0]"
            )
        if column.ndim > 2 or element >= column.shape[1]:
            raise BadInputError(f"{self.path}: {name!r} asks for an element beyond the column's {column.shape[1:]}")
        return column[:, element]


def open_table(path: str | Path, layout: FileLayout | None = None) -> MappedTable:
    """Open one table; see `MappedTable`.

    Examples
    --------
    >>> from pathlib import Path; from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     file = Path(place, "a.csv"); _ = file.write_text("objid,r\\n1237648720142401611,17.5\\n")
    ...     [page.columns["objid"].to_pylist() for page in open_table(file).pages(["objid"], print)]
    [['1237648720142401611']]
    """
    return MappedTable(path, layout or FileLayout())
