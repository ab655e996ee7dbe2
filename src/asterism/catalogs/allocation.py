"""How sources or sky tiles are dealt out to the parts and folds of a split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["deal_folds", "deal_fractions", "deal_tiles", "generator", "shares"]


def generator(seed: int, what: str) -> np.random.Generator:
    """A random generator for one purpose, the same for a seed whatever else is drawn."""
    digest = hashlib.blake2b(f"{seed}\0{what}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def shares(n: int, fractions: Mapping[str, float], at_least: int) -> dict[str, int]:
    """Whole numbers that sum to n and follow fractions to within one (largest remainders).

    Parameters
    ----------
    n : int
        What is shared.
    fractions : mapping of str to float
        Positive, sum 1.
    at_least : int
        The least that a part gets, taken from the largest part where rounding gives less.

    Returns
    -------
    dict of str to int

    Examples
    --------
    >>> shares(10, {"train": 0.7, "validation": 0.15, "test": 0.15}, 1)
    {'train': 7, 'validation': 2, 'test': 1}
    """
    exact = {part: n * fraction for part, fraction in fractions.items()}
    # 0.7 * 10 may come out as 6.999…; without the margin its floor would be 6.
    counts = {part: int(value + 1e-9) for part, value in exact.items()}
    by_remainder = sorted(exact, key=lambda part: counts[part] - exact[part])
    for part in by_remainder[: n - sum(counts.values())]:
        counts[part] += 1
    for part in counts:
        while counts[part] < at_least:
            richest = max(counts, key=counts.__getitem__)
            counts[richest] -= 1
            counts[part] += 1
    return counts


def deal_fractions(
    order: npt.NDArray[np.int64], fractions: Mapping[str, float], at_least: int
) -> npt.NDArray[np.object_]:
    """Deal shuffled members of one stratum out to parts.

    Parameters
    ----------
    order : numpy.ndarray
        A permutation of 0 … n-1.
    fractions : mapping of str to float
        Part → fraction.
    at_least : int
        The least that a part gets.

    Returns
    -------
    numpy.ndarray
        (n,) part of member 0 … n-1.
    """
    parts = np.empty(len(order), dtype=object)
    begin = 0
    for part, count in shares(len(order), fractions, at_least).items():
        parts[order[begin : begin + count]] = part
        begin += count
    return parts


def deal_folds(
    order: npt.NDArray[np.int64], folds: int, rest: Mapping[str, float]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.object_]]:
    """Deal shuffled members of one stratum out to folds, and each fold to the parts it plays while it is not tested.

    Parameters
    ----------
    order : numpy.ndarray
        A permutation of 0 … n-1.
    folds : int
        Number of folds; their sizes differ by one at most.
    rest : mapping of str to float
        Parts besides the test part, and their fractions.

    Returns
    -------
    fold : numpy.ndarray
        (n,) int32 of member 0 … n-1.
    otherwise : numpy.ndarray
        (n,) part of member 0 … n-1 while its fold is not the test fold.
    """
    n = len(order)
    fold = np.empty(n, dtype=np.int32)
    fold[order] = np.arange(n) % folds
    # Multiples of the golden ratio fill (0, 1) evenly, and so does any stretch of them: all the folds together, each
    # fold, and every fold but one follow the fractions.
    by_fold = order[np.argsort(np.arange(n) % folds, kind="stable")]
    place = (np.arange(n) * 0.6180339887498949 + 0.5) % 1.0
    edges = np.cumsum(list(rest.values()))[:-1]
    otherwise = np.empty(n, dtype=object)
    otherwise[by_fold] = np.array(list(rest), dtype=object)[np.searchsorted(edges, place, side="right")]
    return fold, otherwise


def deal_tiles(
    order: npt.NDArray[np.int64], weights: npt.NDArray[np.int64], fractions: Mapping[str, float]
) -> npt.NDArray[np.object_]:
    """Deal whole tiles out to parts so that the parts' weights come near the fractions.

    Each tile, in a shuffled order, goes to the part that lacks most; the last ones go to parts that have none.

    Parameters
    ----------
    order : numpy.ndarray
        A permutation of the tiles 0 … n-1, n ≥ number of parts.
    weights : numpy.ndarray
        (n,) sources in each tile.
    fractions : mapping of str to float
        Part → fraction.

    Returns
    -------
    numpy.ndarray
        (n,) part of tile 0 … n-1.
    """
    names = list(fractions)
    lacking = np.array(list(fractions.values())) * weights.sum()
    empty = set(range(len(names)))
    parts = np.empty(len(order), dtype=object)
    for dealt, tile in enumerate(order):
        if len(order) - dealt <= len(empty):
            choice = max(empty, key=lambda part: lacking[part])
        else:
            choice = int(np.argmax(lacking))
        empty.discard(choice)
        lacking[choice] -= weights[tile]
        parts[tile] = names[choice]
    return parts
