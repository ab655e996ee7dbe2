"""Narrow catalogs: columns that a step adds to another catalog, and the way back to whole rows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from asterism.catalogs.catalog import Catalog, Partition, open_catalog
from asterism.catalogs.columns import IDENTITY
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.hats_layout import HEALPIX_COLUMN, HEALPIX_FIELD, open_data_file, write_data_file
from asterism.catalogs.outputs import atomic_write
from asterism.catalogs.validate import cast_column, validate
from asterism.catalogs.writer import Writer
from asterism.errors import BadInputError, OutputError

__all__ = ["NarrowWriter", "write_wide"]


class NarrowWriter(Writer):
    """Columns that are added to a catalog, partition for partition; an interrupted one continues with what is left.

    Parameters
    ----------
    parent : Catalog
        What the columns are added to; may itself be narrow.
    path : path-like
        Directory to make.
    fields : sequence of pyarrow.Field
        The new columns, with metadata. Columns of identity come from the parent.
    made_by, inputs, overwrite
        As for `CatalogWriter`; the parent's fingerprint is added to the inputs.

    Attributes
    ----------
    done : set of int
        Partitions (their index) that are written.
    """

    def __init__(
        self,
        parent: Catalog,
        path: str | os.PathLike[str],
        fields: Sequence[pa.Field],
        *,
        made_by: Mapping[str, Any],
        inputs: Mapping[str, Any],
        overwrite: bool = False,
    ) -> None:
        identity = {field.name for field in IDENTITY}
        self.new_fields = [field for field in fields if field.name not in identity]
        if not self.new_fields:
            raise BadInputError(f"{path} would add no column to {parent.path}")
        link: Catalog | None = parent
        while link is not None:
            if os.path.realpath(path) == os.path.realpath(link.path):
                raise OutputError(f"{path} is the catalog that the columns come from; choose another output")
            link = link.parent
        super().__init__(
            path, self.new_fields, parent.placed, made_by, {"parent": parent.fingerprint, **inputs}, overwrite
        )
        self.parent = parent
        self._identity = [field for field in parent.schema if field.name in identity]
        self.schema = pa.schema(([HEALPIX_FIELD] if parent.placed else []) + self._identity + self.new_fields)
        self._content: dict[int, str] = {}
        self.done: set[int] = {
            partition.index
            for partition in parent.partitions
            if (self._output.directory / partition.relative_path).is_file()
        }

    def __enter__(self) -> NarrowWriter:
        return self

    def write(self, partition: Partition, new_columns: pa.Table) -> None:
        """Write the new columns of one of the parent's partitions.

        Parameters
        ----------
        partition : Partition
            One of the parent's. Lines put in quarantine since the last `write` belong to it.
        new_columns : pyarrow.Table
            The new columns for each of its rows, in their order. An ``object_id`` beside them is compared with the
            parent's.

        Raises
        ------
        BadInputError
            Columns, rows or types do not fit.
        """
        if self.complete:
            return
        base = _physical(self.parent, partition, self.schema.names[: -len(self.new_fields)])
        where = f"partition {partition.relative_path} of {self.path}"
        if len(new_columns) != len(base):
            raise BadInputError(f"{where} needs {len(base)} rows, as its parent has, and got {len(new_columns)}")
        if "object_id" in new_columns.column_names and new_columns["object_id"].to_pylist() != (
            base["object_id"].to_pylist()
        ):
            raise BadInputError(f"the rows for {where} are not its parent's, or not in the parent's order")
        columns = [*base.columns, *(cast_column(new_columns, field, where) for field in self.new_fields)]
        table = pa.table(columns, schema=self.schema)
        validate(table, where)
        if self._lines:
            # Before the data: a partition that is there has its lines, whenever the run is cut.
            with atomic_write(self._lines_file(partition.index)) as file:
                file.write_text(json.dumps(self._lines), "utf-8")
            self._lines = []
        write_data_file(table, self._output.directory / partition.relative_path)
        self._content[partition.index] = content_hash(table, leave_out=[HEALPIX_COLUMN])
        self.done.add(partition.index)

    def _lines_file(self, index: int) -> Path:
        """Where the quarantine lines of a partition wait."""
        return self._output.directory / "quarantine" / f"{index:08d}.json"

    def close(self) -> Catalog:
        """Write what stands beside the data and give the catalog its name.

        Raises
        ------
        OutputError
            Partitions lack.
        """
        if self.complete or not self._open:
            return open_catalog(self.path)
        self._open = False
        try:
            missing = [p.index for p in self.parent.partitions if p.index not in self.done]
            if missing:
                raise OutputError(
                    f"{len(missing)} of {len(self.parent.partitions)} partitions of {self.path} are not written "
                    f"(the first is number {missing[0]})"
                )
            parts = []
            for partition in self.parent.partitions:
                content = self._content.get(partition.index)
                if content is None:
                    with open_data_file(self._output.directory / partition.relative_path) as data:
                        content = content_hash(data.read(), leave_out=[HEALPIX_COLUMN])
                parts.append((partition.relative_path, partition.rows, content))
            lines = []
            for partition in self.parent.partitions:
                if (file := self._lines_file(partition.index)).exists():
                    lines += json.loads(file.read_text("utf-8"))
            lines += self._lines
            shutil.rmtree(self._lines_file(0).parent, ignore_errors=True)
            return self._finish(self.schema, parts, lines, self.parent)
        except BaseException:
            self._output.abandon()
            raise


def _physical(catalog: Catalog, partition: Partition, names: Sequence[str]) -> pa.Table:
    """Columns of a partition's own data file, the spatial index too."""
    with open_data_file(catalog.path / partition.relative_path) as file:
        return file.read(columns=list(names)).select(list(names))


def write_wide(catalog: Catalog, path: str | os.PathLike[str], overwrite: bool = False) -> Catalog:
    """Write the joined rows of a narrow catalog as a catalog of its own, with the same partitions.

    Parameters
    ----------
    catalog : Catalog
        Usually a narrow one.
    path : path-like
        Directory to make.
    overwrite : bool
        Replace an earlier output.

    Returns
    -------
    Catalog
    """
    with _WideWriter(catalog, path, overwrite) as writer:
        return writer.close()


class _WideWriter(Writer):
    """Joined rows, partition for partition."""

    def __init__(self, catalog: Catalog, path: str | os.PathLike[str], overwrite: bool) -> None:
        made_by = {**catalog.made_by, "wide": True}
        inputs = {"command": made_by.get("command"), "wide": catalog.fingerprint}
        super().__init__(path, list(catalog.schema), catalog.placed, made_by, inputs, overwrite)
        self.catalog = catalog

    def __enter__(self) -> _WideWriter:
        return self

    def close(self) -> Catalog:
        if self.complete or not self._open:
            return open_catalog(self.path)
        catalog = self.catalog
        schema = pa.schema(([HEALPIX_FIELD] if catalog.placed else []) + list(catalog.schema))
        parts = []
        for partition in catalog.partitions:
            table = catalog.read_partition(partition)
            columns = list(table.columns)
            if catalog.placed:
                columns = [*_physical(catalog, partition, [HEALPIX_COLUMN]).columns, *columns]
            table = pa.table(columns, schema=schema)
            write_data_file(table, self._output.directory / partition.relative_path)
            parts.append((partition.relative_path, len(table), content_hash(table, leave_out=[HEALPIX_COLUMN])))
        self._open = False
        return self._finish(schema, parts, catalog.quarantine().to_pylist(), None)
