"""An exposure: measured on its own stamps, which hold neighbours and noise."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.imaging.images import add_noise, noiseless_stamps
from asterism.simulate.imaging.observing import expose, stamp_size
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import CAMERAS, SDSS
from asterism.surveys.stamps.stamp_measurement import measure


def stars(n):
    objects = Population.empty(n)
    objects.kind[:] = "STAR"
    objects.ebv[:] = 0.02
    return objects


@pytest.mark.parametrize("name", CAMERAS)
def test_photometry_is_of_the_stamps_in_every_camera(name):
    camera = CAMERAS[name]
    fluxes = np.full((6, len(camera.bands)), 20.0)
    seen, stamps, measured = expose(np.random.default_rng(0), stars(6), fluxes, camera=camera)
    assert stamps.shape == (6, len(camera.bands), camera.measured, camera.measured)
    assert np.array_equal(measure(stamps, seen, camera).flux, measured.flux)
    assert np.median(measured.psf_flux / fluxes) == pytest.approx(1, abs=0.05)


def test_only_the_middle_of_a_large_stamp_is_measured():
    seen, stamps, measured = expose(np.random.default_rng(0), stars(4), np.full((4, 5), 20.0), camera=SDSS, size=64)
    assert stamps.shape == (4, 5, 64, 64)
    assert np.array_equal(measure(stamps[:, :, 16:48, 16:48], seen).flux, measured.flux)


def test_image_and_photometry_share_their_noise():
    """What the matched filter makes of the stamp's own noise is the photometry's error, object by object."""
    rng = np.random.default_rng(2)
    objects, fluxes = stars(300), np.full((300, 5), 5.0)
    seen, _, _ = expose(rng, objects, fluxes)
    clean = noiseless_stamps(objects, fluxes, seen)
    stamps = add_noise(rng, clean, seen)
    measured = measure(stamps, seen)
    noise = stamps - clean
    through_filter = (noise * clean).sum(axis=(2, 3)) / (clean**2).sum(axis=(2, 3)) * 5.0
    assert np.corrcoef(through_filter[:, 2], (measured.psf_flux - fluxes)[:, 2])[0, 1] > 0.98
    # Another exposure of the same objects has other noise.
    other = measure(add_noise(rng, clean, seen), seen)
    assert abs(np.corrcoef((other.psf_flux - fluxes)[:, 2], (measured.psf_flux - fluxes)[:, 2])[0, 1]) < 0.2


def test_neighbours_are_on_the_stamps():
    _, stamps, _ = expose(np.random.default_rng(4), stars(200), np.zeros((200, 5)))
    brightest = (stamps / SDSS.pixel_noise[:, None, None])[:, 2].max(axis=(1, 2))
    assert 0.1 < (brightest > 8).mean() < 0.8


def test_a_size_that_the_camera_does_not_give_is_refused():
    with pytest.raises(ConfigurationError, match="have 32 or 64 pixels along each side, not 33"):
        stamp_size(SDSS, 33)
    assert stamp_size(SDSS) == 32
    assert stamp_size(SDSS, 64) == 64
