"""Arrays that are kept on the disk with what they are: safetensors, and JSON beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError

__all__ = ["arrays_fingerprint", "read_arrays", "write_arrays"]


def write_arrays(path: Path, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write ``PATH.safetensors`` and, last, ``PATH.json``; each appears whole or not at all.

    Parameters
    ----------
    path : Path
        Without a suffix.
    about : mapping
        JSON values.
    arrays : mapping of str to ndarray
    """
    from safetensors.numpy import save_file

    with atomic_write(path.with_suffix(".safetensors")) as file:
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, file)
    about = {**about, "arrays": {name: [str(a.dtype), *a.shape] for name, a in arrays.items()}}
    with atomic_write(path.with_suffix(".json")) as file:
        file.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", "utf-8")


def read_arrays(path: Path, what: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : Path
        Without a suffix.
    what : str
        What it is, for the sentence: "a projector".

    Returns
    -------
    about : dict
    arrays : dict of str to ndarray

    Raises
    ------
    BadInputError
        Missing, truncated, or the two files don't belong together.
    """
    from safetensors import SafetensorError, safe_open

    texts, numbers = path.with_suffix(".json"), path.with_suffix(".safetensors")
    for file in (texts, numbers):
        if not file.is_file():
            raise BadInputError(f"{path.parent} holds no {what}: {file.name} is missing; check the path")
    try:
        about = json.loads(texts.read_text("utf-8"))
        stated = {name: (kind[0], tuple(kind[1:])) for name, kind in about["arrays"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadInputError(f"{texts} is damaged ({error!r}); make the {what} again") from error
    try:
        with safe_open(numbers, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, OSError) as error:
        raise BadInputError(f"{numbers} is truncated or not a safetensors file; make the {what} again") from error
    if {name: (str(a.dtype), a.shape) for name, a in arrays.items()} != stated:
        raise BadInputError(f"{numbers} does not hold what {texts.name} says; make the {what} again")
    return about, arrays


def arrays_fingerprint(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Name of the content: a hash of both."""
    digest = hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=16)
    for name, values in sorted(arrays.items()):
        digest.update(f"{name}:{values.dtype}:{values.shape};".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
