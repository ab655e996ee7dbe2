"""The sky's light and what it takes away: brightness in bands, lines in vacuum, bands of oxygen where they are."""

import numpy as np
import pytest

from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.spectroscopy.night_sky import (
    LINES,
    extinction,
    moonlight,
    sky_continuum,
    sky_lines,
    telluric_transmission,
)
from asterism.surveys.stamps.cameras import SDSS

EDGES = np.arange(3500.0, 10500.0, 0.7)
CENTRES = 0.5 * (EDGES[1:] + EDGES[:-1])


def test_broad_bands_are_those_of_the_cameras_sky():
    wavelength = grid_wavelength()
    edges = np.append(wavelength - 2.5, wavelength[-1] + 2.5)
    sky_of_camera = [channel.sky for channel in SDSS.channels]
    sky = synthetic_magnitudes(1e-17 * (sky_continuum(edges) + sky_lines(edges))[None])[0]
    assert sky[:4] == pytest.approx(sky_of_camera[:4], abs=0.2)
    assert sky[4] == pytest.approx(sky_of_camera[4], abs=0.35)


def test_the_oxygen_line_is_at_its_vacuum_wavelength():
    lines = sky_lines(EDGES)
    near = np.abs(CENTRES - 5578.0) < 10
    assert CENTRES[near] @ lines[near] / lines[near].sum() == pytest.approx(5578.89, abs=0.05)


def test_no_light_of_a_line_is_lost_on_any_grid():
    total = sum(strength for at, strength in LINES if 4000 < at < 9000)
    for step in (0.3, 1.0, 7.0):
        edges = np.arange(4000.0, 9000.0 + step, step)
        assert (sky_lines(edges) * np.diff(edges)).sum() == pytest.approx(total, rel=1e-6)


def test_oxygen_bands_are_where_they_are_and_grow_with_airmass():
    one, two = telluric_transmission(CENTRES, 1.5, np.array([1.0, 2.0]), np.array([4.0, 4.0]))
    absorbed = 1.0 - one
    for head, end, least in ((6867, 6945, 0.3), (7594, 7690, 0.5)):  # heads of B and A, Å
        assert absorbed[(head < CENTRES) & (end > CENTRES)].max() > least
        assert absorbed[(head - 25 < CENTRES) & (head - 6 > CENTRES)].max() < 0.02
    assert (two <= one).all()
    assert (one[CENTRES < 5800] > 0.999).all()


def test_water_follows_water_and_oxygen_does_not():
    dry, wet = telluric_transmission(CENTRES, 1.5, np.array([1.0, 1.0]), np.array([1.0, 10.0]))
    water, oxygen = np.abs(CENTRES - 9380) < 40, np.abs(CENTRES - 7610) < 10
    assert (wet[water] < dry[water]).all()
    assert wet[oxygen] == pytest.approx(dry[oxygen])


def test_extinction_and_moonlight_are_stronger_in_the_blue():
    assert extinction(3700.0) > 2 * extinction(5000.0) > 4 * extinction(9000.0)
    moon = moonlight(EDGES)
    assert moon[np.argmin(np.abs(CENTRES - 5000))] == pytest.approx(1, abs=1e-3)
    assert moon[np.argmin(np.abs(CENTRES - 4000))] > 1.4
