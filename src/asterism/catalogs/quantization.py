"""Pixels rounded to a small share of their noise, so that images and spectra take a quarter of the space and lose nothing.

The digits of a pixel far below its noise are noise themselves: they tell nothing and are what does not compress. So fluxes
are rounded to whole steps of at most sigma / Q, sigma being the pixel's own by its inverse variance: the Q of ``fpack -q Q``
(Pence, White & Seaman 2010, PASP 122, 1065). Steps are powers of two, so that numbers stay float32 as they are, for every
reader of Parquet; with the bytes of equal weight side by side (its BYTE_STREAM_SPLIT) the compressor finds what is left. At
Q = 10 no pixel moves by more than 5 % of its noise, and the variance grows by less than a thousandth.

Half precision would take more space and lose more: it has 11 bits whatever the noise is, too few in the core of a bright star
and too many everywhere else.

That a column is so rounded stands in its metadata: ``noise_steps`` of a flux (Q), ``significant_bits`` of what goes with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.columns import metadata_of
from asterism.catalogs.groups import groups
from asterism.catalogs.lists import list_values, present_rows
from asterism.errors import ConfigurationError

__all__ = ["is_quantized", "quantized_fields", "quantized_table", "round_to_bits", "round_to_noise"]

Singles = npt.NDArray[np.float32]

_BITS = 8
"""Significant bits of an inverse variance and of a resolution: a fifth of a per cent at most, better than either is known."""

_MANTISSA = 23  # stored bits of float32
_ROWS = 64  # worked on at a time, so that memory stays bounded


def round_to_noise(flux: npt.ArrayLike, ivar: npt.ArrayLike, steps: float) -> Singles:
    """Round fluxes to whole steps of at most their noise over `steps`.

    Parameters
    ----------
    flux : array_like of float32
        Any unit; NaN where not observed.
    ivar : array_like of float32
        Inverse variances that broadcast to the fluxes' shape; 0 where not observed.
    steps : float
        Q: steps in one sigma, at least.

    Returns
    -------
    ndarray of float32
        No further from `flux` than sigma / (2 Q). Where ivar is 0 or not finite, or the flux is not, as it was. Rounding
        again changes nothing.

    Examples
    --------
    >>> round_to_noise([0.123456, -0.01, 7.0], [100.0, 100.0, 0.0], 10).tolist()
    [0.125, -0.0078125, 7.0]
    """
    values = np.asarray(flux, np.float32)
    weight = np.asarray(ivar, np.float64)
    usable = np.isfinite(weight) & (weight > 0)
    sigma = np.where(usable, weight, 1.0) ** -0.5
    # frexp: sigma / Q = m 2^e with 0.5 <= m < 1, so 2^(e-1) is the largest power of two that is not larger.
    step = np.ldexp(1.0, np.frexp(sigma / steps)[1] - 1).astype(np.float32)
    # From 2^23 steps on the numbers of float32 are further apart than the steps: they are whole already.
    small = usable & (np.abs(values) < step * np.float32(2.0**_MANTISSA))
    safe = np.where(small, values, np.float32(0.0))
    # Plus zero: -0.0 is a number of its own to a compressor.
    rounded = np.rint(safe / step) * step + np.float32(0.0)
    return np.where(small, rounded, values)


def round_to_bits(values: npt.ArrayLike, bits: int = _BITS) -> Singles:
    """Round numbers to so many significant bits.

    Parameters
    ----------
    values : array_like of float32
        Any.
    bits : int
        From 1 to 24.

    Returns
    -------
    ndarray of float32
        Within 2^-bits of the number; NaN, infinities, and numbers that would round to 0 or beyond float32 stay as they are.

    Examples
    --------
    >>> round_to_bits([1.0, 3.14159, 0.0], 4).tolist()
    [1.0, 3.25, 0.0]
    """
    given = np.asarray(values, np.float32)
    mantissa, exponent = np.frexp(np.where(np.isfinite(given), given, np.float32(0.0)).astype(np.float64))
    rounded = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)
    with np.errstate(over="ignore", under="ignore"):
        narrow = rounded.astype(np.float32)
    kept = np.isfinite(given) & np.isfinite(narrow) & (narrow == rounded)
    return np.where(kept, narrow, given)


def quantized_fields(fields: Sequence[pa.Field], steps: float | None) -> list[pa.Field]:
    """Fields of which the pixels of images and spectra are to be rounded when they are written.

    Parameters
    ----------
    fields : sequence of pyarrow.Field
        Columns of a catalog.
    steps : float or None
        Q, steps in one sigma; None leaves all as they are.

    Returns
    -------
    list of pyarrow.Field
        In the same order, the rounded ones marked in their metadata.

    Raises
    ------
    ConfigurationError
        Steps as coarse as the noise.
    """
    if steps is None:
        return list(fields)
    if not 2.0 <= steps <= 1000.0:
        raise ConfigurationError(
            f"{steps:g} steps in a pixel's noise are not from 2 to 1000; give another --quantize, 10 is usual"
        )
    marks: dict[str, dict[str, str]] = {}
    for group in groups(pa.schema(fields)).values():
        if group.kind not in ("image", "spectrum") or not {"flux", "ivar"} <= set(group.quantities):
            continue
        flux = group.quantities["flux"]
        for quantity, field in group.quantities.items():
            # One inverse variance per band is as short as it gets; half precision is rounded already.
            if field.type != flux.type or not pa.types.is_fixed_size_list(flux.type):
                continue
            if not pa.types.is_float32(flux.type.value_type):
                continue
            if quantity == "flux":
                marks[field.name] = {"noise_steps": f"{steps:g}"}
            elif quantity in ("ivar", "lsf"):
                marks[field.name] = {"significant_bits": str(_BITS)}
    return [
        field.with_metadata({**metadata_of(field), **marks[field.name]}) if field.name in marks else field
        for field in fields
    ]


def is_quantized(field: pa.Field) -> bool:
    """Whether a column's numbers were rounded to their noise, or to some bits."""
    known = metadata_of(field)
    return "noise_steps" in known or "significant_bits" in known


