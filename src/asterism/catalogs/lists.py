"""List columns of an Arrow table as numpy arrays of one row per object."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike

from asterism.errors import BadInputError

__all__ = ["is_list", "list_values", "number_values", "present_rows"]


def is_list(type_: pa.DataType) -> bool:
    """Whether an Arrow type is a list of any of the three kinds (fixed-size, list, large list)."""
    return pa.types.is_fixed_size_list(type_) or pa.types.is_list(type_) or pa.types.is_large_list(type_)


def _chunks(column: pa.ChunkedArray | pa.Array) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def present_rows(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Rows of a column that are not null.

    Parameters
    ----------
    column : pyarrow.ChunkedArray or pyarrow.Array
        Any column, n rows.

    Returns
    -------
    numpy.ndarray
        (n,) bool.
    """
    if column.null_count == 0:
        return np.ones(len(column), dtype=bool)
    return np.concatenate([np.asarray(pc.is_valid(c)) for c in _chunks(column)]).astype(bool)


def number_values(column: pa.ChunkedArray | pa.Array, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Numbers of a scalar column, NaN where null.

    Parameters
    ----------
    column : pyarrow.ChunkedArray or pyarrow.Array
        A numeric or boolean column, n rows.
    dtype : numpy floating type

    Returns
    -------
    numpy.ndarray
        (n,) of `dtype`.
    """
    if len(column) == 0:
        return np.empty(0, dtype=dtype)
    parts = []
    for chunk in _chunks(column):
        # Floats go to numpy as they are, null as NaN: no detour in memory, and half precision has few Arrow kernels.
        wide = chunk if pa.types.is_floating(chunk.type) else pc.cast(chunk, pa.float64(), safe=False)
        parts.append(wide.to_numpy(zero_copy_only=False).astype(dtype, copy=False))
    return np.concatenate(parts)


def list_values(column: pa.ChunkedArray | pa.Array, size: int, name: str, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Values of a list column whose rows all hold `size` numbers; NaN where the row or an element is null.

    Parameters
    ----------
    column : pyarrow.ChunkedArray or pyarrow.Array
        A list column (fixed-size, list or large list), n rows.
    size : int
        Length that every row must have.
    name : str
        The column's name, for the error.
    dtype : numpy floating type

    Returns
    -------
    numpy.ndarray
        (n, size) of `dtype`.

    Raises
    ------
    BadInputError
        If the column is no list, or a row has another length.
    """
    if not is_list(column.type):
        raise BadInputError(f"column {name!r} holds {column.type}, not lists of {size} numbers")
    if pa.types.is_fixed_size_list(column.type) and column.type.list_size != size:
        raise BadInputError(f"column {name!r} has {column.type.list_size} values per row where {size} are expected")
    out = np.empty((len(column), size), dtype=dtype)
    begin = 0
    for chunk in _chunks(column):
        end = begin + len(chunk)
        present = chunk.drop_null() if chunk.null_count else chunk
        lengths = pc.list_value_length(present)
        if len(present) and pc.min_max(lengths).as_py() != {"min": size, "max": size}:
            wrong = next(value for value in lengths.to_pylist() if value != size)
            raise BadInputError(f"column {name!r} has a row of {wrong} values where {size} are expected")
        values = number_values(present.flatten(), dtype).reshape(-1, size)
        if chunk.null_count:
            out[begin:end] = np.nan
            out[begin:end][np.asarray(pc.is_valid(chunk)).astype(bool)] = values
        else:
            out[begin:end] = values
        begin = end
    return out
