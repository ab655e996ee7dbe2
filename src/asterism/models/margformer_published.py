"""MargFormer as published: one photometric query token over image patches, twelve Linformer blocks."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from asterism.models.configuration import Strict
from asterism.models.inputs import ModelInputs
from asterism.models.margnet_features import BANDS, SIDE, MargNetFeatures, check_image
from asterism.models.network import Batch, present

__all__ = ["MargFormerPublished", "MargFormerPublishedOptions"]

_WIDTH, _HEADS, _PATCH, _DEPTH, _PROJECTED = 64, 8, 4, 12, 128
_TOKENS = (SIDE // _PATCH) ** 2 + 1


class MargFormerPublishedOptions(Strict):
    """Options of `MargFormerPublished`; the sizes are the paper's and not open to choice.

    Parameters
    ----------
    dropout : float
        In the blocks (attention weights and MLP).
    photometry_dropout : float
        After each hidden layer of the photometry MLP.
    """

    dropout: float = Field(0.1, ge=0, lt=1, description="in the attention blocks")
    photometry_dropout: float = Field(0.25, ge=0, lt=1, description="in the photometry network")


class MargFormerPublished(MargNetFeatures):
    """The published MargFormer, 1,505,315 parameters for three classes, head included.

    Paper: Bhavanam, Channappayya, Srijith & Desai 2024, "Enhanced Astronomical Source Classification with Integration
    of Attention Mechanisms and Vision Transformers", Astrophysics and Space Science, doi 10.1007/s10509-024-04357-9
    (arXiv:2408.13634), which extends MargNet (Chaini et al. 2023, MNRAS 518, 3123). Public code:
    github.com/srinadh99/AstroFormer, folder ``MargFormer``. There the photometric token stands where a vision
    transformer has its class token and is the one that asks; other folders hold variants with other parameter counts.

    ============  ==============================================================================
    photometry    24 → 1024 → 512 → 256 → 64, ReLU, dropout 0.25: one token (B, 1, 64)
    image         5×32×32 → 64 patches of 4×4 → 80 → LayerNorm → 64 → LayerNorm: (B, 64, 64)
    sequence      [photometry; patches] + learned positions (65×64): (B, 65, 64)
    block, ×12    pre-norm; query from token 0, keys and values from all 65 tokens, 8 heads;
                  keys and values projected along the sequence, 65 → 128 (Linformer, Wang et al.
                  2020), separately and in each block; then GELU MLP 64 → 256 → 64 on all tokens
    features      LayerNorm of token 0: (B, 1, 64)
    ============  ==============================================================================

    Where the code does something odd, we do it too: it adds the attention output of the one query to *all 65 tokens*
    (broadcasting), so the image tokens differ by their embedding and MLPs alone and never attend; and its Linformer
    projects to a length (128) greater than the sequence's (65), which makes attention dearer instead of cheaper. In the
    last block the MLP still runs on 64 tokens that nothing reads.

    Where we had to choose: the code feeds the 24 features as they are, we standardise them robustly with buffers
    learned from the training rows (a corrupt radius otherwise rules the first layer); the code knows no absent values,
    we put unobserved features at the training median and unobserved pixels at zero flux.

    The 24 features are those of MargNet's tables, `asterism.models.margnet_features`.

    Parameters
    ----------
    inputs : ModelInputs
        Photometry in ugriz with extinction, radius and psf_fwhm, and a 32×32 ugriz image.
    options : MargFormerPublishedOptions
    """

    Options: ClassVar[type[Strict]] = MargFormerPublishedOptions
    accepts: ClassVar[frozenset[str]] = frozenset({"photometry", "image"})
    requires: ClassVar[frozenset[str]] = frozenset({"photometry", "image"})

    def __init__(self, inputs: ModelInputs, options: MargFormerPublishedOptions) -> None:
        super().__init__("margformer-published", inputs)
        check_image("margformer-published", inputs.image)
        self.members, self.width = 1, _WIDTH
        drop = options.photometry_dropout
        self.photometry = nn.Sequential(
            *(nn.Linear(24, 1024), nn.ReLU(), nn.Dropout(drop)),
            *(nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(drop)),
            *(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(drop)),
            nn.Linear(256, _WIDTH),
        )
        pixels = len(BANDS) * _PATCH**2
        self.patches = nn.Sequential(nn.LayerNorm(pixels), nn.Linear(pixels, _WIDTH), nn.LayerNorm(_WIDTH))
        self.position = nn.Parameter(torch.randn(_TOKENS, _WIDTH))
        self.blocks = nn.ModuleList(_LinformerBlock(options.dropout) for _ in range(_DEPTH))
        self.norm = nn.LayerNorm(_WIDTH)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, 1, 64) and whether anything was observed (B,)."""
        x = self._sequence(batch)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, :1]), present(batch["photometry"]) | present(batch["image"])

    def attention(self, batch: Batch) -> Tensor:
        """What token 0 takes from each patch in each block (B, 12, 8, 1, 8, 8); see `Network.attention`.

        The Linformer attends to 128 mixtures of the 65 tokens, not to the tokens: with a (B, 128) its weights and P
        (65, 128) the mixing of the values, the output is Σ_n (P a)_n v_n, and (P a)_n is what is given here for each
        patch. It may be negative and does not sum to 1; token 0 itself is left out.
        """
        x, found = self._sequence(batch), []
        for block in self.blocks:
            assert isinstance(block, _LinformerBlock)
            found.append(block.token_weights(x)[..., 1:])
            x = block(x)
        weights = torch.stack(found, 1).unflatten(-1, (SIDE // _PATCH, SIDE // _PATCH))
        return torch.where(present(batch["image"])[:, None, None, None, None, None], weights, torch.nan)

    def _sequence(self, batch: Batch) -> Tensor:
        """The 65 tokens (B, 65, 64) that the blocks work on."""
        image = batch["image"]
        seen = (image["ivar"] > 0).expand_as(image["flux"]) & image["present"][:, None, None, None]
        flux = torch.where(seen, image["flux"], 0.0)
        grid = SIDE // _PATCH
        # As the code cuts them: within a patch, row, column, then band.
        patches = flux.reshape(-1, len(BANDS), grid, _PATCH, grid, _PATCH).permute(0, 2, 4, 3, 5, 1)
        tokens = self.patches(patches.reshape(len(flux), grid * grid, -1))
        query = self.photometry(self.standardised(batch))
        return torch.cat([query[:, None], tokens], 1) + self.position


class _LinformerBlock(nn.Module):
    """One block: attention of token 0 over all tokens, added to all of them; then an MLP on all of them."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_WIDTH)
        self.query = nn.Linear(_WIDTH, _WIDTH, bias=False)
        self.key = nn.Linear(_WIDTH, _WIDTH, bias=False)
        self.value = nn.Linear(_WIDTH, _WIDTH, bias=False)
        bound = 1 / math.sqrt(_PROJECTED)
        self.project_key = nn.Parameter(torch.empty(_TOKENS, _PROJECTED).uniform_(-bound, bound))
        self.project_value = nn.Parameter(torch.empty(_TOKENS, _PROJECTED).uniform_(-bound, bound))
        self.out = nn.Linear(_WIDTH, _WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.mlp = nn.Sequential(
            nn.LayerNorm(_WIDTH),
            nn.Linear(_WIDTH, 4 * _WIDTH),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * _WIDTH, _WIDTH),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 65, 64) → (B, 65, 64)."""
        weights, value = self._attention(self.norm(x))
        attended = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        x = x + self.out(attended)  # (B, 1, 64) onto (B, 65, 64): the published broadcasting
        return x + self.mlp(x)

    def token_weights(self, x: Tensor) -> Tensor:
        """Weight of each token's value in what token 0 takes (B, heads, 1, 65), of tokens (B, 65, 64)."""
        return self._attention(self.norm(x))[0] @ self.project_value.T

    def _attention(self, normed: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (B, heads, 1, 128) of token 0's attention to the mixtures, and their values (B, heads, 128, 8)."""
        query = self.query(normed[:, :1]).unflatten(-1, (_HEADS, -1)).transpose(1, 2)
        key = torch.einsum("bnd,nk->bkd", self.key(normed), self.project_key)
        value = torch.einsum("bnd,nk->bkd", self.value(normed), self.project_value)
        key, value = (t.unflatten(-1, (_HEADS, -1)).transpose(1, 2) for t in (key, value))
        return (query @ key.transpose(-2, -1) / math.sqrt(_WIDTH // _HEADS)).softmax(-1), value
