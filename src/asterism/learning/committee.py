"""Trees beside a network, for naming objects that have no label: what one extrapolates wrongly another often does not.

Far from its labels a network follows its own trend, and trees keep to their last leaf. Both are wrong in places, rarely in
the same ones; names by the mean of their probabilities are right more often than any one's, and each then learns from them
(tri-training's idea, Zhou & Li 2005, IEEE TKDE 17, 1529, with a mean in place of a vote).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asterism.models.inputs import PhotometryInputs
from asterism.models.photometry import PhotometryFeatures

__all__ = ["Committee"]

#: Rows that trees learn from, labelled and named each: more cost much and change little.
_MOST_ROWS = 200_000


class Committee:
    """A random forest and histogram gradient boosting on the photometric features of labelled and named objects.

    Parameters
    ----------
    inputs : PhotometryInputs
        What they read.
    batches : iterable of batches
        Labelled objects, iterated twice.
    classes : int
        C.
    seed : int
        Of the trees, and of the rows taken where there are too many.
    """

    def __init__(self, inputs: PhotometryInputs, batches: Iterable[Mapping[str, Any]], classes: int, seed: int) -> None:
        self.features = PhotometryFeatures(inputs).fit(batches)
        self.classes, self.seed = classes, seed
        pairs = [(self.values(batch), batch["label"]["class"].numpy()) for batch in batches]
        values, labels = (np.concatenate(column) for column in zip(*pairs, strict=True))
        self._known = self._few(values[labels >= 0], labels[labels >= 0])
        self._middle = np.nan_to_num(np.nanmedian(self._known[0], axis=0))
        self._fit(*self._known)

    @torch.no_grad()
    def values(self, batch: Mapping[str, Any]) -> NDArray[np.float32]:
        """Features (B, F) of a batch, NaN where not observed."""
        photometry: Mapping[str, Tensor] = batch["photometry"]
        values, observed = self.features(photometry)
        return torch.where(observed, values, torch.nan).numpy()

    def learn(self, values: NDArray[np.float32], names: NDArray[np.int64]) -> None:
        """Learn anew from the labelled objects and from objects (n, F) with their names (n,)."""
        values, names = self._few(values, names)
        self._fit(np.concatenate([self._known[0], values]), np.concatenate([self._known[1], names]))

    def probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, C, 2) of objects (n, F) by each of the two."""
        filled = self._filled(values)
        found = np.zeros((len(values), self.classes, len(self._members)))
        for number, member in enumerate(self._members):
            found[:, member.classes_, number] = member.predict_proba(filled)
        return found

    def _fit(self, values: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

        # A forest's threads add up in the order in which they end, and a run must come out the same twice: one thread.
        forest = RandomForestClassifier(60, min_samples_leaf=3, max_samples=0.5, random_state=self.seed, n_jobs=1)
        boosting = HistGradientBoostingClassifier(random_state=self.seed)
        self._members = [member.fit(self._filled(values), labels) for member in (forest, boosting)]

    def _filled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What was not observed, at the labelled objects' median, as a forest of the rehearsed kind has it."""
        return np.where(np.isfinite(values), values, self._middle).astype(np.float32)

    def _few(
        self, values: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if len(values) <= _MOST_ROWS:
            return values, labels
        kept = np.random.default_rng(self.seed).choice(len(values), _MOST_ROWS, replace=False)
        return values[kept], labels[kept]
