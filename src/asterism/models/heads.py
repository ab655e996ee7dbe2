"""Heads: from the features of ensemble members to the answer of a task."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator
from torch import Tensor, nn

from asterism.models.alignment import AlignmentConfig, AlignmentHead
from asterism.models.configuration import Strict
from asterism.models.ensemble import MemberLinear
from asterism.models.redshift import RedshiftHead
from asterism.models.redshift_families import RedshiftConfig

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
    redshift : RedshiftConfig, optional
    alignment : AlignmentConfig, optional
    """

    classification: ClassificationConfig | None = None
    redshift: RedshiftConfig | None = None
    alignment: AlignmentConfig | None = None

    @model_validator(mode="after")
    def _densities_of_known_classes(self) -> HeadsConfig:
        known = self.classification.classes if self.classification else ()
        for name in self.redshift.classes if self.redshift else ():
            if name not in known:
                raise ValueError(f"there is a redshift density for class {name}, which is not among the classes")
        if self.redshift and known and not self.redshift.classes:
            raise ValueError("with a classification head the redshift head needs the classes that have a density each")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A model without redshifts or alignment is written, and so named by its fingerprint, as before there were any.
        return {name: value for name, value in rest(self).items() if name == "classification" or value is not None}

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
    if config.redshift is not None:
        heads["redshift"] = RedshiftHead(members, width, config.redshift)
    if config.alignment is not None:
        heads["alignment"] = AlignmentHead(config.alignment, width)
    return heads
