"""Colours of stars against the stellar locus."""

import numpy as np
import pytest

from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.stellar_seds import locus_colours, star_seds
from asterism.simulate.objects.population import Population
from asterism.simulate.objects.stars import teff_of_colour


def main_sequence(colour, feh=-0.7):
    stars = Population.empty(len(colour))
    stars.kind[:] = "STAR"
    stars.subclass[:] = "G5"
    stars.colour[:] = colour
    stars.feh[:] = feh
    stars.teff[:] = teff_of_colour(colour)
    return stars


def colours_of(stars):
    magnitudes = synthetic_magnitudes(star_seds(stars, grid_wavelength()), zero_point="sdss")
    return magnitudes[:, :-1] - magnitudes[:, 1:]


def test_the_locus_agrees_with_itself_and_with_jurics():
    g_i = np.linspace(0.6, 2.7, 40)
    u_g, g_r, r_i, i_z = locus_colours(g_i)
    assert np.allclose(g_r + r_i, g_i, atol=0.02)
    # Jurić et al. (2008), equation 4: g-r of r-i along the locus.
    juric = 1.39 * (1 - np.exp(-4.9 * r_i**3 - 2.45 * r_i**2 - 1.68 * r_i - 0.05))
    assert np.abs(juric - g_r).max() < 0.08
    assert (np.diff(i_z) > 0).all()
    assert 1.0 < u_g[0] < 1.4
    assert 2.4 < u_g[-1] < 2.8


def test_the_blue_end_of_the_locus_is_vega():
    u_g, g_r, r_i, i_z = (float(colour) for colour in locus_colours(-0.454))
    # Vega in SDSS colours from its spectrum: u-g about 1.0, all others negative (Fukugita et al. 1996).
    assert u_g == pytest.approx(1.02, abs=0.03)
    assert (g_r, r_i, i_z) == pytest.approx((-0.24, -0.21, -0.14), abs=0.03)


def test_synthetic_colours_follow_the_locus():
    colour = np.linspace(0.3, 3.2, 60)
    found = colours_of(main_sequence(colour))
    wanted = np.stack(locus_colours(colour, np.full(len(colour), -0.7)), axis=1)
    assert np.abs(found - wanted).max() < 0.04
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.01


def test_metal_poor_stars_have_an_ultraviolet_excess():
    poor, rich = colours_of(main_sequence([0.55], -2.0)), colours_of(main_sequence([0.55], -0.3))
    assert 0.1 < rich[0, 0] - poor[0, 0] < 0.6
    assert np.allclose(rich[0, 1:], poor[0, 1:], atol=0.03)


def test_white_dwarfs_are_bluer_in_u_than_horizontal_branch_stars_of_their_temperature():
    stars = Population.empty(2)
    stars.kind[:] = "STAR"
    stars.subclass[:] = ["DA", "A0"]
    stars.teff[:] = 9500.0
    stars.feh[:] = [np.nan, -1.5]
    colours = colours_of(stars)
    assert colours[0, 0] < 0.7 < 0.9 < colours[1, 0]


def test_hydrogen_lines_stand_at_their_vacuum_wavelengths():
    stars = Population.empty(1)
    stars.kind[:], stars.subclass[:], stars.teff[:], stars.feh[:] = "STAR", "A0", 9000.0, -1.5
    wavelength = np.arange(4800.0, 4930.0, 0.2)
    sed = star_seds(stars, wavelength)[0]
    assert wavelength[np.argmin(sed)] == pytest.approx(4862.7, abs=0.5)
