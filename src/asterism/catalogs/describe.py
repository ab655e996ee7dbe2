"""What a catalog holds, in numbers: the figures behind ``asterism info``."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.astropy_tables import arrays
from asterism.catalogs.columns import metadata_of
from asterism.catalogs.groups import Group

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["describe"]


def describe(catalog: Catalog) -> dict[str, Any]:
    """Figures of a catalog; one pass through its inverse variances, labels and sources, partition by partition.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    dict
        JSON values: ``path``, ``kind``, ``rows``, ``sources``, ``fingerprint``, ``parent``, ``made_by``, ``columns``
        (name: type, unit, description), ``groups`` (name: kind, survey, bands, shape, pixel_scale, dereddened,
        zero_point, units, present, not_observed per band as fractions of all rows and of the rows that have the group),
        ``classes``, ``redshift`` (n, min, median, max), ``splits`` (name: part: rows), ``quarantine`` (rows, reasons).
    """
    names = catalog.schema.names
    groups = catalog.groups
    weights = {name: _weight(group) for name, group in groups.items()}
    wanted = [name for name in ("source_id", "class", "redshift") if name in names]
    tallies = {name: _Tally(group) for name, group in groups.items()}
    sources: set[str] = set()
    classes: Counter[str] = Counter()
    redshifts: list[np.ndarray] = []
    for partition in catalog.partitions:
        table = catalog.read_partition(partition, [*wanted, *filter(None, weights.values())])
        if "source_id" in wanted:
            sources.update(pc.unique(table["source_id"]).to_pylist())
        if "class" in wanted:
            for entry in pc.value_counts(table["class"].combine_chunks()).to_pylist():
                classes["unlabelled" if entry["values"] is None else entry["values"]] += entry["counts"]
        if "redshift" in wanted:
            redshifts.append(table["redshift"].drop_null().to_numpy())
        for name, column in weights.items():
            if column is not None:
                tallies[name].add(table[column].combine_chunks(), catalog.schema.field(column))
    return {
        "path": str(catalog.path),
        "kind": "placed" if catalog.placed else "unplaced",
        "rows": len(catalog),
        "sources": len(sources) if "source_id" in wanted else None,
        "partitions": len(catalog.partitions),
        "fingerprint": catalog.fingerprint,
        "parent": None
        if catalog.parent is None
        else {"path": str(catalog.parent.path), "fingerprint": catalog.parent.fingerprint},
        "made_by": catalog.made_by,
        "columns": {
            field.name: {
                "type": str(field.type),
                "unit": metadata_of(field).get("unit", ""),
                "description": metadata_of(field).get("description", ""),
            }
            for field in catalog.schema
        },
        "groups": {name: tallies[name].told(len(catalog)) for name in groups},
        "classes": dict(classes.most_common()) if "class" in wanted else None,
        "redshift": _range(redshifts) if "redshift" in wanted else None,
        "splits": {name: _parts(catalog, name) for name in catalog.split_names()},
        "quarantine": _quarantine(catalog),
    }


def _weight(group: Group) -> str | None:
    """The column that says whether a group is there and observed."""
    for quantity in ("ivar", "blue_ivar", "flux", "blue"):
        if quantity in group.quantities:
            return group.quantities[quantity].name
    return None


class _Tally:
    """Counts of one group: rows that have it, and of those the rows in which a band was not observed."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.present = 0
        self.not_observed = np.zeros(len(group.bands), np.int64)

    def add(self, column: pa.Array, field: pa.Field) -> None:
        there = column.drop_null()
        self.present += len(there)
        if not len(self.not_observed) or not len(there) or not field.name.endswith("_ivar"):
            return
        values, _ = arrays(there, field)
        observed = (values.reshape(len(there), len(self.not_observed), -1) > 0).any(axis=2)
        self.not_observed += (~observed).sum(axis=0)

    def told(self, rows: int) -> dict[str, Any]:
        group = self.group
        return {
            "kind": group.kind,
            "survey": group.survey,
            "bands": list(group.bands),
            "shape": list(group.shape),
            "pixel_scale": group.pixel_scale,
            "dereddened": group.dereddened,
            "zero_point": group.zero_point,
            "magnitude_type": group.meta("magnitude_type"),
            "ivar_source": group.meta("ivar_source"),
            "units": {name: metadata_of(field).get("unit", "") for name, field in group.quantities.items()},
            "present": self.present / rows,
            "not_observed": {
                band: (int(count) / self.present if self.present else None)
                for band, count in zip(group.bands, self.not_observed, strict=True)
            },
        }


def _range(parts: list[np.ndarray]) -> dict[str, Any]:
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"n": 0, "min": None, "median": None, "max": None}
    low, middle, high = (float(v) for v in (values.min(), np.median(values), values.max()))
    return {"n": len(values), "min": low, "median": middle, "max": high}


def _parts(catalog: Catalog, name: str) -> dict[str, int]:
    counts = pc.value_counts(catalog.split(name)["part"].combine_chunks()).to_pylist()
    return {str(entry["values"]): int(entry["counts"]) for entry in counts}


def _quarantine(catalog: Catalog) -> dict[str, Any]:
    reasons = Counter(_kind(reason) for reason in catalog.quarantine()["reason"].to_pylist())
    return {"rows": sum(reasons.values()), "reasons": dict(reasons.most_common(20))}


def _kind(reason: str) -> str:
    """A reason without the name and the numbers of its object, so that like reasons count together."""
    words = reason.split()
    if words[:1] == ["object_id"]:
        return " ".join(["object_id …", *words[2:]])
    return re.sub(r"(?<![\w-])-?\d+\.\d+(e[+-]?\d+)?", "…", reason)
