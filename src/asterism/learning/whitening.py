"""Whitening: embeddings in coordinates of equal variance that are not correlated, so that nothing outweighs the rest.

What makes an object like another is unevenly spread over an embedding. Some directions hold most of the variance (the shape of the
continuum, how far light rises above noise), and what only a line's place tells lies in many small ones, which distances hardly
see. Divided by their scatter all count alike: distances are then those of Mahalanobis (1936), whatever linear map
stood before. No label is needed for it, only other objects.

Noise, calibration and gaps move an embedding too, more in some directions than in others. Where the same objects are there in several
views, it is this scatter that is made alike: directions that tell an object from others, whatever befell it, then count most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError
from asterism.learning.retrieval import unit_length

__all__ = ["Whitening"]

_PER_DIRECTION = 10  # objects that a direction needs for its scatter to be known
_LEAST_SHARE = 1e-9  # of the largest variance: below it is rounding
_SAME = 1e-6

_SHARE = 0.3
"""Of the scatter of objects, beside that of one object's views; both of the same mean."""


@dataclass(frozen=True)
class Whitening:
    """A linear map of unit vectors, or of coordinates that are no directions, fitted without labels.

    Attributes
    ----------
    mean : ndarray, shape (E,)
    matrix : ndarray, shape (E, r)
        Principal directions over their standard deviations.
    directions : bool
        Whether vectors are brought to unit length first.
    """

    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]
    directions: bool = True

    @classmethod
    def fit(
        cls, vectors: ArrayLike, *, directions: bool = True, views: tuple[ArrayLike, ArrayLike] | None = None
    ) -> Whitening:
        """Of many objects' embeddings.

        With two views of objects each, it is the scatter of one object from view to view that becomes alike in all directions, with
        `_SHARE` of the scatter of objects added: a direction counts by how surely it is known (within-class covariance
        normalisation, Hatch et al. 2006, Interspeech 1471, an object being a class).

        Parameters
        ----------
        vectors : array_like, shape (n, E)
            Of any length but zero. Of fewer than 10 objects per direction only the n / 10 leading directions are kept.
        directions : bool
            Whether their length means nothing.
        views : pair of array_like, shape (m, E), optional
            Embeddings of the same objects, otherwise observed.

        Raises
        ------
        BadInputError
            There are fewer than 20 objects, or all are the same.
        """
        from sklearn.decomposition import PCA

        values = unit_length(vectors) if directions else np.asarray(vectors, dtype=np.float64)
        most = min(values.shape[1], len(values) // _PER_DIRECTION)
        if most < 2:
            raise BadInputError(
                f"{len(values)} embeddings don't tell how they scatter; give {2 * _PER_DIRECTION} or more"
            )
        if np.ptp(values, axis=0).max() < _SAME:
            raise BadInputError("all embeddings are the same, so that none is nearer than another; embed other objects")
        found = PCA(n_components=most, svd_solver="full").fit(values)
        variance = found.explained_variance_
        kept = variance > _LEAST_SHARE * variance[0]
        white = found.components_[kept].T / np.sqrt(variance[kept])
        if views is not None:
            first, second = (unit_length(one) if directions else np.asarray(one, np.float64) for one in views)
            apart = (first - second) @ white / np.sqrt(2)
            within, turn = np.linalg.eigh(apart.T @ apart / len(apart))
            if within.sum() > 0:
                # In white coordinates the scatter of objects is the identity.
                white = white @ turn / np.sqrt(within + _SHARE * within.mean())
        return cls(found.mean_, white, directions)

    def __call__(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Vectors (n, E) → unit vectors (n, r)."""
        values = unit_length(vectors) if self.directions else np.asarray(vectors, dtype=np.float64)
        return unit_length((values - self.mean) @ self.matrix)
