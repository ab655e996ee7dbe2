"""Mixtures of Gaussians against the profiles that they stand for, and their drawing against GalSim's."""

import galsim
import numpy as np
import pytest

from asterism.surveys.stamps.psf import (
    Psf,
    adaptive_width,
    double_gaussian_with_wing,
    effective_width,
    full_width,
    moffat,
    psf_images,
    shape_matrix,
)

SDSS_LIKE = double_gaussian_with_wing(2.5, 0.1, 0.07, 3.0, 2.5)


@pytest.mark.parametrize("beta", [2.5, 3.5, 4.765])
def test_a_moffat_profile_is_its_mixture(beta):
    r = np.linspace(0.0, 3.0, 31)
    scale = 0.5 / np.sqrt(2 ** (1 / beta) - 1)
    true = (beta - 1) / (np.pi * scale**2) * (1 + (r / scale) ** 2) ** -beta
    mixture = moffat(beta)
    assert np.abs(mixture.profile(r) - true).max() < 0.01 * true[0]
    assert sum(mixture.shares) == pytest.approx(1)
    assert full_width(mixture) == pytest.approx(1, abs=1e-6)


def test_sdss_seeing_is_the_effective_width_of_the_two_gaussians():
    plain = double_gaussian_with_wing(2.5, 0.1, 0.0, 3.0, 2.5)
    assert effective_width(plain) == pytest.approx(1)
    # The core is narrower than the Gaussian of the same noise.
    assert 0.7 < full_width(plain) < 0.85
    # Light in the wing costs depth: it spreads the noise over more pixels.
    assert SDSS_LIKE.norm(1.0) == pytest.approx(plain.norm(1.0) * 0.93**2, rel=0.05)


def test_the_adaptive_width_is_galsims_adaptive_moment():
    for psf in (SDSS_LIKE, Psf((0.5,), (1.0,))):
        image = psf_images(psf, np.full((1, 1), 8.0), np.zeros((1, 1, 2)), np.zeros((1, 2)), 96)[0, 0].astype(float)
        sigma = galsim.hsm.FindAdaptiveMom(galsim.Image(image, scale=1.0)).moments_sigma
        assert adaptive_width(psf) * 8.0 == pytest.approx(np.sqrt(8 * np.log(2)) * sigma, rel=2e-3)
    # What SDSS tables for its objects is a fifth narrower than what it quotes as the seeing of its fields.
    assert 0.75 < adaptive_width(SDSS_LIKE) < 0.9


def test_the_wing_falls_as_a_power_law():
    r = np.array([2.0, 4.0])
    near, far = SDSS_LIKE.profile(r)
    assert 2.0 < np.log(near / far) / np.log(2.0) < 5.0
    plain = double_gaussian_with_wing(2.5, 0.1, 0.0, 3.0, 2.5).profile(4.0)
    assert far > 100 * plain


@pytest.mark.parametrize("psf", [SDSS_LIKE, moffat(3.5)])
def test_norm_and_cube_are_those_of_the_drawn_image(psf):
    image = psf_images(psf, np.full((1, 1), 6.0), np.zeros((1, 1, 2)), np.zeros((1, 2)), 96)[0, 0].astype(float)
    assert image.sum() == pytest.approx(1, abs=0.01)
    assert (image**2).sum() == pytest.approx(float(psf.norm(6.0)), rel=1e-3)
    assert (image**3).sum() == pytest.approx(float(psf.cube(6.0)), rel=1e-3)


def test_elliptical_cores_are_drawn_as_galsim_draws_them():
    rng = np.random.default_rng(3)
    fwhm, shape, place = rng.uniform(3, 5, (4, 2)), rng.uniform(-0.1, 0.1, (4, 2, 2)), rng.uniform(-0.5, 0.5, (4, 2))
    drawn = psf_images(SDSS_LIKE, fwhm, shape, place, 32)
    for row in range(4):
        for band in range(2):
            e1, e2 = shape[row, band]
            parts = []
            for k, (sigma, share) in enumerate(zip(SDSS_LIKE.sigma(fwhm[row, band]), SDSS_LIKE.shares, strict=True)):
                part = galsim.Gaussian(sigma=sigma, flux=share)
                parts.append(part.shear(e1=e1, e2=e2) if k < SDSS_LIKE.elliptical else part)
            theirs = galsim.Add(parts).shift(*place[row]).drawImage(nx=32, ny=32, scale=1.0, method="no_pixel").array
            assert np.abs(drawn[row, band] - theirs).max() < 1e-5 * theirs.max()


def test_shapes_keep_the_area_and_give_their_ellipticity():
    shape = np.array([[0.1, -0.05], [0.0, 0.0]])
    xx, xy, yy = shape_matrix(shape)
    assert np.allclose(xx * yy - xy**2, 1)
    assert np.allclose((xx - yy) / (xx + yy), shape[:, 0])
    assert np.allclose(2 * xy / (xx + yy), shape[:, 1])
