"""The sky: pairs of DESI spectra and Legacy Survey images to learn from, and others, from other templates, to be asked about.

``train`` is split by source, without regard to labels: 85 % to learn from, 10 % to choose by, 5 % for the calibration that
supervised networks need. Everything is scored on ``test``, whose sources and templates no other part has. Both are of the
survey ``desi-even``, which holds the classes and redshifts more evenly than the sky does, with pixels rounded to a tenth of their
noise. Ready catalogs of other origin serve as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.leaks import SourceSet, check_no_leak
from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError, OutputError
from asterism.papers.avis.methods import scale_named
from asterism.papers.reproduction import Progress

__all__ = ["FRACTIONS", "SEEDS", "SPLIT", "PaperData", "ready", "recipe_of", "simulated", "simulation_seconds"]

SPLIT = "avis"
FRACTIONS = {"train": 0.85, "validation": 0.1, "calibration": 0.05}
SURVEY = "desi-even"
SEEDS = {"train": 71, "test": 73}
"""Of the two skies. A test sky of seed 72 served while the recipe was chosen (docs/results/avis.md): nothing is scored on it."""
QUANTIZE = 10.0
_MODALITIES = ("photometry", "image", "spectrum")
_SECONDS = 0.07  # of one core, per object
_NEEDED = ("image", "spectrum")


@dataclass(frozen=True)
class PaperData:
    """Where the objects are.

    Attributes
    ----------
    origin : str
        ``simulated`` or ``given``.
    catalogs : mapping of str to Path
        ``train`` and ``test``.
    fingerprints : mapping of str to str
    """

    origin: str
    catalogs: Mapping[str, Path]
    fingerprints: Mapping[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """What the whole table depends on, as JSON values."""
        return {"origin": self.origin, "catalogs": dict(self.fingerprints)}

    def open(self, name: str) -> Catalog:
        """One of the catalogs."""
        return open_catalog(self.catalogs[name])


def recipe_of(name: str, size: int, templates: Path | None = None) -> dict[str, Any]:
    """What identifies a simulated catalog, as its ``made_by`` has it.

    Parameters
    ----------
    name : str
        ``train`` or ``test``.
    size : int
        Objects.
    templates : Path, optional
        Directory of template libraries.
    """
    from asterism.simulate.recipe import Recipe

    return {**Recipe.of(SURVEY, SEEDS[name], **_options(name, templates)).inputs(size), "quantize": QUANTIZE}


def simulated(
    out: Path,
    scale: str,
    *,
    templates: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PaperData:
    """Simulate the catalogs, or take those that are there, and split the one to learn from.

    Parameters
    ----------
    out : Path
        ``catalogs/train`` and ``catalogs/test`` are made in it, or stand there as links to such catalogs.
    scale : str
    templates : Path, optional
        Directory of template libraries, those of the test apart; spectra are embedded without, and none are apart.
    workers : int, optional
        Processes.
    progress : callable, optional
        Told the catalog's name, objects made and all of them.

    Raises
    ------
    OutputError
        A catalog is there that was simulated otherwise.
    """
    paths = {}
    for name, size in scale_named(scale).objects.items():
        path = out / "catalogs" / name
        recipe = recipe_of(name, size, templates)
        if path.is_dir():
            made_by = open_catalog(path).made_by
            changed = [key for key, value in recipe.items() if made_by.get(key) != value]
            if changed:
                raise OutputError(
                    f"{path} was made from other inputs ({', '.join(changed)}); choose another --out, or remove it to"
                    " make it anew"
                )
        else:
            _simulate(name, size, path, templates, workers, progress)
        paths[name] = path
    return _described("simulated", paths)


def ready(directory: Path) -> PaperData:
    """Catalogs that are there already.

    Parameters
    ----------
    directory : Path
        Holds ``train`` and ``test``, catalogs with images and spectra (and photometry, for LightGBM). The split ``avis`` is kept
        in the first, as ``asterism split`` would.

    Raises
    ------
    BadInputError
        One is not there, or has no images or no spectra.
    LeakError
        A source stands in both.
    """
    paths = {name: directory / name for name in SEEDS}
    for name, path in paths.items():
        if not path.is_dir():
            raise BadInputError(f"{directory} has no {name}; --data must hold the catalogs train and test")
        kinds = {group.kind for group in open_catalog(path).groups.values()}
        for kind in _NEEDED:
            if kind not in kinds:
                raise BadInputError(f"{path} has no {kind} columns; give pairs of images and spectra")
    return _described("given", paths)


def simulation_seconds(out: Path, scale: str, workers: int | None) -> float:
    """Roughly how long simulating what lacks takes, s."""
    from asterism.catalogs.blocks import available_cores

    sizes = scale_named(scale).objects
    missing = sum(size for name, size in sizes.items() if not (out / "catalogs" / name).is_dir())
    return _SECONDS * missing / (workers or available_cores())


def _options(name: str, templates: Path | None) -> dict[str, Any]:
    given: dict[str, Any] = {"modalities": _MODALITIES}
    return given if templates is None else {**given, "templates": templates, "part": name}


def _simulate(
    name: str, size: int, path: Path, templates: Path | None, workers: int | None, progress: Progress | None
) -> None:
    from asterism.simulate.sky import simulate

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(name, done, total)

    options = _options(name, templates)
    simulate(size, path, survey=SURVEY, seed=SEEDS[name], quantize=QUANTIZE, workers=workers, progress=tell, **options)


def _described(origin: str, paths: Mapping[str, Path]) -> PaperData:
    train, test = (open_catalog(paths[name]) for name in ("train", "test"))
    check_no_leak(
        SourceSet.from_catalog(train, role="labelled"), SourceSet.from_catalog(test), f"the test objects of {test.path}"
    )
    make_split(train, SPLIT, by="source", fractions=FRACTIONS, stratify="none", seed=0)
    return PaperData(origin, dict(paths), {"train": train.fingerprint, "test": test.fingerprint})
