"""Figures of a method over its seeds: accuracy, precision and recall with their spread, and differences to another method.

Accuracy, precision and recall are of each seed, then their mean and standard deviation over seeds (with one seed: none).
Intervals, of accuracies and of differences, come from a bootstrap over sources of the objects' mean over seeds, so that
methods with three seeds and with one can be paired on the same objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.learning.intervals import bootstrap_mean, paired_difference
from asterism.learning.metrics import confusion_matrix, log_loss_values

__all__ = ["SeedScores", "difference", "macro_precision_recall", "mean_and_std"]


class SeedScores:
    """All seeds of one method on the same objects.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
        One a seed, of the same objects in the same order: object_id, source_id, class, and ``p_…`` of each class.
    classes : sequence of str

    Attributes
    ----------
    classes : tuple of str
    object_id, sources : list of str
    labels : ndarray, shape (n,)
        Indices into `classes`.
    probabilities : list of ndarray, shape (n, classes)
        One a seed.

    Raises
    ------
    ValueError
        The tables are not of the same objects.
    """

    def __init__(self, tables: Sequence[pa.Table], classes: Sequence[str]) -> None:
        first = tables[0]
        self.classes = tuple(classes)
        self.object_id: list[str] = first["object_id"].to_pylist()
        if any(t["object_id"].to_pylist() != self.object_id for t in tables[1:]):
            raise ValueError("the seeds of a method were scored on different objects")
        self.sources: list[str] = first["source_id"].to_pylist()
        names = first["class"].to_pylist()
        self.labels: NDArray[np.int64] = np.array([self.classes.index(name) for name in names])
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

    @property
    def matrices(self) -> list[NDArray[np.int64]]:
        """Confusion matrix of each seed, true class along rows."""
        k = len(self.classes)
        return [confusion_matrix(p.argmax(axis=1), self.labels, k) for p in self.probabilities]

    def confusion(self) -> NDArray[np.float64]:
        """True class along rows, predicted along columns, mean over seeds."""
        return np.mean(self.matrices, axis=0)

    def accuracy(self, which: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        """``accuracy`` and ``accuracy_std`` over seeds, and the ``interval`` of their mean.

        Parameters
        ----------
        which : ndarray of bool, shape (n,), optional
            The objects that count; all by default.

        Returns
        -------
        dict
        """
        kept = np.ones(len(self.labels), bool) if which is None else which
        mean, std = mean_and_std([float((p.argmax(axis=1) == self.labels)[kept].mean()) for p in self.probabilities])
        interval = list(bootstrap_mean(self.right[kept], np.array(self.sources)[kept]))
        return {"accuracy": mean, "accuracy_std": std, "interval": interval}

    def figures(self) -> dict[str, Any]:
        """Accuracy, macro precision and recall, log-loss: mean and ``…_std`` over seeds, and the accuracy's interval."""
        pairs = [macro_precision_recall(m.astype(float)) for m in self.matrices]
        values = {
            "precision": [precision for precision, _ in pairs],
            "recall": [recall for _, recall in pairs],
            "log_loss": [float(log_loss_values(p, self.labels).mean()) for p in self.probabilities],
        }
        right = self.accuracy()
        told: dict[str, Any] = {
            "seeds": len(self.probabilities),
            "accuracy": right["accuracy"],
            "accuracy_std": right["accuracy_std"],
        }
        for key, found in values.items():
            told[key], told[f"{key}_std"] = mean_and_std(found)
        told["accuracy_interval"] = right["interval"]
        told["confusion"] = {"classes": list(self.classes), "counts": self.confusion().tolist()}
        return told


def mean_and_std(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation (n − 1) where there are several."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


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


def difference(ours: SeedScores, theirs: SeedScores) -> dict[str, Any]:
    """Accuracy and log-loss of one method less those of another on the same objects, with paired intervals.

    Raises
    ------
    ValueError
        The two were scored on different objects.
    """
    if ours.object_id != theirs.object_id:
        raise ValueError("two methods to be compared were scored on different objects")
    told: dict[str, Any] = {}
    for key, x, y in (("accuracy", ours.right, theirs.right), ("log_loss", ours.losses, theirs.losses)):
        d = paired_difference(x, y, ours.sources)
        told[key] = {"difference": d.mean, "interval": [d.low, d.high]}
    return told
