"""`asterism ingest sdss|lamost|desi|legacy|mmu` from the outside, on files that the simulator writes."""

import pytest
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.cli.ingest import app
from asterism.errors import BadInputError
from asterism.simulate.sky import simulate, simulate_files

runner = CliRunner()


def run(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for survey, kinds in (
        ("sdss-spectro", ("photometry", "spectrum")),
        ("desi-main", ("photometry", "image", "spectrum")),
    ):
        simulate_files(6, folder / survey, survey=survey, seed=4, modalities=kinds, workers=1)
    return folder


def test_sdss_says_what_there_is(files, tmp_path):
    done = run("sdss", files / "sdss-spectro", "--out", tmp_path / "c", "--workers", 1)
    assert done.exit_code == 0, done.output
    assert "6 rows" in done.output
    assert "spectrum_sdss" in done.output
    again = run("sdss", files / "sdss-spectro", "--out", tmp_path / "c", "--quiet")
    assert (again.exit_code, again.output) == (0, "")


def test_desi_and_legacy(files, tmp_path):
    done = run("desi", files / "desi-main", "--out", tmp_path / "spectra", "--workers", 1, "--min-deltachi2", 25)
    assert done.exit_code == 0, done.output
    assert len(open_catalog(tmp_path / "spectra")) == 6
    done = run("legacy", files / "desi-main", "--out", tmp_path / "images", "--workers", 1, "--size", 64)
    assert done.exit_code == 0, done.output
    assert open_catalog(tmp_path / "images").groups["image_legacy"].shape[1:] == (64, 64)


def test_lamost(tmp_path):
    import numpy as np

    from asterism.surveys.formats.lamost_spectra import write_spectrum

    cards = {"OBSID": 1, "LMJD": 58575, "MJD": 58574, "PLANID": "P", "SPID": 1, "FIBERID": 7, "RA": 10.0, "DEC": 5.0,
             "CLASS": "STAR", "SUBCLASS": "G2", "Z": 0.0}  # fmt: skip
    ones = np.ones(3909, np.float32)
    write_spectrum(tmp_path / "in", ones, ones, np.zeros(3909, np.int32), cards)
    done = run("lamost", tmp_path / "in", "--out", tmp_path / "c", "--workers", 1)
    assert done.exit_code == 0, done.output
    assert "STAR 1" in done.output


def test_mmu_opens_a_catalog_of_ours(tmp_path):
    sky = simulate(4, tmp_path / "sky", seed=1, modalities=("photometry",), workers=1)
    done = run("mmu", sky.path, "--out", tmp_path / "c", "--workers", 1)
    assert done.exit_code == 0, done.output
    assert len(open_catalog(tmp_path / "c")) == 4


@pytest.mark.parametrize("kind", ["sdss", "lamost", "desi", "legacy", "mmu"])
def test_errors_are_sentences(kind, tmp_path):
    (tmp_path / "a.fits").write_text("no FITS")
    (tmp_path / "a.parquet").write_text("no Parquet")
    done = run(kind, tmp_path, "--out", tmp_path / "c")
    assert isinstance(done.exception, BadInputError), done.exception
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "c").exists()
    done = run(kind, tmp_path / "nowhere", "--out", tmp_path / "c")
    assert "does not exist" in str(done.exception)
