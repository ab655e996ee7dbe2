"""The figures of the table: accuracy, precision, recall over seeds, intervals, and paired differences.

Accuracy, precision and recall are of each seed, then their mean and standard deviation over seeds (with one seed: none).
Precision and recall are macro averages, as the papers' codes compute them. The interval of the accuracy and those of all
differences come from a bootstrap over sources of the objects' mean over seeds, so that methods with three seeds and with
one can be paired on the same objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import asterism
from asterism.learning.intervals import bootstrap_mean, paired_difference
from asterism.learning.metrics import confusion_matrix, log_loss_values
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.experiments import CLASS_SETS, EXPERIMENTS, experiment_named
from asterism.papers.margformer.methods import METHODS, method_named
from asterism.papers.margformer.published import CITATIONS, PUBLISHED
from asterism.papers.margformer.rows import Row
from asterism.papers.margformer.scoring import read_row, read_scored

__all__ = ["COMPARISONS", "Scored", "collect", "macro_precision_recall", "read_table"]

COMPARISONS = (
    ("margformer", "margformer-published", "ours against the published model"),
    ("margformer", "lightgbm", "ours against LightGBM"),
    ("margformer", "margnet-ensemble", "ours against MargNet's ensemble"),
    ("margformer", "photometry-only", "fusion against photometry alone"),
    ("margformer", "image-only", "fusion against the image alone"),
    ("margformer", "late-fusion", "cross-attention against late fusion"),
    ("margformer", "magnitude-cut", "ours against the magnitude cut"),
)
"""Pairs whose difference is taken, ours first, with what it tells."""


class Scored:
    """All seeds of one method on one experiment's objects.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
        One a seed, of the same objects in the same order.
    class_set : str

    Attributes
    ----------
    labels : ndarray, shape (n,)
        Indices into `CLASS_SETS`.
    sources : list of str
    r_mag, compactness : ndarray, shape (n,)
    probabilities : list of ndarray, shape (n, classes)
        One a seed.
    """

    def __init__(self, tables: Sequence[pa.Table], class_set: str) -> None:
        first, classes = tables[0], CLASS_SETS[class_set]
        self.object_id: list[str] = first["object_id"].to_pylist()
        self.sources: list[str] = first["source_id"].to_pylist()
        names = first["class"].to_pylist()
        self.labels: NDArray[np.int64] = np.array([classes.index(name) for name in names])
        self.r_mag = np.asarray(first["r_mag"].combine_chunks(), dtype=float)
        self.compactness = np.asarray(first["compactness"].combine_chunks(), dtype=float)
        columns = [f"p_{name.lower()}" for name in classes]
        self.probabilities = [np.stack([np.asarray(t[c].combine_chunks()) for c in columns], axis=1) for t in tables]

    @property
    def right(self) -> NDArray[np.float64]:
        """Share of the seeds that name each object rightly, shape (n,)."""
        return np.mean([p.argmax(axis=1) == self.labels for p in self.probabilities], axis=0)

    @property
    def losses(self) -> NDArray[np.float64]:
        """−ln p of the true class, mean over seeds, shape (n,)."""
        return np.mean([log_loss_values(p, self.labels) for p in self.probabilities], axis=0)

    def confusion(self, classes: int) -> NDArray[np.float64]:
        """True class along rows, predicted along columns, mean over seeds."""
        return np.mean([confusion_matrix(p.argmax(axis=1), self.labels, classes) for p in self.probabilities], axis=0)


def read_table(out: Path, rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Scored]]:
    """The finished rows' objects: (experiment, class set) → method → its seeds."""
    found: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        if read_row(row, out) is not None:
            found.setdefault((row.experiment, row.class_set), {}).setdefault(row.method, []).append(row)
    order = [(e.name, c) for e in EXPERIMENTS for c in CLASS_SETS]
    return {
        place: {
            method.name: Scored([read_scored(row, out) for row in found[place][method.name]], place[1])
            for method in METHODS
            if method.name in found[place]
        }
        for place in order
        if place in found
    }


