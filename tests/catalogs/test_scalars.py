"""Derived scalars: magnitudes and values per band."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.bands import asinh_to_nanomaggy, band_info
from asterism.catalogs.scalars import ambiguous_magnitudes, derived_scalars, magnitudes
from asterism.catalogs.schema import photometry_fields
from asterism.errors import ConfigurationError

SDSS = photometry_fields("sdss", "ugriz", ("flux", "ivar", "radius"), dereddened=False, zero_point="sdss")
LEGACY = photometry_fields("legacy", "grz", dereddened=False, zero_point="ab")


def rows(fields, **values):
    arrays = [pa.array(values[f.name.split("_")[-1]], f.type) for f in fields]
    return pa.table(arrays, schema=pa.schema(fields))


def test_sdss_magnitudes_are_asinh_and_survive_negative_flux():
    mags = np.array([14.0, 20.0, 24.9])
    flux, _ = asinh_to_nanomaggy(mags, None, band_info("sdss", "r").softening)
    table = rows(SDSS, flux=[[1, 1, f, 1, 1] for f in flux], ivar=[[1] * 5] * 3, radius=[[1, 2, 3, 4, 5]] * 3)
    assert flux[2] < 0
    np.testing.assert_allclose(magnitudes(table, table.schema, "r"), mags, atol=1e-4)
    assert derived_scalars(table.schema)["photometry_sdss_radius_i"].evaluate(table).tolist() == [4, 4, 4]


def test_ab_magnitudes_and_gaps():
    table = rows(LEGACY, flux=[[1, 100, -1], [np.nan, 1, 1], None], ivar=[[1, 1, 1], [0, 1, 1], None])
    np.testing.assert_allclose(magnitudes(table, table.schema, "g"), [22.5, np.nan, np.nan])
    np.testing.assert_allclose(magnitudes(table, table.schema, "r"), [17.5, 22.5, np.nan])
    np.testing.assert_allclose(magnitudes(table, table.schema, "z"), [np.nan, 22.5, np.nan])


def test_a_band_of_two_surveys_must_be_named_in_full():
    schema = pa.schema([*SDSS, *LEGACY])
    names = derived_scalars(schema)
    assert "r_mag" not in names
    assert {"u_mag", "photometry_sdss_r_mag", "photometry_legacy_r_mag"} <= set(names)
    assert ambiguous_magnitudes(schema)["r_mag"] == ["photometry_sdss_r_mag", "photometry_legacy_r_mag"]
    with pytest.raises(ConfigurationError, match="'photometry_sdss_r' or 'photometry_legacy_r'"):
        magnitudes(schema.empty_table(), schema, "r")


def test_unknown_band_names_the_nearest():
    schema = pa.schema(LEGACY)
    with pytest.raises(ConfigurationError, match="did you mean 'photometry_legacy_r'"):
        magnitudes(schema.empty_table(), schema, "photometry_legac_r")
