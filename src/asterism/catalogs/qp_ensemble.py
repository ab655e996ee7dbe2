"""Redshift densities as a qp ensemble, the file that RAIL and qp read."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.columns import metadata_of
from asterism.catalogs.export import Export
from asterism.catalogs.lists import number_values
from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError, ConfigurationError, OutputError

__all__ = ["DENSITY", "density_grid", "export_qp"]

DENSITY = "z_pdf"
"""The column of densities, whose metadata hold their grid."""

_POINTS = ("z_mode", "z_median", "redshift", "ra", "dec")


def density_grid(field: pa.Field, where: str) -> NDArray[np.float64]:
    """Redshifts (G,) of a density column.

    Parameters
    ----------
    field : pyarrow.Field
        A fixed-size list with ``grid`` in its metadata.
    where : str
        The catalog, for messages.

    Raises
    ------
    BadInputError
        The metadata lack the grid, or it does not fit the column.
    """
    try:
        grid = np.asarray(json.loads(metadata_of(field)["grid"]), dtype=np.float64)
    except (KeyError, ValueError, TypeError) as error:
        raise BadInputError(
            f"column {field.name!r} of {where} has no grid of redshifts in its metadata; predict again"
        ) from error
    if (
        not pa.types.is_fixed_size_list(field.type)
        or grid.shape != (field.type.list_size,)
        or len(grid) < 2
        or not (np.diff(grid) > 0).all()
    ):
        raise BadInputError(f"column {field.name!r} of {where} does not fit the grid in its metadata; predict again")
    return grid


def export_qp(
    catalog: Catalog,
    file: str | os.PathLike[str],
    *,
    where: str | None = None,
    split: str | None = None,
    part: str | Sequence[str] | None = None,
    overwrite: bool = False,
) -> Export:
    """Write the densities of a catalog as qp's ``interp`` ensemble (linear between the grid's points, as ours are).

    Its ancillary table has ``object_id``; ``z_mode`` and ``z_median``, the first also as ``zmode``, which RAIL's
    evaluation looks for; and ``redshift``, ``ra``, ``dec`` where the catalog has them (NaN where an object has none).

    Parameters
    ----------
    catalog : Catalog
        With a column ``z_pdf``, as a redshift model's ``predict`` makes.
    file : path-like
        File to write; its name ends with ``.hdf5``.
    where, split, part
        As for `Catalog.read`.
    overwrite : bool
        Replace the file if it is there.

    Returns
    -------
    Export
        Objects without a density are left out and counted.

    Raises
    ------
    ConfigurationError
        The name does not end so, or qp is not installed.
    OutputError
        The file exists.
    BadInputError
        The catalog has no densities, or no row to write.
    """
    path = Path(file)
    if path.suffix.lower() != ".hdf5":
        raise ConfigurationError(f"can't export a qp ensemble to {path.name!r}: the name must end with .hdf5")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another name or replace it with --overwrite")
    if DENSITY not in catalog.schema.names:
        raise BadInputError(f"{catalog.path} has no column {DENSITY!r}; predict with a redshift model first")
    grid = density_grid(catalog.schema.field(DENSITY), str(catalog.path))
    qp = _qp()
    names = ["object_id", *(name for name in _POINTS if name in catalog.schema.names)]
    table = catalog.read([*names, DENSITY], where=where, split=split, part=part)
    there = table.filter(table[DENSITY].is_valid())
    if not len(there):
        raise BadInputError(f"no row of {catalog.path} that fits the selection has a density; nothing was written")
    densities = there[DENSITY].combine_chunks()
    values = densities.flatten().to_numpy(zero_copy_only=False).astype(np.float64).reshape(len(there), len(grid))
    ancil: dict[str, Any] = {"object_id": np.asarray(there["object_id"].to_pylist())}
    ancil |= {name: number_values(there[name], np.float64) for name in names[1:]}
    if "z_mode" in ancil:
        ancil["zmode"] = ancil["z_mode"]
    with warnings.catch_warnings():
        # What qp's own parts say of each other's versions is nothing that a user could act on.
        warnings.simplefilter("ignore")
        ensemble = qp.Ensemble(qp.interp, data={"xvals": grid, "yvals": values}, ancil=ancil)
        with atomic_write(path) as temporary:
            ensemble.write_to(str(temporary))
    return Export(path, len(there), (DENSITY, *ancil), (), rows_left_out=len(table) - len(there))


def _qp() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import h5py  # noqa: F401  # qp asks for it only when it writes
            import qp
    except ImportError as error:
        raise ConfigurationError("exporting a qp ensemble needs qp; pip install 'asterism[photoz]'") from error
    return qp
