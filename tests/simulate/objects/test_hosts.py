"""Hosts of quasars: their share of the light by band, and their shapes."""

import numpy as np
import pytest

from asterism.simulate.imaging.images import draw_conditions, noiseless_stamps
from asterism.simulate.light.galaxy_seds import galaxy_seds
from asterism.simulate.light.photometry import grid_wavelength
from asterism.simulate.objects.hosts import nuclear_fractions
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.stamp_measurement import measure


def quasars(host_fraction, redshift=0.3):
    n = len(host_fraction)
    objects = Population.empty(n)
    objects.kind[:] = "QSO"
    objects.redshift[:], objects.r_mag[:], objects.galaxy_type[:] = redshift, 18.0, 0.0
    objects.host_fraction = np.asarray(host_fraction, float)
    wavelength = grid_wavelength()
    nucleus = (wavelength / (5100 * (1 + redshift))) ** -1.5
    host = galaxy_seds(np.zeros(n), np.zeros(n), np.full(n, redshift), wavelength)
    host /= host[:, np.searchsorted(wavelength, 5100 * (1 + redshift))][:, None]
    share = objects.host_fraction[:, None]
    return objects, (1 - share) * nucleus + share * host


def test_hosts_are_redder_than_their_nuclei():
    objects, whole = quasars([0.0, 0.2, 0.6])
    share = nuclear_fractions(np.random.default_rng(0), objects, whole)
    assert (share[0] == 1).all()
    assert (np.diff(share[1:], axis=1) < 0.05).all()
    assert share[1, 0] > 0.9 > share[1, 3]
    assert share[2, 2] == pytest.approx(0.4, abs=0.12)
    assert np.isnan(objects.half_light_radius[0])
    assert (objects.half_light_radius[1:] > 0.1).all()


def test_without_hosts_quasars_are_points_and_galaxies_are_not():
    objects = Population.empty(3)
    objects.kind[:] = ["QSO", "GALAXY", "STAR"]
    share = nuclear_fractions(np.random.default_rng(0), objects, np.ones((3, len(grid_wavelength()))))
    assert share[:, 0].tolist() == [1, 0, 1]
    assert share.shape == (3, 5)


def test_a_host_shows_on_the_stamp():
    objects, whole = quasars(np.repeat([0.02, 0.8], 60))
    rng = np.random.default_rng(1)
    share = nuclear_fractions(rng, objects, whole)
    objects.half_light_radius[:] = 1.5
    seen = draw_conditions(rng, 120)
    stamps = noiseless_stamps(objects, np.full((120, 5), 100.0), seen, nuclear_fraction=share)
    assert np.allclose(stamps.sum(axis=(2, 3))[:, :4], 100, rtol=0.08)
    found = measure(stamps, seen, SDSS)
    point, extended = (np.median(found.psf_minus_model[rows, 3]) for rows in (slice(60), slice(60, 120)))
    assert point < 0.1 < 0.3 < extended
