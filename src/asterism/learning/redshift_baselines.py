"""The regressors that a user would otherwise pick for redshifts, fitted on the same objects and inputs as the model.

LightGBM with its squared loss and scikit-learn's random forest, each with its library's default settings. They see the
features that our models see (`baseline_set`) and give one redshift per object, no density. Nothing is pickled:
LightGBM's text, and the forest's trees as arrays in safetensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asterism.learning.baselines import existing_file, library

__all__ = ["REDSHIFT_BASELINES", "LightGBMRedshift", "RandomForestRedshift", "RedshiftBaseline"]

Features = NDArray[np.float32]
Redshifts = NDArray[np.float64]


class RedshiftBaseline(Protocol):
    """A regressor beside which the model is put."""

    name: str
    file: str
    needs: str

    def fit(self, features: Features, redshifts: Redshifts, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and redshifts (n,)."""

    def predict(self, features: Features) -> Redshifts:
        """Redshifts (n,)."""

    def save(self, directory: Path) -> None:
        """Write `file` into a directory that exists."""

    @classmethod
    def load(cls, directory: Path) -> RedshiftBaseline:
        """Read what `save` wrote."""


class LightGBMRedshift:
    """Gradient-boosted trees on the squared error (Ke et al. 2017, NeurIPS 30), library defaults."""

    name = "lightgbm"
    file = "lightgbm_redshift.txt"
    needs = "lightgbm"

    def __init__(self, booster: Any = None) -> None:
        self._booster = booster

    def fit(self, features: Features, redshifts: Redshifts, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and redshifts (n,)."""
        model = library("lightgbm").LGBMRegressor(random_state=seed, verbose=-1)
        self._booster = model.fit(features, redshifts).booster_

    def predict(self, features: Features) -> Redshifts:
        """Redshifts (n,), float64."""
        return np.asarray(self._booster.predict(features), dtype=np.float64)

    def save(self, directory: Path) -> None:
        """Write ``lightgbm_redshift.txt``."""
        (directory / self.file).write_text(self._booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> LightGBMRedshift:
        """Read ``lightgbm_redshift.txt``."""
        text = existing_file(directory / cls.file).read_text(encoding="utf-8")
        return cls(library("lightgbm").Booster(model_str=text))


class RandomForestRedshift:
    """Random forest (Breiman 2001, Machine Learning 45, 5), scikit-learn's defaults: 100 trees grown to the end.

    Predicting needs numpy only.
    """

    name = "random_forest"
    file = "random_forest_redshift.safetensors"
    needs = "sklearn"

    def __init__(self, arrays: dict[str, NDArray[Any]] | None = None) -> None:
        self._arrays = arrays or {}

    def fit(self, features: Features, redshifts: Redshifts, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and redshifts (n,)."""
        forest = library("sklearn.ensemble").RandomForestRegressor(random_state=seed).fit(features, redshifts)
        trees = [member.tree_ for member in forest.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        leaf = [tree.children_left < 0 for tree in trees]
        self._arrays = {
            "roots": starts[:-1].astype(np.int64),
            # A leaf is its own child, so that all objects can go down the deepest tree's number of steps.
            "left": _children(trees, "children_left", starts, leaf),
            "right": _children(trees, "children_right", starts, leaf),
            "feature": np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int32),
            "threshold": np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
            "missing_left": np.concatenate([tree.missing_go_to_left for tree in trees]).astype(np.uint8),
            "value": np.concatenate([tree.value[:, 0, 0] for tree in trees]).astype(np.float64),
            "depth": np.array([max(tree.max_depth for tree in trees)], np.int64),
        }

    def predict(self, features: Features) -> Redshifts:
        """Redshifts (n,), float64: the mean over trees."""
        a = self._arrays
        rows = np.arange(len(features))
        total = np.zeros(len(features))
        for root in a["roots"]:
            node = np.full(len(features), root)
            for _ in range(int(a["depth"][0])):
                seen = features[rows, a["feature"][node]]
                left = np.where(np.isnan(seen), a["missing_left"][node] == 1, seen <= a["threshold"][node])
                node = np.where(left, a["left"][node], a["right"][node])
            total += a["value"][node]
        return total / len(a["roots"])

    def save(self, directory: Path) -> None:
        """Write ``random_forest_redshift.safetensors``."""
        from safetensors.numpy import save_file

        save_file({key: np.ascontiguousarray(array) for key, array in self._arrays.items()}, directory / self.file)

    @classmethod
    def load(cls, directory: Path) -> RandomForestRedshift:
        """Read ``random_forest_redshift.safetensors``."""
        from safetensors.numpy import load_file

        return cls(load_file(existing_file(directory / cls.file)))


def _children(
    trees: list[Any], side: str, starts: NDArray[np.int64], leaf: list[NDArray[np.bool_]]
) -> NDArray[np.int32]:
    """Child of each node of all trees on one side, as an index into all nodes; a leaf's is itself."""
    parts = []
    for tree, start, end in zip(trees, starts[:-1], leaf, strict=True):
        parts.append(start + np.where(end, np.arange(tree.node_count), getattr(tree, side)))
    return np.concatenate(parts).astype(np.int32)


#: The baselines in the order in which they are fitted and shown.
REDSHIFT_BASELINES: tuple[type[LightGBMRedshift] | type[RandomForestRedshift], ...] = (
    LightGBMRedshift,
    RandomForestRedshift,
)
