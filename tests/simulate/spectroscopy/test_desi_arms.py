"""Arms of a coadd: coadding them gives it back, and each has its own noise."""

import numpy as np
import pytest

from asterism.simulate.spectroscopy.desi_arms import split_arms
from asterism.simulate.spectroscopy.spectra import MASK_BITS, Spectra
from asterism.surveys.formats.desi_spectra import ARMS, arm_wavelength
from asterism.surveys.formats.desi_spectra import MASK_BITS as BITS
from asterism.surveys.formats.spectral_grids import grid_named

GRID = grid_named("desi")
N = 400


@pytest.fixture(scope="module")
def split():
    rng = np.random.default_rng(7)
    spectra = Spectra.empty(N, GRID.size)
    spectra.ivar[:] = rng.uniform(0.5, 2.0, spectra.ivar.shape)
    spectra.ivar[:, 100] = 0.0
    noise = rng.standard_normal(spectra.ivar.shape) / np.sqrt(np.where(spectra.ivar > 0, spectra.ivar, np.inf))
    spectra.flux[:] = np.where(spectra.ivar > 0, 3.0 + noise, np.nan)
    spectra.mask[:] = 0
    spectra.mask[:, 100] = MASK_BITS["bad pixel"]
    return spectra, split_arms(np.random.default_rng(8), spectra)


def test_coadding_the_arms_gives_the_coadd(split):
    spectra, arms = split
    total, weight = np.zeros((2, N, GRID.size))
    for arm in ARMS:
        pixels = GRID.pixels(arm_wavelength(arm))
        total[:, pixels] += arms[arm].flux.astype(np.float64) * arms[arm].ivar
        weight[:, pixels] += arms[arm].ivar
    seen = spectra.ivar > 0
    assert np.array_equal(weight > 0, seen)
    assert np.allclose(weight, spectra.ivar, rtol=1e-6)
    assert np.allclose(total[seen] / weight[seen], spectra.flux[seen], atol=2e-5)


def test_in_the_overlaps_both_arms_have_independent_noise_of_their_ivar(split):
    _, arms = split
    for left, right, count in (("B", "R", 51), ("R", "Z", 126)):
        one, other = arms[left], arms[right]
        first = (one.flux[:, -count:] - 3.0) * np.sqrt(one.ivar[:, -count:])
        second = (other.flux[:, :count] - 3.0) * np.sqrt(other.ivar[:, :count])
        assert first.std() == pytest.approx(1.0, abs=0.02)
        assert second.std() == pytest.approx(1.0, abs=0.02)
        assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0.0, abs=0.03)


def test_bad_pixels_have_no_weight_and_a_bit(split):
    _, arms = split
    assert (arms["B"].ivar[:, 100] == 0).all()
    assert (arms["B"].flux[:, 100] == 0).all()
    assert set(arms["B"].mask[:, 100]) == {BITS["bad pixel"]}
    assert not arms["Z"].mask.any()
