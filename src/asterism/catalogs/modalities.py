"""A modality's columns as arrays that a model can take: absence made explicit, no NaN where a number is meant.

At rest a value that was not observed is NaN with inverse variance 0, and a modality that an object lacks is null. In a
tensor a flux that was not observed is 0 with inverse variance 0, and ``present`` says whether the modality is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from asterism.catalogs.lists import is_list, list_values, number_values, present_rows
from asterism.catalogs.schema import Group, metadata_of
from asterism.errors import BadInputError, unknown_name

__all__ = ["PRESENT", "Layout", "layouts", "ready_arrays"]

PRESENT = "present"
"""Name of the (n,) bool array that says which objects have the modality."""


@dataclass(frozen=True)
class Layout:
    """How one quantity of a group lies in memory.

    Attributes
    ----------
    column : str
        Its column.
    shape : tuple of int
        Of one object; () for a scalar.
    dtype : numpy.dtype
        float32, or float16 where the column is.
    """

    column: str
    shape: tuple[int, ...]
    dtype: np.dtype


def layouts(group: Group) -> dict[str, Layout]:
    """Layout of every floating-point quantity of a group; integers (flags, masks) are no input of a model.

    Parameters
    ----------
    group : Group

    Returns
    -------
    dict of str to Layout
        By quantity. An image's ``ivar`` with one value per band has shape (bands, 1, 1).

    Raises
    ------
    BadInputError
        If a column's shape is unknown or does not fit its length.
    """
    found = {}
    for quantity, field in group.quantities.items():
        value_type = field.type.value_type if is_list(field.type) else field.type
        if pa.types.is_floating(value_type):
            dtype = np.dtype(np.float16 if pa.types.is_float16(value_type) else np.float32)
            found[quantity] = Layout(field.name, _shape(group, quantity, field), dtype)
    return found


def _shape(group: Group, quantity: str, field: pa.Field) -> tuple[int, ...]:
    if not is_list(field.type):
        return ()
    bands = len(group.bands)
    said = metadata_of(field).get("shape")
    shape = tuple(int(size) for size in said.split(",")) if said else ()
    if pa.types.is_fixed_size_list(field.type):
        length = field.type.list_size
        shape = shape or (length,)
        if math.prod(shape) != length:
            raise BadInputError(f"column {field.name!r} has {length} values per row but says its shape is {said}")
    elif not shape:
        raise BadInputError(f"column {field.name!r} has lists of no fixed length and no shape in its metadata")
    if group.kind == "image" and quantity == "ivar" and shape == (bands,):
        return (bands, 1, 1)
    return shape


def _weight(quantity: str) -> str:
    return "ivar" if quantity == "flux" else f"{quantity}_ivar"


def ready_arrays(table: pa.Table, group: Group) -> dict[str, np.ndarray]:
    """Arrays of one group for the rows of a table.

    Parameters
    ----------
    table : pyarrow.Table
        n rows with the group's columns.
    group : Group

    Returns
    -------
    dict of str to numpy.ndarray
        Quantity → (n, *shape), C order: a flux and its inverse variance are finite, and 0 where not observed; any
        other quantity is NaN where unknown. ``present`` → (n,) bool.

    Raises
    ------
    BadInputError
        If a column is missing (with the nearest name that is there) or its lists have another length.
    """
    arrays: dict[str, np.ndarray] = {}
    for quantity, layout in layouts(group).items():
        column = _column(table, layout.column)
        if layout.shape:
            values = list_values(column, math.prod(layout.shape), layout.column, layout.dtype)
        else:
            values = number_values(column, layout.dtype)
        # Whatever stands for "nothing" must be one thing only.
        values = values.copy() if not values.flags.writeable else values
        values[~np.isfinite(values)] = np.nan
        arrays[quantity] = values.reshape(len(table), *layout.shape)
    for quantity in list(arrays):
        weight = _weight(quantity)
        if weight in arrays:
            flux, ivar = arrays[quantity], arrays[weight]
            if flux.ndim != ivar.ndim or any(b not in (1, a) for a, b in zip(flux.shape, ivar.shape, strict=True)):
                name, shape = group.quantities[weight].name, ivar.shape[1:]
                raise BadInputError(f"column {name!r} of shape {shape} does not fit its flux of shape {flux.shape[1:]}")
            _silence(flux, ivar)
    primary = [q for q in ("flux", "blue", "red") if q in group.quantities] or list(group.quantities)
    there = [present_rows(_column(table, group.quantities[q].name)) for q in primary]
    arrays[PRESENT] = np.logical_or.reduce(there)
    return arrays


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise BadInputError(unknown_name("column", name, table.column_names))
    return table[name]


def _silence(flux: np.ndarray, ivar: np.ndarray) -> None:
    """Set flux and inverse variance to 0, in place, where there is no observation."""
    with np.errstate(invalid="ignore"):
        observed = ivar > 0
    seen = np.isfinite(flux)
    if ivar.shape != flux.shape:
        # One inverse variance for many pixels: a pixel without a value can't be marked alone, so its band goes.
        pixels = tuple(axis for axis in range(1, flux.ndim) if ivar.shape[axis] != flux.shape[axis])
        observed &= seen.all(axis=pixels, keepdims=True)
    else:
        observed &= seen
    ivar[~observed] = 0
    flux[~np.broadcast_to(observed, flux.shape)] = 0
