"""AVIS, ours: images and spectra as points of one space; either may be absent, object by object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from asterism.errors import ConfigurationError
from asterism.models.avis_image import ImageEncoder
from asterism.models.avis_masked import ImageDecoder, SpectrumDecoder
from asterism.models.avis_spectrum import SpectrumEncoder
from asterism.models.configuration import Strict
from asterism.models.inputs import ModelInputs
from asterism.models.network import Batch, Embedding, Encoded, Network, select, take_over, unit

if TYPE_CHECKING:
    from asterism.models.heads import HeadsConfig

__all__ = ["AVIS", "AVISOptions", "LinearMap"]


@dataclass(frozen=True)
class _Size:
    """Widths and depths of a preset."""

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


_FACTORS_SHARE = 2 / 3
"""Of the squared length of a spectrum's embedding, its factors: see docs/results/avis.md for what less and more give."""


class AVISOptions(Strict):
    """Options of `AVIS`; ``asterism train --show-config`` lists them with their meaning."""

    size: Literal["tiny", "small", "base"] = Field("tiny", description="widths and depths of the encoders")
    embedding: int | None = Field(
        None, ge=8, le=8192, description="numbers of an embedding; null = the size's: 128, 256 or 512"
    )
    side: int = Field(144, ge=24, description="pixels along the side of the crop around an image's centre, at most")
    flux_normalised: bool = Field(
        False,
        description="leave out how bright an object is: an image's own light and a spectrum's level; S/N stays visible",
    )
    factors: int | None = Field(
        None,
        ge=0,
        le=1024,
        description="numbers of a spectrum's embedding that are linear factors of it, learned before anything else; null = a"
        " quarter",
    )

    @model_validator(mode="after")
    def _something_is_learned(self) -> AVISOptions:
        whole = self.embedding or _SIZES[self.size].embedding
        if self.factors is not None and self.factors > whole - 4:
            raise ValueError(f"{self.factors} factors leave no numbers of {whole}; ask for {whole - 4} or fewer")
        return self


