"""Quasars: their luminosity function and what a magnitude limit makes of it."""

import numpy as np
import pytest

from asterism.simulate.objects.population import draw
from asterism.simulate.objects.quasars import luminosity_function, mean_colours
from asterism.simulate.objects.samples import Sample, Window
from asterism.simulate.objects.selection import Survey


def quasars_of(sample, n=1000):
    survey = Survey("one", {"QSO": 1.0}, {"QSO": (sample,)}, None, "one sample")
    return draw(np.random.default_rng(0), np.full(n, "QSO"), survey)


def test_density_peaks_between_two_and_three():
    z = np.linspace(0.4, 4.5, 80)
    bright = luminosity_function(np.full(80, -27.0), z)
    assert 1.9 < z[np.argmax(bright)] < 3.0


def test_the_double_power_law_has_its_slopes():
    faint = luminosity_function(np.array([-20.0, -19.0]), np.array([1.0, 1.0]))
    bright = luminosity_function(np.array([-32.0, -31.0]), np.array([1.0, 1.0]))
    assert np.log10(faint[1] / faint[0]) == pytest.approx(0.4 * 0.16, abs=0.01)
    assert np.log10(bright[1] / bright[0]) == pytest.approx(0.4 * 2.37, abs=0.02)


def test_samples_keep_their_redshifts_and_magnitudes():
    quasars = quasars_of(Sample("boss", "quasar", 1.0, Window(17.5, 21.8, 0.4), (2.1, 4.8)))
    assert quasars.redshift.min() > 2.08
    # Ross et al. (2012): BOSS quasars have their median near 2.5.
    assert np.median(quasars.redshift) == pytest.approx(2.5, abs=0.2)
    assert (quasars.r_mag <= 22.5).all()


def test_luminous_quasars_have_weaker_lines():
    quasars = quasars_of(Sample("all", "quasar", 1.0, Window(15.5, 21.8, 0.4)))
    luminous = quasars.absolute_magnitude < np.median(quasars.absolute_magnitude)
    assert np.median(quasars.line_strength[luminous]) < np.median(quasars.line_strength[~luminous])


def test_mean_colours_turn_red_in_u_as_lyman_alpha_passes():
    redshift, colours = mean_colours()
    near = colours[(redshift > 0.8) & (redshift < 2.0), 0]
    assert (np.abs(near) < 0.35).all()
    assert colours[np.argmin(np.abs(redshift - 3.2)), 0] > 1.5


def test_seyferts_are_faint_near_and_in_hosts():
    seyferts = quasars_of(Sample("seyfert", "seyfert", 1.0, Window(14.5, 17.77, 0.1), (0.06, 0.35)), 200)
    legacy = quasars_of(Sample("legacy", "quasar", 1.0, Window(15.0, 19.1, 0.2), (0.06, 4.8)), 200)
    assert seyferts.absolute_magnitude.min() > legacy.absolute_magnitude.max() - 0.3
    assert np.median(seyferts.host_fraction) > 0.3 > np.median(legacy.host_fraction)
