"""Black bodies and the bending of spectra."""

import numpy as np
import pytest

from asterism.simulate.light.photometry import BANDS, grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.stellar_continuum import bend, planck


def test_black_bodies_follow_wien_and_rayleigh_and_jeans():
    wavelength = np.arange(3000.0, 20000.0, 5.0)[None]
    for teff in (4000.0, 6000.0):
        flux = planck(np.array([teff]), wavelength)[0]
        assert wavelength[0, np.argmax(flux)] == pytest.approx(2.8978e7 / teff, rel=2e-3)
    assert planck(np.array([4000.0]), np.array([[5500.0]]))[0, 0] == pytest.approx(1.0, abs=0.01)


def test_a_bend_moves_each_band_by_about_its_warp():
    wavelength = np.tile(grid_wavelength(), (2, 1))
    warp = np.array([[0.0] * 5, [0.2, 0.1, 0.0, -0.05, -0.1]])
    assert (bend(wavelength, warp)[0] == 1).all()
    m = synthetic_magnitudes(bend(wavelength, warp))
    np.testing.assert_allclose(m[1] - m[0], warp[1], atol=0.02)
    at_bands = bend(np.array([[band.wavelength for band in BANDS]] * 2), warp)
    np.testing.assert_allclose(-2.5 * np.log10(at_bands), warp, atol=1e-12)
