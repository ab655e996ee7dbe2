"""How well clusters that were found without labels agree with labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError
from asterism.learning.intervals import resampled_statistic

__all__ = ["NOISE", "cluster_agreement", "single_targets"]

NOISE = -1
"""The number of objects that belong to no cluster, as HDBSCAN gives it."""


def cluster_agreement(
    clusters: ArrayLike,
    labels: Sequence[str | None] | NDArray[Any],
    *,
    sources: ArrayLike | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Adjusted mutual information of clusters and labels, noise being a cluster of its own.

    AMI is 0 for clusters that have nothing to do with the labels, whatever their number, and 1 for the labels themselves (Vinh,
    Epps & Bailey 2010, JMLR 11, 2837, with the arithmetic mean of the two entropies). To count noise as a cluster leaves
    nothing out: who calls all hard objects noise pays for it.

    Parameters
    ----------
    clusters : array_like of int, shape (n,)
        `NOISE` for objects of no cluster.
    labels : sequence of str or None, length n
        Objects without a label are left out.
    sources : array_like, shape (n,), optional
    resamples, seed : int
        Of the bootstrap over sources.

    Returns
    -------
    dict
        JSON-able: ``n``, ``ami``, ``ami_interval``, ``ami_without_noise`` (of the objects in clusters; None where there are
        none), ``clusters``, ``noise_share``.

    Raises
    ------
    BadInputError
        No object is labelled, or the two are not of one length.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    found, names = np.asarray(clusters), np.array(labels, dtype=object)
    if found.shape != names.shape or found.ndim != 1:
        raise BadInputError(f"clusters {found.shape} and labels {names.shape} must be of the same objects")
    known = np.array([name is not None for name in names], bool)
    if not known.any():
        raise BadInputError("no object of the clusters is labelled, so there is nothing to agree with; give labels")
    codes = np.unique(names[known].astype(str), return_inverse=True)[1]
    pair = np.stack([found[known], codes], axis=1).astype(float)

    def ami(rows: NDArray[np.float64]) -> float:
        return float(adjusted_mutual_info_score(rows[:, 1].astype(int), rows[:, 0].astype(int)))

    of = None if sources is None else np.asarray(sources)[known]
    draws = resampled_statistic(pair, ami, of, resamples=resamples, seed=seed)
    inside = pair[:, 0] != NOISE
    return {
        "n": len(pair),
        "ami": ami(pair),
        "ami_interval": [float(end) for end in np.quantile(draws, [0.025, 0.975])],
        "ami_without_noise": ami(pair[inside]) if inside.any() else None,
        "clusters": len(np.unique(pair[inside, 0])),
        "noise_share": float((~inside).mean()),
    }


def single_targets(targets: Sequence[Sequence[str] | None]) -> list[str | None]:
    """The target class of objects that were chosen for one reason only; None for all others.

    Parameters
    ----------
    targets : sequence of (sequence of str, or None)
        The column ``targets``.

    Examples
    --------
    >>> single_targets([["LRG"], ["LRG", "ELG"], [], None])
    ['LRG', None, None, None]
    """
    return [names[0] if names is not None and len(names) == 1 else None for names in targets]
