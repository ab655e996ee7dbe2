"""Chance that belongs to an object: the same numbers for it wherever and however often its spectrum is asked for.

An object's spectrum is needed for its filters, its fibre and its name, in separate calls and on different grids; what
varies from one object to the next (which of several fitting templates, where its forest's clouds stand) must come out
the same each time. It is drawn from a generator seeded by the object's own drawn numbers, which the survey's one
generator made.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.objects.population import Population

__all__ = ["object_generators", "object_uniforms"]

_SEEDS = ("ra", "dec", "redshift", "r_mag")


def object_generators(objects: Population) -> list[np.random.Generator]:
    """One generator per object, seeded by its position, redshift and magnitude.

    Parameters
    ----------
    objects : Population
        n objects.

    Returns
    -------
    list of numpy.random.Generator
    """
    numbers = np.stack([getattr(objects, name) for name in _SEEDS], axis=1).astype("<f8")
    return [np.random.default_rng(words) for words in numbers.view("<u4").astype(np.uint32)]


def object_uniforms(objects: Population, count: int) -> npt.NDArray[np.float64]:
    """The first `count` uniform numbers of each object's generator.

    Parameters
    ----------
    objects : Population
        n objects.
    count : int
        Numbers per object.

    Returns
    -------
    ndarray, shape (n, count)
        In [0, 1).
    """
    return np.array([rng.random(count) for rng in object_generators(objects)]).reshape(len(objects), count)
