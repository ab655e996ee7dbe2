"""Survey grids: every file's pixels are pixels of the grid, and what was not observed says so."""

import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.formats.spectral_grids import GRIDS, grid_named


def test_the_grids_are_the_contracts():
    desi = grid_named("desi")
    assert (desi.scale, desi.size) == ("linear", 7781)
    assert desi.wavelength[[0, 1, -1]] == pytest.approx([3600.0, 3600.8, 9824.0])
    for name in ("sdss", "lamost"):
        assert np.diff(np.log10(grid_named(name).wavelength)) == pytest.approx(1e-4)
    assert grid_named("lamost").wavelength[0] == pytest.approx(3700.0, abs=0.1)
    assert {name: grid.relative for name, grid in GRIDS.items()} == {"sdss": False, "lamost": True, "desi": False}
    assert grid_named("sdss").text == "log10,3.54,0.0001,4800"


@pytest.mark.parametrize("name", sorted(GRIDS))
def test_pixels_touch_and_know_their_place(name):
    grid = GRIDS[name]
    assert ((grid.edges[:-1] < grid.wavelength) & (grid.wavelength < grid.edges[1:])).all()
    assert grid.fractional_pixel(grid.wavelength) == pytest.approx(np.arange(grid.size), abs=1e-6)


def test_a_file_is_placed_by_whole_pixels():
    # loglam as files keep it: 32 bits.
    loglam = (3.5515 + 1e-4 * np.arange(4620)).astype(np.float32)
    flux, ivar = np.arange(4620.0), np.ones(4620)
    ivar[7], flux[9] = 0, np.nan
    placed, weight = grid_named("sdss").place(loglam, flux, ivar)
    start = 35515 - 35400
    assert placed.dtype == weight.dtype == np.float32
    assert placed[start : start + 4620][20:] == pytest.approx(flux[20:])
    assert np.isnan(placed[[start - 1, start + 7, start + 9, -1]]).all()
    assert (weight[[start - 1, start + 7, start + 9, -1]] == 0).all()
    assert (weight > 0).sum() == 4618


def test_descending_pixels_are_placed_where_they_belong():
    loglam = 3.58 + 1e-4 * np.arange(100)
    there = grid_named("sdss").place(loglam, np.arange(100.0), np.ones(100))
    back = grid_named("sdss").place(loglam[::-1], np.arange(100.0)[::-1], np.ones(100))
    assert np.array_equal(there[0], back[0], equal_nan=True)
    assert np.array_equal(there[1], back[1])


def test_what_is_not_on_the_grid_is_refused_and_not_resampled():
    grid = grid_named("sdss")
    loglam = 3.58 + 1e-4 * np.arange(10)
    one = np.ones(10)
    with pytest.raises(BadInputError, match=r"spec-1.fits is not on the pixels of sdss .* off by up to 0.30 pixels"):
        grid.place(loglam + 0.3e-4, one, one, "spec-1.fits")
    with pytest.raises(BadInputError, match="two values for one pixel"):
        grid.place(np.concatenate([loglam, loglam[:1]]), np.ones(11), np.ones(11))
    with pytest.raises(BadInputError, match="outside of 3467 to 10469"):
        grid.place(4.02 + 1e-4 * np.arange(10), one, one)
    with pytest.raises(BadInputError, match="10 wavelengths, fluxes of shape"):
        grid.place(loglam, np.ones(9), one)
    # Padding without observations may lie anywhere.
    assert (grid.place(4.02 + 1e-4 * np.arange(10), one, 0 * one)[1] == 0).all()


def test_an_unknown_survey_is_one_sentence():
    with pytest.raises(ConfigurationError, match="did you mean 'lamost'"):
        grid_named("lamos")
