"""A map of an embedding as one HTML file that opens offline: colours to choose, a class to filter by, a card for each object.

Everything is in the file: Plotly's script, the places, what is known of each object, pictures and spectra of some. The page may
load nothing (its Content-Security-Policy says so to the browser) and runs no script but its own two, which the policy knows by
their hashes; what comes of a catalog stands in it as data, never as markup. That those two may compile text is for Plotly: its drawing
in two dimensions by WebGL writes the functions that it runs, and shows nothing where it may not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from asterism.catalogs.blocks import Progress
from asterism.catalogs.lists import is_list, number_values
from asterism.catalogs.outputs import atomic_write
from asterism.errors import ConfigurationError, OutputError
from asterism.explore.embedding_maps import colour_ramp
from asterism.explore.map_colours import UNKNOWN_COLOUR, Colouring, MappedObjects, read_map, tick_places
from asterism.explore.object_cards import chosen_objects, object_cards
from asterism.explore.spectral_lines import PROMINENT_LINES, SPECTRAL_LINES

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["write_map_page"]

_FACTS = ("class", "subclass", "redshift", "targets", "class_predicted", "ra", "dec")
"""Columns whose values a card shows, in this order; then what the objects are coloured by."""

_SAID_BEFORE = ("target", "galaxy_type", "star_type", "objects")  # by targets and subclass

_DIGITS = {"ra": 8, "dec": 7, "redshift": 5}
_TEXT = 60  # letters of a text on a card


def write_map_page(
    catalog: Catalog,
    path: str | os.PathLike[str],
    colour: Sequence[str] | None = None,
    *,
    beside: Sequence[Catalog] = (),
    pictures: int = 2000,
    title: str | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the page of a catalog's map.

    Parameters
    ----------
    catalog : Catalog
        With columns ``map_x``, ``map_y`` and perhaps ``map_z``.
    path : path
        The HTML file; an earlier one is replaced.
    colour : sequence of str, optional
        Keys of `asterism.explore.map_colours.COLOURINGS`, the first one shown at first; by default all that there are.
    beside : sequence of Catalog
        Further catalogs of the same objects: a map of the other number of dimensions to switch to, clusters.
    pictures : int
        Of so many objects at most the page holds picture and spectrum, about 2.5 kB each; each class and subclass gets as many as
        the others, where it has them.
    title : str, optional
        Of the page; the catalog's name by default.
    progress : callable, optional
        Told (objects done, objects in all) while pictures are made.

    Returns
    -------
    int
        Bytes of the file.

    Raises
    ------
    BadInputError
        There is no map, or what is asked for is not known of any object.
    ConfigurationError
        A colouring that does not exist, a negative number of pictures, or Plotly is not installed.
    OutputError
        The file can't be written.
    """
    if pictures < 0:
        raise ConfigurationError(f"--pictures must be 0 or more, not {pictures}")
    plotly = _plotly()
    mapped = read_map(catalog, colour, beside)
    table = catalog.read([name for name in _FACTS if name in catalog.schema.names]).take(pa.array(mapped.rows))
    data = _data(mapped, table)
    data["cards"] = _cards(catalog, mapped, table, pictures, progress)
    data["title"] = title or catalog.path.name
    page = _render(data, plotly)
    place = Path(path)
    try:
        with atomic_write(place) as temporary:
            temporary.write_text(page, "utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"can't write {place}: {error.strerror or error}; choose another file") from error
    return len(page.encode("utf-8"))


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ConfigurationError("the page of a map needs plotly; pip install 'asterism[explore]'") from error
    return str(get_plotlyjs())


def _data(mapped: MappedObjects, table: pa.Table) -> dict[str, Any]:
    """What the page's script reads; arrays as base64 of little-endian numbers."""
    views = {}
    if mapped.flat is not None:
        views["2D"] = [_floats(mapped.flat[:, axis]) for axis in range(2)]
    if mapped.solid is not None:
        views["3D"] = [_floats(mapped.solid[:, axis]) for axis in range(3)]
        # A map of three dimensions alone is seen from its side that is widest.
        views.setdefault("2D", [_floats(axis) for axis in _widest_side(mapped.solid)])
    return {
        "ids": [str(name) for name in mapped.known.object_id],
        "views": views,
        "projected": mapped.flat is None,
        "colourings": [_colouring(one) for one in mapped.colourings.values()],
        "classes": _names([None if c is None else str(c) for c in mapped.known.names["class"]]),
        "facts": _facts(mapped, table),
        "ramp": colour_ramp(),
        "unknown": UNKNOWN_COLOUR,
        "lines": {name: [list(line) for line in lines] for name, lines in SPECTRAL_LINES.items()},
        "prominent": list(PROMINENT_LINES),
        "redshifts": _floats(mapped.known.redshifts),
    }


def _widest_side(solid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places along the two principal axes (2, n)."""
    there = np.isfinite(solid).all(axis=1)
    centred = solid - solid[there].mean(axis=0)
    axes = np.linalg.svd(centred[there], full_matrices=False)[2][:2]
    # The sign of an axis is the library's whim: its largest part is made positive.
    axes *= np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
    return np.asarray(axes @ centred.T, np.float32)


def _colouring(one: Colouring) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "title": one.title, "known": int(one.known.sum())}
    if one.names:
        return told | {"names": list(one.names), "colours": list(one.colours), "codes": _integers(one.codes)}
    places, texts = tick_places(one)
    return told | {"values": _floats(one.scaled), "limits": list(one.limits), "ticks": places, "texts": texts}


def _facts(mapped: MappedObjects, table: pa.Table) -> list[dict[str, Any]]:
    """What a card says of each object: columns of names or of numbers."""
    facts = []
    for name in table.column_names:
        column = table[name]
        if pa.types.is_floating(column.type):
            values = number_values(column, np.float64)
            facts.append({"label": name, "digits": _DIGITS.get(name, 4), "numbers": _doubles(values)})
        else:
            texts = column.to_pylist()
            if is_list(column.type):
                texts = [", ".join(map(str, parts)) if parts else None for parts in texts]
            facts.append({"label": name, **_names([None if t is None else str(t)[:_TEXT] for t in texts])})
    for one in mapped.colourings.values():
        if one.name in table.column_names or one.name in _SAID_BEFORE:
            continue
        if one.names:
            facts.append({"label": one.title, **_names([None if t is None else t[:_TEXT] for t in one.texts])})
        else:
            facts.append({"label": one.title, "digits": 4, "numbers": _doubles(one.values)})
    return facts


def _cards(
    catalog: Catalog, mapped: MappedObjects, table: pa.Table, pictures: int, progress: Progress | None
) -> dict[str, Any]:
    """Picture and spectrum of the objects that were chosen, by their place among those on the map."""
    if not pictures:
        return {}
    kinds = list(
        zip(*(table[name].to_pylist() for name in ("class", "subclass") if name in table.column_names), strict=True)
    ) or [()] * len(mapped)
    chosen = chosen_objects(kinds, pictures)
    place = {int(row): int(at) for row, at in zip(mapped.rows[chosen], chosen, strict=True)}
    cards = {}
    for row, picture, spectrum in object_cards(catalog, mapped.rows[chosen], progress):
        if picture is not None or spectrum is not None:
            cards[str(place[row])] = [picture, spectrum]
    return cards


def _names(texts: Sequence[str | None]) -> dict[str, Any]:
    """Texts as a list of those that there are and each object's place in it, -1: none."""
    coded = pc.dictionary_encode(pa.array(texts, pa.string()))
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    return {"names": coded.dictionary.to_pylist(), "codes": _integers(codes)}


def _integers(values: ArrayLike) -> str:
    return base64.b64encode(np.asarray(values, "<i4").tobytes()).decode()


def _floats(values: ArrayLike) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _doubles(values: ArrayLike) -> str:
    return base64.b64encode(np.asarray(values, "<f8").tobytes()).decode()


def _render(data: dict[str, Any], plotly: str) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    room = files("asterism.explore")
    script = room.joinpath("map_page.js").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(room.joinpath("map_page.html.j2").read_text(encoding="utf-8"))
    scripts = [text.replace("\r\n", "\n").replace("</script", "<\\/script") for text in (plotly, script)]
    hashes = [base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode() for text in scripts]
    return template.render(
        title=data["title"],
        count=len(data["ids"]),
        pictured=len(data["cards"]),
        plotly=Markup(scripts[0]),
        script=Markup(scripts[1]),
        data=Markup(_json(data)),
        policy=" ".join(f"'sha256-{digest}'" for digest in hashes),
    )


def _json(data: dict[str, Any]) -> str:
    """JSON that can stand inside a page: without any character that means something to a reader of HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
