"""MargFormer, ours: photometry asks, image patches answer; either or both may be absent, object by object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from asterism.models.attention import CrossAttentionBlock
from asterism.models.configuration import Strict
from asterism.models.ensemble import EnsembleMLP
from asterism.models.inputs import ModelInputs
from asterism.models.network import Batch, Network, present, select
from asterism.models.numeric import NumericEmbedding
from asterism.models.patches import ImagePatches
from asterism.models.photometry import PhotometryFeatures

__all__ = ["MargFormer", "MargFormerOptions"]


class MargFormerOptions(Strict):
    """Options of `MargFormer`; ``asterism train --show-config`` lists them with their meaning."""

    members: int = Field(8, ge=1, description="ensemble members k, each of which is one query token")
    width: int = Field(128, ge=8, le=8192, description="width of the photometry trunk's layers and of the query tokens")
    layers: int = Field(2, ge=1, description="layers of the photometry trunk")
    dropout: float = Field(0.15, ge=0, lt=1, description="after each layer of the trunk and on each block's branches")
    noise: float = Field(0.05, ge=0, description="standard deviation of noise on standardised features, in training")
    embedding: int = Field(8, ge=1, description="width of one photometric feature's embedding")
    frequencies: int = Field(16, ge=1, description="frequencies in that embedding")
    frequency_scale: float = Field(
        0.3, gt=0, description="initial spread of the frequencies; larger fits finer structure"
    )
    fusion: Literal["cross", "late"] = Field(
        "cross", description="cross = photometry asks the image; late = the image is summed up without it, then joined"
    )
    blocks: int = Field(2, ge=1, description="cross-attention blocks")
    image_width: int = Field(64, ge=4, le=8192, description="width of an image token, shared by the attention heads")
    heads: int = Field(4, ge=1, description="attention heads")
    patch: int | None = Field(
        None, ge=1, description="pixels along a patch; null = the smallest that gives at most 8x8 patches"
    )
    # An object that has both modalities is shown without one now and then: so the model learns to answer without it.
    drop_photometry: float = Field(0.1, ge=0, lt=1, description="chance, in training, to hide the photometry")
    drop_image: float = Field(0.1, ge=0, lt=1, description="chance, in training, to hide the image")

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> MargFormerOptions:
        if self.image_width % self.heads:
            raise ValueError(f"an image_width of {self.image_width} can't be shared by {self.heads} heads")
        return self


class MargFormer(Network):
    """Cross-attention of an ensemble of photometric queries over image patches.

    The idea, photometry as the query and image patches as keys and values, is that of MargFormer (Bhavanam et al. 2024,
    arXiv:2408.13634; see `margformer_published` for theirs). What differs:

    ====================  ============================================================================
    photometry            any set of inputs → features (B, F) → periodic embedding (B, F (d + 2)) → k
                          MLPs with shared matrices → k query tokens (k, B, D)
    image                 any size and bands → N ≤ 64 patch tokens (B, N, A), unobserved ones masked
    block, repeated       queries + attention(queries → patches); queries + MLP(queries)
    features              the k query tokens (B, k, D): one ensemble member each, a head of its own each
    ====================  ============================================================================

    Image tokens are keys and values only: nothing is computed for them beyond their embedding, since nothing would read
    it. Cost per object at the default size, with 20 features and 5×32×32 stamps: 0.7 MFLOP for the trunk and 8 MFLOP for
    image and blocks, against 92 for the published one.

    *Absent image*: the blocks are skipped for that object, so its answer is the trunk's. *Absent photometry*: k learned
    tokens ask instead of the trunk's. *Both absent*: the model answers with the training classes' fractions. Without an
    image among the inputs the model is the trunk and the head, and nothing more.

    *Late fusion* (``fusion: late``) is the control that says what cross-attention is worth: k learned tokens, the same
    for every object, ask the image through the same blocks, and what they find is joined to the trunk's tokens,
    ``q + W₂ gelu(W₁ norm([q, found]))``. Photometry then never decides where in the image to look. Trunk, patches and
    blocks are the same; the join adds 3 D² weights.

    Parameters
    ----------
    inputs : ModelInputs
        Photometry, image or both.
    options : MargFormerOptions
    """

    Options: ClassVar[type[Strict]] = MargFormerOptions
    accepts: ClassVar[frozenset[str]] = frozenset({"photometry", "image"})

    def __init__(self, inputs: ModelInputs, options: MargFormerOptions) -> None:
        super().__init__("margformer", inputs)
        self.options = options
        self.members, self.width = options.members, options.width
        if inputs.photometry is not None:
            self.photometry = PhotometryFeatures(inputs.photometry)
            self.embedding = NumericEmbedding(
                len(self.photometry.names), options.embedding, options.frequencies, options.frequency_scale
            )
            self.trunk = EnsembleMLP(
                options.members,
                self.embedding.width,
                options.width,
                options.layers,
                options.dropout,
            )
        if inputs.image is not None:
            self.image = ImagePatches(inputs.image, options.image_width, options.patch)
            self.tokens = nn.Parameter(0.5 * torch.randn(options.members, options.width))
            self.blocks = nn.ModuleList(
                CrossAttentionBlock(options.width, options.image_width, options.heads, options.dropout)
                for _ in range(options.blocks)
            )
            if options.fusion == "late":
                self.seeds = nn.Parameter(0.5 * torch.randn(options.members, options.width))
                self.join = nn.Sequential(
                    nn.LayerNorm(2 * options.width),
                    nn.Linear(2 * options.width, options.width),
                    nn.GELU(),
                    nn.Dropout(options.dropout),
                    nn.Linear(options.width, options.width),
                )

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, k, D) and whether anything was observed (B,)."""
        if self.inputs.image is None:
            return self._ask(batch).transpose(0, 1), present(batch["photometry"])
        with_image = present(batch["image"])
        if self.inputs.photometry is None:
            informed = with_image
            queries = self.tokens.expand(len(with_image), -1, -1)
        else:
            with_photometry = present(batch["photometry"])
            informed = with_image | with_photometry
            with_photometry, with_image = self._drop(with_photometry, with_image)
            asked = self._ask(batch).transpose(0, 1)
            queries = torch.where(with_photometry[:, None, None], asked, self.tokens)
        if bool(with_image.all()):
            return self._look(queries, batch["image"]), informed
        which = with_image.nonzero()[:, 0]
        if len(which):
            queries = queries.index_copy(0, which, self._look(queries[which], select(batch["image"], which)))
        return queries, informed

    def attention(self, batch: Batch) -> Tensor:
        """Attention weights (B, blocks, heads, k, gy, gx), sum 1 over patches; see `Network.attention`.

        With late fusion they are those of the learned tokens, which photometry has no say in.
        """
        if self.inputs.image is None:
            return super().attention(batch)
        with_image = present(batch["image"])
        queries = self.tokens.expand(len(with_image), -1, -1)
        if self.inputs.photometry is not None:
            asked = self._ask(batch).transpose(0, 1)
            queries = torch.where(present(batch["photometry"])[:, None, None], asked, queries)
        tokens, observed = self.image(batch["image"])
        asking = self.seeds.expand_as(queries) if self.options.fusion == "late" else queries
        found = []
        for block in self.blocks:
            assert isinstance(block, CrossAttentionBlock)
            found.append(block.weights(asking, tokens, observed))
            asking = block(asking, tokens, observed)
        weights = torch.where(with_image[:, None, None, None, None], torch.stack(found, 1), torch.nan)
        return weights.unflatten(-1, self.image.grid)

    def observe(self, batch: Batch) -> None:
        """Offer a training batch to the standardisation of features and stamps."""
        if self.inputs.photometry is not None:
            self.photometry.observe(batch["photometry"])
        if self.inputs.image is not None:
            self.image.observe(batch["image"])

    def settle(self) -> None:
        """Set the standardisation from what was observed."""
        if self.inputs.photometry is not None:
            self.photometry.settle()
        if self.inputs.image is not None:
            self.image.settle()

    def _ask(self, batch: Batch) -> Tensor:
        """The trunk: k tokens (k, B, D) from photometry."""
        z, observed = self.photometry.standardised(batch["photometry"])
        if self.training and self.options.noise:
            z = z + self.options.noise * torch.randn_like(z) * observed
        return self.trunk(self.embedding(z, observed))

    def _look(self, queries: Tensor, image: Mapping[str, Tensor]) -> Tensor:
        """Query tokens (B, k, D) of objects that all have an image, after the blocks have looked at it."""
        tokens, observed = self.image(image)
        asking = self.seeds.expand_as(queries) if self.options.fusion == "late" else queries
        for block in self.blocks:
            asking = block(asking, tokens, observed)
        return queries + self.join(torch.cat([queries, asking], -1)) if self.options.fusion == "late" else asking

    def _drop(self, with_photometry: Tensor, with_image: Tensor) -> tuple[Tensor, Tensor]:
        """In training, hide one modality of some objects that have both."""
        if not self.training:
            return with_photometry, with_image
        both = with_photometry & with_image
        chance = torch.rand(both.shape, device=both.device)
        hide_photometry = both & (chance < self.options.drop_photometry)
        hide_image = both & (chance > 1 - self.options.drop_image)
        # A chance of 0.5 or more for each could hide both: the image then stays.
        return with_photometry & ~hide_photometry, with_image & ~(hide_image & ~hide_photometry)
