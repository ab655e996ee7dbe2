"""Pixels hold means, and joined spectra have no step."""

import numpy as np
import pytest

from asterism.simulate.light.sampling import gaussian_means, join, pixel_edges, pixel_means, running_integral


def test_edges_lie_halfway():
    assert pixel_edges([1.0, 2.0, 4.0]).tolist() == [0.5, 1.5, 3.0, 5.0]


@pytest.mark.parametrize("step", [0.7, 5.0, 40.0])
def test_a_narrow_line_keeps_its_flux_on_any_grid(step):
    wavelength = np.arange(4000.0, 6000.0, step)
    edges = pixel_edges(wavelength)
    means = gaussian_means(edges[None], np.array([[5008.24]]), np.array([[1.5]]))[0]
    assert (means * np.diff(edges)).sum() == pytest.approx(1.0, rel=1e-9)
    grid = np.arange(3900.0, 6100.0, 0.1)
    line = np.exp(-0.5 * ((grid - 5008.24) / 1.5) ** 2) / (1.5 * np.sqrt(2 * np.pi))
    again = pixel_means(edges, grid, running_integral(grid, line))
    np.testing.assert_allclose(again, means, atol=2e-3 * means.max())


def test_a_straight_spectrum_stays_straight():
    grid = np.arange(3000.0, 9000.0, 0.5)
    wavelength = 10.0 ** np.arange(3.6, 3.9, 1e-4)
    means = pixel_means(pixel_edges(wavelength), grid, running_integral(grid, 2.0 + grid / 1e3))
    np.testing.assert_allclose(means, 2.0 + wavelength / 1e3, rtol=1e-5)


def test_joined_spectra_have_no_step_and_keep_both_shapes():
    rest = np.linspace(2000.0, 9000.0, 3000)[None].repeat(2, axis=0)
    inner, outer = 7.0 * (rest / 4000.0) ** -1.5, (rest / 4000.0) ** -1.4
    joined = join(rest, inner, outer, np.array([3500.0, 1000.0]), 7400.0, 0.03)
    assert np.abs(np.diff(np.log(joined[0]))).max() < 1.1 * np.abs(np.diff(np.log(inner[0]))).max() + 1e-4
    middle = (rest[0] > 3650) & (rest[0] < 7150)
    assert (joined[0][middle] == inner[0][middle]).all()
    assert (joined[1][rest[0] < 7150] == inner[1][rest[0] < 7150]).all()
    blue = rest[0] < 3500
    ratio = joined[0][blue] / outer[0][blue]
    np.testing.assert_allclose(ratio, ratio[0])


def test_nothing_of_the_inner_spectrum_is_used_beyond_its_ends():
    rest = np.linspace(3000.0, 8000.0, 800)[None]
    inner = np.where((rest > 4000) & (rest < 7000), 1.0, np.nan)
    joined = join(rest, np.nan_to_num(inner, nan=1e9), np.ones_like(rest), 4000.0, 7000.0, 0.02)
    assert joined.max() == pytest.approx(1.0)
