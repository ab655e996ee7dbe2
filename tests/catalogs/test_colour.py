"""Colour pictures: Lupton's colours, the viewer's brightness, what is not observed."""

import numpy as np
import pytest

from asterism.catalogs.colour import STRETCHES, colour_picture
from asterism.errors import ConfigurationError


def viewer(planes, sky):
    """The Legacy Surveys' viewer, by its formula: red, green, blue of weighted fluxes, in [0, 1]."""
    lifted = np.stack(planes) + sky
    mean = np.maximum(lifted, 0).mean(axis=0)
    return np.clip(lifted * np.arcsinh(20 * mean) / np.sqrt(20) / mean, 0, 1)


@pytest.mark.parametrize(("survey", "bands", "rgb"), [("sdss", "ugriz", "irg"), ("legacy", "grz", "zrg")])
def test_brightness_is_the_viewers(survey, bands, rgb):
    # Positive in all bands and not burnt out, where the two formulas are one.
    flux = np.random.default_rng(0).uniform(0.01, 0.06, (len(bands), 12, 10))
    made = colour_picture(flux, bands, survey)
    stretch = STRETCHES[survey]
    weights = dict(stretch.weights)
    expected = viewer([flux[bands.index(b)] * weights[b] for b in rgb], stretch.sky).transpose(1, 2, 0) * 255
    assert made.shape == (12, 10, 3)
    assert made.dtype == np.uint8
    lifted = np.abs(made - expected)
    # astropy lifts the intensity by the sky, the viewer each channel too: a few steps of 255.
    assert np.median(lifted) < 25


def test_colours_do_not_burn_out():
    flux = np.zeros((3, 1, 3))
    flux[:, 0, :] = np.outer([1.0, 2.0, 4.0], [1.0, 30.0, 3000.0])
    made = colour_picture(flux, "gri").astype(float)[0]
    ratio = made[:, 2] / made[:, 0]
    assert np.allclose(ratio, 1.0 * 2.5 / 4.0, atol=0.05)
    assert (made[:, 0] >= made[:, 2]).all()
    assert made[2, 0] == 255


def test_the_same_flux_has_the_same_colour_in_every_image():
    faint, both = np.full((3, 4, 4), 0.05), np.full((3, 4, 4), 0.05)
    both[:, 2:] = 500.0
    assert np.array_equal(colour_picture(faint, "gri")[0], colour_picture(both, "gri")[0])


def test_not_observed_and_other_bands():
    flux = np.full((4, 5, 5), 1.0)
    flux[:, 0, 0] = np.nan
    flux[0, 1, 1] = np.nan
    made = colour_picture(flux, "griz", "legacy")
    assert (made[0, 0] == 0).all()
    assert (made[1, 1, :2] > 0).all()
    # In the north there is z and no i, in another set i and no z: whichever was observed is taken.
    flux[3] = np.nan
    assert colour_picture(flux, "griz", "legacy")[2, 2].min() > 0
    with pytest.raises(ConfigurationError, match="needs the bands zrg or irg, and there are g,r"):
        colour_picture(flux[:2], "gr", "legacy")
    with pytest.raises(ConfigurationError, match="no colours are known"):
        colour_picture(flux, "griz", "mine")
    assert colour_picture(flux, "griz", "mine", STRETCHES["legacy"]).shape == (5, 5, 3)
