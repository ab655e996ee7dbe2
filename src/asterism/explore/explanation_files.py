"""Explanations as files: maps in safetensors with a JSON index, and one page that shows and defines them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError
from asterism.explore.class_activation import CAMS
from asterism.explore.explanations import ATTENTION, METHODS, Explanation
from asterism.inference.report import Card, Cell, Page, Picture, Section, Table, render

if TYPE_CHECKING:
    from asterism.models.model import Model

__all__ = ["INDEX_FILE", "MAPS_FILE", "PAGE_FILE", "page_of", "read_explanations", "write_explanations", "write_page"]

MAPS_FILE, INDEX_FILE, PAGE_FILE = "explanations.safetensors", "explanations.json", "report.html"

_OF_CAMS = (
    "A class activation map has the resolution of its layer's cells, many pixels each, and is drawn smoothly "
    "between their middles; a cell has seen pixels far around it. What is drawn is its ReLU, scaled to its own highest "
    "value, so brightness can't be compared between pictures; the file has the signed values. Normalisation inside the "
    "network, and every other cell, work on the answer too: a bright cell is where the layer found something that speaks "
    "for the answer, not proof that the answer would fall without it. Delete the pixels to know."
)
_CAVEATS = {
    **dict.fromkeys(CAMS, _OF_CAMS),
    ATTENTION: "Attention is a weight of a mean, not an effect: a patch can be looked at and change nothing, and what is "
    "read there can speak against the answer.",
    "integrated gradients": "Integrated gradients depend on the baseline that they start from, and features that go "
    "together (magnitudes and their colours) share what they add in a way that the model decides, not nature.",
}


def write_explanations(explanations: Sequence[Explanation], folder: Path) -> None:
    """Write the maps (float32, signed, on the input's pixels as stored) and their index.

    Parameters
    ----------
    explanations : sequence of Explanation
    folder : Path

    Notes
    -----
    ``explanations.json`` is a list of objects: ``key`` (of the tensor), ``object_id``, ``role``, ``arm``, ``layer``,
    ``method``, ``target``, ``features``.
    """
    from safetensors.numpy import save_file

    tensors = {f"{i:05d}": np.ascontiguousarray(one.values, np.float32) for i, one in enumerate(explanations)}
    with atomic_write(folder / MAPS_FILE) as file:
        save_file(tensors, file)
    names = ("object_id", "role", "arm", "layer", "method", "target", "features")
    index = [
        {"key": key, **{n: getattr(one, n) for n in names}} for key, one in zip(tensors, explanations, strict=True)
    ]
    with atomic_write(folder / INDEX_FILE) as file:
        file.write_text(json.dumps(index, indent=1) + "\n", "utf-8")


def read_explanations(folder: str | Path) -> list[Explanation]:
    """What `write_explanations` wrote, as float64.

    Parameters
    ----------
    folder : path

    Returns
    -------
    list of Explanation
        Their `object` counts the ids from 0 in the order of the file.

    Raises
    ------
    BadInputError
        The files are missing, truncated or don't belong together.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = Path(folder)
    try:
        index = json.loads((folder / INDEX_FILE).read_text("utf-8"))
        tensors = load_file(folder / MAPS_FILE)
        places: dict[str, int] = {}
        found = []
        for entry in index:
            told: dict[str, Any] = {**entry, "features": tuple(entry["features"])}
            values = tensors[told.pop("key")].astype(np.float64)
            place = places.setdefault(told["object_id"], len(places))
            found.append(Explanation(object=place, values=values, **told))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BadInputError(f"{folder} holds no explanations that can be read ({error}); explain again") from error
    return found


def page_of(
    model: Model,
    explanations: Sequence[Explanation],
    objects: Sequence[tuple[str, Sequence[str], Path]],
    definition: str,
    made: Sequence[tuple[str, str]],
) -> Page:
    """The page: each object's picture, and what the maps are and are not.

    Parameters
    ----------
    model : Model
    explanations : sequence of Explanation
    objects : sequence of (str, sequence of str, Path)
        For each object a heading, texts, and its PNG.
    definition : str
        What number is explained.
    made : sequence of (str, str)
        How the page was made.

    Returns
    -------
    Page
    """
    methods = list(dict.fromkeys(one.method for one in explanations))
    layers: dict[tuple[str, str, str], None] = {}
    for one in explanations:
        layers[(one.role + (f", {one.arm} arm" if one.arm else ""), one.method, one.layer)] = None
    reads = Section(
        "What is shown",
        [f"Explained is {definition}."],
        [
            Table(["input", "method", "layer"], [[Cell(t) for t in row] for row in layers], texts=True),
            Table(
                ["method", "its values", "beware"],
                [[Cell(m), Cell(METHODS[m]), Cell(_CAVEATS[m])] for m in methods],
                texts=True,
            ),
        ],
    )
    shown = [
        Section(heading, list(texts), figures=[Picture.png(file.read_bytes(), "", wide=True)])
        for heading, texts, file in objects
    ]
    cards = [Card("model", model.config.name), Card("objects", str(len(objects))), Card("maps", str(len(explanations)))]
    return Page(
        f"What {model.config.name} goes by", "one picture per object", cards, [*shown, reads], list(made),
        ["A map says what this model used for these objects. It is no evidence that the model is right, nor of what sets "
         "the classes apart in nature."],
    )  # fmt: skip


def write_page(page: Page, path: Path) -> None:
    """Write the page; it opens offline."""
    with atomic_write(path) as file:
        file.write_text(render(page), "utf-8")
