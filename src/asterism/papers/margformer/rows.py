"""The rows of the table: an experiment, a class set, a method and a seed; and choosing among them with ``--only``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asterism.papers.margformer.experiments import CLASS_SETS, EXPERIMENTS, Experiment, experiment_named
from asterism.papers.margformer.methods import METHODS, Method, method_named

__all__ = ["Fit", "Row", "all_rows", "methods_of"]


@dataclass(frozen=True)
class Fit:
    """One training; several rows can be scored from it.

    Attributes
    ----------
    training, class_set, method : str
    seed : int
    """

    training: str
    class_set: str
    method: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Where its model stands."""
        return out / "models" / f"{self.training}-{self.class_set}" / self.method / f"seed-{self.seed}"


@dataclass(frozen=True)
class Row:
    """One row, run alone or with others.

    Attributes
    ----------
    experiment, class_set, method : str
    seed : int
    """

    experiment: str
    class_set: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """``experiment3-bright-sgq+margformer+seed0``, which ``--only`` takes."""
        return f"{self.experiment}-{self.class_set}+{self.method}+seed{self.seed}"

    @property
    def fit(self) -> Fit:
        """The training that it is scored from."""
        return Fit(
            experiment_named(self.experiment).training, self.class_set, method_named(self.method).training, self.seed
        )

    def folder(self, out: Path) -> Path:
        """Where its scored objects stand."""
        return out / "rows" / f"{self.experiment}-{self.class_set}" / self.method / f"seed-{self.seed}"

    @property
    def labels(self) -> frozenset[str]:
        """Words by which ``--only`` finds it."""
        experiment = experiment_named(self.experiment)
        places = {experiment.number, experiment.name}
        return frozenset(
            {self.class_set, self.method, f"seed{self.seed}", *places, *(f"{p}-{self.class_set}" for p in places)}
        )


def all_rows(seeds: int, *, without: Sequence[str] = ()) -> list[Row]:
    """Every row of the table, in the order in which they are run.

    Parameters
    ----------
    seeds : int
        Of the methods that are repeated; the controls have one.
    without : sequence of str
        Methods that the data can't serve.
    """
    rows = []
    for seed in range(seeds):
        for method in METHODS:
            if method.name in without or (seed and not method.repeated):
                continue
            rows += [
                Row(e.name, c, method.name, seed) for e in EXPERIMENTS for c in CLASS_SETS if _serves(method, c, e)
            ]
    return rows


def _serves(method: Method, class_set: str, experiment: Experiment) -> bool:
    return class_set in method.class_sets


def methods_of(rows: Sequence[Row]) -> list[Method]:
    """Methods of some rows, in the table's order."""
    there = {row.method for row in rows}
    return [method_named(method.name) for method in METHODS if method.name in there]
