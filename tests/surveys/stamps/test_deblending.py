"""Neighbours are taken off, and nothing else."""

import numpy as np
import pytest

from asterism.simulate.imaging.images import add_noise, draw_conditions, noiseless_stamps
from asterism.simulate.imaging.rendering import Sources
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.deblending import remove_neighbours
from asterism.surveys.stamps.stamp_measurement import measure


def stars(n, flux, beside=0.0, distance=9.0, seed=0):
    """Noisy stamps of stars with a point of flux `beside` so many pixels to the right."""
    rng = np.random.default_rng(seed)
    objects = Population.empty(n)
    objects.kind[:] = "STAR"
    seen = draw_conditions(rng, n)
    other = Sources.points(np.arange(n), np.full(n, distance), np.full(n, 2.0), np.full((n, 5), beside))
    clean = noiseless_stamps(objects, np.full((n, 5), flux), seen)
    blended = noiseless_stamps(objects, np.full((n, 5), flux), seen, neighbours=other)
    return seen, clean, add_noise(rng, blended, seen)


def test_a_neighbour_goes_and_the_object_stays():
    seen, clean, stamps = stars(40, 30.0, 100.0)
    cleaned = remove_neighbours(stamps, seen.offset, seen.sky_sigma, SDSS)
    left, before = (np.abs((image - clean)[:, 2, :, 20:]).sum(axis=(1, 2)) for image in (cleaned, stamps))
    assert np.median(left / before) < 0.35
    core = (slice(None), 2, slice(15, 17), slice(15, 17))
    assert np.array_equal(cleaned[core], stamps[core])


def test_lone_objects_are_left_alone():
    for flux in (3.0, 1000.0):
        seen, _, stamps = stars(60, flux)
        cleaned = remove_neighbours(stamps, seen.offset, seen.sky_sigma, SDSS)
        assert (cleaned != stamps).any(axis=(1, 2, 3)).mean() < 0.05


def test_photometry_beside_a_neighbour_is_saved():
    seen, _, stamps = stars(200, 20.0, 60.0, distance=8.0)
    with_removal = measure(stamps, seen)
    assert np.median(with_removal.psf_flux[:, 2]) == pytest.approx(20, rel=0.02)
    assert np.median(with_removal.flux[:, 2]) == pytest.approx(20, rel=0.1)
    assert (with_removal.compactness < 0.5).mean() > 0.8


def test_pixels_without_a_mirror_image_become_sky():
    seen, _, stamps = stars(1, 0.0, 500.0, distance=15.0)
    off_centre = np.array([[-0.9, 0.0]])
    cleaned = remove_neighbours(stamps, off_centre, seen.sky_sigma, SDSS)
    assert (cleaned[0, 2, :, -1] == 0).any()
    assert np.abs(cleaned[0, 2]).max() < 0.2 * np.abs(stamps[0, 2]).max()
