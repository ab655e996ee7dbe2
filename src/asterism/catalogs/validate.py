"""Laws of columns: names that exist, and values that can't mean two things."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.columns import ADDED_NAMES, ASTROMETRY, IDENTITY, LABELS, PLACES, PREDICTION_NAMES, QUANTITIES
from asterism.catalogs.groups import GROUP_NAME, Group, groups
from asterism.errors import BadInputError, unknown_name

__all__ = ["bad_positions", "cast_column", "check_names", "validate"]


def check_names(names: Iterable[str], where: str = "") -> None:
    """Refuse columns that no catalog has.

    Parameters
    ----------
    names : iterable of str
        Column names.
    where : str
        What they are the columns of, for the sentence.

    Raises
    ------
    BadInputError
        An unknown or a repeated name; the sentence says the nearest that is known.
    """
    places = [column for columns in PLACES.values() for column in columns]
    known = {column.name for column in (*IDENTITY, *LABELS, *ASTROMETRY, *places)} | PREDICTION_NAMES | {"template_id"}
    place = f" in {where}" if where else ""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadInputError(f"column {name!r}{place} is there twice; rename one of them")
        seen.add(name)
        if name in known or ADDED_NAMES.fullmatch(name) or re.fullmatch(r"truth_[a-z0-9_]+|separation(_[0-9]+)?", name):
            continue
        match = GROUP_NAME.fullmatch(name)
        if match and match[3] in QUANTITIES[match[1]]:
            continue
        stem = f"{match[1]}_{match[2]}_" if match else ""
        candidates = [stem + quantity for quantity in QUANTITIES[match[1]]] if match else known
        raise BadInputError(unknown_name("column", name, candidates) + place)


def bad_positions(table: pa.Table) -> np.ndarray:
    """Rows whose ra and dec are no place on the sky: missing, not finite, or out of range (0 <= ra < 360).

    Returns
    -------
    ndarray of bool, shape (rows,)
    """
    ra = pc.fill_null(table["ra"].combine_chunks(), np.nan).to_numpy(zero_copy_only=False)
    dec = pc.fill_null(table["dec"].combine_chunks(), np.nan).to_numpy(zero_copy_only=False)
    return ~((ra >= 0) & (ra < 360) & (np.abs(dec) <= 90))


def cast_column(table: pa.Table, field: pa.Field, where: str) -> pa.ChunkedArray:
    """A column in its field's type; `BadInputError` where it is missing or does not fit."""
    if field.name not in table.column_names:
        raise BadInputError(f"column {field.name!r} lacks in {where}; add it, or leave it out of the fields")
    column = table[field.name]
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInputError(
            f"column {field.name!r} of {where} is {column.type} and can't become {field.type}: "
            f"{str(error).splitlines()[0]}"
        ) from error


def validate(table: pa.Table, where: str = "the table") -> None:
    """Refuse values that break the laws of the four states.

    In every group that has a flux and an inverse variance (``ivar``): both are null or neither is; ivar is finite and
    not negative; the flux is finite where ivar > 0 and NaN where ivar is 0.

    Parameters
    ----------
    table : pyarrow.Table
        Rows, with the fields' metadata.
    where : str
        What the table is, for the sentence.

    Raises
    ------
    BadInputError
        Names the column, the first row (from 0) and what is wrong.
    """
    for group in groups(table.schema).values():
        pairs = [("flux", "ivar"), ("blue", "blue_ivar"), ("red", "red_ivar")]
        for value, weight in pairs:
            if value in group.quantities and weight in group.quantities:
                _check_pair(table, group, value, weight, where)


def _check_pair(table: pa.Table, group: Group, value: str, weight: str, where: str) -> None:
    """The law of one flux and its inverse variance."""
    names = f"{group.name}_{value}", f"{group.name}_{weight}"
    flux, ivar = (table[name].combine_chunks() for name in names)
    present = np.asarray(flux.is_valid())
    if (wrong := np.flatnonzero(present != np.asarray(ivar.is_valid()))).size:
        _refuse(*names, wrong[0], "is there without the other", where)
    if not present.any():
        return
    rows = np.flatnonzero(present)
    f = _values(flux, len(rows))
    w = _values(ivar, len(rows))
    if (wrong := np.flatnonzero(~(np.isfinite(w) & (w >= 0)).all(axis=1))).size:
        _refuse(names[1], "", rows[wrong[0]], "is negative or not finite", where)
    if f.shape[1] != w.shape[1]:
        # One inverse variance per band serves all the pixels of that band.
        f = f.reshape(len(rows), w.shape[1], -1)
        w = w[:, :, None]
    with np.errstate(invalid="ignore"):
        measured = w > 0
        bad = (measured & ~np.isfinite(f)) | (~measured & ~np.isnan(f))
    if (wrong := np.flatnonzero(bad.reshape(len(rows), -1).any(axis=1))).size:
        _refuse(*names, rows[wrong[0]], "must be finite where ivar > 0 and NaN where ivar is 0", where)


def _values(column: pa.Array, rows: int) -> np.ndarray:
    """Values of the rows that are there, shape (rows, n); a null inside a list is NaN."""
    inner = column.flatten()
    if inner.null_count:
        inner = pc.fill_null(inner, np.nan)
    return np.asarray(inner).reshape(rows, -1)


def _refuse(column: str, other: str, row: int, what: str, where: str) -> None:
    pair = f" (beside {other!r})" if other else ""
    raise BadInputError(f"column {column!r}{pair} of {where} {what}: row {row} breaks this; mend what made the row")
