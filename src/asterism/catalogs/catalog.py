"""Catalogs at rest: opening, reading and joining narrow ones with their parent.

A catalog is a directory with ``asterism.json``. Its data files are Parquet, one per partition. A *narrow* catalog holds
the identity and the columns that a step has added, partition for partition as its parent; opened here it shows the
joined row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asterism.catalogs.columns import metadata_of
from asterism.catalogs.fingerprint import combine, content_hash
from asterism.catalogs.groups import Group, groups
from asterism.catalogs.hats_layout import HEALPIX_COLUMN, open_data_file
from asterism.catalogs.splits import read_split
from asterism.errors import BadInputError, ConfigurationError, unknown_name

if TYPE_CHECKING:
    from astropy.table import QTable
    from specutils import Spectrum

__all__ = ["CATALOG_FILE", "SCHEMA_VERSION", "Catalog", "Partition", "open_catalog"]

CATALOG_FILE = "asterism.json"
"""What makes a directory a catalog."""

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Partition:
    """One data file of a catalog.

    Attributes
    ----------
    index : int
        Its place among the partitions.
    relative_path : str
        From the catalog's root; a narrow catalog's partition has its parent's.
    rows : int
        Number of rows.
    start : int
        Row of the catalog at which it begins.
    """

    index: int
    relative_path: str
    rows: int
    start: int = 0


def open_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Open a catalog; nothing but its description is read.

    Parameters
    ----------
    path : path-like
        Directory of the catalog.

    Returns
    -------
    Catalog

    Raises
    ------
    BadInputError
        There is no catalog, it is damaged or of a newer version, or the parent of a narrow catalog is missing or is
        not the one it was made from.
    """
    directory = Path(os.path.abspath(path))
    if not directory.is_dir():
        if directory.with_name(directory.name + ".partial").is_dir():
            raise BadInputError(
                f"{directory} is not finished: only {directory.name}.partial is there; run what makes it again"
            )
        raise BadInputError(f"there is no catalog at {directory}; check the path")
    file = directory / CATALOG_FILE
    if not file.is_file():
        raise BadInputError(
            f"{directory} is not an Asterism catalog: it has no {CATALOG_FILE}; make one with 'asterism ingest'"
        )
    try:
        info = json.loads(file.read_text("utf-8"))
        version = info["schema_version"]
        files = [
            (str(entry["path"]), int(entry["rows"]), int(entry["bytes"]), str(entry["content"]))
            for entry in info["partitions"]
        ]
        kind, fingerprint, parent = str(info["kind"]), str(info["fingerprint"]), info["parent"]
        if parent is not None:
            parent = {"path": str(parent["path"]), "fingerprint": str(parent["fingerprint"])}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{file} is damaged ({error!r}); make the catalog again") from error
    if version != SCHEMA_VERSION:
        raise BadInputError(
            f"{directory} is a catalog of schema version {version}, and this Asterism reads {SCHEMA_VERSION}; "
            "use the Asterism that made it"
        )
    for name, _, size, _ in files:
        try:
            found = (directory / name).stat().st_size
        except OSError as error:
            raise BadInputError(f"{directory} lacks its data file {name}; copy or make the catalog again") from error
        if found != size:
            raise BadInputError(
                f"{directory / name} has {found} bytes and not the {size} that were written; "
                "copy or make the catalog again"
            )
    schema = _read_schema(directory)
    above = None if parent is None else _open_parent(directory, parent["path"], parent["fingerprint"])
    return Catalog(directory, info, schema, above, kind == "placed", fingerprint, [entry[:2] for entry in files])


