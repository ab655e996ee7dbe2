"""Augmentations keep fluxes, errors and what was not observed right."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import ConfigurationError
from asterism.learning.augment import Augmentation, check_dimming, dim, flip_images, rotate_images, shift_images
from asterism.learning.config import AugmentConfig


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def stamps(n=6, bands=2, size=8, seed=0):
    flux = torch.randn(n, bands, size, size, generator=generator(seed))
    ivar = 1 + torch.rand(n, bands, size, size, generator=generator(seed + 1))
    return flux, ivar


def batch_of(n=6, seed=0):
    flux, ivar = stamps(n, seed=seed)
    ivar[:, :, 0, 0] = 0
    flux[:, :, 0, 0] = 0
    photometry = {
        "flux": 10 * torch.rand(n, 2, generator=generator(seed)),
        "ivar": torch.full((n, 2), 25.0),
        "psf_probability": torch.rand(n, generator=generator(seed)),
        "present": torch.ones(n, dtype=torch.bool),
    }
    photometry["ivar"][0, 1] = 0
    photometry["flux"][0, 1] = 0
    image = {"flux": flux, "ivar": ivar, "present": torch.ones(n, dtype=torch.bool)}
    return {"photometry": photometry, "image": image, "label": {"class": torch.zeros(n, dtype=torch.int64)}}


def test_rotations_turn_each_image_by_its_own_amount():
    flux, _ = stamps(4)
    turned = rotate_images(flux, torch.arange(4))
    for turns in range(4):
        assert torch.equal(turned[turns], torch.rot90(flux[turns], turns, dims=(-1, -2)))
    assert torch.equal(rotate_images(turned, (4 - torch.arange(4)) % 4), flux)


def test_one_value_per_band_is_not_turned():
    ivar = torch.rand(4, 2, 1, 1)
    assert torch.equal(rotate_images(ivar, torch.arange(4)), ivar)


def test_flips_mirror_the_chosen():
    flux, _ = stamps(3)
    chosen = torch.tensor([True, False, True])
    mirrored = flip_images(flux, chosen)
    assert torch.equal(mirrored[0], flux[0].flip(-1))
    assert torch.equal(mirrored[1], flux[1])
    assert torch.equal(flip_images(mirrored, chosen), flux)


@settings(deadline=None, max_examples=25)
@given(dy=st.integers(-3, 3), dx=st.integers(-3, 3))
def test_whole_pixel_shifts_move_values_and_mix_none(dy, dx):
    flux, ivar = stamps(2)
    new_flux, new_ivar = shift_images(flux, ivar, torch.tensor([[dy, dx], [0, 0]], dtype=torch.float32))
    inner = slice(3, 5)
    assert torch.equal(new_flux[0, :, inner, inner], flux[0, :, 3 - dy : 5 - dy, 3 - dx : 5 - dx])
    torch.testing.assert_close(new_ivar[0, :, inner, inner], ivar[0, :, 3 - dy : 5 - dy, 3 - dx : 5 - dx])
    assert torch.equal(new_flux[1], flux[1])
    # Whatever comes in from outside is the stamp's own, mirrored.
    assert torch.isin(new_flux, flux).all()


def test_interpolated_pixels_have_the_variance_of_their_mix():
    noise = torch.randn(4000, 1, 8, 8, generator=generator(5))
    ivar = torch.ones(4000, 1, 1, 1)
    new_flux, new_ivar = shift_images(noise, ivar, torch.tensor([[0.5, 0.25]]).expand(4000, 2))
    assert new_ivar.shape == ivar.shape
    assert float(new_ivar[0]) == pytest.approx(1 / (0.5 * (0.75**2 + 0.25**2)))
    assert float(new_flux[:, :, 4, 4].var()) == pytest.approx(1 / float(new_ivar[0]), rel=0.1)


def test_a_shifted_source_keeps_its_flux_and_moves():
    flux = torch.zeros(1, 1, 9, 9)
    flux[0, 0, 4, 4] = 7.0
    moved, _ = shift_images(flux, torch.ones_like(flux), torch.tensor([[1.0, -1.5]]))
    assert float(moved.sum()) == pytest.approx(7.0)
    assert float((moved[0, 0].sum(0) * torch.arange(9)).sum() / 7) == pytest.approx(2.5)
    assert float((moved[0, 0].sum(1) * torch.arange(9)).sum() / 7) == pytest.approx(5.0)


def test_pixels_without_information_stay_so_under_a_shift():
    flux, ivar = stamps(1)
    ivar[0, 0, 4, 4], flux[0, 0, 4, 4] = 0, 0
    new_flux, new_ivar = shift_images(flux, ivar, torch.tensor([[0.5, 0.0]]))
    assert (new_ivar[0, 0, 4:6, 4] == 0).all()
    assert (new_flux[0, 0, 4:6, 4] == 0).all()
    assert (new_ivar[0, 1] > 0).all()


@settings(deadline=None, max_examples=20)
@given(dm=st.floats(0.1, 4), sigma=st.floats(0.05, 2), sky=st.floats(0.05, 2))
def test_dimmed_fluxes_scatter_as_their_new_errors_say(dm, sigma, sky):
    n, truth = 4000, 50.0
    flux = truth + sigma * torch.randn(n, 1, generator=generator(7))
    ivar = torch.full((n, 1), sigma**-2)
    new_flux, new_ivar = dim(flux, ivar, torch.full((n,), dm), torch.tensor([sky]), generator(8))
    scale = 10 ** (-0.4 * dm)
    pull = (new_flux - scale * truth) * new_ivar.sqrt()
    assert float(pull.mean()) == pytest.approx(0, abs=0.08)
    assert float(pull.std()) == pytest.approx(1, abs=0.06)


def test_at_the_survey_s_depth_the_error_stays_the_depth():
    flux, ivar = torch.full((3, 1), 5.0), torch.full((3, 1), 4.0)
    _, new_ivar = dim(flux, ivar, torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.5]), generator())
    torch.testing.assert_close(new_ivar, ivar)


def test_photon_noise_falls_with_the_flux():
    sky, source = 0.3, 0.4
    ivar = torch.full((1, 1), 1 / (sky**2 + source**2))
    _, new_ivar = dim(torch.full((1, 1), 100.0), ivar, torch.tensor([2.5]), torch.tensor([sky]), generator())
    assert float(new_ivar) == pytest.approx(1 / (sky**2 + 0.1 * source**2))


def test_undimmed_and_unobserved_values_stay_to_the_bit():
    flux = torch.tensor([[1.0, 0.0], [2.0, 3.0]])
    ivar = torch.tensor([[4.0, 0.0], [4.0, 4.0]])
    new_flux, new_ivar = dim(flux, ivar, torch.tensor([1.0, 0.0]), torch.tensor([torch.inf]), generator())
    assert new_flux[0, 1] == 0
    assert new_ivar[0, 1] == 0
    assert torch.equal(new_flux[1], flux[1])
    assert torch.equal(new_ivar[1], ivar[1])
    assert new_flux[0, 0] != flux[0, 0]


def test_a_seed_gives_the_same_batch_again_and_the_given_one_is_kept():
    config = AugmentConfig(shift=1.5, subpixel=True, dimming=2.0)
    batch, same = batch_of(), batch_of()
    first = Augmentation(config, torch.tensor([0.2, 0.2]))(batch, generator(3))
    second = Augmentation(config, torch.tensor([0.2, 0.2]))(same, generator(3))
    for role in ("photometry", "image"):
        for name in first[role]:
            assert torch.equal(first[role][name], second[role][name])
            assert torch.equal(batch[role][name], same[role][name])
    assert not torch.equal(first["image"]["flux"], batch["image"]["flux"])
    assert first["photometry"]["flux"][0, 1] == 0
    assert first["photometry"]["ivar"][0, 1] == 0
    assert ((first["image"]["ivar"] > 0) | (first["image"]["flux"] == 0)).all()


def test_photometry_and_image_are_dimmed_together():
    config = AugmentConfig(rotations=False, flips=False, dimming=3.0, dimming_probability=1.0)
    batch = batch_of(200)
    for role in ("photometry", "image"):
        batch[role]["flux"] = torch.full_like(batch[role]["flux"], 1000.0)
        batch[role]["ivar"] = torch.full_like(batch[role]["ivar"], 1e4)
    out = Augmentation(config)(batch, generator())
    photometry = out["photometry"]["flux"].mean(1)
    image = out["image"]["flux"].mean((1, 2, 3))
    torch.testing.assert_close(photometry, image, rtol=1e-3, atol=0.1)
    assert float(photometry.min()) < 200
    assert float(photometry.max()) > 700


def test_only_the_chosen_share_is_dimmed():
    config = AugmentConfig(rotations=False, flips=False, dimming=3.0, dimming_probability=0.25)
    batch = batch_of(400)
    changed = Augmentation(config)(batch, generator())["photometry"]["flux"][:, 0] != batch["photometry"]["flux"][:, 0]
    assert 0.15 < float(changed.float().mean()) < 0.35


def test_nothing_switched_on_is_nothing_done():
    off = Augmentation(AugmentConfig(rotations=False, flips=False))
    assert not off.active
    assert Augmentation(AugmentConfig()).active
    batch = batch_of()
    assert torch.equal(off(batch, generator())["image"]["flux"], batch["image"]["flux"])


@pytest.mark.parametrize("role", ["spectrum", "spectrum2d"])
def test_objects_with_spectra_are_not_dimmed(role):
    with pytest.raises(ConfigurationError, match=f"inputs have {role}, which would stay bright"):
        check_dimming(AugmentConfig(dimming=1.0), ("image", role))
    check_dimming(AugmentConfig(), ("image", role))
    check_dimming(AugmentConfig(dimming=1.0), ("photometry", "image"))


def test_spectra_pass_untouched_and_their_images_are_turned():
    spectra = {"blue": torch.ones(6, 3, 4), "blue_ivar": torch.ones(6, 3, 4)}
    batch = {"image": batch_of()["image"], "spectrum2d": spectra}
    out = Augmentation(AugmentConfig())(batch, generator())
    assert out["spectrum2d"] is spectra
    assert not torch.equal(out["image"]["flux"], batch["image"]["flux"])
    alone = Augmentation(AugmentConfig())({"spectrum2d": spectra}, generator())
    assert alone == {"spectrum2d": spectra}


def test_brightness_is_one_factor_for_all_and_keeps_signal_to_noise():
    batch = {**batch_of(40), "spectrum": {"flux": torch.rand(40, 9), "ivar": torch.rand(40, 9)}}
    config = AugmentConfig(rotations=False, flips=False, brightness=1.0)
    out = Augmentation(config)(batch, generator(3))
    factor = out["spectrum"]["flux"][:, 0] / batch["spectrum"]["flux"][:, 0]
    assert float(factor.max()) > 1.5
    assert float(factor.min()) < 0.7
    assert bool(((factor >= 10**-0.4) & (factor <= 10**0.4)).all())
    for role in ("photometry", "image", "spectrum"):
        before, after = batch[role], out[role]
        scale = factor.view(-1, *[1] * (before["flux"].ndim - 1))
        torch.testing.assert_close(after["flux"], before["flux"] * scale)
        torch.testing.assert_close(after["flux"] ** 2 * after["ivar"], before["flux"] ** 2 * before["ivar"])
    with pytest.raises(ConfigurationError, match=r"set augment\.brightness=0"):
        check_dimming(config, ("image", "spectrum2d"))


def test_half_of_the_images_are_blurred_and_their_psf_says_so():
    batch = batch_of(60)
    batch["image"]["psf_fwhm"] = torch.full((60, 2), 1.2)
    config = AugmentConfig(rotations=False, flips=False, blur=1.5)
    out = Augmentation(config, pixel_scale=0.5)(batch, generator(3))["image"]
    changed = (out["flux"] != batch["image"]["flux"]).flatten(1).any(1)
    assert 15 < int(changed.sum()) < 45
    assert bool((out["psf_fwhm"][~changed] < 1.21).all())  # a very narrow Gaussian changes nothing
    assert bool(changed[out["psf_fwhm"][:, 0] > 1.25].all())
    assert float(out["psf_fwhm"].max()) <= (1.2**2 + 1.5**2) ** 0.5
    assert Augmentation(config, pixel_scale=0.5).active


def test_half_of_the_images_get_more_noise():
    batch = batch_of(60)
    out = Augmentation(AugmentConfig(rotations=False, flips=False, image_noise=3.0))(batch, generator(3))["image"]
    noisier = (out["ivar"] < batch["image"]["ivar"]).flatten(1).any(1)
    assert 15 < int(noisier.sum()) < 45
    assert torch.equal((out["flux"] != batch["image"]["flux"]).flatten(1).any(1), noisier)
