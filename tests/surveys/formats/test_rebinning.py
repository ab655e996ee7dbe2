"""Rows onto pixels: light and variance."""

import numpy as np
import pytest

from asterism.surveys.formats.rebinning import rebin
from asterism.surveys.formats.spectral_grids import grid_named

GRID = grid_named("lamost")
WAVE = np.arange(4000.0, 4200.0, 0.61)[None]


def test_light_is_conserved():
    line = np.exp(-0.5 * ((WAVE - 4100.3) / 1.5) ** 2)
    flux, ivar = rebin(WAVE, line, np.ones_like(line), GRID)
    seen = ivar > 0
    assert (flux[seen] * np.diff(GRID.edges)[seen[0]]).sum() == pytest.approx(line.sum() * 0.61, rel=1e-9)
    assert np.isnan(flux[~seen]).all()


def test_the_variance_is_that_of_the_pixels():
    rng = np.random.default_rng(6)
    sigma = np.linspace(0.5, 2.0, WAVE.shape[1])
    wave = np.repeat(WAVE, 3000, axis=0)
    noise = sigma * rng.standard_normal(wave.shape)
    flux, ivar = rebin(wave, noise, np.broadcast_to(sigma**-2.0, wave.shape), GRID)
    inside = np.flatnonzero(ivar[0] > 0)[2:-2]
    chi2 = (flux[:, inside] ** 2 * ivar[:, inside]).mean(axis=0)
    assert np.abs(chi2 - 1.0).max() < 0.12


def test_rows_that_were_not_observed_do_not_count():
    flux, ivar = np.full_like(WAVE, 3.0), np.ones_like(WAVE)
    flux[0, 100:110], ivar[0, 100:110] = np.nan, 0.0
    found, weight = rebin(WAVE, flux, ivar, GRID)
    lost = (GRID.wavelength > WAVE[0, 101]) & (GRID.wavelength < WAVE[0, 108])
    assert lost.sum() > 3
    assert (weight[0, lost] == 0).all()
    assert np.allclose(found[weight > 0], 3.0)