class AVIS(Network):
    """Encoders of images and spectra with projections to a shared space of embeddings.

    Of AVIS itself it is public which data it reads (DESI spectra coadded over the cameras to 7,781 pixels with their inverse
    variances, Legacy Survey images) and not how it is built. This is a choice of ours, in the line of AstroCLIP (Parker et al. 2024,
    MNRAS 531, 4990): a transformer for each modality, trained so that an object's two embeddings agree.

    ===========  =================================================================================
    spectrum     any grid → 2304 pixels of equal ln λ → convolutions → 96 tokens and one of the
                 whole → transformer → pooled (B, width); see `SpectrumEncoder`
    image        centre at full and the whole at a third of the resolution → convolutions →
                 36 + 36 tokens and one of the light → transformer → pooled; see `ImageEncoder`
    projection   each width → 2 width → E, GELU between; of spectra → E − K
    factors      of spectra, K = E / 4 numbers linear in what was observed; see `SpectralFactors`
    embedding    ``image`` and ``spectrum``: the projections at unit length, each through a linear map
                 that does nothing until `whiten` sets it, at unit length again, and of spectra the
                 factors beside it, with two thirds of the squared length; ``joint``: the sum of
                 what there is of both, at unit length
    features     (B, 1, E): the mean of what projections, and factors beside them, there are,
                 layer-normalised, for heads
    ===========  =================================================================================

    *Absent*: a modality is not computed for objects that lack it. *Both absent*: the model answers with the training classes'
    fractions. A model trained on both reads catalogs of either, and spectra of any survey, see `Model.reading`.

    Parameters
    ----------
    inputs : ModelInputs
        Image, spectrum or both.
    options : AVISOptions

    Attributes
    ----------
    encoders, projections : ModuleDict
        By role.
    maps : ModuleDict
        By role, the linear map behind the projection at unit length: `LinearMap`.
    learned : dict of str to int
        By role, how many numbers of an embedding come through the projection: the first; the others are factors.
    decoders : ModuleDict
        By role, what `masked_loss` needs; empty unless the model is to be aligned.
    """

    Options: ClassVar[type[Strict]] = AVISOptions
    accepts: ClassVar[frozenset[str]] = frozenset({"image", "spectrum"})
    any_grid: ClassVar[bool] = True

    def __init__(self, inputs: ModelInputs, options: AVISOptions) -> None:
        super().__init__("avis", inputs)
        size = _SIZES[options.size]
        self.members, self.width = 1, options.embedding or size.embedding
        factors = self.width // 4 if options.factors is None else options.factors
        self.learned = {role: self.width - factors if role == "spectrum" else self.width for role in inputs.roles}
        self.encoders, self.projections, self.decoders = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        self.maps = nn.ModuleDict({role: LinearMap(self.learned[role]) for role in inputs.roles})
        if inputs.image is not None:
            self.encoders["image"] = ImageEncoder(
                inputs.image,
                options.side,
                size.width,
                size.heads,
                size.image_blocks,
                size.image_stem,
                normalised=options.flux_normalised,
            )
        if inputs.spectrum is not None:
            self.encoders["spectrum"] = SpectrumEncoder(
                inputs.spectrum,
                size.width,
                size.heads,
                size.spectrum_blocks,
                size.spectrum_stem,
                factors=factors,
                normalised=options.flux_normalised,
            )
        for role in self.encoders:
            self.projections[role] = nn.Sequential(
                nn.Linear(size.width, 2 * size.width), nn.GELU(), nn.Linear(2 * size.width, self.learned[role])
            )

    def add_heads(self, heads: HeadsConfig) -> None:
        """Add the decoders of masked modelling where the model is to be aligned: others have no use for them."""
        if getattr(heads, "alignment", None) is not None:
            for role, encoder in self.encoders.items():
                if isinstance(encoder, ImageEncoder):
                    self.decoders[role] = ImageDecoder(encoder, self.learned[role])
                else:
                    self.decoders[role] = SpectrumDecoder(_spectral(encoder), self.learned[role])

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Features (B, 1, E) and whether anything was observed (B,)."""
        return self.encode(batch)[:2]

    def encode(self, batch: Batch) -> Encoded:
        """Features and embeddings: ``"image"`` and ``"spectrum"``, as far as they are read, and ``"joint"``.

        A modality that the whole batch lacks has no embedding, and is absent from the others.
        """
        found: dict[str, Embedding] = {}
        projected = []
        for role in [role for role in self.inputs.roles if role in batch]:
            seen = self._encoder(role).present(batch[role])
            projected.append(self._project(role, batch, seen))
            found[role] = unit(self._placed(role, projected[-1]), seen)
        there = torch.stack([embedding.present for embedding in found.values()])
        informed = there.any(0)
        mean = torch.stack(projected).sum(0) / there.sum(0).clamp_min(1)[:, None]
        joint = unit(torch.stack([embedding.values for embedding in found.values()]).sum(0), informed)
        return Encoded(F.layer_norm(mean, mean.shape[-1:])[:, None], informed, {**found, "joint": joint})

    def masked_loss(self, batch: Batch, share: float, generator: torch.Generator | None = None) -> Tensor:
        """How badly each modality, by itself, tells what was hidden of it from what was left.

        Runs of wavelength, and squares of images, are hidden (He et al. 2022, arXiv:2111.06377, with the mask drawn before the
        convolutions) and told twice, by the tokens and by the embedding of what was left; residuals count over their errors, see
        `asterism.models.avis_masked`. Noise alone gives 1/2 each time, 1 in all.

        Parameters
        ----------
        batch : mapping
            As `asterism.catalogs.stream` gives it; a modality that it lacks is not modelled.
        share : float
            Of the patches that are hidden, between 0 and 1.
        generator : torch.Generator, optional
            On the CPU: draws what is hidden.

        Returns
        -------
        Tensor
            Scalar, the mean over the modalities of which the batch has any; 0 where it has nothing.

        Raises
        ------
        ConfigurationError
            The share is not between 0 and 1, or the model was not made to be aligned.
        """
        if not 0 < share < 1:
            raise ConfigurationError(f"the share of patches to hide is {share:g}; it must be between 0 and 1")
        if not self.decoders:
            raise ConfigurationError("this model has nothing to decode masked inputs with; train it for alignment")
        losses = []
        roles = [role for role in self.inputs.roles if role in batch]
        for role in roles:
            which = self._encoder(role).present(batch[role]).nonzero()[:, 0]
            if len(which):
                chosen = select(batch[role], which)
                losses.append(
                    self.decoders[role](self.encoders[role], self.projections[role], chosen, share, generator)
                )
        if not losses:
            return batch[roles[0]]["flux"].new_zeros((), requires_grad=True)
        return torch.stack(losses).mean()

    @torch.no_grad()
    def whiten(self, role: str, mean: Tensor, matrix: Tensor) -> None:
        """Set what happens to a modality's embeddings: (embedding − mean) · matrix, at unit length.

        Parameters
        ----------
        role : str
        mean : Tensor
            (E,), of spectra (E − K,): factors scatter alike anyway.
        matrix : Tensor
            (E, r) with r ≤ E; the other E − r numbers are 0.
        """
        placed = self.maps[role]
        assert isinstance(placed, LinearMap)
        placed.mean.copy_(mean)
        placed.matrix.zero_()[:, : matrix.shape[1]] = matrix

    def lock(self, role: str) -> None:
        """Leave a modality's encoder and projection as they are from now on."""
        self.encoders[role].requires_grad_(False)
        self.projections[role].requires_grad_(False)

    def begin_with(self, other: Network) -> tuple[str, ...]:
        """Take over encoders, projections, maps and decoders of the modalities that both read; spectra may be on another grid."""
        assert isinstance(other, AVIS)
        shared = tuple(role for role in self.inputs.roles if role in other.inputs.roles)
        if not shared:
            raise ConfigurationError(
                f"the run to start from reads {', '.join(other.inputs.roles)} and the model here"
                f" {', '.join(self.inputs.roles)}; give them an input in common, or leave --start out"
            )
        for role in shared:
            encoder, theirs = self._encoder(role), other._encoder(role)
            if isinstance(encoder, ImageEncoder):
                _check_same_stamps(encoder, _stamps(theirs))
            if encoder.normalised != theirs.normalised:
                raise ConfigurationError(
                    "the run to start from reads flux-normalised inputs, or the model here does, and not both; set"
                    f" model.flux_normalised={str(theirs.normalised).lower()}"
                )
            for parts in ("encoders", "projections", "maps", "decoders"):
                if role in getattr(self, parts) and role in getattr(other, parts):
                    take_over(getattr(self, parts)[role], getattr(other, parts)[role])
        return shared

    def turn_to(self, inputs: ModelInputs) -> None:
        """Read other surveys' spectra, other bands of images, or only one of the two; see `Network.turn_to`."""
        if inputs.image is not None:
            _stamps(self.encoders["image"]).turn_to(inputs.image)
        if inputs.spectrum is not None:
            _spectral(self.encoders["spectrum"]).turn_to(inputs.spectrum)
        self.inputs = inputs

    def observe(self, batch: Batch) -> None:
        """Offer a training batch to the encoders' statistics."""
        for role in self.inputs.roles:
            self._encoder(role).observe(batch[role])

    def settle(self) -> None:
        """Set the standardisation from what was observed."""
        for role in self.inputs.roles:
            self._encoder(role).settle()

    def _encoder(self, role: str) -> ImageEncoder | SpectrumEncoder:
        encoder = self.encoders[role]
        assert isinstance(encoder, ImageEncoder | SpectrumEncoder)
        return encoder

    def _project(self, role: str, batch: Batch, seen: Tensor) -> Tensor:
        """Projections (B, E) before they are scaled to unit length, 0 for objects without the role."""
        if bool(seen.all()):
            return self._told(role, batch[role])
        which = seen.nonzero()[:, 0]
        values = batch[role]["flux"].new_zeros(len(seen), self.width)
        if not len(which):
            return values
        found = self._told(role, select(batch[role], which))
        return values.to(found.dtype).index_copy(0, which, found)

    def _told(self, role: str, chosen: Batch) -> Tensor:
        """Projections (B, E) of objects that have the role; behind those of spectra their factors, of the order of one."""
        encoder, projection = self._encoder(role), self.projections[role]
        if isinstance(encoder, ImageEncoder) or not encoder.factors.count:
            return projection(encoder(chosen))
        vectors, factors = encoder.both(chosen)
        return torch.cat([projection(vectors), math.sqrt(encoder.factors.count) * factors], 1)

    def _placed(self, role: str, projected: Tensor) -> Tensor:
        """Embeddings (B, E) of projections."""
        learned, factors = projected.tensor_split([self.learned[role]], 1)
        values = self.maps[role](F.normalize(learned, dim=-1))
        if not factors.shape[1]:
            return values
        share = math.sqrt(_FACTORS_SHARE), math.sqrt(1 - _FACTORS_SHARE)
        return torch.cat([share[1] * F.normalize(values, dim=-1), share[0] * F.normalize(factors.float(), dim=-1)], 1)


