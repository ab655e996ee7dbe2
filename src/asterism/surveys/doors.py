"""``ingest SURVEY``: what all doors for survey files share. A door says what is in a file; the rest happens here.

To add a survey, write one file with a frozen dataclass like `Door`, and name it in `asterism.surveys.registry`. Files
are cut into parts that can be read alone, parts are put together to blocks, and blocks are read on all cores: a block
that an interrupted run has left is not read again, and the data files are the same byte for byte however often it was
interrupted and on how many cores it ran.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from asterism.catalogs.blocks import Progress, check_workers, make_blocks
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.outputs import file_identity
from asterism.catalogs.validate import validate
from asterism.catalogs.write import CatalogWriter
from asterism.errors import AsterismError, BadInputError

__all__ = ["Door", "Observation", "Part", "Plan", "find_files", "ingest_files"]

_BLOCK_PARTS, _BLOCK_BYTES = 128, 32 << 20  # read at once; large enough that a process's messages cost nothing
_ALONE = 64 << 20  # bytes below which starting other processes takes longer than reading


@dataclass(frozen=True)
class Part:
    """What is read at once: a file, or some of its rows, with the files that belong to it.

    Attributes
    ----------
    path : Path
        The file; quarantine names it.
    companions : tuple of Path
        Other files that say more of the same objects, e.g. redshifts.
    rows : (int, int) or None
        First row and the one after the last, of a file that is read piece by piece; None: all.
    size : int
        Bytes that are read.
    layout : str
        What the door found the file to be, where it knows several kinds.
    """

    path: Path
    companions: tuple[Path, ...] = ()
    rows: tuple[int, int] | None = None
    size: int = 0
    layout: str = ""


@dataclass(frozen=True)
class Observation:
    """One row of the catalog, or a complaint about one.

    Attributes
    ----------
    row : int or str
        Where it stands in the file, or its name there.
    values : mapping
        Values by column; columns that are not named are null. Arrays have the column's shape, flat or not.
    complaints : tuple of str
        What of it can't be used: lines of the quarantine. With no values, the whole row stays away.
    """

    row: int | str
    values: Mapping[str, Any] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a door makes of the files it was given.

    Attributes
    ----------
    fields : tuple of pyarrow.Field
        Columns of the catalog.
    placed : bool
        Whether observations have positions.
    parts : tuple of Part
        In the order of their files.
    complaints : tuple of (str, str)
        Files that are not read, and why.
    """

    fields: tuple[pa.Field, ...]
    placed: bool
    parts: tuple[Part, ...]
    complaints: tuple[tuple[str, str], ...] = ()


class Door(Protocol):
    """How the files of a survey are read; a frozen dataclass whose fields are the reader's options."""

    @property
    def survey(self) -> str:
        """As in ``ingest SURVEY``."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of files that are looked for in directories, in lower case."""

    def plan(self, files: Sequence[Path]) -> Plan:
        """Look at the files (names, and headers where need be) and say what will be read."""

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Read one part; `BadInputError` puts it in quarantine whole."""


def find_files(paths: Sequence[str | Path], suffixes: Sequence[str]) -> list[Path]:
    """Files that are named, and those below directories that are named, in the order of their names.

    Raises
    ------
    BadInputError
        A path does not exist, or nothing is found.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                for name in sorted(names):
                    if name.lower().endswith(tuple(suffixes)):
                        found[Path(folder, name)] = None
        elif path.exists():
            found[path] = None
        else:
            raise BadInputError(f"{path} does not exist; check the path")
    if not found:
        told = ", ".join(str(path) for path in paths)
        raise BadInputError(f"no file of type {', '.join(suffixes)} is in {told}; check the path")
    return list(found)


