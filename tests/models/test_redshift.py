"""The redshift head: which labels count, what it learns of them, and the distribution it falls back to."""

import numpy as np
import pytest
import torch

from asterism.models.redshift import RedshiftHead, known_redshifts, normalised
from asterism.models.redshift_families import RedshiftConfig

BOTH = RedshiftConfig(z_max=2.0, points=50, classes=("GALAXY", "QSO"))
ONE = RedshiftConfig(z_max=2.0, points=50)
CLASSES = ("STAR", "GALAXY", "QSO")


def test_only_redshifts_of_classes_that_have_a_density_are_learned():
    z = torch.tensor([0.0, 0.3, 1.5, torch.nan, 0.4, -0.005, -0.5, 9.0])
    label = torch.tensor([0, 1, 2, 2, -1, 1, 1, 2])
    known, found, index = known_redshifts(BOTH, CLASSES, z, label)
    assert known.tolist() == [False, True, True, False, False, True, False, True]
    assert index[known].tolist() == [0, 1, 0, 1]
    # A motion towards us counts as 0; what lies beyond the grid stands at its end.
    np.testing.assert_allclose(found[known], [0.3, 1.5, 0.0, 2.0], atol=1e-6)
    assert not known_redshifts(BOTH, CLASSES, z, None)[0].any()
    known, _, index = known_redshifts(ONE, (), z, None)
    assert known.tolist() == [True, True, True, False, True, True, False, True]
    assert not index.any()


def test_the_labels_are_learned_by_density_and_in_any_cut():
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.uniform(0.2, 0.4, 400))
    z[200:] += 1.2
    index = torch.arange(400) // 200
    heads = []
    for size in (400, 7):
        head = RedshiftHead(2, 8, BOTH)
        for start in range(0, 400, size):
            head.observe(z[start : start + size], index[start : start + size])
        head.settle()
        heads.append(head)
    whole, cut = heads
    torch.testing.assert_close(cut.location, whole.location)
    torch.testing.assert_close(cut.scale, whole.scale)
    torch.testing.assert_close(cut.counts, whole.counts)
    assert whole.location.tolist() == pytest.approx(
        [float(torch.log1p(part).mean()) for part in (z[:200], z[200:])], abs=1e-5
    )
    prior = whole.prior()
    torch.testing.assert_close(torch.trapezoid(prior, whole.grid), torch.ones(2, dtype=torch.float64))
    mean = torch.trapezoid(prior * whole.grid, whole.grid)
    assert mean.tolist() == pytest.approx([0.3, 1.5], abs=0.02)
    assert (prior > 0).all()


def test_without_labels_the_prior_is_even_in_nothing_but_finite():
    head = RedshiftHead(1, 4, ONE)
    head.settle()
    assert torch.isfinite(head.prior()).all()
    assert head.location.tolist() == [0.0]
    assert head.scale.tolist() == [1.0]


def test_each_member_has_a_layer_of_its_own():
    torch.manual_seed(0)
    head = RedshiftHead(3, 4, BOTH)
    features = torch.randn(5, 3, 4)
    numbers = head(features)
    assert numbers.shape == (5, 3, 2, 15)
    changed = features.clone()
    changed[:, 1] = 0
    assert torch.equal(head(changed)[:, [0, 2]], numbers[:, [0, 2]])
    assert not torch.equal(head(changed)[:, 1], numbers[:, 1])
    density = head.density(numbers)
    torch.testing.assert_close(density, normalised(density, head.grid))
