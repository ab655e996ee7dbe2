"""The paper's objects: simulated plates of two observation plans, or a user's own raw frames and images.

``sample`` has the paper's size and class counts, whole strips, half of it from each plan; ``test`` other objects, made from
other templates; ``large`` ten times the sample; ``crossed`` others again, from other libraries. ``few`` and ``tenth`` are the
sample and ``large`` with most labels hidden. A user's own objects are the sample; a tenth of it is the test then, as in
the paper. Training parts are the paper's 8 : 1 : 1, where its validation tenth is shared between our validation (when to
stop) and calibration (temperature).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import CLASSES
from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError
from asterism.papers.macnet.few_labels import LABELLED, hide_labels
from asterism.papers.macnet.rows import PARTS
from asterism.papers.macnet.scales import SCALES
from asterism.papers.reproduction import Progress

__all__ = ["FRACTIONS", "SPLIT", "PaperData", "own_data", "plan_boundary", "simulated", "simulation_seconds"]

SPLIT = "macnet"
FRACTIONS = {"train": 0.8, "validation": 0.05, "calibration": 0.05, "test": 0.1}
_WHOLE = ("sample", "test", "large")
_RADIUS = 2.0  # arcsec: within a fibre


@dataclass(frozen=True)
class PaperData:
    """Where the paper's objects are.

    Attributes
    ----------
    origin : str
        ``simulated`` or ``own``.
    catalogs : mapping of str to Path
        ``sample``; ``test``, ``large``, ``crossed``, ``few`` and ``tenth`` where there are.
    fingerprints : mapping of str to str
        Of the catalogs.
    boundary : float or None
        MJD between the two observation plans of the sample; None where all is of one night.
    roles : tuple of str
        Kinds of groups that the sample has.
    dropped : int
        Objects of the user's that were left out since they have no image.
    """

    origin: str
    catalogs: dict[str, Path]
    fingerprints: dict[str, str]
    boundary: float | None
    roles: tuple[str, ...] = field(default=())
    dropped: int = 0

    @property
    def record(self) -> dict[str, Any]:
        """What the whole table depends on, as JSON values; rows that need other catalogs beside these say so themselves."""
        kept = {name: mark for name, mark in self.fingerprints.items() if name in _WHOLE}
        return {"origin": self.origin, "catalogs": kept}

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the table that there are objects for."""
        return tuple(name for name in PARTS if name != "crossed" or "crossed" in self.catalogs)

    @property
    def trainings(self) -> tuple[str, ...]:
        """Names of the training sets that there are."""
        found = [name for name in ("sample", "large", "few", "tenth") if name in self.catalogs]
        return (*found, "plan1", "plan2") if self.boundary is not None else tuple(found)

    def catalog_of(self, training: str) -> str:
        """Name of the catalog that a training set is in."""
        return "sample" if training.startswith("plan") else training

    def training(self, name: str) -> tuple[Catalog, str | None]:
        """Catalog of a training set, and the condition on its objects; None where those without a class count too."""
        catalog = open_catalog(self.catalogs[self.catalog_of(name)])
        if name in LABELLED:
            return catalog, None
        classes = ", ".join(f"'{c}'" for c in CLASSES)
        where = f"class IN ({classes})"
        if name.startswith("plan"):
            where += f" AND mjd {'<' if name == 'plan1' else '>='} {self.boundary!r}"
        return catalog, where


