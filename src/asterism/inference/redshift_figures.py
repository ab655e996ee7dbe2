"""The pictures of redshifts: against the truth, PIT, stacked n(z), densities with two peaks, δ along magnitude or redshift.

Each function takes plain arrays and returns a matplotlib ``Figure``, drawn as those of `asterism.inference.figures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from asterism.inference.figures import method_colour, tidy
from asterism.learning.redshift_metrics import OUTLIER_LIMITS, relative_error
from asterism.models import densities

__all__ = [
    "double_peaked",
    "error_figure",
    "peaks_figure",
    "pit_figure",
    "redshift_figure",
    "stacked_figure",
]

#: Objects beyond which points would hide each other, and counts are drawn instead.
MANY = 2000
#: Peaks closer than this times 1 + z are one peak.
APART = 0.1
_TRUTH = "#CC3377"
_SOFT = "#6B7280"


def _cloud(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], extent: tuple[float, float, float, float]
) -> None:
    """Points, or counts on a logarithmic scale where there are many; `extent` is (x0, x1, y0, y1)."""
    if len(x) > MANY:
        # Single objects must not fade into the paper.
        drawn = axes.hexbin(
            x, y, gridsize=70, extent=extent, mincnt=1, norm=LogNorm(vmin=0.4), cmap="Blues", linewidths=0.1
        )
        axes.figure.colorbar(drawn, ax=axes, label="objects", pad=0.01)
    else:
        axes.scatter(x, y, s=7, color="#0072B2", alpha=0.45, linewidths=0)
    axes.set(xlim=extent[:2], ylim=extent[2:])


def _span(values: NDArray[np.float64], margin: float = 0.03) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return low - margin * (high - low or 1), high + margin * (high - low or 1)


def redshift_figure(z_phot: ArrayLike, z_true: ArrayLike) -> Figure:
    """Point redshifts against the true ones, and δ = Δz/(1+z) below; dashed at the outlier limit |δ| = 0.15.

    Parameters
    ----------
    z_phot, z_true : array_like, shape (n,)
    """
    phot, true = np.asarray(z_phot, dtype=float), np.asarray(z_true, dtype=float)
    error, limit = relative_error(phot, true), OUTLIER_LIMITS[-1]
    span = _span(np.concatenate([phot, true]))
    figure = Figure(figsize=(6.2, 7.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    line = np.linspace(*span, 50)
    _cloud(upper, true, phot, (*span, *span))
    for sign in (-1, 0, 1):
        style = {"color": _SOFT, "linewidth": 1, "linestyle": "--" if sign else "-"}
        upper.plot(line, line + sign * limit * (1 + line), **style)
        lower.plot(line, np.full(50, sign * limit), **style)
    reach = min(max(2 * limit, 1.05 * float(np.abs(error).max())), 1.0)
    # What lies beyond the panel stands at its rim.
    _cloud(lower, true, np.clip(error, -reach, reach), (*span, -1.04 * reach, 1.04 * reach))
    upper.set(ylabel="z_phot")
    lower.set(xlabel="z_spec", ylabel="Δz/(1+z)")
    for axes in (upper, lower):
        tidy(axes)
    return figure


def pit_figure(pit: ArrayLike, bins: int = 20) -> Figure:
    """Histogram of PIT values (n,); the band holds 95 % of the bins where every density is right (binomial)."""
    from scipy.stats import binom

    values = np.asarray(pit, dtype=float)
    n = len(values)
    figure = Figure(figsize=(5.4, 4.0), layout="constrained")
    axes = figure.subplots()
    low, high = binom.ppf([0.025, 0.975], n, 1 / bins) * bins / n
    axes.axhspan(low, high, color="#D1D5DB", alpha=0.7, linewidth=0, label="right densities, 95 % of bins")
    axes.axhline(1, color=_SOFT, linewidth=1, linestyle="--")
    counts, edges = np.histogram(values, bins, (0, 1))
    axes.stairs(counts * bins / n, edges, color="#0072B2", linewidth=1.6, label=f"{n:,} objects")
    axes.set(xlabel="PIT = F(z_spec)", ylabel="share, uniform = 1", xlim=(0, 1), ylim=(0, None))
    axes.legend(frameon=False, fontsize=8, loc="lower center")
    tidy(axes)
    return figure


def stacked_figure(grid: ArrayLike, pdf: ArrayLike, z_true: ArrayLike) -> Figure:
    """Sum of all densities against the histogram of the true redshifts, and that of the medians.

    Parameters
    ----------
    grid : array_like, shape (G,)
    pdf : array_like, shape (n, G)
    z_true : array_like, shape (n,)
    """
    x, p, true = np.asarray(grid, dtype=float), densities.normalise(grid, pdf), np.asarray(z_true, dtype=float)
    low, high = np.quantile(true, [0.0, 0.998])
    high += 0.1 * (high - low) + 1e-3
    edges = np.linspace(min(low, x[0]), high, 51)
    # Shares of the densities in the same bins, so that all three are the same quantity.
    stacked = np.repeat(p.mean(axis=0)[None], len(edges), axis=0)
    mass = densities.cdf(x, stacked, edges)
    figure = Figure(figsize=(6.8, 4.0), layout="constrained")
    axes = figure.subplots()
    width = np.diff(edges)
    counts = np.histogram(true, edges)[0] / len(true) / width
    error = np.sqrt(np.histogram(true, edges)[0]) / len(true) / width
    axes.stairs(counts, edges, fill=True, color="#D1D5DB", label="true redshifts")
    axes.errorbar((edges[1:] + edges[:-1]) / 2, counts, error, fmt="none", ecolor="#9CA3AF", linewidth=0.8)
    medians = np.histogram(densities.median(x, p), edges)[0] / len(true) / width
    axes.stairs(medians, edges, color="#E69F00", linewidth=1, label="medians")
    axes.stairs(np.diff(mass) / width, edges, color="#0072B2", linewidth=1.8, label="stacked p(z)")
    axes.set(xlabel="redshift", ylabel="n(z), integral 1", xlim=(edges[0], edges[-1]), ylim=(0, None))
    axes.legend(frameon=False)
    tidy(axes)
    return figure


def double_peaked(grid: ArrayLike, pdf: ArrayLike, count: int = 6) -> NDArray[np.int64]:
    """Rows of the densities that are the most evenly split between two peaks, chosen without looking at the truth.

    Of each density the highest peak and the next highest that lies at least 0.1 (1 + z) from it are taken; rows are ranked
    by the ratio of the two heights. Densities with one such peak only are left out.

    Parameters
    ----------
    grid : array_like, shape (G,)
    pdf : array_like, shape (n, G)
    count : int
        How many at most.

    Returns
    -------
    ndarray of int, shape (≤ count,)
    """
    redshifts, heights = densities.modes(grid, pdf, 5)
    first = redshifts[:, :1]
    apart = np.nan_to_num(np.abs(redshifts - first)) >= APART * (1 + first)
    second = np.where(apart, heights, 0).max(axis=1)
    ratio = second / heights[:, 0]
    order = np.argsort(-ratio, kind="stable")[:count]
    return order[ratio[order] > 0]


def peaks_figure(
    grid: ArrayLike, pdf: ArrayLike, z_true: ArrayLike, names: Sequence[str], rows: Sequence[int] | NDArray[np.int64]
) -> Figure:
    """Densities of single objects with their true redshift, median and 68 % interval.

    Parameters
    ----------
    grid : array_like, shape (G,)
    pdf : array_like, shape (n, G)
    z_true : array_like, shape (n,)
    names : sequence of str
        ``object_id`` of all n objects.
    rows : sequence of int
        Which of them, one at least.
    """
    chosen = np.asarray(rows)
    x, true = np.asarray(grid, dtype=float), np.asarray(z_true, dtype=float)
    p = densities.normalise(x, np.asarray(pdf)[chosen])
    bounds = densities.quantile(x, p, [0.16, 0.5, 0.84])
    columns = min(3, len(chosen))
    lines = -(-len(chosen) // columns)
    figure = Figure(figsize=(3.3 * columns, 2.5 * lines + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(lines, columns, squeeze=False)).ravel()
    for panel in panels[len(chosen) :]:
        panel.set_visible(False)
    for i, (axes, row) in enumerate(zip(panels, chosen, strict=False)):
        axes.fill_between(x, p[i], color="#0072B2", alpha=0.25, linewidth=0)
        axes.plot(x, p[i], color="#0072B2", linewidth=1.2, label="p(z)")
        axes.axvspan(bounds[i, 0], bounds[i, 2], color="#E69F00", alpha=0.15, linewidth=0, label="68 %")
        axes.axvline(bounds[i, 1], color="#E69F00", linewidth=1.2, linestyle="--", label="median")
        axes.axvline(true[row], color=_TRUTH, linewidth=1.4, label="z_spec")
        ends = densities.quantile(x, p[i : i + 1], [0.001, 0.999])[0]
        low, high = _span(np.append(ends, true[row]), 0.05)
        axes.set(xlim=(low, high), ylim=(0, None), xlabel="redshift")
        axes.set_title(str(names[row])[-24:], fontsize=9)
        tidy(axes)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def error_figure(methods: Mapping[str, ArrayLike], along: ArrayLike, label: str, bins: int = 12) -> Figure:
    """δ along a magnitude or redshift: the objects, and each method's median, ours with its 16th to 84th percentile.

    Parameters
    ----------
    methods : mapping of str to array_like, shape (n,)
        δ of the objects by method, ours first.
    along : array_like, shape (n,)
        Where each object stands; not finite ones are left out.
    label : str
        What that is.
    bins : int
        Bins with equal numbers of objects.
    """
    x = np.asarray(along, dtype=float)
    seen = np.isfinite(x)
    x = x[seen]
    figure = Figure(figsize=(6.8, 4.0), layout="constrained")
    axes = figure.subplots()
    first = np.asarray(next(iter(methods.values())), dtype=float)[seen]
    reach = max(4 * float(np.diff(np.quantile(first, [0.16, 0.84]))[0]), 0.02)
    low, high = np.quantile(x, [0.001, 0.999])
    _cloud(axes, x, np.clip(first, -reach, reach), (*_span(np.array([low, high])), -1.03 * reach, 1.03 * reach))
    parts = [
        part for part in np.array_split(np.argsort(x, kind="stable"), max(min(bins, len(x) // 20), 1)) if len(part)
    ]
    centre = np.array([np.median(x[part]) for part in parts])
    for position, (name, values) in enumerate(methods.items()):
        error = np.asarray(values, dtype=float)[seen]
        spread = np.array([np.percentile(error[part], [16, 50, 84]) for part in parts]).T
        colour = "#D55E00" if position == 0 else method_colour(position)
        axes.plot(
            centre, spread[1], color=colour, marker=".", linewidth=1.6 - 0.4 * (position > 0), label=f"{name}, median"
        )
        if position == 0:
            axes.plot(centre, spread[0], color=colour, linewidth=1, linestyle=":", label="16th and 84th percentile")
            axes.plot(centre, spread[2], color=colour, linewidth=1, linestyle=":")
    axes.axhline(0, color=_SOFT, linewidth=0.8)
    axes.set(xlabel=label, ylabel="Δz/(1+z)")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    return figure
