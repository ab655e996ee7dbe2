"""Stamps against GalSim's own drawing, and their noise against the survey's depth."""

import galsim
import numpy as np
import pytest

from asterism.catalogs.bands import band_info
from asterism.simulate.constants import constant
from asterism.simulate.images import (
    Conditions,
    add_noise,
    double_gaussian,
    draw_conditions,
    noiseless_stamps,
    psf_norms,
)
from asterism.simulate.photometry import BAND_NAMES
from asterism.simulate.population import Population, draw
from asterism.simulate.selection import survey_named


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(4)
    objects = draw(rng, np.repeat(["STAR", "GALAXY"], [4, 12]), survey_named("sdss-spectro"))
    conditions = draw_conditions(rng, 16)
    return objects, conditions, noiseless_stamps(objects, np.ones((16, 5)), conditions)


def drawn_by_galsim(objects, conditions, row, band):
    sigma, weight = double_gaussian(conditions.fwhm[row, band])
    scale = constant("pixel_scale")
    seen = galsim.Add([galsim.Gaussian(sigma=s * scale, flux=w) for s, w in zip(sigma, weight, strict=True)])
    if objects.kind[row] == "GALAXY":
        radius, share = objects.half_light_radius[row], objects.bulge_fraction[row]
        disc_q, bulge_q = objects.disc_axis_ratio[row], objects.bulge_axis_ratio[row]
        angle = objects.position_angle[row] * galsim.degrees
        bulge_radius = radius if disc_q == bulge_q else constant("bulge_size") * radius
        bulge = galsim.DeVaucouleurs(half_light_radius=bulge_radius * bulge_q**0.5, flux=share)
        disc = galsim.Exponential(half_light_radius=radius * disc_q**0.5, flux=1 - share)
        seen = galsim.Convolve(bulge.shear(q=bulge_q, beta=angle) + disc.shear(q=disc_q, beta=angle), seen)
    x, y = conditions.offset[row] * scale
    return seen.shift(x, y).drawImage(nx=32, ny=32, scale=scale, method="no_pixel").array


def test_stamps_are_what_galsim_draws(scene):
    objects, conditions, stamps = scene
    for row in range(16):
        for band in (0, 3):
            theirs = drawn_by_galsim(objects, conditions, row, band)
            assert np.abs(stamps[row, band] - theirs).max() < 2e-3 * theirs.max()
            # Light that leaves the large box comes back: below a per cent even of the largest galaxies.
            assert stamps[row, band].sum() == pytest.approx(theirs.sum(), abs=0.01)


def test_the_seeing_is_the_full_width_at_half_maximum():
    sigma, weight = double_gaussian(np.array([1.3]))
    r = np.array([0.0, 0.65 / 0.396])
    profile = (weight / sigma[0] ** 2 * np.exp(-0.5 * (r[:, None] / sigma[0]) ** 2)).sum(axis=1)
    assert profile[1] / profile[0] == pytest.approx(0.5, abs=1e-3)


def test_noise_gives_the_published_depth():
    rng = np.random.default_rng(0)
    conditions = draw_conditions(rng, 4000)
    sigma = np.median(conditions.sky_sigma / np.sqrt(psf_norms(conditions.fwhm)), axis=0)
    for band, name in enumerate(BAND_NAMES):
        info = band_info("sdss", name)
        depth = 22.5 - 2.5 * np.log10(5 * sigma[band]) + info.ab_offset
        assert depth == pytest.approx(info.depth_5sigma, abs=0.03)


def test_noise_has_its_variance_and_is_white():
    rng = np.random.default_rng(1)
    shape = (40, 5)
    conditions = Conditions(np.full(shape, 1.3), np.full(shape, 0.03), np.full(shape, 800.0), np.zeros((40, 2)))
    flat = np.full((40, 5, 32, 32), 0.5)
    noise = (add_noise(rng, flat, conditions) - flat) / np.sqrt(0.03**2 + 0.5 / 800)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert abs((noise[..., 1:] * noise[..., :-1]).mean()) < 0.01


def test_bands_have_their_own_seeing_and_share_the_night():
    fwhm = draw_conditions(np.random.default_rng(2), 2000).fwhm
    assert np.allclose(np.median(fwhm, axis=0), constant("psf_fwhm"), rtol=0.03)
    assert np.corrcoef(np.log(fwhm[:, 0]), np.log(fwhm[:, 4]))[0, 1] > 0.8
    assert len(np.unique(np.round(fwhm[0], 6))) == 5


def test_no_objects_make_no_stamps():
    conditions = draw_conditions(np.random.default_rng(0), 0)
    assert noiseless_stamps(Population.empty(0), np.empty((0, 5)), conditions).shape == (0, 5, 32, 32)
