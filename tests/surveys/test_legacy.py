"""Cutouts of the Legacy Surveys into a catalog, beside Tractor's tables; bands that lack; what differs from the first file."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.legacy_images import file_name, write_cutout
from asterism.surveys.legacy import LegacyDoor

SIDE = 20


def cutout(folder, ra, dec, bands="grz", side=SIDE, invvar=True, **more):
    rng = np.random.default_rng(round(ra * 100))
    flux = rng.normal(0.0, 0.1, (len(bands), side, side)).astype(np.float32)
    ivar = np.full(flux.shape, 100.0, np.float32)
    ivar[:, 0, 0] = 0.0
    path = write_cutout(folder, flux, ivar, bands, ra, dec, more.pop("cards", {}), **more)
    if not invvar:
        with fits.open(path) as hdus:
            fits.HDUList(hdus[:1]).writeto(path, overwrite=True)
    return flux


def cubes(catalog, quantity="flux"):
    shape = catalog.groups["image_legacy"].shape
    table = catalog.read(["object_id", f"image_legacy_{quantity}"]).to_pylist()
    return {row["object_id"]: np.array(row[f"image_legacy_{quantity}"]).reshape(shape) for row in table}


def test_cutouts(tmp_path):
    north, south = (
        cutout(tmp_path / "c", 150.0, 60.0),
        cutout(tmp_path / "c", 151.0, -5.0, "griz", cards={"OBJID": 17, "VERSION": "DR10"}),
    )
    catalog = ingest_files(LegacyDoor(), [tmp_path / "c"], tmp_path / "out", workers=1)
    first = file_name(150.0, 60.0).removesuffix(".fits")
    flux, ivar = cubes(catalog), cubes(catalog, "ivar")
    assert set(flux) == {first, "17"}
    # No i band in the north: not observed.
    assert np.isnan(flux[first][2]).all()
    assert (ivar[first][2] == 0).all()
    good = np.ones((SIDE, SIDE), bool)
    good[0, 0] = False
    assert np.array_equal(flux[first][[0, 1, 3]][:, good], north[:, good])
    assert np.isnan(flux[first][:, 0, 0]).all()
    assert np.array_equal(flux["17"][:, good], south[:, good])
    table = catalog.read(["object_id", "ra", "dec", "release"]).to_pylist()
    by_name = {row["object_id"]: row for row in table}
    assert by_name[first]["ra"] == pytest.approx(150.0, abs=1e-9)
    assert by_name[first]["dec"] == pytest.approx(60.0, abs=1e-9)
    assert by_name["17"]["release"] == "DR10"
    group = catalog.groups["image_legacy"]
    assert (group.bands, group.shape, group.pixel_scale) == (
        ("g", "r", "i", "z"),
        (4, SIDE, SIDE),
        pytest.approx(0.262),
    )
    assert group.meta("ivar_source") == "measured"


def test_what_differs_from_the_first(tmp_path):
    cutout(tmp_path / "c", 150.0, 0.0)
    cutout(tmp_path / "c", 151.0, 0.0, side=24)
    cutout(tmp_path / "c", 152.0, 0.0, pixel_scale=0.5)
    cutout(tmp_path / "c", 153.0, 0.0, invvar=False)
    (tmp_path / "c" / "cutout_154.fits").write_bytes(b"no such image")
    (tmp_path / "c" / "legacysurvey-0001m002-image-r.fits.fz").write_bytes(b"")
    catalog = ingest_files(LegacyDoor(), [tmp_path / "c"], tmp_path / "out", workers=1)
    assert len(catalog) == 1
    told = {line["file"]: line["reason"] for line in catalog.quarantine().to_pylist()}
    assert "give --size" in told[file_name(151.0, 0.0)]
    assert "0.5 arcsec" in told[file_name(152.0, 0.0)]
    assert "no inverse variance" in told[file_name(153.0, 0.0)]
    assert "FITS" in told["cutout_154.fits"]
    assert "--frames" in told["legacysurvey-0001m002-image-r.fits.fz"]
    sized = ingest_files(LegacyDoor(16), [tmp_path / "c"], tmp_path / "sized", workers=1)
    assert len(sized) == 2
    whole = cubes(catalog)[file_name(150.0, 0.0).removesuffix(".fits")]
    assert np.array_equal(cubes(sized)[file_name(150.0, 0.0).removesuffix(".fits")][0], whole[0, 2:18, 2:18])


def test_without_inverse_variance_the_sky_tells_it(tmp_path):
    cutout(tmp_path / "c", 150.0, 0.0, invvar=False, side=40)
    catalog = ingest_files(LegacyDoor(), [tmp_path / "c"], tmp_path / "out", workers=1)
    assert catalog.groups["image_legacy"].meta("ivar_source") == "sky"
    assert np.median(next(iter(cubes(catalog, "ivar").values()))[0]) == pytest.approx(100.0, rel=0.3)


def test_cutouts_and_tables_together(tmp_path):
    from asterism.catalogs.sources import SAME_SOURCE_ARCSEC

    cutout(tmp_path / "c", 10.0, 0.0)
    columns = {
        "release": ("I", [9010]), "brickid": ("J", [5]), "objid": ("J", [7]), "type": ("3A", ["PSF"]), "ra": ("D", [10.0]),
        "dec": ("D", [0.5 * SAME_SOURCE_ARCSEC / 3600]), "flux_g": ("E", [3.0]), "flux_ivar_g": ("E", [4.0]),
    }  # fmt: skip
    fits.BinTableHDU.from_columns([fits.Column(n, f, array=a) for n, (f, a) in columns.items()]).writeto(
        tmp_path / "c" / "tractor-0100p000.fits"
    )
    catalog = ingest_files(LegacyDoor(), [tmp_path / "c"], tmp_path / "out", workers=1)
    table = catalog.read(["object_id", "source_id", "image_legacy_flux", "photometry_legacy_flux"]).to_pylist()
    assert len(table) == 2
    assert len({row["source_id"] for row in table}) == 1
    assert sum(row["image_legacy_flux"] is None for row in table) == 1
    assert sum(row["photometry_legacy_flux"] is None for row in table) == 1


def test_refusals(tmp_path):
    (tmp_path / "a.fits").write_bytes(b"x")
    with pytest.raises(BadInputError, match="none of 1 files is a cutout"):
        LegacyDoor().plan([tmp_path / "a.fits"])
    with pytest.raises(BadInputError, match="neither|none of 1 files"):
        LegacyDoor().plan([tmp_path / "legacysurvey-0001m002-image-r.fits.fz"])
    with pytest.raises(ConfigurationError, match="positive"):
        LegacyDoor(0).plan([tmp_path / "a.fits"])
    flux = np.zeros((2, 8, 8), np.float32)
    path = write_cutout(tmp_path, flux, flux, ("g", "x"), 1.0, 1.0, {})
    with pytest.raises(BadInputError, match="bands are gx"):
        LegacyDoor().plan([path])


def test_what_the_simulator_writes_comes_back(tmp_path):
    from asterism.simulate.sky import simulate

    made = simulate(
        8, tmp_path / "sim", survey="desi-main", modalities=("photometry", "image"), seed=4, stamp=64, as_survey=tmp_path / "files",
        workers=1,
    )  # fmt: skip
    catalog = ingest_files(LegacyDoor(), [tmp_path / "files"], tmp_path / "out", workers=1)
    truth = {row["object_id"]: row for row in made.read(["object_id", "ra", "dec", "image_legacy_flux"]).to_pylist()}
    found, places = cubes(catalog), catalog.read(["object_id", "ra", "dec"]).to_pylist()
    assert set(found) == set(truth)
    for row in places:
        expected = np.array(truth[row["object_id"]]["image_legacy_flux"]).reshape(3, 64, 64)
        assert np.array_equal(found[row["object_id"]][[0, 1, 3]], expected)
        assert abs(row["dec"] - truth[row["object_id"]]["dec"]) < 1.0 / 3600
