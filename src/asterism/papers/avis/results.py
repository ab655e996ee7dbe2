"""Putting the finished rows together: figures over seeds, differences on the same objects, objectives side by side, aims.

A figure of a method with several seeds is the mean over them, ``…_std`` their standard deviation (n − 1), and ``…_interval`` the
mean of their 95 % bootstrap intervals. Differences are paired object by object: the statistic's mean over our seeds less that over
theirs, with a bootstrap over sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import asterism
from asterism.learning.intervals import paired_difference, resampled_statistic
from asterism.learning.probe_scores import r_squared
from asterism.learning.redshift_metrics import relative_error, sigma_nmad
from asterism.papers.avis.data import PaperData
from asterism.papers.avis.methods import KEPT, MASKED, METHODS, NORMALISED, OBJECTIVES, method_named, scale_named
from asterism.papers.avis.published import AIMS, CITATIONS, PUBLISHED
from asterism.papers.avis.rows import PARTS, Row
from asterism.papers.row_records import read_record, read_scored

__all__ = [
    "CLASSES",
    "collect",
    "dig",
    "every_figure",
    "objectives",
    "over_seeds",
    "pretraining",
    "read_tables",
    "redshift_difference",
]

CLASSES = {"GALAXY": "galaxies", "QSO": "quasars"}
"""Among which redshifts are asked for."""

READ = ("image", "spectrum")
_HEADLINE = "image_to_spectrum"
_OUTLIER = 0.1

Tables = dict[tuple[str, str], list[pa.Table]]
Floats = NDArray[np.float64]


def read_tables(out: Path, rows: Sequence[Row]) -> Tables:
    """Scored objects of the finished rows: (part, method) → one table a seed."""
    found: Tables = {}
    for row in rows:
        if read_record(row.folder(out)) is not None:
            found.setdefault((row.part, row.method), []).append(read_scored(row.folder(out)))
    return found


def collect(
    out: Path,
    scale: str,
    rows: Sequence[Row],
    data: PaperData,
    tables: Tables,
    expected: set[Row] | None = None,
) -> dict[str, Any]:
    """The content of ``results.json``.

    Parameters
    ----------
    out : Path
    scale : str
    rows : sequence of Row
        The whole table.
    data : PaperData
    tables : dict
        What `read_tables` gives.
    expected : set of Row, optional
        Those that are asked for; of them those that lack are named.

    Returns
    -------
    dict
    """
    records: dict[tuple[str, str], list[dict[str, Any]]] = {}
    missing = []
    for row in rows:
        record = read_record(row.folder(out))
        if record is not None:
            records.setdefault((row.part, row.method), []).append(record)
        elif expected is None or row in expected:
            missing.append(row.name)
    parts: dict[str, dict[str, Any]] = {}
    for part in PARTS:
        for method in METHODS:
            if (part, method.name) in records:
                parts.setdefault(part, {})[method.name] = _entry(method.name, records[part, method.name])
    resamples = scale_named(scale).resamples
    beside = _beside(tables, resamples)
    results = {
        "paper": "avis",
        "citations": CITATIONS,
        "asterism": asterism.__version__,
        "scale": scale,
        "kept": KEPT,
        "data": data.record,
        "published": PUBLISHED,
        "parts": parts,
        "beside": beside,
        "objectives": objectives(parts),
        "pretraining": pretraining(tables, resamples),
        "missing": missing,
    }
    return results | {"aims": _aims(parts, beside)}


def _entry(name: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "title": method_named(name).title,
        "seeds": len(records),
        "n": records[0]["n"],
        "trained_on": records[0]["trained_on"],
        "figures": over_seeds([record["figures"] for record in records]),
        **{
            key: [record[key] for record in records]
            for key in ("epochs", "best_epoch", "train_seconds", "score_seconds")
        },
        "parameters": records[0]["parameters"],
        "recipe": records[0]["settings"]["recipe"],
    }


def over_seeds(figures: Sequence[Any]) -> Any:
    """Nested figures of several seeds as one, see above; what is neither number nor mapping is the first seed's.

    Examples
    --------
    >>> over_seeds([{"r2": 1.0, "r2_interval": [0.0, 2.0]}, {"r2": 2.0, "r2_interval": [1.0, 3.0]}])
    {'r2': 1.5, 'r2_std': 0.7071067811865476, 'r2_interval': [0.5, 2.5]}
    """
    first = figures[0]
    if len(figures) == 1 or not isinstance(first, Mapping):
        return first
    told: dict[str, Any] = {}
    for key, value in first.items():
        values = [one[key] for one in figures if key in one]
        if isinstance(value, Mapping):
            told[key] = over_seeds(values)
        elif key.endswith(("_interval", "interval")) and all(values):
            told[key] = np.mean(values, axis=0).tolist()
        elif all(isinstance(v, float) for v in values) and len(values) > 1:
            told |= {key: float(np.mean(values)), f"{key}_std": float(np.std(values, ddof=1))}
        else:
            told[key] = value
    return told


def dig(figures: Any, *keys: str) -> Any:
    """What stands under a path of keys; None where there is nothing."""
    for key in keys:
        if not isinstance(figures, Mapping) or key not in figures:
            return None
        figures = figures[key]
    return figures


def redshift_difference(
    ours: Sequence[pa.Table], theirs: Sequence[pa.Table], read: str, of: str, resamples: int
) -> dict[str, Any] | None:
    """Ours less theirs in R², σ_NMAD and outlier rate (0.1), by neighbours or by the one answer that a method has.

    Parameters
    ----------
    ours, theirs : sequence of pyarrow.Table
        Scored redshifts, a table a seed.
    read : str
        ``image`` or ``spectrum``; what reads neither is compared with both.
    of : str
        A class.
    resamples : int

    Returns
    -------
    dict or None
        Figure → ``difference`` and ``interval``, and ``n``; None where one of them has no answer.
    """
    a, b = _answers(ours, read), _answers(theirs, read)
    if a is None or b is None:
        return None
    first = ours[0]
    known = first["object_id"].to_pylist()
    if any(table["object_id"].to_pylist() != known for table in (*ours, *theirs)):
        raise ValueError("the methods were scored on different objects")
    z = first["redshift"].to_numpy()
    answers = np.column_stack([a, b, z])
    used = (np.array(first["class"].to_pylist(), object) == of) & np.isfinite(answers).all(axis=1)
    if used.sum() < 2:
        return None
    sources, count = np.array(first["source_id"].to_pylist(), object)[used], a.shape[1]

    def gaps(rows: Floats) -> list[float]:
        found = np.array([_figures(rows[:, i], rows[:, -1]) for i in range(rows.shape[1] - 1)])
        return list(found[:count].mean(axis=0) - found[count:].mean(axis=0))

    rows = answers[used]
    draws = resampled_statistic(rows, gaps, sources, resamples=resamples, seed=0)
    ends = np.nanquantile(draws, [0.025, 0.975], axis=0)
    told: dict[str, Any] = {"n": int(used.sum())}
    for i, (name, value) in enumerate(zip(("r2", "sigma_nmad", "outlier_rate_0.1"), gaps(rows), strict=True)):
        told[name] = {"difference": float(value), "interval": ends[:, i].tolist()}
    return told


def _figures(predicted: Floats, true: Floats) -> tuple[float, float, float]:
    error = relative_error(predicted, true)
    return r_squared(predicted, true), sigma_nmad(error), float((np.abs(error) > _OUTLIER).mean())


def _answers(tables: Sequence[pa.Table], read: str) -> Floats | None:
    """Redshifts (n, seeds)."""
    for name in (f"{read}_knn", f"{read}_network", "photometry_trees", "class_mean"):
        if f"redshift_{name}" in tables[0].column_names:
            return np.column_stack([table[f"redshift_{name}"].to_numpy() for table in tables]).astype(float)
    return None


def _beside(tables: Tables, resamples: int) -> list[dict[str, Any]]:
    """The one kept against everything that it is put beside."""
    ours = tables.get(("redshift", KEPT))
    if ours is None:
        return []
    told = []
    for method in METHODS:
        theirs = tables.get(("redshift", method.name))
        if theirs is None or method.name == KEPT:
            continue
        for of in CLASSES:
            for read in READ:
                found = redshift_difference(ours, theirs, read, of, resamples)
                if found is not None:
                    told.append({"method": method.name, "read": read, "of": of, **found})
    return told


def objectives(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each objective with and without pre-training, by what they are compared by; None where a row lacks.

    Returns
    -------
    list of dict
        ``method``, R² of galaxies and quasars from image and spectrum (``r2_image_GALAXY`` …), ``recall_at_10`` (image to spectrum,
        large pools of near magnitude), ``macro_recall`` of class (joint, neighbours), ``ami`` with class.
    """
    names = [f"{name}{end}" for name in OBJECTIVES for end in ("", "-pretrained")]
    told = []
    for name in (*names, MASKED, "masked-image", "untrained"):
        entry: dict[str, Any] = {"method": name, "title": method_named(name).title}
        for read in READ:
            for of in CLASSES:
                entry[f"r2_{read}_{of}"] = dig(parts, "redshift", name, "figures", read, f"redshift_{of}", "knn", "r2")
        entry["recall_at_10"] = dig(
            parts, "retrieval", name, "figures", "all", "large", _HEADLINE, "magnitude", "recall_at_10"
        )
        entry["macro_recall"] = dig(parts, "labels", name, "figures", "joint", "class", "knn", "macro_recall")
        entry["ami"] = dig(parts, "clusters", name, "figures", "class", "ami")
        if any(value is not None for key, value in entry.items() if key not in ("method", "title")):
            told.append(entry)
    return told


