"""Worse seeing widens the PSF and leaves white noise white; a brighter sky is added to the errors as to the pixels."""

import pytest
import torch

from asterism.learning.image_augment import add_sky, pixels, widen_psf


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(sigma, size=33):
    x = torch.arange(size) - (size - 1) / 2
    profile = torch.exp(-(x[:, None] ** 2 + x[None] ** 2) / (2 * sigma**2))
    return (profile / profile.sum()).view(1, 1, size, size)


def second_moment(image):
    x = torch.arange(image.shape[-1]) - (image.shape[-1] - 1) / 2
    return float((image.sum(-2) * x**2).sum() / image.sum())


def test_widths_add_in_quadrature_and_no_light_is_lost():
    star = 1e4 * gaussian(1.5).expand(2, 3, -1, -1)
    ivar = torch.full_like(star, 1e12)
    wide, same = widen_psf(star, ivar, torch.tensor([2.0, 0.0]), generator())
    assert second_moment(wide[0, 1]) == pytest.approx(1.5**2 + 2.0**2 + 1 / 12, rel=0.02)  # kernels fill their pixels
    assert float(wide[0, 1].sum()) == pytest.approx(1e4, rel=1e-3)
    assert torch.equal(wide[1], star[1])
    assert torch.equal(same, ivar)


@pytest.mark.parametrize("per_pixel", [True, False])
def test_white_noise_stays_white_and_of_its_variance(per_pixel):
    sigma = torch.tensor([0.5, 3.0])[None, :, None, None]
    flux = sigma * torch.randn(40, 2, 48, 48, generator=generator(1))
    ivar = (sigma**-2).expand(40, 2, 48, 48) if per_pixel else (sigma**-2).expand(40, 2, 1, 1)
    seen, _ = widen_psf(flux, ivar, torch.full((40,), 1.3), generator(2))
    inner = (seen / sigma)[..., 8:-8, 8:-8]
    assert float(inner.var()) == pytest.approx(1, abs=0.02)
    for lag in (1, 2, 3):
        beside = (inner[..., lag:] * inner[..., :-lag]).mean()
        assert abs(float(beside)) < 0.02, lag
    # It is not the noise that it was.
    assert abs(float((inner * (flux / sigma)[..., 8:-8, 8:-8]).mean())) < 0.2


def test_what_was_not_observed_stays_so_and_darkens_nobody():
    flux = torch.full((1, 1, 32, 32), 7.0)
    ivar = torch.full_like(flux, 1e12)
    ivar[0, 0, 10:13, 10] = 0
    flux[0, 0, 10:13, 10] = 0
    wide, same = widen_psf(flux, ivar, torch.tensor([1.5]), generator())
    assert not bool(wide[ivar == 0].any())
    torch.testing.assert_close(wide[ivar > 0], flux[ivar > 0], rtol=1e-4, atol=1e-4)
    assert torch.equal(same, ivar)


def test_small_stamps_can_be_blurred():
    flux = torch.rand(2, 3, 8, 8)
    wide, _ = widen_psf(flux, torch.ones(2, 3, 1, 1), torch.tensor([5.0, 1.0]), generator())
    assert bool(torch.isfinite(wide).all())


@pytest.mark.parametrize("per_pixel", [True, False])
def test_a_brighter_sky_is_in_the_errors(per_pixel):
    flux = torch.zeros(30, 1, 32, 32)
    ivar = torch.full((30, 1, 32, 32) if per_pixel else (30, 1, 1, 1), 4.0)
    if per_pixel:
        ivar[:, :, 0, 0] = 0
        ivar[:, :, 16, 16] = 1.0  # a source's own noise, which the sky's joins
    added = torch.full((30,), 3.0)
    added[0] = 0
    new, weight = add_sky(flux, ivar, added, generator())
    assert torch.equal(new[0], flux[0])
    assert torch.equal(weight[0], ivar[0])
    assert float(new[1:, :, 1:8].var()) == pytest.approx(3 / 4, rel=0.05)
    assert float(weight[1, 0, 0, -1]) == pytest.approx(1 / (1 / 4 + 3 / 4))
    if per_pixel:
        assert float(weight[1, 0, 16, 16]) == pytest.approx(1 / (1 + 3 / 4))
        assert not bool(weight[:, :, 0, 0].any() or new[:, :, 0, 0].any())
    blind, none = add_sky(flux, torch.zeros_like(ivar), added, generator())
    assert not bool(blind.any() or none.any())


def test_widths_are_those_of_the_sky():
    assert float(pixels(torch.tensor(2.3548), 0.5)) == pytest.approx(2.0, rel=1e-4)
