"""Whitening built into a model: its embeddings scatter alike in all directions, so that cosines see all that it knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from asterism.errors import BadInputError
from asterism.learning.fit import to_device
from asterism.learning.training_set import TrainingSet
from asterism.learning.whitening import Whitening
from asterism.models.avis import AVIS
from asterism.models.model import Model

__all__ = ["whiten_model"]

_MOST = 20_000
_AT_ONCE = 512


@torch.no_grad()
def whiten_model(
    model: Model, chosen: TrainingSet, roles: Sequence[str], seed: int, device: torch.device, say: Callable[[str], None]
) -> None:
    """Set the map behind a model's embeddings by how those of training objects scatter; see `Whitening`. No label is read.

    Parameters
    ----------
    model : Model
        Of the network `AVIS`; on the CPU afterwards, in evaluation mode.
    chosen : TrainingSet
        Up to 20,000 of its training part are embedded, as observed.
    roles : sequence of str
        Whose embeddings.
    seed : int
        Of the choice.
    device : torch.device
        Where to compute.
    say : callable
        Is told where objects are too few, and embeddings are left as they are.
    """
    network = model.network
    assert isinstance(network, AVIS)  # what alignment refuses others for
    for role in roles:
        network.whiten(role, torch.zeros(network.width), torch.eye(network.width))
    network.eval().to(device)
    found: dict[str, list[torch.Tensor]] = {role: [] for role in roles}
    for number, batch in enumerate(chosen.only(*roles).stream("train", _AT_ONCE, shuffle=True, seed=seed)):
        if number * _AT_ONCE >= _MOST:
            break
        told = network.encode(to_device(batch, device)).embeddings
        for role in roles:
            found[role].append(told[role].values[told[role].present].cpu())
    network.to("cpu")
    for role in roles:
        try:
            white = Whitening.fit(torch.cat(found[role]).numpy())
        except BadInputError as error:
            say(f"Warning: embeddings of {role} stay as they are: {error}.")
            continue
        network.whiten(role, torch.from_numpy(white.mean).float(), torch.from_numpy(white.matrix).float())
