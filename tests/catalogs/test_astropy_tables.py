"""Arrow tables as astropy tables and back: units, shapes, masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.utils.masked import Masked

from asterism.catalogs.astropy_tables import as_unit, from_astropy, shape_of, to_qtable
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.schema import make_field, photometry_fields, prediction_fields
from asterism.errors import BadInputError


@pytest.mark.parametrize("placed", [True, False])
def test_there_and_back_again(make_rows: Callable[..., pa.Table], placed: bool) -> None:
    rows = make_rows(placed=placed)
    table = to_qtable(rows)
    assert isinstance(table, QTable)
    again = from_astropy(table, list(rows.schema))
    assert content_hash(again) == content_hash(rows)
    assert again.schema.equals(rows.schema, check_metadata=True)
    empty = from_astropy(to_qtable(rows.slice(0, 0)), list(rows.schema))
    assert content_hash(empty) == content_hash(rows.slice(0, 0))


def test_units_masks_and_descriptions(make_rows: Callable[..., pa.Table]) -> None:
    table = to_qtable(make_rows(rows=20))
    flux = table["photometry_sdss_flux"]
    assert isinstance(flux, Masked)
    assert flux.unit == as_unit("nanomaggy")
    assert flux.mask[7].all()
    assert not flux.mask[3].any()
    assert np.isnan(flux[3, 0])
    assert table["ra"].unit == u.deg
    assert not isinstance(table["ra"], Masked)
    assert isinstance(table["class"], MaskedColumn)
    assert table["ra"].info.description == "Right ascension, ICRS"
    assert table["image_sdss_flux"].info.meta["bands"] == "u,g,r,i,z"
    assert table["image_sdss_flux"].shape == (20, 5, 8, 8)


def test_lists_of_names_are_joined() -> None:
    fields = [f for f in prediction_fields("classification") if f.name in ("class_set", "in_domain")]
    rows = pa.table([pa.array([["STAR", "QSO"], None, []]), pa.array([True, None, False])], schema=pa.schema(fields))
    table = to_qtable(rows)
    assert table["class_set"][0] == "STAR,QSO"
    assert table["class_set"].mask.tolist() == [False, True, False]
    assert content_hash(from_astropy(table, fields)) == content_hash(rows)


def test_other_units_are_converted_and_foreign_ones_refused() -> None:
    ra, mag = make_field("ra", pa.float64(), "deg"), make_field("photometry_sdss_extinction", pa.float32(), "mag")
    table = QTable({"ra": [1.0, 2.0] * u.hourangle, "photometry_sdss_extinction": Column([0.1, 0.2])})
    found = from_astropy(table, [ra, mag])
    np.testing.assert_allclose(found["ra"].to_numpy(), [15.0, 30.0])
    np.testing.assert_allclose(found["photometry_sdss_extinction"].to_numpy(), [0.1, 0.2], rtol=1e-6)
    plain = Table({"ra": Column([60.0], unit="arcmin")})
    assert from_astropy(plain, [ra])["ra"].to_pylist() == [1.0]
    with pytest.raises(BadInputError, match="column 'ra' of a table is in kg, and deg is needed"):
        from_astropy(QTable({"ra": [1.0] * u.kg}), [ra], "a table")


def test_shapes_and_types_that_do_not_fit_are_refused() -> None:
    flux, _ = photometry_fields("sdss", "ugr", dereddened=False, zero_point="sdss")
    assert shape_of(flux) == (3,)
    with pytest.raises(BadInputError, match="has 2 values per row, not 3"):
        from_astropy(Table({flux.name: np.ones((4, 2))}), [flux])
    with pytest.raises(BadInputError, match="can't become float"):
        from_astropy(Table({"redshift": ["a", "b"]}), [make_field("redshift", pa.float32())])


def test_bytes_and_other_byte_orders_are_read() -> None:
    table = Table({"class": np.array([b"STAR", b"QSO"]), "redshift": np.array([0.5, 1.5], ">f4")})
    found = from_astropy(table, [make_field("class", pa.string()), make_field("redshift", pa.float32())])
    assert found.to_pydict() == {"class": ["STAR", "QSO"], "redshift": [0.5, 1.5]}
