"""The intergalactic medium, on average and cloud by cloud."""

import numpy as np
import pytest

from asterism.simulate.light.forest import forest_transmission, intergalactic_transmission
from asterism.simulate.light.photometry import grid_wavelength
from asterism.simulate.light.sampling import pixel_edges


def test_the_intergalactic_medium_only_takes_and_takes_more_farther_away():
    wavelength = grid_wavelength()
    z = np.array([0.5, 2.0, 3.0, 4.0])
    passed = intergalactic_transmission(wavelength, z, np.ones(4))
    assert ((passed >= 0) & (passed <= 1)).all()
    assert (passed[0, wavelength > 1216 * 1.5] == 1).all()
    assert (passed[:, -1] == 1).all()
    means = [
        passed[row][(wavelength < 1200 * (1 + z[row])) & (wavelength > 1040 * (1 + z[row]))].mean() for row in (2, 3)
    ]
    # Madau (1995), figure 3: about 0.64 at z = 3 and 0.4 at z = 4 in the forest.
    assert means == pytest.approx([0.67, 0.42], abs=0.1)


def sight_lines(wavelength, redshift, n=60, strength=1.0):
    generators = [np.random.default_rng(seed) for seed in range(n)]
    return forest_transmission(generators, pixel_edges(wavelength), np.full(n, redshift), np.full(n, strength))


@pytest.mark.parametrize("redshift", [2.2, 3.0, 4.0])
def test_sight_lines_have_the_mean_transmission(redshift):
    wavelength = 10 ** np.arange(np.log10(930 * (1 + redshift)), np.log10(1300 * (1 + redshift)), 1e-4)
    passed = sight_lines(wavelength, redshift)
    assert ((passed >= 0) & (passed <= 1)).all()
    mean = intergalactic_transmission(wavelength, np.array([redshift]), np.ones(1))[0]
    rest = wavelength / (1 + redshift)
    assert (passed[:, rest > 1217] == 1).all()
    for low, high in ((1040, 1200), (980, 1020)):
        inside = (rest > low) & (rest < high)
        assert passed[:, inside].mean() == pytest.approx(mean[inside].mean(), rel=0.06)


def test_clouds_are_narrow_and_the_same_on_any_grid():
    fine, coarse = np.arange(3700.0, 4000.0, 0.8), np.arange(3702.0, 3998.0, 4.0)
    a, b = sight_lines(fine, 2.4, 5), sight_lines(coarse, 2.4, 5)
    again = a[:, :370].reshape(5, -1, 5).mean(axis=2)
    np.testing.assert_allclose(again, b[:, : again.shape[1]], atol=0.12)
    excess = a / a.mean(axis=1, keepdims=True) - 1
    assert 0.03 < excess.var() < 0.25
    near, far = (np.mean(excess[:, :-lag] * excess[:, lag:]) / excess.var() for lag in (1, 60))
    assert near > 0.4 > 0.15 > far


def test_lines_of_the_series_share_their_clouds():
    redshift = 3.0
    rest = 10 ** np.arange(np.log10(985.0), np.log10(1024.0), 1e-4)
    beta = sight_lines(rest * (1 + redshift), redshift, 30)
    alpha = sight_lines(rest * 1215.67 / 1025.72 * (1 + redshift), redshift, 30)
    assert np.corrcoef(alpha.ravel(), beta.ravel())[0, 1] > 0.2
    assert abs(np.corrcoef(alpha[1:].ravel(), beta[:-1].ravel())[0, 1]) < 0.1


def test_nothing_absorbs_where_no_quasar_line_is():
    assert (sight_lines(np.arange(6000.0, 7000.0, 5.0), 0.5, 3) == 1).all()
