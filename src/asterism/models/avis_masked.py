"""Masked modelling of one modality: what was hidden is told from what was left, by decoders too light to know it themselves.

Twice: from the tokens of what was left, which teaches the encoder what goes with what, and from the embedding alone, which teaches
the pool and the projection to keep it: a line can be drawn where it stands only by an embedding that knows the redshift.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asterism.models.attention import CrossAttentionBlock
from asterism.models.avis_image import FINE, THIRD, ImageEncoder
from asterism.models.avis_spectrum import SpectrumEncoder

__all__ = ["ImageDecoder", "SpectrumDecoder", "hidden_patches"]

_FLOOR = {"spectrum": 0.3, "image": 0.05}
"""Of a spectrum's level, and of stretched flux: smaller errors count no more, or bright stars' continua would be all that is learned."""

_CLIP = 3.0
"""Standard deviations behind which a residual counts linearly."""

_TELLING = 256  # width of the layers between an embedding and what it tells


def hidden_patches(objects: int, patches: int, share: float, run: int, generator: torch.Generator | None) -> Tensor:
    """Which patches are hidden, (objects, patches) bool: runs of neighbours, about `share` of all, never all.

    Parameters
    ----------
    objects, patches : int
    share : float
        Between 0 and 1.
    run : int
        Neighbouring patches that are hidden together.
    generator : torch.Generator, optional
        On the CPU, so that a run is the same on every device.
    """
    groups = -(-patches // run)
    most = min(groups - 1, max(1, round(share * groups)))
    order = torch.rand(objects, groups, generator=generator).argsort(1)
    hidden = torch.zeros(objects, groups, dtype=torch.bool).scatter_(1, order[:, :most], value=True)
    # Runs begin anywhere, or a wavelength would always be at the same place of its run.
    shift = torch.randint(0, run, (objects, 1), generator=generator)
    return hidden.repeat_interleave(run, 1)[:, :patches].gather(1, (torch.arange(patches) + shift) % patches)


class Telling(nn.Module):
    """What an embedding tells of every patch: a perceptron of the embedding and the patch's place.

    Parameters
    ----------
    embedding, place, pixels : int
        Numbers of an embedding, of a place and of a patch.
    """

    def __init__(self, embedding: int, place: int, pixels: int) -> None:
        super().__init__()
        self.length = embedding
        self.what, self.where = nn.Linear(embedding, _TELLING), nn.Linear(place, _TELLING)
        self.tell = nn.Sequential(nn.GELU(), nn.Linear(_TELLING, _TELLING), nn.GELU(), nn.Linear(_TELLING, pixels))

    def forward(self, projected: Tensor, places: Tensor) -> Tensor:
        """(B, E) of any length, (N, place) → (B, N, pixels)."""
        # At unit length, as embeddings are; its numbers are then of the order of one.
        embedding = F.normalize(projected, dim=-1) * math.sqrt(self.length)
        told: Tensor = self.tell(self.what(embedding)[:, None] + self.where(places))
        return told


class SpectrumDecoder(nn.Module):
    """Flux in hidden runs of wavelength from the tokens of the rest, and all flux from the embedding of the rest.

    A hidden token's position asks the encoder's tokens once; a linear layer tells its pixels, over the level of what was left.

    Parameters
    ----------
    encoder : SpectrumEncoder
        Whose tokens are read; it is not a part of the decoder.
    embedding : int
        Numbers of an embedding.
    """

    def __init__(self, encoder: SpectrumEncoder, embedding: int) -> None:
        super().__init__()
        width, place = encoder.width, encoder.place.shape[1]
        self.ask = nn.Linear(place, width)
        self.block = CrossAttentionBlock(width, width, encoder.heads, dropout=0.0)
        self.tell = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, encoder.stride))
        self.telling = Telling(embedding, place, encoder.stride)

    def forward(
        self,
        encoder: SpectrumEncoder,
        projection: nn.Module,
        role: Mapping[str, Tensor],
        share: float,
        generator: torch.Generator | None,
    ) -> Tensor:
        """The loss: Huber's function of residuals over their errors, its mean over hidden pixels, told by tokens, and the mean
        over all, told by the embedding, added.
        """
        flux, ivar = encoder.grid(role)
        tokens = encoder.place.shape[0]
        hidden = hidden_patches(len(flux), tokens, share, 3, generator).to(flux.device)
        behind = hidden.repeat_interleave(encoder.stride, 1)
        left = torch.where(behind, 0.0, ivar)
        # A spectrum of which nothing is left has nothing to tell from.
        target = (ivar > 0) & (left > 0).any(1, keepdim=True)
        context, valid = encoder.tokens(torch.where(behind, 0.0, flux), left)
        context = encoder.related(context, valid)
        asked = self.block(self.ask(encoder.place).expand(len(flux), -1, -1), context, valid)
        level = encoder.level(torch.where(behind, 0.0, flux), left)[0]
        precision = torch.where(target, 1 / (ivar * level**2).clamp_min(1e-12) + _FLOOR["spectrum"] ** 2, 1.0).rsqrt()
        loss = flux.new_zeros(())
        for told, wanted in (
            (self.tell(asked), target & behind),
            (self.telling(projection(encoder.pool(context, valid)), encoder.place), target),
        ):
            residual = torch.where(wanted, (flux / level - told.flatten(1)) * precision, 0.0)
            loss = loss + _huber(residual).sum() / wanted.sum().clamp_min(1)
        return loss


class ImageDecoder(nn.Module):
    """Stretched flux in hidden squares from the tokens of the rest, and all of it from the embedding of the rest; on both scales.

    Parameters
    ----------
    encoder : ImageEncoder
        Whose tokens are read; it is not a part of the decoder.
    embedding : int
        Numbers of an embedding.
    """

    def __init__(self, encoder: ImageEncoder, embedding: int) -> None:
        super().__init__()
        width, pixels = encoder.width, len(encoder.bands) * FINE * FINE
        self.ask = nn.Parameter(0.2 * torch.randn(encoder.position.shape[0], width))
        self.block = CrossAttentionBlock(width, width, encoder.heads, dropout=0.0)
        self.tell = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, pixels))
        self.telling = Telling(embedding, width, pixels)

    def forward(
        self,
        encoder: ImageEncoder,
        projection: nn.Module,
        role: Mapping[str, Tensor],
        share: float,
        generator: torch.Generator | None,
    ) -> Tensor:
        """The loss: Huber's function of stretched residuals over their errors, its mean over hidden pixels, told by tokens,
        and the mean over all, told by the embedding, added.
        """
        squares = encoder.side // (THIRD * FINE)
        hidden = hidden_patches(len(role["flux"]), squares * squares, share, 1, generator).to(role["flux"].device)
        hidden = hidden.unflatten(1, (1, squares, squares))
        behind = hidden.repeat_interleave(THIRD * FINE, 2).repeat_interleave(THIRD * FINE, 3)
        pixels = encoder.pixels(role, behind)
        flux, ivar, seen, _ = pixels
        shown = pixels.without(behind)
        context, valid = encoder.tokens(role, shown)
        context = encoder.transformer(context, valid)
        target = seen & shown.seen.flatten(1).any(1)[:, None, None, None]
        by_tokens = self.tell(self.block(self.ask.expand(len(flux), -1, -1), context, valid))
        by_embedding = self.telling(projection(encoder.pool(context, valid)), self.ask)
        return _image_loss(encoder, by_tokens, flux, ivar, target & behind) + _image_loss(
            encoder, by_embedding, flux, ivar, target
        )


def _image_loss(encoder: ImageEncoder, told: Tensor, flux: Tensor, ivar: Tensor, target: Tensor) -> Tensor:
    """Mean over the target's pixels, on both scales, of what tokens (B, N, pixels) tell of them."""
    loss, count = flux.new_zeros(()), flux.new_zeros(())
    for (light, weight, part), tokens in zip(
        encoder.scales(flux, ivar, target), told.split([encoder.fine_tokens, encoder.coarse_tokens], 1), strict=True
    ):
        side, wanted = light.shape[-1], part > 0.99
        said = F.fold(tokens.transpose(1, 2), (side, side), FINE, stride=FINE)
        # asinh(x)/2 of what has the error σ has the error σ / 2√(1 + x²).
        soft = encoder.softening[:, None, None]
        variance = 1 / (4 * weight.clamp_min(1e-30) * (soft**2 + light**2))
        residual = (encoder.stretch(light) - said) * torch.where(wanted, variance + _FLOOR["image"] ** 2, 1.0).rsqrt()
        loss = loss + _huber(residual)[wanted].sum()
        count = count + wanted.sum()
    return loss / count.clamp_min(1)


def _huber(residual: Tensor) -> Tensor:
    """χ²/2 up to `_CLIP`, then a line."""
    return F.huber_loss(residual, torch.zeros_like(residual), delta=_CLIP, reduction="none")
