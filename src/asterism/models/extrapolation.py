"""How a model answers beyond the magnitudes at which it had labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asterism.errors import BadInputError

__all__ = ["Extrapolation"]


class Extrapolation(nn.Module):
    """Probabilities of objects fainter than the labelled ones, for a model that adapted to them without labels.

    A network that learned from its own names for objects is surer than it should be, and no label tells by how much.
    Beyond the labelled magnitudes its probabilities are therefore softened by a temperature T of their own, and given
    under class fractions that are evened out by an exponent a (0: as estimated; 1: equal), since names that a model
    gives itself swallow a rare class::

        p' ∝ p^(1/T) / π^a

    with π the class fractions among the unlabelled objects, estimated from the softened probabilities.

    Parameters
    ----------
    classes : int
        C.

    Attributes
    ----------
    limit : Tensor
        (1,): magnitude of the faintest labelled objects in the reference band; infinite for a model without adaptation.
    temperature : Tensor
        (1,): T.
    evening : Tensor
        (1,): a.
    fractions : Tensor
        (C,): π, among the unlabelled objects beyond the limit.
    """

    limit: Tensor
    temperature: Tensor
    evening: Tensor
    fractions: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("limit", torch.full((1,), torch.inf))
        self.register_buffer("temperature", torch.ones(1))
        self.register_buffer("evening", torch.zeros(1))
        self.register_buffer("fractions", torch.full((classes,), 1 / classes))

    def forward(self, probabilities: Tensor) -> Tensor:
        """Answers (B, C) of the members' mean probabilities (B, C)."""
        logs = probabilities.clamp_min(torch.finfo(torch.float32).tiny).log()
        return (logs / self.temperature - self.evening * self.fractions.log()).softmax(-1)

    def stated_fractions(self) -> Tensor:
        """Class fractions (C,) under which the answers beyond the limit are given: π^(1−a), normalised."""
        evened = self.fractions ** (1 - self.evening)
        return evened / evened.sum()

    def beyond(self, magnitudes: Tensor) -> Tensor:
        """Whether objects (B,) are fainter than the labelled ones, (B,) bool; not where the magnitude is unknown."""
        return magnitudes > self.limit

    def fit(self, probabilities: Tensor, *, limit: float, temperature: float, evening: float) -> Extrapolation:
        """Set the state from the unlabelled objects beyond the limit.

        Parameters
        ----------
        probabilities : Tensor
            (N, C): the members' mean probabilities of these objects, as the network gives them.
        limit : float
            Magnitude of the faintest labelled objects.
        temperature : float
            T, above 0.
        evening : float
            a, from 0 to 1.

        Raises
        ------
        BadInputError
            When there is no such object, or a number is out of its range.
        """
        if not len(probabilities):
            raise BadInputError("no unlabelled object is fainter than the labelled ones; adapting has nothing to go to")
        if temperature <= 0 or not 0 <= evening <= 1:
            raise BadInputError(f"a temperature of {temperature} and an evening of {evening} don't make sense")
        self.limit.fill_(limit)
        self.temperature.fill_(temperature)
        self.evening.zero_()
        fractions = self(probabilities).double().mean(0).clamp_min(1e-6)
        self.fractions.copy_(fractions / fractions.sum())
        self.evening.fill_(evening)
        return self
