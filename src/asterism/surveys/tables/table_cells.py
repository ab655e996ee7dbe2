"""Cells of a table: which are numbers, which are blank, and which are mistakes.

A blank (nothing, NaN, a sentinel of the map) is no news. A mistake (text where a number belongs, an infinity) blanks
the cell and goes to quarantine with its row; a column that holds nothing but mistakes means that the map is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.errors import BadInputError
from asterism.surveys.tables.table_page import Complain, RawColumn

__all__ = ["blank_sentinels", "integers", "mjd_days", "numbers", "texts"]

_BLANK = ("", "nan", "null", "none", "n/a", "na", "-", "--", "---", "masked", "<na>", r"\n")
_EXACT_DOUBLE = 2**53
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_DAMAGED_ID = re.compile(r"[0-9.]+[eE]\+?[0-9]{2}")


def numbers(
    column: RawColumn, name: str, file: str, rows: np.ndarray, complain: Complain, missing: Sequence[float] = ()
) -> np.ndarray:
    """Cells as float64, NaN where there is no number.

    Parameters
    ----------
    column : Arrow array of strings or numpy array
        n cells.
    name, file : str
        For messages.
    rows : ndarray of int64, shape (n,)
        Numbers of the rows.
    complain : callable
        Gets the row and the reason for each cell that is text or infinite.
    missing : sequence of float
        Values that mean "no value".

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    BadInputError
        All of two or more cells that are not blank are text: the column is the wrong one.
    """
    values = _from_text(column, name, file, rows, complain) if isinstance(column, pa.Array) else _from_array(column)
    for k in np.flatnonzero(np.isinf(values)):
        complain(int(rows[k]), f"{name} is infinite: the cell is taken as missing")
    values[np.isinf(values)] = np.nan
    return blank_sentinels(values, missing)


def blank_sentinels(values: np.ndarray, missing: Sequence[float]) -> np.ndarray:
    """Set values that mean "no value" to NaN, in place; single precision of a sentinel counts as the sentinel."""
    for sentinel in missing:
        values[np.isclose(values, sentinel, rtol=1e-6, atol=0.0)] = np.nan
    return values


def _from_array(column: np.ndarray) -> np.ndarray:
    if isinstance(column, np.ma.MaskedArray):
        return np.ma.filled(column.astype(np.float64), np.nan)
    return np.array(column, dtype=np.float64)


def _from_text(column: pa.Array, name: str, file: str, rows: np.ndarray, complain: Complain) -> np.ndarray:
    trimmed = pc.utf8_trim_whitespace(column)
    blank = pc.or_kleene(pc.is_null(trimmed), pc.is_in(pc.utf8_lower(trimmed), pa.array(_BLANK)))
    candidates = pc.if_else(blank, pa.scalar(None, pa.string()), trimmed)
    try:
        return _as_numpy(candidates.cast(pa.float64()))
    except pa.ArrowInvalid:
        values = np.full(len(column), np.nan)
    # At least one cell is no number: take them one by one to find which.
    wrong: list[tuple[int, str]] = []
    held = 0
    for k, text in enumerate(candidates.to_pylist()):
        if text is None:
            continue
        held += 1
        try:
            values[k] = float(text) if "_" not in text else np.nan
        except ValueError:
            wrong.append((k, text))
            continue
        if "_" in text:
            wrong.append((k, text))
    if len(wrong) == held and held > 1:
        k, text = wrong[0]
        raise BadInputError(
            f"{file}: column {name!r} holds text, not numbers (row {rows[k]}: {_short(text)}); "
            "correct the map or the file"
        )
    for k, text in wrong:
        complain(int(rows[k]), f"{name} is {_short(text)}, not a number: the cell is taken as missing")
    return values


def _as_numpy(column: pa.Array) -> np.ndarray:
    return np.array(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


def integers(
    column: RawColumn, name: str, file: str, rows: np.ndarray, complain: Complain, missing: Sequence[float] = ()
) -> pa.Array:
    """Cells as 64-bit integers (flags use all the bits, which a double has not), null where blank.

    Parameters
    ----------
    column, name, file, rows, complain, missing
        As for `numbers`.

    Returns
    -------
    pyarrow.Int64Array
    """
    cells = None
    if isinstance(column, pa.Array):
        try:
            cells = texts(column, name, file).cast(pa.int64())
        except pa.ArrowInvalid:
            cells = None
    elif column.dtype.kind in "iub":
        mask = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
        cells = pa.array(np.asarray(column).astype(np.int64), mask=mask)
    if cells is None:
        values = numbers(column, name, file, rows, complain, missing)
        for k in np.flatnonzero(~np.isnan(values) & (values != np.rint(values))):
            complain(int(rows[k]), f"{name} is {values[k]:g}, not an integer: the cell is taken as missing")
            values[k] = np.nan
        blank = np.isnan(values) | (np.abs(values) > 2**62)
        return pa.array(np.where(blank, 0, values).astype(np.int64), mask=blank)
    sentinels = pa.array([int(m) for m in missing if float(m).is_integer()], pa.int64())
    return pc.if_else(pc.is_in(cells, sentinels), pa.scalar(None, pa.int64()), cells)


def texts(column: RawColumn, name: str, file: str, *, identifier: bool = False) -> pa.Array:
    """Cells as text, null where blank.

    Parameters
    ----------
    column : Arrow array of strings or numpy array
        n cells.
    name, file : str
        For messages.
    identifier : bool
        The column names objects: digits lost in a floating-point number are an error.

    Returns
    -------
    pyarrow.StringArray

    Raises
    ------
    BadInputError
        Ids have gone through floating point and lost digits.
    """
    if isinstance(column, pa.Array):
        trimmed = pc.utf8_trim_whitespace(column)
        blank = pc.is_in(pc.utf8_lower(trimmed), pa.array((*_BLANK[:6], "<na>")))
        result = pc.if_else(pc.fill_null(blank, True), pa.scalar(None, pa.string()), trimmed)
        if identifier and any(_DAMAGED_ID.fullmatch(text or "") for text in result.slice(0, 1000).to_pylist()):
            raise _lost_digits(name, file)
        return result
    mask = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else np.zeros(len(column), bool)
    values = np.asarray(column)
    if values.dtype.kind == "f":
        mask = mask | np.isnan(values)
        whole = values[~mask]
        if identifier and whole.size:
            if np.abs(whole).max() > (_EXACT_DOUBLE if values.dtype.itemsize == 8 else 2**24):
                raise _lost_digits(name, file)
            if (whole == np.rint(whole)).all():
                values = np.where(mask, 0, values).astype(np.int64)
    return pa.array([None if m else str(v) for v, m in zip(values.tolist(), mask, strict=True)], pa.string())


def _lost_digits(name: str, file: str) -> BadInputError:
    return BadInputError(
        f"{file}: ids in column {name!r} went through floating point and lost digits; export them as integers or text"
    )


def mjd_days(column: RawColumn, name: str, file: str, rows: np.ndarray, complain: Complain) -> np.ndarray:
    """Dates as Modified Julian Dates.

    Parameters
    ----------
    column : Arrow array of strings or numpy array
        Days, or ISO dates with or without time (UTC), e.g. ``2013-03-03``.
    name, file, rows, complain
        As for `numbers`.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where blank or unreadable.
    """
    if not isinstance(column, pa.Array):
        return numbers(column, name, file, rows, complain)
    cells = texts(column, name, file)
    try:
        return _as_numpy(cells.cast(pa.float64()))
    except pa.ArrowInvalid:
        days = np.full(len(cells), np.nan)
    for k, text in enumerate(cells.to_pylist()):
        if text is None:
            continue
        try:
            moment = datetime.fromisoformat(text.replace("/", "-"))
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            days[k] = (moment - _MJD_ZERO) / timedelta(days=1)
        except ValueError:
            try:
                days[k] = float(text)
            except ValueError:
                complain(int(rows[k]), f"{name} is {_short(text)}, not a date: the cell is taken as missing")
    return days


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
