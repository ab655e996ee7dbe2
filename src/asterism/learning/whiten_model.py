"""Whitening built into a model: its embeddings scatter alike in all directions, so that cosines see all that it knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from asterism.errors import BadInputError
from asterism.learning.devices import to_device
from asterism.learning.steps import Augment
from asterism.learning.training_set import TrainingSet
from asterism.learning.whitening import Whitening
from asterism.models.avis import AVIS
from asterism.models.model import Model

__all__ = ["whiten_model"]

_MOST = 20_000
_VIEWED = 6_000
_AT_ONCE = 256


@torch.no_grad()
def whiten_model(
    model: Model,
    chosen: TrainingSet,
    roles: Sequence[str],
    seed: int,
    device: torch.device,
    say: Callable[[str], None],
    augment: Augment | None = None,
) -> None:
    """Set the map behind a model's projections by how those of training objects scatter; see `Whitening`. No label is read.

    Parameters
    ----------
    model : Model
        Of the network `AVIS`; on the CPU afterwards, in evaluation mode.
    chosen : TrainingSet
        Up to 20,000 of its training part are embedded, as observed.
    roles : sequence of str
        Whose embeddings.
    seed : int
        Of the choice, and of views.
    device : torch.device
        Where to compute.
    say : callable
        Is told where objects are too few, and embeddings are left as they are.
    augment : callable, optional
        What varies the views of an object: of 6,000 two are embedded, and a direction counts by how little they differ in it.
    """
    network = model.network
    assert isinstance(network, AVIS)  # what alignment refuses others for
    before = {name: values.clone() for name, values in network.maps.state_dict().items()}
    for role in roles:
        network.whiten(role, torch.zeros(network.learned[role]), torch.eye(network.learned[role]))
    network.eval().to(device)
    found: dict[str, list[torch.Tensor]] = {role: [] for role in roles}
    views: dict[str, list[torch.Tensor]] = {role: [] for role in roles}
    generator = torch.Generator(device).manual_seed(seed)
    for number, batch in enumerate(chosen.only(*roles).stream("train", _AT_ONCE, shuffle=True, seed=seed)):
        if number * _AT_ONCE >= _MOST:
            break
        shown = to_device(batch, device)
        told = network.encode(shown).embeddings
        for role in roles:
            found[role].append(told[role].values[told[role].present, : network.learned[role]].cpu())
        if augment is not None and number * _AT_ONCE < _VIEWED:
            pair = [network.encode(augment(shown, generator)).embeddings for _ in range(2)]
            for role in roles:
                both = pair[0][role].present & pair[1][role].present
                views[role].append(torch.stack([one[role].values[both, : network.learned[role]] for one in pair]).cpu())
    network.to("cpu")
    for role in roles:
        pairs = torch.cat(views[role], 1).numpy() if views[role] else None
        try:
            white = Whitening.fit(torch.cat(found[role]).numpy(), views=None if pairs is None else (pairs[0], pairs[1]))
        except BadInputError as error:
            say(f"Warning: embeddings of {role} stay as they are: {error}.")
            network.whiten(role, before[f"{role}.mean"], before[f"{role}.matrix"])
            continue
        network.whiten(role, torch.from_numpy(white.mean).float(), torch.from_numpy(white.matrix).float())
