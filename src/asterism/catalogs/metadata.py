"""Putting our field metadata back where another writer has dropped it (LSDB does, on every step)."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from asterism.catalogs.columns import metadata_of
from asterism.catalogs.hats_layout import open_data_file, write_data_file, write_dataset_files
from asterism.errors import BadInputError

__all__ = ["restore_metadata"]


def restore_metadata(target: pa.Table | str | os.PathLike[str], schema: pa.Schema) -> pa.Table | None:
    """Give columns the types and metadata that a schema has for their names.

    Parameters
    ----------
    target : pyarrow.Table or path-like
        A table, of which a new one is returned; or a directory whose ``dataset/`` holds Parquet files (HATS or not),
        which are written anew one by one; or a HATS collection of such directories, as LSDB writes.
    schema : pyarrow.Schema
        Fields by name; columns that it has not stay as they are. After a join, pass the fields under their new names.

    Returns
    -------
    pyarrow.Table or None

    Raises
    ------
    BadInputError
        A column can't take the schema's type, or the directory holds no data files.
    """
    if isinstance(target, pa.Table):
        return _restore_table(target, schema, "the table")
    directory = Path(target)
    if (directory / "collection.properties").exists():
        # LSDB writes a collection: the catalog, and perhaps its margins, stand in folders of their own.
        for inner in sorted(directory.glob("*/dataset")):
            restore_metadata(inner.parent, schema)
        return None
    files = sorted((directory / "dataset").glob("**/[!._]*.parquet"))
    if not files:
        raise BadInputError(f"{directory} holds no data files under dataset/; check the path")
    result = schema
    for path in files:
        with open_data_file(path) as file:
            table = _restore_table(file.read(), schema, str(path))
        write_data_file(table, path)
        result = table.schema
    placed = (directory / "hats.properties").exists() or (directory / "properties").exists()
    if placed:
        from hats.io.parquet_metadata import write_parquet_metadata

        # The properties are the other writer's and stay; the indices are made again from the new files.
        write_parquet_metadata(directory)
    else:
        write_dataset_files(directory, directory.name, result, [], placed=False)
    pq.write_metadata(result, directory / "dataset" / "_common_metadata")
    return None


def _restore_table(table: pa.Table, schema: pa.Schema, what: str) -> pa.Table:
    columns, fields = [], []
    for field in table.schema:
        column = table[field.name]
        if field.name in schema.names:
            wanted = schema.field(field.name)
            try:
                column = column.cast(wanted.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise BadInputError(f"column {field.name!r} of {what} can't become {wanted.type} again") from error
            field = wanted
        else:
            field = field.with_metadata(metadata_of(field))
        columns.append(column)
        fields.append(field)
    # pandas' own record of types would speak of columns that are typed otherwise now.
    return pa.table(columns, schema=pa.schema(fields))
