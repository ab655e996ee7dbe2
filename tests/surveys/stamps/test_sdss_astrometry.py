"""SDSS's astrometric solutions: there and back, the pixel scale, damage."""

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.stamps.sdss_astrometry import GreatCircle, solution_of

# The r band of run 4192, camcol 4, field 300, rounded.
ROW = {
    "a": 351.5677, "b": 1.1e-4, "c": 1.95e-8, "d": -0.009, "e": 1e-8, "f": 1.1e-4,
    "dRow0": -0.02, "dRow1": 8.2e-5, "dRow2": -7.8e-8, "dRow3": 2.0e-11,
    "dCol0": -0.08, "dCol1": 6.9e-4, "dCol2": -8.9e-7, "dCol3": 2.9e-10,
}  # fmt: skip


@pytest.mark.parametrize(("node", "inclination"), [(95.0, 0.0), (95.0, 25.0), (275.0, 60.0)])
def test_there_and_back(node, inclination):
    solution = solution_of(ROW, node, inclination, "x")
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(0, 2047, 9), np.linspace(0, 1488, 7)))
    back = solution.to_pixel(*solution.to_sky(x, y))
    assert np.abs(np.array(back) - [x, y]).max() < 1e-6
    assert solution.pixel_scale == pytest.approx(0.396, rel=1e-3)


def test_on_the_equator_it_is_plain():
    # Inclination 0: mu is right ascension and nu declination; the first pixel's middle is 0.5 in the file.
    row = ROW | {key: 0.0 for key in ROW if key.startswith("d") and key != "d"}
    ra, dec = solution_of(row, 95.0, 0.0, "x").to_sky(10.0, 20.0)
    assert ra == pytest.approx(351.5677 + 1.1e-4 * 20.5 + 1.95e-8 * 10.5, abs=1e-10)
    assert dec == pytest.approx(-0.009 + 1e-8 * 20.5 + 1.1e-4 * 10.5, abs=1e-10)
    shifted = solution_of(row | {"dCol0": 2.0}, 95.0, 0.0, "x").to_sky(8.0, 20.0)
    assert np.allclose(shifted, (ra, dec), atol=1e-12)


def test_bands_and_letters():
    lists = {name.upper(): np.array([0.0, value]) for name, value in ROW.items()}
    assert solution_of(lists, 95.0, 0.0, "x", 1) == solution_of(ROW, 95.0, 0.0, "x")
    assert isinstance(solution_of(ROW, 95.0, 0.0, "x"), GreatCircle)


def test_damage_is_one_sentence():
    with pytest.raises(BadInputError, match="no column dRow2"):
        solution_of({k: v for k, v in ROW.items() if k != "dRow2"}, 95.0, 0.0, "a.fit")
    for bad in ({"b": np.nan}, {"f": 0.0, "e": 0.0}, {"f": 1e3}):
        with pytest.raises(BadInputError, match=r"a\.fit"):
            solution_of(ROW | bad, 95.0, 0.0, "a.fit")
