"""The task `classification`: its loss and the score by which a run is stopped and chosen.

The loss is the mean over ensemble members of each member's own cross-entropy, not the cross-entropy of their mean:
members then stay diverse, and their mean at prediction is better calibrated (Gorishniy et al. 2024, TabM,
arXiv:2410.24210, section 3.3). The score is the log-loss of the members' mean probability, which is what is predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from asterism.errors import ConfigurationError, unknown_name

__all__ = ["Classification", "class_weight_vector", "classification_loss", "mean_log_probabilities"]


def class_weight_vector(classes: Sequence[str], weights: Mapping[str, float]) -> Tensor:
    """Weights in the order of the classes.

    Parameters
    ----------
    classes : sequence of str
        Names, in the model's order.
    weights : mapping of str to float
        Weight by class name; a class that is not named weighs 1.

    Returns
    -------
    Tensor, shape (C,), float32

    Raises
    ------
    ConfigurationError
        A weight for a class that the model does not learn.
    """
    for name in weights:
        if name not in classes:
            raise ConfigurationError(f"classification.class_weights: {unknown_name('class', name, classes)}")
    return torch.tensor([float(weights.get(name, 1.0)) for name in classes], dtype=torch.float32)


def classification_loss(logits: Tensor, target: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean over members of the (weighted) cross-entropy.

    Parameters
    ----------
    logits : Tensor, shape (B, M, C)
        One row of logits per object and ensemble member.
    target : Tensor, shape (B,), int64
        Class index; -1 where the class is unknown, which costs nothing.
    class_weights : Tensor, shape (C,), optional
        The weighted mean is over the sum of the objects' weights, so that doubling all weights changes nothing.

    Returns
    -------
    Tensor, scalar
    """
    members = logits.shape[1]
    return functional.cross_entropy(
        logits.flatten(0, 1), target.repeat_interleave(members), weight=class_weights, ignore_index=-1
    )


def mean_log_probabilities(logits: Tensor) -> Tensor:
    """Logarithm of the members' mean probability.

    Parameters
    ----------
    logits : Tensor, shape (B, M, C)

    Returns
    -------
    Tensor, shape (B, C), float64
        In double precision, so that a confident model's score does not saturate.
    """
    log_p = torch.log_softmax(logits.double(), dim=-1)
    return torch.logsumexp(log_p, dim=1) - torch.log(torch.tensor(float(logits.shape[1]), dtype=torch.float64))


class Classification:
    """What fitting needs to know of the task.

    Parameters
    ----------
    classes : sequence of str
        Names, in the model's order.
    class_weights : mapping of str to float, optional
        Weight by class name in the loss; the score is never weighted.
    """

    name = "classification"
    score_name = "log_loss"

    def __init__(self, classes: Sequence[str], class_weights: Mapping[str, float] | None = None) -> None:
        weights = class_weight_vector(classes, class_weights or {})
        self.classes = list(classes)
        self.class_weights = None if bool((weights == 1).all()) else weights

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Any]) -> Tensor:
        """What a step descends: a scalar, from the model's outputs and its batch."""
        logits = outputs[self.name]
        weights = None if self.class_weights is None else self.class_weights.to(logits.device)
        return classification_loss(logits, batch["label"]["class"], weights)

    def score(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Any]) -> tuple[Tensor, int]:
        """Summed log-loss of the objects with a known class, and how many there are."""
        target = batch["label"]["class"]
        known = target >= 0
        log_p = mean_log_probabilities(outputs[self.name][known])
        return functional.nll_loss(log_p, target[known], reduction="sum"), int(known.sum())
