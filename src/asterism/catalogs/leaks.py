"""No object on both sides: what a model has seen, and whether an object to be scored is among it.

Two rows are one source when they have the same source id, positions within 1″, or, where either has no position,
identical photometry.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asterism.catalogs.lists import number_values
from asterism.catalogs.outputs import atomic_write
from asterism.catalogs.schema import groups
from asterism.catalogs.sources import SAME_SOURCE_ARCSEC, photometry_hash, unit_vectors
from asterism.errors import BadInputError, ConfigurationError, LeakError, unknown_name

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["ROLES", "Leaks", "SourceSet", "check_no_leak", "check_split", "find_leaks"]

ROLES = ("labelled", "unlabelled", "validation", "calibration", "scored")
"""What objects are seen for; any of the first four counts as seen."""

_SCHEMA = pa.schema(
    [
        ("source_id", pa.string()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("photometry_hash", pa.string()),
        ("role", pa.string()),
    ]
)


class SourceSet:
    """Observations by what identifies their sources.

    Parameters
    ----------
    table : pyarrow.Table
        Columns ``source_id`` (string), ``ra``, ``dec`` (float64 deg; null or NaN without position),
        ``photometry_hash`` (string; null where nothing was observed), ``role`` (string, one of `ROLES`).

    Raises
    ------
    BadInputError
        If a column is missing or has another type.
    """

    def __init__(self, table: pa.Table) -> None:
        for field in _SCHEMA:
            if field.name not in table.column_names:
                raise BadInputError(
                    f"a set of sources lacks a column: {unknown_name('column', field.name, table.column_names)}"
                )
        try:
            self.table = table.select(_SCHEMA.names).cast(_SCHEMA)
        except (pa.ArrowInvalid, ValueError) as error:
            raise BadInputError(f"a set of sources has a column of the wrong type ({error})") from None

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def from_catalog(cls, catalog: Catalog, *, rows: np.ndarray | None = None, role: str = "scored") -> SourceSet:
        """The sources of some rows of a catalog.

        Parameters
        ----------
        catalog : Catalog
        rows : numpy.ndarray, optional
            Row numbers, e.g. of `asterism.catalogs.selection.select_rows`; default all.
        role : str
            What they are seen for, one of `ROLES`.

        Returns
        -------
        SourceSet
        """
        if role not in ROLES:
            raise ConfigurationError(unknown_name("role", role, ROLES))
        names = catalog.schema.names
        fluxes = [
            group.quantities[quantity].name
            for group in groups(catalog.schema).values()
            if group.kind == "photometry" and "flux" in group.quantities
            for quantity in ("flux", "ivar")
            if quantity in group.quantities
        ]
        wanted = ["source_id", *[n for n in ("ra", "dec") if n in names], *fluxes]
        table = catalog.read(wanted)
        if rows is not None:
            table = table.take(pa.array(rows))
        # Arrow's field metadata names the bands, which the hash goes by; reading a subset of columns keeps them.
        return cls(
            pa.table(
                {
                    "source_id": pc.cast(table["source_id"], pa.string()),
                    "ra": table["ra"] if "ra" in names else pa.nulls(len(table), pa.float64()),
                    "dec": table["dec"] if "dec" in names else pa.nulls(len(table), pa.float64()),
                    "photometry_hash": pa.array(photometry_hash(table), pa.string()),
                    "role": pa.array([role] * len(table), pa.string()),
                }
            )
        )

    @classmethod
    def union(cls, sets: Sequence[SourceSet]) -> SourceSet:
        """All the rows of several sets, each with its role."""
        return cls(pa.concat_tables([s.table for s in sets]) if sets else _SCHEMA.empty_table())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the set as a Parquet file, whole or not at all."""
        with atomic_write(path) as partial:
            pq.write_table(self.table, partial)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SourceSet:
        """Read what `save` wrote.

        Raises
        ------
        BadInputError
            If the file is missing or holds something else.
        """
        try:
            return cls(pq.ParquetFile(path).read())
        except (OSError, pa.ArrowInvalid) as error:
            raise BadInputError(f"{path} can't be read as the record of what a model has seen ({error})") from None


