"""White dwarfs and cataclysmic variables."""

import numpy as np
import pytest

from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.sampling import pixel_edges
from asterism.simulate.light.white_dwarf_seds import cataclysmic_seds, white_dwarf_colours, white_dwarf_seds

TEFF = np.array([7000.0, 10000.0, 13000.0, 20000.0, 35000.0])


def seds(kind, wavelength):
    edges = np.tile(pixel_edges(wavelength), (len(TEFF), 1))
    return white_dwarf_seds(TEFF, np.full(len(TEFF), 8.0), np.full(len(TEFF), kind), edges)


@pytest.mark.parametrize("kind", ["DA", "DB"])
def test_colours_are_those_of_the_models(kind):
    m = synthetic_magnitudes(seds(kind, grid_wavelength()))
    wanted = white_dwarf_colours(TEFF, np.full(len(TEFF), kind == "DB"))
    np.testing.assert_allclose(m[:, :-1] - m[:, 1:], wanted, atol=0.02)


def equivalent_width(flux, wavelength, line, half):
    inside = np.abs(wavelength - line) < half
    ends = np.flatnonzero(inside)[[0, -1]]
    level = np.interp(wavelength[inside], wavelength[ends], flux[ends])
    return ((1 - flux[inside] / level) * np.gradient(wavelength)[inside]).sum()


def test_hydrogen_is_broadest_near_13000_k_and_helium_dwarfs_have_none():
    wavelength = np.arange(3700.0, 7000.0, 1.0)
    h_beta = [equivalent_width(flux, wavelength, 4862.7, 200) for flux in seds("DA", wavelength)]
    assert np.argmax(h_beta) == 2
    assert 40 < h_beta[2] < 70
    helium = seds("DB", wavelength)
    assert abs(equivalent_width(helium[3], wavelength, 4862.7, 15)) < 2
    assert equivalent_width(helium[3], wavelength, 4472.7, 60) > 5
    none = seds("DC", wavelength)
    assert max(abs(equivalent_width(flux, wavelength, 4862.7, 30)) for flux in none) < 0.5


def test_cataclysmic_variables_are_blue_and_emit():
    wavelength = np.arange(3700.0, 9200.0, 1.0)
    flux = cataclysmic_seds(np.array([20000.0]), pixel_edges(wavelength)[None])[0]
    assert flux[:200].mean() > 2 * flux[-200:].mean()
    assert equivalent_width(flux, wavelength, 6564.6, 70) == pytest.approx(-60, rel=0.1)
    assert wavelength[4500:5000][0] > 0
