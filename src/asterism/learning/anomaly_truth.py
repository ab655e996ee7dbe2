"""Whether an anomaly score finds what is known to be rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.intervals import resampled_statistic

__all__ = ["RARITIES", "anomaly_scores", "rarities"]

RARITIES: Mapping[str, tuple[str, ...]] = {
    "WD": ("DA", "DB", "DC", "DQ", "DZ", "WD"),
    "CV": ("CV",),
    "carbon": ("carbon", "Carbon", "Carbon_lines", "CarbonWD"),
    "sdB": ("sdB", "sdO"),
}
"""What is rare in every survey, by the subclasses that catalogs and the simulator's samples write for it."""


def rarities(
    subclasses: Sequence[str | None], kinds: Mapping[str, Sequence[str]] = RARITIES, *, most: float = 0.02
) -> list[str | None]:
    """Which objects are of a rare kind.

    Parameters
    ----------
    subclasses : sequence of str or None, length n
        The column ``subclass``.
    kinds : mapping of str to sequence of str
        Subclasses of each kind.
    most : float
        A kind that is more than this share of the objects is not rare among them, and does not count.

    Returns
    -------
    list of str or None, length n
        The kind's name, None for all others.

    Examples
    --------
    >>> rarities(["G0"] * 98 + ["DA", "CV"])[-2:]
    ['WD', 'CV']
    """
    of = {subclass: kind for kind, names in kinds.items() for subclass in names}
    found = [of.get(name) if name is not None else None for name in subclasses]
    counts = {kind: found.count(kind) for kind in kinds}
    return [kind if kind is not None and counts[kind] <= most * len(found) else None for kind in found]


def anomaly_scores(
    scores: ArrayLike,
    rare: Sequence[str | None],
    *,
    top: Sequence[int] = (10, 100),
    sources: ArrayLike | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """ROC AUC of an anomaly score and its precision among the objects with the highest scores.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Higher is more anomalous; objects without a finite score are left out.
    rare : sequence of str or None, length n
        Kind of each rare object, see `rarities`.
    top : sequence of int
        Numbers of objects that a person would look at; those that exceed n are left out.
    sources : array_like, shape (n,), optional
    resamples, seed : int
        Of the bootstrap over sources.

    Returns
    -------
    dict
        JSON-able: ``n``, ``rare`` and ``rare_share`` (what precision is by chance); ``roc_auc``, ``roc_auc_interval``;
        ``average_precision``; of each N ``precision_at_N``; and ``by_kind``: of each kind ``n``, ``roc_auc`` (against all
        objects that are of no rare kind) and ``found_at_N``, the share of its objects that are among the N highest.

    Raises
    ------
    BadInputError
        No object is rare, all are, or the two are not of one length.
    ConfigurationError
        A number of objects to look at is less than 1.
    """
    from scipy.stats import rankdata
    from sklearn.metrics import average_precision_score

    values, kinds = np.asarray(scores, dtype=float), np.array(rare, dtype=object)
    if values.shape != kinds.shape or values.ndim != 1:
        raise BadInputError(f"anomaly scores {values.shape} and rare kinds {kinds.shape} must be of the same objects")
    if min(top, default=1) < 1:
        raise ConfigurationError(f"precision among the top {min(top)} means nothing; give 1 or more")
    seen = np.isfinite(values)
    values, kinds = values[seen], kinds[seen]
    odd = np.array([kind is not None for kind in kinds], bool)
    if not odd.any() or odd.all():
        count = "no" if not odd.any() else "every"
        raise BadInputError(
            f"{count} object with an anomaly score is of a rare kind, so nothing can be told; take others"
        )
    rank = np.argsort(-values, kind="stable")

    def auc(rows: NDArray[np.float64]) -> float:
        # The share of pairs (rare, common) that are in the right order, from the ranks: Mann and Whitney's statistic.
        positive = float(rows[:, 1].sum())
        negative = len(rows) - positive
        ranks = rankdata(rows[:, 0])[rows[:, 1] == 1].sum()
        return float((ranks - positive * (positive + 1) / 2) / (positive * negative)) if positive * negative else np.nan

    pair = np.stack([values, odd], axis=1).astype(float)
    of = None if sources is None else np.asarray(sources)[seen]
    draws = resampled_statistic(pair, auc, of, resamples=resamples, seed=seed)
    result: dict[str, Any] = {
        "n": len(values),
        "rare": int(odd.sum()),
        "rare_share": float(odd.mean()),
        "roc_auc": auc(pair),
        "roc_auc_interval": [float(end) for end in np.nanquantile(draws, [0.025, 0.975])],
        "average_precision": float(average_precision_score(odd, values)),
    }
    looked = [number for number in top if number <= len(values)]
    result |= {f"precision_at_{number}": float(odd[rank[:number]].mean()) for number in looked}
    result["by_kind"] = {}
    for kind in sorted(set(kinds[odd])):
        own = kinds == kind
        result["by_kind"][kind] = {
            "n": int(own.sum()),
            "roc_auc": auc(pair[own | ~odd]),
            **{f"found_at_{number}": float(own[rank[:number]].sum() / own.sum()) for number in looked},
        }
    return result
