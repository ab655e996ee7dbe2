"""The pictures of the table: redshifts against the truth, recall against the pool, few labels, clusters on the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asterism.inference.figures import tidy

__all__ = ["few_figure", "recall_figure", "redshift_figure"]

_COLOURS = {"image": "#D55E00", "spectrum": "#0072B2", "joint": "#111827"}
_METHOD_COLOURS = ("#111827", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#9AA5B1")
_SOFT = "#6B7280"

Floats = NDArray[np.float64]


def redshift_figure(panels: Mapping[tuple[str, str], tuple[Floats, Floats, float]]) -> Figure:
    """Redshifts by neighbours against the true ones.

    Parameters
    ----------
    panels : mapping of (str, str) to tuple
        (objects, what was read) → predicted (n,), true (n,), R².
    """
    rows = list(dict.fromkeys(of for of, _ in panels))
    columns = list(dict.fromkeys(read for _, read in panels))
    figure = Figure(figsize=(4.0 * len(columns), 3.7 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for i, of in enumerate(rows):
        for j, read in enumerate(columns):
            axes: Axes = grid[i, j]
            if (of, read) not in panels:
                axes.set_axis_off()
                continue
            predicted, true, r2 = panels[of, read]
            top = 1.03 * float(max(true.max(initial=0), np.quantile(predicted, 0.999) if len(predicted) else 0, 0.01))
            axes.plot([0, top], [0, top], color=_SOFT, linewidth=0.8)
            axes.scatter(true, predicted, s=4, color=_COLOURS.get(read, "#111827"), alpha=0.35, linewidths=0)
            axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
            axes.set_title(f"{of}, from the {read}: R² = {r2:.3f}", fontsize=9)
            axes.set_xlabel("true redshift" if i == len(rows) - 1 else "", fontsize=9)
            axes.set_ylabel("redshift of neighbours" if not j else "", fontsize=9)
            tidy(axes)
    return figure


def recall_figure(found: Mapping[str, Mapping[str, Mapping[str, Any]]], kinds: Mapping[str, str]) -> Figure:
    """Recall at 10 by kind of pool, a group of bars a kind and a bar a method, with what chance gives.

    Parameters
    ----------
    found : mapping of str to mapping
        Method's title → kind of pool → figures of `asterism.learning.retrieval.retrieval_metrics`.
    kinds : mapping of str to str
        Kinds of pools with their titles.
    """
    there = [kind for kind in kinds if any(kind in of for of in found.values())]
    figure = Figure(figsize=(7.6, 4.2), layout="constrained")
    axes = figure.subplots()
    width = 0.84 / max(len(found), 1)
    for number, (title, of) in enumerate(found.items()):
        place = [i - 0.42 + (number + 0.5) * width for i, kind in enumerate(there) if kind in of]
        value = np.array([of[kind]["recall_at_10"] for kind in there if kind in of])
        ends = np.array([of[kind]["recall_at_10_interval"] for kind in there if kind in of]).reshape(-1, 2).T
        colour = _METHOD_COLOURS[number % len(_METHOD_COLOURS)]
        axes.bar(place, value, width * 0.92, color=colour, label=title)
        axes.errorbar(place, value, np.abs(ends - value), fmt="none", ecolor="#374151", elinewidth=0.8)
    for i, kind in enumerate(there):
        chance = next(of[kind]["chance_at_10"] for of in found.values() if kind in of)
        axes.plot(
            [i - 0.45, i + 0.45], [chance, chance], color="#B91C1C", linewidth=1.2, label="chance" if not i else None
        )
    axes.set_xticks(range(len(there)), [kinds[kind] for kind in there])
    axes.set(ylabel="recall at 10", ylim=(0, None))
    figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=3)
    tidy(axes)
    return figure


def few_figure(
    panels: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]], whole: Mapping[tuple[str, str], float]
) -> Figure:
    """R² against the number of labels, a panel for each class of objects.

    Parameters
    ----------
    panels : mapping
        Objects → what was read → number of labels → ``mean``, ``std``.
    whole : mapping of (str, str) to float
        R² with all labels.
    """
    figure = Figure(figsize=(4.4 * len(panels), 3.7), layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (of, reads) in zip(grid, panels.items(), strict=True):
        for read, numbers in reads.items():
            labels = sorted(numbers, key=int)
            mean = [numbers[n]["mean"] for n in labels]
            spread = [numbers[n]["std"] for n in labels]
            colour = _COLOURS.get(read, "#111827")
            axes.errorbar(
                [int(n) for n in labels], mean, spread, fmt="o-", color=colour, markersize=4, capsize=2, label=read
            )
            if (of, read) in whole:
                axes.axhline(whole[of, read], color=colour, linestyle=":", linewidth=1)
        axes.set(xscale="log", xlabel="labels", ylim=(-0.6, 1.02), title=of)
        tidy(axes)
    grid[0].set_ylabel("R² of redshift, neighbours")
    grid[0].legend(frameon=False)
    return figure
