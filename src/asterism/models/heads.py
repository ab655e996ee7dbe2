"""Heads: from the features of ensemble members to the answer of a task."""

from __future__ import annotations

from pydantic import field_validator
from torch import Tensor, nn

from asterism.models.configuration import Strict
from asterism.models.ensemble import MemberLinear

__all__ = ["ClassificationConfig", "ClassificationHead", "HeadsConfig", "make_heads"]


class ClassificationConfig(Strict):
    """Configuration of the classification head.

    Parameters
    ----------
    classes : tuple of str
        Names of the classes, in the order of the logits.
    """

    classes: tuple[str, ...]

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) < 2 or len(set(classes)) != len(classes):
            raise ValueError(f"classification needs at least two distinct classes, not {', '.join(classes) or 'none'}")
        return classes


class HeadsConfig(Strict):
    """The tasks a model has heads for; None where it has none.

    Parameters
    ----------
    classification : ClassificationConfig, optional
    """

    classification: ClassificationConfig | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks that there are heads for."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class ClassificationHead(nn.Module):
    """One linear layer per ensemble member: features (B, M, D) → logits (B, M, C).

    Parameters
    ----------
    members, width : int
        M and D.
    classes : int
        C.
    """

    def __init__(self, members: int, width: int, classes: int) -> None:
        super().__init__()
        self.linear = MemberLinear(members, width, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B, M, C) of features (B, M, D)."""
        return self.linear(features.transpose(0, 1)).transpose(0, 1)


def make_heads(config: HeadsConfig, members: int, width: int) -> nn.ModuleDict:
    """A head per task that is configured, by the task's name.

    Parameters
    ----------
    config : HeadsConfig
    members, width : int
        M and D of the features.
    """
    heads = nn.ModuleDict()
    if config.classification is not None:
        heads["classification"] = ClassificationHead(members, width, len(config.classification.classes))
    return heads
