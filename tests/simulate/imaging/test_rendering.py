"""Sources on stamps against GalSim's own drawing."""

import galsim
import numpy as np
import pytest

from asterism.simulate.constants import constant
from asterism.simulate.imaging.rendering import Sources, add_sources
from asterism.surveys.stamps.cameras import CAMERAS, SDSS

LEGACY = CAMERAS["legacy-south"]


def galaxies(n, radius, seed=0, spread=0.4, bands=5):
    rng = np.random.default_rng(seed)
    disc = rng.uniform(0.25, 1.0, n)
    bulge = np.where(np.arange(n) % 2 == 0, disc, rng.uniform(0.5, 1.0, n))
    x, y = rng.uniform(-spread, spread, (2, n))
    flux = rng.uniform(1, 2, (n, bands))
    sources = Sources.galaxies(
        np.arange(n), x, y, flux, np.full(n, radius), rng.uniform(0, 1, n), bulge, disc, rng.uniform(0, 180, n)
    )
    return sources, rng.normal(0, 0.05, (n, bands, 2))


def drawn_by_galsim(sources, row, band, fwhm, ellipticity, camera, size):
    parts = []
    for k, (sigma, share) in enumerate(zip(camera.psf.sigma(fwhm), camera.psf.shares, strict=True)):
        part = galsim.Gaussian(sigma=sigma, flux=share)
        parts.append(part.shear(e1=ellipticity[0], e2=ellipticity[1]) if k < camera.psf.elliptical else part)
    seen = galsim.Add(parts)
    if sources.radius[row] > 0:
        angle = sources.angle[row] * galsim.degrees
        share, disc_q, bulge_q = (
            float(getattr(sources, name)[row]) for name in ("bulge_fraction", "disc_axis_ratio", "bulge_axis_ratio")
        )
        bulge = galsim.DeVaucouleurs(half_light_radius=sources.bulge_radius[row] * bulge_q**0.5, flux=share)
        disc = galsim.Exponential(half_light_radius=sources.radius[row] * disc_q**0.5, flux=1 - share)
        seen = galsim.Convolve(bulge.shear(q=bulge_q, beta=angle) + disc.shear(q=disc_q, beta=angle), seen)
    scale = camera.pixel_scale
    seen = (seen * sources.flux[row, band]).shift(sources.x[row] * scale, sources.y[row] * scale)
    return seen.drawImage(nx=size, ny=size, scale=scale, method="no_pixel").array


@pytest.mark.parametrize(
    ("camera", "radius", "size"), [(SDSS, 0.3, 32), (SDSS, 1.0, 32), (SDSS, 4.0, 64), (LEGACY, 0.7, 152)]
)
def test_galaxies_are_what_galsim_draws(camera, radius, size):
    bands = len(camera.bands)
    sources, ellipticity = galaxies(4, radius, bands=bands)
    fwhm = np.full((4, bands), 1.4)
    stamps = np.zeros((4, bands, size, size), np.float32)
    add_sources(stamps, sources, fwhm, ellipticity, camera)
    for row in range(4):
        theirs = drawn_by_galsim(sources, row, 1, 1.4, ellipticity[row, 1], camera, size)
        assert np.abs(stamps[row, 1] - theirs).max() < 4e-3 * theirs.max()
        # Light that leaves the box comes back: below a per cent.
        assert stamps[row, 1].sum() == pytest.approx(theirs.sum(), rel=0.01)


def test_sharp_seeing_is_drawn_to_a_hundredth_of_the_peak():
    sources, ellipticity = galaxies(4, 0.4)
    stamps = np.zeros((4, 5, 32, 32), np.float32)
    add_sources(stamps, sources, np.full((4, 5), 0.9), ellipticity, SDSS)
    theirs = drawn_by_galsim(sources, 0, 1, 0.9, ellipticity[0, 1], SDSS, 32)
    assert np.abs(stamps[0, 1] - theirs).max() < 0.01 * theirs.max()


def test_sources_far_from_the_middle_are_drawn_too():
    n = 6
    sources, ellipticity = galaxies(n, 0.5, spread=14.0)
    sources.flux *= 2.0  # faint beside the noise: a small box
    points = Sources.points(
        np.arange(n), sources.x[::-1], sources.y[::-1], np.full((n, 5), 500.0)
    )  # bright: a large one
    stamps = np.zeros((n, 5, 32, 32), np.float32)
    add_sources(stamps, Sources.concatenate([sources, points]), np.full((n, 5), 1.3), ellipticity, SDSS)
    for row in range(n):
        theirs = sum(drawn_by_galsim(part, row, 2, 1.3, ellipticity[row, 2], SDSS, 32) for part in (sources, points))
        assert np.abs(stamps[row, 2] - theirs).max() < 0.2 * SDSS.pixel_noise[2] + 1e-4 * theirs.max()


def test_light_adds_up_and_lands_on_its_stamp():
    stamp = np.array([1, 1, 3])
    sources = Sources.points(stamp, np.array([0.0, 5.0, -3.0]), np.zeros(3), np.full((3, 5), 10.0))
    stamps = np.zeros((4, 5, 32, 32), np.float32)
    add_sources(stamps, sources, np.full((4, 5), 1.2), np.zeros((4, 5, 2)), SDSS)
    light = stamps.sum(axis=(2, 3))
    assert (light[[0, 2]] == 0).all()
    assert np.allclose(light[1], 20, rtol=0.03)
    assert np.allclose(light[3], 10, rtol=0.03)
    across = (stamps[3, 2] * (np.arange(32) - 15.5)).sum() / stamps[3, 2].sum()
    assert across == pytest.approx(-3.0, abs=0.1)


def test_what_lies_off_the_stamp_is_lost_without_harm():
    sources = Sources.points(np.array([0]), np.array([500.0]), np.array([-500.0]), np.full((1, 5), 10.0))
    stamps = np.zeros((1, 5, 32, 32), np.float32)
    add_sources(stamps, sources, np.full((1, 5), 1.2), np.zeros((1, 5, 2)), SDSS)
    assert (stamps == 0).all()
    add_sources(stamps, sources.take(np.array([], int)), np.full((1, 5), 1.2), np.zeros((1, 5, 2)), SDSS)
    assert (stamps == 0).all()


def test_spheroids_have_one_radius_and_discs_a_small_bulge():
    one = np.ones(2)
    made = Sources.galaxies(
        np.arange(2), 0 * one, 0 * one, np.ones((2, 5)), one, 0.5 * one, one * 0.8, np.array([0.8, 0.3]), one
    )
    assert made.bulge_radius.tolist() == [1.0, constant("bulge_size")]
