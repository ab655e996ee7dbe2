"""Lines and bands of stars, from the Sun to others."""

import numpy as np
import pytest

from asterism.simulate.light.sampling import pixel_edges
from asterism.simulate.light.stellar_features import (
    BALMER,
    carbon_residual,
    hydrogen_strength,
    metal_widths,
    minnaert,
    star_residual,
)


def widths(line, teff, log_g=4.44, feh=0.0):
    teff = np.atleast_1d(np.asarray(teff, float))
    wavelength, found = metal_widths(teff, np.broadcast_to(log_g, teff.shape), np.broadcast_to(feh, teff.shape))
    place = np.argmin(np.abs(wavelength - line))
    assert abs(wavelength[place] - line) < 0.1
    return found[:, place]


@pytest.mark.parametrize(
    ("line", "width"), [(3934.777, 20.253), (5185.05, 1.584), (5891.58, 0.752), (8544.44, 3.67), (5271.0, 0.478)]
)
def test_the_sun_has_the_suns_lines(line, width):
    assert widths(line, 5777.0)[0] == pytest.approx(width, rel=0.01)


def test_lines_go_with_temperature_gravity_and_metals_as_known():
    # Resonance lines of neutral alkalis grow fast in K and M dwarfs; Ca II K is at its greatest in G and K stars and goes
    # in A stars; Mg II 4481 comes in A stars.
    sodium = widths(5891.58, [4000, 5000, 6000, 8000])
    assert (np.diff(sodium) < 0).all()
    assert sodium[0] > 3 > 1 > sodium[2]
    calcium = widths(3934.777, [4500, 5500, 7000, 9000])
    assert calcium[3] < 0.4 * calcium[2] < calcium[1]
    assert widths(4482.46, 9000.0)[0] > 3 * widths(4482.46, 5777.0)[0]
    # Fewer metals, weaker lines: strong ones as the square root of the abundance.
    poor, rich = widths(3934.777, 5777.0, feh=-2.0)[0], widths(3934.777, 5777.0)[0]
    assert poor == pytest.approx(0.1 * rich, rel=0.5)
    # The infrared triplet of Ca II is the mark of giants (Jones, Alloin & Jones 1984, ApJ 283, 457).
    assert widths(8544.44, 4500.0, log_g=1.5)[0] > 1.4 * widths(8544.44, 4500.0)[0]


def test_a_profile_has_its_equivalent_width_on_any_grid():
    for step in (0.5, 5.0):
        wavelength = np.arange(4000.0, 6000.0, step)
        depth = minnaert(pixel_edges(wavelength)[None], 5000.0, np.array([1.5]), 0.9)
        assert depth.sum() * step == pytest.approx(1.5, rel=0.01)
        assert (depth < 0.91).all()


def residual(teff, wavelength, log_g=4.4, feh=0.0):
    return star_residual(np.array([teff]), np.array([log_g]), np.array([feh]), pixel_edges(wavelength)[None])[0]


def test_a_stars_spectrum_does_not_hang_on_which_others_are_made_with_it():
    wavelength = np.arange(3600.0, 9500.0, 2.0)
    teff, log_g, feh = np.array([9500.0, 5700.0, 3300.0]), np.array([4.0, 4.4, 4.9]), np.array([0.0, -1.5, 0.2])
    edges = pixel_edges(wavelength) * np.array([[1.0], [1.001], [0.999]])
    together = star_residual(teff, log_g, feh, edges)
    carbon = carbon_residual(np.array([1.0, 0.3, 0.8]), edges)
    for row in range(3):
        one = slice(row, row + 1)
        alone = star_residual(teff[one], log_g[one], feh[one], edges[one])[0]
        assert alone == pytest.approx(together[row], rel=1e-12)
        assert carbon_residual(np.array([1.0, 0.3, 0.8])[one], edges[one])[0] == pytest.approx(carbon[row], rel=1e-12)


def depth(flux, wavelength, line, beside, half=5.0):
    return 1 - flux[np.abs(wavelength - line) < half].mean() / flux[np.abs(wavelength - beside) < half].mean()


def test_hydrogen_is_strongest_in_a_stars_and_stands_in_vacuum():
    np.testing.assert_allclose(BALMER[:3], [6564.7, 4862.7, 4341.7], atol=0.1)
    wavelength = np.arange(4700.0, 5000.0, 0.5)
    depths = [depth(residual(t, wavelength), wavelength, 4862.7, 4780.0) for t in (4000.0, 5800.0, 9000.0, 15000.0)]
    assert np.argmax(depths) == 2
    assert depths[0] < 0.05
    assert wavelength[np.argmin(residual(9000.0, wavelength))] == pytest.approx(4862.7, abs=0.5)
    assert hydrogen_strength(np.array([4000.0, 9200.0])).tolist() == [0.0, 1.0]


def test_m_dwarfs_have_titanium_oxide_and_subdwarfs_less_of_it():
    wavelength = np.arange(6900.0, 7300.0, 1.0)
    cool, warm = (residual(t, wavelength) for t in (3200.0, 5500.0))
    poor = residual(3200.0, wavelength, feh=-1.5)
    assert depth(cool, wavelength, 7140.0, 7045.0) > 0.3 > 0.05 > depth(warm, wavelength, 7140.0, 7045.0)
    assert depth(poor, wavelength, 7140.0, 7045.0) < 0.5 * depth(cool, wavelength, 7140.0, 7045.0)


def test_the_g_band_is_that_of_g_and_k_stars():
    wavelength = np.arange(4200.0, 4450.0, 1.0)
    depths = [depth(residual(t, wavelength), wavelength, 4305.0, 4375.0, 8.0) for t in (8500.0, 5500.0)]
    assert depths[1] > depths[0] + 0.1


def test_carbon_stars_have_swan_bands_shaded_to_the_blue():
    wavelength = np.arange(4900.0, 5300.0, 1.0)
    flux = carbon_residual(np.ones(1), pixel_edges(wavelength)[None])[0]
    assert flux[np.abs(wavelength - 5160) < 3].mean() < 0.5 < 0.9 < flux[np.abs(wavelength - 5190) < 5].mean()
    assert flux[np.abs(wavelength - 5000) < 5].mean() > 0.7


def test_residuals_are_shares():
    wavelength = np.arange(3000.0, 11000.0, 5.0)
    for teff in (2600.0, 4000.0, 6000.0, 9000.0, 30000.0):
        flux = residual(teff, wavelength)
        assert ((flux > 0) & (flux <= 1)).all()
