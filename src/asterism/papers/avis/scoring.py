"""Making a row: what a method says of the test objects, kept object by object, with its figures."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.fingerprint import content_hash
from asterism.inference.embedding_probes import Part, Probed, Retrieved, retrieve
from asterism.inference.probed_objects import ProbedObjects
from asterism.papers.avis.asking import Parts, ask
from asterism.papers.avis.data import PaperData
from asterism.papers.avis.fitting import fit_method, settings_of
from asterism.papers.avis.grouping import cluster_row, rarity_row
from asterism.papers.avis.methods import scale_named
from asterism.papers.avis.rows import Row
from asterism.papers.avis.spectra import spectrum_row
from asterism.papers.row_jobs import by_training
from asterism.papers.row_records import keep_row, read_record, row_is_there

__all__ = ["POOL", "finished", "line_of", "make_rows", "score"]

POOL = 2000
"""Candidates in the pools of retrieval, or half of the pairs where there are fewer than twice as many."""
_ALL, _GALAXIES = "all", "galaxies"

Columns = dict[str, Any]
Made = tuple[Columns, dict[str, Any]]


def finished(row: Row, data: PaperData, scale: str, out: Path) -> bool:
    """Whether a row is there, made with these settings.

    Raises
    ------
    OutputError
        It is there and was made with others.
    """
    settings = _settings(row, settings_of(row.fit, data, scale), data, scale)
    return row_is_there(row.folder(out), settings, row.fit.folder(out))


def _settings(row: Row, of_fit: Mapping[str, Any], data: PaperData, scale: str) -> dict[str, Any]:
    return {**of_fit, "tested_on": data.fingerprints["test"], "resamples": scale_named(scale).resamples}


def make_rows(rows: Sequence[Row], data: PaperData, scale: str, out: Path, threads: int | None) -> list[Row]:
    """Train what lacks and make some rows, one training after the other; runs in a process of its own.

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
        parts = Parts(fit, data, out)  # read once for all rows of the training
        for row in of_fit:
            score(row, trained, parts, scale)
    return list(rows)


def score(row: Row, trained: Mapping[str, Any], parts: Parts, scale: str) -> dict[str, Any]:
    """Make a row: ``scored.parquet`` with a line per test object, and ``row.json``.

    Parameters
    ----------
    row : Row
    trained : mapping
        What `fit_method` told.
    parts : Parts
    scale : str

    Returns
    -------
    dict
        The content of ``row.json``.
    """
    clock = time.perf_counter()
    columns, figures = _MAKERS[row.part](row, parts, scale)
    objects = parts.samples[2][1]
    table = pa.table({**_identity(objects), **columns})
    told = {
        "part": row.part,
        "method": row.method,
        "seed": row.seed,
        "settings": _settings(row, trained["settings"], parts.data, scale),
        "trained_on": trained["objects"],
        **{key: trained.get(key) for key in ("epochs", "best_epoch", "parameters")},
        "train_seconds": trained["seconds"],
        "n": len(table),
        "objects": content_hash(table.select(["object_id"])),
        "figures": _plain(figures),
        "score_seconds": time.perf_counter() - clock,
    }
    keep_row(row.folder(parts.out), table, told)
    return told


def _identity(objects: ProbedObjects) -> Columns:
    names = objects.names["class"].tolist() if "class" in objects.names else [None] * len(objects)
    return {
        "object_id": pa.array(objects.object_id.tolist(), pa.string()),
        "source_id": pa.array(objects.source_id.tolist(), pa.string()),
        "class": pa.array(names, pa.string()),
        "redshift": pa.array(objects.redshifts, pa.float64()),
        "magnitude": pa.array(objects.magnitudes, pa.float64()),
    }


def _ask(row: Row, parts: Parts, scale: str) -> Made:
    """Answers as columns ``redshift_spectrum_knn``, ``class_joint_linear`` …; each redshift within its object's own class."""
    probed = ask(row.part, parts, scale)
    columns: Columns = {}
    for name, found in probed.items():
        for asked, probes in found.found.items():
            stem = "redshift" if asked.startswith("redshift") else asked
            for probe, one in probes.items():
                _fill(columns, f"{stem}_{name}_{probe}", one.predicted, one.places, len(parts.samples[2][1]))
    kept = {name: pa.array(values.tolist()) for name, values in columns.items()}
    figures: dict[str, Any] = {name: found.metrics for name, found in probed.items() if found.metrics}
    return kept, figures | {"notes": _notes(probed)}


def _fill(columns: Columns, name: str, values: NDArray[Any], places: NDArray[np.int64], count: int) -> None:
    number = values.dtype.kind == "f"
    if name not in columns:
        columns[name] = np.full(count, np.nan) if number else np.full(count, None, object)
    columns[name][places] = np.maximum(values, 0.0) if number and name.startswith("redshift") else values


