"""Training a method and asking it: networks through `learning.train`, trees on the 24 features, a cut on one number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.lists import list_values
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.experiments import CLASS_SETS, TRAINING_SETS, condition, rows_seen
from asterism.papers.margformer.methods import method_named
from asterism.papers.margformer.rows import Fit
from asterism.papers.row_records import train_once
from asterism.papers.trained_networks import ask_network
from asterism.papers.training_objects import count_classes

__all__ = ["QUANTITIES", "fit_method", "probabilities", "settings_of"]

QUANTITIES = ("flux", "extinction", "radius", "psf_fwhm")
"""What every method reads of the photometry: what the 24 published features are made of."""

_READ = 2048
_BAND = 2  # r among ugriz


def settings_of(fit: Fit, data: PaperData, scale: str) -> dict[str, Any]:
    """What a training depends on, as JSON values: a training with the same is never made again.

    Parameters
    ----------
    fit : Fit
    data : PaperData
    scale : str

    Returns
    -------
    dict
    """
    method, training = method_named(fit.method), TRAINING_SETS[fit.training]
    return {
        "training": fit.training,
        "catalog": data.fingerprints[training.catalog],
        "split": data.splits[fit.class_set],
        "where": condition(fit.class_set, training.where),
        "method": fit.method,
        "kind": method.kind,
        "model": method.model,
        "inputs": method.inputs if method.kind == "network" else "photometry",
        "recipe": method.recipe(scale, fit.training),
        "balanced": fit.training == "bright" and method.kind != "cut",
        "seed": fit.seed,
    }


def fit_method(fit: Fit, data: PaperData, scale: str, out: Path, console: Console | None = None) -> dict[str, Any]:
    """Train, or take the training that is there; an interrupted one is continued.

    Parameters
    ----------
    fit : Fit
    data : PaperData
    scale : str
    out : Path
        The directory of the whole table.
    console : rich.console.Console, optional
        Is told what is done.

    Returns
    -------
    dict
        ``settings``, ``seconds`` (wall clock), ``cpu_seconds``, ``objects`` by class, ``epochs``.

    Raises
    ------
    OutputError
        A training is there that was made with other settings.
    """
    folder, settings = fit.folder(out), settings_of(fit, data, scale)
    catalog, rows = rows_seen(data, fit.training, fit.class_set, ("train",))
    counts = count_classes(catalog, rows, CLASS_SETS[fit.class_set])

    def make() -> dict[str, Any]:
        kind = method_named(fit.method).kind
        if kind == "network":
            return _fit_network(fit, data, settings, counts, folder, console)
        if kind == "lightgbm":
            return _fit_trees(fit, data, settings, folder)
        return _fit_cut(fit, data, folder)

    return train_once(folder, settings, make, counts)


def probabilities(
    fit: Fit, out: Path, catalog: Catalog, rows: NDArray[np.int64], part: str = ""
) -> NDArray[np.float64]:
    """What a trained method says of some rows of a catalog, whether it has seen them or not.

    Parameters
    ----------
    fit : Fit
    out : Path
    catalog : Catalog
    rows : ndarray, shape (n,), int64
        Ascending.
    part : str
        Of an ensemble: the part that is asked alone, as it was fitted, without calibration.

    Returns
    -------
    ndarray, shape (n, classes), float64
        In the order of `CLASS_SETS`.
    """
    folder, kind = fit.folder(out), method_named(fit.method).kind
    if kind == "network":
        return ask_network(folder / "run", CLASS_SETS[fit.class_set], catalog, rows, part)
    if kind == "lightgbm":
        from asterism.learning.baselines import LightGBM

        return LightGBM.load(folder).predict_proba(_features(catalog, rows)[0])
    cut = json.loads((folder / "cut.json").read_text("utf-8"))
    extended = _psf_minus_model(catalog, rows) > cut["threshold"]
    return np.where(extended[:, None], cut["above"], cut["below"])


def _weights(counts: Mapping[str, int]) -> dict[str, float]:
    """Class weights that make classes count the same: the paper trains on balanced ones, and r ≤ 20 leaves few galaxies."""
    total = sum(counts.values())
    return {name: total / (len(counts) * count) for name, count in counts.items()}


def _fit_network(
    fit: Fit,
    data: PaperData,
    settings: Mapping[str, Any],
    counts: Mapping[str, int],
    folder: Path,
    console: Console | None,
) -> dict[str, Any]:
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    chosen = dict(settings["recipe"])
    if "photometry" in settings["inputs"]:
        chosen["inputs.quantities"] = list(QUANTITIES)
    if settings["balanced"]:
        chosen |= {f"classification.class_weights.{name}": weight for name, weight in _weights(counts).items()}
    done = train(
        data.catalogs[TRAINING_SETS[fit.training].catalog],
        folder / "run",
        model=settings["model"],
        inputs=settings["inputs"],
        split=settings["split"],
        where=settings["where"],
        config=parse_settings(chosen),
        seed=fit.seed,
        console=console,
    )
    kept = ("epochs", "best_epoch", "parameters", "temperature", "validation")
    return {key: done.summary[key] for key in kept}


def _fit_trees(fit: Fit, data: PaperData, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """LightGBM's defaults, on the calibration part too, since it needs nothing to be calibrated on."""
    import lightgbm

    from asterism.learning.baselines import LightGBM

    catalog, rows = rows_seen(data, fit.training, fit.class_set, ("train", "calibration"))
    features, labels = _features(catalog, rows, CLASS_SETS[fit.class_set])
    weight = "balanced" if settings["balanced"] else None
    model = lightgbm.LGBMClassifier(random_state=fit.seed, verbose=-1, class_weight=weight)
    LightGBM(model.fit(features, labels).booster_).save(folder)
    return {"epochs": None}


