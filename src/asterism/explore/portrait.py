"""Everything about one object as a picture: images, fluxes against wavelength, spectra with lines marked, strips.

Drawing goes through matplotlib's ``Figure`` directly, so that no window system and no global state is touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asterism.catalogs.bands import band_info
from asterism.catalogs.colour import STRETCHES, Stretch, colour_picture
from asterism.catalogs.groups import Group
from asterism.catalogs.objects import grid_wavelength
from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.grey_images import grey_image, noise_of
from asterism.explore.spectral_lines import PROMINENT_LINES, lines_of

__all__ = ["describe_object", "draw_spectrum", "portrait"]

Floats = npt.NDArray[np.float64]

_INK, _LIGHT, _LINE, _FLUX = "#111827", "#9CA3AF", "#B45309", "#0072B2"
_WIDTH = 11.0  # inches
_HEIGHTS = {"light": 3.1, "fluxes": 2.2, "spectrum": 2.7, "spectrum2d": 2.3}  # inches, of a row of panels
_SMOOTH = 9  # pixels of the running mean that is drawn over a noisy spectrum
_LABELS = 0.02  # of the width that a line's name takes


def describe_object(values: Mapping[str, Any]) -> str:
    """One line that says what the object is, as far as the catalog knows."""
    told = [str(values["object_id"])]
    kind = " ".join(str(values[name]) for name in ("class", "subclass") if values.get(name))
    told.append(kind or "class not known")
    if values.get("redshift") is not None:
        error = values.get("redshift_err")
        told.append(f"z = {values['redshift']:.5g}" + (f" ± {error:.1g}" if error else ""))
    if values.get("label_warning"):
        told.append(f"label in doubt ({values['label_warning']})")
    if values.get("ra") is not None and values.get("dec") is not None:
        told.append(f"{values['ra']:.5f}, {values['dec']:+.5f}")
    if values.get("class_predicted"):
        share = values.get(f"p_{str(values['class_predicted']).lower()}")
        told.append(f"predicted {values['class_predicted']}" + (f" ({share:.2f})" if share is not None else ""))
    return "   ·   ".join(told)


def portrait(values: Mapping[str, Any], groups: Mapping[str, Group]) -> Figure:
    """Draw an object.

    Parameters
    ----------
    values : mapping
        Of `asterism.catalogs.objects.object_values`.
    groups : mapping of str to Group
        The catalog's modality groups; those that the object lacks are left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    BadInputError
        The object has nothing that can be drawn.
    """
    there = {name: group for name, group in groups.items() if _is_there(values, group)}
    kinds = {kind: [g for g in there.values() if g.kind == kind] for kind in ("image", "photometry", "spectrum")}
    strips = [(g, arm) for g in there.values() if g.kind == "spectrum2d" for arm in _arms(values, g)]
    rows = (["light"] if kinds["image"] or kinds["photometry"] else []) + ["spectrum"] * len(kinds["spectrum"])
    rows += ["spectrum2d"] * len(strips)
    if not rows:
        raise BadInputError(f"object {values['object_id']} has no photometry, image or spectrum; nothing can be drawn")
    heights = [_HEIGHTS[row if row != "light" or kinds["image"] else "fluxes"] for row in rows]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.5), layout="constrained")
    figure.suptitle(describe_object(values), fontsize=11, color=_INK)
    panels = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    if rows[0] == "light":
        _draw_light(panels[0], values, kinds["image"], kinds["photometry"])
    below = panels[rows.count("light") :]
    for panel, group in zip(below, kinds["spectrum"], strict=False):
        draw_spectrum(panel.subplots(), values, group)
    for panel, (group, arm) in zip(below[len(kinds["spectrum"]) :], strips, strict=True):
        _draw_strip(panel.subplots(), values, group, arm)
    return figure


def _arms(values: Mapping[str, Any], group: Group) -> list[str]:
    return [arm for arm in ("blue", "red") if values.get(f"{group.name}_{arm}") is not None]


def _is_there(values: Mapping[str, Any], group: Group) -> bool:
    if group.kind == "spectrum2d":
        return bool(_arms(values, group))
    flux, ivar = values.get(f"{group.name}_flux"), values.get(f"{group.name}_ivar")
    return flux is not None and (ivar is None or bool((ivar > 0).any()))


def _draw_light(panel: Any, values: Mapping[str, Any], images: list[Group], photometry: list[Group]) -> None:
    """Images, in colour where bands allow, then each band, then the fluxes."""
    pictures: list[tuple[str, Floats, Group]] = []
    for group in images:
        flux = values[f"{group.name}_flux"]
        with contextlib.suppress(ConfigurationError):  # no three bands that go together
            colour = colour_picture(flux, group.bands, stretch=_stretch(flux, group))
            pictures.append((f"{group.survey}, in colour", colour / 255.0, group))
        pictures += [
            (f"{group.survey} {band}", grey_image(plane), group) for band, plane in zip(group.bands, flux, strict=True)
        ]
    wide = [2.2] if photometry else []
    shown = pictures[: 8 if photometry else 12]
    if not shown:
        _draw_fluxes(panel.subplots(), values, photometry)
        return
    # The first picture is large, the others stand in two rows beside it.
    small = shown[1:]
    columns = -(-len(small) // 2)
    ratios = [1.25, *([0.62] * columns), *wide]
    grid = panel.add_gridspec(2, len(ratios), width_ratios=ratios)
    _draw_image(panel.add_subplot(grid[:, 0]), values, *shown[0])
    for k, picture in enumerate(small):
        _draw_image(panel.add_subplot(grid[k // columns, 1 + k % columns]), values, *picture)
    if photometry:
        _draw_fluxes(panel.add_subplot(grid[:, -1]), values, photometry)


def _stretch(flux: Floats, group: Group) -> Stretch:
    """The survey's colours, stretched to this stamp's noise: a person looks at one object, and wants to see its faint parts."""
    usual = STRETCHES.get(group.survey, STRETCHES["sdss"])
    weights = dict(usual.weights)
    noise = float(
        np.median([noise_of(plane) * weights.get(band, 1.0) for band, plane in zip(group.bands, flux, strict=True)])
    )
    return replace(usual, sky=1.5 * noise, q=8.0, stretch=12.0 * noise)


def _draw_image(axes: Axes, values: Mapping[str, Any], title: str, pixels: Floats, group: Group) -> None:
    axes.imshow(pixels, origin="lower", cmap="gray_r", interpolation="nearest")
    axes.set_title(title, fontsize=8, pad=3)
    axes.set_xticks([])
    axes.set_yticks([])
    if group.pixel_scale:
        side = pixels.shape[1] * group.pixel_scale
        bar = next((length for length in (30.0, 10.0, 5.0, 2.0, 1.0) if length < 0.5 * side), 0.5)
        # On a light ground, since pictures are dark in colour and light in grey.
        style = {"boxstyle": "square,pad=0.2", "facecolor": "white", "alpha": 0.8, "edgecolor": "none"}
        across = bar / group.pixel_scale
        axes.plot(
            [0.06 * pixels.shape[1], 0.06 * pixels.shape[1] + across], [0.06 * pixels.shape[0]] * 2, color="#DC2626"
        )
        axes.text(0.06, 0.10, f"{bar:g}″", fontsize=6, transform=axes.transAxes, bbox=style)


def _draw_fluxes(axes: Axes, values: Mapping[str, Any], photometry: list[Group]) -> None:
    """Fluxes against wavelength; what was not detected is an arrow at three standard deviations."""
    for number, group in enumerate(photometry):
        known = [(k, info) for k, band in enumerate(group.bands) if (info := _band(group.survey, band)) is not None]
        flux, ivar = (np.asarray(values[f"{group.name}_{q}"], float) for q in ("flux", "ivar"))
        colour = (_FLUX, _LINE, "#047857")[number % 3]
        for k, info in known:
            if not ivar[k] > 0:
                continue
            # m_AB = m + offset, and a nanomaggy of m is 3.631 µJy of AB.
            to_ujy = 3.631 * 10.0 ** (-0.4 * info.ab_offset)
            value, sigma = flux[k] * to_ujy, to_ujy / np.sqrt(ivar[k])
            seen = value > 2.0 * sigma
            height = value if seen else max(value, 0.0) + 3.0 * sigma
            label = group.survey if k == known[0][0] else None
            axes.errorbar(
                info.wavelength, height, yerr=sigma if seen else 0.4 * height, uplims=not seen, fmt="o" if seen else "_",
                color=colour, markersize=4, capsize=2, label=label,
            )  # fmt: skip
            axes.annotate(
                info.band, (info.wavelength, height), (0, 7), textcoords="offset points", fontsize=7, ha="center"
            )
    axes.set_yscale("log")
    axes.set_xscale("log" if any("W1" in group.bands for group in photometry) else "linear")
    axes.set_xlabel("wavelength (Å)", fontsize=8)
    axes.set_ylabel("flux density (µJy)", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.margins(x=0.12, y=0.22)
    _tidy(axes)
    if len(photometry) > 1:
        axes.legend(fontsize=7, frameon=False)


def _band(survey: str, band: str) -> Any:
    for name in (survey, "wise"):
        try:
            return band_info(name, band)
        except ConfigurationError:
            continue
    return None


def draw_spectrum(axes: Axes, values: Mapping[str, Any], group: Group) -> None:
    """Draw a spectrum: flux as observed and smoothed, its noise below, and lines at the object's redshift.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    values : mapping
        Of `asterism.catalogs.objects.object_values`; class and redshift say which lines are marked.
    group : Group
        The spectra's.
    """
    wavelength = grid_wavelength(group.meta("grid") or "")
    flux, ivar = (np.asarray(values[f"{group.name}_{q}"], float) for q in ("flux", "ivar"))
    seen = ivar > 0
    smooth = _running_mean(np.where(seen, flux, 0.0), np.where(seen, ivar, 0.0))
    first, last = wavelength[np.flatnonzero(seen)[[0, -1]]]
    shown = np.where(seen, flux, np.nan)
    axes.plot(wavelength, shown, color=_LIGHT, linewidth=0.5)
    axes.plot(wavelength, smooth, color=_INK, linewidth=0.8)
    axes.plot(wavelength, np.where(seen, 1.0 / np.sqrt(np.where(seen, ivar, 1.0)), np.nan), color=_FLUX, linewidth=0.5)
    low, high = np.nanpercentile(smooth, [0.3, 99.7])
    margin = 0.15 * (high - low) + 1e-9
    axes.set_ylim(min(low, 0.0) - margin, high + 2.2 * margin)
    axes.set_xlim(first, last)
    _mark_lines(axes, values, first, last)
    relative = group.meta("calibration") == "relative"
    unit = "relative flux" if relative else "10⁻¹⁷ erg/s/cm²/Å"
    axes.set_ylabel(unit, fontsize=8)
    axes.set_xlabel(f"wavelength in vacuum (Å), {group.meta('frame') or ''}", fontsize=8)
    axes.set_title(
        f"{group.survey} spectrum (grey), its mean over {_SMOOTH} pixels, noise (blue)", fontsize=8, loc="left"
    )
    axes.tick_params(labelsize=7)
    _tidy(axes)


def _mark_lines(axes: Axes, values: Mapping[str, Any], first: float, last: float) -> None:
    """Vertical marks with names, of which the less known ones give way where there is no room."""
    inside = [line for line in lines_of(values.get("class"), values.get("redshift")) if first < line[1] < last]
    for _, place in inside:
        axes.axvline(place, color=_LINE, linewidth=0.6, linestyle=":", zorder=0)
    named: list[float] = []
    for name, place in sorted(
        inside, key=lambda line: PROMINENT_LINES.index(line[0]) if line[0] in PROMINENT_LINES else len(PROMINENT_LINES)
    ):
        if all(abs(place - other) > _LABELS * (last - first) for other in named):
            axes.text(
                place, 0.985, name, rotation=90, fontsize=6.5, color=_LINE, ha="center", va="top",
                transform=axes.get_xaxis_transform(), backgroundcolor=(1, 1, 1, 0.6),
            )  # fmt: skip
            named.append(place)


def _running_mean(flux: Floats, ivar: Floats) -> Floats:
    kernel = np.ones(_SMOOTH)
    weight = np.convolve(ivar, kernel, "same")
    total = np.convolve(flux * ivar, kernel, "same")
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)


def _draw_strip(axes: Axes, values: Mapping[str, Any], group: Group, arm: str) -> None:
    """A strip of the CCD, sky in, with its wavelengths."""
    strip = np.asarray(values[f"{group.name}_{arm}"], float)
    wavelength = np.asarray(values[f"{group.name}_{arm}_wavelength"], float)
    row = wavelength[len(wavelength) // 2]
    low, high = np.nanpercentile(strip, [1.0, 99.0])
    axes.imshow(
        strip, aspect="auto", origin="lower", cmap="gray", vmin=low, vmax=high, interpolation="nearest",
        extent=(-0.5, strip.shape[1] - 0.5, -0.5, strip.shape[0] - 0.5),
    )  # fmt: skip
    known = np.isfinite(row)
    if known.sum() > 1:
        ordered = np.argsort(row[known])
        ticks = np.arange(np.ceil(row[known].min() / 500) * 500, row[known].max(), 500.0)
        axes.set_xticks(
            np.interp(ticks, row[known][ordered], np.flatnonzero(known)[ordered]), [f"{t:.0f}" for t in ticks]
        )
    axes.set_title(f"{group.survey} {arm} arm, raw strip with sky (electrons)", fontsize=8, loc="left")
    axes.set_xlabel("wavelength in vacuum (Å)", fontsize=8)
    axes.set_ylabel("row", fontsize=8)
    axes.tick_params(labelsize=7)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E5E7EB", linewidth=0.6)
    axes.set_axisbelow(True)
