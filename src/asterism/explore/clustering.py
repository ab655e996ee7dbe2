"""Groups in an embedding, found without labels, and how far they can be trusted.

HDBSCAN (Campello, Moulavi & Sander 2013, PAKDD; scikit-learn's) calls a cluster what stays together over a long range of
densities, and noise what belongs to none. Its two settings follow from the number of objects n alone, so that nobody can
tune them on labels:

* ``min_cluster_size`` = n / 100, at least 10: a cluster is at least one object in a hundred.
* ``min_samples`` = ln n, rounded up: neighbours that make a density. Of order log n is the least with which the tree of
  level sets is that of the true density for large n (Chaudhuri & Dasgupta 2010, NeurIPS).

Clusters are sought among the principal components of the embedding that hold 95 % of its variance, and not on a map unless
that is asked for: a map tears what is continuous, at other places each time it is drawn. On colours of simulated objects,
which have few true gaps, clusters of two parts agreed to 0.76 in the components and to 0.22 on maps (docs/embeddings.md).

Stability is measured by doing it again: pairs of random parts of 80 % are clustered each by itself, the map drawn anew where
clusters are sought on one, and the adjusted Rand index (Hubert & Arabie 1985, J. Classification 2, 193) says how far the two
agree about the objects that both hold, noise being a group of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.blocks import Progress
from asterism.errors import BadInputError
from asterism.explore.principal_components import principal_components
from asterism.explore.projection import FEWEST, fit_projector

__all__ = ["SHARE", "Clusters", "Space", "cluster_embedding", "cluster_points", "cluster_settings", "stability"]

Space = Literal["embedding", "map"]
"""Where clusters are sought: among the principal components of the embedding, or on a map in two dimensions."""

SHARE = 0.95
"""Share of the variance that the principal components keep."""

_PART = 0.8
_LARGEST_PART = 10_000


@dataclass(frozen=True)
class Clusters:
    """Clusters of n objects.

    Attributes
    ----------
    labels : ndarray, shape (n,), int32
        Number of the cluster, 0 the largest; -1 for noise.
    probabilities : ndarray, shape (n,), float32
        How firmly an object belongs to its cluster, 0 for noise.
    min_cluster_size, min_samples, dimensions : int
        What they were found with.
    stability : list of float
        Adjusted Rand index of each pair of parts; empty where it was not measured.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    min_cluster_size: int
    min_samples: int
    dimensions: int
    stability: list[float] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many clusters there are."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def noise(self) -> float:
        """Share of objects that belong to none."""
        return float((self.labels < 0).mean())


def cluster_settings(n: int) -> tuple[int, int]:
    """``min_cluster_size`` and ``min_samples`` for n objects; see the module's page.

    Examples
    --------
    >>> cluster_settings(20_000)
    (200, 10)
    """
    return max(10, round(n / 100)), max(2, math.ceil(math.log(max(n, 2))))


def cluster_points(points: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Labels and probabilities (n,) of points (n, d), with the settings for n; clusters are numbered by their size."""
    from sklearn.cluster import HDBSCAN

    size, samples = cluster_settings(len(points))
    found = HDBSCAN(min_cluster_size=size, min_samples=samples, copy=True).fit(points.astype(np.float64))
    labels = np.asarray(found.labels_)
    counts = np.bincount(labels[labels >= 0]) if (labels >= 0).any() else np.zeros(0, int)
    rank = np.empty(len(counts), np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    numbered = np.where(labels >= 0, rank[labels] if len(counts) else -1, -1)
    return numbered.astype(np.int32), np.asarray(found.probabilities_, np.float32)


def cluster_embedding(
    values: NDArray[np.float32],
    *,
    space: Space = "embedding",
    seed: int = 0,
    repeats: int = 3,
    progress: Progress | None = None,
) -> Clusters:
    """Find clusters.

    Parameters
    ----------
    values : ndarray, shape (n, E), float32
        Embeddings.
    space : {"embedding", "map"}
        Where.
    seed : int
        Of the map and of the parts by which the stability is measured.
    repeats : int
        Pairs of parts; 0 to leave the stability out.
    progress : callable, optional
        Told (clusterings done, clusterings in all).

    Returns
    -------
    Clusters

    Raises
    ------
    BadInputError
        Fewer than 25 objects.
    """
    fewest = math.ceil(FEWEST / _PART)
    if len(values) < fewest:
        raise BadInputError(f"clusters need {fewest} objects with an embedding at least, and there are {len(values)}")
    total = 1 + 2 * repeats
    points = _points(values, space, seed)
    labels, probabilities = cluster_points(points)
    if progress is not None:
        progress(1, total)

    def told(done: int) -> None:
        if progress is not None:
            progress(1 + done, total)

    agreement = stability(values, space=space, seed=seed, repeats=repeats, told=told)
    return Clusters(labels, probabilities, *cluster_settings(len(values)), points.shape[1], agreement)


def stability(
    values: NDArray[np.float32],
    *,
    space: Space = "embedding",
    seed: int = 0,
    repeats: int = 3,
    told: Callable[[int], None] = lambda done: None,
) -> list[float]:
    """Adjusted Rand index of each of `repeats` pairs of parts; arguments as for `cluster_embedding`.

    A part holds 80 % of the objects, 10,000 at most, so that a large catalog's takes no longer than that.
    """
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(seed)
    n = len(values)
    # Both parts from the same rows, so that they share most of them however large the catalog is.
    among = min(n, round(_LARGEST_PART / _PART))
    found = []
    for repeat in range(repeats):
        rows = rng.choice(n, among, replace=False)
        parts = [np.sort(rng.choice(rows, math.ceil(_PART * among), replace=False)) for _ in range(2)]
        labels = []
        for half, part in enumerate(parts):
            drawn = int(rng.integers(2**31 - 1))
            labels.append(cluster_points(_points(values[part], space, drawn))[0])
            told(2 * repeat + half + 1)
        _, first, second = np.intersect1d(parts[0], parts[1], assume_unique=True, return_indices=True)
        found.append(float(adjusted_rand_score(labels[0][first], labels[1][second])))
    return found


def _points(values: NDArray[np.float32], space: Space, seed: int) -> NDArray[np.float32]:
    if space == "map":
        return fit_projector(values, 2, seed=seed).positions
    return principal_components(values, share=SHARE).of(values)
