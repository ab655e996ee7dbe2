"""`asterism ingest images`: each way of reading by its option or by the files' endings, and what excludes what."""

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.cli.main import app
from asterism.errors import ConfigurationError
from asterism.surveys.formats.sdss_frames import Field, Pointing, write_frame

RUN = CliRunner()


def run(*args):
    done = RUN.invoke(app, ["ingest", "images", *map(str, args)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def field(tmp_path, make_sky):
    sky = make_sky(rows=12, image=False)
    place = sky.read(["ra", "dec"]).to_pylist()[0]
    noise = np.random.default_rng(1).normal(0, 0.03, (80, 90)).astype(np.float32)
    y, x = np.indices(noise.shape)
    noise += 6.0 * np.exp(-0.5 * ((x - 44.5) ** 2 + (y - 39.5) ** 2) / 2.0).astype(np.float32)
    for band in "gr":
        pointing = Pointing(place["ra"], place["dec"], 0.0, 0.396)
        write_frame(tmp_path / "frames", noise, band, Field(752, 1, 22), pointing, 0.005, 150.0, {"PSF_FWHM": 1.3})
    return sky, tmp_path / "frames"


def test_stamps_from_fields(tmp_path, field):
    sky, frames = field
    done = run(
        frames, "--frames", "--to", sky.path, "--size", 20, "--edge", "shift", "--workers", 1, "--out", tmp_path / "o"
    )
    assert "12 rows" in done.output
    made = open_catalog(tmp_path / "o")
    assert made.groups["image_sdss"].shape == (5, 20, 20)
    assert made.read(["image_sdss_flux"])["image_sdss_flux"].null_count < 12


def test_sources_of_fields(tmp_path, field):
    _, frames = field
    run(frames, "--detect", "--band", "r", "--threshold", 5, "--workers", 1, "--quiet", "--out", tmp_path / "o")
    assert len(open_catalog(tmp_path / "o")) == 1


def test_pictures_and_arrays_by_their_endings(tmp_path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.jpg")
    run(tmp_path / "a.jpg", "--pixel-scale", 0.2, "--survey", "mine", "--workers", 1, "--out", tmp_path / "p")
    assert open_catalog(tmp_path / "p").groups["image_mine"].pixel_scale == 0.2
    np.save(tmp_path / "s.npy", np.random.default_rng(0).normal(22.5, 0.1, (4, 5, 16, 16)))
    np.save(tmp_path / "l.npy", np.array([1, 0, 0, 1]))
    run(
        tmp_path / "s.npy", "--unit", "asinh", "--bands", "u,g,r,i,z", "--labels", tmp_path / "l.npy", "--class-names", "1=STAR,0=galaxy",
        "--workers", 1, "--out", tmp_path / "n",
    )  # fmt: skip
    assert open_catalog(tmp_path / "n").read()["class"].to_pylist() == ["STAR", "GALAXY", "GALAXY", "STAR"]


def test_pictures_for_a_catalog(tmp_path, make_sky):
    sky = make_sky(rows=12, image=False)
    name = sky.read(["object_id"])["object_id"][0].as_py()
    (tmp_path / "p").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "p" / f"{name}.png")
    run(tmp_path / "p", "--jpeg", "--to", sky.path, "--out", tmp_path / "o")
    assert open_catalog(tmp_path / "o").read(["image_sdssrgb_flux"])["image_sdssrgb_flux"].null_count == 11


def test_cutouts_as_before(tmp_path, make_sky):
    sky = make_sky(rows=12, image=False)
    name = sky.read(["object_id"])["object_id"][0].as_py()
    data = np.random.default_rng(1).normal(0, 1, (16, 16)).astype(np.float32)
    fits.PrimaryHDU(data, fits.Header([("BUNIT", "nanomaggy")])).writeto(tmp_path / f"{name}-r.fits")
    run(tmp_path / f"{name}-r.fits", "--to", sky.path, "--pixel-scale", 0.396, "--radius", 2, "--out", tmp_path / "o")
    assert open_catalog(tmp_path / "o").groups["image_sdss"].shape == (5, 16, 16)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["a.fits"], "need the catalog of the objects: --to C"),
        (["a.fits", "--frames"], "need the catalog of the objects: --to C"),
        (["a.fits", "--frames", "--detect"], "exclude each other"),
        (["a.fits", "--detect", "--to", "c"], "--to has no meaning for --detect"),
        (["a.fits", "--frames", "--to", "c", "--ivar-hdu", "1"], "--ivar-hdu has no meaning for --frames"),
        (["a.npy", "--class-names", "1"], "no list of LABEL=CLASS"),
    ],
)
def test_what_excludes_what(tmp_path, args, words):
    with pytest.raises(ConfigurationError, match=words):
        run(*args, "--out", tmp_path / "o")
