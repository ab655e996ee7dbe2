"""Spectra of quasars."""

import numpy as np
import pytest

import asterism.simulate.quasar_seds as module
from asterism.simulate.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.quasar_seds import LINES, intergalactic_transmission, quasar_seds


def mean_quasars(redshift):
    z = np.asarray(redshift, float)
    one = np.ones(len(z))
    return quasar_seds(-0.46 * one, one, 0 * one, one, z, grid_wavelength())


def test_lines_stand_where_they_should_and_have_their_equivalent_width(monkeypatch):
    monkeypatch.setattr(module, "_HUMPS", np.empty((0, 3)))
    wavelength = np.arange(4000.0, 10000.0, 1.0)
    z, one = np.array([1.0]), np.ones(1)
    strong, none = (quasar_seds(-0.46 * one, k * one, 0 * one, one, z, wavelength)[0] for k in (1.0, 0.0))
    _, centre, width, sigma, _ = next(line for line in LINES if line[0] == "Mg II")
    near = np.abs(wavelength - 2 * centre) < 10 * sigma
    excess = (strong / none - 1)[near]
    assert wavelength[near][np.argmax(excess)] == pytest.approx(2 * centre, abs=1)
    assert excess.sum() / 2 == pytest.approx(width, rel=0.01)


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
