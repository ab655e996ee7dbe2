"""``ingest table``: a table of magnitudes or fluxes becomes a catalog.

The way of the data: `table_map` says which column is what, `table_files` reads pages of raw cells, `table_rows` makes
rows of them by way of `table_cells`, `table_units` and `photometry`, and the catalog's writer keeps them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.outputs import file_identity
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.tables.dust import DustMap
from asterism.surveys.tables.table_files import MappedTable
from asterism.surveys.tables.table_map import load_map
from asterism.surveys.tables.table_rows import RowMaker

__all__ = ["ingest_table"]

"""Called with how much is done and how much there is, in bytes of input."""


def ingest_table(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    preset: str | None = None,
    map_file: str | Path | None = None,
    dust: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Make a catalog from tables in CSV, ECSV, FITS, VOTable, Parquet or whitespace format.

    Parameters
    ----------
    paths : sequence of path
        Tables with the same columns; their rows follow one another. Where ids repeat, the first row is kept.
    out : path
        The catalog's directory.
    preset : str, optional
        A map that ships with Asterism, see `asterism.surveys.tables.table_map.preset_names`.
    map_file : path, optional
        A map of one's own; exactly one of `preset` and `map_file` is given.
    dust : path, optional
        A dust map (see `asterism.surveys.tables.dust`): fills the extinction from positions, and undoes the dereddening of
        tables that are dereddened.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    Catalog
        HATS where the map has ra and dec, else plain Parquet. ``quarantine.parquet`` beside the data lists, by row and
        file, what was left out or blanked and why; the first row of data of a file is row 1.

    Raises
    ------
    ConfigurationError
        Preset or map are wrong.
    BadInputError
        A file can't be read, lacks a column, has a unit that contradicts the map, or holds no row.
    OutputError
        `out` holds something else.
    """
    table_map = load_map(preset, map_file)
    if not paths:
        raise ConfigurationError("no table is given; name one file or more")
    if dust is not None and table_map.identity.ra is None:
        raise ConfigurationError("--dust needs positions, and the map names no ra and dec for this table")
    tables = [MappedTable(path, table_map.file) for path in paths]
    source = ", ".join(table.name for table in tables)
    maker = RowMaker(table_map, DustMap.open(dust) if dust is not None else None, provenance=source)
    for table in tables:
        maker.begin(table)
    how = {"preset": preset} if preset is not None else {"map": Path(map_file or "").name}
    made_by = {"command": "ingest table", **how, "files": [table.name for table in tables]}
    if dust is not None:
        made_by["dust"] = Path(dust).name
    inputs = {
        "command": "ingest table",
        "map": table_map.model_dump(mode="json", by_alias=True),
        "files": [file_identity(table.path) for table in tables],
        "dust": DustMap.identity(dust) if dust is not None else None,
    }
    sizes = [max(os.path.getsize(table.path), 1) for table in tables]
    with CatalogWriter(
        out, maker.fields, placed=maker.placed, made_by=made_by, inputs=inputs, overwrite=overwrite
    ) as writer:
        if not writer.complete:
            for k, table in enumerate(tables):
                _add(table, maker, writer, sum(sizes[:k]), sizes[k], sum(sizes), progress)
    return open_catalog(writer.path)


def _add(
    table: MappedTable,
    maker: RowMaker,
    writer: CatalogWriter,
    before: int,
    size: int,
    total: int,
    progress: Progress | None,
) -> None:
    """Add all rows of one table."""
    maker.begin(table)
    count = 0
    reasons: Counter[str] = Counter()

    def complain(row: int, reason: str) -> None:
        reasons[reason] += 1
        writer.quarantine(row, table.name, reason)

    for page in table.pages(maker.columns, complain):
        if not len(page.rows):
            continue
        count += len(page.rows)
        rows, numbers = maker.rows(page, table, complain)
        if len(rows):
            writer.add(rows, file=table.name, rows=numbers.tolist())
        if progress is not None:
            progress(before + int(size * page.done), total)
    if not count:
        worst = reasons.most_common(1)
        why = f" that can be read ({worst[0][0]})" if worst else ""
        raise BadInputError(f"{table.path} has no rows{why}; nothing can be made of an empty table")
