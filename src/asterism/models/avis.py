"""AVIS, ours: images and spectra as points of one space; either may be absent, object by object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from asterism.models.avis_image import ImageEncoder
from asterism.models.avis_spectrum import SpectrumEncoder
from asterism.models.configuration import Strict
from asterism.models.inputs import ModelInputs
from asterism.models.network import Batch, Embedding, Encoded, Network, present, select, unit

__all__ = ["AVIS", "AVISOptions"]


@dataclass(frozen=True)
class _Size:
    width: int
    heads: int
    spectrum_blocks: int
    image_blocks: int
    spectrum_stem: tuple[int, int, int]
    image_stem: tuple[int, int]
    embedding: int


_SIZES = {
    "tiny": _Size(96, 4, 2, 1, (32, 48, 64), (32, 64), 128),
    "small": _Size(192, 6, 4, 3, (48, 96, 128), (48, 96), 256),
    "base": _Size(384, 6, 6, 4, (64, 128, 256), (64, 128), 512),
}


class AVISOptions(Strict):
    """Options of `AVIS`; ``asterism train --show-config`` lists them with their meaning."""

    size: Literal["tiny", "small", "base"] = Field("tiny", description="widths and depths of the encoders")
    embedding: int | None = Field(
        None, ge=8, le=8192, description="numbers of an embedding; null = the size's: 128, 256 or 512"
    )
    side: int = Field(144, ge=24, description="pixels along the side of the crop around an image's centre, at most")


class AVIS(Network):
    """Encoders of images and spectra with projections to a shared space of embeddings.

    Parameters
    ----------
    inputs : ModelInputs
        Image, spectrum or both.
    options : AVISOptions
    """

    Options: ClassVar[type[Strict]] = AVISOptions
    accepts: ClassVar[frozenset[str]] = frozenset({"image", "spectrum"})
    any_grid: ClassVar[bool] = True

    def __init__(self, inputs: ModelInputs, options: AVISOptions) -> None:
        super().__init__("avis", inputs)
        size = _SIZES[options.size]
        self.members, self.width = 1, options.embedding or size.embedding
        self.encoders, self.projections = nn.ModuleDict(), nn.ModuleDict()
        if inputs.image is not None:
            self.encoders["image"] = ImageEncoder(
                inputs.image, options.side, size.width, size.heads, size.image_blocks, size.image_stem
            )
        if inputs.spectrum is not None:
            self.encoders["spectrum"] = SpectrumEncoder(
                inputs.spectrum, size.width, size.heads, size.spectrum_blocks, size.spectrum_stem
            )
        for role in self.encoders:
            self.projections[role] = nn.Sequential(
                nn.Linear(size.width, 2 * size.width),
                nn.GELU(approximate="tanh"),
                nn.Linear(2 * size.width, self.width),
            )

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, 1, E) and whether anything was observed (B,)."""
        return self.encode(batch)[:2]

    def encode(self, batch: Batch) -> Encoded:
        """Features and embeddings: ``"image"`` and ``"spectrum"``, as far as they are read, and ``"joint"``."""
        found: dict[str, Embedding] = {}
        features, count = 0.0, 0.0
        for role in self.inputs.roles:
            seen = present(batch[role])
            values = self._project(role, batch, seen)
            found[role] = unit(values, seen)
            features, count = features + values, count + seen.to(values.dtype)
        informed = torch.stack([e.present for e in found.values()]).any(0)
        mean = features / count.clamp_min(1)[:, None]  # type: ignore[union-attr]
        joint = unit(torch.stack([e.values for e in found.values()]).sum(0), informed)
        return Encoded(F.layer_norm(mean, mean.shape[-1:])[:, None], informed, {**found, "joint": joint})

    def observe(self, batch: Batch) -> None:
        """Offer a training batch to the encoders' statistics."""
        for role in self.inputs.roles:
            self.encoders[role].observe(batch[role])

    def settle(self) -> None:
        """Set the standardisation from what was observed."""
        for encoder in self.encoders.values():
            encoder.settle()

    def _project(self, role: str, batch: Batch, seen: Tensor) -> Tensor:
        """Projections (B, E) before they are scaled to unit length, 0 for objects without the role."""
        encoder, projection = self.encoders[role], self.projections[role]
        if bool(seen.all()):
            return projection(encoder(batch[role]))
        which = seen.nonzero()[:, 0]
        values = batch[role]["flux"].new_zeros(len(seen), self.width)
        return values.index_copy(0, which, projection(encoder(select(batch[role], which)))) if len(which) else values
