import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from asterism.errors import BadInputError, ConfigurationError, OutputError
from asterism.surveys.images import find_files, ingest_images

BANDS = ("u", "g", "r", "i", "z")


@pytest.fixture
def sky(make_sky):
    return make_sky(rows=30, image=False, rows_per_partition=12)


def stamp(file, value=0.0, size=16, sigma=0.1, ivar=None, scale=0.396, **keys):
    file.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng(3)
    data = rng.normal(value, sigma, (size, size)).astype(np.float32)
    header = fits.Header({"BUNIT": "nanomaggy", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    header.update({"CRPIX1": (size + 1) / 2, "CRPIX2": (size + 1) / 2, "CRVAL1": 10.0, "CRVAL2": 80.0})
    header.update({"CD1_1": -scale / 3600, "CD2_2": scale / 3600})
    header.update(keys)
    hdus = [fits.PrimaryHDU(data, header)]
    if ivar is not None:
        hdus.append(fits.ImageHDU(np.full((size, size), ivar, np.float32), name="IVAR"))
    fits.HDUList(hdus).writeto(file)
    return data


def cube(catalog, name, quantity="flux"):
    group = catalog.groups["image_sdss"]
    table = catalog.read(["object_id", f"image_sdss_{quantity}"])
    row = table["object_id"].to_pylist().index(name)
    value = table[f"image_sdss_{quantity}"][row].as_py()
    return None if value is None else np.array(value).reshape((-1, *group.shape[1:]) if quantity != "psf_fwhm" else -1)


def reasons(catalog):
    return {line["file"]: line["reason"] for line in pq.read_table(catalog.path / "quarantine.parquet").to_pylist()}


def test_by_name_in_any_order(tmp_path, sky):
    ids = sky.read(["object_id"])["object_id"].to_pylist()
    stamps = tmp_path / "stamps"
    files = [f"{ids[0]}-r.fits", f"g_{ids[1]}.fits", f"stamp.{ids[2]}.fits"]
    data = {
        f: stamp(stamps / f, ivar=25.0, PSF_FWHM=1.2, **({"BAND": "i"} if k == 2 else {})) for k, f in enumerate(files)
    }
    data["x"] = stamp(stamps / "x.fits", ivar=25.0, OBJID=ids[3], FILTER="SDSS z")
    steps = []
    made = ingest_images([stamps], sky, tmp_path / "out", progress=lambda *a: steps.append(a))
    assert made.parent is not None
    group = made.groups["image_sdss"]
    assert (group.bands, group.shape, group.pixel_scale) == (BANDS, (5, 16, 16), pytest.approx(0.396))
    assert group.meta("ivar_source") == "measured"
    for name, band, key in [(ids[0], 2, files[0]), (ids[1], 1, files[1]), (ids[2], 3, files[2]), (ids[3], 4, "x")]:
        flux, ivar = cube(made, name), cube(made, name, "ivar")
        np.testing.assert_array_equal(flux[band], data[key])
        assert (ivar[band] == 25).all()
        others = [b for b in range(5) if b != band]
        assert np.isnan(flux[others]).all()
        assert (ivar[others] == 0).all()
    assert cube(made, ids[0], "psf_fwhm")[2] == pytest.approx(1.2)
    assert cube(made, ids[4]) is None
    assert made.read()["image_sdss_flux"].null_count == len(sky) - 4
    assert steps[-1] == (8, 8)
    assert ingest_images([stamps], sky, tmp_path / "out").fingerprint == made.fingerprint


def test_by_position_within_the_radius(tmp_path, sky):
    table = sky.read(["object_id", "ra", "dec"]).to_pylist()
    near, far = table[0], table[1]
    a = stamp(tmp_path / "s" / "a.fits", BAND="r", CRVAL1=near["ra"], CRVAL2=near["dec"] + 0.8 / 3600)
    stamp(tmp_path / "s" / "b.fits", BAND="r", CRVAL1=far["ra"], CRVAL2=far["dec"] + 1.5 / 3600)
    made = ingest_images([tmp_path / "s"], sky, tmp_path / "out")
    np.testing.assert_array_equal(cube(made, near["object_id"])[2], a)
    assert "within 1 arcsec" in reasons(made)["b.fits"]
    assert made.groups["image_sdss"].meta("ivar_source") == "sky"
    assert np.allclose(cube(made, near["object_id"], "ivar")[2], 100.0, rtol=0.6)
    wider = ingest_images([tmp_path / "s"], sky, tmp_path / "wide", radius=2.0)
    assert cube(wider, far["object_id"]) is not None


def test_a_pattern(tmp_path, sky):
    ids = sky.read(["object_id"])["object_id"].to_pylist()
    stamp(tmp_path / "s" / f"cut_{ids[0]}_g.fits")
    stamp(tmp_path / "s" / f"{ids[1]}_g.fits")
    made = ingest_images([tmp_path / "s"], sky, tmp_path / "out", pattern="cut_{object_id}_{band}.fits")
    assert cube(made, ids[0]) is not None
    assert cube(made, ids[1]) is None
    assert "pattern" in reasons(made)[f"{ids[1]}_g.fits"]
    with pytest.raises(ConfigurationError, match="must hold {object_id} once"):
        ingest_images([tmp_path / "s"], sky, tmp_path / "out2", pattern="{id}.fits")


def test_bad_files_do_not_stop_good_ones(tmp_path, sky):
    ids = sky.read(["object_id"])["object_id"].to_pylist()
    s = tmp_path / "s"
    stamp(s / f"{ids[0]}-r.fits")
    stamp(s / f"{ids[0]}_r.fits")  # a second one
    stamp(s / f"{ids[1]}-r.fits", scale=0.5)
    stamp(s / f"{ids[2]}-r.fits", size=20)
    stamp(s / f"{ids[3]}.fits")  # no band
    stamp(s / f"{ids[4]}-r.fits", BUNIT="seconds")
    stamp(s / f"{ids[5]}-r.fits", value=1.0, sigma=0.0)
    (s / "zz.fits").write_bytes((s / f"{ids[0]}-r.fits").read_bytes()[:3000])
    made = ingest_images([s], sky, tmp_path / "out")
    told = reasons(made)
    assert "has a r image already" in told[f"{ids[0]}_r.fits"]
    assert "its pixels are 0.5 arcsec" in told[f"{ids[1]}-r.fits"]
    assert "give --size" in told[f"{ids[2]}-r.fits"]
    assert "its band is unknown" in told[f"{ids[3]}.fits"]
    assert "seconds" in told[f"{ids[4]}-r.fits"]
    assert "no sky" in told[f"{ids[5]}-r.fits"]
    assert "zz.fits" in told
    assert made.read()["image_sdss_flux"].null_count == len(sky) - 1


@pytest.mark.parametrize(("have", "want"), [(16, 10), (16, 21), (15, 10), (15, 21), (9, 9)])
def test_cut_and_pad_keep_the_middle(tmp_path, sky, have, want):
    name = sky.read(["object_id"])["object_id"][0].as_py()
    data = stamp(tmp_path / "s" / f"{name}-r.fits", size=have, ivar=1.0)
    made = ingest_images([tmp_path / "s"], sky, tmp_path / "out", size=want)
    flux, ivar = cube(made, name)[2], cube(made, name, "ivar")[2]
    assert flux.shape == (want, want)
    assert flux[want // 2, want // 2] == data[have // 2, have // 2]
    assert ((ivar > 0).sum()) == min(have, want) ** 2
    assert (np.isnan(flux) == (ivar == 0)).all()


def test_what_can_not_be_done(tmp_path, sky):
    with pytest.raises(BadInputError, match="does not exist"):
        find_files([tmp_path / "nothing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="no FITS file"):
        find_files([tmp_path / "empty"])
    stamp(tmp_path / "s" / "lost-r.fits")
    with pytest.raises(BadInputError, match="no image can be used; of most is said: .it belongs to no object"):
        ingest_images([tmp_path / "s"], sky, tmp_path / "out")
    with pytest.raises(ConfigurationError, match="--bands"):
        ingest_images([tmp_path / "s"], sky, tmp_path / "out", survey="mine")
    with pytest.raises(ConfigurationError, match="must be positive"):
        ingest_images([tmp_path / "s"], sky, tmp_path / "out", radius=0)
    name = sky.read(["object_id"])["object_id"][0].as_py()
    stamp(tmp_path / "s" / f"{name}-r.fits")
    with pytest.raises(OutputError):
        ingest_images([tmp_path / "s"], sky, sky.path)
    assert not (tmp_path / "out").exists()


def test_an_unplaced_catalog_finds_by_name(tmp_path, make_sky):
    catalog = make_sky(rows=12, placed=False, image=False)
    name = catalog.read(["object_id"])["object_id"][0].as_py()
    stamp(tmp_path / "s" / f"{name}-r.fits")
    stamp(tmp_path / "s" / "other-r.fits")
    made = ingest_images([tmp_path / "s"], catalog.path, tmp_path / "out")
    assert cube(made, name) is not None
    assert "the catalog has no positions" in reasons(made)["other-r.fits"]
