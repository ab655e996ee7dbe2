"""Galaxy models as mixtures of Gaussians, against GalSim's profiles."""

import galsim
import numpy as np
import pytest

from asterism.simulate.images import double_gaussian
from asterism.simulate.profiles import PROFILES, RADII, mixture, model_norms

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
