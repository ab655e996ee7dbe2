"""Principal components of an embedding: the directions along which it varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Components", "principal_components"]

_ROWS = 65_536


@dataclass(frozen=True)
class Components:
    """A mean and orthogonal directions.

    Attributes
    ----------
    mean : ndarray, shape (E,), float32
    directions : ndarray, shape (R, E), float32
        Of unit length, in the order of the variance along them.
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float32]

    def of(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors (n, E) along the directions, (n, R) float32."""
        return np.asarray((values - self.mean) @ self.directions.T, np.float32)


def principal_components(
    values: NDArray[np.float32], *, most: int | None = None, share: float | None = None
) -> Components:
    """Directions of the largest variance.

    Parameters
    ----------
    values : ndarray, shape (n, E), float32
    most : int, optional
        Keep so many at most.
    share : float, optional
        Keep as few as hold this share of the variance.

    Returns
    -------
    Components
        At least one. Each direction's largest number is positive, so that the signs are always the same.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((values.shape[1], values.shape[1]))
    for start in range(0, len(values), _ROWS):
        part = values[start : start + _ROWS] - mean
        covariance += part.T @ part
    variance, vectors = np.linalg.eigh(covariance)
    variance, vectors = np.maximum(variance[::-1], 0), vectors[:, ::-1].T
    kept = len(variance)
    if share is not None and variance.sum() > 0:
        kept = int(np.searchsorted(np.cumsum(variance) / variance.sum(), share - 1e-12)) + 1
    kept = max(1, min(kept, len(variance), most or kept))
    vectors = vectors[:kept]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return Components(mean.astype(np.float32), (vectors * np.sign(largest)).astype(np.float32))
