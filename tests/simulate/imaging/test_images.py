"""Conditions of observations, sources put together, and noise."""

import numpy as np
import pytest

from asterism.simulate.imaging.images import (
    Conditions,
    add_noise,
    double_gaussian,
    draw_conditions,
    noiseless_stamps,
    target_sources,
)
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import CAMERAS, SDSS


def test_a_blank_pixel_has_the_skys_noise():
    conditions = draw_conditions(np.random.default_rng(0), 4000)
    assert np.allclose(np.median(conditions.sky_sigma, axis=0), SDSS.pixel_noise, rtol=0.02)
    # Read noise does not brighten: the noise varies less than the square root of the sky where it matters (u).
    spread = np.log(conditions.sky_sigma).std(axis=0)
    assert spread[0] < 0.8 * spread[2]


def test_noise_has_its_variance_and_is_white():
    rng = np.random.default_rng(1)
    conditions = Conditions.empty(40)
    conditions.sky_sigma[:], conditions.gain[:] = 0.03, 800.0
    flat = np.full((40, 5, 32, 32), 0.5)
    noise = (add_noise(rng, flat, conditions) - flat) / np.sqrt(0.03**2 + 0.5 / 800)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert abs((noise[..., 1:] * noise[..., :-1]).mean()) < 0.01


@pytest.mark.parametrize("name", CAMERAS)
def test_bands_have_their_own_seeing_and_share_the_night(name):
    camera = CAMERAS[name]
    conditions = draw_conditions(np.random.default_rng(2), 2000, camera)
    assert np.allclose(np.median(conditions.fwhm, axis=0), camera.fwhm, rtol=0.03)
    assert len(np.unique(np.round(conditions.fwhm[0], 6))) == len(camera.bands)
    common, own = camera.seeing_scatter
    expected = common**2 / (common**2 + own**2)
    assert np.corrcoef(np.log(conditions.fwhm[:, 0]), np.log(conditions.fwhm[:, -1]))[0, 1] == pytest.approx(
        expected, abs=0.06
    )
    assert conditions.ellipticity.std() == pytest.approx(np.hypot(*camera.ellipticity_scatter), rel=0.1)
    assert np.abs(conditions.offset).max() <= 0.5
    assert conditions.rotation.std() == pytest.approx(camera.rotation, abs=0.05)


def scene(kinds, radius):
    objects = Population.empty(len(kinds))
    objects.kind[:] = kinds
    objects.half_light_radius[:] = radius
    for name in ("bulge_fraction", "bulge_axis_ratio", "disc_axis_ratio", "position_angle"):
        getattr(objects, name)[:] = 0.5
    return objects, draw_conditions(np.random.default_rng(0), len(kinds))


def test_points_and_galaxies_become_sources():
    objects, conditions = scene(["STAR", "GALAXY", "QSO", "GALAXY"], [np.nan, 1.0, np.nan, np.nan])
    sources = target_sources(objects, np.ones((4, 5)), conditions)
    # A galaxy without a size is a point too: its light is not lost.
    assert sources.stamp.tolist() == [0, 2, 3, 1]
    assert (sources.radius > 0).tolist() == [False, False, False, True]
    assert (sources.flux == 1).all()


def test_a_nucleus_in_a_host_is_both():
    objects, conditions = scene(["QSO", "QSO"], [1.0, np.nan])
    share = np.full((2, 5), 0.3)
    sources = target_sources(objects, np.full((2, 5), 10.0), conditions, share)
    assert sources.stamp.tolist() == [0, 1, 0]
    assert np.allclose(sources.flux[:, 0], [3, 10, 7])
    whole, points = (
        noiseless_stamps(objects, np.full((2, 5), 10.0), conditions, nuclear_fraction=part) for part in (share, None)
    )
    assert whole[0, 2].max() < 0.8 * points[0, 2].max()
    assert np.array_equal(whole[1], points[1])


@pytest.mark.parametrize(
    ("name", "size"), [("sdss", 64), ("legacy-south", 152), ("legacy-south-griz", 64), ("lsst", 64)]
)
def test_stamps_have_the_cameras_shape_and_light(name, size):
    camera = CAMERAS[name]
    objects, _ = scene(["STAR", "GALAXY"], [np.nan, 0.5])
    conditions = draw_conditions(np.random.default_rng(0), 2, camera)
    stamps = noiseless_stamps(objects, np.full((2, len(camera.bands)), 7.0), conditions, camera=camera, size=size)
    assert stamps.shape == (2, len(camera.bands), size, size)
    assert np.allclose(stamps.sum(axis=(2, 3)), 7, rtol=0.06)


def test_sdss_gaussians_are_the_cameras():
    sigma, weight = double_gaussian(np.array([1.3, 1.5]))
    assert sigma.shape == (2, len(SDSS.psf.widths))
    assert weight.sum() == pytest.approx(1)


def test_no_objects_make_no_stamps():
    conditions = draw_conditions(np.random.default_rng(0), 0)
    assert noiseless_stamps(Population.empty(0), np.empty((0, 5)), conditions).shape == (0, 5, 32, 32)
