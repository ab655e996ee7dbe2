"""``crossmatch``: two catalogs with positions become one whose rows have the modalities of both.

Every row of the first catalog takes the nearest row of the second within a radius. Pairs are found through LSDB
(`asterism.catalogs.pairs`); rows are put together and written by ourselves, so that the fields keep their metadata and an
interrupted run goes on.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, Partition, open_catalog
from asterism.catalogs.columns import ASTROMETRY, LABELS, PREDICTION_NAMES, make_field, metadata_of
from asterism.catalogs.sources import unit_vectors
from asterism.catalogs.write import CatalogWriter
from asterism.errors import BadInputError, ConfigurationError

__all__ = ["crossmatch", "joined_fields"]

_SAME_PLACE = 0.1  # arcsec; rows of the second catalog this near to each other are observations of one thing: choice
_LARGEST_RADIUS = 600.0  # arcsec; beyond, it is no identification: choice


def joined_fields(
    first: pa.Schema, second: pa.Schema, groups: tuple[set[str], set[str]]
) -> tuple[list[pa.Field], list[str]]:
    """Columns of a crossmatch.

    Identity and predictions are the first catalog's. So are labels, astrometry and truth where it has any of them; else
    the second's.

    Parameters
    ----------
    first, second : pyarrow.Schema
        Of the catalogs.
    groups : (set of str, set of str)
        Names of columns that belong to their modality groups.

    Returns
    -------
    fields : list of pyarrow.Field
    names : list of str
        Those that come from the second catalog.
    """
    fields = list(first)
    labels, motion = ({field.name for field in kind} for kind in (LABELS, ASTROMETRY))
    names = []
    for kind in (labels, motion):
        if not kind & set(first.names):
            names += [name for name in second.names if name in kind]
    if not any(name.startswith("truth_") or name == "template_id" for name in first.names):
        names += [name for name in second.names if name.startswith("truth_") or name == "template_id"]
    names += [name for name in second.names if name in groups[1]]
    names = [name for name in names if name not in PREDICTION_NAMES]
    return [*fields, *(second.field(name) for name in names)], names


def crossmatch(
    first: Catalog,
    second: Catalog,
    out: str | os.PathLike[str],
    *,
    radius: float = 1.0,
    keep_unmatched: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Join two catalogs by position.

    Parameters
    ----------
    first, second : Catalog
        Placed. A row of the first has one row in the result, one of the second any number.
    out : path-like
        Directory to make.
    radius : float
        arcsec.
    keep_unmatched : bool
        Keep rows of the first that have no partner; what the second would give is null there.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        Called with rows done and their number.

    Returns
    -------
    Catalog
        With ``separation`` (arcsec; of a second crossmatch ``separation_2``, …). Ambiguous pairs are in its quarantine;
        ``made_by`` counts them (``matched``, ``ambiguous``, ``unmatched``).

    Raises
    ------
    BadInputError
        A catalog has no positions, both have the same group, or nothing matches.
    ConfigurationError
        A radius that can't be.
    """
    if not 0 < radius <= _LARGEST_RADIUS:
        raise ConfigurationError(f"the radius must be above 0 and at most {_LARGEST_RADIUS:.0f} arcsec, not {radius:g}")
    for catalog in (first, second):
        if not catalog.placed:
            raise BadInputError(
                f"{catalog.path} has no positions on the sky; crossmatch needs catalogs with ra and dec"
            )
    if both := sorted(set(first.groups) & set(second.groups)):
        raise BadInputError(
            f"{first.path} and {second.path} both have {', '.join(both)}; crossmatch catalogs of different surveys"
        )
    members = tuple(
        {name for group in catalog.groups.values() for name in group.columns} for catalog in (first, second)
    )
    fields, names = joined_fields(first.schema, second.schema, (members[0], members[1]))
    apart = _separation_name(first.schema.names)
    fields.append(
        make_field(apart, pa.float64(), "arcsec", f"Distance to the row of {second.path.name}", "pos.angDistance")
    )
    partner, separation, doubts = _partners(first, second, radius)
    matched = int((partner >= 0).sum())
    if not matched:
        raise BadInputError(
            f"no row of {second.path} is within {radius:g} arcsec of a row of {first.path}; check that they overlap"
        )
    counts = {"matched": matched, "ambiguous": len(doubts), "unmatched": int(len(first) - matched)}
    inputs = {
        "command": "crossmatch", "first": first.fingerprint, "second": second.fingerprint, "radius": radius,
        "keep_unmatched": keep_unmatched,
    }  # fmt: skip
    made_by = {
        "command": "crossmatch", "radius": radius, "first": first.path.name, "second": second.path.name, **counts
    }  # fmt: skip
    gather = _Gatherer(second, names)
    with CatalogWriter(out, fields, placed=True, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:
        for part in () if writer.complete else first.partitions:
            if part.index not in writer.done_blocks:
                rows = np.arange(part.start, part.start + part.rows)
                kept = rows if keep_unmatched else rows[partner[rows] >= 0]
                for row in rows.tolist():
                    if row in doubts:
                        writer.quarantine(*doubts[row])
                table = first.read_partition(part).take(pa.array(kept - part.start))
                for name, column in gather.columns(partner[kept]).items():
                    table = table.append_column(name, column)
                gaps = np.isnan(separation[kept])
                table = table.append_column(apart, pa.array(separation[kept], mask=gaps))
                writer.add(table, file=first.path.name, block=part.index)
            if progress is not None:
                progress(part.start + part.rows, len(first))
    return open_catalog(writer.path)


def _separation_name(names: list[str]) -> str:
    there = sum(name == "separation" or name.startswith("separation_") for name in names)
    return f"separation_{there + 1}" if there else "separation"


def _partners(
    first: Catalog, second: Catalog, radius: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], dict[int, tuple[str, str, str]]]:
    """The nearest row of the second for each of the first (-1: none), how far, and quarantine lines of doubtful ones."""
    from asterism.catalogs.pairs import find_pairs

    one, other = _places(first), _places(second)
    pairs = find_pairs(one, other, radius)
    partner, separation = np.full(len(first), -1), np.full(len(first), np.nan)
    rows, start, count = np.unique(pairs.left, return_index=True, return_counts=True)
    partner[rows], separation[rows] = pairs.right[start], pairs.separation[start]
    names = first.read(["object_id", "source_id"])
    sources = np.asarray(names["source_id"].to_pylist(), object)
    reasons: dict[int, str] = {}
    vectors = unit_vectors(other.ra, other.dec)
    for row, begin, number in zip(rows[count > 1], start[count > 1], count[count > 1], strict=True):
        near = vectors[pairs.right[begin : begin + number]]
        chord = np.linalg.norm(near - near[0], axis=1)
        distinct = int((chord > np.radians(_SAME_PLACE / 3600.0)).sum())
        if distinct:
            far = ", ".join(f"{x:.2f}" for x in pairs.separation[begin : begin + min(number, 4)])
            reasons[int(row)] = (
                f"{number} rows of {second.path.name} are within {radius:g} arcsec (at {far}); the nearest is taken"
            )
    # One row of the second that several sources of the first take can be only one of them.
    order = np.argsort(partner[rows], kind="stable")
    _, begin, number = np.unique(partner[rows][order], return_index=True, return_counts=True)
    for k in np.flatnonzero(number > 1):
        sharing = rows[order[begin[k] : begin[k] + number[k]]]
        if len(set(sources[sharing])) > 1:
            for row in sharing:
                reasons.setdefault(
                    int(row), f"the row of {second.path.name} nearest to it is the nearest of {number[k]} rows"
                )
    ids = names["object_id"]
    return partner, separation, {row: (ids[row].as_py(), first.path.name, why) for row, why in reasons.items()}


