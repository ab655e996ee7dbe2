"""From a page of raw cells to rows of a catalog: identity, labels, photometry, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asterism.catalogs.fingerprint import row_hashes
from asterism.catalogs.schema import CLASSES, identity_fields, label_fields
from asterism.errors import BadInputError
from asterism.surveys.tables.dust import DustMap
from asterism.surveys.tables.photometry import PhotometryDoor
from asterism.surveys.tables.table_cells import integers, mjd_days, numbers, texts
from asterism.surveys.tables.table_files import MappedTable
from asterism.surveys.tables.table_map import TableMap
from asterism.surveys.tables.table_page import Complain, Page
from asterism.surveys.tables.table_units import factor

__all__ = ["RowMaker", "fixed_lists", "with_null_as_nan"]

# Quantities of a photometry group and the unit that a catalog has them in.
_UNITS = {"extinction": "mag", "psf_fwhm": "arcsec", "radius": "arcsec"}


def fixed_lists(values: np.ndarray) -> pa.FixedSizeListArray:
    """Rows of an array (n, ...) as an Arrow fixed-size list of float32, flattened in C order."""
    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(len(values), -1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])


def with_null_as_nan(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Numbers as a nullable Arrow column: NaN becomes null."""
    return pa.array(values, kind, mask=np.isnan(values))


