"""Classification metrics as CONTRACT's ``metrics.json`` defines them.

All take plain arrays: probabilities (n, classes), true class indices (n,). Definitions: accuracy is the share of objects
whose most probable class is the true one; log-loss is the mean of −ln p(true class), natural logarithm, probabilities
clipped at 1e-15; ECE has 15 equal-width bins of the highest probability and weights each bin's gap between
accuracy and mean confidence by its share of objects (Guo et al. 2017, eq. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.learning.intervals import bootstrap_mean

__all__ = [
    "ECE_BINS",
    "bin_edges",
    "classification_metrics",
    "completeness_purity",
    "confusion_matrix",
    "expected_calibration_error",
    "log_loss_values",
    "metrics_by_magnitude",
    "null_calibration_error",
    "reliability",
]

ECE_BINS = 15
#: Below this a magnitude bin's figures are noise, and the bin is left out.
SMALLEST_BIN = 20


def _checked(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    p, y = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=np.int64)
    if p.ndim != 2 or y.shape != (len(p),):
        raise ValueError(f"probabilities (n, classes) and labels (n,) don't fit: {p.shape} and {y.shape}")
    if not np.isfinite(p).all() or (p < 0).any() or np.abs(p.sum(axis=1) - 1).max(initial=0) > 1e-3:
        raise ValueError("probabilities must be finite, not negative and sum to 1 in each row")
    if len(y) and (y.min() < 0 or y.max() >= p.shape[1]):
        raise ValueError(f"labels must be class indices 0 to {p.shape[1] - 1}")
    return p, y


def log_loss_values(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """−ln p(true class) of each object, shape (n,); probabilities are clipped at 1e-15."""
    p, y = _checked(probabilities, labels)
    return -np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1.0))


def _bin_index(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    # Right-closed bins, as Guo et al. define them: 1/15 belongs to the first bin, 1 to the last.
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = ECE_BINS) -> dict[str, NDArray[Any]]:
    """What a reliability diagram shows, bin by bin of the highest probability.

    Returns
    -------
    dict of ndarray, shape (bins,)
        ``n``, ``confidence`` and ``accuracy`` (NaN in an empty bin).
    """
    p, y = _checked(probabilities, labels)
    confidence = p.max(axis=1)
    index = _bin_index(confidence, bins)
    n = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(index, weights=confidence, minlength=bins) / n
        accuracy = np.bincount(index, weights=(p.argmax(axis=1) == y).astype(float), minlength=bins) / n
    return {"n": n, "confidence": mean_confidence, "accuracy": accuracy}


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = ECE_BINS) -> float:
    """Expected calibration error of the highest probability (Guo et al. 2017, eq. 3)."""
    p, y = _checked(probabilities, labels)
    confidence = p.max(axis=1)
    gap = np.bincount(_bin_index(confidence, bins), weights=(p.argmax(axis=1) == y) - confidence, minlength=bins)
    return float(np.abs(gap).sum() / max(len(y), 1))


def null_calibration_error(
    probabilities: ArrayLike, *, quantile: float = 0.95, draws: int = 1000, bins: int = ECE_BINS, seed: int = 0
) -> float:
    """The ECE that a perfectly calibrated model with these probabilities exceeds in 1 − `quantile` of all samples.

    Labels are redrawn from the probabilities; whether the most probable class is drawn is then a Bernoulli trial with the
    confidence as its chance, so only the confidences are needed.

    Parameters
    ----------
    probabilities : array_like, shape (n, classes)
    quantile : float
        0.95 gives ``ece_null95``.
    draws : int
        Number of redrawn label sets.
    bins, seed : int
        Bins of the ECE; seed of the redraws.

    Returns
    -------
    float
    """
    p = np.asarray(probabilities, dtype=float)
    confidence = p.max(axis=1)
    order = np.argsort(_bin_index(confidence, bins), kind="stable")
    confidence = confidence[order]
    index = _bin_index(confidence, bins)
    starts = np.flatnonzero(np.r_[True, np.diff(index) > 0])
    rng = np.random.default_rng(seed)
    errors = np.empty(draws)
    for k in range(draws):
        gap = (rng.random(len(confidence)) < confidence) - confidence
        errors[k] = np.abs(np.add.reduceat(gap, starts)).sum() / len(confidence)
    return float(np.quantile(errors, quantile))


def confusion_matrix(predicted: ArrayLike, labels: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Counts with the true class along rows and the predicted class along columns, shape (classes, classes)."""
    flat = np.asarray(labels, dtype=np.int64) * n_classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(flat, minlength=n_classes**2).reshape(n_classes, n_classes)


def completeness_purity(probabilities: ArrayLike, labels: ArrayLike, thresholds: ArrayLike) -> dict[str, NDArray[Any]]:
    """Completeness and purity of the sample selected by p(class) ≥ threshold, for each class.

    Parameters
    ----------
    probabilities : array_like, shape (n, classes)
    labels : array_like, shape (n,)
    thresholds : array_like, shape (t,)

    Returns
    -------
    dict of ndarray, shape (classes, t)
        ``completeness``: share of the class's objects that are selected; ``purity``: share of the selected that are of
        the class (NaN where nothing is selected).
    """
    p, y = _checked(probabilities, labels)
    cuts = np.asarray(thresholds, dtype=float)
    completeness, purity = np.full((2, p.shape[1], len(cuts)), np.nan)
    for c in range(p.shape[1]):
        # One sort a class instead of one pass a threshold.
        inside = np.sort(p[y == c, c])
        everyone = np.sort(p[:, c])
        hits = len(inside) - np.searchsorted(inside, cuts, side="left")
        selected = len(everyone) - np.searchsorted(everyone, cuts, side="left")
        if len(inside):
            completeness[c] = hits / len(inside)
        np.divide(hits, selected, out=purity[c], where=selected > 0)
    return {"completeness": completeness, "purity": purity}