def _notes(probed: Mapping[str, Probed]) -> list[str]:
    return list(dict.fromkeys(note for found in probed.values() for note in found.notes))


def _retrieve(row: Row, parts: Parts, scale: str) -> Made:
    """Ranks in pools of `POOL` and in the nearest tenth, among all objects and among galaxies alone."""
    of, test = scale_named(scale), parts.vectors[2]
    columns: Columns = {}
    figures: dict[str, Any] = {"notes": []}
    of_class = test.objects.names.get("class")
    kinds = {_ALL: np.ones(len(test.objects), bool)}
    if of_class is not None:
        kinds[_GALAXIES] = of_class == "GALAXY"
    for kind, chosen in kinds.items():
        places = np.flatnonzero(chosen)
        part = _some(test, places)
        pairs = int((part.vectors["image"][1] & part.vectors["spectrum"][1]).sum())
        for size, pool in (("large", min(POOL, pairs // 2)), ("near", None)):
            if pool is not None and pool < 10:
                figures["notes"].append(f"Retrieval among {kind} was left out: {pairs} pairs are too few.")
                continue
            found = retrieve(part, pool=pool, resamples=of.resamples)
            figures["notes"] += found.notes
            figures.setdefault(kind, {})[size] = found.metrics
            columns |= _ranks(found, places, f"{kind}_{size}", len(test.objects))
    return columns, figures


def _ranks(found: Retrieved, places: NDArray[np.int64], stem: str, count: int) -> Columns:
    columns = {}
    for (direction, pools), ranks in found.ranks.items():
        values = np.full(count, np.nan)
        values[places[found.places[pools]]] = ranks
        columns[f"rank_{stem}_{direction}_{pools}"] = pa.array(values)
    return columns


def _some(part: Part, places: NDArray[np.int64]) -> Part:
    objects = part.objects
    taken = ProbedObjects(
        objects.rows[places],
        objects.object_id[places],
        objects.source_id[places],
        {name: values[places] for name, values in objects.numbers.items()},
        {name: values[places] for name, values in objects.names.items()},
        objects.redshifts[places],
        objects.magnitudes[places],
        objects.band,
    )
    return Part(taken, {name: (values[places], there[places]) for name, (values, there) in part.vectors.items()})


def _map(row: Row, parts: Parts, scale: str) -> Made:
    """Places on maps in two and three dimensions; `asterism.papers.avis.maps` draws them."""
    from asterism.catalogs.lists import number_values
    from asterism.explore.project import project_catalog

    found = project_catalog(parts.catalogs["test"], parts.fit.catalog(parts.out, "maps"), dimensions=2)
    project_catalog(parts.catalogs["test"], parts.fit.catalog(parts.out, "maps3d"), dimensions=3)
    table = found.read(["map_x", "map_y"])
    columns = {name: pa.array(number_values(table[name], np.float64)) for name in ("map_x", "map_y")}
    return columns, {"notes": [], "placed": int(np.isfinite(np.asarray(columns["map_x"])).sum())}


def _plain(value: Any) -> Any:
    """The same with None for what is not a number: JSON has none."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


_MAKERS: dict[str, Callable[[Row, Parts, str], Made]] = {
    "redshift": _ask,
    "labels": _ask,
    "retrieval": _retrieve,
    "clusters": cluster_row,
    "anomalies": rarity_row,
    "spectrum": spectrum_row,
    "maps": _map,
}


def line_of(row: Row, out: Path) -> str | None:
    """What is said of a finished row; None where it is not there."""
    record = read_record(row.folder(out))
    if record is None:
        return None
    return f"{row.name}: {_headline(row.part, record['figures'])} (training {record['train_seconds']:.0f} s, row {record['score_seconds']:.0f} s)"


def _headline(part: str, figures: Mapping[str, Any]) -> str:
    """The figure that a person waits for."""
    if part == "redshift":
        found = [
            f"R2 {name} {next(iter(asked['redshift_GALAXY'].values()))['r2']:.3f}"
            for name, asked in figures.items()
            if name != "notes" and "redshift_GALAXY" in asked
        ]
        return "galaxies " + ", ".join(found) if found else "no galaxies to score"
    if part == "labels":
        found = [
            f"{name} {next(iter(asked['class'].values()))['macro_recall']:.3f}"
            for name, asked in figures.items()
            if name != "notes" and "class" in asked
        ]
        return "macro recall of class " + ", ".join(found) if found else "no classes to score"
    if part == "retrieval" and _ALL in figures:
        pools = next(iter(figures[_ALL]["large"].values()))
        return ", ".join(f"recall at 10 {kind} {figure['recall_at_10']:.3f}" for kind, figure in pools.items())
    if part == "clusters":
        return f"{figures['summary']['clusters']} clusters, AMI with class {figures['class']['ami']:.3f}"
    if part == "spectrum":
        return f"log chi2 less the class mean's {figures['less_class_mean']['log_chi2']['difference']:+.3f}"
    return "done"
