"""Spectra of galaxies."""

import numpy as np
import pytest

from asterism.simulate.light.galaxy_seds import calzetti, galaxy_seds
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes


def test_early_types_are_redder_and_redshift_reddens_them():
    magnitudes = synthetic_magnitudes(
        galaxy_seds(np.array([0.0, 1, 2, 3, 0]), np.zeros(5), np.array([0.0, 0, 0, 0, 0.3]), grid_wavelength())
    )
    u_r, g_r = magnitudes[:, 0] - magnitudes[:, 2], magnitudes[:, 1] - magnitudes[:, 2]
    assert (np.diff(u_r[:4]) < 0).all()
    assert g_r[4] > g_r[0] + 0.5
    # Fukugita, Shimasaku & Ichikawa (1995), table 3: g-r of E 0.77, of Im 0.2 or less at z = 0.
    assert g_r[0] == pytest.approx(0.77, abs=0.06)
    assert g_r[3] < 0.25


def test_dust_dims_blue_light_more():
    assert calzetti(np.array([3500.0]))[0] > calzetti(np.array([5500.0]))[0] > calzetti(np.array([9000.0]))[0]
    assert calzetti(np.array([5500.0]))[0] == pytest.approx(4.05, abs=0.05)
    clean, dusty = synthetic_magnitudes(
        galaxy_seds(np.array([1.0, 1.0]), np.array([0.0, 0.3]), np.array([0.1, 0.1]), grid_wavelength())
    )
    assert (dusty[0] - dusty[4]) - (clean[0] - clean[4]) > 0.5
