"""A directory of survey files: whole or absent, resumed by block, the same for any number of workers."""

import hashlib

import pytest

from asterism.errors import ConfigurationError, OutputError
from asterism.simulate import sky
from asterism.simulate.frames import plates
from asterism.simulate.published.survey_files import check_published, published, simulated_cards
from asterism.simulate.recipe import Recipe
from asterism.simulate.sky import simulate, simulate_files

SPECTRA = {"survey": "sdss-spectro", "seed": 6, "modalities": ("photometry", "spectrum")}


def hashes(directory):
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(Recipe, "block_size", property(lambda self: 4))


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(tmp_path, small_blocks, monkeypatch):
    whole = simulate_files(10, tmp_path / "whole", workers=1, **SPECTRA)
    made, block_of = [], sky.simulate_block

    def breaks(recipe, block, rows, files=None):
        made.append(block)
        if len(made) == 2:
            raise KeyboardInterrupt
        return block_of(recipe, block, rows, files)

    monkeypatch.setattr(sky, "simulate_block", breaks)
    with pytest.raises(KeyboardInterrupt):
        simulate_files(10, tmp_path / "files", workers=1, **SPECTRA)
    assert not (tmp_path / "files").exists()
    told = []
    simulate_files(10, tmp_path / "files", workers=1, progress=lambda done, size: told.append((done, size)), **SPECTRA)
    assert made == [0, 1, 1, 2]
    assert told == [(8, 10), (10, 10)]
    assert hashes(tmp_path / "files") == hashes(whole)
    assert len([name for name in hashes(whole) if "spec-" in name]) == 10


def test_catalog_and_files_are_of_the_same_objects_whatever_comes_first(tmp_path, small_blocks):
    files = simulate_files(6, tmp_path / "files", workers=1, **SPECTRA)
    before = hashes(files)
    catalog = simulate(6, tmp_path / "sky", as_survey=files, workers=1, **SPECTRA)
    assert hashes(files) == before
    names = {str(value) for value in catalog.read(["object_id"])["object_id"].to_pylist()}
    told = {
        file.read_bytes()[:8640].decode("ascii", "ignore").split("SIMID   = '")[1][:26]
        for file in files.rglob("spec-*")
    }
    assert {name[:26] for name in names} == told
    # The catalog knows that its objects stand together: without files it is another one.
    with pytest.raises(OutputError, match="positions"):
        simulate(6, tmp_path / "sky", workers=1, **SPECTRA)


def test_other_inputs_are_refused_and_a_complete_directory_left_alone(tmp_path, small_blocks, monkeypatch):
    simulate_files(4, tmp_path / "files", workers=1, **SPECTRA)
    with pytest.raises(OutputError, match="seed: 6 before, 7 now"):
        simulate_files(4, tmp_path / "files", workers=1, **{**SPECTRA, "seed": 7})
    monkeypatch.setattr(sky, "simulate_block", lambda *args: pytest.fail("nothing is to be made"))
    simulate_files(4, tmp_path / "files", workers=1, **SPECTRA)


def test_what_a_survey_does_not_publish_is_one_sentence():
    assert published("lamost") == ("spectrum", "spectrum2d")
    assert published("sdss-field") == ("image",)
    with pytest.raises(ConfigurationError, match="choose a survey of sdss-field, sdss, desi, lamost"):
        published("lsst")
    with pytest.raises(ConfigurationError, match="publishes files of image and spectrum"):
        check_published(Recipe.of("sdss-spectro", modalities=("photometry",), grouped=True))


def test_files_say_that_they_are_simulated():
    cards = simulated_cards(Recipe.of("sdss-spectro", 3))
    assert cards["ORIGIN"][0] == "Asterism"
    assert "SIMULATED" in cards["COMMENT"][0]
    assert cards["SIMSEED"][0] == 3


def test_a_recipe_that_is_grouped_has_other_positions(monkeypatch):
    alone, grouped = (
        sky.simulate_block(Recipe.of("sdss-spectro", 3, modalities=("photometry",), grouped=flag), 0, 6)
        for flag in (False, True)
    )
    assert alone["photometry_sdss_flux"].to_pylist() == grouped["photometry_sdss_flux"].to_pylist()
    assert alone["ra"].to_pylist() != grouped["ra"].to_pylist()
    assert grouped["mjd"].to_pylist() == [53000.0] * 6
    assert plates.sdss_plate(0, "sdss")[1] == 53000
