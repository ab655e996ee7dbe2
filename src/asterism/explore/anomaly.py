"""How unlike all others an object is: by the distance to its neighbours, and by how empty its place is beside theirs.

Two scores, both larger for rarer objects. *kNN distance* (Ramaswamy, Rastogi & Shim 2000, SIGMOD): the mean distance to the
nearest objects; objects in sparse parts of the embedding have large ones, many of them ordinary. *Density*: the local
outlier factor (Breunig, Kriegel, Ng & Sander 2000, SIGMOD, definition 7): the neighbours' density over the object's own,
about 1 inside any group, sparse or dense, and more outside. Distances are those between points of the unit sphere,
d² = 2 − 2 cos θ.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asterism.errors import BadInputError

__all__ = ["NEIGHBOURS", "Anomaly", "anomaly_scores"]

NEIGHBOURS = 20
"""Nearest objects that count. Below about ten the outlier factor of uniform noise wanders (Breunig et al. 2000, section 6.2)."""


@dataclass(frozen=True)
class Anomaly:
    """Scores of n objects.

    Attributes
    ----------
    knn : ndarray, shape (n,), float32
        Mean distance to the nearest objects, 0 to 2.
    density : ndarray, shape (n,), float32
        Local outlier factor.
    neighbours : int
        How many nearest objects counted.
    """

    knn: NDArray[np.float32]
    density: NDArray[np.float32]
    neighbours: int


def anomaly_scores(
    values: NDArray[np.float32], *, neighbours: int = NEIGHBOURS, reference: NDArray[np.int64] | None = None
) -> Anomaly:
    """Score each object among the others.

    Parameters
    ----------
    values : ndarray, shape (n, E), float32
        Embeddings, of unit length.
    neighbours : int
        Nearest objects that count; all the others where there are fewer.
    reference : ndarray of int, optional
        Rows among which neighbours are looked for; by default all. For catalogs so large that all pairs would take too
        long.

    Returns
    -------
    Anomaly

    Raises
    ------
    BadInputError
        Fewer than three objects.
    """
    from sklearn.neighbors import LocalOutlierFactor

    rows = np.arange(len(values)) if reference is None else np.asarray(reference)
    if len(rows) < 3:
        raise BadInputError(f"anomaly scores need 3 objects with an embedding at least, and there are {len(rows)}")
    k = min(neighbours, len(rows) - 1)
    factor = LocalOutlierFactor(n_neighbors=k, novelty=True, metric="euclidean")
    knn, density = np.zeros(len(values)), np.zeros(len(values))
    with warnings.catch_warnings():
        # Of objects that are there many times over: their neighbours' density has no bound, which is what the score says.
        warnings.filterwarnings("ignore", message="Duplicate values", category=UserWarning)
        factor.fit(values[rows])
        knn[rows] = factor.kneighbors()[0].mean(axis=1)
        density[rows] = -factor.negative_outlier_factor_
        others = np.setdiff1d(np.arange(len(values)), rows)
        if len(others):
            knn[others] = factor.kneighbors(values[others])[0].mean(axis=1)
            density[others] = -factor.score_samples(values[others])
    return Anomaly(knn.astype(np.float32), density.astype(np.float32), k)