class LinearMap(nn.Module):
    """Vectors (n, E) less a mean, times a matrix; both are set, not learned, and do nothing as they begin.

    Parameters
    ----------
    width : int
        E.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("matrix", torch.eye(width))

    @property
    def plain(self) -> bool:
        """Whether it does nothing."""
        eye = torch.eye(len(self.mean), device=self.matrix.device)
        return not bool(self.mean.any()) and bool(torch.equal(self.matrix, eye))

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, E) → (n, E)."""
        with torch.autocast(vectors.device.type, enabled=False):
            return (vectors.to(self.mean.dtype) - self.mean) @ self.matrix


def _check_same_stamps(mine: ImageEncoder, theirs: ImageEncoder) -> None:
    ours, known = mine.inputs, theirs.inputs
    if ours.bands != known.bands or ours.zero_point != known.zero_point:
        raise ConfigurationError(
            f"the run to start from knows images in {', '.join(known.bands)} and those here are in {', '.join(ours.bands)} (or of"
            " another zero point); give it such images, or leave --start out"
        )
    if abs(ours.pixel_scale / known.pixel_scale - 1) > 0.01:
        raise ConfigurationError(
            f"the run to start from knows images with pixels of {known.pixel_scale:g} arcsec and those here have"
            f" {ours.pixel_scale:g}; give it such images, or leave --start out"
        )


def _stamps(encoder: nn.Module) -> ImageEncoder:
    assert isinstance(encoder, ImageEncoder)
    return encoder


def _spectral(encoder: nn.Module) -> SpectrumEncoder:
    assert isinstance(encoder, SpectrumEncoder)
    return encoder
