"""Optimizers: AdaGrad steps as Keras 2.6 takes them, and only matrices decay."""

import numpy as np
import pytest
import torch
from torch import nn

from asterism.learning.config import FitConfig
from asterism.learning.optimizers import learning_rate, make_optimizer, parameter_groups

CPU = torch.device("cpu")


def test_adagrad_steps_as_in_keras_2_6():
    model = nn.Linear(3, 1, bias=False)
    config = FitConfig(optimizer="adagrad", learning_rate=0.5, weight_decay=0.0)
    optimizer = make_optimizer(model, config, CPU)
    weight = model.weight.detach().numpy().astype(float).ravel().copy()
    accumulator = np.full(3, 0.1)
    for gradient in ([1.0, 1e-4, 0.0], [-2.0, 3e-4, 0.5], [0.1, 0.0, 0.0]):
        model.weight.grad = torch.tensor([gradient])
        optimizer.step()
        accumulator += np.square(gradient)
        weight -= 0.5 * np.array(gradient) / (np.sqrt(accumulator) + 1e-7)
        np.testing.assert_allclose(model.weight.detach().numpy().ravel(), weight, rtol=1e-5, atol=1e-6)


def test_the_setting_chooses_the_optimizer():
    model = nn.Linear(3, 1)
    adamw = make_optimizer(model, FitConfig(weight_decay=0.3), CPU)
    assert isinstance(adamw, torch.optim.AdamW)
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.3, 0.0]
    assert isinstance(make_optimizer(model, FitConfig(optimizer="adagrad"), CPU), torch.optim.Adagrad)


def test_only_matrices_decay():
    net = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    matrices, others = parameter_groups(net, 0.1)
    assert [p.shape for p in matrices["params"]] == [(3, 4)]
    assert matrices["weight_decay"] == 0.1
    assert len(others["params"]) == 3
    assert others["weight_decay"] == 0


def test_learning_rate_rises_and_falls():
    config = FitConfig(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(config, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert max(rates) == rates[9] > 0.97
    assert rates[-1] < 0.001
    assert all(a > b for a, b in zip(rates[9:], rates[10:], strict=False))
    flat = FitConfig(learning_rate=1.0, warmup=0, schedule="constant")
    assert {learning_rate(flat, step, 100) for step in range(100)} == {1.0}
