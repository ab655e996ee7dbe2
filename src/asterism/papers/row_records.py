"""What is kept of a row and of a training: a record that says with which settings it was made, and the scored objects."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from asterism.catalogs.outputs import atomic_write
from asterism.errors import OutputError

__all__ = ["keep_row", "read_record", "read_scored", "row_is_there", "train_once"]

_ROW, _SCORED, _TRAINING, _LOCK = "row.json", "scored.parquet", "training.json", ".training.lock"


def row_is_there(folder: Path, settings: Mapping[str, Any], models: Path) -> bool:
    """Whether a row is in its folder, made with these settings.

    Parameters
    ----------
    folder : Path
    settings : mapping
        JSON values that the row depends on.
    models : Path
        Folder of the training that it is scored from; the message names it.

    Raises
    ------
    OutputError
        It is there and was made with others.
    """
    record = read_record(folder)
    if record is None:
        return False
    before = record["settings"]
    if before == settings:
        return True
    changed = ", ".join(key for key in {**settings, **before} if before.get(key) != settings.get(key))
    raise OutputError(
        f"{folder} was made with other settings ({changed}); take another --out, or remove it and"
        f" {models} to make this row anew"
    )


def keep_row(folder: Path, scored: pa.Table, told: Mapping[str, Any]) -> None:
    """Write ``scored.parquet``, then ``row.json``: where the record is, the row is whole."""
    with atomic_write(folder / _SCORED) as partial:
        pq.write_table(scored, partial)
    with atomic_write(folder / _ROW) as partial:
        partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of a finished row; None where it is not there."""
    record = folder / _ROW
    return json.loads(record.read_text("utf-8")) if record.is_file() else None


def read_scored(folder: Path) -> pa.Table:
    """A finished row's objects."""
    return pq.ParquetFile(folder / _SCORED).read()


def train_once(
    folder: Path, settings: Mapping[str, Any], make: Callable[[], Mapping[str, Any]], objects: Mapping[str, int]
) -> dict[str, Any]:
    """Train, or take the training that is there; what another process is training is waited for.

    Parameters
    ----------
    folder : Path
        Gets ``training.json`` when `make` is through.
    settings : mapping
        JSON values that the training depends on.
    make : callable
        Trains, and tells what is worth keeping.
    objects : mapping of str to int
        Training objects by class, for the record.

    Returns
    -------
    dict
        ``settings``, ``objects``, ``seconds`` (wall clock), ``cpu_seconds``, and what `make` told.

    Raises
    ------
    OutputError
        A training is there that was made with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK):
        return _train_once(folder, settings, make, objects)


def _train_once(
    folder: Path, settings: Mapping[str, Any], make: Callable[[], Mapping[str, Any]], objects: Mapping[str, int]
) -> dict[str, Any]:
    record = folder / _TRAINING
    if record.is_file():
        before = json.loads(record.read_text("utf-8"))
        if before["settings"] != settings:
            raise OutputError(
                f"{folder} was trained with other settings; take another --out or remove it to train it anew"
            )
        return dict(before)
    clock, cpu = time.perf_counter(), time.process_time()
    made = make()
    told = {
        "settings": dict(settings),
        "objects": dict(objects),
        "seconds": time.perf_counter() - clock,
        "cpu_seconds": time.process_time() - cpu,
        **made,
    }
    with atomic_write(record) as partial:
        partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told
