"""Filters and fluxes."""

import numpy as np
import pytest

from asterism.catalogs.bands import band_info
from asterism.simulate.light.galaxy_seds import galaxy_seds
from asterism.simulate.light.photometry import BAND_NAMES, grid_wavelength, observed_fluxes, synthetic_magnitudes
from asterism.surveys.stamps.cameras import CAMERAS, SDSS


def test_a_flat_spectrum_in_frequency_has_the_ab_magnitude_it_should():
    flux = 3.631e-20 * 10 ** (-0.4 * 20.0) * 2.99792458e18 / grid_wavelength() ** 2
    assert np.allclose(synthetic_magnitudes(flux[None]), 20.0, atol=1e-4)
    sdss = synthetic_magnitudes(flux[None], zero_point="sdss")[0]
    assert np.allclose(sdss, [20.04, 20, 20, 20, 19.98], atol=1e-4)


def test_magnitudes_are_speclites():
    import astropy.units as u
    import speclite.filters

    sed = galaxy_seds(np.array([1.5]), np.array([0.1]), np.array([0.15]), grid_wavelength())
    filters = speclite.filters.load_filters("sdss2010-*")
    theirs = filters.get_ab_magnitudes(sed[0] * u.erg / u.s / u.cm**2 / u.AA, grid_wavelength() * u.AA)
    ours = synthetic_magnitudes(sed)[0]
    assert np.allclose(ours, [theirs[name][0] for name in filters.names], atol=0.003)


def test_observed_fluxes_have_the_magnitude_and_the_extinction():
    sed = galaxy_seds(np.array([0.5, 0.5]), np.zeros(2), np.array([0.1, 0.1]), grid_wavelength())
    clear, dim = observed_fluxes(sed, np.array([20.0, 20.0]), np.array([0.0, 0.1]))
    assert 22.5 - 2.5 * np.log10(clear[2]) == pytest.approx(20.0)
    lost = 2.5 * np.log10(clear / dim)
    assert np.allclose(lost, [0.1 * band_info("sdss", name).extinction_coefficient for name in BAND_NAMES])


@pytest.mark.parametrize("name", CAMERAS)
def test_every_camera_has_its_filters(name):
    camera = CAMERAS[name]
    wavelength = grid_wavelength(camera)
    flat = (3.631e-20 * 10 ** (-0.4 * 20.0) * 2.99792458e18 / wavelength**2)[None]
    assert np.allclose(synthetic_magnitudes(flat, camera=camera), 20.0, atol=1e-3)
    fluxes = observed_fluxes(flat, np.array([21.0]), np.array([0.0]), camera)
    assert np.allclose(22.5 - 2.5 * np.log10(fluxes) + camera.ab_offset, 21.0, atol=2e-3)


def test_magnitudes_are_given_in_sdss_r_whatever_the_camera():
    legacy = CAMERAS["legacy-south"]
    red = [galaxy_seds(np.array([0.1]), np.zeros(1), np.array([0.4]), grid_wavelength(c)) for c in (SDSS, legacy)]
    sdss, decam = (
        observed_fluxes(sed, np.array([20.0]), np.zeros(1), c) for sed, c in zip(red, (SDSS, legacy), strict=True)
    )
    assert 22.5 - 2.5 * np.log10(sdss[0, 2]) == pytest.approx(20.0)
    # DECam's r reaches further into the red, where this galaxy is brighter.
    assert 0.03 < 2.5 * np.log10(decam[0, 1] / sdss[0, 2]) < 0.3
