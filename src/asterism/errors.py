"""The errors that Asterism raises for a person: one sentence saying what is wrong, where, and what to do.

Everything a user can cause is an `AsterismError`; the command line prints its sentence and exits with its code.
Anything else that escapes is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

__all__ = [
    "AsterismError",
    "BadInputError",
    "ConfigurationError",
    "LeakError",
    "OutputError",
    "look_up",
    "unknown_name",
]


T = TypeVar("T")


class AsterismError(Exception):
    """Base of all errors that a user can cause; `exit_code` is what the command line ends with."""

    exit_code = 1


class BadInputError(AsterismError):
    """A file, table or catalog that can't be used: names the file, and the column or row where it can."""

    exit_code = 2


class ConfigurationError(AsterismError):
    """An option, key or name that does not exist or does not fit the others."""

    exit_code = 2


class LeakError(AsterismError):
    """One source stands on both sides: a model would be scored on what it has seen."""

    exit_code = 3


class OutputError(AsterismError):
    """An output place that holds something else, or whose inputs have changed since it was begun."""

    exit_code = 4


def unknown_name(
    kind: str, name: str, known: Iterable[str], likely: Iterable[str] | None = None, most: int = 20
) -> str:
    """One sentence for a name that does not exist, with the nearest one that does.

    Parameters
    ----------
    kind : str
        What the name should be, e.g. ``"column"``.
    name : str
        What was asked for.
    known : iterable of str
        What there is.
    likely : iterable of str, optional
        Those of them that may have been meant; all by default.
    most : int
        So many of what there is are listed.

    Returns
    -------
    str
        ``unknown column 'ra_deg'; did you mean 'ra'? (known: …)``

    Examples
    --------
    >>> unknown_name("model", "margforner", ["margformer", "macnet"])
    "unknown model 'margforner'; did you mean 'margformer'? (known: macnet, margformer)"
    """
    names = sorted(known)
    meant = names if likely is None else sorted(likely)
    near = difflib.get_close_matches(name, meant, n=1, cutoff=0.5)
    if not near:
        # Case and separators are the commonest slips, and difflib weighs them as heavily as letters.
        folded = {n.casefold().replace("-", "_"): n for n in meant}
        hit = folded.get(name.casefold().replace("-", "_"))
        near = [hit] if hit else []
    if not near:
        # A short name is far from a long one that holds it whole: r and r_mag.
        near = [n for n in meant if name.casefold() in re.split(r"[\W_]+", n.casefold())][:1]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names[:most]) + (", …" if len(names) > most else "")
    return f"unknown {kind} {name!r}{hint} (known: {listed or 'none'})"


def look_up(kind: str, name: str, known: Mapping[str, T]) -> T:
    """What stands under a name.

    Parameters
    ----------
    kind : str
        What the name should be, e.g. ``"scale"``.
    name : str
    known : mapping of str
        What there is.

    Raises
    ------
    ConfigurationError
        There is no such name; names the nearest.

    Examples
    --------
    >>> look_up("scale", "small", {"small": 18_000, "full": 240_000})
    18000
    """
    if name not in known:
        raise ConfigurationError(unknown_name(kind, name, known))
    return known[name]
