"""A file's pixels on the grid: masks, widths, and what neither rises nor fits."""

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.formats.spectrum_placing import is_vacuum, on_grid, rebinned
from asterism.surveys.formats.wavelength import vacuum_to_air

GRID = grid_named("sdss")


def test_vacuum_is_what_headers_say():
    assert [is_vacuum(card) for card in (True, "T", None, 1, False, "F", 0)] == [True] * 4 + [False] * 3


def test_pixels_in_any_order_keep_their_mask_and_width():
    at = np.arange(100, 200)[::-1]
    flux, mask = np.arange(100.0), np.arange(100) % 3
    found = on_grid(GRID, GRID.position[at], flux, np.ones(100), "x", mask=mask, lsf=np.full(100, 2.0), outside=8)
    assert np.array_equal(found["flux"][at], flux)
    assert np.array_equal(found["mask"][at], mask)
    assert found["mask"][99] == found["mask"][200] == 8
    assert np.allclose(found["lsf"][at], 2.0 * np.diff(GRID.edges)[at], rtol=1e-6)
    assert np.isnan(found["lsf"][99])


def test_widths_that_can_not_be_are_unknown():
    found = on_grid(GRID, GRID.position[:4], np.ones(4), np.ones(4), "x", lsf=[0.0, np.nan, 1e30, 1.0])
    assert np.isnan(found["lsf"][:3]).all()
    assert found["lsf"][3] > 0


@pytest.mark.parametrize("what", ["mask", "lsf"])
def test_arrays_of_unlike_length_are_refused(what):
    with pytest.raises(BadInputError, match="fetch the file again"):
        on_grid(GRID, GRID.position[:4], np.ones(4), np.ones(4), "x", **{what: np.ones(3)})


def test_rebinning_conserves_light_whichever_way_wavelengths_run():
    wave = 4000.0 * np.exp(np.cumsum(np.linspace(1.8e-4, 2.6e-4, 2000)))
    flux = 5.0 + np.exp(-0.5 * ((wave - 4800.0) / 5.0) ** 2)
    up = rebinned(GRID, wave, flux, np.ones(2000), "x", lsf=np.full(2000, 1.5))
    down = rebinned(GRID, wave[::-1], flux[::-1], np.ones(2000), "x", lsf=np.full(2000, 1.5))
    for name in up:
        assert np.array_equal(up[name], down[name], equal_nan=True)
    seen = up["ivar"] > 0
    light = np.sum((up["flux"] - 5.0)[seen] * np.diff(GRID.edges)[seen])
    assert light == pytest.approx(5.0 * np.sqrt(2 * np.pi), rel=1e-3)
    assert np.allclose(up["lsf"][seen], 1.5)


def test_air_moves_lines_to_vacuum():
    wave = np.arange(6000.0, 7000.0, 1.0)
    flux = np.exp(-0.5 * ((wave - vacuum_to_air(6564.61)) / 3.0) ** 2)
    found = rebinned(GRID, wave, flux, np.ones(1000), "x", air=True)
    seen = found["ivar"] > 0
    assert np.average(GRID.wavelength[seen], weights=found["flux"][seen]) == pytest.approx(6564.61, abs=0.02)


def test_bad_pixels_stay_bad_and_their_mask_is_kept():
    wave = GRID.wavelength[100:200]
    flux, ivar = np.ones(100), np.ones(100)
    flux[50], ivar[60] = np.nan, 0.0
    found = rebinned(GRID, wave, flux, ivar, "x", mask=np.where(np.arange(100) == 60, 4, 0), outside=8)
    assert (found["ivar"][[150, 160]] == 0).all()
    assert np.isnan(found["flux"][[150, 160]]).all()
    assert found["mask"][160] == 4
    assert found["mask"][99] == 8


@pytest.mark.parametrize("wave", [[5000.0, 5001.0, 5000.5], [5000.0, np.nan, 5002.0], [-1.0, 5000.0, 5001.0], [5000.0]])
def test_wavelengths_that_neither_rise_nor_fall_are_refused(wave):
    with pytest.raises(BadInputError, match="fetch the file again"):
        rebinned(GRID, wave, np.ones(len(wave)), np.ones(len(wave)), "x")
