import numpy as np
import pytest
from astropy.io import fits
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.cli.ingest import app
from asterism.errors import BadInputError, ConfigurationError

runner = CliRunner()
FILTERS = [f"{name}_filter" for name in ("ultraviolet", "green", "red", "near_infrared", "infrared")]
HEADER = ["class", "right_ascension_angle", "declination_angle", *FILTERS, "redshift", "date"]
TABLE = """GALAXY,135.6,32.4,23.8,22.2,20.3,19.1,18.7,0.63,2013-03-03
STAR,144.8,31.2,24.7,22.8,22.5,21.1,21.6,0.0001,2018-02-09
QSO,338.7,-0.4,22.1,33.0,21.6,20.5,19.2,0.93,2017-10-13
"""


@pytest.fixture
def csv(tmp_path):
    (tmp_path / "t.csv").write_text(",".join(HEADER) + "\n" + TABLE)
    return tmp_path / "t.csv"


def run(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


def test_table_says_what_there_is_and_what_was_left_out(csv, tmp_path):
    done = run("table", csv, "--preset", "sdss17", "--out", tmp_path / "sky")
    assert done.exit_code == 0, done.output
    assert "3 rows, photometry_sdss" in done.output
    assert "GALAXY 1" in done.output
    assert "quarantine.parquet has 1 lines, the first: green_filter is corrupt" in done.output
    assert len(open_catalog(tmp_path / "sky")) == 3
    again = run("table", csv, "--preset", "sdss17", "--out", tmp_path / "sky", "--quiet")
    assert again.exit_code == 0
    assert again.output == ""


def test_errors_are_sentences(csv, tmp_path):
    for arguments, kind, sentence in [
        (("table", csv, "--out", tmp_path / "c"), ConfigurationError, "presets: 2slaq, ast596"),
        (("table", csv, "--preset", "sdss16", "--out", tmp_path / "c"), ConfigurationError, "did you mean 'sdss17'"),
        (("table", csv, "--preset", "mlz", "--out", tmp_path / "c"), BadInputError, "has no rows that can be read"),
        (
            ("table", tmp_path / "no.csv", "--preset", "sdss17", "--out", tmp_path / "c"),
            BadInputError,
            "does not exist",
        ),
        (("margnet", tmp_path, "--out", tmp_path / "c"), BadInputError, "holds no dnnx"),
        (("images", csv, "--to", tmp_path / "nowhere", "--out", tmp_path / "c"), BadInputError, "there is no catalog"),
    ]:
        done = run(*arguments)
        assert done.exit_code != 0
        assert isinstance(done.exception, kind), done.exception
        assert sentence in str(done.exception)
        assert "\n" not in str(done.exception)
        assert not (tmp_path / "c").exists()


def test_margnet(tmp_path):
    rng = np.random.default_rng(0)
    observed = rng.uniform(17, 20, (8, 5))
    x = np.zeros((8, 24))
    x[:, 0:20:4], x[:, 2:20:4], x[:, 3:20:4] = observed - 0.1, 1.3, 0.1
    x[:, 20:] = observed[:, :4] - observed[:, 1:]
    np.save(tmp_path / "dnnx_a.npy", x)
    np.save(tmp_path / "y_a.npy", np.eye(2)[np.arange(8) % 2])
    done = run("margnet", tmp_path, "--out", tmp_path / "c", "--classes", "STAR, GALAXY")
    assert done.exit_code == 0, done.output
    assert open_catalog(tmp_path / "c").read()["class"].to_pylist() == ["STAR", "GALAXY"] * 4


def test_images(csv, tmp_path):
    run("table", csv, "--preset", "sdss17", "--out", tmp_path / "sky")
    name = open_catalog(tmp_path / "sky").read(["object_id"])["object_id"][0].as_py()
    data = np.random.default_rng(0).normal(0, 0.1, (12, 12))
    fits.PrimaryHDU(data).writeto(tmp_path / f"{name}-r.fits")
    options = [
        "--unit",
        "nanomaggy",
        "--pixel-scale",
        "0.396",
        "--bands",
        "g,r",
        "--pattern",
        "{object_id}-{band}.fits",
    ]
    done = run("images", tmp_path, "--to", tmp_path / "sky", "--out", tmp_path / "stamps", *options)
    assert done.exit_code == 0, done.output
    made = open_catalog(tmp_path / "stamps")
    assert made.groups["image_sdss"].shape == (2, 12, 12)
    assert made.read()["image_sdss_flux"].null_count == 2
