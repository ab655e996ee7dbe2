"""An ensemble of MLPs that share their weight matrices: the photometry trunk, whose members become the query tokens.

Arrays here are (members, objects, width), so that one batched matrix product serves all members.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["EnsembleMLP", "MemberLinear", "SharedLinear"]


_BLOCK = 512


class SharedLinear(nn.Module):
    """A linear layer of k members that share one matrix up to scaling of its rows and columns.

    ``y_m = (x_m ∘ r_m) W ∘ s_m + b_m`` (BatchEnsemble, Wen et al. 2020, arXiv:2002.06715, eq. 1). The scalings are
    folded into k matrices before the product, which touches far fewer numbers than scaling the activations does.

    Parameters
    ----------
    members : int
        k.
    inputs, outputs : int
        Widths.
    first : bool
        The first layer of an ensemble draws r from ±1, which is what sets its members apart; later ones begin at 1
        (TabM, Gorishniy et al. 2024, arXiv:2410.24210, section 3.3).
    """

    def __init__(self, members: int, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        signs = torch.randint(0, 2, (members, inputs, 1)) * 2.0 - 1
        self.weight = nn.Parameter(torch.empty(inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))
        self.scale_in = nn.Parameter(signs if first else torch.ones(members, inputs, 1))
        self.scale_out = nn.Parameter(torch.ones(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(k or 1, B, inputs) → (k, B, outputs)."""
        weight = self.scale_in * self.weight * self.scale_out
        return torch.baddbmm(self.bias, x.expand(len(weight), -1, -1), weight)


class MemberLinear(nn.Module):
    """A linear layer of k members, each with its own matrix.

    Parameters
    ----------
    members, inputs, outputs : int
        k and the widths.
    """

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """(k, B, inputs) → (k, B, outputs)."""
        return torch.baddbmm(self.bias, x, self.weight)


class EnsembleMLP(nn.Module):
    """k MLPs with shared matrices over one input, SiLU after each layer, evaluated at once.

    Parameters
    ----------
    members : int
        k.
    inputs, width, layers : int
        Width of the input, of every layer, and the number of layers.
    dropout : float
        Dropout after each layer, drawn for each member and object.
    """

    def __init__(
        self,
        members: int,
        inputs: int,
        width: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        widths = [inputs] + [width] * layers
        self.layers = nn.ModuleList(
            SharedLinear(members, a, b, first=i == 0) for i, (a, b) in enumerate(pairwise(widths))
        )
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) → (k, B, width).

        In evaluation the objects go through in blocks whose activations stay in the processor's cache: about twice as
        fast as all at once.
        """
        if self.training or len(x) <= _BLOCK:
            return self._run(x)
        return torch.cat([self._run(block) for block in x.split(_BLOCK)], 1)

    def _run(self, x: Tensor) -> Tensor:
        h = x[None]
        for layer in self.layers:
            h = F.silu(layer(h), inplace=not torch.is_grad_enabled())
            h = F.dropout(h, self.dropout, self.training)
        return h