class RowMaker:
    """Makes rows of a catalog from pages of one table after another.

    Parameters
    ----------
    table_map : TableMap
        Which column is what.
    dust : DustMap, optional
        Gives E(B-V) at each row's position.
    provenance : str
        Where the numbers come from, for the metadata.

    Attributes
    ----------
    placed : bool
        Whether rows have positions.
    fields : list of pyarrow.Field
        The catalog's columns.
    columns : list of str
        The table's columns that are read.
    """

    def __init__(self, table_map: TableMap, dust: DustMap | None = None, provenance: str = "") -> None:
        self._map = table_map
        self._dust = dust
        self.placed = table_map.identity.ra is not None
        self._doors = [
            PhotometryDoor.open(group, table_map.group_survey(group), dust is not None)
            for group in table_map.photometry
        ]
        self.columns = list(dict.fromkeys([*table_map.text_columns(), *table_map.numeric_columns()]))
        labels = table_map.labels
        kept = {
            "class": labels.class_ or labels.class_of_all,
            "subclass": labels.subclass,
            "redshift": labels.redshift,
            "redshift_err": labels.redshift_err,
            "label_source": labels.label_source,
            "label_warning": labels.label_warning,
        }
        self.fields = [
            field
            for field in identity_fields(self.placed)
            if (field.name != "mjd" or table_map.identity.mjd) and (field.name != "release" or table_map.release)
        ]
        self.fields += label_fields([name for name, there in kept.items() if there])
        for door in self._doors:
            self.fields += door.fields(provenance)
        # Set by the first page of each table; see `begin`.
        self._factors: dict[str, float] = {}

    def begin(self, table: MappedTable) -> None:
        """Turn to a table: check its columns and the units it gives for them.

        Raises
        ------
        BadInputError
            A column is missing, or its unit contradicts the map.
        """
        table.check(self.columns)
        wanted: dict[str, tuple[str, str | None]] = {}
        identity = self._map.identity
        for name in (identity.ra, identity.dec):
            if name is not None:
                wanted[name] = ("deg", None)
        for group in self._map.photometry:
            # A column of catalog units that the file leaves without unit is in the map's.
            for key, unit in (("magnitude", "mag"), ("psf_magnitude", "mag"), ("flux", "nanomaggy"), *_UNITS.items()):
                for name in group.columns(key) or ():
                    wanted[name] = (unit, group.unit if key == "flux" else None)
            for name in group.columns("error") or ():
                wanted[name] = ("mag", None) if group.magnitude is not None else ("nanomaggy", group.unit)
            for name in group.columns("ivar") or ():
                wanted[name] = ("nanomaggy-2", f"({group.unit})-2" if group.unit else None)
        self._factors = {
            name: factor(target, file=table.name, column=name, in_file=table.unit(name), in_map=in_map)
            for name, (target, in_map) in wanted.items()
        }

    def rows(self, page: Page, table: MappedTable, complain: Complain) -> tuple[pa.Table, np.ndarray]:
        """Make the rows of one page.

        Parameters
        ----------
        page : Page
            Raw cells of `columns`.
        table : MappedTable
            Where they come from; `begin` has been called with it.
        complain : callable
            Gets the row and the reason for everything that is not taken as it stands.

        Returns
        -------
        rows : pyarrow.Table
            The columns of `fields`. Rows in which nothing was observed are left out.
        numbers : ndarray of int64
            The row in the file of each.
        """
        table_map = self._map
        text = {
            name: texts(page.columns[name], name, table.name, identifier=name in self._id_columns())
            for name in table_map.text_columns()
        }
        values = {}
        for name in table_map.numeric_columns():
            cells = numbers(page.columns[name], name, table.name, page.rows, complain, table_map.missing)
            values[name] = cells * self._factors.get(name, 1.0)
        columns: dict[str, pa.Array] = {}
        columns |= self._identity(page, table, text, values, complain)
        columns |= self._labels(page, table, text, values, complain)
        observed = np.zeros(len(page.rows), dtype=bool)
        reddening = self._reddening(columns)
        for door in self._doors:
            arrays = door.arrays(values, reddening, page.rows, complain)
            observed |= (arrays["ivar"] > 0).any(axis=1)
            for quantity, array in arrays.items():
                name = f"photometry_{door.survey}_{quantity}"
                columns[name] = fixed_lists(array) if array.ndim == 2 else with_null_as_nan(array, pa.float32())
            if door.columns.flags is not None:
                columns[f"photometry_{door.survey}_flags"] = integers(
                    page.columns[door.columns.flags],
                    door.columns.flags,
                    table.name,
                    page.rows,
                    complain,
                    table_map.missing,
                )
        for k in np.flatnonzero(~observed):
            complain(int(page.rows[k]), "nothing was observed in any band: the row is left out")
        rows = pa.table([columns[field.name] for field in self.fields], schema=pa.schema(self.fields))
        return rows.filter(pa.array(observed)), page.rows[observed]

    def _id_columns(self) -> tuple[str | None, str | None]:
        return self._map.identity.object_id, self._map.identity.source_id

    def _reddening(self, columns: Mapping[str, pa.Array]) -> np.ndarray | None:
        if self._dust is None:
            return None
        ra, dec = (columns[name].fill_null(np.nan).to_numpy() for name in ("ra", "dec"))
        return self._dust.reddening(ra, dec)

    def _identity(
        self,
        page: Page,
        table: MappedTable,
        text: Mapping[str, pa.Array],
        values: Mapping[str, np.ndarray],
        complain: Complain,
    ) -> dict[str, pa.Array]:
        identity, n = self._map.identity, len(page.rows)
        # Ids that the table lacks are a hash of what it says of the object: the same with or without a dust map.
        cells = {f"text {name}": column for name, column in text.items()}
        cells |= {f"number {name}": pa.array(column + 0.0, mask=np.isnan(column)) for name, column in values.items()}
        ids = text[identity.object_id] if identity.object_id else pa.nulls(n, pa.string())
        if ids.null_count:
            ids = pc.if_else(pc.is_null(ids), pa.array(row_hashes(pa.table(cells)), pa.string()), ids)
        columns = {
            "object_id": ids,
            "source_id": text[identity.source_id] if identity.source_id else pa.nulls(n, pa.string()),
            "survey": pa.repeat(self._map.survey, n).cast(pa.string()),
        }
        if self._map.release:
            columns["release"] = pa.repeat(self._map.release.replace("{file}", table.name), n)
        if identity.ra is not None and identity.dec is not None:
            ra = values[identity.ra]
            # Some tables count from -180 to 180, or reach 360; it means the same place.
            ra = np.where((ra >= -180) & (ra < 0), ra + 360.0, ra)
            columns["ra"] = with_null_as_nan(np.where(ra == 360.0, 0.0, ra), pa.float64())
            columns["dec"] = with_null_as_nan(values[identity.dec], pa.float64())
        if identity.mjd:
            days = mjd_days(page.columns[identity.mjd], identity.mjd, table.name, page.rows, complain)
            columns["mjd"] = with_null_as_nan(days, pa.float64())
        return columns

    def _labels(
        self,
        page: Page,
        table: MappedTable,
        text: Mapping[str, pa.Array],
        values: Mapping[str, np.ndarray],
        complain: Complain,
    ) -> dict[str, pa.Array]:
        labels, n = self._map.labels, len(page.rows)
        columns: dict[str, pa.Array] = {}
        if labels.class_of_all:
            columns["class"] = pa.repeat(labels.class_of_all, n).cast(pa.string())
        elif labels.class_:
            columns["class"] = self._classes(text[labels.class_], labels.class_, table, page.rows, complain)
        if labels.subclass:
            columns["subclass"] = text[labels.subclass]
        if labels.label_source:
            columns["label_source"] = pa.repeat(labels.label_source, n).cast(pa.string())
        if labels.label_warning:
            name = labels.label_warning
            warning = integers(page.columns[name], name, table.name, page.rows, complain, self._map.missing)
            columns["label_warning"] = warning.cast(pa.int32())
        if labels.redshift:
            redshift = values[labels.redshift].copy()
            for k in np.flatnonzero(redshift <= -1):
                complain(int(page.rows[k]), f"{labels.redshift} is {redshift[k]:g}, no redshift: left out")
            redshift[redshift <= -1] = np.nan
            if labels.blank_zero_redshift and "class" in columns:
                named = pc.is_in(columns["class"], pa.array(labels.blank_zero_redshift)).to_numpy(zero_copy_only=False)
                for k in np.flatnonzero(named & (redshift == 0)):
                    name = columns["class"][int(k)].as_py()
                    complain(int(page.rows[k]), f"{labels.redshift} is exactly 0 for a {name}: left out, the row stays")
                redshift[named & (redshift == 0)] = np.nan
            columns["redshift"] = with_null_as_nan(redshift, pa.float32())
        if labels.redshift_err:
            error = values[labels.redshift_err]
            columns["redshift_err"] = with_null_as_nan(np.where(error > 0, error, np.nan), pa.float32())
        return columns

    def _classes(
        self, names: pa.Array, column: str, table: MappedTable, rows: np.ndarray, complain: Complain
    ) -> pa.Array:
        known: dict[str, str] = {name.casefold(): name for name in CLASSES}
        known |= {name.casefold(): to for name, to in self._map.labels.class_names.items()}
        found: Sequence[str | None] = names.to_pylist()
        classes = [None if name is None else known.get(name.casefold()) for name in found]
        wrong = [k for k, name in enumerate(found) if name is not None and classes[k] is None]
        if wrong and not any(classes):
            raise BadInputError(
                f"{table.name}: column {column!r} holds no class that is known (row {rows[wrong[0]]}: "
                f"{found[wrong[0]]!r}); say what its names mean under class_names in [labels] of the map"
            )
        for k in wrong:
            complain(int(rows[k]), f"class {found[k]!r} is not {', '.join(CLASSES)}: the row stays, without a class")
        return pa.array(classes, pa.string())
