"""Augmented spectra keep their class's lines where they were and say how noisy they are."""

import pytest
import torch

from asterism.learning.augment import Augmentation
from asterism.learning.config import AugmentConfig
from asterism.learning.spectral_augment import augment_spectra, expose_less, lose_pixels, warp_calibration


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def spectra(n=4, pixels=4000):
    ivar = torch.full((n, pixels), 4.0)
    ivar[:, :10] = 0
    flux = torch.where(ivar > 0, torch.ones(n, pixels), torch.zeros(n, pixels))
    return flux, ivar


def test_added_noise_is_what_the_inverse_variance_says():
    flux, ivar = spectra()
    noisy, new = expose_less(flux, ivar, torch.tensor([0.0, 1.0, 3.0, 8.0]), generator())
    assert torch.equal(noisy[0], flux[0])
    assert torch.equal(new[0], ivar[0])
    assert torch.equal(noisy[:, :10], flux[:, :10])
    assert (new[:, :10] == 0).all()
    for row, added in ((1, 1.0), (2, 3.0), (3, 8.0)):
        assert torch.allclose(new[row, 10:], torch.tensor(4.0 / (1 + added)))
        # The spectra themselves have no noise here: what scatters is what was added.
        assert abs(float((noisy[row, 10:] - 1).var()) / (added / 4.0) - 1) < 0.1


def test_a_warp_is_smooth_and_keeps_the_signal_to_noise():
    flux, ivar = spectra()
    warped, new = warp_calibration(
        flux, ivar, torch.tensor([[0.1, 0, 0, 0], [0, 0.1, 0, 0], [0, 0, 0.1, 0], [0, 0, 0, 0]])
    )
    assert torch.allclose(warped[:, 10:] * new[:, 10:].sqrt(), flux[:, 10:] * ivar[:, 10:].sqrt(), rtol=1e-5)
    assert torch.equal(warped[3], flux[3])
    assert float(warped[0, 10:].log()[-1]) > 0.09
    assert float(warped[0, 11].log()) < -0.09
    assert float((warped[:, 11:] - warped[:, 10:-1]).abs().max()) < 1e-3


def test_lost_pixels_are_not_observed_and_the_others_stay():
    _, ivar = spectra(3, 100)
    lost = lose_pixels(ivar, torch.tensor([20, 95, 50]), torch.tensor([5, 20, 0]))
    assert (lost[0, 20:25] == 0).all()
    assert torch.equal(lost[0, 25:], ivar[0, 25:])
    assert torch.equal(lost[0, :20], ivar[0, :20])
    assert (lost[1, 95:] == 0).all()
    assert torch.equal(lost[2], ivar[2])


def test_settings_of_a_run_reach_its_spectra_and_a_seed_repeats_them():
    flux, ivar = spectra(64, 800)
    batch = {"spectrum": {"flux": flux, "ivar": ivar, "present": torch.ones(64, dtype=torch.bool)}}
    still = AugmentConfig(rotations=False, flips=False)
    assert not Augmentation(still).active
    for one in ({"exposure": 3.0}, {"calibration": 0.1}, {"gaps": 1.0}):
        augmentation = Augmentation(still.model_copy(update=one))
        assert augmentation.active
        once, again = (augmentation(batch, generator(5))["spectrum"] for _ in range(2))
        assert torch.equal(once["flux"], again["flux"])
        assert torch.equal(once["ivar"], again["ivar"])
        changed = ((once["flux"] != flux) | (once["ivar"] != ivar)).any(1)
        assert float(changed.float().mean()) > 0.25
        assert (once["ivar"][:, :10] == 0).all()
    assert torch.equal(batch["spectrum"]["flux"], flux)


def test_several_runs_can_be_lost_and_one_is_as_before():
    flux, ivar = torch.ones(200, 400), torch.ones(200, 400)

    def runs(most):
        lost = augment_spectra(flux, ivar, 0, 0, 1.0, torch.Generator().manual_seed(1), gap_runs=most)[1] == 0
        return lost, lost.float().mean()

    one, share = runs(1)
    three, more = runs(3)
    assert float(more) > 1.4 * float(share)
    assert bool((three | ~one).all())  # the first run is the same
    assert int((lambda edges: (edges > 0).sum(1))(three.int().diff(dim=1)).max()) <= 3


def test_a_fibre_s_losses_are_grey_and_in_the_errors():
    flux, ivar = 1 + torch.rand(2000, 8), 1 + torch.rand(2000, 8)
    new, weight = augment_spectra(flux, ivar, 0, 0, 0, torch.Generator().manual_seed(1), fibre=0.2)
    scale = new / flux
    torch.testing.assert_close(scale, scale[:, :1].expand_as(scale))
    torch.testing.assert_close(weight * new**2, ivar * flux**2)
    assert float((-2.5 * torch.log10(scale[:, 0])).std()) == pytest.approx(0.2, rel=0.06)
