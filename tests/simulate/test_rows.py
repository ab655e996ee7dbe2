"""Rows of a simulated catalog."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.schema import groups
from asterism.catalogs.validate import validate
from asterism.simulate.rows import simulated_fields
from asterism.simulate.sky import simulate_block


@pytest.fixture(scope="module")
def block():
    return simulate_block("sdss-spectro", 3, 0, 40)


def values(table, name):
    return np.array(table[name].combine_chunks().flatten()).reshape(len(table), -1)


def test_the_schema_is_the_contracts(block):
    schema = pa.schema(simulated_fields())
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