def pretraining(tables: Tables, resamples: int) -> list[dict[str, Any]]:
    """What masked modelling before an objective buys, on the same objects.

    Parameters
    ----------
    tables : dict
        What `read_tables` gives.
    resamples : int

    Returns
    -------
    list of dict
        ``objective``, and of R² by what is read and class, and of recall at 10, ``difference`` and ``interval``.
    """
    told = []
    for name in OBJECTIVES:
        with_it, without = f"{name}-pretrained", name
        entry: dict[str, Any] = {"objective": name}
        a, b = tables.get(("redshift", with_it)), tables.get(("redshift", without))
        if a is not None and b is not None:
            for of in CLASSES:
                for read in READ:
                    found = redshift_difference(a, b, read, of, resamples)
                    if found is not None:
                        entry[f"r2_{read}_{of}"] = found["r2"]
        a, b = tables.get(("retrieval", with_it)), tables.get(("retrieval", without))
        column = f"rank_all_large_{_HEADLINE}_magnitude"
        if a is not None and b is not None and column in a[0].column_names and column in b[0].column_names:
            ranks = [np.mean([_hits(t, column) for t in of_method], axis=0) for of_method in (a, b)]
            there = np.isfinite(ranks[0]) & np.isfinite(ranks[1])
            sources = np.array(a[0]["source_id"].to_pylist(), object)[there]
            d = paired_difference(ranks[0][there], ranks[1][there], sources, resamples=resamples)
            entry["recall_at_10"] = {"difference": d.mean, "interval": [d.low, d.high]}
        if len(entry) > 1:
            told.append(entry)
    return told


