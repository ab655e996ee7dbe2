"""A field: objects at their places, one noise for all of it, and a variance that the file tells."""

import numpy as np
import pytest

from asterism.simulate.imaging.field_images import expose_field
from asterism.simulate.light.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import draw
from asterism.simulate.objects.selection import SURVEYS
from asterism.surveys.formats.sdss_frames import BANDS, pixel_variance
from asterism.surveys.stamps.cameras import SDSS

SHAPE = (200, 260)
PIXELS = np.array([[-70.3, 40.2], [60.8, -50.1], [0.0, 0.0]])


@pytest.fixture(scope="module")
def field():
    objects = draw(np.random.default_rng(1), np.array(["STAR", "STAR", "STAR"]), SURVEYS["sdss-spectro"])
    objects.r_mag[:] = 16.0, 17.0, 16.5
    seds = EmbeddedSeds().seds(objects, grid_wavelength(SDSS))
    fluxes = observed_fluxes(seds, objects.r_mag, objects.ebv, SDSS)
    return fluxes, expose_field(np.random.default_rng(2), objects, fluxes, seds, PIXELS, 4, SHAPE)


def test_objects_are_where_they_were_put(field):
    fluxes, images = field
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for row, (dx, dy) in enumerate(PIXELS):
        cx, cy = 0.5 * (SHAPE[1] - 1) + dx, 0.5 * (SHAPE[0] - 1) + dy
        near = np.hypot(x - cx, y - cy) < 12.0
        light = images.expected[2] * near
        assert light.sum() == pytest.approx(fluxes[row, 2], rel=0.06)
        assert (light * x).sum() / light.sum() == pytest.approx(cx, abs=0.2)
        assert (light * y).sum() / light.sum() == pytest.approx(cy, abs=0.2)


def test_the_noise_is_what_the_data_model_says(field):
    _, images = field
    for k, band in enumerate(BANDS):
        calibration = np.full(SHAPE[1], images.calibration[k])
        variance = pixel_variance(images.expected[k], calibration, images.sky[k], 4, band)
        noise = (images.flux[k] - images.expected[k]) / np.sqrt(variance)
        assert noise.std() == pytest.approx(1.0, abs=0.02)
        assert abs(noise.mean()) < 0.03


def test_the_same_chance_gives_the_same_field(field):
    objects = draw(np.random.default_rng(1), np.array(["STAR"]), SURVEYS["sdss-spectro"])
    seds = EmbeddedSeds().seds(objects, grid_wavelength(SDSS))
    one, same, other = (
        expose_field(np.random.default_rng(n), objects, np.ones((1, 5)), seds, PIXELS[2:], 1, (64, 64)).flux.tobytes()
        for n in (3, 3, 4)
    )
    assert one == same != other