def _places(catalog: Catalog):
    """Positions, proper motions and dates of a catalog's rows."""
    from asterism.catalogs.pairs import Places

    there = [name for name in ("ra", "dec", "pm_ra", "pm_dec", "mjd") if name in catalog.schema.names]
    table = catalog.read(there)
    columns = {name: pc.fill_null(table[name], np.nan).to_numpy() for name in there}
    unknown = np.full(len(table), np.nan)
    epoch = metadata_of(catalog.schema.field("ra")).get("epoch")
    if epoch:
        from astropy.time import Time

        columns["mjd"] = np.full(len(table), float(Time(epoch).mjd))
    return Places(*(columns.get(name, unknown) for name in ("ra", "dec", "pm_ra", "pm_dec", "mjd")))


class _Gatherer:
    """Rows of a catalog in any order; the partitions of the last call are kept, since neighbours lie in the same ones."""

    def __init__(self, catalog: Catalog, names: list[str]) -> None:
        self._catalog, self._names = catalog, names
        self._starts = np.array([part.start for part in catalog.partitions])
        self._read = lru_cache(maxsize=2)(self._partition)

    def _partition(self, index: int) -> pa.Table:
        part: Partition = self._catalog.partitions[index]
        return self._catalog.read_partition(part, self._names)

    def columns(self, rows: npt.NDArray[np.int64]) -> dict[str, pa.ChunkedArray]:
        """Columns of some rows; null where the row is -1."""
        place = np.searchsorted(self._starts, rows, side="right") - 1
        taken, back, done = [], np.full(len(rows), -1), 0
        for index in np.unique(place[rows >= 0]):
            wanted = np.flatnonzero((place == index) & (rows >= 0))
            taken.append(self._read(int(index)).take(pa.array(rows[wanted] - self._starts[index])))
            back[wanted] = done + np.arange(len(wanted))
            done += len(wanted)
        schema = pa.schema([self._catalog.schema.field(name) for name in self._names])
        table = pa.concat_tables(taken).combine_chunks() if taken else schema.empty_table()
        if not done:
            return {field.name: pa.chunked_array([pa.nulls(len(rows), field.type)]) for field in schema}
        table = table.take(pa.array(back, mask=back < 0))
        return {name: table[name] for name in self._names}
