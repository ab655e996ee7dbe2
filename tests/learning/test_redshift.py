"""The redshift loss and score: whose labels count, and which density learns from them."""

import numpy as np
import pytest
import torch

from asterism.learning.classification import Classification
from asterism.learning.redshift import ClassAndRedshift, Redshift
from asterism.models import densities
from asterism.models.redshift_families import RedshiftConfig, family_of

CLASSES = ("STAR", "GALAXY", "QSO")
BOTH = RedshiftConfig(z_max=3.0, points=200, components=2, classes=("GALAXY", "QSO"))
ONE = RedshiftConfig(z_max=3.0, points=200, components=2)
LABEL = {
    "class": torch.tensor([0, 1, 2, -1, 1]),
    "redshift": torch.tensor([0.0, 0.4, 1.9, 0.7, torch.nan]),
}


def numbers(config, n=5, members=3, seed=0):
    family, size = family_of(config), max(1, len(config.classes))
    raw = torch.randn(n, members, size, family.size, generator=torch.Generator().manual_seed(seed))
    return family.numbers(raw, torch.full((size,), 0.5), torch.full((size,), 0.4)).requires_grad_()


def test_loss_is_the_mean_of_the_members_own_likelihoods():
    told = numbers(ONE)
    loss = Redshift(ONE).loss({"redshift": told}, {"label": LABEL})
    known = [0, 1, 2, 3]
    each = -family_of(ONE).log_density(told[known, :, 0], LABEL["redshift"][known, None])
    torch.testing.assert_close(loss, each.mean())


def test_only_the_density_of_the_true_class_learns_and_stars_have_none():
    told = numbers(BOTH)
    Redshift(BOTH, CLASSES).loss({"redshift": told}, {"label": LABEL}).backward()
    learned = (told.grad.abs().sum((1, 3)) > 0).tolist()
    assert learned == [[False, False], [True, False], [False, True], [False, False], [False, False]]


def test_without_a_redshift_in_the_batch_there_is_nothing_to_descend():
    told = numbers(ONE)
    blank = {"label": {"redshift": torch.full((5,), torch.nan)}}
    task = Redshift(ONE)
    loss = task.loss({"redshift": told}, blank)
    loss.backward()
    assert float(loss.detach()) == 0
    assert not told.grad.any()
    assert task.score({"redshift": told}, blank) == (0, 0)


def test_score_is_the_log_density_of_what_is_predicted():
    told = numbers(ONE).detach()
    total, count = Redshift(ONE).score({"redshift": told}, {"label": LABEL})
    assert count == 4
    pdf = family_of(ONE).on_grid(told[:4], torch.from_numpy(ONE.grid).float())[:, 0]
    expected = -np.log(densities.density(ONE.grid, pdf, LABEL["redshift"][:4])).sum()
    assert float(total) == pytest.approx(expected, rel=1e-5)


def test_a_redshift_that_is_ruled_out_costs_much_but_not_everything():
    family = family_of(RedshiftConfig(z_max=3.0, points=3000, components=1))
    narrow = torch.tensor([[[[0.0, 0.1, -8.0]]]])
    total, _ = Redshift(family.config).score({"redshift": narrow}, {"label": {"redshift": torch.tensor([2.9])}})
    assert float(total) == pytest.approx(-np.log(1e-9))


def test_both_tasks_have_the_likelihood_of_class_and_redshift():
    told = numbers(BOTH)
    logits = torch.randn(5, 3, 3, generator=torch.Generator().manual_seed(4), requires_grad=True)
    outputs, batch = {"redshift": told, "classification": logits}, {"label": LABEL}
    of_class, of_redshift = Classification(CLASSES), Redshift(BOTH, CLASSES)
    both = ClassAndRedshift(of_class, of_redshift)
    # Four objects have a class, and two of them a redshift to learn.
    expected = of_class.loss(outputs, batch) + 2 / 4 * of_redshift.loss(outputs, batch)
    torch.testing.assert_close(both.loss(outputs, batch), expected)
    total, count = both.score(outputs, batch)
    assert count == 4
    torch.testing.assert_close(total, of_class.score(outputs, batch)[0] + of_redshift.score(outputs, batch)[0])
