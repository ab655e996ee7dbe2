"""Sky and sources: levels that are known, sources that were put in, and what is no sky."""

import sys

import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.stamps.source_extraction import extract, half_light_radii, sky_level

SIGMA = 1.4


@pytest.fixture(scope="module")
def field():
    rng = np.random.default_rng(3)
    y, x = np.indices((300, 400))
    stars = [(52.3, 40.6, 4000.0), (200.0, 150.0, 9000.0), (330.7, 260.2, 800.0), (206.5, 150.4, 5000.0)]
    light = sum(
        f / (2 * np.pi * SIGMA**2) * np.exp(-0.5 * ((x - a) ** 2 + (y - b) ** 2) / SIGMA**2) for a, b, f in stars
    )
    slope = 0.01 * x
    counts = rng.poisson((light + 140.3 + slope) * 4.0) / 4.0
    return counts, 140.3 + slope, light, np.array(stars)


def test_the_level_of_the_sky(field):
    counts, sky, _, _ = field
    found, sigma = sky_level(counts)
    assert abs(np.median(found - sky)) < 0.1
    assert sigma == pytest.approx(np.sqrt(142.0 / 4.0), rel=0.05)


@pytest.mark.parametrize("level", [95.3, 95.5, 95.8])
def test_whole_numbers_do_not_draw_it(level):
    # The mode of integers jumps: by a fifth of the noise in SDSS's raw frames.
    counts = np.rint(np.random.default_rng(5).normal(level, 5.8, (512, 512)))
    found, _ = sky_level(counts)
    assert abs(found.mean() - level) < 0.05


def test_no_sky():
    with pytest.raises(BadInputError, match="no noise"):
        sky_level(np.full((64, 64), 7.0) + 0.3)
    with pytest.raises(BadInputError, match="not observed"):
        sky_level(np.full((64, 64), np.nan))


def test_sources_that_were_put_in(field):
    counts, sky, _, stars = field
    sigma = np.full(counts.shape, 6.0)
    found = extract(counts - sky, sigma, 4.0, np.zeros(counts.shape, bool))
    assert len(found) == 4
    assert (np.diff(found["y"]) >= 0).all()
    for x, y, _ in stars:
        nearest = np.argmin(np.hypot(found["xwin"] - x, found["ywin"] - y))
        assert np.hypot(found["xwin"][nearest] - x, found["ywin"][nearest] - y) < (
            0.05 if x == 52.3 else 0.25
        )  # two of them blend, one is faint
    assert found["r50"][0] == pytest.approx(1.1774 * SIGMA, rel=0.1)


def test_what_is_not_observed_is_no_source(field):
    counts, sky, _, _ = field
    bad = np.zeros(counts.shape, bool)
    bad[:100, :100] = True
    image = np.where(bad, np.nan, counts - sky)
    assert len(extract(image, np.full(counts.shape, 6.0), 4.0, bad)) == 3
    assert len(extract(np.zeros((50, 50)), np.ones((50, 50)), 4.0, np.zeros((50, 50), bool))) == 0


def test_radii_at_places(field):
    counts, sky, *_ = field
    radius, strength = half_light_radii(
        counts - sky,
        np.full(counts.shape, 6.0),
        np.zeros(counts.shape, bool),
        np.array([52.3, -5.0]),
        np.array([40.6, 3.0]),
    )
    assert radius[0] == pytest.approx(1.1774 * SIGMA, rel=0.1)
    assert strength[0] > 50
    assert np.isnan(radius[1])
    assert strength[1] == 0


def test_without_sep(monkeypatch, field):
    monkeypatch.setitem(sys.modules, "sep", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'asterism\[surveys\]'"):
        sky_level(field[0])
