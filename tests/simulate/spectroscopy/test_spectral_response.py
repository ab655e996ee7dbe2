"""Light keeps its place, its amount and its width on the way to pixels."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.spectroscopy.spectral_response import FWHM, response_of, spread_matrix
from asterism.simulate.spectroscopy.spectrographs import SPECTROGRAPHS


@pytest.mark.parametrize("name", sorted(SPECTROGRAPHS))
def test_a_flat_spectrum_stays_flat(name):
    response = response_of(name)
    for arm in response.arms:
        assert arm.matrix @ np.ones(len(response.wavelength)) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", sorted(SPECTROGRAPHS))
@pytest.mark.parametrize("at", [4000.0, 5007.3, 8500.9])
def test_a_narrow_line_keeps_flux_and_place_and_has_the_resolution(name, at):
    response = response_of(name)
    arm = next(arm for arm in reversed(response.arms) if arm.arm.low < at - 50)
    cell = int(np.argmin(np.abs(response.wavelength - at)))
    line = np.zeros(len(response.wavelength))
    line[cell] = 1.0
    width = np.diff(response.spectrograph.grid.edges)[arm.pixels]
    seen = arm.matrix @ line * width
    centre = response.wavelength[cell]
    lost = 0.5 * (response.wavelength[cell + 1] - response.wavelength[cell - 1])
    assert seen.sum() == pytest.approx(lost, rel=1e-3)
    place = (arm.wavelength * seen).sum() / seen.sum()
    assert place == pytest.approx(centre, abs=0.02)
    sigma = np.sqrt(((arm.wavelength - place) ** 2 * seen).sum() / seen.sum())
    pixel = np.interp(centre, arm.wavelength, width)
    said = np.interp(centre, arm.wavelength, arm.sigma)
    assert sigma == pytest.approx(np.sqrt(said**2 + pixel**2 / 12.0), rel=0.03)
    resolution = np.interp(centre, *np.array(arm.arm.resolution).T)
    assert said == pytest.approx(centre / resolution / FWHM, rel=1e-3)


def test_pixels_are_integrals_and_not_points():
    # A line much narrower than a pixel gives all of itself to the pixel that it is in.
    grid = SPECTROGRAPHS["desi"].grid
    edges = np.linspace(5000.0, 5010.0, 1001)
    matrix = spread_matrix(grid, slice(1740, 1770), edges, np.full(1000, 0.001))
    line = np.zeros(1000)
    line[[333, 334]] = 50.0
    seen = matrix @ line
    assert (seen > 0).sum() == 1
    assert seen.max() * grid.step == pytest.approx(1.0, rel=1e-6)


def test_the_lsf_of_the_grid_is_that_of_the_arms():
    response = response_of("boss")
    grid = response.spectrograph.grid
    known = np.isfinite(response.lsf)
    assert grid.wavelength[known][[0, -1]] == pytest.approx([3560, 10390], abs=2)
    assert 0.8 < response.lsf[known].min() < response.lsf[known].max() < 2.0


def test_an_unknown_spectrograph():
    with pytest.raises(ConfigurationError, match="unknown spectrograph"):
        response_of("muse")