def _read_schema(directory: Path) -> pa.Schema:
    file = directory / "dataset" / "_common_metadata"
    try:
        schema = pq.read_schema(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInputError(f"{file} is missing or damaged; copy or make the catalog again") from error
    return pa.schema(
        [field.with_metadata(metadata_of(field)) for field in schema if field.name != HEALPIX_COLUMN],
    )


def _open_parent(directory: Path, path: str, fingerprint: str) -> Catalog:
    # The way goes from the real directory: ".." behind a link leads elsewhere.
    place = Path(os.path.normpath(Path(os.path.realpath(directory)) / path))
    try:
        parent = open_catalog(place)
    except BadInputError as error:
        raise BadInputError(
            f"{directory} adds columns to a catalog that can't be opened ({error}); "
            "move the two together, or write whole rows with --wide next time"
        ) from error
    if parent.fingerprint != fingerprint:
        raise BadInputError(
            f"{directory} was made from other rows than {place} holds now (fingerprint {fingerprint[:12]} then, "
            f"{parent.fingerprint[:12]} now); make it again"
        )
    return parent


class Catalog:
    """A catalog on the disk; made by `open_catalog`.

    Attributes
    ----------
    path : pathlib.Path
        Its directory.
    placed : bool
        Whether rows have positions (HATS) or not (numbered parts).
    parent : Catalog or None
        What a narrow catalog adds its columns to.
    fingerprint : str
        Name of its content; the parent's content counts too.
    schema : pyarrow.Schema
        Columns of the joined row, with metadata, without the spatial index.
    own_schema : pyarrow.Schema
        Columns in its own data files, without the spatial index.
    partitions : list of Partition
        Its data files in order.
    info : dict
        What ``asterism.json`` says.
    made_by : dict
        How it was made.
    """

    def __init__(
        self,
        path: Path,
        info: dict[str, Any],
        own_schema: pa.Schema,
        parent: Catalog | None,
        placed: bool,
        fingerprint: str,
        files: Sequence[tuple[str, int]],
    ) -> None:
        self.path = path
        self.info = info
        self.own_schema = own_schema
        self.parent = parent
        self.placed = placed
        self.fingerprint = fingerprint
        self.made_by: dict[str, Any] = dict(info.get("made_by") or {})
        starts = np.cumsum([0, *(rows for _, rows in files)])
        self.partitions = [Partition(index, name, rows, int(starts[index])) for index, (name, rows) in enumerate(files)]
        self._rows = int(starts[-1])
        self.schema: pa.Schema = own_schema if parent is None else _joined(parent.schema, own_schema)

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        kind = "placed" if self.placed else "unplaced"
        return f"<Catalog {self.path} ({kind}, {len(self)} rows, {len(self.schema)} columns)>"

    @cached_property
    def groups(self) -> dict[str, Group]:
        """Modality groups of the joined row, by name."""
        return groups(self.schema)

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: str | None = None,
        split: str | None = None,
        part: str | Sequence[str] | None = None,
    ) -> pa.Table:
        """Read rows into memory.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns in the order wanted; all of them by default.
        where : str, optional
            Rows for which this SQL-like condition holds, e.g. ``"r_mag < 20"``.
        split : str, optional
            Name of a split; rows that are not in it are left out.
        part : str or sequence of str, optional
            Part or parts of the split, e.g. ``"test"``.

        Returns
        -------
        pyarrow.Table
            In the catalog's order, with the fields' metadata.

        Raises
        ------
        BadInputError
            A column, split or part that there is not.
        """
        parts = list(self.batches(columns, where=where, split=split, part=part))
        return pa.concat_tables(parts) if parts else self._select(columns).empty_table()

    def batches(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: str | None = None,
        split: str | None = None,
        part: str | Sequence[str] | None = None,
    ) -> Iterator[pa.Table]:
        """The same rows as `read` gives, partition by partition; takes the same arguments."""
        schema = self._select(columns)
        chosen = self._members(split, part)
        needed = list(schema.names)
        condition = None
        if where is not None:
            from asterism.catalogs.where import compile_where

            condition = compile_where(where, self.schema)
            needed += [name for name in condition.columns if name not in needed]
        if chosen is not None and "object_id" not in needed:
            needed.append("object_id")
        for partition in self.partitions:
            table = self.read_partition(partition, needed)
            if condition is not None:
                table = table.filter(pa.array(condition.mask(table)))
            if chosen is not None:
                table = table.filter(pc.is_in(table["object_id"], value_set=chosen))
            yield table.select(schema.names)

    def read_partition(self, partition: Partition, columns: Sequence[str] | None = None) -> pa.Table:
        """Read one partition, joined with the parent's; see `read` for `columns`."""
        schema = self._select(columns)
        own = [name for name in schema.names if name in self.own_schema.names]
        found: dict[str, pa.ChunkedArray] = {}
        if own:
            table = self._read_file(partition, own)
            found.update(zip(table.column_names, table.columns, strict=True))
        above = [name for name in schema.names if name not in found]
        if above and self.parent is not None:
            table = self.parent.read_partition(self.parent.partitions[partition.index], above)
            found.update(zip(table.column_names, table.columns, strict=True))
        return pa.table([found[name].cast(schema.field(name).type) for name in schema.names], schema=schema)

    def table(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: str | None = None,
        split: str | None = None,
        part: str | Sequence[str] | None = None,
    ) -> QTable:
        """Read rows as an astropy table with units; lists become arrays of their shape. Arguments as for `read`."""
        from asterism.catalogs.astropy_tables import to_qtable

        return to_qtable(self.read(columns, where=where, split=split, part=part))

    def spectrum(self, object_id: str, group: str | None = None) -> Spectrum:
        """A spectrum of one object as specutils' `Spectrum` with units; see `asterism.catalogs.objects.spectrum_of`."""
        from asterism.catalogs.objects import spectrum_of

        return spectrum_of(self, object_id, group)

    def split_names(self) -> list[str]:
        """Names of the splits that are stored in this catalog or in its parent."""
        return sorted(self._splits())

    def split(self, name: str) -> pa.Table:
        """A stored split: object_id, source_id, part (string), fold (int32 or null); ``NAME@k`` with fold k tested.

        Raises
        ------
        BadInputError
            There is no such split.
        """
        files = self._splits()
        if name.partition("@")[0] not in files:
            raise BadInputError(f"{unknown_name('split', name, files)} in {self.path}; make it with 'asterism split'")
        return read_split(self, name)

    def quarantine(self) -> pa.Table:
        """Objects that could not be used when the catalog was made: row, file, reason (strings)."""
        with open_data_file(self.path / "quarantine.parquet") as file:
            return file.read()

    def describe(self) -> dict[str, Any]:
        """What there is, as ``asterism info`` prints it: counts, groups, fractions, classes, splits (JSON values)."""
        from asterism.catalogs.describe import describe

        return describe(self)

    def verify(self) -> None:
        """Read every data file and compare its content with what was written.

        Raises
        ------
        BadInputError
            Names the first file that differs.
        """
        if self.parent is not None:
            self.parent.verify()
        parts = []
        for partition, entry in zip(self.partitions, self.info["partitions"], strict=True):
            parts.append(content_hash(self._read_file(partition), leave_out=[HEALPIX_COLUMN]))
            if parts[-1] != entry["content"]:
                raise BadInputError(
                    f"{self.path / partition.relative_path} does not hold what was written; make the catalog again"
                )
        if combine(parts, self.parent.fingerprint if self.parent else None) != self.fingerprint:
            raise BadInputError(f"the fingerprint of {self.path} is not that of its data; make the catalog again")

    def _read_file(self, partition: Partition, columns: list[str] | None = None) -> pa.Table:
        """Columns of a partition's own data file."""
        with open_data_file(self.path / partition.relative_path) as file:
            return file.read(columns=columns)

    def _select(self, columns: Iterable[str] | None) -> pa.Schema:
        """Schema of the columns asked for."""
        if columns is None:
            return self.schema
        if isinstance(columns, str):
            raise ConfigurationError(f"columns must be a list of names, not the text {columns!r}")
        names = list(dict.fromkeys(columns))
        for name in names:
            if name not in self.schema.names:
                raise BadInputError(f"{unknown_name('column', name, self.schema.names)} in {self.path}")
        return pa.schema([self.schema.field(name) for name in names])

    def _splits(self) -> dict[str, Path]:
        above = self.parent._splits() if self.parent else {}
        return {**above, **{file.stem: file for file in (self.path / "splits").glob("[!.]*.parquet")}}

    def _members(self, split: str | None, part: str | Sequence[str] | None) -> pa.Array | None:
        """Ids of the objects in a split's parts; None for all rows."""
        if split is None:
            if part is not None:
                raise ConfigurationError(f"part {part!r} needs the name of a split")
            return None
        table = self.split(split)
        if part is not None:
            wanted = [part] if isinstance(part, str) else list(part)
            known = pc.unique(table["part"]).to_pylist()
            for name in wanted:
                if name not in known:
                    raise BadInputError(f"{unknown_name(f'part of split {split!r}', name, filter(None, known))}")
            table = table.filter(pc.is_in(table["part"], value_set=pa.array(wanted)))
        return table["object_id"].combine_chunks()


def _joined(parent: pa.Schema, own: pa.Schema) -> pa.Schema:
    """The parent's columns, then those that are added; a column that both have is the newer one's."""
    fields = [own.field(field.name) if field.name in own.names else field for field in parent]
    return pa.schema([*fields, *(field for field in own if field.name not in parent.names)])