def _hits(table: pa.Table, column: str) -> Floats:
    ranks = table[column].to_numpy().astype(float)
    return np.where(np.isfinite(ranks), ranks <= 10, np.nan)


def _aims(parts: Mapping[str, Any], beside: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each aim with what was reached; None where its row lacks."""

    def redshift(read: str) -> tuple[Any, Any]:
        found = dig(parts, "redshift", KEPT, "figures", read, "redshift_GALAXY", "knn") or {}
        return found.get("r2"), found.get("r2_interval")

    trees: Mapping[str, Any] = next(
        (d for d in beside if (d["method"], d["read"], d["of"]) == ("lightgbm", "image", "GALAXY")), {"r2": {}}
    )["r2"]
    recall = dig(parts, "retrieval", NORMALISED, "figures", "all", "large", _HEADLINE, "magnitude") or {}
    clusters = [dig(parts, "clusters", KEPT, "figures", name) or {} for name in ("class", "target")]
    reached = [
        redshift("spectrum"),
        redshift("image"),
        (trees["interval"][0] if trees else None, None),
        (recall.get("recall_at_10"), recall.get("recall_at_10_interval")),
        *((found.get("ami"), found.get("ami_interval")) for found in clusters),
    ]
    return [
        {"what": what, "aim": aim, "reached": value, "interval": ends, "met": None if value is None else value >= aim}
        for (what, aim), (value, ends) in zip(AIMS, reached, strict=True)
    ]


def every_figure(results: Mapping[str, Any], command: str) -> dict[str, dict[str, Any]]:
    """The content of ``avis.json``: each number by the path of its name, with its interval and the command that makes it.

    Parameters
    ----------
    results : mapping
        The content of ``results.json``.
    command : str
        Of the whole table, without ``--only``.

    Returns
    -------
    dict
        E.g. ``redshift/infonce/image/redshift_GALAXY/knn/r2`` → ``value``, ``interval`` and ``std`` where there are, ``command``.
    """
    told: dict[str, dict[str, Any]] = {}
    for part, methods in results["parts"].items():
        for method, entry in methods.items():
            for name, found in _leaves(entry["figures"]):
                told[f"{part}/{method}/{name}"] = {**found, "command": f"{command} --only {part}+{method}"}
    for difference in results["beside"]:
        which = f"{difference['method']}/{difference['read']}/{difference['of']}"
        for name in ("r2", "sigma_nmad", "outlier_rate_0.1"):
            found = difference[name]
            told[f"difference/{results['kept']}/{which}/{name}"] = {
                "value": found["difference"],
                "interval": found["interval"],
                "command": f"{command} --only redshift+{results['kept']},redshift+{difference['method']}",
            }
    for entry in results["pretraining"]:
        for name, found in entry.items():
            if name != "objective":
                told[f"pretraining/{entry['objective']}/{name}"] = {
                    "value": found["difference"],
                    "interval": found["interval"],
                    "command": f"{command} --only {entry['objective']},{entry['objective']}-pretrained",
                }
    return told


def _leaves(figures: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and not key.endswith("_std"):
            entry: dict[str, Any] = {"value": value}
            for end in ("interval", "std"):
                if f"{key}_{end}" in figures:
                    entry[end] = figures[f"{key}_{end}"]
            yield f"{path}{key}", entry
