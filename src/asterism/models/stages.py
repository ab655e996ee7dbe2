"""Parts of a network that are fitted first, each with heads of its own, and stay as they are while the rest is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from asterism.models.heads import HeadsConfig, make_heads
from asterism.models.network import Batch, Network

__all__ = ["Stage"]


class Stage(nn.Module):
    """A network with heads like its model's, to be fitted by itself with the model's own loss.

    It begins frozen: whoever fits it asks for its gradients and takes them away again, see
    `asterism.learning.stages.fit_stages`.

    Parameters
    ----------
    network : Network
    heads : HeadsConfig
        The model's.
    fit : mapping of str to number
        Settings of the fit that this part has for itself, e.g. ``{"epochs": 100}``; the others are the run's.

    Attributes
    ----------
    fit : dict
    """

    def __init__(self, network: Network, heads: HeadsConfig, fit: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = network
        self.heads = make_heads(heads, network.members, network.width)
        self.fit = dict(fit)
        self.requires_grad_(False)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``features`` (B, M, D), ``informed`` (B,) bool, and each head's answer.

        Objects of which this part's inputs hold nothing teach it nothing: their answers have no gradient.
        """
        features, informed = self.network(batch)
        features = torch.where(informed[:, None, None], features, features.detach())
        outputs = {"features": features, "informed": informed}
        for name, head in self.heads.items():
            answer = head(features)
            outputs[name] = torch.where(informed.view(-1, *[1] * (answer.ndim - 1)), answer, answer.detach())
        return outputs

    def take_statistics(self, heads: nn.ModuleDict) -> None:
        """Copy what the model's heads have learned of the labels (their buffers) to these heads."""
        for name, head in self.heads.items():
            theirs = dict(heads[name].named_buffers())
            for key, buffer in head.named_buffers():
                buffer.copy_(theirs[key])
