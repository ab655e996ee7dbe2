"""The simulated catalogs of the paper: how each is made, and making it.

These settings were fixed before any model was trained on what they make; a change of them makes other catalogs, which a
directory that holds a table refuses. Everything is of the survey ``lamost-macnet``, seen through LAMOST's simulated spectrographs
with the sky left in, and beside it the sky that the sky fibres let expect:

* ``sample``: at the paper's size, of two observation plans, with a night, sky, moon and air each, as many objects of each class as
  the paper has, half of them on either plan, the first by name; at another size, as they come. Whole strips.
* ``test``: other objects on other plans, whose templates no other catalog has; the central rows over the whole length.
* ``large``: objects on many plans, of the training templates; strips cut to the paper's windows.
* ``crossed``: objects from other template libraries altogether, a harder test; strips as in ``test``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError, OutputError, look_up

__all__ = [
    "COUNTS",
    "ROWS",
    "SECONDS_PER_OBJECT",
    "SETS",
    "SURVEY",
    "WINDOWS",
    "SimulatedSet",
    "make_catalog",
    "recipe_of",
    "take_sample",
]

SECONDS_PER_OBJECT = 0.25
"""Of one core."""

SURVEY = "lamost-macnet"
COUNTS = {"GALAXY": 1223, "QSO": 466, "STAR": 1202}
"""Objects of each class in the paper's Table 1."""

WINDOWS = {"blue": (1000, 3000), "red": (1500, 3500)}
"""The paper's windows, pixels of the whole strip."""

ROWS = 11
"""The paper's central rows."""

_MODALITIES = ("photometry", "image", "spectrum", "spectrum2d")
_STAMP = 64
_CROSSED = {"stars": "desisim", "white_dwarfs": "desisim", "galaxies": "embedded", "quasars": "redrock"}


@dataclass(frozen=True)
class SimulatedSet:
    """How one of the catalogs is made.

    Attributes
    ----------
    seed : int
        Of its sky.
    part : str or None
        Of the templates.
    rows : int or None
        Central rows that are kept; None: all.
    windows : mapping
        By arm, pixels that are kept; all of an arm without one.
    libraries : mapping
        Template libraries by role; the default ones where none is named.
    """

    seed: int
    part: str | None
    rows: int | None = None
    windows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)


SETS: dict[str, SimulatedSet] = {
    "sample": SimulatedSet(20130914, "train"),
    "test": SimulatedSet(20131103, "test", ROWS),
    "large": SimulatedSet(20131104, "train", ROWS, WINDOWS),
    "crossed": SimulatedSet(20131106, None, ROWS, {}, _CROSSED),
}
"""The catalogs by name."""

_PLANS = 2
_PAPER = sum(COUNTS.values())


def recipe_of(name: str, size: int, templates: Path | None = None) -> dict[str, Any]:
    """What identifies a catalog of so many objects, as its ``made_by`` has it.

    Parameters
    ----------
    name : str
        One of `SETS`.
    size : int
        Objects.
    templates : Path, optional
        Directory of template libraries.

    Returns
    -------
    dict
    """
    from asterism.simulate.recipe import Recipe

    drawn = _drawn(name, size)
    recipe = Recipe.of(SURVEY, _set_named(name).seed, **_options(name, templates)).inputs(drawn)
    if drawn == size:
        return recipe
    return {**recipe, "command": "reproduce macnet", "take": dict(COUNTS)}


