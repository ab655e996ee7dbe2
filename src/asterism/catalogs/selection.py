"""Which rows of a catalog are meant by a split, its parts and a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.splits import read_split
from asterism.catalogs.where import compile_where
from asterism.errors import BadInputError, ConfigurationError, unknown_name

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["select_rows"]


def select_rows(
    catalog: Catalog,
    *,
    split: str | None = None,
    part: str | Sequence[str] | None = None,
    where: str | None = None,
) -> np.ndarray:
    """Row numbers of the objects that are in a part of a split and meet a condition.

    Parameters
    ----------
    catalog : Catalog
    split : str, optional
        Name of a split; without it every row is taken.
    part : str or sequence of str, optional
        Parts of the split; without it every row that the split holds.
    where : str, optional
        A condition, see `asterism.catalogs.where`.

    Returns
    -------
    numpy.ndarray
        (n,) int64, ascending, n ≥ 1: positions in ``catalog.read()``.

    Raises
    ------
    ConfigurationError
        If the split or a part does not exist, a part is named without a split, or the condition can't be read.
    BadInputError
        If no row is left.
    """
    keep = np.ones(len(catalog), dtype=bool)
    if part is not None and split is None:
        raise ConfigurationError(f"part {part!r} is named without a split; name the split as well")
    if split is not None:
        keep &= _in_split(catalog, split, [part] if isinstance(part, str) else part)
    if where is not None:
        condition = compile_where(where, catalog.schema)
        # Even a condition without columns needs the number of rows. By partition: it may look at whole images.
        columns = list(condition.columns) or ["object_id"]
        for partition in catalog.partitions:
            rows_here = slice(partition.start, partition.start + partition.rows)
            keep[rows_here] &= condition.mask(catalog.read_partition(partition, columns))
    rows = np.flatnonzero(keep).astype(np.int64)
    if not rows.size:
        chosen = [f"split {split!r}"] if split else []
        chosen += [f"part {part!r}"] if part else []
        chosen += [f"where {where!r}"] if where else []
        raise BadInputError(
            f"{catalog.path}: {', '.join(chosen) or 'the catalog'} leaves none of {len(catalog):,} rows"
        )
    return rows


def _in_split(catalog: Catalog, split: str, parts: Sequence[str] | None) -> np.ndarray:
    table = read_split(catalog, split)
    if parts is not None:
        there = pc.unique(table["part"]).to_pylist()
        for part in parts:
            if part not in there:
                raise ConfigurationError(f"split {split!r}: {unknown_name('part', part, there)}")
        table = table.filter(pc.is_in(table["part"], value_set=pa.array(list(parts))))
    ids = catalog.read(["object_id"])["object_id"]
    members = table["object_id"].combine_chunks()
    return np.asarray(pc.is_in(pc.cast(ids, members.type), value_set=members).combine_chunks()).astype(bool)
