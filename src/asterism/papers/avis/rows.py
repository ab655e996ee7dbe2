"""The rows of the table: a part, a method and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asterism.papers.avis.methods import METHODS

__all__ = ["PARTS", "Fit", "Row", "all_rows"]

PARTS = {
    "redshift": "(a) Redshifts without fine-tuning, among galaxies and among quasars",
    "retrieval": "(b) Does an image find its spectrum?",
    "labels": "(c) Classes, types, sizes and targets",
    "clusters": "(d) Clusters that were found without labels",
    "anomalies": "(e) Anomaly scores against known rarities",
    "spectrum": "(f) The spectrum, from the image",
    "maps": "Maps",
}
"""Parts of the table with their titles, in the order in which they are run."""


@dataclass(frozen=True)
class Fit:
    """One training, of which all rows of the method and seed are asked.

    Attributes
    ----------
    method : str
    seed : int
    """

    method: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Where its model stands."""
        return out / "models" / self.method / f"seed-{self.seed}"

    def catalog(self, out: Path, what: str) -> Path:
        """Where catalogs made with it stand: ``embeddings/train``, ``embeddings/test``, ``clusters``, ``maps``."""
        head, _, tail = what.partition("/")
        return out / head / self.method / f"seed-{self.seed}" / tail


@dataclass(frozen=True)
class Row:
    """One row, run alone or with others.

    Attributes
    ----------
    part, method : str
    seed : int
    """

    part: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """``redshift+infonce+seed0``, which ``--only`` takes."""
        return f"{self.part}+{self.method}+seed{self.seed}"

    @property
    def fit(self) -> Fit:
        """The training that it is made from."""
        return Fit(self.method, self.seed)

    def folder(self, out: Path) -> Path:
        """Where its objects stand."""
        return out / "rows" / self.part / self.method / f"seed-{self.seed}"

    @property
    def labels(self) -> frozenset[str]:
        """Words by which ``--only`` finds it."""
        return frozenset({self.part, self.method, f"seed{self.seed}"})


def all_rows(seeds: int) -> list[Row]:
    """Every row of the table, in the order in which they are run: seed by seed, what matters most first.

    Parameters
    ----------
    seeds : int
        Of the method that is kept; the others have one. Spectra are predicted, and maps drawn, from the first.
    """
    rows = []
    for seed in range(seeds):
        for method in METHODS:
            if seed and not method.repeated:
                continue
            once = ("spectrum", "maps") if seed else ()
            rows += [Row(part, method.name, seed) for part in PARTS if part in method.parts and part not in once]
    return rows
