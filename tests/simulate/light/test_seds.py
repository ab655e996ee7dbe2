"""The provider's interface."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import survey_named

KINDS = np.repeat(["STAR", "GALAXY", "QSO"], 40)


@pytest.fixture(scope="module")
def objects():
    return draw(np.random.default_rng(0), KINDS, survey_named("sdss-spectro"))


def test_spectra_are_positive_and_finite(objects):
    seds = EmbeddedSeds().seds(objects, grid_wavelength())
    assert seds.shape == (120, len(grid_wavelength()))
    assert np.isfinite(seds).all()
    assert (seds >= 0).all()


def test_no_spectrum_is_used_past_its_end(objects):
    with pytest.raises(ConfigurationError, match="hold from 912 to 22000 Å at rest"):
        EmbeddedSeds().seds(objects.take(np.flatnonzero(objects.kind == "GALAXY")), np.array([800.0, 5000.0]))


def test_templates_are_named(objects):
    ids = EmbeddedSeds().template_ids(objects)
    assert all(name.startswith("embedded-star-") for name in ids[:40])
    assert set(ids[40:80]) <= {"embedded-galaxy-E-Sbc", "embedded-galaxy-Sbc-Scd", "embedded-galaxy-Scd-Im"}
    assert set(ids[80:]) == {"embedded-qso"}


def test_a_tilt_is_that_many_magnitudes_redder(objects):
    straight, tilted = objects.take(np.arange(120)), objects.take(np.arange(120))
    straight.tilt[:], tilted.tilt[:] = 0.0, 0.1
    a, b = (synthetic_magnitudes(EmbeddedSeds().seds(some, grid_wavelength())) for some in (straight, tilted))
    change = (b[:, 1] - b[:, 3]) - (a[:, 1] - a[:, 3])
    assert np.allclose(change, 0.1, atol=0.03)


def test_what_the_interface_promises_is_there():
    provider = EmbeddedSeds()
    assert provider.medium == "vacuum"
    assert provider.frame == "rest"
    assert set(provider.ranges) == {"STAR", "GALAXY", "QSO"}