def simulated(
    out: Path,
    scale: str,
    *,
    templates: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PaperData:
    """Simulate the catalogs, or take those that are there, and split those to learn from.

    Parameters
    ----------
    out : Path
        ``catalogs/sample``, ``catalogs/test`` and so on are made in it.
    scale : str
        One of `SCALES`, which says how many objects.
    templates : Path, optional
        Directory of template libraries, those of the test set apart; spectra are embedded without, and none are apart.
    workers : int, optional
        Processes.
    progress : callable, optional
        Told the catalog's name, objects made and all of them.

    Raises
    ------
    OutputError
        A catalog is there that was simulated otherwise.
    """
    from asterism.papers.macnet.simulated_sets import make_catalog

    sizes = dict(SCALES[scale].objects)
    if templates is not None and SCALES[scale].crossed:
        sizes["crossed"] = SCALES[scale].crossed
    paths = {}
    for name, size in sizes.items():
        paths[name] = make_catalog(
            name, size, out / "catalogs" / name, templates=templates, workers=workers, progress=progress
        )
    found = _described("simulated", paths)
    for name, (parent, _) in LABELLED.items():
        if parent in paths:
            made = hide_labels(open_catalog(paths[parent]), paths[parent].with_name(name), name, SPLIT)
            found.catalogs[name], found.fingerprints[name] = made.path, made.fingerprint
    return found


def own_data(directory: Path, out: Path, *, workers: int | None = None, progress: Progress | None = None) -> PaperData:
    """A user's own objects as the sample.

    Parameters
    ----------
    directory : Path
        Holds ``frames`` (raw LAMOST frames with their flats, arcs and star catalogues, as ``asterism ingest lamost`` reads
        them) and ``images`` (a catalog with images of the same objects in g, r and i); and, for the 1D networks,
        ``spectra`` (LAMOST's 1D files).
    out : Path
        Catalogs are made in it; ``dropped.parquet`` lists objects without an image.
    workers : int, optional
        Processes.
    progress : callable, optional
        Told what is read, parts done and all of them.

    Raises
    ------
    BadInputError
        Something of this is not there, or nothing is left.
    """
    from asterism.catalogs.crossmatch import crossmatch
    from asterism.surveys.doors import ingest_files
    from asterism.surveys.lamost import LamostDoor

    for name, what in (("frames", "raw LAMOST frames and star catalogues"), ("images", "a catalog with images")):
        if not (directory / name).is_dir():
            raise BadInputError(
                f"{directory} has no {name}: it must hold frames (raw LAMOST frames with their star catalogues) and images"
                f" (a catalog with the objects' images), and may hold spectra (LAMOST's 1D files); add {what}"
            )
    place = out / "catalogs"
    place.mkdir(parents=True, exist_ok=True)

    def read(name: str) -> Catalog:
        def tell(done: int, total: int) -> None:
            if progress is not None:
                progress(name, done, total)

        ingest_files(LamostDoor(), [directory / name], place / name, workers=workers, progress=tell)
        return open_catalog(place / name)

    frames, images = read("frames"), open_catalog(directory / "images")
    joined = crossmatch(frames, images, place / "with-images", radius=_RADIUS)
    dropped = _note_dropped(frames, joined, out / "dropped.parquet")
    if (directory / "spectra").is_dir():
        joined = crossmatch(joined, read("spectra"), place / "with-spectra", radius=_RADIUS, keep_unmatched=True)
    return _described("own", {"sample": joined.path}, dropped)


def plan_boundary(mjd: Any) -> float | None:
    """The MJD halfway through the widest gap between nights, which parts two observation plans.

    Parameters
    ----------
    mjd : array_like, shape (n,)
        NaN where unknown.

    Returns
    -------
    float or None
        None where there is no gap of a night or more.

    Examples
    --------
    >>> plan_boundary([56549.6, 56549.6, 56600.5, 56601.5])
    56575.05
    """
    nights = np.unique(np.asarray(mjd, dtype=float))
    nights = nights[np.isfinite(nights)]
    if len(nights) < 2:
        return None
    gaps = np.diff(nights)
    widest = int(gaps.argmax())
    return None if gaps[widest] < 1 else float((nights[widest] + nights[widest + 1]) / 2)


def simulation_seconds(out: Path, scale: str, workers: int | None, *, crossed: bool = False) -> float:
    """Roughly how long simulating what lacks takes, s; `crossed` objects too, where there are libraries to make them from."""
    from asterism.catalogs.blocks import available_cores
    from asterism.papers.macnet.simulated_sets import SECONDS_PER_OBJECT

    sizes = {**SCALES[scale].objects, "crossed": SCALES[scale].crossed if crossed else 0}
    missing = sum(n for name, n in sizes.items() if not (out / "catalogs" / name).is_dir())
    return SECONDS_PER_OBJECT * missing / (workers or available_cores())


def _described(origin: str, paths: Mapping[str, Path], dropped: int = 0) -> PaperData:
    fingerprints = {}
    for name, path in paths.items():
        catalog = open_catalog(path)
        if name not in ("test", "crossed"):
            make_split(catalog, SPLIT, by="source", fractions=FRACTIONS, stratify="class", seed=0)
        fingerprints[name] = open_catalog(path).fingerprint
    sample = open_catalog(paths["sample"])
    mjd = np.array([np.nan if v is None else v for v in sample.read(["mjd"])["mjd"].to_pylist()], dtype=float)
    roles = tuple(sorted({group.kind for group in sample.groups.values()}))
    return PaperData(origin, dict(paths), fingerprints, plan_boundary(mjd), roles, dropped)


def _note_dropped(frames: Catalog, joined: Catalog, path: Path) -> int:
    """Write which objects of the frames have no image, with their classes; how many."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from asterism.catalogs.outputs import atomic_write

    columns = ["object_id", "class", "ra", "dec", "mjd"]
    known = frames.read(columns).select(columns)
    kept = pc.is_in(known["object_id"], value_set=joined.read(["object_id"])["object_id"].combine_chunks())
    left = known.filter(pc.invert(kept)).replace_schema_metadata(None)
    left = left.append_column("reason", pa.array(["no image within 2 arcsec"] * len(left), pa.string()))
    with atomic_write(path) as partial:
        pq.write_table(left, partial)
    return len(left)
