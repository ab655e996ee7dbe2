"""Objectives are what their papers say, are least where pairs agree, and spare other observations of one source."""

import math

import pytest
import torch
import torch.nn.functional as F

from asterism.errors import ConfigurationError
from asterism.learning.objectives import contrast, infonce, retrieval, siglip, vicreg
from asterism.models.alignment import CONTRASTS, AlignmentConfig, AlignmentHead


def sphere(n, width=6, seed=0):
    return F.normalize(torch.randn(n, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_infonce_is_the_cross_entropy_of_both_directions():
    image, spectrum = sphere(5, seed=1), sphere(5, seed=2)
    expected = 0.0
    for i in range(5):
        for a, b in ((image, spectrum), (spectrum, image)):
            logits = [7.0 * float(a[i] @ b[j]) for j in range(5)]
            expected += -(logits[i] - math.log(sum(math.exp(v) for v in logits))) / 10
    assert float(infonce(image, spectrum, torch.tensor(7.0))) == pytest.approx(expected, rel=1e-5)
    assert float(infonce(image, spectrum, torch.tensor(0.0))) == pytest.approx(math.log(5))


def test_siglip_is_the_pairwise_sigmoid_loss():
    image, spectrum = sphere(4, seed=1), sphere(4, seed=2)
    expected = 0.0
    for i in range(4):
        for j in range(4):
            z = (1 if i == j else -1) * (3.0 * float(image[i] @ spectrum[j]) - 2.0)
            expected += math.log(1 + math.exp(-z)) / 4
    assert float(siglip(image, spectrum, torch.tensor(3.0), torch.tensor(-2.0))) == pytest.approx(expected, rel=1e-5)


def test_vicreg_is_variance_invariance_and_covariance():
    first, second = 0.3 * torch.randn(6, 3), 2 * torch.randn(6, 3)
    expected = 25 * float((first - second).square().mean())
    for values in (first, second):
        spread = (values.var(0, unbiased=True) + 1e-4).sqrt()
        expected += 25 * float((1 - spread).clamp_min(0).mean()) / 2
        covariance = torch.cov(values.T)
        off = covariance - torch.diag(covariance.diagonal())
        expected += float(off.square().sum()) / 3
    assert float(vicreg(first, second)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("objective", CONTRASTS)
def test_pairs_that_agree_cost_less_and_descent_brings_them_together(objective):
    torch.manual_seed(0)
    head = AlignmentHead(AlignmentConfig(objective=objective, expander=16), 6)
    image = sphere(32, seed=1)
    strangers = torch.nn.Parameter(sphere(32, seed=2))
    with torch.no_grad():
        begin = float(contrast(head, image, F.normalize(strangers, dim=1)))
        assert float(contrast(head, image, image)) < begin
    before = float((image * F.normalize(strangers.detach(), dim=1)).sum(1).mean())
    optimizer = torch.optim.Adam([strangers, *head.parameters()], lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        contrast(head, image, F.normalize(strangers, dim=1)).backward()
        optimizer.step()
    assert float((image * F.normalize(strangers.detach(), dim=1)).sum(1).mean()) > before + 0.15
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in head.parameters())


@pytest.mark.parametrize("objective", ["infonce", "siglip"])
def test_two_observations_of_one_source_are_not_told_apart(objective):
    head = AlignmentHead(AlignmentConfig(objective=objective), 6)
    image = sphere(6, seed=1)
    image[1] = image[0]  # a second observation, whose image is the same
    source = torch.tensor([0, 0, 1, 2, 3, 4])
    spectrum = image.clone().requires_grad_()
    spared = contrast(head, image, spectrum, source)
    assert bool(spared < contrast(head, image, spectrum, torch.arange(6)))
    (gradient,) = torch.autograd.grad(spared, spectrum)
    moved = image.clone()
    moved[1] = sphere(1, seed=9)[0]
    (elsewhere,) = torch.autograd.grad(contrast(head, moved, spectrum, source), spectrum)
    if objective == "siglip":  # where no sum over all couples them, object 0's spectrum does not feel object 1's image
        torch.testing.assert_close(gradient[0], elsewhere[0])
    assert bool(torch.isfinite(gradient).all())


def test_retrieval_counts_partners_among_the_nearest_and_ties_against_it():
    image = torch.eye(4)
    assert retrieval(image, image, 1) == 1.0
    assert retrieval(image, image.roll(1, 0), 1) == 0.0
    assert retrieval(torch.ones(20, 3), torch.ones(20, 3), 10) == 0.0
    assert retrieval(torch.ones(5, 3), torch.ones(5, 3), 10) == 1.0
    halves = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    assert retrieval(halves, halves, 2) == 1.0
    assert retrieval(halves, halves, 1) == 0.0


def test_masked_modelling_compares_nothing():
    head = AlignmentHead(AlignmentConfig(objective="masked"), 6)
    with pytest.raises(ConfigurationError, match="contrastive objective"):
        contrast(head, sphere(4), sphere(4))
