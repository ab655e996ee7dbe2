"""Maps of an embedding on paper: one panel for each quantity that the objects are coloured by.

Points are drawn as pixels, so that a figure of 20,000 objects stays small in PDF and SVG too. What is rare is drawn last and larger:
otherwise it would lie below what is common. Drawing goes through matplotlib's ``Figure`` directly, so that no window system and no
global state is touched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.outputs import atomic_write
from asterism.errors import OutputError
from asterism.explore.map_colours import UNKNOWN_COLOUR, Colouring, MappedObjects, read_map, tick_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from asterism.catalogs.catalog import Catalog

__all__ = ["colour_ramp", "draw_maps", "write_maps"]

_INK, _SOFT, _FRAME = "#111827", "#4B5563", "#D1D5DB"
_PANEL = 3.7  # inches
_RARE = 0.02  # share of the objects below which points of a name are drawn larger
_RESOLUTION = 170  # pixels per inch, of the points
_PAIRS = ((0, 1), (0, 2), (1, 2))


def draw_maps(
    catalog: Catalog,
    colour: Sequence[str] | None = None,
    *,
    beside: Sequence[Catalog] = (),
    columns: int = 3,
    title: str | None = None,
) -> Figure:
    """Draw the map of a catalog, once for each colouring.

    Parameters
    ----------
    catalog : Catalog
        With columns ``map_x``, ``map_y``; where it has ``map_z`` a colouring is a row of three projections.
    colour : sequence of str, optional
        Keys of `asterism.explore.map_colours.COLOURINGS`; by default all that there are.
    beside : sequence of Catalog
        Further catalogs of the same objects, such as one of clusters.
    columns : int
        Panels beside each other on a map of two dimensions.
    title : str, optional
        Of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Panel titles say what is coloured and of how many objects it is known; grey are the others.

    Raises
    ------
    BadInputError
        There is no map, or what is asked for is not known of any object.
    ConfigurationError
        A colouring that does not exist.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    mapped = read_map(catalog, colour, beside)
    solid = mapped.solid if "map_z" in catalog.schema.names else None
    shown = list(mapped.colourings.values())
    across = 3 if solid is not None else max(1, min(columns, len(shown)))
    down = len(shown) if solid is not None else -(-len(shown) // across)
    height = _PANEL if solid is not None else _PANEL * _shape(mapped.flat)
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    figure = Figure(figsize=(across * (_PANEL + 1.0), down * (height + 0.35) + 0.3), layout=layout)
    if title:
        figure.suptitle(title, fontsize=12, color=_INK)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(shown) if solid is None else grid.size :]:
        axes.set_visible(False)
    if solid is not None:
        for row, colouring in zip(grid, shown, strict=True):
            for axes, pair in zip(row, _PAIRS, strict=True):
                _draw(axes, solid[:, pair], colouring, key=pair == _PAIRS[-1])
                axes.set(xlabel="xyz"[pair[0]], ylabel="xyz"[pair[1]])
            row[0].set_title(_told(colouring, mapped), fontsize=10, loc="left", color=_INK)
    else:
        assert mapped.flat is not None
        for axes, colouring in zip(grid.flat, shown, strict=False):
            _draw(axes, mapped.flat, colouring, key=True)
            axes.set_title(_told(colouring, mapped), fontsize=10, loc="left", color=_INK)
    return figure


