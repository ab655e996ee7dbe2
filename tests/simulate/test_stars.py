"""Stars against what is published of them."""

import numpy as np
import pytest

from asterism.simulate.population import Population, draw_sky
from asterism.simulate.selection import Sample, Window, survey_named
from asterism.simulate.stars import colour_of_magnitude, fill, spectral_type, teff_of_colour


def stars_of(sample, n=800, seed=0):
    rng = np.random.default_rng(seed)
    stars = Population.empty(n)
    stars.kind[:] = "STAR"
    for name, values in draw_sky(rng, n).items():
        getattr(stars, name)[:] = values
    fill(rng, stars, sample)
    return stars


def test_the_sun_has_the_suns_colour_temperature_and_type():
    colour = colour_of_magnitude(4.65, 0.0)
    assert colour == pytest.approx(0.57, abs=0.06)
    assert teff_of_colour(colour) == pytest.approx(5772, abs=200)
    assert spectral_type([5772.0])[0] == "G5"


def test_redder_is_cooler_and_fainter():
    colour = np.linspace(0.1, 3.8, 100)
    assert (np.diff(teff_of_colour(colour)) <= 0).all()
    assert (np.diff(colour_of_magnitude(np.linspace(3, 14, 50), -0.5)) > 0).all()


def test_metal_poor_stars_of_one_magnitude_are_bluer():
    assert colour_of_magnitude(6.0, -1.5) < colour_of_magnitude(6.0, 0.0)


def test_fainter_samples_hold_more_halo():
    bright = stars_of(Sample("a", "turn-off", 1.0, Window(15.0, 16.0, 0.1)))
    faint = stars_of(Sample("b", "turn-off", 1.0, Window(19.5, 20.5, 0.1)))
    assert np.median(faint.distance) > 3 * np.median(bright.distance)
    assert np.median(faint.feh) < np.median(bright.feh) - 0.3


def test_magnitude_and_distance_and_absolute_magnitude_agree():
    for sample in survey_named("sdss-compact").samples["STAR"]:
        stars = stars_of(sample, 200)
        assert np.allclose(stars.r_mag, stars.absolute_magnitude + 5 * np.log10(stars.distance) - 5)


def test_kinds_are_told_apart():
    samples = {sample.kind: sample for sample in survey_named("sdss-compact").samples["STAR"]}
    dwarfs = stars_of(samples["white-dwarf"])
    assert set(dwarfs.subclass) == {"DA", "DB"}
    assert 0.02 < (dwarfs.subclass == "DB").mean() < 0.2
    hot = stars_of(samples["hot"])
    assert (hot.teff > 7300).all()
    assert np.isnan(hot.colour).all()
