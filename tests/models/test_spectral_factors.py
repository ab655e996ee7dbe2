import pytest
import torch

from asterism.models.spectral_factors import SpectralFactors

PIXELS, TRUE = 120, 3


def drawn(n, seed, noise=0.05):
    """Spectra of three hidden numbers each, with errors that differ from pixel to pixel and a tenth of pixels not observed."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0, 1, PIXELS)
    shapes = torch.stack(
        [torch.sin(3 * x), torch.exp(-(((x - 0.3) / 0.05) ** 2)), torch.exp(-(((x - 0.7) / 0.1) ** 2))]
    )
    hidden = torch.randn(n, TRUE, generator=generator)
    error = noise * (0.5 + torch.rand(n, PIXELS, generator=generator))
    flux = 1 + hidden @ shapes + error * torch.randn(n, PIXELS, generator=generator)
    seen = torch.rand(n, PIXELS, generator=generator) > 0.1
    return torch.where(seen, flux, 0.0), torch.where(seen, error**-2, 0.0), torch.ones(n, 1), hidden


def fitted(*spectra, count=TRUE):
    factors = SpectralFactors(count, PIXELS)
    factors.observe(*spectra)
    factors.settle()
    return factors


@pytest.fixture(scope="module")
def factors():
    return fitted(*drawn(800, 0)[:3])


def same_directions(found, hidden):
    """Mean cosine between directions of `hidden` numbers and what a linear map makes of `found` ones."""
    hidden = torch.nn.functional.normalize(hidden, dim=1)
    linear = torch.linalg.lstsq(found, hidden).solution
    return float(torch.nn.functional.cosine_similarity(found @ linear, hidden).mean())


def test_the_factors_are_those_that_made_the_spectra(factors):
    *spectra, hidden = drawn(300, 1)
    assert same_directions(factors(*spectra), hidden) > 0.99


def test_gaps_and_noise_leave_them_where_they_were(factors):
    flux, ivar, level, _ = drawn(200, 2)
    before = factors(flux, ivar, level)
    gap = torch.arange(PIXELS) % 40 < 14
    shorter = factors(torch.where(gap, 0.0, flux), torch.where(gap, 0.0, ivar), level)
    assert float((before * shorter).sum(1).median()) > 0.99
    generator = torch.Generator().manual_seed(3)
    noisy = flux + 3 * ivar.clamp_min(1e-12).rsqrt() * (ivar > 0) * torch.randn(flux.shape, generator=generator)
    assert float((before * factors(noisy, ivar / 10, level)).sum(1).median()) > 0.95


def test_wild_pixels_with_large_errors_do_not_count(factors):
    flux, ivar, level, _ = drawn(50, 4)
    before = factors(flux, ivar, level)
    flux[:, ::7], ivar[:, ::7] = 25.0, 1e-6
    assert float((before * factors(flux, ivar, level)).sum(1).min()) > 0.9


def test_they_scatter_alike_and_have_unit_length(factors):
    found = factors(*drawn(800, 0)[:3])
    torch.testing.assert_close(found.norm(dim=1), torch.ones(800))
    torch.testing.assert_close((found**2).mean(0), torch.full((TRUE,), 1 / TRUE), atol=0.05, rtol=0)


def test_flux_and_level_together_change_nothing(factors):
    flux, ivar, level, _ = drawn(20, 5)
    torch.testing.assert_close(
        factors(50 * flux, ivar / 2500, 50 * level), factors(flux, ivar, level), rtol=1e-3, atol=1e-4
    )


def test_each_spectrum_is_by_itself(factors):
    flux, ivar, level, _ = drawn(12, 6)
    together = factors(flux, ivar, level)
    alone = torch.cat([factors(flux[i : i + 1], ivar[i : i + 1], level[i : i + 1]) for i in range(12)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_factors_that_nothing_is_in_are_0_of_few_spectra_and_of_one_kind():
    assert not SpectralFactors(4, PIXELS)(*drawn(3, 0)[:3]).any()  # before anything was learned
    assert not fitted(*drawn(9, 0)[:3])(*drawn(3, 1)[:3]).any()
    few = fitted(*drawn(25, 0)[:3], count=6)(*drawn(40, 1)[:3])
    assert torch.linalg.matrix_rank(few, rtol=1e-3) == 2  # ten spectra a factor
    assert torch.isfinite(few).all()


@pytest.mark.parametrize("flux", [0.0, -3.0, 1e8, -1e8])
def test_no_flux_breaks_them(factors, flux):
    values = torch.full((1, PIXELS), flux)
    assert torch.isfinite(factors(values, torch.ones_like(values), torch.ones(1, 1))).all()
    assert torch.isfinite(factors(values, torch.zeros_like(values), torch.ones(1, 1))).all()


def test_pixels_that_overflow_are_left_out_and_harm_no_other_spectrum(factors):
    flux, ivar, level, _ = drawn(40, 9)
    before = factors(flux, ivar, level)
    flux[0, ::9], ivar[0, ::9] = 1e30, 1e38
    after = factors(flux, ivar, level)
    torch.testing.assert_close(after[1:], before[1:])
    assert float((after[0] * before[0]).sum()) > 0.9
    learned = fitted(flux, ivar, level)
    assert torch.isfinite(learned(flux, ivar, level)).all()


def test_they_are_the_same_each_time_and_in_any_order():
    spectra = drawn(300, 7)[:3]
    first, again = fitted(*spectra), fitted(*spectra)
    assert torch.equal(first.loadings, again.loadings)
    flux, ivar, level = drawn(30, 8)[:3]
    split = SpectralFactors(TRUE, PIXELS)
    for part in zip(*(one.split(64) for one in spectra), strict=True):
        split.observe(*part)
    split.settle()
    torch.testing.assert_close(split(flux, ivar, level), first(flux, ivar, level))
