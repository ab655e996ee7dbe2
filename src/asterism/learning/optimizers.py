"""What turns gradients into steps: AdamW, or AdaGrad as the papers of 2021 ran it, and how large the steps are."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from asterism.learning.config import FitConfig

__all__ = ["learning_rate", "make_optimizer", "parameter_groups"]

# Keras 2.6, tf.keras.optimizers.Adagrad: initial_accumulator_value=0.1 and epsilon=1e-7 (torch: 0 and 1e-10). Its update
# (ApplyAdagradV2: accum += g^2; var -= lr g / (sqrt(accum) + epsilon)) is torch's formula, with epsilon outside of the
# root; Keras 3 has moved it inside, which is of no account here, since the accumulator never falls below 0.1.
_ACCUMULATOR, _EPSILON = 0.1, 1e-7


def make_optimizer(model: nn.Module, config: FitConfig, device: torch.device) -> torch.optim.Optimizer:
    """The optimizer of a fit, over the parameters that learn.

    Parameters
    ----------
    model : nn.Module
    config : FitConfig
        Its ``optimizer``, ``learning_rate`` and ``weight_decay``.
    device : torch.device
        Where it steps.

    Returns
    -------
    torch.optim.Optimizer
        ``adamw`` (Loshchilov & Hutter 2019), or ``adagrad`` (Duchi, Hazan & Singer 2011, JMLR 12, 2121) with the defaults
        of Keras 2.6: each parameter's sum of squared gradients begins at 0.1.
    """
    groups = parameter_groups(model, config.weight_decay)
    if config.optimizer == "adagrad":
        # In one pass over the weights, which torch has for GPUs in its later versions only: of 94 million a quarter of the time.
        fused = device.type == "cpu"
        return torch.optim.Adagrad(
            groups, lr=config.learning_rate, initial_accumulator_value=_ACCUMULATOR, eps=_EPSILON, fused=fused
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, foreach=True)


def learning_rate(config: FitConfig, step: int, steps: int) -> float:
    """The learning rate of a step.

    Parameters
    ----------
    config : FitConfig
        Its peak, the schedule and the share of warm-up.
    step : int
        From 0.
    steps : int
        How many there will be.

    Returns
    -------
    float
        ``peak · min(1, f / warmup) · (1 + cos πf) / 2`` with f = step / steps for ``cosine`` (without the last factor
        for ``constant``).
    """
    done = step / max(1, steps)
    rate = config.learning_rate
    if config.warmup > 0:
        # Counted from the next step's end, so that the first step moves too.
        rate *= min(1.0, (step + 1) / max(1.0, config.warmup * steps))
    if config.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * done))
    return rate


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters for an optimizer: weight matrices decay; biases, scales, frequencies and tokens don't.

    Parameters
    ----------
    model : nn.Module
    weight_decay : float

    Returns
    -------
    list of dict
        Two groups; a matrix is a parameter of two or more axes whose name ends in ``weight``.
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in named if name.endswith("weight") and p.ndim >= 2]
    chosen = {id(p) for p in matrices}
    others = [p for _, p in named if id(p) not in chosen]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
