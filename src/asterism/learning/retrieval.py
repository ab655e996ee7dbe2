"""Retrieval between two modalities: does the image of an object find its own spectrum among others?

Each query is compared by cosine similarity with a pool of candidates: its own partner and others. Who the others are decides
how hard that is. Drawn at random, brightness and distance alone tell most of them apart; of nearly the query's own magnitude, or
magnitude and redshift, what is left is what the embedding knows beyond these. Recall at k is the share of queries whose partner
is among the k most similar of the pool (Radford et al. 2021, arXiv:2103.00020); by chance it is k over the pool's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.intervals import PairedDifference, bootstrap_mean, paired_difference, resampled_statistic

__all__ = [
    "RECALL_AT",
    "Pools",
    "matched_pools",
    "paired_recall_differences",
    "pool_spread",
    "random_pools",
    "retrieval_metrics",
    "retrieval_ranks",
    "unit_length",
]

#: The k of recall at k.
RECALL_AT = (1, 5, 10)
#: Similarities closer than this are the same: two equal vectors may differ by rounding.
_TIE = 1e-9
_BLOCK = 512


def unit_length(vectors: ArrayLike) -> NDArray[np.float64]:
    """Vectors (n, E) divided by their length, float64.

    Raises
    ------
    BadInputError
        They are no table of finite numbers, or one has no length: an absent modality has no place among the present.
    """
    values = np.asarray(vectors, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise BadInputError(
            f"embeddings must be a table (objects, width) of finite numbers, not of shape {values.shape}"
        )
    length = np.linalg.norm(values, axis=1, keepdims=True)
    if (length == 0).any():
        lost = int((length == 0).sum())
        raise BadInputError(
            f"{lost:,} of {len(values):,} embeddings are zero, that is absent; leave these objects out before comparing"
        )
    return values / length


@dataclass(frozen=True)
class Pools:
    """Which candidates each of n queries is compared with.

    Attributes
    ----------
    n, size : int
        Queries, and candidates in each query's pool, its own partner among them.
    kind : str
        ``random`` or ``matched``.
    coordinates : ndarray, shape (n, d), or None
        What the pools are matched in, on a common scale.
    sources : ndarray of int64, shape (n,)
        Objects of one source are never in each other's pools: they are the same thing in the sky, seen twice.
    seed : int
        Of random pools.
    """

    n: int
    size: int
    kind: str
    coordinates: NDArray[np.float64] | None
    sources: NDArray[np.int64]
    seed: int = 0

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.int64]]]:
        """Queries block by block with their pools (b, size), the query's own number in the first column."""
        most = int(np.bincount(self.sources).max())
        tree = None
        if self.coordinates is not None:
            from scipy.spatial import cKDTree

            tree = cKDTree(self.coordinates)
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.n, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, self.n))
            if tree is not None:
                # Its own source's other objects may be nearest: as many more are asked for, then they are passed over.
                wanted = min(self.size + most - 1, self.n)
                near = tree.query(self.coordinates[rows], k=[*range(1, wanted + 1)])[1].astype(np.int64)  # type: ignore[index]
                place = np.broadcast_to(np.arange(wanted, dtype=float), near.shape).copy()
            else:
                near = np.broadcast_to(np.arange(self.n), (len(rows), self.n))
                place = rng.random(near.shape)
            place[self.sources[near] == self.sources[rows][:, None]] = np.inf
            order = np.argpartition(place, self.size - 2, axis=1)[:, : self.size - 1]
            yield slice(start, start + len(rows)), np.column_stack([rows, np.take_along_axis(near, order, axis=1)])


def random_pools(n: int, size: int, *, sources: ArrayLike | None = None, seed: int = 0) -> Pools:
    """Pools of candidates drawn at random, anew for each query, without replacement.

    Parameters
    ----------
    n : int
        Pairs.
    size : int
        Candidates in a pool, 2 or more.
    sources : array_like, shape (n,), optional
        Source of each pair.
    seed : int

    Raises
    ------
    BadInputError
        There are fewer pairs than a pool holds, or `sources` is of another length.
    ConfigurationError
        `size` is less than 2.
    """
    return Pools(n, _checked_size(size), "random", None, _source_numbers(sources, n, size), seed)


def matched_pools(quantities: ArrayLike, size: int, *, sources: ArrayLike | None = None) -> Pools:
    """Pools of the candidates that are nearest to the query in some quantities.

    Parameters
    ----------
    quantities : array_like, shape (n,) or (n, d)
        E.g. the magnitude, or magnitude and ln(1 + z); each is divided by half the distance of its 16th and 84th percentile,
        and candidates are nearest in the Euclidean distance of these. `pool_spread` says how near they are.
    size : int
        Candidates in a pool.
    sources : array_like, shape (n,), optional

    Raises
    ------
    BadInputError
        There are fewer pairs than a pool holds, or a quantity is not finite.
    ConfigurationError
        `size` is less than 2.
    """
    values = np.asarray(quantities, dtype=np.float64)
    values = values.reshape(len(values), -1)
    if not np.isfinite(values).all():
        lost = int((~np.isfinite(values)).any(axis=1).sum())
        raise BadInputError(
            f"{lost:,} of {len(values):,} objects lack a quantity that pools are matched in; leave them out before matching"
        )
    numbers = _source_numbers(sources, len(values), _checked_size(size))
    low, high = np.percentile(values, [16, 84], axis=0)
    width = (high - low) / 2
    return Pools(len(values), size, "matched", values / np.where(width > 0, width, 1.0), numbers)


