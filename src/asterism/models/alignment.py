"""The head of a model whose embeddings of images and spectra are aligned: what the objective itself learns.

The embeddings are the network's (`asterism.models.network.Embedding`); the head holds a temperature, a bias or an expander,
depending on the objective, and answers nothing. The objectives are in `asterism.learning.objectives`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

import torch
from pydantic import Field
from torch import Tensor, nn

from asterism.models.configuration import Strict

__all__ = ["CONTRASTS", "OBJECTIVES", "AlignmentConfig", "AlignmentHead", "Objective"]

Objective = Literal["infonce", "siglip", "vicreg", "masked"]
"""What a model that is trained without labels descends."""

OBJECTIVES: tuple[str, ...] = get_args(Objective)
CONTRASTS = ("infonce", "siglip", "vicreg")
"""Objectives that compare an object's image with its spectrum."""

# Radford et al. 2021, section 2.5: the temperature starts at 0.07 and its inverse stays below 100, for stability.
_INFONCE_SCALE, LARGEST_SCALE = 1 / 0.07, 100.0
# Zhai et al. 2023, section 3.2: inverse temperature 10 and bias -10, so that the many negatives do not decide the first steps.
_SIGLIP_SCALE, _SIGLIP_BIAS = 10.0, -10.0


class AlignmentConfig(Strict):
    """Configuration of the alignment head.

    Parameters
    ----------
    objective : {"infonce", "siglip", "vicreg", "masked"}
        What was descended.
    expander : int
        Width of VICReg's expander.
    """

    objective: Objective
    expander: Annotated[int, Field(ge=2)] = 512


class AlignmentHead(nn.Module):
    """Parameters of an objective; which there are depends on it.

    Parameters
    ----------
    config : AlignmentConfig
    width : int
        E, length of the network's embeddings.

    Attributes
    ----------
    log_scale : Parameter
        Scalar, logarithm of the inverse temperature (infonce, siglip).
    bias : Parameter
        Scalar, added to all similarities (siglip).
    expander : nn.Sequential
        Embedding (n, E) → (n, expander) (vicreg): three linear layers with batch normalisation and ReLU between them
        (Bardes et al. 2022, section 4.2), one for both modalities, so that what agrees before it agrees behind it. It
        always normalises by the batch at hand: it is never used for one object.
    """

    def __init__(self, config: AlignmentConfig, width: int) -> None:
        super().__init__()
        self.config = config
        if config.objective in ("infonce", "siglip"):
            start = _INFONCE_SCALE if config.objective == "infonce" else _SIGLIP_SCALE
            self.log_scale = nn.Parameter(torch.tensor(math.log(start)))
        if config.objective == "siglip":
            self.bias = nn.Parameter(torch.tensor(_SIGLIP_BIAS))
        if config.objective == "vicreg":
            wide = config.expander
            self.expander = nn.Sequential(
                nn.Linear(width, wide, bias=False),
                nn.BatchNorm1d(wide, track_running_stats=False),
                nn.ReLU(),
                nn.Linear(wide, wide, bias=False),
                nn.BatchNorm1d(wide, track_running_stats=False),
                nn.ReLU(),
                nn.Linear(wide, wide, bias=False),
            )

    @property
    def scale(self) -> Tensor:
        """Inverse temperature, at most 100."""
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp()
