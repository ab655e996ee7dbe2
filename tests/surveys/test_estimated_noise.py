"""Noise of spectra without errors."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from asterism.surveys.estimated_noise import estimate_ivar


def test_white_noise_on_a_continuum_is_found_where_it_is():
    rng = np.random.default_rng(3)
    x = np.linspace(0.0, 1.0, 7781)
    sigma = 0.2 + 0.8 * x
    flux = 10.0 + 5.0 * np.sin(6 * x) + sigma * rng.normal(size=(4, 7781))
    found = 1.0 / np.sqrt(estimate_ivar(flux))
    assert np.median(found / sigma) == pytest.approx(1.1, abs=0.1)  # the largest of four estimates is a little large
    assert np.percentile(found / sigma, [1, 99]) == pytest.approx([0.95, 1.35], abs=0.2)


def test_smoothing_does_not_hide_the_noise():
    rng = np.random.default_rng(4)
    smooth = gaussian_filter1d(rng.normal(size=(3, 7781)), 3.0, axis=1)
    found = 1.0 / np.sqrt(estimate_ivar(smooth))
    assert np.median(found) == pytest.approx(smooth.std(), rel=0.25)


def test_lines_do_not_count_as_noise():
    flux = np.random.default_rng(5).normal(size=(1, 4000))
    flux[:, 1000:1010] += 500.0
    assert np.median(estimate_ivar(flux)) == pytest.approx(1 / 1.1**2, abs=0.15)
    assert estimate_ivar(flux)[0, 1005] > 0.3


def test_what_is_not_observed_stays_so():
    flux = np.random.default_rng(6).normal(size=(2, 1000))
    flux[0, 100:300] = np.nan
    ivar = estimate_ivar(flux)
    assert (ivar[0, 100:300] == 0).all()
    assert (ivar[0, :100] > 0).all()
    assert (estimate_ivar(np.full((1, 1000), 2.0)) == 0).all()
    assert (estimate_ivar(np.full((1, 1000), np.nan)) == 0).all()
    assert (estimate_ivar(np.ones((1, 3))) == 0).all()