@torch.no_grad()
def _features(
    catalog: Catalog, rows: NDArray[np.int64], classes: Sequence[str] = ()
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The 24 published features (n, 24), NaN where not observed, and class indices (n,)."""
    from asterism.models.inputs import ModelInputs
    from asterism.models.margnet_features import check_photometry, margnet_features

    bindings = bind_roles(catalog.schema, "photometry")
    photometry = ModelInputs.from_bindings(bindings, QUANTITIES).photometry
    check_photometry("lightgbm", photometry)
    assert photometry is not None
    values, labels = [], []
    for batch in Stream(catalog, bindings, batch_size=_READ, rows=rows, classes=classes or None, labels=("class",)):
        features, observed = margnet_features(batch["photometry"], photometry)
        values.append(torch.where(observed, features, torch.nan).numpy())
        labels.append(batch["label"]["class"].numpy())
    return np.concatenate(values), np.concatenate(labels)


def _fit_cut(fit: Fit, data: PaperData, folder: Path) -> dict[str, Any]:
    """The threshold of highest accuracy, star below and galaxy above, on objects that serve no other purpose."""
    import pyarrow as pa

    catalog, rows = rows_seen(data, fit.training, fit.class_set, ("validation", "calibration"))
    names = np.array(catalog.read(["class"])["class"].take(pa.array(rows)).to_pylist(), dtype=object)
    galaxy, difference = names == "GALAXY", _psf_minus_model(catalog, rows)
    known = np.isfinite(difference)
    galaxy, difference = galaxy[known], difference[known]
    order = np.argsort(difference)
    # Right answers with the k lowest called stars: classes weigh the same, as in the paper's balanced sets.
    weight = np.where(galaxy, 0.5 / max(galaxy.sum(), 1), 0.5 / max((~galaxy).sum(), 1))[order]
    is_star = ~galaxy[order]
    right = np.concatenate([[0.0], np.cumsum(np.where(is_star, weight, 0.0))])
    right += np.concatenate([np.cumsum(np.where(~is_star, weight, 0.0)[::-1])[::-1], [0.0]])
    k = int(right.argmax())
    ends = np.concatenate([[difference[order[0]] - 1], difference[order], [difference[order[-1]] + 1]])
    threshold = float((ends[k] + ends[k + 1]) / 2)
    below, above = (_shares(galaxy[side]) for side in (difference <= threshold, difference > threshold))
    cut = {"threshold": threshold, "below": below, "above": above}
    (folder / "cut.json").write_text(json.dumps(cut) + "\n", encoding="utf-8")
    return {"epochs": None, "threshold": threshold}


def _shares(galaxy: NDArray[np.bool_]) -> list[float]:
    """Shares of stars and galaxies on one side, with one object of each added so that none is impossible."""
    p = (int(galaxy.sum()) + 1) / (len(galaxy) + 2)
    return [1 - p, p]


def _psf_minus_model(catalog: Catalog, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """PSF minus model magnitude in r, shape (n,)."""
    import pyarrow as pa

    name = "photometry_sdss_psf_minus_model"
    if name not in catalog.schema.names:
        raise BadInputError(f"{catalog.path} has no {name}; leave magnitude-cut out with --only")
    column = catalog.read([name])[name].take(pa.array(rows))
    return np.asarray(list_values(column, len(catalog.groups["photometry_sdss"].bands), name)[:, _BAND], dtype=float)
