"""What all makers of catalogs share: the life of the output, quarantine, and the files beside the data."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import asterism
from asterism.catalogs.catalog import CATALOG_FILE, SCHEMA_VERSION, Catalog, open_catalog
from asterism.catalogs.fingerprint import combine
from asterism.catalogs.hats_layout import write_dataset_files
from asterism.catalogs.outputs import Output, atomic_write
from asterism.catalogs.staging import QUARANTINE_SCHEMA
from asterism.catalogs.validate import check_names
from asterism.errors import AsterismError

__all__ = ["Writer"]


class Writer(ABC):
    """What both writers share: the output's life, quarantine lines, and the files beside the data."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        fields: Sequence[pa.Field],
        placed: bool,
        made_by: Mapping[str, Any],
        inputs: Mapping[str, Any],
        overwrite: bool,
    ) -> None:
        check_names([field.name for field in fields], f"the columns of {path}")
        self._made_by = {**made_by, "asterism": asterism.__version__}
        self._placed = placed
        # Columns count as inputs: what an interrupted run has left must be of the same ones.
        columns = {field.name: str(field.type) for field in fields}
        self._output = Output(path, {**inputs, "columns": columns}, overwrite)
        self._lines: list[dict[str, str]] = []
        self._open = True
        self._output.begin()

    @property
    def path(self) -> Path:
        """The name that the catalog will have."""
        return self._output.path

    @property
    def workspace(self) -> Path:
        """Where the output is being made. What a maker keeps here outlives an interruption, and goes before `close`."""
        return self._output.directory

    @property
    def complete(self) -> bool:
        """The catalog is there already, made from the same inputs: nothing needs to be written, and nothing will be."""
        return self._output.complete

    def quarantine(self, row: int | str, file: str, reason: str) -> None:
        """Record an object that can't be used, or only in part.

        Parameters
        ----------
        row : int or str
            Its row in the file, or its name.
        file : str
            Where it stands.
        reason : str
            What is wrong with it.
        """
        self._lines.append({"row": str(row), "file": str(file), "reason": reason})

    @abstractmethod
    def close(self) -> Catalog:
        """Write what is left to write and give the catalog its name."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            return
        if kind is None:
            self.close()
        else:
            self._open = False
            self._output.abandon(keep=not issubclass(kind, AsterismError))

    def _finish(
        self,
        schema: pa.Schema,
        parts: Sequence[tuple[str, int, str]],
        lines: list[dict[str, str]],
        parent: Catalog | None,
    ) -> Catalog:
        """Write what stands beside the data files and give the output its name."""
        directory = self._output.directory
        write_dataset_files(directory, self.path.name, schema, [path for path, _, _ in parts], self._placed)
        with atomic_write(directory / "quarantine.parquet") as file:
            pq.write_table(pa.Table.from_pylist(lines, schema=QUARANTINE_SCHEMA), file)
        above = None
        if parent is not None:
            above = {"path": _path_from(self.path, parent.path), "fingerprint": parent.fingerprint}
        info = {
            "schema_version": SCHEMA_VERSION,
            "kind": "placed" if self._placed else "unplaced",
            "parent": above,
            "fingerprint": combine([content for _, _, content in parts], parent.fingerprint if parent else None),
            "rows": sum(rows for _, rows, _ in parts),
            "made_by": self._made_by,
            "partitions": [
                {"path": path, "rows": rows, "bytes": (directory / path).stat().st_size, "content": content}
                for path, rows, content in parts
            ],
        }
        with atomic_write(directory / CATALOG_FILE) as file:
            file.write_text(json.dumps(info, indent=1) + "\n", "utf-8")
        self._output.finish()
        return open_catalog(self.path)


def _path_from(path: Path, parent: Path) -> str:
    """The parent seen from its narrow catalog, so that both can be moved together; whole where there is no such way."""
    try:
        return Path(os.path.relpath(os.path.realpath(parent), os.path.realpath(path))).as_posix()
    except ValueError:  # on another drive
        return str(parent)
