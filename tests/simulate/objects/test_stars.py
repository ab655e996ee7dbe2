"""Stars against what is published of them."""

from dataclasses import replace

import numpy as np
import pytest

from asterism.simulate.objects.population import Population, draw_sky
from asterism.simulate.objects.samples import Sample, Window
from asterism.simulate.objects.selection import survey_named
from asterism.simulate.objects.stars import colour_of_magnitude, fill, spectral_type, teff_of_colour

KINDS = {sample.kind: sample for sample in survey_named("sdss-spectro").samples["STAR"]}


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
    blue = Sample("a", "field", 1.0, Window(15.0, 16.0, 0.1), colours=(0.2, 0.8))
    bright = stars_of(blue)
    faint = stars_of(replace(blue, window=Window(19.5, 20.5, 0.1)))
    assert np.median(faint.distance) > 3 * np.median(bright.distance)
    assert np.median(faint.feh) < np.median(bright.feh) - 0.3


def test_colours_bound_what_is_drawn():
    red = stars_of(Sample("m", "field", 1.0, Window(15.0, 20.0), colours=(2.0, 4.0)))
    assert np.mean(red.colour > 1.7) > 0.95
    assert {name[0] for name in red.subclass} <= {"K", "M"}


@pytest.mark.parametrize("kind", KINDS)
def test_magnitude_and_distance_and_absolute_magnitude_agree(kind):
    stars = stars_of(KINDS[kind], 100)
    assert np.allclose(stars.r_mag, stars.absolute_magnitude + 5 * np.log10(stars.distance) - 5)
    assert np.isfinite(stars.teff).all()
    assert np.isfinite(stars.log_g).all()


def test_kinds_are_told_apart():
    dwarfs = stars_of(KINDS["white-dwarf"])
    assert set(dwarfs.subclass) == {"DA", "DB"}
    assert 0.02 < (dwarfs.subclass == "DB").mean() < 0.2
    hot = stars_of(KINDS["hot"])
    assert (hot.teff > 7300).all()
    assert np.isnan(hot.colour).all()
    giants = stars_of(KINDS["giant"])
    assert np.median(giants.distance) > 5000
    assert (giants.log_g < 3.5).all()
    assert set(stars_of(KINDS["carbon"], 50).subclass) == {"carbon"}
    assert set(stars_of(KINDS["cataclysmic"], 50).subclass) == {"CV"}


def test_rare_kinds_are_rare():
    shares = {sample.kind: sample.share for sample in survey_named("sdss-spectro").samples["STAR"]}
    # Green (2013): 1,220 carbon stars, Inight et al. (2023): about 500 cataclysmic variables, of a million stars.
    assert shares["carbon"] == pytest.approx(0.0012, rel=0.2)
    assert shares["cataclysmic"] == pytest.approx(0.0005, rel=0.2)
