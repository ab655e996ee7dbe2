"""`simulate`: the same catalog whatever the workers and interruptions, and photometry that shares the stamps' noise."""

import hashlib

import numpy as np
import pytest

from asterism.catalogs.fingerprint import content_hash
from asterism.errors import ConfigurationError, OutputError
from asterism.simulate import sky
from asterism.simulate.recipe import Recipe
from asterism.simulate.sky import simulate, simulate_block
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.stamp_measurement import measure


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Blocks of 128 objects: two of them take half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asterism.simulate.recipe.BLOCK_SIZE", 128)
        yield


@pytest.fixture(scope="module")
def small(tmp_path_factory, small_blocks):
    """150 objects, two blocks, one worker."""
    return simulate(150, tmp_path_factory.mktemp("sky") / "small", seed=5, workers=1)


def data_hashes(catalog):
    files = sorted((catalog.path / "dataset").rglob("*.parquet"))
    return {str(file.relative_to(catalog.path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def array(table, name, *shape):
    return np.array(table[name].combine_chunks().flatten()).reshape(len(table), *shape)


def test_two_workers_make_the_same_bytes(small, tmp_path):
    again = simulate(150, tmp_path / "again", seed=5, workers=2)
    assert data_hashes(again) == data_hashes(small)
    assert again.fingerprint == small.fingerprint


def test_another_seed_makes_another_sky(small):
    other = simulate_block(Recipe.of("sdss-compact", 6), 0, 20)
    assert not set(other["ra"].to_pylist()) & set(small.read(["ra"])["ra"].to_pylist())


def test_an_interrupted_run_goes_on_where_it_stopped(small, tmp_path, monkeypatch):
    made = []
    whole = sky.simulate_block

    def breaks(recipe, block, rows, files=None):
        made.append(block)
        if len(made) == 2:
            raise KeyboardInterrupt
        return whole(recipe, block, rows, files)

    monkeypatch.setattr(sky, "simulate_block", breaks)
    with pytest.raises(KeyboardInterrupt):
        simulate(150, tmp_path / "sky", seed=5, workers=1)
    assert not (tmp_path / "sky").exists()
    told = []
    finished = simulate(150, tmp_path / "sky", seed=5, workers=1, progress=lambda done, size: told.append((done, size)))
    assert made == [0, 1, 1]
    assert told == [(150, 150)]
    assert data_hashes(finished) == data_hashes(small)


def test_a_complete_catalog_is_left_alone_and_another_recipe_refused(small, monkeypatch):
    monkeypatch.setattr(sky, "simulate_block", lambda *args: pytest.fail("nothing is to be made"))
    assert simulate(150, small.path, seed=5).fingerprint == small.fingerprint
    with pytest.raises(OutputError, match="seed: 5 before, 6 now"):
        simulate(150, small.path, seed=6)


def test_templates_give_the_same_bytes_with_any_workers_and_other_templates_are_refused(templates_directory, tmp_path):
    import shutil

    made = simulate(140, tmp_path / "one", seed=3, survey="sdss-spectro", templates=templates_directory, workers=1)
    shutil.copytree(templates_directory, tmp_path / "copy")
    again = simulate(140, tmp_path / "two", seed=3, survey="sdss-spectro", templates=tmp_path / "copy", workers=2)
    assert data_hashes(again) == data_hashes(made)
    names = set(made.read(["template_id"])["template_id"].to_pylist())
    assert {name.split("-")[0] for name in names} >= {"redrock", "eigen", "desisim"}
    (tmp_path / "copy" / "idlspec2d" / "spEigenGal-56436.fits").unlink()
    with pytest.raises(OutputError, match="libraries"):
        simulate(140, tmp_path / "two", seed=3, survey="sdss-spectro", templates=tmp_path / "copy")
    with pytest.raises(OutputError, match="templates: .* before, .embedded. now"):
        simulate(140, tmp_path / "two", seed=3, survey="sdss-spectro")


def test_libraries_can_be_chosen(templates_directory, tmp_path):
    chosen = {"stars": "miles", "quasars": "redrock"}
    made = simulate(
        40, tmp_path / "sky", survey="sdss-spectro", templates=templates_directory, libraries=chosen, workers=1
    )
    names = set(made.read(["template_id"])["template_id"].to_pylist())
    assert any(name.startswith("miles-m") for name in names)
    assert any(name.startswith("redrock-qso-") for name in names)
    with pytest.raises(ConfigurationError, match="unknown role of a template library 'star'; did you mean 'stars'"):
        simulate(40, tmp_path / "b", templates=templates_directory, libraries={"star": "miles"})
    with pytest.raises(ConfigurationError, match="give --templates too"):
        simulate(40, tmp_path / "b", libraries=chosen)


def test_classes_come_in_the_surveys_fractions(small):
    classes = np.array(small.read(["class"])["class"].to_pylist())
    assert {name: (classes == name).mean() for name in ("STAR", "GALAXY", "QSO")} == pytest.approx(
        {"STAR": 1 / 3, "GALAXY": 1 / 3, "QSO": 1 / 3}, abs=0.1
    )


def test_compact_objects_are_compact_as_measured(small):
    table = small.read(["photometry_sdss_radius", "photometry_sdss_psf_fwhm"])
    compactness = array(table, "photometry_sdss_radius", 5) / array(table, "photometry_sdss_psf_fwhm", 5)
    assert (compactness.mean(axis=1) <= 0.5 + 1e-6).all()


def test_photometry_is_measured_on_the_stamp_of_the_catalog(small):
    table = small.read()
    stamps = array(table, "image_sdss_flux", 5, 32, 32)
    seen = Conditions.empty(len(table))
    seen.fwhm[:] = array(table, "image_sdss_psf_fwhm", 5) / SDSS.fwhm_ratio
    seen.sky_sigma[:] = array(table, "image_sdss_ivar", 5) ** -0.5
    seen.ellipticity[:] = array(table, "image_sdss_psf_ellipticity", 5, 2)
    seen.gain[:] = SDSS.electrons
    found = measure(stamps, seen)
    # Seeing is kept as float32: of two models that fit as well, once in a thousand objects another is chosen.
    close = np.isclose(found.flux, array(table, "photometry_sdss_flux", 5), rtol=1e-3, atol=1e-3).all(axis=1)
    assert close.mean() > 0.99
    # Single precision moves the curvature of a flat chi^2.
    assert np.isclose(found.ivar, array(table, "photometry_sdss_ivar", 5), rtol=1e-2).mean() > 0.98
    noise = array(table, "photometry_sdss_flux", 5) - array(table, "truth_flux", 5)
    again = found.flux - array(table, "truth_flux", 5)
    assert np.corrcoef(noise[:, 2], again[:, 2])[0, 1] > 0.999


def test_photometry_alone_is_measured_on_stamps_that_are_not_kept():
    table = simulate_block(Recipe.of("sdss-compact", 6, modalities=("photometry",)), 0, 20)
    assert not [name for name in table.column_names if name.startswith("image")]
    with_images = simulate_block(Recipe.of("sdss-compact", 6), 0, 20)
    # Stamps of 32 pixels are all that measuring takes: the same chance, the same sky.
    assert array(table, "photometry_sdss_flux", 5).tolist() == array(with_images, "photometry_sdss_flux", 5).tolist()


def test_stamps_of_another_size(tmp_path):
    catalog = simulate(6, tmp_path / "large", survey="sdss-spectro", stamp=64, workers=1)
    assert catalog.groups["image_sdss"].shape == (5, 64, 64)
    assert array(catalog.read(), "image_sdss_flux", 5, 64, 64).shape == (6, 5, 64, 64)


def test_the_catalog_opens_with_positions(small):
    assert small.placed
    assert len(small) == 150
    assert set(small.groups) == {"photometry_sdss", "image_sdss"}
    assert set(small.read(["survey"])["survey"].to_pylist()) == {"simulated"}
    assert len(set(small.read(["source_id"])["source_id"].to_pylist())) == 150


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"size": 0}, "objects must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"workers": 0}, "workers must be 1 or more"),
        ({"survey": "sdss_compact"}, "did you mean 'sdss-compact'"),
        ({"stamp": 31}, "32 or 64 pixels"),
        ({"quantize": 0.5}, "0.5 steps in a pixel's noise are not from 2 to 1000"),
        ({"modalities": ()}, "no modality to simulate"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(tmp_path, wrong, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        simulate(wrong.pop("size", 5), tmp_path / "sky", **wrong)
    assert not any(tmp_path.iterdir())


def test_a_selection_that_takes_nothing_says_so(monkeypatch):
    from dataclasses import replace

    from asterism.simulate.light.seds import EmbeddedSeds
    from asterism.simulate.objects.selection import SURVEYS

    nothing = replace(SURVEYS["sdss-compact"], max_compactness=-1.0)
    monkeypatch.setattr(sky, "_ROUNDS", 1)
    with pytest.raises(ConfigurationError, match="refused 2 of 2 objects"):
        sky.observe(np.random.default_rng(0), np.array(["STAR", "STAR"]), nothing, EmbeddedSeds())


def test_rounded_pixels_are_those_of_the_same_sky(tmp_path):
    kind = {"survey": "sdss-spectro", "seed": 2, "modalities": ("photometry", "image", "spectrum"), "workers": 1}
    whole = simulate(24, tmp_path / "whole", **kind).read().sort_by("object_id")
    catalog = simulate(24, tmp_path / "rounded", quantize=10, **kind)
    rounded = catalog.read().sort_by("object_id")
    pixels = {"image_sdss_flux", "spectrum_sdss_flux", "spectrum_sdss_ivar", "spectrum_sdss_lsf"}
    for name in whole.column_names:
        assert (content_hash(whole.select([name])) == content_hash(rounded.select([name]))) == (name not in pixels), (
            name
        )
    sigma = array(whole, "image_sdss_ivar", 5, 1) ** -0.5
    moved = np.abs(array(rounded, "image_sdss_flux", 5, -1) - array(whole, "image_sdss_flux", 5, -1)) / sigma
    assert 0.02 < moved.max() <= 0.05001
    with pytest.raises(OutputError, match="quantize: 10 before, 4 now"):
        simulate(24, catalog.path, quantize=4, **kind)
