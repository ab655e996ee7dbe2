"""Rows of a simulated catalog."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import groups
from asterism.catalogs.validate import validate
from asterism.errors import ConfigurationError
from asterism.simulate.imaging.pointing import stamp_wcs
from asterism.simulate.recipe import Recipe
from asterism.simulate.rows import simulated_fields
from asterism.simulate.sky import simulate_block


@pytest.fixture(scope="module")
def block():
    return simulate_block(Recipe.of("sdss-spectro", 3), 0, 40)


def values(table, name):
    return np.array(table[name].combine_chunks().flatten()).reshape(len(table), -1)


def test_the_schema_is_the_contracts(block):
    schema = pa.schema(simulated_fields("sdss-spectro"))
    assert block.schema.equals(schema)
    found = groups(schema)
    assert set(found) == {"photometry_sdss", "image_sdss"}
    assert found["photometry_sdss"].dereddened is False
    assert found["photometry_sdss"].zero_point == found["image_sdss"].zero_point == "sdss"
    assert found["image_sdss"].shape == (5, 32, 32)
    assert found["image_sdss"].pixel_scale == 0.396


def test_rows_are_lawful(block):
    validate(block, "a simulated block")
    assert (values(block, "photometry_sdss_ivar") > 0).all()
    assert block["object_id"].to_pylist() == block["source_id"].to_pylist()
    assert set(block["label_warning"].to_pylist()) == {0}
    assert set(block["label_source"].to_pylist()) == {"simulated"}


def test_truth_stands_apart(block):
    truth = [name for name in block.column_names if name.startswith("truth_")]
    assert len(truth) > 10
    flux, true = values(block, "photometry_sdss_flux"), values(block, "truth_flux")
    assert not np.isin(flux, true).any()
    assert np.median(np.abs(flux / true - 1)[:, 2]) < 0.2
    redshift, truth_redshift = np.array(block["redshift"]), np.array(block["truth_redshift"])
    error = np.array(block["redshift_err"])
    assert (np.abs(redshift - truth_redshift) < 6 * error).all()


def test_extinction_is_a_map_s_and_not_the_truth(block):
    published = values(block, "photometry_sdss_extinction")[:, 2] / 2.285
    true = np.array(block["truth_ebv"])
    ratio = published / true
    assert np.median(ratio) == pytest.approx(1, abs=0.12)
    assert 0.05 < ratio.std() < 0.3


def test_the_survey_decides_on_camera_and_stamps():
    legacy = groups(pa.schema(simulated_fields("desi-main")))
    assert set(legacy) == {"photometry_legacy", "image_legacy"}
    assert legacy["image_legacy"].shape == (3, 152, 152)
    assert legacy["image_legacy"].pixel_scale == 0.262
    assert legacy["photometry_legacy"].zero_point == "ab"
    assert groups(pa.schema(simulated_fields("sdss-compact", stamp=64)))["image_sdss"].shape == (5, 64, 64)
    assert set(groups(pa.schema(simulated_fields("sdss-compact", ("photometry",))))) == {"photometry_sdss"}
    with pytest.raises(ConfigurationError, match="32 or 64"):
        simulated_fields("sdss-compact", stamp=100)
    with pytest.raises(ConfigurationError, match="did you mean 'image'"):
        simulated_fields("sdss-compact", ("images",))


def test_stamps_can_be_placed_on_the_sky(block):
    row = 3
    place = {name: block[f"image_sdss_{name}"][row].as_py() for name in ("ra", "dec", "rotation")}
    wcs = stamp_wcs(place["ra"], place["dec"], place["rotation"], 0.396, 32)
    x, y = wcs.all_world2pix(block["ra"][row].as_py(), block["dec"][row].as_py(), 0)
    true = np.array(block["truth_offset"][row].as_py()) + 15.5
    # The catalogued position has its own error, of 0.05 arcsec.
    assert np.hypot(x - true[0], y - true[1]) < 6 * 0.05 / 0.396