def _checked_size(size: int) -> int:
    if size < 2:
        raise ConfigurationError(f"a pool of {size} has nothing to be told apart from; give 2 or more")
    return size


def _source_numbers(sources: ArrayLike | None, n: int, size: int) -> NDArray[np.int64]:
    numbers = np.arange(n) if sources is None else np.unique(np.asarray(sources), return_inverse=True)[1]
    if len(numbers) != n:
        raise BadInputError(f"there are {n:,} pairs and the sources of {len(numbers):,}; give one source a pair")
    most = int(np.bincount(numbers).max()) if n else 1
    if (there := n - most + 1) < size:
        twice = f" of other sources (one source has {most})" if most > 1 else ""
        raise BadInputError(
            f"pools of {size:,} need as many pairs{twice} and there are {there:,}; ask for smaller pools or take more objects"
        )
    return numbers.astype(np.int64)


def pool_spread(pools: Pools, quantities: ArrayLike) -> NDArray[np.float64]:
    """How alike the members of a pool are: the median, over queries and pool members, of |own − theirs|.

    Parameters
    ----------
    pools : Pools
    quantities : array_like, shape (n,) or (n, d)

    Returns
    -------
    ndarray, shape (d,), float64
        In the quantities' own units.
    """
    values = np.asarray(quantities, dtype=np.float64)
    values = values.reshape(len(values), -1)
    found = [
        np.median(np.abs(values[chosen[:, 1:]] - values[rows][:, None]), axis=1) for rows, chosen in pools.blocks()
    ]
    return np.median(np.concatenate(found), axis=0)


def retrieval_ranks(queries: ArrayLike, candidates: ArrayLike, pools: Pools) -> NDArray[np.float64]:
    """Rank of each query's own partner in its pool, by cosine similarity.

    Parameters
    ----------
    queries, candidates : array_like, shape (n, E)
        Embeddings; row i of one belongs to row i of the other. Of any length but 0.
    pools : Pools

    Returns
    -------
    ndarray, shape (n,), float64
        1 for the most similar. Candidates as similar as the partner count half: an embedding that is the same for all objects
        has the middle rank, not the first.

    Raises
    ------
    BadInputError
        The two are not of one shape, an embedding is zero, or the pools are of other pairs.
    """
    q, c = unit_length(queries), unit_length(candidates)
    if q.shape != c.shape:
        raise BadInputError(f"queries {q.shape} and candidates {c.shape} are no pairs; give one of each an object")
    if len(q) != pools.n:
        raise BadInputError(f"the pools are of {pools.n:,} pairs and there are {len(q):,}; make them of these")
    ranks = np.empty(len(q))
    for rows, chosen in pools.blocks():
        similar = np.take_along_axis(q[rows] @ c.T, chosen, axis=1)
        gap = similar[:, 1:] - similar[:, :1]
        ranks[rows] = 1 + (gap > _TIE).sum(axis=1) + 0.5 * (np.abs(gap) <= _TIE).sum(axis=1)
    return ranks


def retrieval_metrics(
    ranks: ArrayLike,
    size: int,
    *,
    at: Sequence[int] = RECALL_AT,
    sources: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Recall at k and the median rank, with 95 % bootstrap intervals over sources and what chance gives.

    Parameters
    ----------
    ranks : array_like, shape (n,)
        As `retrieval_ranks` gives them.
    size : int
        Candidates in each pool.
    at : sequence of int
        The k of recall at k.
    sources, resamples, seed
        Of the bootstrap, see `asterism.learning.intervals`.

    Returns
    -------
    dict
        JSON-able: ``n``, ``pool``, ``recall_at_K``, ``recall_at_K_interval``, ``chance_at_K``, ``median_rank``,
        ``median_rank_interval``, ``chance_median_rank``.

    Raises
    ------
    ConfigurationError
        A k is not between 1 and the pool's size.
    BadInputError
        There is nothing to score.
    """
    found = np.asarray(ranks, dtype=np.float64)
    if not len(found):
        raise BadInputError("no pair of both modalities to retrieve; take objects that have both")
    result: dict[str, Any] = {"n": len(found), "pool": size}
    for k in at:
        if not 1 <= k <= size:
            raise ConfigurationError(f"recall at {k} means nothing in pools of {size:,}; give a k from 1 to {size:,}")
        hit = (found <= k).astype(float)
        result[f"recall_at_{k}"] = float(hit.mean())
        result[f"recall_at_{k}_interval"] = list(bootstrap_mean(hit, sources, resamples=resamples, seed=seed))
        result[f"chance_at_{k}"] = k / size
    draws = resampled_statistic(found, np.median, sources, resamples=resamples, seed=seed)
    result["median_rank"] = float(np.median(found))
    result["median_rank_interval"] = [float(end) for end in np.quantile(draws, [0.025, 0.975])]
    result["chance_median_rank"] = (size + 1) / 2
    return result


def paired_recall_differences(
    ours: ArrayLike,
    theirs: ArrayLike,
    *,
    at: Sequence[int] = RECALL_AT,
    sources: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """Recall at k of one embedding less that of another, on the same queries and pools (ranks (n,) of each)."""
    a, b = np.asarray(ours), np.asarray(theirs)
    return {f"recall_at_{k}": paired_difference(a <= k, b <= k, sources, resamples=resamples, seed=seed) for k in at}
