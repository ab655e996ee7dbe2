"""Scalars derived from a catalog's photometry, such as ``r_mag``: what expressions and magnitude bins are written in.

Names, for a photometry group ``photometry_sdss`` with bands u, g, r, i, z:

* ``r_mag``: magnitude in r, where one photometry group alone has that band;
* ``photometry_sdss_r_mag``: the same, named in full;
* ``photometry_sdss_radius_r``: the value in r of any quantity that has one value per band.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from asterism.catalogs.bands import band_info, known_bands, nanomaggy_to_ab, nanomaggy_to_asinh
from asterism.catalogs.lists import list_values
from asterism.catalogs.schema import Group, groups
from asterism.errors import ConfigurationError, unknown_name

__all__ = ["Scalar", "ambiguous_magnitudes", "derived_scalars", "magnitudes"]


@dataclass(frozen=True)
class Scalar:
    """A number per row that is computed from stored columns.

    Attributes
    ----------
    name : str
        What it is called in an expression.
    columns : tuple of str
        The stored columns it needs.
    evaluate : callable
        Table → (n,) float64, NaN where there is no value.
    """

    name: str
    columns: tuple[str, ...]
    evaluate: Callable[[pa.Table], np.ndarray]


def _magnitude(name: str, group: Group, band: str) -> Scalar:
    flux, ivar = group.quantities["flux"].name, group.quantities["ivar"].name
    index, size = list(group.bands).index(band), len(group.bands)
    asinh = group.zero_point == "sdss" and band in known_bands(group.survey)
    softening = band_info(group.survey, band).softening if asinh else None

    def evaluate(table: pa.Table) -> np.ndarray:
        values = list_values(table[flux], size, flux)[:, index]
        observed = list_values(table[ivar], size, ivar)[:, index] > 0
        values = np.where(observed, values, np.nan)
        if softening is not None:
            return nanomaggy_to_asinh(values, softening)
        return nanomaggy_to_ab(values)

    return Scalar(name, (flux, ivar), evaluate)


def _per_band(name: str, column: str, index: int, size: int) -> Scalar:
    return Scalar(name, (column,), lambda table: list_values(table[column], size, column)[:, index])


def _magnitude_groups(schema: pa.Schema) -> dict[str, list[Group]]:
    """Band → the photometry groups that can give its magnitude."""
    found: dict[str, list[Group]] = {}
    for group in groups(schema).values():
        if group.kind == "photometry" and {"flux", "ivar"} <= set(group.quantities):
            for band in group.bands:
                found.setdefault(band, []).append(group)
    return found


def derived_scalars(schema: pa.Schema) -> dict[str, Scalar]:
    """Every scalar that can be derived from a schema's groups, by name.

    Parameters
    ----------
    schema : pyarrow.Schema
        A catalog's schema with its field metadata.

    Returns
    -------
    dict of str to Scalar
        A stored column of the same name goes before a derived one and is left out here.
    """
    found: dict[str, Scalar] = {}
    for group in groups(schema).values():
        size = len(group.bands)
        for quantity, field in group.quantities.items():
            if pa.types.is_fixed_size_list(field.type) and field.type.list_size == size:
                for index, band in enumerate(group.bands):
                    name = f"{group.name}_{quantity}_{band}"
                    found[name] = _per_band(name, field.name, index, size)
    for band, having in _magnitude_groups(schema).items():
        for group in having:
            name = f"{group.name}_{band}_mag"
            found[name] = _magnitude(name, group, band)
        if len(having) == 1:
            found[f"{band}_mag"] = _magnitude(f"{band}_mag", having[0], band)
    stored = set(schema.names)
    return {name: scalar for name, scalar in found.items() if name not in stored}


def ambiguous_magnitudes(schema: pa.Schema) -> dict[str, list[str]]:
    """Short magnitude names that several groups could mean → the full names to choose from."""
    return {
        f"{band}_mag": [f"{group.name}_{band}_mag" for group in having]
        for band, having in _magnitude_groups(schema).items()
        if len(having) > 1
    }


def magnitudes(table: pa.Table, schema: pa.Schema, band: str) -> np.ndarray:
    """Magnitudes of a table's rows in one band, from the flux as it is stored.

    Asinh magnitudes (Lupton, Gunn & Szalay 1999) where the group's zero point is SDSS's and the softening is known,
    logarithmic ones otherwise.

    Parameters
    ----------
    table : pyarrow.Table
        Rows with the flux and ivar columns of the band's photometry group.
    schema : pyarrow.Schema
        The catalog's schema with its field metadata.
    band : str
        A band (``"r"``), or group and band (``"photometry_sdss_r"``) where several groups have it.

    Returns
    -------
    numpy.ndarray
        (n,) float64 mag; NaN where the band was not observed.

    Raises
    ------
    ConfigurationError
        If no group has the band, or several have.
    """
    name = f"{band}_mag"
    scalars = derived_scalars(schema)
    if name not in scalars:
        choice = ambiguous_magnitudes(schema).get(name)
        if choice:
            full = " or ".join(repr(c.removesuffix("_mag")) for c in choice)
            raise ConfigurationError(f"several photometry groups have band {band!r}; name it in full: {full}")
        bands = [n.removesuffix("_mag") for n in scalars if n.endswith("_mag")]
        raise ConfigurationError(unknown_name("band", band, bands))
    return scalars[name].evaluate(table)