def ingest_files(
    door: Door,
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Make a catalog from a survey's files.

    Parameters
    ----------
    door : Door
        How they are read.
    paths : sequence of path
        Files, or directories that are searched for them.
    out : path
        The catalog's directory.
    workers : int, optional
        Processes; by default all cores, or this one alone where there is little to read.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        Called with bytes read and their sum.

    Returns
    -------
    Catalog
        One row per observation. ``quarantine.parquet`` lists files and rows that can't be used, and why.

    Raises
    ------
    BadInputError
        A path does not exist, or no file can be used (the commonest reason is told).
    OutputError
        `out` holds something else.
    """
    check_workers(workers)
    plan = door.plan(find_files(paths, door.suffixes))
    blocks = _blocks(plan.parts)
    options = {name: str(value) for name, value in sorted(vars(door).items())}
    command = f"ingest {door.survey}"
    files = list(dict.fromkeys(path for part in plan.parts for path in (part.path, *part.companions)))
    made_by = {"command": command, "files": len(files), **({"options": options} if options else {})}
    inputs = {"command": command, "options": options, "files": _identities(files), "blocks": len(blocks)}
    total, done = sum(part.size for part in plan.parts), 0
    if workers is None and total < _ALONE:
        workers = 1
    with CatalogWriter(
        out, plan.fields, placed=plan.placed, made_by=made_by, inputs=inputs, overwrite=overwrite
    ) as writer:
        if not writer.complete:
            left = {k: (door, block, plan.fields) for k, block in enumerate(blocks) if k not in writer.done_blocks}
            done = total - sum(part.size for _, block, _ in left.values() for part in block)
            for number, (table, rows, names, lines) in make_blocks(read_block, left, workers):
                for line in lines:
                    writer.quarantine(*line)
                writer.add(table, file=names, rows=rows, block=number)
                done += sum(part.size for part in blocks[number])
                if progress is not None:
                    progress(done, total)
            for name, reason in plan.complaints:
                writer.quarantine("", name, reason)
    return open_catalog(writer.path)


def _blocks(parts: Sequence[Part]) -> list[tuple[Part, ...]]:
    """Parts that are read together: the same whatever the machine, since chunks on the disk are known by number."""
    blocks: list[list[Part]] = []
    size = 0
    for part in parts:
        if not blocks or len(blocks[-1]) >= _BLOCK_PARTS or size + part.size > _BLOCK_BYTES:
            blocks.append([])
            size = 0
        blocks[-1].append(part)
        size += part.size
    return [tuple(block) for block in blocks]


def _identities(files: Sequence[Path]) -> dict[str, Any]:
    """Number and size of the files and one hash over their names and contents: a list of 100,000 would help nobody."""
    digest, size = hashlib.sha256(), 0
    for path in files:
        one = file_identity(path)
        size += one["bytes"]
        digest.update(json.dumps(one, sort_keys=True).encode())
    return {"number": len(files), "bytes": size, "sha256": digest.hexdigest()}


Line = tuple[str, str, str]


def read_block(
    door: Door, parts: Sequence[Part], fields: tuple[pa.Field, ...]
) -> tuple[pa.Table, list[str], list[str], list[Line]]:
    """Read some parts: the rows, where each stands, in which file, and the lines for the quarantine."""
    kept: list[tuple[str, str, Mapping[str, Any]]] = []
    lines: list[Line] = []
    for part in parts:
        name = part.path.name
        for seen in _guarded(door, part, fields):
            lines.extend((str(seen.row), name, complaint) for complaint in seen.complaints)
            if seen.values:
                kept.append((str(seen.row), name, seen.values))
    try:
        table = _checked([values for _, _, values in kept], fields)
    except BadInputError:
        # One row breaks a law that no catalog may break: it alone stays away.
        faults = [_fault(values, fields) for _, _, values in kept]
        lines += [(row, name, fault) for (row, name, _), fault in zip(kept, faults, strict=True) if fault]
        kept = [one for one, fault in zip(kept, faults, strict=True) if not fault]
        table = _checked([values for _, _, values in kept], fields)
    return table, [row for row, _, _ in kept], [name for _, name, _ in kept], lines


def _checked(rows: Sequence[Mapping[str, Any]], fields: Sequence[pa.Field]) -> pa.Table:
    table = assemble(rows, fields)
    validate(table, "the file")
    return table


def _fault(values: Mapping[str, Any], fields: Sequence[pa.Field]) -> str:
    try:
        _checked([values], fields)
    except BadInputError as error:
        return str(error)
    return ""


def _guarded(door: Door, part: Part, fields: tuple[pa.Field, ...]) -> list[Observation]:
    """Read a part; whatever is wrong with the file is its own matter and no reason to stop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of astropy's, over what the reader decides upon by itself
            return list(door.read(part, fields))
    except AsterismError as error:
        reason = str(error)
    except Exception as error:  # files from outside are hostile, and astropy raises what it happens on
        text = " ".join(str(error).split())[:160]
        reason = f"can't be read ({type(error).__name__}{f': {text}' if text else ''}); fetch the file again"
    # A sentence that names its own file need not do so beside it.
    reason = reason.replace(str(part.path), "the file").replace(f"{part.path.name} ", "")
    return [Observation("" if part.rows is None else f"{part.rows[0]} to {part.rows[1] - 1}", complaints=(reason,))]


def assemble(rows: Sequence[Mapping[str, Any]], fields: Sequence[pa.Field]) -> pa.Table:
    """Rows as an Arrow table; what a row does not name is null.

    Parameters
    ----------
    rows : sequence of mapping
        Values by column; arrays for fixed-size lists, of any shape of the right size.
    fields : sequence of pyarrow.Field

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    BadInputError
        A value does not fit its column.
    """
    columns = []
    for one in fields:
        values = [row.get(one.name) for row in rows]
        try:
            if pa.types.is_fixed_size_list(one.type):
                columns.append(_lists(values, one.type))
            else:
                columns.append(pa.array(values, one.type, from_pandas=True))
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise BadInputError(f"a value does not fit column {one.name!r} ({error}); fetch the file again") from error
    return pa.table(columns, schema=pa.schema(fields))


def _lists(values: Sequence[Any], kind: pa.FixedSizeListType) -> pa.Array:
    missing = np.array([value is None for value in values], bool)
    flat = np.zeros((len(values), kind.list_size), kind.value_type.to_pandas_dtype())
    for k, value in enumerate(values):
        if value is not None:
            flat[k] = np.asarray(value).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), type=kind, mask=pa.array(missing))