def make_catalog(
    name: str,
    size: int,
    path: Path,
    *,
    templates: Path | None = None,
    workers: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Simulate a catalog, or take the one that is there; an interrupted one is continued.

    Parameters
    ----------
    name : str
        One of `SETS`.
    size : int
        Objects.
    path : Path
        Catalog to make; what the paper's sample is taken from stands beside it until that is done.
    templates : Path, optional
        Directory of template libraries. Without it spectra are embedded, and there are no templates to keep apart.
    workers : int, optional
        Processes.
    progress : callable, optional
        Told the name, objects made and all of them.

    Returns
    -------
    Path
        The catalog's.

    Raises
    ------
    ConfigurationError
        An unknown name, or ``crossed`` without templates.
    OutputError
        A catalog is there that was made otherwise.
    BadInputError
        Templates that are not there or are damaged, or plans with fewer objects of a class than the paper has.
    """
    from asterism.simulate.sky import simulate

    recipe = recipe_of(name, size, templates)
    if path.is_dir():
        made_by = open_catalog(path).made_by
        changed = [key for key, value in recipe.items() if made_by.get(key) != value]
        if not changed:
            return path
        if _drawn(name, size) != size:  # else it would be told only when two whole plans are simulated
            raise OutputError(
                f"{path} was made from other inputs ({', '.join(changed)}); choose another --out, or remove it to make it anew"
            )

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(name, done, total)

    drawn = _drawn(name, size)
    place = path if drawn == size else path.with_name(f"{path.name}-plans")
    found = simulate(
        drawn, place, survey=SURVEY, seed=SETS[name].seed, workers=workers, progress=tell, **_options(name, templates)
    )
    if drawn != size:
        take_sample(found, path, COUNTS, recipe)
        shutil.rmtree(place)
    return path


def _set_named(name: str) -> SimulatedSet:
    return look_up("catalog of the paper", name, SETS)


def _drawn(name: str, size: int) -> int:
    """Objects that are simulated: all of two plans where the paper's sample is taken from them."""
    from asterism.simulate.frames.plates import objects_per_spectrograph
    from asterism.simulate.objects.selection import survey_named

    if name == "sample" and size == _PAPER:
        return _PLANS * survey_named(SURVEY).spectrographs * objects_per_spectrograph()
    return size


def _options(name: str, templates: Path | None) -> dict[str, Any]:
    from asterism.surveys.ccd.strip_cuts import StripCut

    one = _set_named(name)
    if one.libraries and templates is None:
        raise ConfigurationError(f"the catalog {name!r} is made from template libraries; give their directory")
    given: dict[str, Any] = {"modalities": _MODALITIES, "stamp": _STAMP, "sky": True}
    given["strips"] = StripCut.of(one.rows, one.windows)
    if templates is not None:
        given |= {"templates": templates, "libraries": dict(one.libraries), "part": one.part}
    return given


def take_sample(catalog: Catalog, out: Path, counts: Mapping[str, int], made_by: Mapping[str, Any]) -> Catalog:
    """Take so many objects of each class from a catalog of two plans, half from either, as a catalog of their own.

    Of a plan (its night, `mjd`) and class the first by `object_id` are taken; with an odd number the earlier plan gives one
    more. Objects without an image are dropped before, as in the paper; ``made_by`` of the catalog says how many there were.

    Parameters
    ----------
    catalog : Catalog
    out : Path
        Catalog to make.
    counts : mapping of str to int
        Objects by class.
    made_by : mapping
        Of the catalog, beside what is said of the objects that are left out.

    Returns
    -------
    Catalog

    Raises
    ------
    BadInputError
        The catalog has not two plans, or one of them has too few objects of a class.
    """
    table = catalog.read(["object_id", "class", "mjd", "image_sdss_flux"])
    names = np.array(table["object_id"].to_pylist())
    classes, nights = np.array(table["class"].to_pylist()), table["mjd"].to_numpy()
    seen = table["image_sdss_flux"].is_valid().to_numpy(zero_copy_only=False)
    plans = np.unique(nights)
    if len(plans) != 2:
        raise BadInputError(
            f"{catalog.path} has {len(plans)} observation plans where the paper has two; simulate two plans"
        )
    taken: list[str] = []
    for number, plan in enumerate(plans):
        for kind, count in counts.items():
            share = (count + 1 - number) // 2
            there = np.sort(names[(nights == plan) & (classes == kind) & seen])
            if len(there) < share:
                raise BadInputError(
                    f"the plan of MJD {plan:.0f} in {catalog.path} has {len(there)} objects of class {kind} with an image, but "
                    f"{share} are asked for; simulate with another seed"
                )
            taken += there[:share].tolist()
    chosen = pa.array(taken)
    about = {
        **made_by,
        "from": catalog.fingerprint,
        "without_image": int((~seen).sum()),
        "left_out": len(names) - len(taken),
    }
    fields = list(catalog.schema)
    with CatalogWriter(out, fields, placed=True, made_by=about, inputs=about) as writer:
        if not writer.complete:
            for part in catalog.batches():
                writer.add(part.filter(pc.is_in(part["object_id"], value_set=chosen)))
        return writer.close()
