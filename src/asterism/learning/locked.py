"""A modality that learns no more: its embeddings are computed once, and what learns to agree with them is all that a step costs."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from asterism.catalogs.outputs import atomic_write
from asterism.learning.devices import to_device
from asterism.learning.steps import Batch
from asterism.learning.training_set import TrainingSet
from asterism.models.model import Model

__all__ = ["LockedModel"]

_AT_ONCE = 512
_PARTS = ("train", "validation")


class LockedModel(nn.Module):
    """A model of which one modality's embeddings of a training set's objects are known, as observed, and are not computed again.

    Parameters
    ----------
    model : Model
        Of a network that embeds modalities apart; parameters of what is locked have no gradients from now on.
    role : str
        What is locked.
    rows : Tensor
        (n,) int64, ascending: rows of the catalog.
    values : Tensor
        (n, E) their embeddings.
    present : Tensor
        (n,) bool: whether there was anything to embed.
    """

    rows: Tensor
    values: Tensor
    present: Tensor

    def __init__(self, model: Model, role: str, rows: Tensor, values: Tensor, present: Tensor) -> None:
        super().__init__()
        model.network.lock(role)  # type: ignore[operator]  # of networks that are aligned
        self.model, self.role = model, role
        for name, known in (("rows", rows), ("values", values), ("present", present)):
            self.register_buffer(name, known, persistent=False)

    @classmethod
    def of(cls, model: Model, role: str, chosen: TrainingSet, device: torch.device, kept: Path) -> LockedModel:
        """Embed the training and validation parts, or take the embeddings that are kept.

        Parameters
        ----------
        model : Model
            On the CPU afterwards, in evaluation mode.
        role : str
        chosen : TrainingSet
        device : torch.device
            Where to compute.
        kept : Path
            File (safetensors) that the embeddings are written to: a run that is continued reads them from there, since the weights
            that made them are in its checkpoint.
        """
        if not kept.is_file():
            _embed(model, role, chosen, device, kept)
        found = load_file(kept)
        return cls(model, role, found["rows"], found["values"], found["present"])

    @property
    def heads(self) -> nn.ModuleDict:
        """The model's."""
        return self.model.heads

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``embedding_ROLE`` (B, E) and ``embedded_ROLE`` (B,) bool; of what is locked from memory."""
        learning = {name: value for name, value in batch.items() if name != self.role}
        outputs: dict[str, Tensor] = {}
        for name, embedding in self.model.network.encode(learning).embeddings.items():
            outputs[f"embedding_{name}"], outputs[f"embedded_{name}"] = embedding
        place = torch.searchsorted(self.rows, batch["row"])
        outputs[f"embedding_{self.role}"] = self.values[place]
        outputs[f"embedded_{self.role}"] = self.present[place]
        return outputs


@torch.no_grad()
def _embed(model: Model, role: str, chosen: TrainingSet, device: torch.device, kept: Path) -> None:
    network = model.network.eval().to(device)
    found: dict[str, list[Tensor]] = {"rows": [], "values": [], "present": []}
    for batch in chosen.only(role).stream(_PARTS, _AT_ONCE):
        embedding = network.encode(to_device(batch, device)).embeddings[role]
        found["rows"].append(batch["row"])
        found["values"].append(embedding.values.cpu())
        found["present"].append(embedding.present.cpu())
    network.to("cpu")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(kept) as partial:
        save_file({name: torch.cat(parts) for name, parts in found.items()}, partial)