def macro_precision_recall(matrix: NDArray[np.float64]) -> tuple[float, float]:
    """Macro averages of a confusion matrix (true class along rows); a class that is never named has precision 0.

    Examples
    --------
    >>> precision, recall = macro_precision_recall(np.array([[8.0, 2.0], [0.0, 10.0]]))
    >>> round(precision, 4), round(recall, 4)
    (0.9167, 0.9)
    """
    hits, called, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(hits)), where=called > 0)
    recall = np.divide(hits, true, out=np.zeros(len(hits)), where=true > 0)
    return float(precision.mean()), float(recall.mean())


def collect(
    out: Path,
    scale: str,
    rows: Sequence[Row],
    data: PaperData,
    table: Mapping[tuple[str, str], Mapping[str, Scored]] | None = None,
) -> dict[str, Any]:
    """All figures of the finished rows.

    Parameters
    ----------
    out : Path
    scale : str
    rows : sequence of Row
        The whole table.
    data : PaperData
    table : mapping, optional
        From `read_table`, where it was read before.

    Returns
    -------
    dict
        JSON values: ``experiments`` (a list, in order), each with ``methods`` and ``differences``; ``missing`` rows.
    """
    table = read_table(out, rows) if table is None else table
    records = {row: read_row(row, out) for row in rows}
    experiments = []
    for (name, class_set), methods in table.items():
        mine = {
            r: record for r, record in records.items() if record and (r.experiment, r.class_set) == (name, class_set)
        }
        experiment = experiment_named(name)
        some = next(iter(mine.values()))
        experiments.append(
            {
                "experiment": name,
                "class_set": class_set,
                "title": experiment.title,
                "n": some["n"],
                "seen_in_training": some["seen_in_training"],
                "trained_on": some["trained_on"],
                "published": {
                    method: asdict(figures[experiment.number, class_set]) for method, figures in PUBLISHED.items()
                },
                "methods": {
                    method: _method(scored, class_set, [r for k, r in mine.items() if k.method == method])
                    for method, scored in methods.items()
                },
                "differences": _differences(methods),
            }
        )
    return {
        "paper": "margformer",
        "citations": CITATIONS,
        "asterism": asterism.__version__,
        "scale": scale,
        "data": data.record,
        "averages": "precision and recall are macro averages over classes",
        "experiments": experiments,
        "missing": [row.name for row in rows if records[row] is None],
    }


def _method(scored: Scored, class_set: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    classes = CLASS_SETS[class_set]
    matrices = [confusion_matrix(p.argmax(axis=1), scored.labels, len(classes)) for p in scored.probabilities]
    pairs = [macro_precision_recall(m.astype(float)) for m in matrices]
    figures = {
        "accuracy": [float((p.argmax(axis=1) == scored.labels).mean()) for p in scored.probabilities],
        "precision": [precision for precision, _ in pairs],
        "recall": [recall for _, recall in pairs],
        "log_loss": [float(log_loss_values(p, scored.labels).mean()) for p in scored.probabilities],
    }
    told: dict[str, Any] = {"title": method_named(records[0]["method"]).title, "seeds": len(records)}
    for key, values in figures.items():
        told[key] = float(np.mean(values))
        told[f"{key}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    told["accuracy_interval"] = list(bootstrap_mean(scored.right, scored.sources))
    told["confusion"] = {"classes": list(classes), "counts": scored.confusion(len(classes)).tolist()}
    told["parameters"] = records[0]["parameters"]
    told["epochs"] = [record["epochs"] for record in records]
    told["train_seconds"] = [record["train_seconds"] for record in records]
    told["recipe"] = records[0]["settings"]["recipe"]
    told["balanced"] = records[0]["settings"]["balanced"]
    return told


def _differences(methods: Mapping[str, Scored]) -> list[dict[str, Any]]:
    told = []
    for ours, theirs, what in COMPARISONS:
        if ours not in methods or theirs not in methods:
            continue
        a, b = methods[ours], methods[theirs]
        if a.object_id != b.object_id:
            raise ValueError(f"{ours} and {theirs} were scored on different objects")
        entry: dict[str, Any] = {"ours": ours, "theirs": theirs, "what": what}
        for key, x, y in (("accuracy", a.right, b.right), ("log_loss", a.losses, b.losses)):
            d = paired_difference(x, y, a.sources)
            entry[key] = {"difference": d.mean, "interval": [d.low, d.high]}
        told.append(entry)
    return told
