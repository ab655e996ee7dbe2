import math

import pytest
import torch

from asterism.models.inputs import ImageInputs
from asterism.models.patches import ImagePatches


def tokens_of(image_inputs, image, **options):
    torch.manual_seed(0)
    patches = ImagePatches(image_inputs, 16, **options)
    patches.observe(image)
    patches.settle()
    return patches, *patches(image)


def test_a_stamp_becomes_at_most_64_tokens(image_inputs, make_batch):
    patches, tokens, observed = tokens_of(image_inputs, make_batch(10)["image"])
    assert patches.grid == (8, 8)
    assert tokens.shape == (10, 64, 16)
    assert observed.shape == (10, 64)
    assert not observed[0, 0]  # the corner that make_batch leaves unobserved
    assert observed[0, 2:].all()
    assert not observed[2].any()


@pytest.mark.parametrize(("shape", "patch", "grid"), [((152, 152), 19, (8, 8)), ((30, 45), 6, (5, 8))])
def test_any_size_is_cut(shape, patch, grid, make_batch):
    inputs = ImageInputs(group="image_new", survey="new", bands=tuple("ugriz"), shape=shape, pixel_scale=0.3)
    image = make_batch(10, shape=shape)["image"]
    patches, tokens, observed = tokens_of(inputs, image)
    assert patches.patch == patch
    assert patches.grid == grid
    assert tokens.shape == (10, math.prod(grid), 16)
    assert observed[0, 1:].all()


def test_one_inverse_variance_per_band_serves_as_well(image_inputs, make_batch):
    image = make_batch(10)["image"]
    full = {**image, "ivar": torch.full_like(image["flux"], 400.0)}
    per_band = {**image, "ivar": torch.full((10, 5, 1, 1), 400.0)}
    patches, tokens, _ = tokens_of(image_inputs, full)
    assert torch.equal(patches(per_band)[0], tokens)


def test_seeing_matters_and_may_be_unknown(image_inputs, make_batch):
    image = make_batch(10)["image"]
    patches, tokens, _ = tokens_of(image_inputs, image)
    assert not torch.equal(patches({**image, "psf_fwhm": image["psf_fwhm"] * 2})[0][0], tokens[0])
    without = {key: value for key, value in image.items() if key != "psf_fwhm"}
    assert torch.isfinite(patches(without)[0]).all()


def test_a_profile_is_the_same_at_every_brightness_when_noise_is_low(image_inputs, make_batch):
    image = make_batch(10)["image"]
    image = {**image, "ivar": torch.full_like(image["flux"], 1e8), "present": torch.ones(10, dtype=torch.bool)}
    image["flux"] = image["flux"].abs()
    patches = ImagePatches(image_inputs, 16)
    flux, ivar, seen = patches._pixels(image)
    _, light = patches._whole(image, flux, ivar, seen)
    _, brighter = patches._whole(image, 100 * flux, ivar, seen)
    bright = [0, 1, 5, 9]  # objects 2 and 3 have no light at all
    torch.testing.assert_close(brighter[bright], 100 * light[bright])


def test_numbers_stay_finite_at_the_extremes(image_inputs, make_batch):
    image = make_batch(10)["image"]
    patches, _, _ = tokens_of(image_inputs, image)
    for factor in (1e-6, 1e6):
        assert torch.isfinite(patches({**image, "flux": image["flux"] * factor})[0]).all()
        assert torch.isfinite(patches({**image, "ivar": image["ivar"] * factor})[0]).all()


def test_a_source_has_the_same_tokens_whether_its_photons_are_in_the_noise_or_not(image_inputs, make_batch):
    image = make_batch(10)["image"]
    sky = {**image, "ivar": torch.full((10, 5, 1, 1), 400.0)}
    # Photons of the light above the sky: half of the pixels stay at the sky's noise and more.
    photons = image["flux"].clamp_min(0) * (image["flux"] > image["flux"].flatten(2).quantile(0.6, -1)[..., None, None])
    patches, tokens, _ = tokens_of(image_inputs, sky)
    both = {**image, "ivar": 1 / (1 / 400.0 + photons)}
    assert not torch.allclose(both["ivar"], torch.tensor(400.0))
    assert torch.allclose(patches(both)[0], tokens, atol=1e-5)
