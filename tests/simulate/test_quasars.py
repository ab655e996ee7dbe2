"""Quasars: their luminosity function and what a magnitude limit makes of it."""

import numpy as np
import pytest

from asterism.simulate.population import draw
from asterism.simulate.quasars import luminosity_function
from asterism.simulate.selection import Sample, Survey, Window


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
