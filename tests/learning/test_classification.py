"""The classification loss and score."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from asterism.errors import ConfigurationError
from asterism.learning.classification import (
    Classification,
    class_weight_vector,
    classification_loss,
    mean_log_probabilities,
)

CLASSES = ("STAR", "GALAXY", "QSO")


def batch_of(target):
    return {"label": {"class": torch.tensor(target)}}


def test_loss_is_the_mean_of_the_members_own_losses():
    logits = torch.randn(7, 4, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 2, 0, 1, 2, 1])
    each = torch.stack([functional.cross_entropy(logits[:, m], target) for m in range(4)])
    torch.testing.assert_close(classification_loss(logits, target), each.mean())


def test_unlabelled_objects_cost_nothing():
    logits = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    some = classification_loss(logits, torch.tensor([0, -1, 2, -1]))
    torch.testing.assert_close(some, classification_loss(logits[[0, 2]], torch.tensor([0, 2])))


@settings(deadline=None, max_examples=30)
@given(scale=st.floats(0.1, 10), weight=st.floats(0.1, 10))
def test_weights_are_relative_and_go_by_name(scale, weight):
    logits = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1))
    target = torch.tensor([0, 1, 2, 2, 0])
    names = class_weight_vector(CLASSES, {"QSO": weight})
    assert names.tolist() == pytest.approx([1, 1, weight])
    scaled = classification_loss(logits, target, scale * names)
    torch.testing.assert_close(scaled, classification_loss(logits, target, names))


def test_weighting_a_class_by_two_is_showing_it_twice():
    logits = torch.randn(4, 1, 3, generator=torch.Generator().manual_seed(2))
    target = torch.tensor([0, 1, 2, 1])
    twice = [0, 1, 2, 3, 1, 3]
    task = Classification(CLASSES, {"GALAXY": 2})
    weighted = task.loss({"classification": logits}, {"label": {"class": target}})
    torch.testing.assert_close(weighted, classification_loss(logits[twice], target[twice]))


def test_a_weight_for_a_class_that_is_not_learned_is_refused():
    with pytest.raises(ConfigurationError, match="did you mean 'STAR'"):
        Classification(CLASSES, {"STARS": 2})


def test_score_is_the_log_loss_of_the_mean_probability():
    logits = torch.randn(6, 3, 3, generator=torch.Generator().manual_seed(3))
    target = [0, 1, 2, -1, 0, 1]
    total, n = Classification(CLASSES, {"STAR": 9}).score({"classification": logits}, batch_of(target))
    p = torch.softmax(logits.double(), -1).mean(1).numpy()
    expected = [-np.log(p[i, t]) for i, t in enumerate(target) if t >= 0]
    assert n == 5
    assert float(total) == pytest.approx(sum(expected))
    np.testing.assert_allclose(mean_log_probabilities(logits).exp().sum(-1), 1)
