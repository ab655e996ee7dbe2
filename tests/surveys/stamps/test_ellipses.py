"""Elliptical de Vaucouleurs models on images that are drawn pixel by pixel."""

import numpy as np
import pytest

from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.ellipses import AXIS_RATIOS, MAJOR_RADII, AngularProducts, best_major_radius
from asterism.surveys.stamps.light_profiles import mixture

FWHM = 1.32
SIDE = 32
PLACE = np.arange(SIDE) - 0.5 * (SIDE - 1)


def drawn(radius, ratio, angle, psf=(0.0, 0.0)):
    """A de Vaucouleurs galaxy (arcsec, deg) of unit light through SDSS's PSF with these e1, e2."""
    x, y = np.meshgrid(PLACE, PLACE)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shape = turn @ np.diag([1.0, ratio**2]) @ turn.T * (radius / SDSS.pixel_scale) ** 2
    image = np.zeros((SIDE, SIDE))
    for share, variance in zip(*mixture("de Vaucouleurs"), strict=True):
        for k, (sigma, light) in enumerate(zip(SDSS.psf.sigma(FWHM / SDSS.pixel_scale), SDSS.psf.shares, strict=True)):
            e1, e2 = psf if k < SDSS.psf.elliptical else (0.0, 0.0)
            blur = sigma**2 * np.array([[1 + e1, e2], [e2, 1 - e1]]) / np.sqrt(1 - e1**2 - e2**2)
            covariance = shape * variance + blur
            tight = np.linalg.inv(covariance)
            square = tight[0, 0] * x**2 + 2 * tight[0, 1] * x * y + tight[1, 1] * y**2
            image += share * light * np.exp(-0.5 * square) / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))
    return image


def measured(images, psf=(0.0, 0.0), fwhm=FWHM):
    """Radius and axis ratio of (n, size, size)."""
    data = np.asarray(images, np.float32)[:, None]
    n = len(data)
    products = AngularProducts.of(data, np.tile(PLACE, (n, 1)), np.tile(PLACE, (n, 1)))
    radius, ratio = best_major_radius(products.in_frame(np.tile(psf, (n, 1, 1))), np.full((n, 1), fwhm))
    return radius[:, 0], ratio[:, 0]


@pytest.mark.parametrize("psf", [(0.0, 0.0), (0.05, -0.03)])
@pytest.mark.parametrize(
    ("radius", "ratio", "angle"), [(0.1, 0.4, 30), (0.3, 0.05, 70), (0.5, 1.0, 0), (1.0, 0.6, 100)]
)
def test_the_semi_major_radius_is_found_whatever_the_psfs_shape(radius, ratio, angle, psf):
    found, flat = measured([drawn(radius, ratio, angle, psf)], psf)
    assert found[0] == pytest.approx(radius, rel=0.04)
    assert flat[0] == pytest.approx(ratio)


def test_a_point_is_small_however_elliptical_its_psf_is():
    for psf in ((0.0, 0.0), (0.05, -0.03)):
        assert measured([drawn(1e-4, 1.0, 0.0, psf)], psf)[0] < 0.03
    # Taken to be round, the PSF's shape would pass for the object's.
    assert measured([drawn(1e-4, 1.0, 0.0, (0.05, -0.03))])[0] > 0.05


def test_noise_stretches_most_points():
    """With only a radius to choose, a half would be no larger than the least; with an ellipse most have a long axis."""
    rng = np.random.default_rng(0)
    point = drawn(1e-4, 1.0, 0.0)
    images = point + rng.standard_normal((400, SIDE, SIDE)) * np.sqrt((point**2).sum()) / 50.0
    radius, ratio = measured(images)
    assert (radius > 0.02).mean() > 0.7
    assert np.median(radius) < 0.1
    assert np.median(ratio) < 0.6


def test_a_psf_taken_too_narrow_makes_points_larger():
    images = [drawn(1e-4, 1.0, 0.0)]
    assert measured(images, fwhm=0.98 * FWHM)[0] > 2.0 * measured(images)[0]


def test_models_that_are_tried_span_what_is_measured():
    assert (AXIS_RATIOS.max(), AXIS_RATIOS.min()) == (1.0, 0.05)
    empty, _ = measured(np.zeros((1, SIDE, SIDE)))
    assert MAJOR_RADII[0] <= empty[0] <= MAJOR_RADII[-1]
