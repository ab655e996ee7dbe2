"""Tractor tables: documented columns, rows that are left out and counted, what is undefined stays unknown."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.doors import Part, ingest_files
from asterism.surveys.legacy import LegacyDoor
from asterism.surveys.tractor import BANDS, is_tractor, read_tractor

TYPES = ["PSF", "REX", "DEV", "EXP", "SER", "DUP", "PSF", "EXP"]


def write_tractor(path, upper=False, bands="grz", **changes):
    n = len(TYPES)
    rng = np.random.default_rng(4)
    values = {
        "release": np.full(n, 9010, np.int16), "brickid": np.full(n, 330368, np.int32), "brickname": np.full(n, "0001m002"),
        "objid": np.arange(n, dtype=np.int32), "brick_primary": np.array([True] * (n - 1) + [False]), "maskbits": np.arange(n, dtype=np.int16),
        "type": np.array(TYPES), "ra": 0.1 + 0.001 * np.arange(n), "dec": np.full(n, -0.25), "ebv": np.full(n, 0.03, np.float32),
        "mjd_min": np.full(n, 57000.0), "mjd_max": np.full(n, 58000.0), "shape_r": np.array([0, 1.5, 2, 0.7, 3, 0, 0, 1], np.float32),
        "parallax": np.full(n, 0.4, np.float32), "parallax_ivar": np.array([4.0] + [0.0] * (n - 1), np.float32),
        "pmra": np.full(n, 3.0, np.float32), "pmra_ivar": np.full(n, 25.0, np.float32),
    }  # fmt: skip
    for band in (*bands, "w1", "w2"):
        values[f"flux_{band}"] = rng.uniform(1, 50, n).astype(np.float32)
        values[f"flux_ivar_{band}"] = np.full(n, 16.0, np.float32)
        values[f"mw_transmission_{band}"] = np.full(n, 0.9, np.float32)
        if band in bands:
            values[f"psfsize_{band}"] = np.full(n, 1.3, np.float32)
    values |= changes
    formats = {"b": "L", "i": "", "u": ""}
    columns = []
    for name, array in values.items():
        array = np.asarray(array)
        code = {"U": f"{array.dtype.itemsize // 4}A", "b": "L"}.get(array.dtype.kind) or fits.column.NUMPY2FITS[
            array.dtype.str[1:]
        ]
        columns.append(fits.Column(name.upper() if upper else name, code, array=array))
    assert formats
    fits.BinTableHDU.from_columns(columns).writeto(path)
    return values


def test_rows_and_what_is_left_out(tmp_path):
    path = tmp_path / "tractor-0001m002.fits"
    values = write_tractor(path)
    catalog = ingest_files(LegacyDoor(), [path], tmp_path / "out", workers=1)
    table = catalog.read()
    assert sorted(table["object_id"].to_pylist()) == [f"9010-330368-{k}" for k in (0, 1, 2, 3, 4, 6)]
    reasons = [line["reason"] for line in catalog.quarantine().to_pylist()]
    assert any(reason.startswith("1 rows of type DUP") for reason in reasons)
    assert any(reason.startswith("1 rows are not brick_primary") for reason in reasons)
    row = {
        name: table[name][table["object_id"].to_pylist().index("9010-330368-1")].as_py() for name in table.column_names
    }
    flux, ivar = (np.array(row[f"photometry_legacy_{q}"]) for q in ("flux", "ivar"))
    for k, band in enumerate(BANDS):
        if band == "i":
            assert np.isnan(flux[k])
            assert ivar[k] == 0
        else:
            assert flux[k] == values[f"flux_{band.lower()}"][1]
            assert ivar[k] == 16.0
    assert row["photometry_legacy_extinction"][0] == pytest.approx(-2.5 * np.log10(0.9), rel=1e-5)
    assert row["photometry_legacy_radius"][1] == 1.5
    assert row["photometry_legacy_psf_fwhm"][:2] == pytest.approx([1.3, 1.3])
    assert np.isnan(row["photometry_legacy_psf_fwhm"][4])
    assert (row["release"], row["mjd"], row["photometry_legacy_flags"]) == ("dr9", 57500.0, 1)
    assert row["photometry_legacy_psf_probability"] == 0.0
    group = catalog.groups["photometry_legacy"]
    assert (group.bands, group.zero_point, group.dereddened) == (BANDS, "ab", False)


def test_points_have_no_radius_and_gaia_where_it_is(tmp_path):
    path = tmp_path / "tractor-0001m002.fits"
    write_tractor(path)
    rows = {seen.row: seen.values for seen in read_tractor(Part(path)) if seen.values}
    assert np.isnan(rows[0]["photometry_legacy_radius"]).all()
    assert rows[0]["photometry_legacy_psf_probability"] == 1.0
    assert rows[0]["parallax_err"] == 0.5
    assert "parallax" not in rows[1]
    assert (rows[1]["pm_ra"], rows[1]["pm_ra_err"]) == (3.0, pytest.approx(0.2))


def test_sweeps_and_other_releases(tmp_path):
    path = tmp_path / "sweep-000m005-010p000.fits"
    values = write_tractor(path, upper=True, bands="griz")
    for name in ("brick_primary",):
        with fits.open(path) as hdus:
            hdus[1].columns.del_col(name.upper())
            hdus.writeto(path, overwrite=True)
    rows = [seen for seen in read_tractor(Part(path)) if seen.values]
    assert len(rows) == 7
    assert rows[0].values["photometry_legacy_flux"][2] == values["flux_i"][0]
    assert is_tractor(path)
    assert not is_tractor(tmp_path / "cutout_1.0_2.0.fits")


def test_what_no_measurement_can_be(tmp_path):
    path = tmp_path / "tractor-0001m002.fits"
    flux = np.full(len(TYPES), 5.0, np.float32)
    flux[0], flux[1] = -30.0, np.nan
    write_tractor(path, flux_g=flux)
    seen = {one.row: one for one in read_tractor(Part(path))}
    assert seen[0].complaints == ("g below -5 standard deviations: not observed",)
    for row in (0, 1):
        assert np.isnan(seen[row].values["photometry_legacy_flux"][0])
        assert seen[row].values["photometry_legacy_ivar"][0] == 0
    assert not seen[1].complaints


def test_damage_is_one_sentence(tmp_path):
    path = tmp_path / "tractor-0001m002.fits"
    fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])]).writeto(path)
    with pytest.raises(BadInputError, match="no table with a column brickid"):
        list(read_tractor(Part(path)))
    path.unlink()
    write_tractor(path)
    path.write_bytes(path.read_bytes()[:-2500])
    with pytest.raises(BadInputError, match="truncated|more than the file"):
        list(read_tractor(Part(path)))
