"""Objects before they are observed."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from asterism.simulate.constants import constant
from asterism.simulate.objects.population import NUMBERS, Population, draw, draw_sky
from asterism.simulate.objects.selection import survey_named

KINDS = np.repeat(["STAR", "GALAXY", "QSO"], 100)


def test_positions_lie_in_the_footprint_and_their_galactic_places_are_right():
    sky = draw_sky(np.random.default_rng(1), 500)
    inside = np.zeros(500, bool)
    for west, east, south, north, _ in constant("footprint"):
        across = (sky["ra"] - west) % 360 <= east - west
        inside |= across & (sky["dec"] >= south) & (sky["dec"] <= north)
    assert inside.all()
    assert (np.abs(sky["galactic_b"]) > constant("footprint_min_latitude")).all()
    truth = SkyCoord(sky["ra"], sky["dec"], unit="deg").galactic
    assert np.allclose(truth.l.deg, sky["galactic_l"], atol=1e-4)
    assert np.allclose(truth.b.deg, sky["galactic_b"], atol=1e-4)
    # Median of SDSS's footprint in the map of Schlegel et al. (1998): 0.03.
    assert 0.02 < np.median(sky["ebv"]) < 0.045


@pytest.mark.parametrize("name", ["sdss-compact", "sdss-spectro"])
def test_a_draw_has_what_it_was_asked_for(name):
    survey = survey_named(name)
    objects = draw(np.random.default_rng(2), KINDS, survey)
    assert (objects.kind == KINDS).all()
    assert np.isfinite(objects.r_mag).all()
    windows = {sample.name: sample.window for samples in survey.samples.values() for sample in samples}
    assert all(objects.r_mag[row] <= windows[target].limit for row, target in enumerate(objects.target))
    star, galaxy, quasar = (objects.kind == kind for kind in ("STAR", "GALAXY", "QSO"))
    assert np.isfinite(objects.teff[star]).all()
    assert np.isnan(objects.teff[~star]).all()
    assert (np.abs(objects.redshift[star]) < 0.003).all()
    assert (objects.half_light_radius[galaxy] > 0).all()
    assert np.isnan(objects.half_light_radius[~galaxy]).all()
    assert (objects.redshift[quasar] > 0.04).all()


def test_the_seed_fixes_all_chance():
    first, again, other = (draw(np.random.default_rng(seed), KINDS, survey_named("sdss-spectro")) for seed in (3, 3, 4))
    for name in NUMBERS:
        assert np.array_equal(getattr(first, name), getattr(again, name), equal_nan=True)
    assert not np.array_equal(first.r_mag, other.r_mag)


def test_taking_and_putting_rows_are_inverse():
    objects = draw(np.random.default_rng(5), KINDS, survey_named("sdss-compact"))
    rows = np.random.default_rng(0).permutation(len(objects))
    empty = Population.empty(len(objects))
    empty.put(rows, objects.take(rows))
    assert np.array_equal(empty.r_mag, objects.r_mag)
    assert (empty.subclass == objects.subclass).all()


def test_a_given_sample_is_kept():
    survey = survey_named("sdss-spectro")
    targets = np.repeat(["main", "", "boss-cmass"], 20)
    objects = draw(np.random.default_rng(6), np.full(60, "GALAXY"), survey, targets)
    assert (objects.target[:20] == "main").all()
    assert (objects.target[40:] == "boss-cmass").all()
    assert len(set(objects.target[20:40])) > 1


def test_faint_compact_surveys_draw_the_faint_and_the_small():
    objects = draw(np.random.default_rng(7), KINDS, survey_named("sdss-faint-compact"))
    assert (objects.r_mag + 2.285 * objects.ebv > 19.5).all()
    radius = (objects.half_light_radius * np.sqrt(objects.disc_axis_ratio))[objects.kind == "GALAXY"]
    assert radius.max() < 0.9
