"""Emission lines of quasars."""

import numpy as np
import pytest

from asterism.simulate.light.quasar_lines import LINES, iron_excess, line_excess
from asterism.simulate.light.sampling import pixel_edges


def excess(wavelength, strength=1.0, width=1.0, narrow=1.0):
    edges = pixel_edges(wavelength)[None]
    return line_excess(np.array([strength]), np.array([width]), np.array([narrow]), edges)[0]


@pytest.mark.parametrize("name", ["Mg II", "H gamma", "[O II]"])
@pytest.mark.parametrize("step", [0.5, 4.0])
def test_lines_stand_where_they_should_and_have_their_equivalent_width(name, step):
    _, centre, width, sigma, _ = next(line for line in LINES if line[0] == name)
    wavelength = np.arange(centre - 9 * sigma - 2.0, centre + 9 * sigma + 2.0, step)
    found = excess(wavelength)
    others = sum(other[2] for other in LINES if other[0] != name and abs(other[1] - centre) < 9 * sigma)
    assert abs(wavelength[np.argmax(found)] - centre) <= step
    assert found.sum() * step == pytest.approx(width + others, rel=0.03, abs=0.4)


def test_strength_and_width_are_the_broad_lines_own():
    wavelength = np.arange(2550.0, 3050.0, 1.0)
    plain, strong, wide = excess(wavelength), excess(wavelength, strength=2.0), excess(wavelength, width=1.5)
    np.testing.assert_allclose(strong, 2 * plain)
    assert wide.max() < 0.75 * plain.max()
    assert wide.sum() == pytest.approx(plain.sum(), rel=0.05)
    oxygen = np.arange(5000.0, 5016.0, 0.5)
    assert excess(oxygen, narrow=3.0).max() > 2 * excess(oxygen).max()


def test_iron_stands_beside_magnesium_and_beside_h_beta():
    height = iron_excess(np.array([1500.0, 2250.0, 2500.0, 2680.0, 4200.0, 4570.0, 4750.0, 5300.0, 8000.0]))
    assert height[2] > 0.15 > height[3]
    assert height[5] > 0.08 > height[6]
    assert height[7] > 0.08
    assert height[0] < 0.03
    assert height[8] == 0
