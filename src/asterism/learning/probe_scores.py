"""How right a probe's answers are: R² and the redshift figures of numbers, recall of classes, and two methods compared.

R² = 1 − Σ(ŷ − y)²/Σ(y − ȳ)², ȳ being the mean of the objects scored: the mean of these gives 0, a worse answer less. Redshift
figures are those of `asterism.learning.redshift_metrics`. Macro recall is the mean over classes of the share of the class's
objects that were called so. Intervals are 95 % bootstrap intervals over sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError
from asterism.learning.intervals import PairedDifference, paired_difference, resampled_means, resampled_statistic
from asterism.learning.redshift_metrics import RedshiftScores, metrics_of, paired_redshift_differences

__all__ = [
    "class_scores",
    "paired_class_difference",
    "paired_redshift_probe_differences",
    "paired_value_difference",
    "r_squared",
    "redshift_probe_scores",
    "value_scores",
]

Floats = NDArray[np.float64]
#: Beyond this |Δz/(1+z)| a redshift that was read off a spectrum's neighbours is an outlier.
_NEIGHBOUR_OUTLIER = 0.1


def _pair(predicted: ArrayLike, true: ArrayLike) -> tuple[Floats, Floats]:
    p, t = np.asarray(predicted, dtype=float), np.asarray(true, dtype=float)
    if p.shape != t.shape or p.ndim != 1:
        raise ValueError(f"answers {p.shape} and truths {t.shape} must be two rows of one length")
    if not len(p):
        raise BadInputError("no labelled object to score; take more test objects or another label")
    return p, t


def _r_squared(rows: Floats) -> float:
    spread = ((rows[:, 1] - rows[:, 1].mean()) ** 2).sum()
    return float(1 - ((rows[:, 0] - rows[:, 1]) ** 2).sum() / spread) if spread > 0 else float("nan")


def _ends(draws: Floats) -> list[float]:
    low, high = np.nanquantile(draws, [0.025, 0.975]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return [float(low), float(high)]


def r_squared(predicted: ArrayLike, true: ArrayLike) -> float:
    """R² of answers (n,) against truths (n,); NaN where all truths are the same.

    Examples
    --------
    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r_squared([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    """
    return _r_squared(np.stack(_pair(predicted, true), axis=1))


def value_scores(
    predicted: ArrayLike, true: ArrayLike, *, sources: ArrayLike | None = None, resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Figures of a number that was predicted.

    Parameters
    ----------
    predicted, true : array_like, shape (n,)
    sources, resamples, seed
        Of the bootstrap, see `asterism.learning.intervals`.

    Returns
    -------
    dict
        JSON-able: ``n``, ``r2``, ``r2_interval``, ``rmse``; R² is None where all truths are the same.

    Raises
    ------
    BadInputError
        There is nothing to score.
    """
    pair = np.stack(_pair(predicted, true), axis=1)
    found = _r_squared(pair)
    result: dict[str, Any] = {"n": len(pair), "r2": found if np.isfinite(found) else None}
    if np.isfinite(found):
        result["r2_interval"] = _ends(resampled_statistic(pair, _r_squared, sources, resamples=resamples, seed=seed))
    return result | {"rmse": float(np.sqrt(((pair[:, 0] - pair[:, 1]) ** 2).mean()))}


def redshift_probe_scores(
    predicted: ArrayLike, true: ArrayLike, *, sources: ArrayLike | None = None, resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Figures of redshifts that were predicted; answers below 0 count as 0, since a line has no end there.

    Returns
    -------
    dict
        What `value_scores` gives, the figures of points of `asterism.learning.redshift_metrics.metrics_of`, and
        ``median_absolute_error`` (median |Δz/(1+z)|) and ``outlier_rate_0.1`` with their intervals.
    """
    p, t = _pair(predicted, true)
    p = np.maximum(p, 0.0)
    scores = RedshiftScores.of_points(p, t)
    size = np.abs(scores.error)
    draws = resampled_statistic(
        size, lambda e: [np.median(e), (e > _NEIGHBOUR_OUTLIER).mean()], sources, resamples=resamples, seed=seed
    )
    return {
        **value_scores(p, t, sources=sources, resamples=resamples, seed=seed),
        **metrics_of(scores, sources=sources, resamples=resamples, seed=seed),
        "median_absolute_error": float(np.median(size)),
        "median_absolute_error_interval": _ends(draws[:, 0]),
        "outlier_rate_0.1": float((size > _NEIGHBOUR_OUTLIER).mean()),
        "outlier_rate_0.1_interval": _ends(draws[:, 1]),
    }


def class_scores(
    predicted: ArrayLike,
    true: ArrayLike,
    *,
    sources: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of classes that were predicted.

    Parameters
    ----------
    predicted, true : array_like of str, shape (n,)
        Names. The classes that count are those of `true`.
    sources, resamples, seed
        Of the bootstrap.

    Returns
    -------
    dict
        JSON-able: ``n``, ``macro_recall``, ``macro_recall_interval``, ``accuracy``, ``recall`` and ``n_by_class`` by class.

    Raises
    ------
    BadInputError
        There is nothing to score.
    """
    names, columns = _recall_columns(predicted, true)
    found = _recalls(columns.mean(axis=0)[None])[0]
    draws = np.nanmean(_recalls(resampled_means(columns, sources, resamples=resamples, seed=seed)), axis=1)
    half = len(names)
    return {
        "n": len(columns),
        "macro_recall": float(found.mean()),
        "macro_recall_interval": _ends(draws),
        "accuracy": float(columns[:, :half].sum(axis=1).mean()),
        "recall": dict(zip(names, found.tolist(), strict=True)),
        "n_by_class": dict(zip(names, columns[:, half:].sum(axis=0).astype(int).tolist(), strict=True)),
    }


def _recall_columns(predicted: ArrayLike, true: ArrayLike) -> tuple[list[str], Floats]:
    """Names of the C classes, and of each object whether it is of a class and called so, and whether it is of it (n, 2C)."""
    p, t = np.asarray(predicted, dtype=str), np.asarray(true, dtype=str)
    if p.shape != t.shape or t.ndim != 1:
        raise ValueError(f"answers {p.shape} and truths {t.shape} must be two rows of one length")
    if not len(t):
        raise BadInputError("no labelled object to score; take more test objects or another label")
    names = np.unique(t)
    of = t[:, None] == names
    return names.tolist(), np.hstack([of & (p == t)[:, None], of]).astype(float)


def _recalls(means: Floats) -> Floats:
    half = means.shape[1] // 2
    with np.errstate(invalid="ignore"):
        return means[:, :half] / means[:, half:]


def paired_value_difference(
    ours: ArrayLike,
    theirs: ArrayLike,
    true: ArrayLike,
    sources: ArrayLike | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """R² of our answers less that of theirs on the same objects (n,), with its paired 95 % bootstrap interval."""
    (a, t), (b, _) = _pair(ours, true), _pair(theirs, true)

    def gap(rows: Floats) -> float:
        return _r_squared(rows[:, [0, 2]]) - _r_squared(rows[:, [1, 2]])

    rows = np.stack([a, b, t], axis=1)
    low, high = _ends(resampled_statistic(rows, gap, sources, resamples=resamples, seed=seed))
    return {"r2": PairedDifference(gap(rows), low, high)}


def paired_redshift_probe_differences(
    ours: ArrayLike,
    theirs: ArrayLike,
    true: ArrayLike,
    sources: ArrayLike | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """R², σ_NMAD and outlier rates of our redshifts less theirs on the same objects (n,), each with its interval."""
    (a, t), (b, _) = _pair(ours, true), _pair(theirs, true)
    a, b = np.maximum(a, 0.0), np.maximum(b, 0.0)
    scores = RedshiftScores.of_points(a, t), RedshiftScores.of_points(b, t)
    result = paired_value_difference(a, b, t, sources, resamples=resamples, seed=seed)
    result |= paired_redshift_differences(*scores, sources, resamples=resamples, seed=seed)
    far, their_far = (np.abs(s.error) > _NEIGHBOUR_OUTLIER for s in scores)
    result["outlier_rate_0.1"] = paired_difference(far, their_far, sources, resamples=resamples, seed=seed)
    return result


def paired_class_difference(
    ours: ArrayLike,
    theirs: ArrayLike,
    true: ArrayLike,
    sources: Sequence[str] | ArrayLike | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """Macro recall of our classes less that of theirs on the same objects (n,), with its paired 95 % bootstrap interval."""
    names, a = _recall_columns(ours, true)
    _, b = _recall_columns(theirs, true)
    both, width = np.hstack([a, b]), 2 * len(names)

    def gap(means: Floats) -> Floats:
        return np.nanmean(_recalls(means[:, :width]), axis=1) - np.nanmean(_recalls(means[:, width:]), axis=1)

    low, high = _ends(gap(resampled_means(both, sources, resamples=resamples, seed=seed)))
    return {"macro_recall": PairedDifference(float(gap(both.mean(axis=0)[None])[0]), low, high)}
