"""Objectives that bring the embeddings of an object's image and of its spectrum together, without a label.

Each takes the embeddings of the n objects of a step that have both, row i of one and row i of the other being one object.
Two observations of one source are pairs of their own and not each other's negatives: the sky has no two such sources, so
telling them apart would teach nothing but noise. VICReg has no negatives.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from asterism.errors import ConfigurationError, unknown_name
from asterism.models.alignment import CONTRASTS, AlignmentHead

__all__ = ["contrast", "infonce", "retrieval", "siglip", "vicreg"]

_INVARIANCE, _VARIANCE, _COVARIANCE = 25.0, 25.0, 1.0  # Bardes et al. 2022, section 4.2
_EPSILON = 1e-4


def infonce(image: Tensor, spectrum: Tensor, scale: Tensor, same: Tensor | None = None) -> Tensor:
    """Cross-entropy of finding each object's spectrum by its image, and its image by its spectrum; their mean.

    Radford et al. 2021 (arXiv:2103.00020), figure 3, as AstroCLIP (Parker et al. 2024, MNRAS 531, 4990) has it for galaxies.

    Parameters
    ----------
    image, spectrum : Tensor
        (n, E) of unit length.
    scale : Tensor
        Scalar, the inverse temperature.
    same : Tensor, optional
        (n, n) bool: which are observations of one source; by default each only of itself.

    Returns
    -------
    Tensor
        Scalar, nats; ln n where nothing is told apart.
    """
    logits = scale * image @ spectrum.T
    if same is not None:
        logits = logits.masked_fill(_others(same), -torch.inf)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def siglip(image: Tensor, spectrum: Tensor, scale: Tensor, bias: Tensor, same: Tensor | None = None) -> Tensor:
    """Whether an image and a spectrum are of one object, asked of all pairs; the sum of -ln p over n.

    Zhai et al. 2023 (arXiv:2303.15343), equation 1 and algorithm 1.

    Parameters
    ----------
    image, spectrum, scale, same
        As for `infonce`.
    bias : Tensor
        Scalar, added to every logit.

    Returns
    -------
    Tensor
        Scalar, nats per object.
    """
    logits = scale * image @ spectrum.T + bias
    sign = 2 * torch.eye(len(logits), device=logits.device, dtype=logits.dtype) - 1
    loss = -F.logsigmoid(sign * logits)
    if same is not None:
        loss = loss.masked_fill(_others(same), 0.0)
    return loss.sum() / len(logits)


def vicreg(first: Tensor, second: Tensor) -> Tensor:
    """Variance, invariance and covariance of expanded embeddings, weighted 25, 25 and 1.

    Bardes, Ponce & LeCun 2022 (arXiv:2105.04906), equations 1 to 6, with their γ = 1 and ε = 10⁻⁴; the two modalities'
    variances are averaged and their covariances added, as in the authors' code.

    Parameters
    ----------
    first, second : Tensor
        (n, D) what the expander makes of the two embeddings, n ≥ 2.

    Returns
    -------
    Tensor
        Scalar.
    """
    invariance = F.mse_loss(first, second)
    variance, covariance = first.new_zeros(()), first.new_zeros(())
    for values in (first, second):
        centred = values - values.mean(0)
        spread = (centred.square().sum(0) / (len(values) - 1) + _EPSILON).sqrt()
        variance = variance + F.relu(1 - spread).mean() / 2
        square = (centred.T @ centred / (len(values) - 1)).square()
        covariance = covariance + (square.sum() - square.diagonal().sum()) / values.shape[1]
    return _INVARIANCE * invariance + _VARIANCE * variance + _COVARIANCE * covariance


def contrast(head: AlignmentHead, image: Tensor, spectrum: Tensor, source: Tensor | None = None) -> Tensor:
    """The loss of a head's objective.

    Parameters
    ----------
    head : AlignmentHead
    image, spectrum : Tensor
        (n, E) of unit length, n ≥ 2.
    source : Tensor, optional
        (n,) int64, equal for observations of one source.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ConfigurationError
        The objective compares nothing.
    """
    same = None if source is None else source[:, None] == source[None, :]
    match head.config.objective:
        case "infonce":
            return infonce(image, spectrum, head.scale, same)
        case "siglip":
            return siglip(image, spectrum, head.scale, head.bias, same)
        case "vicreg":
            # One after the other: each modality is normalised by itself, as in the paper's two branches.
            return vicreg(head.expander(image), head.expander(spectrum))
    raise ConfigurationError(unknown_name("contrastive objective", head.config.objective, CONTRASTS))


@torch.no_grad()
def retrieval(image: Tensor, spectrum: Tensor, k: int) -> float:
    """Share of objects whose partner is among the k nearest of the other modality; mean of both directions.

    Parameters
    ----------
    image, spectrum : Tensor
        (n, E) of unit length.
    k : int
        Chance is k / n.

    Returns
    -------
    float
        From 0 to 1. Ties count against the model: embeddings that are all equal find nothing but in pools of at most k.
    """
    found = []
    for cosine in (image @ spectrum.T, spectrum @ image.T):
        ahead = (cosine >= cosine.diagonal()[:, None]).sum(1) - 1
        found.append((ahead < k).float().mean())
    return float(sum(found) / 2)


def _others(same: Tensor) -> Tensor:
    """Pairs (n, n) of two observations of one source."""
    return same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
