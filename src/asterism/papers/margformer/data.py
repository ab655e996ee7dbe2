"""The two catalogs of the paper, *compact* and *faint and compact*: simulated twins, or the public arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.splits import make_split
from asterism.papers.margformer.methods import SCALES
from asterism.papers.reproduction import Progress

__all__ = ["SURVEYS", "PaperData", "simulation_seconds", "twins"]

SURVEYS = {"compact": ("sdss-compact", 1), "faint": ("sdss-faint-compact", 2)}
"""Survey and seed of each twin."""

_SPLIT = "margformer"
_OBJECTS_PER_SECOND = {"compact": 24, "faint": 12}  # of one core
_START_SECONDS = 6.0


@dataclass(frozen=True)
class PaperData:
    """Where the paper's objects are.

    Attributes
    ----------
    origin : str
        ``twins`` or ``public``.
    catalogs : mapping of str to Path
        ``compact`` and ``faint``.
    splits : mapping of str to str
        Class set → the split of both catalogs.
    given_tests : mapping of str to Path
        Class set → experiment 3's test objects, where they are a catalog of their own.
    fingerprints : mapping of str to str
        Of the catalogs.
    """

    origin: str
    catalogs: Mapping[str, Path]
    splits: Mapping[str, str]
    given_tests: Mapping[str, Path]
    fingerprints: Mapping[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """What results depend on, as JSON values."""
        return {"origin": self.origin, "catalogs": dict(self.fingerprints)}


def twins(
    out: Path,
    scale: str,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PaperData:
    """Simulate both catalogs, or take those that are there, and split them by source, stratified by class.

    Parameters
    ----------
    out : Path
        ``catalogs/compact`` and ``catalogs/faint`` are made in it.
    scale : str
        One of `SCALES`, which says how many objects.
    workers : int, optional
        Processes.
    progress : callable, optional
        Told the catalog's name, objects made and all of them.

    Returns
    -------
    PaperData

    Raises
    ------
    OutputError
        A catalog is there that was simulated otherwise.
    """
    from asterism.simulate.recipe import Recipe
    from asterism.simulate.sky import simulate

    paths, fingerprints = {}, {}
    for name, (survey, seed) in SURVEYS.items():
        path = out / "catalogs" / name

        def tell(done: int, total: int, name: str = name) -> None:
            if progress is not None:
                progress(name, done, total)

        size = SCALES[scale].objects[name]
        catalog = _there(path, Recipe.of(survey, seed).inputs(size))
        if catalog is None:
            catalog = simulate(size, path, survey=survey, seed=seed, workers=workers, progress=tell)
        make_split(catalog, _SPLIT, by="source", fractions=SCALES[scale].fractions, stratify="class", seed=0)
        paths[name], fingerprints[name] = path, open_catalog(path).fingerprint
    return PaperData("twins", paths, {"sg": _SPLIT, "sgq": _SPLIT}, {}, fingerprints)


def _there(path: Path, recipe: Mapping[str, Any]) -> Catalog | None:
    """A whole catalog of this recipe, whichever version made it; None where there is none."""
    if not path.is_dir():
        return None
    catalog = open_catalog(path)
    return catalog if all(catalog.made_by.get(key) == value for key, value in recipe.items()) else None


def simulation_seconds(out: Path, scale: str, workers: int | None) -> float:
    """Roughly how long simulating what lacks takes, s."""
    from asterism.catalogs.blocks import available_cores

    processes = workers or available_cores()
    return sum(
        _START_SECONDS + SCALES[scale].objects[name] / (_OBJECTS_PER_SECOND[name] * processes)
        for name in SURVEYS
        if not (out / "catalogs" / name).is_dir()
    )
