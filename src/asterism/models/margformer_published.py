"""MargFormer as published: one photometric query token over image patches, twelve Linformer blocks."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from asterism.errors import BadInputError, ConfigurationError
from asterism.models.configuration import Strict
from asterism.models.inputs import ModelInputs
from asterism.models.network import Batch, Network, present
from asterism.models.photometry import asinh_magnitude, published_softening
from asterism.models.statistics import RobustScale, RowSample

__all__ = ["MargFormerPublished", "MargFormerPublishedOptions"]

_BANDS = ("u", "g", "r", "i", "z")
_WIDTH, _HEADS, _PATCH, _SIDE, _DEPTH, _PROJECTED = 64, 8, 4, 32, 12, 128
_TOKENS = (_SIDE // _PATCH) ** 2 + 1


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


class MargFormerPublished(Network):
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

    The 24 features are computed from the catalog's columns: per band dereddened asinh magnitude, de Vaucouleurs radius
    and PSF width (arcsec) and extinction (mag), and four adjacent colours *without* correction for extinction, as in
    MargNet's tables.

    Parameters
    ----------
    inputs : ModelInputs
        Photometry in ugriz with extinction, radius and psf_fwhm, and a 32×32 ugriz image.
    options : MargFormerPublishedOptions
    """

    Options: ClassVar[type[Strict]] = MargFormerPublishedOptions
    accepts: ClassVar[frozenset[str]] = frozenset({"photometry", "image"})
    requires: ClassVar[frozenset[str]] = frozenset({"photometry", "image"})

    softening: Tensor

    def __init__(self, inputs: ModelInputs, options: MargFormerPublishedOptions) -> None:
        super().__init__("margformer-published", inputs)
        _check_inputs(inputs)
        self.members, self.width = 1, _WIDTH
        self.register_buffer(
            "softening", torch.tensor([published_softening("sdss", band) for band in _BANDS]), persistent=False
        )
        self.scale = RobustScale(24)
        drop = options.photometry_dropout
        self.photometry = nn.Sequential(
            *(nn.Linear(24, 1024), nn.ReLU(), nn.Dropout(drop)),
            *(nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(drop)),
            *(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(drop)),
            nn.Linear(256, _WIDTH),
        )
        pixels = len(_BANDS) * _PATCH**2
        self.patches = nn.Sequential(nn.LayerNorm(pixels), nn.Linear(pixels, _WIDTH), nn.LayerNorm(_WIDTH))
        self.position = nn.Parameter(torch.randn(_TOKENS, _WIDTH))
        self.blocks = nn.ModuleList(_LinformerBlock(options.dropout) for _ in range(_DEPTH))
        self.norm = nn.LayerNorm(_WIDTH)
        self._sample: RowSample | None = None

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, 1, 64) and whether anything was observed (B,)."""
        image = batch["image"]
        seen = (image["ivar"] > 0).expand_as(image["flux"]) & image["present"][:, None, None, None]
        flux = torch.where(seen, image["flux"], 0.0)
        grid = _SIDE // _PATCH
        # As the code cuts them: within a patch, row, column, then band.
        patches = flux.reshape(-1, len(_BANDS), grid, _PATCH, grid, _PATCH).permute(0, 2, 4, 3, 5, 1)
        tokens = self.patches(patches.reshape(len(flux), grid * grid, -1))
        values, observed = self._features(batch)
        query = self.photometry(self.scale(values, observed))
        x = torch.cat([query[:, None], tokens], 1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, :1]), present(batch["photometry"]) | present(image)

    def observe(self, batch: Batch) -> None:
        """Offer a training batch to the standardisation of the 24 features."""
        if self._sample is None:
            self._sample = RowSample()
        values, observed = self._features(batch)
        self._sample.add(torch.where(observed, values, torch.nan))

    def settle(self) -> None:
        """Set the standardisation from what was observed."""
        rows = self._sample.rows() if self._sample is not None else torch.empty(0, 24)
        self._sample = None
        if not bool(torch.isfinite(rows).any()):
            raise BadInputError("no training row has observed photometry; check its inverse variances")
        self.scale.fit(rows)

    def _features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The 24 features (B, 24), 0 where not observed, and which were."""
        photometry = batch["photometry"]
        here = photometry["present"][:, None]
        seen = (photometry["ivar"] > 0) & here
        stored = asinh_magnitude(torch.where(seen, photometry["flux"], 0.0), self.softening)
        extinction = photometry["extinction"]
        taken = torch.nan_to_num(extinction, nan=0.0)
        if self.inputs.photometry is not None and self.inputs.photometry.dereddened:
            dereddened, raw = stored, stored + taken
        else:
            dereddened, raw = stored - taken, stored
        rest = [photometry["radius"], photometry["psf_fwhm"], extinction]
        features = torch.cat([dereddened, *rest, raw[:, :-1] - raw[:, 1:]], 1)
        observed = torch.cat([seen, *([here.expand_as(seen)] * 3), seen[:, :-1] & seen[:, 1:]], 1)
        observed = observed & torch.isfinite(features)
        return torch.where(observed, features, 0.0), observed


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
        normed = self.norm(x)
        query = self.query(normed[:, :1]).unflatten(-1, (_HEADS, -1)).transpose(1, 2)
        key = torch.einsum("bnd,nk->bkd", self.key(normed), self.project_key)
        value = torch.einsum("bnd,nk->bkd", self.value(normed), self.project_value)
        key, value = (t.unflatten(-1, (_HEADS, -1)).transpose(1, 2) for t in (key, value))
        weights = (query @ key.transpose(-2, -1) / math.sqrt(_WIDTH // _HEADS)).softmax(-1)
        attended = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        x = x + self.out(attended)  # (B, 1, 64) onto (B, 65, 64): the published broadcasting
        return x + self.mlp(x)


def _check_inputs(inputs: ModelInputs) -> None:
    photometry, image = inputs.photometry, inputs.image
    if photometry is None or image is None:  # the base class has refused already; this tells the type checker
        raise ConfigurationError("model margformer-published needs photometry and an image; name both as inputs")
    for what, bands in (("photometry", photometry.bands), ("an image", image.bands)):
        if bands != _BANDS:
            raise ConfigurationError(
                f"model margformer-published needs {what} in ugriz and is given {''.join(bands)}; "
                f"choose model margformer"
            )
    for quantity in ("extinction", "radius", "psf_fwhm"):
        if quantity not in photometry.quantities:
            raise ConfigurationError(
                f"model margformer-published needs {photometry.group}_{quantity}, which is not among its inputs; "
                f"add it or choose model margformer"
            )
    if image.shape != (_SIDE, _SIDE):
        raise ConfigurationError(
            f"model margformer-published needs stamps of 32x32 pixels and is given {image.shape[0]}x{image.shape[1]}; "
            f"cut such stamps or choose model margformer"
        )
