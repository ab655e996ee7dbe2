"""Stamps for people: sky and source both show."""

import numpy as np

from asterism.explore.grey_images import grey_image


def test_grey_shows_sky_and_source():
    y, x = np.mgrid[-16:16, -16:16]
    stamp = np.random.default_rng(1).normal(0, 0.02, (32, 32)) + np.exp(-(x**2 + y**2) / 18.0)
    shown = grey_image(stamp)
    assert shown[16, 16] > 0.9 > 0.5 > np.median(shown) > 0.02
    assert np.isnan(grey_image(np.full((4, 4), np.nan))).all()
