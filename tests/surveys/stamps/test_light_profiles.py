"""Galaxy models as mixtures of Gaussians, against GalSim's profiles."""

import galsim
import numpy as np
import pytest

from asterism.simulate.imaging.images import double_gaussian
from asterism.surveys.stamps.cameras import CAMERAS
from asterism.surveys.stamps.light_profiles import (
    PROFILES,
    RADII,
    WIDTHS,
    interpolate_products,
    mixture,
    model_norms,
    scan_products,
    seen_variances,
)

TRUE = {"exponential": galsim.Exponential, "de Vaucouleurs": galsim.DeVaucouleurs}


@pytest.mark.parametrize("profile", PROFILES)
def test_mixtures_hold_half_of_their_light_within_the_radius(profile):
    share, variance = mixture(profile)
    assert share.sum() == pytest.approx(1)
    # De Vaucouleurs is cut at eight radii, as SDSS has it, which leaves a little more than half inside.
    assert 1 - (share * np.exp(-0.5 / variance)).sum() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("radius", [0.3, 1.0])
def test_norms_are_those_of_drawn_models(profile, radius):
    fwhm = 1.3
    sigma, weight = double_gaussian(np.array(fwhm))
    psf = galsim.Add([galsim.Gaussian(sigma=s * 0.396, flux=w) for s, w in zip(sigma, weight, strict=True)])
    drawn = galsim.Convolve(TRUE[profile](half_light_radius=radius), psf)
    image = drawn.drawImage(nx=32, ny=32, scale=0.396, method="no_pixel").array
    ours = float(model_norms(profile, np.array(radius), np.array(fwhm)))
    # The cut de Vaucouleurs profile holds all of its light nearer to the centre.
    assert ours == pytest.approx((image**2).sum(), rel=0.13 if profile == "de Vaucouleurs" else 0.04)


def test_norms_fall_with_radius_and_seeing():
    for profile in PROFILES:
        norms = model_norms(profile, RADII[:, None], np.array([1.0, 1.4, 2.0]))
        assert (np.diff(norms, axis=0) < 0).all()
        assert (np.diff(norms, axis=1) < 0).all()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("camera", [CAMERAS["sdss"], CAMERAS["legacy-south"]])
def test_products_with_models_are_interpolated_from_those_with_gaussians(profile, camera):
    # The data is a Gaussian of 2.5 pixels: its product with one of width s is 1 / (2 pi (s^2 + 2.5^2)).
    products = (1 / (2 * np.pi * (WIDTHS**2 + 2.5**2)))[None].astype(np.float32)
    fwhm = np.array([1.23])
    scanned, norm = scan_products(profile, products, fwhm, camera)
    assert norm[0] == pytest.approx(model_norms(profile, RADII, fwhm, camera), rel=2e-3)
    for number in (0, 12, 20):
        weight, variance = seen_variances(profile, RADII[number : number + 1], fwhm, camera)
        true = (weight / (2 * np.pi * (variance[0] + 2.5**2))).sum()
        assert interpolate_products(products, variance, weight)[0] == pytest.approx(true, rel=1e-3)
        assert scanned[0, number] == pytest.approx(true, rel=2e-3)
