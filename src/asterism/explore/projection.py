"""A map of an embedding in two or three dimensions, which new objects can be put onto.

PaCMAP (Wang, Huang, Rudin & Shaposhnik 2021, JMLR 22, 201) draws a map by pulling pairs of near objects together, pairs of
middling distance until the large structure stands, and pushing others apart. A new object is pulled to its nearest
neighbours among the objects of the map, whose places stay; so its place depends on nothing but itself and the map.

The library's own file of a map is a pickle, which may run code when it is read. Ours holds the map's objects and places
as safetensors; everything else of the library's state follows from them and is made again on reading.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.kept_arrays import arrays_fingerprint, read_arrays, write_arrays
from asterism.explore.principal_components import Components, principal_components

__all__ = ["FEWEST", "Projector", "fit_projector"]

FEWEST = 20
"""Objects that a map needs at least."""

_FILE = "projector"
_MOST_COMPONENTS = 100
"""PaCMAP looks for neighbours among so many principal components; its own default."""


@dataclass(frozen=True)
class Projector:
    """A map and what it takes to put new objects onto it.

    Attributes
    ----------
    components : Components
        From embeddings (n, E) to the R numbers that the map is made from.
    training : ndarray, shape (n, R), float32
        The objects of the map.
    positions : ndarray, shape (n, d), float32
        Their places; d is 2 or 3.
    seed, neighbours : int
        What the map was made with.
    about : dict
        Whose embedding it is: ``embedding``, ``model_fingerprint``; JSON values.
    """

    components: Components
    training: NDArray[np.float32]
    positions: NDArray[np.float32]
    seed: int
    neighbours: int
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return self.positions.shape[1]

    @property
    def length(self) -> int:
        """E of the embeddings that it takes."""
        return len(self.components.mean)

    def place(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put objects onto the map.

        Parameters
        ----------
        values : ndarray, shape (m, E), float32
            Embeddings.

        Returns
        -------
        ndarray, shape (m, d), float32
            Each object's place, whatever others are placed with it.

        Raises
        ------
        ConfigurationError
            The embeddings have another length.
        """
        if values.shape[1] != self.length:
            raise ConfigurationError(
                f"the map is of embeddings of {self.length} numbers and these have {values.shape[1]}; "
                "embed with the model that the map was made with"
            )
        if not len(values):
            return np.zeros((0, self.dimensions), np.float32)
        with _quiet_library():
            placed = self._reducer.transform(self.components.of(values))
        return np.asarray(placed, np.float32)

    @cached_property
    def _reducer(self) -> Any:
        """The library's state: its scaling and first directions follow from the training objects."""
        import faiss
        from pacmap.pacmap import preprocess_X

        reducer = _library(self.dimensions, self.neighbours, self.seed)
        scaled, solved, first, low, high, mean = preprocess_X(
            self.training.copy(), "euclidean", True, False, self.seed, self.training.shape[1], self.dimensions
        )
        reducer.embedding_ = self.positions
        reducer.xmin, reducer.xmax, reducer.xmean = low, high, mean
        reducer.tsvd_transformer, reducer.pca_solution = first, solved
        reducer.tree = faiss.IndexFlatL2(scaled.shape[1])  # exact, where the library would build an approximate one
        reducer.tree.add(np.ascontiguousarray(scaled, np.float32))
        return reducer

    @property
    def fingerprint(self) -> str:
        """Name of the map's content."""
        return arrays_fingerprint(self._described(), self._arrays())

    def save(self, directory: Path) -> None:
        """Write the map to a directory: ``projector.safetensors`` and ``projector.json``."""
        write_arrays(directory / _FILE, self._described(), self._arrays())

    @classmethod
    def load(cls, directory: Path) -> Projector:
        """Read a map.

        Raises
        ------
        BadInputError
            There is none, or it is damaged.
        """
        told, arrays = read_arrays(directory / _FILE, "projector")
        try:
            components = Components(arrays["mean"], arrays["directions"])
            made = cls(
                components,
                arrays["training"],
                arrays["positions"],
                int(told["seed"]),
                int(told["neighbours"]),
                dict(told["about"]),
            )
            fits = made.training.shape == (len(made.positions), len(components.directions))
            fits &= components.directions.shape[1] == made.length and made.dimensions in (2, 3)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInputError(f"{directory} holds a damaged projector ({error!r}); make the map again") from error
        if not fits or not all(np.isfinite(values).all() for values in arrays.values()):
            raise BadInputError(f"{directory} holds a projector whose arrays don't fit; make the map again")
        return made

    def _described(self) -> dict[str, Any]:
        return {"method": "pacmap", "seed": self.seed, "neighbours": self.neighbours, "about": self.about}

    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        return {
            "mean": self.components.mean,
            "directions": self.components.directions,
            "training": self.training,
            "positions": self.positions,
        }


def fit_projector(
    values: NDArray[np.float32], dimensions: int = 2, *, seed: int = 0, about: dict[str, Any] | None = None
) -> Projector:
    """Draw a map.

    Parameters
    ----------
    values : ndarray, shape (n, E), float32
        Embeddings.
    dimensions : int
        2 or 3.
    seed : int
        The same embeddings and seed give the same map.
    about : dict, optional
        Kept with the map.

    Returns
    -------
    Projector
        Whose ``positions`` are the places of `values`. The number of neighbours is the method's own: 10 for up to 10,000
        objects, then 15 more for each factor of ten.

    Raises
    ------
    BadInputError
        Fewer than 20 objects.
    ConfigurationError
        Other dimensions, or the library is not installed.
    """
    if dimensions not in (2, 3):
        raise ConfigurationError(f"a map has 2 or 3 dimensions, not {dimensions}; change --dimensions")
    if len(values) < FEWEST:
        raise BadInputError(f"a map needs {FEWEST} objects with an embedding at least, and there are {len(values)}")
    components = principal_components(values, most=_MOST_COMPONENTS)
    training = components.of(values)
    with _quiet_library():
        reducer = _library(dimensions, None, seed)
        positions = np.asarray(reducer.fit_transform(training), np.float32)
    return Projector(components, training, positions, seed, int(reducer.n_neighbors), dict(about or {}))


def _library(dimensions: int, neighbours: int | None, seed: int) -> Any:
    try:
        from pacmap import PaCMAP
    except ImportError as error:
        raise ConfigurationError("maps need pacmap; pip install 'asterism[explore]'") from error
    with _quiet_library():
        return PaCMAP(n_components=dimensions, n_neighbors=neighbours, random_state=seed)


@contextmanager
def _quiet_library() -> Iterator[None]:
    """Without the library's warnings, and on one thread: its loops are serial, and others only wait in line for the core."""
    try:
        import faiss
        import numba
    except ImportError as error:
        raise ConfigurationError("maps need pacmap; pip install 'asterism[explore]'") from error
    logger = logging.getLogger("pacmap.pacmap")
    before = logger.level, numba.get_num_threads(), faiss.omp_get_max_threads()
    logger.setLevel(logging.ERROR)
    numba.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        logger.setLevel(before[0])
        numba.set_num_threads(before[1])
        faiss.omp_set_num_threads(before[2])
