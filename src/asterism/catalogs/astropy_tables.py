"""Rows as astropy tables with units and arrays of their shape, and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.columns import metadata_of
from asterism.errors import BadInputError

if TYPE_CHECKING:
    from astropy.table import QTable, Table
    from astropy.units import UnitBase

__all__ = ["as_unit", "from_astropy", "join_texts", "shape_of", "to_qtable"]


@cache
def as_unit(text: str) -> UnitBase:
    """The astropy unit of a field's ``unit``; ``nanomaggy`` and the like are known.

    Examples
    --------
    >>> as_unit("nanomaggy-2")
    Unit("1 / nmgy2")
    """
    from astropy import units
    from astropy.units import photometric

    with units.add_enabled_units(photometric):
        return units.Unit(text)


def shape_of(field: pa.Field) -> tuple[int, ...]:
    """Shape of one object's value: () for a scalar, the metadata's ``shape`` for a fixed-size list."""
    if not pa.types.is_fixed_size_list(field.type):
        return ()
    shape = tuple(int(n) for n in metadata_of(field).get("shape", "").split(",") if n)
    return shape if int(np.prod(shape)) == field.type.list_size and shape else (field.type.list_size,)


def join_texts(column: pa.Array) -> pa.Array:
    """Lists of names as one text each, joined by commas, since tables of other tools have no lists of texts."""
    return pc.binary_join(column, ",")


def to_qtable(table: pa.Table) -> QTable:
    """An Arrow table as an astropy one.

    Parameters
    ----------
    table : pyarrow.Table
        With the fields' metadata.

    Returns
    -------
    astropy.table.QTable
        Columns with units are quantities; fixed-size lists are arrays (rows, *shape); nulls are masked; lists of names
        are texts joined by commas. Descriptions are kept, other metadata are in ``column.info.meta``.
    """
    from astropy.table import QTable

    result = QTable()
    for field in table.schema:
        metadata = metadata_of(field)
        result[field.name] = _column(table[field.name].combine_chunks(), field, metadata.get("unit", ""))
        result[field.name].info.description = metadata.get("description")
        rest = {key: value for key, value in metadata.items() if key not in ("unit", "description")}
        if rest:
            result[field.name].info.meta = rest
    return result


def _column(column: pa.Array, field: pa.Field, unit: str) -> Any:
    """One column: Quantity, Column, or their masked kinds."""
    from astropy.table import Column, MaskedColumn
    from astropy.units import Quantity
    from astropy.utils.masked import Masked

    values, mask = arrays(column, field)
    if unit:
        quantity = Quantity(values, as_unit(unit), dtype=values.dtype, copy=False)
        return Masked(quantity, mask=mask) if mask.any() else quantity
    return MaskedColumn(values, mask=mask) if mask.any() else Column(values)


def arrays(column: pa.Array, field: pa.Field) -> tuple[np.ndarray, np.ndarray]:
    """Values and mask of a column as numpy arrays (rows, *shape); what is masked is NaN, 0, False or empty."""
    valid = np.asarray(column.is_valid())
    kind = field.type
    if pa.types.is_list(kind):
        column, kind = join_texts(column), pa.string()
    if pa.types.is_fixed_size_list(kind):
        shape = shape_of(field)
        inner = column.flatten()
        values = np.zeros((len(column), kind.list_size), kind.value_type.to_pandas_dtype())
        mask = np.ones(values.shape, bool)
        if values.dtype.kind == "f":
            values.fill(np.nan)
        mask[valid] = ~np.asarray(inner.is_valid()).reshape(-1, kind.list_size)
        values[~mask] = np.asarray(inner.drop_null())
        return values.reshape(-1, *shape), mask.reshape(-1, *shape)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array(pc.fill_null(column, "").to_pylist(), dtype=str), ~valid
    values = np.zeros(len(column), kind.to_pandas_dtype())
    if values.dtype.kind == "f":
        values.fill(np.nan)
    values[valid] = column.drop_null().to_numpy(zero_copy_only=False)
    return values, ~valid


def from_astropy(table: Table, fields: Sequence[pa.Field], what: str = "the table") -> pa.Table:
    """Columns of an astropy table as Arrow, in the fields' types and units.

    Parameters
    ----------
    table : astropy.table.Table
        Columns with a unit are converted to the field's; those without are taken to be in it. Masked values become
        null, and so do rows of arrays that are masked throughout.
    fields : sequence of pyarrow.Field
        Columns wanted; those that the table lacks are left out.
    what : str
        What the table is, for the sentence.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    BadInputError
        A unit, shape or type does not fit.
    """
    columns, schema = [], []
    for field in fields:
        if field.name in table.colnames:
            columns.append(_to_arrow(table[field.name], field, what))
            schema.append(field)
    return pa.table(columns, schema=pa.schema(schema))


def _to_arrow(column: Any, field: pa.Field, what: str) -> pa.Array:
    from astropy import units

    unit = metadata_of(field).get("unit", "")
    given = getattr(column, "unit", None)
    factor = 1.0
    if given is not None and unit:
        try:
            # FITS and VOTable have no name for nanomaggies: as a word that their readers do not know, it still is one.
            known = as_unit(str(given)) if isinstance(given, units.UnrecognizedUnit) else units.Unit(given)
            factor = float(known.to(as_unit(unit)))
        except (units.UnitConversionError, TypeError, ValueError) as error:
            raise BadInputError(f"column {field.name!r} of {what} is in {given}, and {unit} is needed") from error
    mask = np.array(getattr(column, "mask", False))
    values: Any = np.array(getattr(getattr(column, "unmasked", column), "value", column))
    values = np.ma.getdata(values)
    if factor != 1.0:
        values = values * factor
    mask = np.asarray(np.broadcast_to(mask, values.shape))
    kind = field.type
    try:
        if pa.types.is_fixed_size_list(kind):
            width = int(np.prod(values.shape[1:]))
            flat = values.reshape(len(values), width).astype(kind.value_type.to_pandas_dtype())
            hidden: np.ndarray = mask.reshape(len(values), width)
            if width != kind.list_size:
                raise BadInputError(f"column {field.name!r} of {what} has {width} values per row, not {kind.list_size}")
            absent: np.ndarray = np.asarray(hidden.all(axis=1))
            inner = pa.array(flat.reshape(-1), mask=(hidden & ~absent[:, None]).reshape(-1))
            return pa.FixedSizeListArray.from_arrays(inner, kind.list_size, mask=pa.array(absent)).cast(kind)
        if pa.types.is_list(kind):
            texts = [
                None if hide else [t for t in str(v).split(",") if t] for v, hide in zip(values, mask, strict=True)
            ]
            return pa.array(texts, kind)
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8")
        if values.dtype.kind in "UO" or not values.dtype.isnative:
            return pa.array(values.tolist(), mask=mask).cast(kind)
        return pa.array(values, mask=mask).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, ValueError) as error:
        raise BadInputError(
            f"column {field.name!r} of {what} can't become {kind}: {str(error).splitlines()[0]}"
        ) from error
