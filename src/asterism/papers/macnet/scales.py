"""How much of the paper is run: objects, seeds and parts of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from asterism.errors import look_up

__all__ = ["SCALES", "Scale", "scale_named"]


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Attributes
    ----------
    objects : mapping of str to int
        Of each simulated catalog: ``sample``, ``test`` and, where it is used, ``large``.
    seeds : int
        Of the methods that are repeated.
    parts : tuple of str
        Parts of the table that are run where ``--only`` does not say.
    title : str
    crossed : int
        Objects from other template libraries, where there are libraries.
    """

    objects: Mapping[str, int]
    seeds: int
    parts: tuple[str, ...]
    title: str
    crossed: int = 0


_LIGHT_PARTS = ("table4", "crossed", "sky", "plans", "windows", "maps", "assist-class", "assist-redshift")
_CROSSED = 1150
SCALES = {
    "tiny": Scale(
        {"sample": 160, "test": 40}, 1, _LIGHT_PARTS, "160 objects and one epoch: tries the road, says nothing"
    ),
    "small": Scale(
        {"sample": 2891, "test": 5000}, 3, _LIGHT_PARTS, "the paper's 2,891 objects, light networks", _CROSSED
    ),
    "medium": Scale(
        {"sample": 2891, "test": 5000, "large": 28910},
        3,
        _LIGHT_PARTS,
        "light networks on the paper's 2,891 objects and on ten times as many",
        _CROSSED,
    ),
    "full": Scale(
        {"sample": 2891, "test": 5000, "large": 28910},
        3,
        (*_LIGHT_PARTS, "published"),
        "everything, the published networks too; for a GPU",
        _CROSSED,
    ),
}


def scale_named(name: str) -> Scale:
    """The scale of a name.

    Raises
    ------
    ConfigurationError
        There is none; names the nearest.
    """
    return look_up("scale", name, SCALES)
