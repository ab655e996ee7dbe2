"""Learning without labels: images and spectra of one object brought together, and masked modelling of each alone.

Objects that lack one of the two take no part in the contrast; in masked modelling every object does. No label is read: a
batch of these tasks has none.

An image knows an object's redshift roughly, and what only the spectrum knows is nothing that the contrast of the two asks for.
Two views of one spectrum, of other noise, calibration and gaps, have little in common but its lines: telling them from those of other
spectra, by the same objective, asks for these (SimCLR's task beside CLIP's: Mu et al. 2022, "SLIP", arXiv:2112.12750, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from asterism.learning.config import AlignmentConfig
from asterism.learning.devices import to_device
from asterism.learning.objectives import contrast, retrieval
from asterism.learning.steps import Augment, Batch
from asterism.models.alignment import AlignmentConfig as HeadConfig
from asterism.models.alignment import AlignmentHead

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog
    from asterism.models.model import Model

__all__ = [
    "Alignment",
    "Masked",
    "MaskedModel",
    "TwoViews",
    "alignment_figures",
    "head_config",
    "sources_of",
]

_PAIR = ("image", "spectrum")
_SECOND = "second"
_VALIDATION_SEED = 7  # of what is masked in validation: always the same pixels


def sources_of(catalog: Catalog) -> Tensor:
    """A number for each source, (rows,) int64, equal for observations of one source; no other column is read."""
    ids = catalog.read(["source_id"])["source_id"]
    codes = pc.dictionary_encode(pc.cast(ids, pa.string()).combine_chunks()).indices
    known = np.asarray(pc.fill_null(codes, -1)).astype(np.int64)
    # Rows without an id are each a source of their own.
    lone = known < 0
    known[lone] = known.max(initial=-1) + 1 + np.arange(int(lone.sum()))
    return torch.from_numpy(known)


class Alignment:
    """Contrast of images and spectra.

    Parameters
    ----------
    sources : Tensor, optional
        (rows of the catalog,) int64 as `sources_of` gives it: observations of one source are not each other's negatives.
    views : float
        Weight of the objective between two views of a modality, where a batch has them (`TwoViews`).

    Attributes
    ----------
    name, score_name : str
    """

    name = "alignment"
    score_name = "loss"

    def __init__(self, sources: Tensor | None = None, views: float = 0.0) -> None:
        self.sources, self.views = sources, views

    def parts(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Both embeddings (B, E), whether there is something to embed (B,), the source (B,) int64 and the view (B,) bool."""
        rows = batch["row"]
        found = {role: outputs[f"embedding_{role}"] for role in _PAIR}
        found |= {f"has_{role}": outputs[f"embedded_{role}"] for role in _PAIR}
        found["source"] = rows if self.sources is None else self.sources.to(rows.device)[rows]
        found["second"] = batch[_SECOND] if _SECOND in batch else torch.zeros_like(rows, dtype=torch.bool)
        return found

    def joint(self, model: nn.Module, parts: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        """The objective's loss over the objects that have both, and how many they are; 0 where they are fewer than two.

        In single precision, whatever the precision of the fit: similarities are multiplied by up to 100.
        """
        paired = parts["has_image"] & parts["has_spectrum"]
        count = int(paired.sum())
        image, spectrum = (parts[role].float() for role in _PAIR)
        loss = (image.sum() + spectrum.sum()) * 0.0
        with torch.autocast(image.device.type, enabled=False):
            if count >= 2:
                loss = contrast(_head(model), image[paired], spectrum[paired], parts["source"][paired])
            if self.views and bool(parts["second"].any()):
                loss = loss + self.views * self._between_views(_head(model), parts)
        return loss, count if count >= 2 else 0

    def _between_views(self, head: AlignmentHead, parts: Mapping[str, Tensor]) -> Tensor:
        """The mean over modalities of the objective between first and second views; 0 of those with fewer than two objects."""
        second, losses = parts["second"], []
        for role in _PAIR:
            # Views stand in the same order, batch by batch and process by process.
            both = parts[f"has_{role}"][~second] & parts[f"has_{role}"][second]
            one, other = (parts[role][which][both].float() for which in (~second, second))
            if len(one) >= 2:
                losses.append(contrast(head, one, other, parts["source"][~second][both]))
        return torch.stack(losses).mean() if losses else parts["image"].sum() * 0.0


class TwoViews:
    """Every object of a batch twice, each time with an augmentation of its own.

    Parameters
    ----------
    augment : callable
        Draws from the generator that it is given.
    """

    def __init__(self, augment: Augment) -> None:
        self.augment = augment

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """First views, then the second ones in the same order; ``second`` (2B,) bool says which."""
        views = [self.augment(batch, generator) for _ in range(2)]
        rows = len(batch["row"])
        second = torch.arange(2 * rows, device=batch["row"].device) >= rows
        return {**_one_behind_the_other(*views), _SECOND: second}


def _one_behind_the_other(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: torch.cat([value, second[name]])
        if isinstance(value, Tensor)
        else _one_behind_the_other(value, second[name])
        for name, value in first.items()
    }


class MaskedModel(nn.Module):
    """A model whose answer is the loss of masked modelling.

    Parameters
    ----------
    model : Model
        With a network that has ``masked_loss(batch, share, generator)``.
    share : float
        Of an image's patches and of a spectrum's, to be hidden.
    """

    def __init__(self, model: Model, share: float) -> None:
        super().__init__()
        self.model = model
        self.share = share

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``masked``: scalar loss. In training what is hidden is drawn from torch's random state, else always the same."""
        seed = int(torch.randint(2**62, ())) if self.training else _VALIDATION_SEED
        generator = torch.Generator().manual_seed(seed)
        masked_loss: Any = self.model.network.masked_loss
        return {"masked": masked_loss(batch, self.share, generator)}


class Masked:
    """Masked modelling of each modality alone; of a `MaskedModel`."""

    name = "masked"
    score_name = "loss"

    def loss(self, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """What a step descends: a scalar."""
        return outputs["masked"]

    def score(self, outputs: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, int]:
        """The loss times the number of objects, and that number."""
        count = len(batch["row"])
        return outputs["masked"].float() * count, count


@torch.no_grad()
def alignment_figures(
    model: Model, batches: Iterable[Batch], task: Alignment, device: torch.device
) -> dict[str, float]:
    """What a model's embeddings are worth, batch by batch of the validation part.

    Parameters
    ----------
    model : Model
        In evaluation mode.
    batches : iterable of batches
        Of `alignment.validation_size` objects.
    task : Alignment
    device : torch.device

    Returns
    -------
    dict of str to float
        ``loss``, as the run was chosen by; ``recall_at_1`` and ``recall_at_10``: how often an object's partner is the
        nearest, or among the ten nearest, of its batch, mean of both directions; ``pool``: objects in such a batch, on
        average over objects (chance is k / pool).
    """
    model.eval().to(device)
    sums = {"loss": 0.0, "recall_at_1": 0.0, "recall_at_10": 0.0, "pool": 0.0}
    total = 0
    for read in batches:
        batch = to_device(read, device)
        parts = task.parts(model(batch), batch)
        loss, count = task.joint(model, parts)
        if not count:
            continue
        paired = parts["has_image"] & parts["has_spectrum"]
        image, spectrum = (parts[role][paired].float() for role in _PAIR)
        found = {"loss": float(loss), "pool": float(count)}
        found |= {f"recall_at_{k}": retrieval(image, spectrum, k) for k in (1, 10)}
        for name, value in found.items():
            sums[name] += value * count
        total += count
    model.to("cpu")
    return {name: value / max(1, total) for name, value in sums.items()}


def _head(model: nn.Module) -> AlignmentHead:
    head: AlignmentHead = model.heads["alignment"]  # type: ignore[index, assignment]
    return head


def head_config(config: AlignmentConfig) -> HeadConfig:
    """Configuration of the head that a run's objective needs."""
    return HeadConfig(objective=config.objective, expander=config.expander)
