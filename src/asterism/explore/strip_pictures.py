"""The arms of 2D spectra with their maps, pixels of the CCD below and wavelengths above; how maps are scaled and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asterism.catalogs.groups import Group
from asterism.errors import ConfigurationError
from asterism.explore.class_activation import CAMS
from asterism.explore.explanations import ATTENTION, Explanation
from asterism.explore.portrait import describe_object
from asterism.explore.spectral_lines import lines_of

__all__ = [
    "FONT",
    "INK",
    "NOTHING",
    "WIDTH",
    "ArmView",
    "arm_views",
    "draw_arms",
    "draw_arms_on",
    "highest",
    "layer_name",
    "positive",
]

Floats = npt.NDArray[np.float64]

INK = "#111827"
FONT = 7
WIDTH = 11.0  # inches
NOTHING = "nothing here speaks for it"
_LABELS = 0.02  # of an axis that a line's name takes


@dataclass(frozen=True)
class ArmView:
    """One arm of an object's 2D spectrum with its maps.

    Attributes
    ----------
    title : str
        Object and class.
    arm : str
    strip : ndarray
        (rows, pixels) electrons, of the part of the CCD that the model reads; less those of the sky where it takes them off.
    wavelength : ndarray or None
        (rows, pixels) Å in vacuum, of the same pixels.
    maps : mapping of str to ndarray
        (rows, pixels) by what stands beside it, signed, NaN outside the window.
    first_pixel : int
        Pixel of the CCD's strip that is the first of these.
    lines : sequence of (str, float)
        Name and observed wavelength of lines to mark, Å.
    label : str
        What the strip is.
    """

    title: str
    arm: str
    strip: Floats
    wavelength: Floats | None
    maps: Mapping[str, Floats]
    first_pixel: int = 0
    lines: Sequence[tuple[str, float]] = ()
    label: str = "strip"


def positive(values: Floats, top: float | None = None) -> Floats:
    """A class activation map as its paper draws it: its ReLU as a share of its highest value, or of `top`."""
    kept = np.where(np.isfinite(values), np.maximum(values, 0.0), np.nan)
    top = highest([values]) if top is None else top
    return np.asarray(kept / top if top > 0 else kept, dtype=np.float64)


def highest(maps: Sequence[Floats]) -> float:
    """Highest positive value of some maps; 0 where there is none."""
    return max([float(np.nanmax(values)) for values in maps if np.isfinite(values).any()] + [0.0])


def draw_arms(views: Sequence[Sequence[ArmView]], *, width: float = WIDTH) -> Figure:
    """Strips and their activation maps, pixels of the CCD below and wavelengths above (MAC-Net's figures 9 and 10).

    Parameters
    ----------
    views : sequence of sequences of ArmView
        Objects, and of each its arms from left to right.
    width : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        For each object a block: the strip, then one row per map (before attention, after attention).

    Raises
    ------
    ConfigurationError
        There is nothing to draw.
    """
    if not views or not views[0]:
        raise ConfigurationError("there is no arm of a 2D spectrum to draw; name objects that have one")
    depths = [1 + max(len(view.maps) for view in arms) for arms in views]
    figure = Figure(figsize=(width, sum(0.85 * depth + 0.9 for depth in depths)), layout="constrained")
    blocks = figure.subfigures(len(views), 1, height_ratios=[0.85 * d + 0.9 for d in depths], squeeze=False)[:, 0]
    for block, arms, depth in zip(blocks, views, depths, strict=True):
        axes = block.subplots(depth, len(arms), squeeze=False)
        draw_arms_on(axes, arms)
        block.suptitle(arms[0].title, fontsize=9, color=INK, x=0.01, ha="left")
    return figure


def draw_arms_on(axes: Any, arms: Sequence[ArmView]) -> None:
    """Draw an object's arms on axes (rows, arms): strip, then maps."""
    # One scale for the arms of an object: their maps are of the same number, and which arm counts is what people ask.
    names = {name for view in arms for name in view.maps}
    tops = {name: highest([view.maps[name] for view in arms if name in view.maps]) for name in names}
    for column, view in enumerate(arms):
        _draw_arm(axes[:, column], view, tops)


def _draw_arm(axes: Sequence[Axes], view: ArmView, tops: Mapping[str, float]) -> None:
    seen = [np.isfinite(values).any(0) for values in view.maps.values()]
    inside = np.flatnonzero(np.any(seen, 0)) if seen and np.any(seen) else np.arange(view.strip.shape[1])
    low, high = int(inside[0]), int(inside[-1]) + 1
    rows = np.flatnonzero(np.any([np.isfinite(v).any(1) for v in view.maps.values()], 0)) if seen else np.array([])
    first, last = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, view.strip.shape[0])
    part = (slice(first, last), slice(low, high))
    extent = (view.first_pixel + low - 0.5, view.first_pixel + high - 0.5, first - 0.5, last - 0.5)
    style: dict[str, Any] = {"aspect": "auto", "origin": "lower", "extent": extent, "interpolation": "nearest"}
    strip = view.strip[part]
    floor, top = np.nanpercentile(strip, [1.0, 99.0])
    axes[0].imshow(strip, cmap="gray", vmin=floor, vmax=top, **style)
    axes[0].set_ylabel(view.label, fontsize=FONT)
    for ax, (name, values) in zip(axes[1:], view.maps.items(), strict=False):
        ax.imshow(positive(values, tops[name])[part], cmap="inferno", vmin=0.0, vmax=1.0, **style)
        if highest([values]) == 0.0:
            ax.text(0.5, 0.5, NOTHING, color="white", fontsize=FONT, ha="center", va="center", transform=ax.transAxes)
        ax.set_ylabel(name.replace(" attention", "\nattention"), fontsize=FONT)
    shown = axes[: 1 + len(view.maps)]
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    for ax in shown:
        ax.tick_params(labelsize=FONT - 1, labelbottom=ax is shown[-1])
        ax.set_yticks([])
    shown[-1].set_xlabel(f"{view.arm} arm: pixel of the CCD along the dispersion", fontsize=FONT)
    if view.wavelength is None:
        return
    scale = _wavelengths(view.wavelength[first:last], low, high)
    if scale is None:
        return
    pixels, wavelengths = scale
    above = axes[0].secondary_xaxis("top")
    step = next(s for s in (50.0, 100.0, 200.0, 500.0, 1000.0) if np.ptp(wavelengths) / s <= 9 or s == 1000.0)
    ticks = np.arange(np.ceil(wavelengths.min() / step) * step, wavelengths.max(), step)
    above.set_xticks(view.first_pixel + np.interp(ticks, wavelengths, pixels), [f"{t:.0f}" for t in ticks])
    above.tick_params(labelsize=FONT - 1)
    above.set_xlabel("wavelength in vacuum (Å)", fontsize=FONT)
    named: list[float] = []
    for name, wavelength in view.lines:
        if not wavelengths.min() < wavelength < wavelengths.max():
            continue
        place = view.first_pixel + float(np.interp(wavelength, wavelengths, pixels))
        for ax in shown:
            ax.axvline(place, color="#22D3EE", linewidth=0.7, linestyle=":")
        if all(abs(place - other) > 3 * _LABELS * (high - low) for other in named):
            axes[0].text(
                place, 0.5, name, fontsize=FONT - 1, color="white", rotation=90, ha="center", va="center",
                transform=axes[0].get_xaxis_transform(), bbox={"facecolor": INK, "alpha": 0.6, "pad": 0.8, "linewidth": 0},
            )  # fmt: skip
            named.append(place)


