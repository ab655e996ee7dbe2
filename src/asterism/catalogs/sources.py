"""Which rows are observations of one source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.groups import groups

__all__ = ["SAME_SOURCE_ARCSEC", "assign_sources", "neighbours", "photometry_hash", "unit_vectors"]

SAME_SOURCE_ARCSEC = 1.0
"""Positions this near or nearer are one source."""

Texts = Sequence[str | None] | npt.NDArray[np.object_]


def unit_vectors(ra: npt.ArrayLike, dec: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Directions on the sky as unit vectors.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        deg.

    Returns
    -------
    ndarray of float64, shape (n, 3)
    """
    a, d = np.radians(np.asarray(ra, np.float64)), np.radians(np.asarray(dec, np.float64))
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def neighbours(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64] | None = None, arcsec: float = SAME_SOURCE_ARCSEC
) -> npt.NDArray[np.int64]:
    """Pairs of directions no farther apart than an angle.

    Parameters
    ----------
    first : ndarray, shape (n, 3)
        Unit vectors.
    second : ndarray, shape (m, 3), optional
        Others; without them, pairs within `first`, each once.
    arcsec : float
        The angle, arcsec.

    Returns
    -------
    ndarray of int64, shape (pairs, 2)
        Rows of `first` and of `second` (or of `first` again).
    """
    from scipy.spatial import cKDTree

    if not len(first) or (second is not None and not len(second)):
        return np.empty((0, 2), np.int64)
    chord = 2.0 * np.sin(np.radians(arcsec / 3600.0) / 2.0)
    tree = cKDTree(first)
    if second is None:
        return tree.query_pairs(chord, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    found = tree.sparse_distance_matrix(cKDTree(second), chord, output_type="coo_matrix")
    return np.stack([found.row, found.col], axis=1).astype(np.int64)


def photometry_hash(table: pa.Table) -> npt.NDArray[np.object_]:
    """Name of each row's photometry: equal where all observed fluxes are equal to the last bit of float32.

    Parameters
    ----------
    table : pyarrow.Table
        Rows whose photometry columns carry their ``bands`` metadata.

    Returns
    -------
    ndarray of object (str or None), shape (rows,)
        None where no band of no survey was observed.
    """
    fluxes: dict[str, np.ndarray] = {}
    for group in groups(table.schema).values():
        if group.kind != "photometry" or "flux" not in group.quantities:
            continue
        flux = _lists(table, f"{group.name}_flux", len(group.bands))
        if "ivar" in group.quantities:
            ivar = _lists(table, f"{group.name}_ivar", len(group.bands))
            flux = np.where(ivar > 0, flux, np.float32(np.nan))
        for index, band in enumerate(group.bands):
            fluxes[f"{band}\0{group.survey}"] = flux[:, index]
    hashes = np.full(len(table), None, dtype=object)
    if not fluxes:
        return hashes
    names = sorted(fluxes)
    values = np.stack([fluxes[name] for name in names], axis=1)
    observed = np.isfinite(values)
    # -0 and 0 are one flux; what is not observed has no value, only its place.
    values = np.where(observed, values + np.float32(0), np.float32(0)).astype("<f4")
    for index in np.flatnonzero(observed.any(axis=1)).tolist():
        digest = hashlib.blake2b(digest_size=12)
        for place in np.flatnonzero(observed[index]):
            digest.update(names[place].encode() + b"\0" + values[index, place].tobytes())
        hashes[index] = digest.hexdigest()
    return hashes


def _lists(table: pa.Table, name: str, width: int) -> np.ndarray:
    """A fixed-size list column as float32 (rows, width), NaN where null."""
    column = table[name].combine_chunks()
    values = np.full((len(column), width), np.nan, np.float32)
    inner = column.flatten()
    if inner.null_count:
        inner = pc.fill_null(inner, np.nan)
    values[np.asarray(column.is_valid())] = np.asarray(inner, np.float32).reshape(-1, width)
    return values


def assign_sources(
    object_id: Texts,
    source_id: Texts | None = None,
    ra: npt.ArrayLike | None = None,
    dec: npt.ArrayLike | None = None,
    photometry: Texts | None = None,
) -> npt.NDArray[np.object_]:
    """Give every row the name of its source.

    Rows are one source when they are connected by: the same given source id; positions within 1 arcsec; or, where a row
    has no position, identical photometry. A source is called by the smallest id given to one of its rows; without any,
    by a hash of its first position (in order of ra, dec), of its photometry, or of its object's name: of content, never
    of a row's number, so that the same rows in another order or file get the same names.

    Parameters
    ----------
    object_id : sequence of str, length n
        Names of the rows, unique.
    source_id : sequence of (str or None), optional
        Ids that the survey gives.
    ra, dec : array_like, optional
        deg; NaN where a row has no position.
    photometry : sequence of (str or None), optional
        From `photometry_hash`.

    Returns
    -------
    ndarray of object (str), shape (n,)
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(object_id)
    if n == 0:
        return np.empty(0, dtype=object)
    given = _as_objects(source_id, n)
    light = _as_objects(photometry, n)
    a = np.full(n, np.nan) if ra is None else np.asarray(ra, np.float64)
    d = np.full(n, np.nan) if dec is None else np.asarray(dec, np.float64)
    placed = np.isfinite(a) & np.isfinite(d)

    unplaced_light = light.copy()
    unplaced_light[placed] = None
    edges = [_same(given), _same(unplaced_light)]
    rows = np.flatnonzero(placed)
    if rows.size:
        # Rows at one and the same place are joined first: a tree of them would give every pair.
        where, first, inverse = np.unique(
            np.stack([a[rows], d[rows]], axis=1), axis=0, return_index=True, return_inverse=True
        )
        edges.append(np.stack([rows, rows[first[inverse.reshape(-1)]]], axis=1))
        edges.append(rows[first[neighbours(unit_vectors(where[:, 0], where[:, 1]))]])
    pairs = np.concatenate(edges)
    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    count, component = connected_components(graph, directed=False)

    # The smallest of each component by (has an id, id), then (ra, dec), photometry, name.
    ids = np.asarray(object_id, dtype=object)
    text = [np.array(["\U0010ffff" if v is None else v for v in column], dtype=str) for column in (given, light)]
    order = np.lexsort((ids.astype(str), text[1], d, a, text[0], component))
    heads = order[np.searchsorted(component[order], np.arange(count))]
    names = np.empty(count, dtype=object)
    for index, head in enumerate(heads):
        if given[head] is not None:
            names[index] = given[head]
        elif placed[head]:
            names[index] = "s" + _digest(np.array([a[head] + 0.0, d[head] + 0.0], "<f8").tobytes())
        elif light[head] is not None:
            names[index] = "p" + _digest(str(light[head]).encode())
        else:
            names[index] = "o" + _digest(str(ids[head]).encode())
    return names[component]


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=10).hexdigest()


def _as_objects(values: Texts | None, n: int) -> npt.NDArray[np.object_]:
    column = np.full(n, None, dtype=object)
    if values is not None:
        column[:] = values
    return column


def _same(keys: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """Edges from each row with a key to the first row with the same one."""
    rows = np.flatnonzero([key is not None for key in keys])
    if not rows.size:
        return np.empty((0, 2), np.int64)
    _, first, inverse = np.unique(keys[rows].astype(str), return_index=True, return_inverse=True)
    return np.stack([rows, rows[first[inverse.reshape(-1)]]], axis=1).astype(np.int64)
