"""Making a row: what a trained method says of the test objects, or what its strips' branches look at, kept object by object."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.fingerprint import content_hash
from asterism.learning.redshift_metrics import relative_error, sigma_nmad
from asterism.papers.macnet.assistance import ask_redshifts
from asterism.papers.macnet.data import PaperData
from asterism.papers.macnet.fitting import fit_method, objects_to_test, probabilities, settings_of
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.rows import Row
from asterism.papers.row_jobs import by_training
from asterism.papers.row_records import keep_row, read_record, row_is_there

__all__ = ["finished", "make_rows", "score"]


def finished(row: Row, data: PaperData, scale: str, out: Path) -> bool:
    """Whether a row is there, made with these settings.

    Raises
    ------
    OutputError
        It is there and was made with others.
    """
    settings = _settings(row, settings_of(row.fit, data, scale), data)
    return row_is_there(row.folder(out), settings, row.fit.folder(out))


def _settings(row: Row, of_fit: dict[str, Any], data: PaperData) -> dict[str, Any]:
    """What a row depends on: its training, and the objects where these are not the whole table's."""
    if row.part == "crossed":
        return {**of_fit, "tested_on": data.fingerprints["crossed"]}
    return {**of_fit, "tested_on": "what its plan did not teach"} if row.part == "plans" else of_fit


def make_rows(rows: Sequence[Row], data: PaperData, scale: str, out: Path, threads: int | None) -> list[Row]:
    """Train what lacks and make some rows, one training after the other; runs in a process of its own.

    Parameters
    ----------
    rows : sequence of Row
        All of one training, or of several that need one another.
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
    """Ask a trained method about the test objects and write ``scored.parquet`` and ``row.json``.

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
    told: dict[str, Any] = {
        "part": row.part,
        "training": row.training,
        "method": row.method,
        "seed": row.seed,
        "settings": _settings(row, trained["settings"], data),
        "trained_on": trained["objects"],
        "epochs": trained.get("epochs"),
        "best_epoch": trained.get("best_epoch"),
        "parameters": trained.get("parameters"),
        "train_seconds": trained["seconds"],
        "train_cpu_seconds": trained["cpu_seconds"],
    }
    if "teacher" in trained:
        told["taught"] = {key: trained["teacher"][key] for key in ("objects", "unlabelled")}
    if row.part == "maps":
        from asterism.papers.macnet.maps import measure

        table, figures = measure(row.fit, data, out)
        told |= {"n": len(table), **figures}
    elif row.part == "assist-redshift":
        table = ask_redshifts(row.fit, objects_to_test(data), out)
        error = relative_error(table["z_phot"].to_numpy(), table["redshift"].to_numpy())
        told |= {
            "n": len(table),
            "objects": content_hash(table.select(["object_id"])),
            "sigma_nmad": sigma_nmad(error),
        }
    else:
        table = _ask(row, data, out)
        names = np.array(table["class"].to_pylist(), dtype=object)
        p = np.stack([np.asarray(table[f"p_{name.lower()}"]) for name in CLASSES], axis=1)
        right = np.array(CLASSES, dtype=object)[p.argmax(axis=1)] == names
        told |= {
            "n": len(table),
            "objects": content_hash(table.select(["object_id"])),
            "accuracy": float(right.mean()),
        }
    told["score_seconds"] = time.perf_counter() - clock
    keep_row(row.folder(out), table, told)
    return told


def _ask(row: Row, data: PaperData, out: Path) -> pa.Table:
    """Identity, class, redshift and probabilities of the test objects, and which plan they are of where that is asked."""
    test = objects_to_test(data, row.part, row.training)
    known = test.catalog.read(["object_id", "source_id", "class", "mjd", "redshift"]).take(pa.array(test.rows))
    text = ("object_id", "source_id", "class")
    table = pa.table(
        {name: known[name].cast(pa.string() if name in text else pa.float64()) for name in known.column_names}
    )
    if row.part == "plans":
        plan = np.where(table["mjd"].to_numpy() < data.boundary, 1, 2)
        table = table.append_column("plan", pa.array(plan, pa.int8()))
    p = probabilities(row.fit, out, test.catalog, test.rows)
    for index, name in enumerate(CLASSES):
        table = table.append_column(f"p_{name.lower()}", pa.array(p[:, index], pa.float64()))
    return table


def line_of(row: Row, out: Path) -> str | None:
    """What is said of a finished row; None where it is not there."""
    record = read_record(row.folder(out))
    if record is None:
        return None
    trained = f"(training {record['train_seconds']:.0f} s)"
    if row.part == "maps":
        return f"{row.name}: maps of {record['n']:,} {trained}"
    if row.part == "assist-redshift":
        return f"{row.name}: sigma_nmad {record['sigma_nmad']:.4f} of {record['n']:,} {trained}"
    return f"{row.name}: accuracy {record['accuracy']:.4f} of {record['n']:,} {trained}"
