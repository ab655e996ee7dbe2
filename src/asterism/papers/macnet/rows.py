"""The rows of the tables: a part, a training set, a method and a seed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from asterism.papers.macnet.methods import METHODS

__all__ = ["PARTS", "TRAINING_SETS", "Fit", "Row", "all_rows"]

PARTS = {
    "table4": "Table 4: the five networks side by side",
    "crossed": "Table 4's networks on objects from other template libraries",
    "sky": "(b) the sky taken off the strips",
    "plans": "(d) trained on one observation plan, tested on the other, and on what is left of its own",
    "windows": "Figs 12 and 13: windows of each arm",
    "maps": "Figs 9 and 10: what the strips' branches look at",
    "assist-class": "(c) spectra assist images: classes",
    "assist-redshift": "(c) spectra assist images: redshifts of galaxies and quasars",
    "published": "(a) the published layers and training",
}
"""Parts of the table with their titles, in the order in which they are run within a seed."""

TRAINING_SETS = {
    "sample": "the sample",
    "large": "ten times as many",
    "plan1": "the sample's first observation plan",
    "plan2": "the sample's second observation plan",
    "few": "the sample, 500 of it with labels",
    "tenth": "ten times as many, a tenth of it with labels",
}
"""Training sets with their titles."""

_OF_PART = {
    "table4": ("sample", "large"),
    "crossed": ("sample", "large"),
    "sky": ("sample", "large"),
    "plans": ("plan1", "plan2"),
    "windows": ("sample",),
    "maps": ("sample",),
    "assist-class": ("few", "tenth"),
    "assist-redshift": ("few", "tenth"),
    "published": ("sample",),
}


@dataclass(frozen=True)
class Fit:
    """One training; several rows can be made from it.

    Attributes
    ----------
    training, method : str
    seed : int
    """

    training: str
    method: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Where its model stands."""
        return out / "models" / self.training / self.method / f"seed-{self.seed}"


@dataclass(frozen=True)
class Row:
    """One row, run alone or with others.

    Attributes
    ----------
    part, training, method : str
    seed : int
    """

    part: str
    training: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """``table4-sample+macnet+seed0``, which ``--only`` takes."""
        return f"{self.part}-{self.training}+{self.method}+seed{self.seed}"

    @property
    def fit(self) -> Fit:
        """The training that it is made from."""
        return Fit(self.training, self.method, self.seed)

    def folder(self, out: Path) -> Path:
        """Where its objects stand."""
        return out / "rows" / f"{self.part}-{self.training}" / self.method / f"seed-{self.seed}"

    @property
    def labels(self) -> frozenset[str]:
        """Words by which ``--only`` finds it."""
        return frozenset({self.part, self.training, f"{self.part}-{self.training}", self.method, f"seed{self.seed}"})


def all_rows(
    seeds: int,
    *,
    trainings: Collection[str] = tuple(TRAINING_SETS),
    roles: Collection[str] = (),
    parts: Collection[str] = tuple(PARTS),
) -> list[Row]:
    """Every row of the tables, in the order in which they are run: seed by seed, what matters most first.

    Parameters
    ----------
    seeds : int
        Of the methods that are repeated; the others have one. Maps are of the first.
    trainings : collection of str
        Training sets that the data have.
    roles : collection of str
        Groups that the data have; methods that read others are left out. Empty: all.
    parts : collection of str
        Those that the data have objects for.

    Returns
    -------
    list of Row
    """
    rows = []
    for seed in range(seeds):
        for part in (name for name in PARTS if name in parts):
            # The paper's sample first: every method before anything on ten times as many objects.
            for training in _OF_PART[part]:
                for method in METHODS:
                    if part not in method.parts or training not in trainings:
                        continue
                    if seed and (part == "maps" or not method.repeated):
                        continue
                    if roles and not set(method.inputs.split(",")) <= set(roles):
                        continue
                    rows.append(Row(part, training, method.name, seed))
    # What is dear comes last within a seed.
    return sorted(rows, key=lambda row: (row.part == "published", row.seed, row.training in ("large", "tenth")))
