"""What is trained on what and tested where: three experiments, with star and galaxy or with quasars too.

========================  ================================  =======================================================
experiment                trained on                        tested on
========================  ================================  =======================================================
``experiment1``           compact                           compact, test part
``experiment2``           faint and compact                 faint and compact, test part
``experiment3-leaking``   compact (experiment 1's models)   faint and compact, as published: a part of it is in the
                                                            training set
``experiment3-disjoint``  compact (experiment 1's models)   faint and compact, without any source that was seen
``experiment3-bright``    compact, r ≤ 20                   the same: the bright-to-faint question that is meant
========================  ================================  =======================================================

``faint`` is r > 20 as observed, as the published tables have it (the text speaks of the average magnitude).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.leaks import SourceSet, find_leaks
from asterism.catalogs.selection import select_rows
from asterism.errors import BadInputError
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.published import SHARED_IN_TEST

__all__ = [
    "CLASS_SETS",
    "EXPERIMENTS",
    "TRAINING_SETS",
    "Experiment",
    "TestSet",
    "TrainingSet",
    "experiment_named",
    "objects_to_test",
    "rows_seen",
]

CLASS_SETS: dict[str, tuple[str, ...]] = {"sg": ("STAR", "GALAXY"), "sgq": ("STAR", "GALAXY", "QSO")}
"""Star and galaxy; star, galaxy and quasar."""

_SHARE_SEEN = SHARED_IN_TEST[0] / SHARED_IN_TEST[1]
_DRAW = 2023  # which objects of the twins' training part stand in the leaking test set: the same for every method
_SEEN = ("train", "validation", "calibration")


@dataclass(frozen=True)
class TrainingSet:
    """Objects to learn from.

    Attributes
    ----------
    name : str
    catalog : str
        ``compact`` or ``faint``.
    where : str or None
        Condition on the objects.
    title : str
    """

    name: str
    catalog: str
    where: str | None
    title: str


TRAINING_SETS = {
    "compact": TrainingSet("compact", "compact", None, "compact"),
    "faint": TrainingSet("faint", "faint", None, "faint and compact"),
    "bright": TrainingSet("bright", "compact", "r_mag <= 20", "compact, r ≤ 20"),
}


@dataclass(frozen=True)
class Experiment:
    """One experiment, in one of its variants.

    Attributes
    ----------
    number : str
        ``experiment1`` …
    variant : str
        ``leaking``, ``disjoint``, ``bright``, or empty where there is one only.
    training : str
        Name of the training set.
    title : str
    question : str
        What it asks, in a sentence.
    """

    number: str
    variant: str
    training: str
    title: str
    question: str

    @property
    def name(self) -> str:
        """``experiment3-bright``."""
        return f"{self.number}-{self.variant}" if self.variant else self.number


EXPERIMENTS = (
    Experiment("experiment1", "", "compact", "1: compact → compact", "Compact objects of all magnitudes."),
    Experiment("experiment2", "", "faint", "2: faint → faint", "Faint compact objects (observed r > 20)."),
    Experiment(
        "experiment3",
        "leaking",
        "compact",
        "3: compact → faint, as published",
        "Faint objects by experiment 1's models, with the published share of test objects that stand in the training set.",
    ),
    Experiment(
        "experiment3",
        "disjoint",
        "compact",
        "3: compact → faint, sources disjoint",
        "The same models on faint objects that they have not seen; the training set has other objects as faint.",
    ),
    Experiment(
        "experiment3",
        "bright",
        "bright",
        "3: r ≤ 20 → faint",
        "Trained at r ≤ 20 only: from bright objects to faint ones, which is the question that the paper means.",
    ),
)


def experiment_named(name: str) -> Experiment:
    """The experiment of a name such as ``experiment3-bright``."""
    return next(e for e in EXPERIMENTS if e.name == name)


@dataclass(frozen=True)
class TestSet:
    """Objects to score, of one catalog or several.

    Attributes
    ----------
    parts : tuple of (Path, ndarray)
        Catalog, and ascending rows (int64) in it.
    seen : int
        How many of them the models have seen in training.
    n : int
        All of them.
    """

    __test__ = False  # no test of pytest's

    parts: tuple[tuple[Path, NDArray[np.int64]], ...]
    seen: int

    @property
    def n(self) -> int:
        """Number of objects."""
        return sum(len(rows) for _, rows in self.parts)


def condition(class_set: str, where: str | None = None) -> str:
    """Condition on the objects of a class set, as `--where` takes it."""
    names = ", ".join(f"'{name}'" for name in CLASS_SETS[class_set])
    return f"class IN ({names})" + (f" AND ({where})" if where else "")


def rows_seen(
    data: PaperData, training: str, class_set: str, parts: Sequence[str] = _SEEN, where: str | None = None
) -> tuple[Catalog, NDArray[np.int64]]:
    """The objects of some parts of a training set, by default all that a model of it has seen.

    Parameters
    ----------
    data : PaperData
    training, class_set : str
    parts : sequence of str
        Parts of the split.
    where : str, optional
        A further condition.

    Returns
    -------
    Catalog, ndarray of int64
        And the rows in it, ascending.
    """
    chosen = TRAINING_SETS[training]
    catalog = open_catalog(data.catalogs[chosen.catalog])
    terms = [f"({term})" for term in (chosen.where, where) if term]
    rows = select_rows(
        catalog, split=data.splits[class_set], part=list(parts), where=condition(class_set, " AND ".join(terms) or None)
    )
    return catalog, rows


def objects_to_test(data: PaperData, experiment: Experiment, class_set: str) -> TestSet:
    """The objects on which every method of an experiment is scored.

    Parameters
    ----------
    data : PaperData
    experiment : Experiment
    class_set : str

    Returns
    -------
    TestSet
        Without a source that was seen in training, except in the leaking variant, where they are counted.

    Raises
    ------
    BadInputError
        No object is left.
    """
    if experiment.number != "experiment3":
        catalog = open_catalog(data.catalogs[TRAINING_SETS[experiment.training].catalog])
        rows = select_rows(catalog, split=data.splits[class_set], part="test", where=condition(class_set))
        parts = [(catalog, rows)]
    elif class_set in data.given_tests:
        catalog = open_catalog(data.given_tests[class_set])
        parts = [(catalog, select_rows(catalog, where=condition(class_set)))]
    else:
        catalog = open_catalog(data.catalogs["faint"])
        rows = select_rows(catalog, split=data.splits[class_set], part="test", where=condition(class_set))
        parts = [(catalog, rows)]
        if experiment.variant == "leaking":
            parts = _mixed(data, catalog, rows, class_set)
    seen_catalog, seen_rows = rows_seen(data, experiment.training, class_set)
    seen = SourceSet.from_catalog(seen_catalog, rows=seen_rows, role="labelled")
    kept, leaked = [], 0
    for catalog, rows in parts:
        known = find_leaks(seen, SourceSet.from_catalog(catalog, rows=rows)).seen
        if experiment.variant == "leaking":
            leaked += int(known.sum())
        else:
            rows = rows[~known]
        kept.append((catalog.path, rows))
    test = TestSet(tuple(kept), leaked)
    if not test.n:
        raise BadInputError(f"{experiment.name} has no object to test that was not seen in training; give more data")
    return test


def _mixed(
    data: PaperData, faint: Catalog, rows: NDArray[np.int64], class_set: str
) -> list[tuple[Catalog, NDArray[np.int64]]]:
    """The faint test part with the published share of it, class by class, exchanged for training objects with r > 20."""
    rng = np.random.default_rng(_DRAW)
    compact, _ = rows_seen(data, "compact", class_set, ("train",))
    names = np.array(faint.read(["class"])["class"].to_pylist(), dtype=object)[rows]
    fresh, known = [], []
    for name in CLASS_SETS[class_set]:
        members = rng.permutation(rows[names == name])
        _, there = rows_seen(data, "compact", class_set, ("train",), f"r_mag > 20 AND class = '{name}'")
        count = min(round(_SHARE_SEEN * len(members)), len(there))
        known.append(rng.permutation(there)[:count])
        fresh.append(members[count:])
    return [(faint, np.sort(np.concatenate(fresh))), (compact, np.sort(np.concatenate(known)))]
