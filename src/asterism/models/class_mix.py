"""The class fractions a model was trained under, kept with its weights so that they can be exchanged for others later."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

__all__ = ["ClassMix"]


class ClassMix(nn.Module):
    """Class fractions of the training rows, overall and in bins of one magnitude.

    The state is one buffer of counts, so it travels in the model's safetensors file.

    Parameters
    ----------
    n_classes : int
    faintest, brightest : int
        Bins run from magnitude `brightest` to `faintest`; objects beyond fall into the outermost bins.

    Attributes
    ----------
    counts : Tensor, shape (bins, classes), int64
        Training objects by magnitude bin and class; objects without a magnitude are in `unplaced`.
    unplaced : Tensor, shape (classes,), int64
    """

    counts: Tensor
    unplaced: Tensor

    def __init__(self, n_classes: int, *, brightest: int = 8, faintest: int = 30) -> None:
        super().__init__()
        self.brightest = brightest
        self.register_buffer("counts", torch.zeros(faintest - brightest, n_classes, dtype=torch.int64))
        self.register_buffer("unplaced", torch.zeros(n_classes, dtype=torch.int64))

    def _bin(self, magnitudes: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.clip(np.floor(magnitudes).astype(np.int64) - self.brightest, 0, len(self.counts) - 1)

    def fit(self, labels: ArrayLike, magnitudes: ArrayLike) -> ClassMix:
        """Count the training rows.

        Parameters
        ----------
        labels : array_like, shape (n,), int
            Class indices; negative ones (unlabelled) don't count.
        magnitudes : array_like, shape (n,)
            In the model's reference band; NaN where unknown.

        Returns
        -------
        ClassMix
            Itself.
        """
        y, m = np.asarray(labels), np.asarray(magnitudes, dtype=float)
        m, y = m[y >= 0], y[y >= 0]
        n_classes = self.counts.shape[1]
        seen = np.isfinite(m)
        flat = self._bin(m[seen]) * n_classes + y[seen]
        counts = np.bincount(flat, minlength=self.counts.numel()).reshape(self.counts.shape)
        self.counts.copy_(torch.from_numpy(counts))
        self.unplaced.copy_(torch.from_numpy(np.bincount(y[~seen], minlength=n_classes)))
        return self

    def overall(self) -> NDArray[np.float64]:
        """Fractions over all training rows, shape (classes,)."""
        total = (self.counts.sum(dim=0) + self.unplaced).numpy().astype(float)
        return total / max(total.sum(), 1.0)

    def at(self, magnitudes: ArrayLike) -> NDArray[np.float64]:
        """Fractions at each magnitude, shape (n, classes); the overall ones where the magnitude is NaN.

        A bin's counts are joined by the overall fractions with the weight of ten objects, so that an empty bin gives the
        overall mix and a class that a small bin happens to lack is not impossible there.
        """
        m = np.asarray(magnitudes, dtype=float)
        overall = self.overall()
        table = self.counts.numpy().astype(float) + 10 * overall
        table /= np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
        result = np.tile(overall, (len(m), 1))
        seen = np.isfinite(m)
        result[seen] = table[self._bin(m[seen])]
        return result