def _wavelengths(wavelength: Floats, low: int, high: int) -> tuple[Floats, Floats] | None:
    """Pixels and their wavelengths along the middle row of a window, wavelengths rising; None where not known."""
    row = wavelength[len(wavelength) // 2, low:high]
    known = np.flatnonzero(np.isfinite(row))
    if len(known) < 2:
        return None
    order = known[np.argsort(row[known])]
    return (low + order).astype(float), row[order]


def arm_views(
    explanations: Sequence[Explanation], values: Mapping[str, Any], group: Group, first_pixel: Mapping[str, int]
) -> list[ArmView]:
    """The arms of one object with their maps, in the order of the network's layers, before attention first.

    Parameters
    ----------
    explanations : sequence of Explanation
        Of one object; those of 2D spectra are taken.
    values : mapping
        Of `asterism.catalogs.objects.object_values`.
    group : Group
        Of the strips, as the model is bound to it: where more of the CCD is stored than the model reads, its `parts` say
        which part the maps are of; a quantity of the sky is taken off.
    first_pixel : mapping of str to int
        By arm, of that part.

    Returns
    -------
    list of ArmView
    """
    ours = [one for one in explanations if one.role == "spectrum2d"]
    arms = list(dict.fromkeys(one.arm for one in ours))
    lines = lines_of(values.get("class"), values.get("redshift"))
    views = []
    for arm in arms:
        maps = sorted((one for one in ours if one.arm == arm), key=lambda one: "before" not in one.layer)
        wavelength, part = values.get(f"{group.name}_{arm}_wavelength"), group.parts.get(str(arm), ())
        strip, label = np.asarray(values[f"{group.name}_{arm}"], float)[part], "strip"
        if f"{arm}_sky" in group.quantities:
            strip, label = strip - np.asarray(values[f"{group.name}_{arm}_sky"], float)[part], "strip\nwithout sky"
        views.append(
            ArmView(
                f"{describe_object(values)}   ·   explained: {maps[0].target}",
                str(arm),
                strip,
                None if wavelength is None else np.asarray(wavelength, float)[part],
                {_step(one, len(maps)): one.values for one in maps},
                first_pixel.get(str(arm), 0),
                lines if values.get("class") != "STAR" else (),
                label,
            )
        )
    return views


def _step(one: Explanation, steps: int) -> str:
    """What a row of maps is called: with two of them, before and after attention."""
    name = layer_name(one)
    return "map after attention" if steps > 1 and name == "activation map" else name


def layer_name(one: Explanation) -> str:
    if one.method == ATTENTION:
        return "share of attention"
    if one.method not in CAMS:
        return one.method
    return "map before attention" if "before_attention" in one.layer else "activation map"
