"""Neighbours follow the published counts."""

import numpy as np
import pytest

from asterism.simulate.imaging.neighbours import COUNTS, draw_neighbours, expected_number
from asterism.surveys.stamps.cameras import CAMERAS, SDSS


@pytest.fixture(scope="module")
def many():
    return draw_neighbours(np.random.default_rng(1), np.full(4000, 0.02))


def test_their_number_is_poissons(many):
    expected = sum(expected_number().values())
    number = np.bincount(many.stamp, minlength=4000)
    assert number.mean() == pytest.approx(expected, rel=0.06)
    assert number.var() == pytest.approx(expected, rel=0.12)
    points = (many.radius == 0).mean()
    assert points == pytest.approx(expected_number()["STAR"] / expected, abs=0.03)


def test_numbers_are_those_of_the_counts():
    # 92 galaxies per square degree to r = 17.77 (Strauss et al. 2002), 46 per square arcmin to i = 25.
    m = np.linspace(10, 17.77, 400)
    density = 10 ** np.interp(m, *np.array(COUNTS["GALAXY"]).T, left=-9)
    density[m < 14] = 10 ** (-0.16 + 0.6 * (m[m < 14] - 14))
    assert np.trapezoid(density, m) == pytest.approx(92, rel=0.15)
    deep = np.linspace(15, 25.5, 1000)
    total = np.trapezoid(10 ** np.interp(deep, *np.array(COUNTS["GALAXY"]).T), deep)
    assert total / 3600 == pytest.approx(46, rel=0.1)


def test_faint_ones_are_more(many):
    r = 22.5 - 2.5 * np.log10(many.flux[:, 2])
    assert 15 < r.min() < 19
    assert r.max() == pytest.approx(23.05, abs=0.1)
    assert (r > 22).mean() > 0.4
    extended = many.radius > 0
    assert extended[r > 22].mean() > extended[r < 20].mean()


def test_deeper_and_larger_stamps_have_more():
    legacy = CAMERAS["legacy-south"]
    assert sum(expected_number(legacy).values()) > 8 * sum(expected_number(SDSS).values())
    assert sum(expected_number(SDSS, 64).values()) > 2 * sum(expected_number(SDSS, 32).values())
    found = draw_neighbours(np.random.default_rng(0), np.zeros(20), legacy, 152)
    assert found.flux.shape[1] == 3
    assert np.abs(found.x).max() > 70


def test_they_are_the_same_for_the_same_seed_and_redder_behind_dust():
    clear = draw_neighbours(np.random.default_rng(5), np.zeros(200))
    again = draw_neighbours(np.random.default_rng(5), np.zeros(200))
    dusty = draw_neighbours(np.random.default_rng(5), np.full(200, 0.2))
    assert np.array_equal(clear.flux, again.flux)
    dimmed = 2.5 * np.log10(clear.flux / dusty.flux)
    assert np.allclose(dimmed, 0.2 * SDSS.extinction_coefficient)


def test_their_colours_are_those_of_stars_and_galaxies(many):
    with np.errstate(invalid="ignore"):
        g_r = -2.5 * np.log10(many.flux[:, 1] / many.flux[:, 2])
    assert 0.3 < np.median(g_r) < 1.4
    assert g_r.std() > 0.2
