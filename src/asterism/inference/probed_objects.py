"""What a catalog knows of its objects that an embedding can be asked for: redshifts, classes, subtypes, targets, sizes.

Every quantity is a column over all the objects, with nothing in it where the question does not arise: the redshift of
galaxies is NaN for a star, a star's type None for a galaxy. What comes of the simulator's truth is read here, by who asks, never
by a model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.lists import number_values
from asterism.catalogs.scalars import derived_scalars
from asterism.learning.anomaly_truth import RARITIES
from asterism.learning.cluster_agreement import single_targets
from asterism.learning.training_set import STAR
from asterism.models.redshift import LOWEST_REDSHIFT

__all__ = ["ASKED", "ProbedObjects", "probed_objects", "star_type"]

#: What is asked of an embedding, and what that is.
ASKED = {
    "redshift": "redshift of all objects that are no stars (where the catalog has no classes)",
    "redshift_GALAXY": "redshift among galaxies, from galaxies",
    "redshift_QSO": "redshift among quasars, from quasars",
    "half_light_radius": "log10 of galaxies' true half-light radius in arcsec",
    "bulge_fraction": "galaxies' true share of light in the bulge",
    "class": "class",
    "star_type": "type of stars (O to M, WD, CV, carbon, sdB)",
    "galaxy_type": "subclass of galaxies",
    "target": "target class of objects that were chosen for one reason only",
}
_RARE = {subclass: kind for kind, names in RARITIES.items() for subclass in names}
_COLUMNS = (
    "object_id", "source_id", "class", "subclass", "redshift", "label_warning", "targets",
    "truth_half_light_radius", "truth_bulge_fraction",
)  # fmt: skip


def star_type(subclass: str | None) -> str | None:
    """A star's type from its subclass: the letter of its temperature, or what it is beyond the sequence.

    Examples
    --------
    >>> [star_type(name) for name in ("G5", "K0III", "DA", "CV", "carbon", "AGN", None)]
    ['G', 'K', 'WD', 'CV', 'carbon', None, None]
    """
    if subclass is None or subclass in _RARE:
        return _RARE.get(subclass or "")
    return subclass[0] if re.match(r"[OBAFGKM](\d|$|V|I)", subclass) else None


@dataclass(frozen=True)
class ProbedObjects:
    """Objects of a catalog and what is known of them.

    Attributes
    ----------
    rows : ndarray, shape (n,), int64
        Row numbers in the catalog.
    object_id, source_id : ndarray of str, shape (n,)
    numbers : mapping of str to ndarray of float64, shape (n,)
        Keys of `ASKED`; NaN where unknown or not asked.
    names : mapping of str to ndarray of object, shape (n,)
        Keys of `ASKED`; None where unknown or not asked.
    redshifts : ndarray, shape (n,), float64
        Of all objects, stars too; NaN where unknown.
    magnitudes : ndarray, shape (n,), float64
        NaN where not observed.
    band : str
        Of the magnitudes; empty where the catalog has none.
    """

    rows: NDArray[np.int64]
    object_id: NDArray[Any]
    source_id: NDArray[Any]
    numbers: Mapping[str, NDArray[np.float64]]
    names: Mapping[str, NDArray[Any]]
    redshifts: NDArray[np.float64]
    magnitudes: NDArray[np.float64]
    band: str

    def __len__(self) -> int:
        return len(self.rows)

    def known(self, asked: str) -> NDArray[np.bool_]:
        """Of which objects an answer is known (n,)."""
        if asked in self.numbers:
            return np.isfinite(self.numbers[asked])
        if asked in self.names:
            return np.array([name is not None for name in self.names[asked]], bool)
        return np.zeros(len(self), bool)

    def values(self, asked: str) -> NDArray[Any]:
        """The answers (n,), numbers or names."""
        return self.numbers[asked] if asked in self.numbers else self.names[asked]


def probed_objects(catalog: Catalog, rows: NDArray[np.int64]) -> ProbedObjects:
    """Read what is known of some rows.

    Labels with a warning do not count, redshifts below -0.01 neither; a star's redshift is a velocity and is not asked for.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray, shape (n,), int64

    Returns
    -------
    ProbedObjects
    """
    there = set(catalog.schema.names)
    scalars = derived_scalars(catalog.schema)
    band = next((b for b in ("r", "i", "g") if f"{b}_mag" in scalars), "")
    needed = list(scalars[f"{band}_mag"].columns) if band else []
    table = catalog.read([*(c for c in _COLUMNS if c in there), *needed]).take(pa.array(rows))
    n = len(rows)
    clean = np.ones(n, bool)
    if "label_warning" in there:
        clean = np.asarray(pc.equal(pc.fill_null(table["label_warning"], 0), 0).combine_chunks()).astype(bool)

    def names_of(column: str) -> NDArray[Any]:
        found = np.full(n, None, object)
        if column in there:
            found[:] = table[column].to_pylist()
            found[~clean] = None
        return found

    def numbers_of(column: str) -> NDArray[np.float64]:
        return number_values(table[column], np.float64) if column in there else np.full(n, np.nan)

    classes, subclasses = names_of("class"), names_of("subclass")
    z = np.where(clean, numbers_of("redshift"), np.nan)
    z = np.where(z >= LOWEST_REDSHIFT, z, np.nan)
    galaxy = classes == "GALAXY"
    numbers: dict[str, NDArray[np.float64]] = {}
    if "class" in there:
        numbers |= {
            f"redshift_{name}": np.where(classes == name, np.maximum(z, 0), np.nan) for name in ("GALAXY", "QSO")
        }
    else:
        numbers["redshift"] = np.maximum(z, 0)
    radius = numbers_of("truth_half_light_radius")
    numbers["half_light_radius"] = np.where(galaxy & (radius > 0), np.log10(np.where(radius > 0, radius, 1)), np.nan)
    numbers["bulge_fraction"] = np.where(galaxy, numbers_of("truth_bulge_fraction"), np.nan)
    names = {"class": classes, "star_type": np.full(n, None, object), "galaxy_type": np.full(n, None, object)}
    names["star_type"][:] = [star_type(s) if c == STAR else None for s, c in zip(subclasses, classes, strict=True)]
    names["galaxy_type"][galaxy] = subclasses[galaxy]
    names["target"] = np.full(n, None, object)
    if "targets" in there:
        names["target"][:] = single_targets(table["targets"].to_pylist())
    magnitudes = scalars[f"{band}_mag"].evaluate(table) if band else np.full(n, np.nan)
    ids, sources = (np.array(table[c].to_pylist(), object) for c in ("object_id", "source_id"))
    return ProbedObjects(rows, ids, sources, numbers, names, z, magnitudes, band)
