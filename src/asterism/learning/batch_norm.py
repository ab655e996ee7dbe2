"""Batch normalisation's statistics, taken anew over training objects with dropout off.

In training a layer behind dropout normalises by a variance that dropping has raised, and keeps the running mean of that. The
network without dropout then normalises by the wrong variance, the more so the more such layers stand one behind the other
(Li, Chen, Hu & Yang 2019, CVPR, "Understanding the disharmony between dropout and batch normalization by variance
shift"). Statistics of the network as it will be used mend it (how they are taken: Wu & Johnson 2021, arXiv:2105.07576,
section 3). They also fit averaged weights, which running means do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from asterism.errors import BadInputError
from asterism.learning.processes import ALONE, Peers

__all__ = ["OBJECTS", "normalising_layers", "population_statistics"]

OBJECTS = 512
"""Training objects over which `fit.fit` has the statistics taken, at least."""


def normalising_layers(model: nn.Module) -> list[_BatchNorm]:
    """Layers that keep running statistics of batches.

    Parameters
    ----------
    model : nn.Module

    Returns
    -------
    list of module
        Empty where the model has none.
    """
    return [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]


@torch.no_grad()
def population_statistics(model: nn.Module, batches: Iterable[dict[str, Any]], peers: Peers = ALONE) -> None:
    """Set the means and variances that the layers go by in evaluation to those of the network without dropout.

    Wu & Johnson 2021, section 3: μ = ⟨μ_B⟩ and σ² = ⟨σ_B² + μ_B²⟩ - μ² over batches B, each layer behind layers that
    normalise by their batch. A layer's mean is over the batches that came through it: an arm that no object of a batch has
    is not asked, and one that no object at all has keeps its statistics.

    Parameters
    ----------
    model : nn.Module
        Its layers' running statistics are changed, and nothing else of it.
    batches : iterable of dict
        On the model's device; of two objects or more each.
    peers : Peers
        Processes that have the same model and other batches; all get the same statistics.

    Raises
    ------
    BadInputError
        There is no batch.
    """
    layers = normalising_layers(model)
    modes = [(module, module.training) for module in model.modules()]
    momenta = [layer.momentum for layer in layers]
    # Of each layer: the sums of its batches' means and mean squares, and their number.
    sums = [_moments(layer).new_zeros(2 * layer.num_features + 1) for layer in layers]
    hooks = [layer.register_forward_hook(_adds_to(total)) for layer, total in zip(layers, sums, strict=True)]
    model.eval()
    for layer in layers:
        layer.train()
        layer.momentum = 1.0  # what a layer keeps is then its last batch's
    try:
        for batch in batches:
            model(batch)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    totals = peers.total(torch.cat(sums)).split([len(total) for total in sums])
    if not any(total[-1] for total in totals):
        raise BadInputError("there are no objects to take batch normalisation's statistics of; give training objects")
    for layer, total in zip(layers, totals, strict=True):
        if not total[-1]:
            continue
        mean, square = (total[:-1] / total[-1]).chunk(2)
        _kept(layer.running_mean).copy_(mean)
        _kept(layer.running_var).copy_(square - mean**2)


def _adds_to(total: Tensor) -> Callable[..., None]:
    """A forward hook that adds the moments of a layer's batch, and one, to a sum."""

    def add(layer: _BatchNorm, inputs: object, output: object) -> None:
        total[:-1] += _moments(layer)
        total[-1] += 1

    return add


def _moments(layer: _BatchNorm) -> Tensor:
    """Mean and mean square of the batch that a layer has seen last (2 C,), in double precision."""
    mean, variance = _kept(layer.running_mean).double(), _kept(layer.running_var).double()
    return torch.cat([mean, variance + mean**2])


def _kept(statistic: Tensor | None) -> Tensor:
    assert statistic is not None  # `normalising_layers` are those that keep them
    return statistic