def quantized_table(table: pa.Table) -> pa.Table:
    """A table with the pixels rounded of those columns that say so; rows that are null stay null.

    Parameters
    ----------
    table : pyarrow.Table
        Of a schema with the fields' metadata.

    Returns
    -------
    pyarrow.Table
    """
    if not any(is_quantized(field) for field in table.schema):
        return table
    # Inverse variances first: the steps of a flux follow from the numbers that are kept, or rounding again would differ.
    for field in table.schema:
        if bits := metadata_of(field).get("significant_bits"):
            table = _with_values(table, field, round_to_bits(_values(table, field), int(bits)))
    for name, group in groups(table.schema).items():
        flux = group.quantities.get("flux")
        if flux is None or "noise_steps" not in metadata_of(flux):
            continue
        values, ivar = _values(table, flux), _values(table, table.schema.field(f"{name}_ivar"))
        each = values.reshape(len(values), ivar.shape[1], -1)
        for first in range(0, len(values), _ROWS):
            rows = slice(first, first + _ROWS)
            each[rows] = round_to_noise(each[rows], ivar[rows, :, None], float(metadata_of(flux)["noise_steps"]))
        table = _with_values(table, flux, values)
    return table


def _values(table: pa.Table, field: pa.Field) -> Singles:
    return list_values(table[field.name], field.type.list_size, field.name, np.float32)


def _with_values(table: pa.Table, field: pa.Field, values: Singles) -> pa.Table:
    there = present_rows(table[field.name])
    flat = pa.array(np.ascontiguousarray(values).ravel())
    mask = None if there.all() else pa.array(~there)
    column = pa.FixedSizeListArray.from_arrays(flat, type=field.type, mask=mask)
    return table.set_column(table.column_names.index(field.name), field, column)
