"""Training a method and asking it: networks through `learning.train`, trees through `trees`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.leaks import SourceSet, check_no_leak
from asterism.catalogs.selection import select_rows
from asterism.papers.macnet.data import SPLIT, PaperData
from asterism.papers.macnet.methods import method_named
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.rows import Fit
from asterism.papers.macnet.trees import fit_trees, tree_probabilities
from asterism.papers.row_records import train_once
from asterism.papers.trained_networks import ask_network
from asterism.papers.training_objects import count_classes

__all__ = ["TestSet", "fit_method", "objects_to_test", "probabilities", "rows_seen", "settings_of"]

_SEEN = ("train", "validation", "calibration")


@dataclass(frozen=True)
class TestSet:
    """Objects to score.

    Attributes
    ----------
    catalog : Catalog
    rows : ndarray, shape (n,), int64
        Ascending.
    where : str
        The condition that chooses them, but for those of one plan, which are chosen by what it taught too.
    part : str or None
        Of the catalog's split; None: all of it.
    """

    __test__ = False  # no test of pytest's

    catalog: Catalog
    rows: NDArray[np.int64]
    where: str
    part: str | None


def settings_of(fit: Fit, data: PaperData, scale: str) -> dict[str, Any]:
    """What a training depends on, as JSON values: a training with the same is never made again."""
    method = method_named(fit.method)
    _, where = data.training(fit.training)
    told = {
        "training": fit.training,
        "catalog": data.fingerprints[data.catalog_of(fit.training)],
        "split": SPLIT,
        "where": where,
        "method": fit.method,
        "kind": method.kind,
        "model": method.model,
        "inputs": method.inputs,
        "recipe": method.recipe(scale, fit.training),
        "seed": fit.seed,
    }
    if method.task != "classification":
        told["task"] = method.task
    if method.teacher:
        told["teacher"] = settings_of(replace(fit, method=method.teacher), data, scale)
    return told


def rows_seen(data: PaperData, training: str, parts: tuple[str, ...] = _SEEN) -> tuple[Catalog, NDArray[np.int64]]:
    """Catalog of a training set, and its rows in some parts; by default all that a model of it has seen."""
    catalog, where = data.training(training)
    return catalog, select_rows(catalog, split=SPLIT, part=list(parts), where=where)


def objects_to_test(data: PaperData, part_of_table: str = "table4", training: str = "sample") -> TestSet:
    """The objects on which every method is scored: the test catalog, or the sample's test part where there is none.

    Parameters
    ----------
    data : PaperData
    part_of_table : str
        ``crossed`` is scored on objects of its own, ``plans`` on all of the sample that its plan did not teach: the whole
        other plan, and the own plan's test part to compare with.
    training : str
        The training set, where it matters.

    Raises
    ------
    LeakError
        One of them is of a source that stands in a part to learn from.
    """
    names = ", ".join(f"'{name}'" for name in CLASSES)
    where = f"class IN ({names})"
    if part_of_table == "plans":
        catalog, taught = rows_seen(data, training)
        where += " AND mjd IS NOT NULL"
        rows = np.setdiff1d(select_rows(catalog, where=where), taught)
        _check_apart(data, (training,), catalog, rows)
        return TestSet(catalog, rows, where, None)
    name = "crossed" if part_of_table == "crossed" else "test"
    apart = name in data.catalogs
    catalog = open_catalog(data.catalogs[name if apart else "sample"])
    part = None if apart else "test"
    rows = select_rows(catalog, split=None if apart else SPLIT, part=part, where=where)
    _check_apart(data, [t for t in ("sample", "large") if t in data.trainings], catalog, rows)
    return TestSet(catalog, rows, where, part)


def _check_apart(data: PaperData, trainings: Sequence[str], catalog: Catalog, rows: NDArray[np.int64]) -> None:
    for training in trainings:
        seen_catalog, seen = rows_seen(data, training)
        check_no_leak(
            SourceSet.from_catalog(seen_catalog, rows=seen, role="labelled"),
            SourceSet.from_catalog(catalog, rows=rows),
            f"the test objects of {catalog.path}",
        )


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
    teacher = method_named(fit.method).teacher
    if teacher:
        fit_method(replace(fit, method=teacher), data, scale, out, console)
    catalog, rows = rows_seen(data, fit.training, ("train",))
    counts = count_classes(catalog, rows, CLASSES)

    def make() -> dict[str, Any]:
        if settings["kind"] == "network":
            run = replace(fit, method=teacher).folder(out) / "run" if teacher else None
            return _fit_network(fit, data, settings, folder, run, console)
        learned = rows_seen(data, fit.training, ("train", "calibration"))
        redshifts = "redshift" in method_named(fit.method).task
        fit_trees(*learned, settings["inputs"], folder, redshifts=redshifts, seed=fit.seed)
        return {"epochs": None}

    return train_once(folder, settings, make, counts)


def probabilities(fit: Fit, out: Path, catalog: Catalog, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a trained method says of some rows of a catalog (n, 3), in the order of `CLASSES`."""
    folder, method = fit.folder(out), method_named(fit.method)
    if method.kind == "network":
        return ask_network(folder / "run", CLASSES, catalog, rows)
    return tree_probabilities(folder, catalog, rows, method.inputs)


def _fit_network(
    fit: Fit, data: PaperData, settings: Mapping[str, Any], folder: Path, teacher: Path | None, console: Console | None
) -> dict[str, Any]:
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    catalog, where = data.training(fit.training)
    done = train(
        catalog,
        folder / "run",
        model=settings["model"],
        task=method_named(fit.method).task,
        inputs=settings["inputs"],
        split=settings["split"],
        where=where,
        config=parse_settings(settings["recipe"]),
        teacher=teacher,
        seed=fit.seed,
        console=console,
    )
    kept = ("epochs", "best_epoch", "parameters", "temperature", "validation", "teacher")
    return {key: done.summary[key] for key in kept if key in done.summary}