@dataclass(frozen=True)
class Leaks:
    """Which scored objects were seen, and how that is known.

    Attributes
    ----------
    source, position, photometry : numpy.ndarray
        (n,) int64: a row of the seen set that is the same source, by that criterion; -1 where there is none.
    """

    source: np.ndarray
    position: np.ndarray
    photometry: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(n,) bool: whether the object was seen, by any criterion."""
        return (self.source >= 0) | (self.position >= 0) | (self.photometry >= 0)


def find_leaks(seen: SourceSet, scored: SourceSet) -> Leaks:
    """Find the objects to be scored that are among those seen.

    Parameters
    ----------
    seen, scored : SourceSet

    Returns
    -------
    Leaks
        Of the scored set's n rows.
    """
    by_id = _first_equal(seen.table["source_id"], scored.table["source_id"])
    a, b = _vectors(seen), _vectors(scored)
    placed_a, placed_b = np.isfinite(a).all(axis=1), np.isfinite(b).all(axis=1)
    return Leaks(by_id, _nearest(a, b, placed_a, placed_b), _same_light(seen, scored, placed_a, placed_b))


def _first_equal(among: pa.ChunkedArray, values: pa.ChunkedArray) -> np.ndarray:
    """Row of the first equal value, -1 where there is none or the value is null."""
    found = np.full(len(values), -1, dtype=np.int64)
    if not len(among) or not len(values):
        return found
    index = pc.index_in(values, value_set=among.combine_chunks(), skip_nulls=True)
    return np.asarray(pc.fill_null(index, -1).combine_chunks()).astype(np.int64)


def _vectors(sources: SourceSet) -> np.ndarray:
    # Unit vectors know no seam at ra = 0 and no pole.
    return unit_vectors(number_values(sources.table["ra"]), number_values(sources.table["dec"]))


def _nearest(a: np.ndarray, b: np.ndarray, placed_a: np.ndarray, placed_b: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    found = np.full(len(b), -1, dtype=np.int64)
    rows = np.flatnonzero(placed_a)
    if not rows.size or not placed_b.any():
        return found
    chord = 2 * np.sin(np.radians(SAME_SOURCE_ARCSEC / 3600) / 2)
    # The bound of a query is exclusive; 1e-9 of 1″ makes it inclusive.
    _, near = cKDTree(a[rows]).query(b[placed_b], k=1, distance_upper_bound=chord * (1 + 1e-9))
    found[placed_b] = np.where(near < len(rows), rows[np.minimum(near, len(rows) - 1)], -1)
    return found


def _same_light(seen: SourceSet, scored: SourceSet, placed_a: np.ndarray, placed_b: np.ndarray) -> np.ndarray:
    hash_a, hash_b = seen.table["photometry_hash"], scored.table["photometry_hash"]
    # A scored object without position is compared with all, one with position only with those that have none.
    unplaced_rows = np.flatnonzero(~placed_a)
    among_unplaced = _first_equal(hash_a.take(pa.array(unplaced_rows)), hash_b)
    if unplaced_rows.size:
        among_unplaced = np.where(among_unplaced >= 0, unplaced_rows[among_unplaced], -1)
    if placed_b.all():
        return among_unplaced
    return np.where(placed_b, among_unplaced, _first_equal(hash_a, hash_b))


def check_no_leak(seen: SourceSet, scored: SourceSet, what: str) -> None:
    """Refuse to score objects that a model has seen, with or without labels.

    Parameters
    ----------
    seen : SourceSet
        What the model has seen, with roles.
    scored : SourceSet
        What is to be scored.
    what : str
        What is being done, for the message, e.g. ``"the test part of sky.hats"``.

    Raises
    ------
    LeakError
        If any object is on both sides: how many, by what, an example, and what to do.
    """
    leaks = find_leaks(seen, scored)
    hit = leaks.seen
    if not hit.any():
        return
    ways = {
        "source id": leaks.source,
        f"position within {SAME_SOURCE_ARCSEC:g}″": leaks.position,
        "identical photometry": leaks.photometry,
    }
    by = ", ".join(f"{int((rows >= 0).sum()):,} by {way}" for way, rows in ways.items() if (rows >= 0).any())
    first = int(np.flatnonzero(hit)[0])
    match = next(int(rows[first]) for rows in ways.values() if rows[first] >= 0)
    rows = np.max([leaks.source, leaks.position, leaks.photometry], axis=0)[hit]
    roles, counts = np.unique(seen.table["role"].take(pa.array(rows)).to_pylist(), return_counts=True)
    as_roles = ", ".join(f"{count:,} {role}" for role, count in zip(roles, counts, strict=True))
    raise LeakError(
        f"{what}: {int(hit.sum()):,} of {len(scored):,} objects were seen in training ({as_roles}; {by}), such as"
        f" source {scored.table['source_id'][first].as_py()!r} (seen as {seen.table['source_id'][match].as_py()!r});"
        " score a part or a --where that leaves them out, or train on a split of this catalog"
    )


def check_split(split: pa.Table, what: str) -> None:
    """Refuse a split that has one source in two parts.

    Parameters
    ----------
    split : pyarrow.Table
        With ``source_id`` and ``part``, as `asterism.catalogs.splits.read_split` gives it.
    what : str
        The split, for the message.

    Raises
    ------
    LeakError
        If a source is in two parts.
    """
    pairs = split.select(["source_id", "part"]).group_by(["source_id", "part"]).aggregate([])
    per_source = pairs.group_by("source_id").aggregate([("part", "count")])
    torn = per_source.filter(pc.greater(per_source["part_count"], 1))
    if len(torn):
        source = pc.min(torn["source_id"]).as_py()
        parts = sorted(pairs.filter(pc.equal(pairs["source_id"], source))["part"].to_pylist())
        raise LeakError(
            f"{what}: {len(torn):,} sources are in more than one part, such as {source!r} in {' and '.join(parts)};"
            " make the split again with asterism split"
        )
