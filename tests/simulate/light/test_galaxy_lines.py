"""Lines of stars and gas in galaxies."""

import numpy as np
import pytest

from asterism.simulate.light.galaxy_lines import EMISSION_LINES, absorption_detail, emission_excess
from asterism.simulate.light.sampling import pixel_edges

GRID = 10 ** np.arange(np.log10(3400.0), np.log10(9400.0), 5e-5)


def test_absorption_leaves_broad_bands_alone_and_has_the_lines_of_old_stars():
    detail = absorption_detail(GRID)
    for low in (4000.0, 4700.0, 5500.0, 6500.0, 8000.0):
        band = (low < GRID) & (low + 700.0 > GRID)
        np.testing.assert_allclose(detail[:, band].mean(axis=1), 1.0, atol=0.02)
    old = detail[0]
    for line, beside in ((3934.8, 3910.0), (4305.6, 4270.0), (5176.0, 5140.0), (5893.0, 5850.0), (8544.4, 8520.0)):
        assert old[np.abs(GRID - line) < 4].mean() < 0.97 * old[np.abs(GRID - beside) < 4].mean()
    # Balmer lines are those of young populations.
    delta = np.abs(GRID - 4102.9) < 4
    assert detail[3, delta].mean() < old[delta].mean()


@pytest.mark.parametrize("step", [0.8, 5.0])
def test_emission_has_the_width_of_its_type_on_any_grid(step):
    wavelength = np.arange(4900.0, 5100.0, step)
    edges = np.tile(pixel_edges(wavelength), (3, 1))
    found = emission_excess(np.array([0.0, 1.5, 3.0]), np.ones((3, 2)), edges)
    wanted = np.sum([widths for name, _, widths, _ in EMISSION_LINES if name == "[O III]"][1:], axis=0)
    np.testing.assert_allclose(found.sum(axis=1) * step, [wanted[0], (wanted[1] + wanted[2]) / 2, wanted[3]], rtol=1e-3)
    assert wavelength[np.argmax(found[2])] == pytest.approx(5008.24, abs=step)


def test_scatter_moves_lines_of_high_ionisation_alone_or_all():
    wavelength = np.arange(4800.0, 5100.0, 1.0)
    edges = np.tile(pixel_edges(wavelength), (3, 1))
    plain, more, hard = emission_excess(np.full(3, 2.0), np.array([[1.0, 1.0], [2.0, 1.0], [1.0, 2.0]]), edges)
    np.testing.assert_allclose(more, 2 * plain)
    beta = np.abs(wavelength - 4862.7) < 10
    np.testing.assert_allclose(hard[beta], plain[beta])
    np.testing.assert_allclose(hard[wavelength > 4950], 2 * plain[wavelength > 4950])


def test_early_types_have_little_gas():
    strongest = {name: widths for name, _, widths, _ in EMISSION_LINES}
    assert strongest["H alpha"][0] < 2 < 50 < strongest["H alpha"][3]
    # Kennicutt (1992): EW([O II]) is 0.4 of EW(H alpha + [N II]) in spirals, more in irregulars.
    oxygen = sum(widths[2] for name, _, widths, _ in EMISSION_LINES if name == "[O II]")
    alpha = sum(widths[2] for name, _, widths, _ in EMISSION_LINES if name in ("H alpha", "[N II]"))
    assert 0.3 < oxygen / alpha < 0.6
