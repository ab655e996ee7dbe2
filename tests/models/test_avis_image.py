import numpy as np
import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.avis_image import ImageEncoder
from asterism.models.inputs import ImageInputs

LEGACY = ImageInputs(group="image_legacy", survey="legacy", bands=("g", "r", "z"), shape=(152, 152), pixel_scale=0.262)
NOISE = np.array([0.01, 0.02, 0.05])


@pytest.fixture(scope="module")
def made(stamps):
    def build(inputs=LEGACY, side=144):
        torch.manual_seed(0)
        encoder = ImageEncoder(inputs, side, 32, 4, 1, (8, 16)).eval()
        encoder.observe(stamps(inputs, 12, seed=3))
        encoder.settle()
        return encoder

    return build


@pytest.fixture(scope="module")
def encoder(made):
    return made()


def test_softenings_are_the_noise_of_the_training_stamps_over_their_light(encoder, stamps):
    light = encoder.pixels(stamps(LEGACY, 12, seed=3)).light
    np.testing.assert_allclose(encoder.softening.numpy() * float(light.median()), NOISE, rtol=0.02)


def test_brightness_is_told_by_the_light_alone(encoder, stamps):
    image = stamps(LEGACY)
    bright = {**image, "flux": 5 * image["flux"], "ivar": image["ivar"] / 25}
    one, other = encoder.pixels(image), encoder.pixels(bright)
    torch.testing.assert_close(one.flux, other.flux)
    torch.testing.assert_close(one.ivar, other.ivar)
    torch.testing.assert_close(5 * one.light, other.light)
    with torch.no_grad():
        assert not torch.allclose(encoder(image), encoder(bright), atol=1e-3)


def test_light_is_told_without_what_is_hidden(encoder, stamps):
    image, hidden = stamps(LEGACY), torch.zeros(1, 1, 144, 144, dtype=torch.bool)
    hidden[..., 72:, :] = True
    other = {**image, "flux": image["flux"].clone()}
    other["flux"][:, :, 76:] *= 7
    half = encoder.pixels(image, hidden).light
    assert torch.equal(half, encoder.pixels(other, hidden).light)
    # Half of a round source tells it all.
    torch.testing.assert_close(half, encoder.pixels(image).light, rtol=0.1, atol=0.01)
    hidden[..., 24:120, 24:120] = True
    unknown = encoder.pixels(image, hidden).light
    assert (unknown > 0).all()
    assert (unknown < half).all()
    hidden[:] = True
    nothing = encoder.pixels(image, hidden)
    assert nothing.light.isnan().all()
    torch.testing.assert_close(nothing.flux, image["flux"][:, :, 4:-4, 4:-4])


def test_one_variance_for_a_band_is_as_good_as_one_for_each_pixel(encoder, stamps):
    with torch.no_grad():
        torch.testing.assert_close(encoder(stamps(LEGACY)), encoder(stamps(LEGACY, per_band=False)))


def test_only_the_crop_is_read(encoder, stamps):
    image, other = stamps(LEGACY), stamps(LEGACY)
    other["flux"][:, :, :4] = 1e4
    with torch.no_grad():
        assert torch.equal(encoder(image), encoder(other))
        other["flux"][:, :, 4] = 1e4
        assert not torch.allclose(encoder(image), encoder(other), atol=1e-3)


def test_the_two_scales_show_one_sky(encoder, stamps):
    image = stamps(LEGACY, noise=False)
    (fine, _, _), (coarse, ivar, share) = encoder.scales(*encoder.pixels(image)[:3])
    assert fine.shape[-2:] == (48, 48)
    assert coarse.shape[-2:] == (48, 48)
    torch.testing.assert_close(coarse[..., 16:32, 16:32], 3 * torch.nn.functional.avg_pool2d(fine, 3))
    assert torch.equal(share, torch.ones_like(share))
    light = encoder.pixels(image).light[0]
    torch.testing.assert_close(ivar[0, :, 0, 0], light**2 * torch.tensor(NOISE**-2, dtype=torch.float32))


def test_a_band_that_was_not_observed_is_never_read_and_changes_the_answer(encoder, stamps):
    image = stamps(LEGACY)
    image["ivar"][:, 1] = 0
    other = {**image, "flux": image["flux"].clone()}
    other["flux"][:, 1] = torch.nan
    with torch.no_grad():
        assert torch.equal(encoder(image), encoder(other))
        assert not torch.allclose(encoder(image), encoder(stamps(LEGACY)), atol=1e-2)


def test_other_bands_and_sizes_are_matched_by_name(stamps, made):
    encoder = made()
    image = stamps(LEGACY, noise=False)
    with torch.no_grad():
        before = encoder(image)
        griz = LEGACY.model_copy(update={"bands": ("g", "r", "i", "z"), "shape": (160, 160)})
        encoder.turn_to(griz)
        torch.testing.assert_close(encoder(stamps(griz, noise=False)), before, rtol=1e-4, atol=1e-4)
        rz = LEGACY.model_copy(update={"bands": ("z", "r")})
        encoder.turn_to(rz)
        image["ivar"][:, 0] = 0
        two = encoder(stamps(rz, noise=False))
        encoder.turn_to(LEGACY)
        torch.testing.assert_close(two, encoder(image), rtol=1e-4, atol=1e-4)
        small = LEGACY.model_copy(update={"shape": (64, 64)})
        encoder.turn_to(small)
        image = stamps(small, noise=False)
        assert torch.isfinite(encoder(image)).all()
        assert encoder.pixels(image).seen[0, 0].sum() == 64 * 64


def test_an_object_seen_only_in_bands_that_the_model_does_not_know_is_absent(stamps, made):
    encoder = made()
    griz = LEGACY.model_copy(update={"bands": ("g", "r", "i", "z")})
    encoder.turn_to(griz)
    image = stamps(griz, 3)
    image["ivar"][0, [0, 1, 3]] = 0
    assert encoder.present(image).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pixel_scale": 0.396}, "pixels of 0.262 arcsec and image_legacy has pixels of 0.396"),
        ({"bands": ("u", "i")}, "knows images in bands g, r, z and image_legacy has none of them"),
        ({"zero_point": "sdss"}, "zero point ab and image_legacy has sdss"),
    ],
)
def test_images_that_it_cannot_read_are_refused(encoder, change, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        encoder.turn_to(LEGACY.model_copy(update=change))


def test_small_stamps_have_an_encoder_of_their_own_size(stamps, made):
    inputs = LEGACY.model_copy(update={"shape": (64, 64)})
    encoder = made(inputs)
    assert encoder.side == 48
    assert torch.isfinite(encoder(stamps(inputs))).all()
