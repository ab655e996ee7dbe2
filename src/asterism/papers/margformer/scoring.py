"""Scoring a row: what a trained method says of an experiment's test objects, kept object by object."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.lists import list_values
from asterism.catalogs.scalars import magnitudes
from asterism.papers import row_records
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.experiments import CLASS_SETS, experiment_named, objects_to_test
from asterism.papers.margformer.fitting import fit_method, probabilities, settings_of
from asterism.papers.margformer.methods import method_named
from asterism.papers.margformer.rows import Row
from asterism.papers.row_jobs import by_training
from asterism.papers.row_records import keep_row, read_record, row_is_there

__all__ = ["finished", "line_of", "make_rows", "read_row", "read_scored", "score"]


def finished(row: Row, data: PaperData, scale: str, out: Path) -> bool:
    """Whether a row is there, made with these settings.

    Raises
    ------
    OutputError
        It is there and was made with others.
    """
    return row_is_there(row.folder(out), settings_of(row.fit, data, scale), row.fit.folder(out))


def make_rows(rows: Sequence[Row], data: PaperData, scale: str, out: Path, threads: int | None) -> list[Row]:
    """Train what lacks and score some rows, one training after the other; runs in a process of its own.

    Parameters
    ----------
    rows : sequence of Row
    data : PaperData
    scale : str
    out : Path
    threads : int, optional
        Threads of torch; as it is without.

    Returns
    -------
    list of Row
        The same.
    """
    for fit, of_fit, console in by_training(rows, out, threads):
        trained = fit_method(fit, data, scale, out, console)
        for row in of_fit:
            score(row, trained, data, out)
    return list(rows)


def score(row: Row, trained: dict[str, Any], data: PaperData, out: Path) -> dict[str, Any]:
    """Ask a trained method about a row's test objects and write ``scored.parquet`` and ``row.json``.

    Parameters
    ----------
    row : Row
    trained : dict
        What `fit_method` told.
    data : PaperData
    out : Path

    Returns
    -------
    dict
        The content of ``row.json``.
    """
    clock = time.perf_counter()
    classes = CLASS_SETS[row.class_set]
    test = objects_to_test(data, experiment_named(row.experiment), row.class_set)
    table = pa.concat_tables([_described(open_catalog(path), rows) for path, rows in test.parts])
    part = method_named(row.method).part
    p = np.concatenate([probabilities(row.fit, out, open_catalog(path), rows, part) for path, rows in test.parts])
    for index, name in enumerate(classes):
        table = table.append_column(f"p_{name.lower()}", pa.array(p[:, index], pa.float64()))
    right = np.array(classes, dtype=object)[p.argmax(axis=1)] == np.array(table["class"].to_pylist(), dtype=object)
    told = {
        "experiment": row.experiment,
        "class_set": row.class_set,
        "method": row.method,
        "seed": row.seed,
        "settings": trained["settings"],
        "n": test.n,
        "seen_in_training": test.seen,
        "objects": content_hash(table.select(["object_id"])),
        "accuracy": float(right.mean()),
        "trained_on": trained["objects"],
        "epochs": trained.get("epochs"),
        "parameters": trained.get("parameters"),
        "train_seconds": trained["seconds"],
        "train_cpu_seconds": trained["cpu_seconds"],
        "score_seconds": time.perf_counter() - clock,
    }
    keep_row(row.folder(out), table, told)
    return told


def line_of(row: Row, out: Path) -> str | None:
    """What is said of a finished row; None where it is not there."""
    record = read_row(row, out)
    if record is None:
        return None
    return (
        f"{row.name}: accuracy {record['accuracy']:.4f} of {record['n']:,} (training {record['train_seconds']:.0f} s)"
    )


def read_row(row: Row, out: Path) -> dict[str, Any] | None:
    """The record of a finished row; None where it is not there."""
    return read_record(row.folder(out))


def read_scored(row: Row, out: Path) -> pa.Table:
    """A finished row's objects: object_id, source_id, class, r_mag, compactness and a probability per class."""
    return row_records.read_scored(row.folder(out))


def _described(catalog: Catalog, rows: NDArray[np.int64]) -> pa.Table:
    """Identity, class, r magnitude as observed, and compactness c of some rows."""
    group = catalog.groups["photometry_sdss"]
    columns = [group.quantities[name].name for name in ("flux", "ivar", "radius", "psf_fwhm")]
    table = catalog.read(["object_id", "source_id", "class", *columns]).take(pa.array(rows))
    r_mag = magnitudes(table, catalog.schema, "r")
    # The mean over bands of de Vaucouleurs radius over seeing, as MargNet selects compact objects by.
    radius, seeing = (list_values(table[column], len(group.bands), column) for column in columns[2:])
    with np.errstate(invalid="ignore", divide="ignore"):
        compactness = (radius / seeing).mean(axis=1)
    kept = table.select(["object_id", "source_id", "class"]).replace_schema_metadata(None)
    kept = pa.table({name: kept[name].cast(pa.string()) for name in kept.column_names})
    return kept.append_column("r_mag", pa.array(r_mag, pa.float32())).append_column(
        "compactness", pa.array(compactness, pa.float32())
    )
