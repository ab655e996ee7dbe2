"""Strict typed configuration: a key that does not exist, or a value of the wrong kind, is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from asterism.errors import ConfigurationError, unknown_name

__all__ = ["Strict", "parse"]


class Strict(BaseModel):
    """A frozen pydantic model that refuses unknown keys; JSON in, JSON out."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


S = TypeVar("S", bound=Strict)


def parse(cls: type[S], data: Mapping[str, Any], what: str) -> S:
    """Build a configuration from plain data, with errors a person can act on.

    Parameters
    ----------
    cls : type of Strict
        What to build.
    data : mapping
        Plain data, as read from JSON or given as options.
    what : str
        What the data are, for the message, e.g. ``"option of model margformer"``.

    Returns
    -------
    Strict
        An instance of `cls`.

    Raises
    ------
    ConfigurationError
        For the first unknown key (with the nearest known one), missing key or unfit value.
    """
    try:
        return cls.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _fields_at(cls, first["loc"][:-1])
            sentence = unknown_name(what, str(first["loc"][-1]), known)
        elif first["type"] == "missing":
            sentence = f"{what} {where!r} is missing; add it"
        else:
            sentence = f"{what} {where!r} is {first['input']!r}, which does not fit: {first['msg'].lower()}"
    raise ConfigurationError(sentence)


def _fields_at(cls: type[Strict], path: tuple[int | str, ...]) -> list[str]:
    """Names of the fields of the model found by walking `path` down from `cls`."""
    found: type[Strict] = cls
    for step in path:
        field = found.model_fields.get(str(step))
        nested = _nested(field.annotation) if field else None
        found = nested or found
    return list(found.model_fields)


def _nested(annotation: Any) -> type[Strict] | None:
    """The Strict class inside an annotation such as ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, list, dict):
        for part in get_args(annotation):
            if (hit := _nested(part)) is not None:
                return hit
    return None