def classification_metrics(
    probabilities: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    sources: ArrayLike | None = None,
    sets: ArrayLike | None = None,
    abstained: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Every classification figure of CONTRACT's ``metrics.json`` for one group of objects.

    Parameters
    ----------
    probabilities : array_like, shape (n, classes)
    labels : array_like, shape (n,)
        True class indices.
    classes : sequence of str
        Class names in the order of the columns.
    sources : array_like, shape (n,), optional
        Source of each object, for the intervals.
    sets : array_like of bool, shape (n, classes), optional
        Prediction sets; an all-false row is an empty set, which covers nothing.
    abstained : array_like of bool, shape (n,), optional
        Objects that get no set (out of domain): coverage and size are of the others, ``abstained`` is their share.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        JSON-able. Recall and precision are ``None`` for a class with no true, or no predicted, object.

    Raises
    ------
    ValueError
        If the arrays don't fit each other, or there are no objects.
    """
    p, y = _checked(probabilities, labels)
    if len(y) == 0:
        raise ValueError("no objects to score")
    predicted = p.argmax(axis=1)
    right = (predicted == y).astype(float)
    losses = log_loss_values(p, y)
    matrix = confusion_matrix(predicted, y, len(classes))
    true, called, hits = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    recall = {c: float(hits[i] / true[i]) if true[i] else None for i, c in enumerate(classes)}
    precision = {c: float(hits[i] / called[i]) if called[i] else None for i, c in enumerate(classes)}
    # F1 as 2·hits/(true + called) needs no special case for an empty prediction; classes with no true object don't count.
    f1 = {c: float(2 * hits[i] / (true[i] + called[i])) if true[i] else None for i, c in enumerate(classes)}
    scored = [v for v in f1.values() if v is not None]
    result: dict[str, Any] = {
        "n": len(y),
        "accuracy": float(right.mean()),
        "accuracy_interval": list(bootstrap_mean(right, sources, resamples=resamples, seed=seed)),
        "macro_f1": float(np.mean(scored)),
        "log_loss": float(losses.mean()),
        "log_loss_interval": list(bootstrap_mean(losses, sources, resamples=resamples, seed=seed)),
        "ece": expected_calibration_error(p, y),
        "ece_null95": null_calibration_error(p, seed=seed),
        "recall": recall,
        "precision": precision,
        "f1": f1,
        "confusion": {"classes": list(classes), "counts": matrix.tolist()},
    }
    if sets is not None:
        member = np.asarray(sets, dtype=bool)
        given = np.ones(len(y), dtype=bool) if abstained is None else ~np.asarray(abstained, dtype=bool)
        covered = member[np.arange(len(y)), y][given]
        result["coverage"] = float(covered.mean()) if given.any() else None
        result["set_size"] = float(member[given].sum(axis=1).mean()) if given.any() else None
        result["abstained"] = float(1 - given.mean())
    return result


def bin_edges(magnitudes: ArrayLike, width: float = 1.0) -> NDArray[np.float64]:
    """Edges of whole `width`-magnitude bins that hold all finite magnitudes (empty where there are none)."""
    m = np.asarray(magnitudes, dtype=float)
    m = m[np.isfinite(m)]
    if not len(m):
        return np.array([])
    return np.arange(np.floor(m.min() / width), np.floor(m.max() / width) + 2) * width


def metrics_by_magnitude(
    probabilities: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    magnitudes: ArrayLike,
    *,
    sources: ArrayLike | None = None,
    sets: ArrayLike | None = None,
    abstained: ArrayLike | None = None,
    edges: ArrayLike | None = None,
    resamples: int = 500,
) -> list[dict[str, Any]]:
    """The same figures in magnitude bins [lo, hi); bins with fewer than 20 objects are left out.

    Returns
    -------
    list of dict
        ``{"lo", "hi", "n", …}`` in order of magnitude.
    """
    p, y, m = np.asarray(probabilities, dtype=float), np.asarray(labels), np.asarray(magnitudes, dtype=float)
    cuts = bin_edges(m) if edges is None else np.asarray(edges, dtype=float)
    bins = []
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        inside = (m >= low) & (m < high)
        if inside.sum() < SMALLEST_BIN:
            continue
        bins.append(
            {
                "lo": float(low),
                "hi": float(high),
                **classification_metrics(
                    p[inside],
                    y[inside],
                    classes,
                    sources=None if sources is None else np.asarray(sources)[inside],
                    sets=None if sets is None else np.asarray(sets)[inside],
                    abstained=None if abstained is None else np.asarray(abstained)[inside],
                    resamples=resamples,
                ),
            }
        )
    return bins