def write_maps(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure of `draw_maps` as PNG, PDF or SVG, by the file's ending.

    Raises
    ------
    OutputError
        The file can't be written.
    """
    place = Path(path)
    try:
        with atomic_write(place) as temporary:
            figure.savefig(temporary, dpi=_RESOLUTION, facecolor="white", format=place.suffix.lower()[1:])
    except OSError as error:
        raise OutputError(f"can't write {place}: {error.strerror or error}; choose another file") from error


def colour_ramp(steps: int = 12) -> list[str]:
    """Colours of numbers from low to high, ``#RRGGBB``: viridis without its end, which is too pale on white."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](0.93 * k / (steps - 1))) for k in range(steps)]


def _shape(places: NDArray[np.float32] | None) -> float:
    """Height of a panel over its width: the map's own, within reason."""
    extent = np.ptp(places, axis=0) if places is not None else np.ones(2)
    return float(np.clip(extent[1] / max(extent[0], 1e-9), 0.55, 1.25))


def _told(colouring: Colouring, mapped: MappedObjects) -> str:
    known, all_of = int(colouring.known.sum()), len(mapped)
    number = f"{all_of:,} objects" if known == all_of else f"{known:,} of {all_of:,} objects"
    return f"{colouring.title}: {number}" if colouring.name != "objects" else number


def _draw(axes: Axes, places: NDArray[np.float32], colouring: Colouring, key: bool) -> None:
    """One panel: who is not known below, then the common, then the rare."""
    axes.set(xticks=[], yticks=[])
    axes.margins(0.04)
    axes.set_aspect(
        "equal", adjustable="datalim"
    )  # distances mean the same along both axes, and panels stay of one size
    axes.spines[:].set_color(_FRAME)
    # As large as lets neighbours be told apart: an area that falls with the number of objects.
    size = float(np.clip(9000.0 / len(places), 0.6, 14.0))
    known = colouring.known
    style: dict[str, Any] = {"linewidths": 0, "rasterized": True}
    axes.scatter(places[~known, 0], places[~known, 1], s=size, c=UNKNOWN_COLOUR, alpha=0.45, zorder=1, **style)
    if colouring.names:
        counts = colouring.counts
        for layer, k in enumerate(np.argsort(-counts, kind="stable")):
            chosen = colouring.codes == k
            rare = counts[k] < _RARE * len(places) and colouring.name != "cluster"
            grey = colouring.colours[k] == UNKNOWN_COLOUR
            axes.scatter(
                places[chosen, 0],
                places[chosen, 1],
                s=max(2.5 * size, 5.0) if rare and not grey else size,
                c=colouring.colours[k],
                alpha=0.95 if rare else 0.6,
                zorder=1.5 if grey else 2 + layer,
                **style,
            )
        if key:
            _legend(axes, colouring)
        return
    from matplotlib.colors import LinearSegmentedColormap

    order = np.random.default_rng(0).permutation(np.flatnonzero(known))  # so that no part of the catalog hides another
    low, high = colouring.limits
    drawn = axes.scatter(
        places[order, 0],
        places[order, 1],
        s=size,
        c=colouring.scaled[order],
        cmap=LinearSegmentedColormap.from_list("map", colour_ramp()),
        vmin=low,
        vmax=high,
        alpha=0.75,
        zorder=2,
        **style,
    )
    if key:
        bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.02, 0.0, 0.035, 1.0)), extend="both")
        if bar.solids is not None:
            bar.solids.set_alpha(1)
        ticks, texts = tick_places(colouring)
        bar.set_ticks(ticks, labels=texts)
        bar.ax.tick_params(labelsize=7.5, color=_SOFT, labelcolor=_SOFT)
        bar.outline.set_visible(False)


def _legend(axes: Axes, colouring: Colouring) -> None:
    from matplotlib.lines import Line2D

    counts = colouring.counts
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=5, color=shade, label=f"{_plain(name)}  {count:,}")
        for name, shade, count in zip(colouring.names, colouring.colours, counts, strict=True)
    ]
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.01), frameon=False, fontsize=7.5, labelcolor=_SOFT,
        handletextpad=0.1, borderaxespad=0.2, labelspacing=0.35,
    )  # fmt: skip


def _plain(name: str) -> str:
    """A catalog's text as a label: matplotlib would read dollars as formulas, and long names would push the map aside."""
    short = (name if len(name) <= 20 else name[:19] + "…").replace("$", r"\$")
    return f" {short}" if short.startswith("_") else short  # which would keep it out of the legend
