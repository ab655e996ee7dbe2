"""Explanations as pictures: maps over stamps and strips, spectra coloured by their map, bars for features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from asterism.catalogs.colour import colour_picture
from asterism.catalogs.groups import Group
from asterism.catalogs.objects import grid_wavelength
from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.class_activation import CAMS
from asterism.explore.explanations import ATTENTION, Explanation
from asterism.explore.grey_images import grey_image
from asterism.explore.portrait import describe_object
from asterism.explore.spectral_lines import lines_of
from asterism.explore.strip_pictures import (
    FONT,
    INK,
    NOTHING,
    WIDTH,
    arm_views,
    draw_arms_on,
    highest,
    layer_name,
    positive,
)

__all__ = ["draw_explanations"]

Floats = npt.NDArray[np.float64]

_FOR, _AGAINST, _LINE = "#B91C1C", "#1D4ED8", "#B45309"


def draw_explanations(
    explanations: Sequence[Explanation],
    values: Mapping[str, Any],
    groups: Mapping[str, Group],
    *,
    first_pixel: Mapping[str, int] | None = None,
) -> Figure:
    """All explanations of one object in one picture.

    Parameters
    ----------
    explanations : sequence of Explanation
        Of one object.
    values : mapping
        Its row, of `asterism.catalogs.objects.object_values`.
    groups : mapping of str to Group
        Role → group that the model reads.
    first_pixel : mapping of str to int, optional
        By arm, of the part of the strips that the model reads; 0 by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BadInputError
        There is nothing to draw.
    """
    by_role = {role: [one for one in explanations if one.role == role] for role in groups}
    arms = (
        arm_views(by_role.get("spectrum2d", ()), values, groups["spectrum2d"], first_pixel or {})
        if by_role.get("spectrum2d")
        else []
    )
    heights: dict[str, float] = {}
    if by_role.get("image") or by_role.get("photometry"):
        heights["light"] = max(_heights(by_role))
    if arms:
        heights["spectrum2d"] = 0.95 * (1 + max(len(view.maps) for view in arms)) + 1.0
    if by_role.get("spectrum"):
        heights["spectrum"] = 2.4 * len(by_role["spectrum"])
    if not heights:
        raise BadInputError(f"nothing of object {values.get('object_id')} is explained; nothing can be drawn")
    figure = Figure(figsize=(WIDTH, sum(heights.values()) + 0.4), layout="constrained")
    figure.suptitle(f"{describe_object(values)}   ·   explained: {explanations[0].target}", fontsize=10, color=INK)
    panels = figure.subfigures(len(heights), 1, height_ratios=list(heights.values()), squeeze=False)[:, 0]
    for panel, row in zip(panels, heights, strict=True):
        if row == "light":
            _draw_light(panel, by_role, values, groups)
        elif row == "spectrum2d":
            axes = panel.subplots(1 + max(len(view.maps) for view in arms), len(arms), squeeze=False)
            draw_arms_on(axes, arms)
        else:
            top = highest([one.values for one in by_role[row]])
            for ax, one in zip(panel.subplots(len(by_role[row]), 1, squeeze=False)[:, 0], by_role[row], strict=True):
                _draw_spectrum(ax, one, values, groups[row], top)
    return figure


def _heights(by_role: Mapping[str, Sequence[Explanation]]) -> list[float]:
    """Inches that stamps and bars take, which stand side by side."""
    stamps, bars = by_role.get("image"), by_role.get("photometry")
    told = [0.9 + 0.16 * len(bars[0].features)] if bars else []
    # Beside bars the stamps stand above each other.
    return [*told, (2.7 * (1 + len(stamps)) if bars else 2.9)] if stamps else told


def _draw_light(
    panel: Any, by_role: Mapping[str, Sequence[Explanation]], values: Mapping[str, Any], groups: Mapping[str, Group]
) -> None:
    stamps, bars = by_role.get("image"), by_role.get("photometry")
    if stamps and bars:
        left, right = panel.subfigures(1, 2, width_ratios=[1.0, 2.0])
        _draw_stamps(left.subplots(1 + len(stamps), 1), left, stamps, values, groups["image"])
        _draw_features(right.subplots(), bars[0])
    elif bars:
        _draw_features(panel.subplots(), bars[0])
    elif stamps:
        # As many places as would fill the width, so that stamps stand together.
        axes = panel.subplots(1, max(4, 1 + len(stamps)))
        for ax in axes[1 + len(stamps) :]:
            ax.set_axis_off()
        _draw_stamps(axes[: 1 + len(stamps)], panel, stamps, values, groups["image"])


def _draw_stamps(
    axes: Sequence[Axes], panel: Any, explanations: Sequence[Explanation], values: Mapping[str, Any], group: Group
) -> None:
    flux = np.asarray(values[f"{group.name}_flux"], float)
    light = np.nansum(flux, 0)
    try:
        picture: Any = colour_picture(flux, group.bands, group.survey)
    except ConfigurationError:  # no three bands that go together
        picture = None
    if picture is None:
        axes[0].imshow(grey_image(light), origin="lower", cmap="gray_r")
    else:
        axes[0].imshow(picture, origin="lower")
    axes[0].set_title(f"{group.survey} {''.join(group.bands)}", fontsize=FONT)
    for ax, one in zip(axes[1:], explanations, strict=True):
        shown = positive(one.values) if one.method in CAMS else one.values
        style: dict[str, Any] = {"cmap": "inferno", "vmin": 0.0, "vmax": highest([shown]) or 1.0}
        if one.method not in (*CAMS, ATTENTION):
            reach = float(np.nanmax(np.abs(shown))) or 1.0
            style = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
        drawn = ax.imshow(shown, origin="lower", interpolation="nearest", **style)
        if np.nanmax(light) > 0:
            colour = INK if style["cmap"] == "RdBu_r" else "white"
            ax.contour(light, levels=float(np.nanmax(light)) * np.array([0.1, 0.5]), colors=colour, linewidths=0.6)
        empty = one.method in CAMS and highest([shown]) == 0.0
        ax.set_title(f"{layer_name(one)}: {NOTHING}" if empty else layer_name(one), fontsize=FONT)
        panel.colorbar(drawn, ax=ax, shrink=0.8).ax.tick_params(labelsize=FONT - 1)
    for ax in axes:
        ax.set_xticks([])
        ax.set_yticks([])


def _draw_spectrum(axes: Axes, one: Explanation, values: Mapping[str, Any], group: Group, top: float) -> None:
    """A spectrum whose colour is its map's value."""
    wavelength = grid_wavelength(group.meta("grid") or "")
    flux, ivar = (np.asarray(values[f"{group.name}_{q}"], float) for q in ("flux", "ivar"))
    seen = ivar > 0
    shown = np.where(seen, flux, np.nan)
    inside = np.flatnonzero(np.isfinite(one.values) & seen)
    if one.method in CAMS:
        told, colours, ends = positive(one.values, top), "Reds", (-0.4, 1.0)
    else:
        reach = float(np.nanmax(np.abs(one.values))) or 1.0
        told, colours, ends = one.values, "RdBu_r", (-reach, reach)
    axes.plot(wavelength, shown, color="#D1D5DB", linewidth=0.5)
    points = np.stack([wavelength, shown], 1)
    pieces = np.stack([points[:-1], points[1:]], 1)
    kept = np.isfinite(pieces).all((1, 2)) & np.isfinite(told[:-1])
    drawn = LineCollection(list(pieces[kept]), array=told[:-1][kept], linewidths=0.9, cmap=colours)
    drawn.set_clim(*ends)
    axes.add_collection(drawn)
    axes.figure.colorbar(drawn, ax=axes, pad=0.01).ax.tick_params(labelsize=FONT - 1)
    if len(inside):
        low, high = np.nanpercentile(shown[inside], [0.3, 99.7])
        axes.set_xlim(wavelength[inside[0]], wavelength[inside[-1]])
        axes.set_ylim(low - 0.15 * (high - low), high + 0.3 * (high - low))
    left, right = axes.get_xlim()
    for name, place in lines_of(values.get("class"), values.get("redshift")):
        if left < place < right:
            axes.axvline(place, color=_LINE, linewidth=0.5, linestyle=":", zorder=0)
            axes.text(
                place, 0.98, name, rotation=90, fontsize=FONT - 1, color=_LINE, ha="center", va="top",
                transform=axes.get_xaxis_transform(),
            )  # fmt: skip
    axes.set_title(f"{group.survey} spectrum, {layer_name(one)}, layer {one.layer}", fontsize=FONT, loc="left")
    axes.set_xlabel("wavelength in vacuum (Å)", fontsize=FONT)
    axes.tick_params(labelsize=FONT - 1)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_features(axes: Axes, one: Explanation) -> None:
    """A bar for each feature; those that were not observed say so."""
    known = np.nan_to_num(one.values)
    places = np.arange(len(known))
    axes.barh(places, known, color=np.where(known >= 0, _FOR, _AGAINST), height=0.7)
    names = [
        name if np.isfinite(v) else f"{name} (not observed)" for name, v in zip(one.features, one.values, strict=True)
    ]
    axes.set_yticks(places, names, fontsize=FONT)
    axes.invert_yaxis()
    axes.axvline(0.0, color=INK, linewidth=0.6)
    axes.set_xlabel(f"added to the explained number ({one.target}), from the training median", fontsize=FONT)
    axes.set_title(f"photometry: {one.method}, sum {known.sum():+.2f}", fontsize=FONT, loc="left")
    axes.tick_params(axis="x", labelsize=FONT - 1)
    axes.spines[["top", "right"]].set_visible(False)
