"""`simulate`: the same catalog whatever the workers and interruptions, and photometry that shares the stamps' noise."""

import hashlib

import numpy as np
import pytest

from asterism.errors import ConfigurationError, OutputError
from asterism.simulate import sky
from asterism.simulate.measurement import measure
from asterism.simulate.sky import simulate, simulate_block


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """300 objects, two blocks, one worker."""
    return simulate(300, tmp_path_factory.mktemp("sky") / "small", seed=5, workers=1)


def data_hashes(catalog):
    files = sorted((catalog.path / "dataset").rglob("*.parquet"))
    return {str(file.relative_to(catalog.path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def array(table, name, *shape):
    return np.array(table[name].combine_chunks().flatten()).reshape(len(table), *shape)


def test_two_workers_make_the_same_bytes(small, tmp_path):
    again = simulate(300, tmp_path / "again", seed=5, workers=2)
    assert data_hashes(again) == data_hashes(small)
    assert again.fingerprint == small.fingerprint


def test_another_seed_makes_another_sky(small):
    other = simulate_block("sdss-compact", 6, 0, 20)
    assert not set(other["ra"].to_pylist()) & set(small.read(["ra"])["ra"].to_pylist())


def test_an_interrupted_run_goes_on_where_it_stopped(small, tmp_path, monkeypatch):
    made = []
    whole = sky.simulate_block

    def breaks(survey, seed, block, rows):
        made.append(block)
        if len(made) == 2:
            raise KeyboardInterrupt
        return whole(survey, seed, block, rows)

    monkeypatch.setattr(sky, "simulate_block", breaks)
    with pytest.raises(KeyboardInterrupt):
        simulate(300, tmp_path / "sky", seed=5, workers=1)
    assert not (tmp_path / "sky").exists()
    told = []
    finished = simulate(300, tmp_path / "sky", seed=5, workers=1, progress=lambda done, size: told.append((done, size)))
    assert made == [0, 1, 1]
    assert told == [(300, 300)]
    assert data_hashes(finished) == data_hashes(small)


def test_a_complete_catalog_is_left_alone_and_another_recipe_refused(small, monkeypatch):
    monkeypatch.setattr(sky, "simulate_block", lambda *args: pytest.fail("nothing is to be made"))
    assert simulate(300, small.path, seed=5).fingerprint == small.fingerprint
    with pytest.raises(OutputError, match="seed: 5 before, 6 now"):
        simulate(300, small.path, seed=6)


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
    fwhm = array(table, "image_sdss_psf_fwhm", 5)
    sigma = array(table, "image_sdss_ivar", 5) ** -0.5
    found = measure(stamps, fwhm.astype(float), sigma.astype(float), np.full_like(sigma, 1e9, dtype=float))
    assert np.allclose(found.flux, array(table, "photometry_sdss_flux", 5), rtol=1e-3, atol=1e-3)
    noise = array(table, "photometry_sdss_flux", 5) - array(table, "truth_flux", 5)
    again = found.flux - array(table, "truth_flux", 5)
    assert np.corrcoef(noise[:, 2], again[:, 2])[0, 1] > 0.999


def test_the_catalog_opens_with_positions(small):
    assert small.placed
    assert len(small) == 300
    assert set(small.groups) == {"photometry_sdss", "image_sdss"}
    assert set(small.read(["survey"])["survey"].to_pylist()) == {"simulated"}
    assert len(set(small.read(["source_id"])["source_id"].to_pylist())) == 300


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"size": 0}, "objects must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"workers": 0}, "workers must be 1 or more"),
        ({"survey": "sdss_compact"}, "did you mean 'sdss-compact'"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(tmp_path, wrong, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        simulate(wrong.pop("size", 5), tmp_path / "sky", **wrong)
    assert not any(tmp_path.iterdir())


def test_a_selection_that_takes_nothing_says_so(monkeypatch):
    from dataclasses import replace

    from asterism.simulate.seds import EmbeddedSeds
    from asterism.simulate.selection import SURVEYS

    nothing = replace(SURVEYS["sdss-compact"], max_compactness=-1.0)
    monkeypatch.setattr(sky, "_ROUNDS", 1)
    with pytest.raises(ConfigurationError, match="refused 2 of 2 objects"):
        sky.observe(np.random.default_rng(0), np.array(["STAR", "STAR"]), nothing, EmbeddedSeds())
