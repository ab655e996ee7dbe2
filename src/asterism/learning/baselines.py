"""The classifiers that a user would otherwise pick, fitted on the same objects and inputs as the model.

LightGBM, XGBoost and scikit-learn's multi-layer perceptron, each with its library's default settings. They see the
features that our models see (`baseline_set`). Trees take what was not observed as NaN; the perceptron takes the
feature's median. Nothing is pickled: LightGBM's text, XGBoost's JSON and the perceptron's weights as safetensors.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asterism.errors import BadInputError, ConfigurationError

__all__ = ["BASELINES", "Baseline", "LightGBM", "Perceptron", "XGBoost", "check_libraries", "existing_file", "library"]

Features = NDArray[np.float32]
Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


class Baseline(Protocol):
    """A classifier beside which the model is put."""

    name: str
    file: str

    def fit(self, features: Features, labels: Labels, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and class indices (n,), each class present."""

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities of the classes, shape (n, C)."""

    def save(self, directory: Path) -> None:
        """Write `file` into a directory that exists."""

    @classmethod
    def load(cls, directory: Path) -> Baseline:
        """Read what `save` wrote."""


class LightGBM:
    """Gradient-boosted trees grown leaf by leaf (Ke et al. 2017, NeurIPS 30), library defaults."""

    name = "lightgbm"
    file = "lightgbm.txt"

    def __init__(self, booster: Any = None) -> None:
        self._booster = booster

    def fit(self, features: Features, labels: Labels, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and class indices (n,)."""
        model = library("lightgbm").LGBMClassifier(random_state=seed, verbose=-1)
        self._booster = model.fit(features, labels).booster_

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities, shape (n, C), float64."""
        p = np.asarray(self._booster.predict(features), dtype=np.float64)
        return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p

    def save(self, directory: Path) -> None:
        """Write ``lightgbm.txt``."""
        (directory / self.file).write_text(self._booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> LightGBM:
        """Read ``lightgbm.txt``."""
        return cls(
            library("lightgbm").Booster(model_str=existing_file(directory / cls.file).read_text(encoding="utf-8"))
        )


class XGBoost:
    """Gradient-boosted trees grown level by level (Chen & Guestrin 2016, KDD 22), library defaults."""

    name = "xgboost"
    file = "xgboost.json"

    def __init__(self, model: Any = None) -> None:
        self._model = model

    def fit(self, features: Features, labels: Labels, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and class indices (n,)."""
        self._model = library("xgboost").XGBClassifier(random_state=seed).fit(features, labels)

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities, shape (n, C), float64 (XGBoost computes them in float32; rows are renormalised)."""
        p = np.asarray(self._model.predict_proba(features), dtype=np.float64)
        return p / p.sum(axis=1, keepdims=True)

    def save(self, directory: Path) -> None:
        """Write ``xgboost.json``."""
        self._model.save_model(directory / self.file)

    @classmethod
    def load(cls, directory: Path) -> XGBoost:
        """Read ``xgboost.json``."""
        model = library("xgboost").XGBClassifier()
        model.load_model(existing_file(directory / cls.file))
        return cls(model)


class Perceptron:
    """scikit-learn's multi-layer perceptron (one hidden layer of 100 ReLU), library defaults, on standardised features.

    Predicting needs numpy only.
    """

    name = "mlp"
    file = "mlp.safetensors"

    def __init__(self, arrays: dict[str, NDArray[np.float64]] | None = None) -> None:
        self._arrays = arrays or {}

    def fit(self, features: Features, labels: Labels, seed: int) -> None:
        """Learn from features (n, F), NaN where not observed, and class indices (n,)."""
        classifier = library("sklearn.neural_network").MLPClassifier(random_state=seed)
        scaler = library("sklearn.preprocessing").StandardScaler()
        with warnings.catch_warnings():
            # All-NaN columns have no median (they become 0); and stopping at the default number of epochs is the default.
            warnings.simplefilter("ignore")
            median = np.nan_to_num(np.nanmedian(features, axis=0).astype(np.float64))
            classifier.fit(scaler.fit_transform(np.where(np.isfinite(features), features, median)), labels)
        self._arrays = {"median": median, "mean": scaler.mean_, "scale": scaler.scale_}
        for layer, (weight, bias) in enumerate(zip(classifier.coefs_, classifier.intercepts_, strict=True)):
            self._arrays |= {f"weight_{layer}": weight, f"bias_{layer}": bias}

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities, shape (n, C), float64."""
        a = self._arrays
        h = (np.where(np.isfinite(features), features, a["median"]) - a["mean"]) / a["scale"]
        layers = sum(key.startswith("weight_") for key in a)
        for layer in range(layers):
            h = h @ a[f"weight_{layer}"] + a[f"bias_{layer}"]
            if layer < layers - 1:
                h = np.maximum(h, 0)
        if h.shape[1] == 1:  # two classes: scikit-learn keeps one logistic output
            h = np.concatenate([np.zeros_like(h), h], axis=1)
        odds = np.exp(h - h.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def save(self, directory: Path) -> None:
        """Write ``mlp.safetensors``."""
        from safetensors.numpy import save_file

        save_file({key: np.ascontiguousarray(a, np.float64) for key, a in self._arrays.items()}, directory / self.file)

    @classmethod
    def load(cls, directory: Path) -> Perceptron:
        """Read ``mlp.safetensors``."""
        from safetensors.numpy import load_file

        return cls(load_file(existing_file(directory / cls.file)))


#: The baselines in the order in which they are fitted and shown.
BASELINES: tuple[type[LightGBM] | type[XGBoost] | type[Perceptron], ...] = (LightGBM, XGBoost, Perceptron)


def check_libraries() -> None:
    """Raise `ConfigurationError` if a baseline's library is missing, before anything long has begun."""
    for name in ("lightgbm", "xgboost", "sklearn"):
        library(name)


def library(name: str) -> Any:
    """A library's module, or `ConfigurationError` in one sentence."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        package = {"sklearn": "scikit-learn"}.get(name.split(".")[0], name.split(".")[0])
        raise ConfigurationError(f"baselines need {package}, which is missing; pip install 'asterism[bench]'") from None


def existing_file(path: Path) -> Path:
    """The path, or `BadInputError` where no file is there."""
    if not path.is_file():
        raise BadInputError(f"{path} is missing; train again with --baselines")
    return path
