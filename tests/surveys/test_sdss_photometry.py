"""Photometry of spectrum files: observed, absent and corrupt."""

import numpy as np

from asterism.surveys.sdss_photometry import file_has_photometry, sdss_photometry, sdss_photometry_fields


def test_bands_without_weight_are_not_observed_and_corrupt_ones_are_told():
    told = []
    row = {"MODELFLUX": [1.0, np.nan, -9.0, 2.0, 3.0], "MODELFLUX_IVAR": [1.0, 1.0, 1.0, -1.0, np.inf]}
    found = sdss_photometry(row, told)
    assert np.array_equal(found["photometry_sdss_flux"], [1.0, np.nan, np.nan, np.nan, np.nan], equal_nan=True)
    assert found["photometry_sdss_ivar"].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert len(told) == 1
    assert "r is corrupt" in told[0]
    assert set(found) <= {field.name for field in sdss_photometry_fields()}


def test_without_columns_or_bands_there_is_none():
    assert sdss_photometry({}, []) == {}
    assert sdss_photometry({"MODELFLUX": [0.0] * 5, "MODELFLUX_IVAR": [0.0] * 5}, []) == {}
    assert sdss_photometry({"MODELFLUX": [1.0] * 3, "MODELFLUX_IVAR": [1.0] * 3}, []) == {}


def test_a_file_tells_by_its_columns(tmp_path):
    (tmp_path / "a").write_bytes(b"TTYPE1  = 'MODELFLUX'")
    (tmp_path / "b").write_bytes(b"TTYPE1  = 'FLUX'")
    (tmp_path / "c").write_bytes(b"\x1f\x8b packed")
    assert [file_has_photometry(tmp_path / name) for name in "abc"] == [True, False, True]
