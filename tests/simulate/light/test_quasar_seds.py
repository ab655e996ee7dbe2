"""Spectra of quasars."""

import numpy as np
import pytest

from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.quasar_seds import quasar_seds


def mean_quasars(redshift):
    z = np.asarray(redshift, float)
    one = np.ones(len(z))
    return quasar_seds(-0.46 * one, one, 0 * one, one, z, grid_wavelength())


def test_each_quasar_has_its_own_lines_and_sight_line_and_keeps_them():
    n = 40
    one = np.ones(n)
    wavelength = 10 ** np.arange(3.56, 3.97, 1e-4)

    def make(rows):
        generators = [np.random.default_rng(row) for row in rows]
        few = one[: len(rows)]
        return quasar_seds(-0.46 * few, few, 0 * few, few, 2.5 * few, wavelength, generators)

    made = make(range(n))
    np.testing.assert_array_equal(make([7])[0], made[7])
    forest = (wavelength > 1050 * 3.5) & (wavelength < 1180 * 3.5)
    continuum = (wavelength > 1680 * 3.5) & (wavelength < 1720 * 3.5)
    level = made / made[:, continuum].mean(axis=1, keepdims=True)
    assert np.std(level[:, forest], axis=0).mean() > 0.15
    assert np.std(level[:, continuum], axis=0).max() < 0.03
    mean = quasar_seds(-0.46 * one[:1], one[:1], 0 * one[:1], one[:1], 2.5 * one[:1], wavelength)[0]
    mean /= mean[continuum].mean()
    assert level[:, forest].mean() == pytest.approx(mean[forest].mean(), rel=0.03)


def test_colours_follow_redshift_as_richards_found():
    # Richards et al. (2001, AJ 121, 2308), figures 2 and 3: u-g stays blue to z = 2 and rises as Lyman alpha leaves u;
    # g-r jumps once it leaves g.
    m = synthetic_magnitudes(mean_quasars([1.5, 2.0, 2.8, 3.3, 4.3]))
    u_g, g_r = m[:, 0] - m[:, 1], m[:, 1] - m[:, 2]
    assert -0.1 < u_g[0] < 0.5
    assert -0.2 < u_g[1] < 0.5
    assert u_g[2] > u_g[1] + 0.2
    assert u_g[3] > 1.5
    assert g_r[4] > 0.9 > 0.6 > g_r[1]
