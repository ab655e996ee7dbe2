"""The pictures of embeddings: retrieval along magnitude, how far partners are, what few labels are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from asterism.inference.figures import tidy
from asterism.learning.intervals import wilson_interval

__all__ = ["EMBEDDING_COLOURS", "few_shot_figure", "rank_figure", "recall_figure"]

#: Colours of the embeddings, the same in every picture.
EMBEDDING_COLOURS = {"image": "#D55E00", "spectrum": "#0072B2", "joint": "#111827"}
_DIRECTIONS = ("#D55E00", "#0072B2")
_SOFT = "#6B7280"


def recall_figure(ranks: Mapping[str, ArrayLike], along: ArrayLike, chance: float, label: str, k: int = 10) -> Figure:
    """Recall at k along a magnitude, in bins of equal numbers of objects, with what chance gives.

    Parameters
    ----------
    ranks : mapping of str to array_like, shape (n,)
        Ranks of the partners by direction.
    along : array_like, shape (n,)
        Where each pair stands; pairs where it is not finite are left out.
    chance : float
        Recall by chance.
    label : str
        What `along` is.
    k : int
    """
    x = np.asarray(along, dtype=float)
    seen = np.isfinite(x)
    parts = np.array_split(np.flatnonzero(seen)[np.argsort(x[seen], kind="stable")], max(min(10, seen.sum() // 20), 1))
    parts = [part for part in parts if len(part)]
    figure = Figure(figsize=(6.2, 4.0), layout="constrained")
    axes = figure.subplots()
    for (name, values), colour in zip(ranks.items(), _DIRECTIONS, strict=False):
        hits = np.asarray(values) <= k
        share = np.array([hits[part].mean() for part in parts])
        ends = np.array([wilson_interval(int(hits[part].sum()), len(part)) for part in parts]).reshape(-1, 2).T
        centre = [np.median(x[part]) for part in parts]
        axes.errorbar(
            centre, share, np.abs(ends - share), color=colour, marker="o", markersize=4, capsize=2, label=name
        )
    axes.axhline(chance, color=_SOFT, linestyle="--", linewidth=1, label="chance")
    axes.set(xlabel=label, ylabel=f"recall at {k}", ylim=(0, None))
    axes.legend(frameon=False)
    tidy(axes)
    return figure


def rank_figure(ranks: Mapping[str, ArrayLike], sizes: Mapping[str, int]) -> Figure:
    """Share of the queries whose partner is among the first, against the share of the pool that is looked at.

    Parameters
    ----------
    ranks : mapping of str to array_like
        Ranks by the pools' name.
    sizes : mapping of str to int
        Candidates in those pools.
    """
    figure = Figure(figsize=(6.2, 4.0), layout="constrained")
    axes = figure.subplots()
    least = 1 / max(sizes.values())
    line = np.geomspace(least, 1, 100)
    axes.plot(line, line, color=_SOFT, linestyle="--", linewidth=1, label="chance")
    for (name, values), colour in zip(ranks.items(), ("#111827", "#0072B2", "#E69F00"), strict=False):
        place = np.sort(np.asarray(values, dtype=float)) / sizes[name]
        axes.step(place, np.arange(1, len(place) + 1) / len(place), where="post", color=colour, label=name)
    axes.set(xscale="log", xlim=(least, 1), ylim=(0, 1.02))
    axes.set(xlabel="share of the pool that is looked at", ylabel="share of partners found")
    axes.legend(frameon=False, loc="upper left")
    tidy(axes)
    return figure


def few_shot_figure(
    few: Mapping[str, Mapping[str, Mapping[str, Any]]], whole: Mapping[str, float], label: str
) -> Figure:
    """A figure of merit against the number of labels, and with all of them.

    Parameters
    ----------
    few : mapping of str to mapping
        Of each embedding what `asterism.learning.probes.few_shot` gives, by number of labels.
    whole : mapping of str to float
        Of each embedding the figure with all labels.
    label : str
        What the figure is.
    """
    figure = Figure(figsize=(6.2, 4.0), layout="constrained")
    axes = figure.subplots()
    lowest = 0.0
    for name, found in few.items():
        colour = EMBEDDING_COLOURS.get(name, "#9AA5B1")
        numbers = [int(number) for number in found]
        means = np.array([found[str(number)]["mean"] for number in numbers])
        scatter = np.array([found[str(number)]["std"] for number in numbers])
        lowest = min(lowest, float((means - scatter).min(initial=0)))
        axes.errorbar(numbers, means, scatter, color=colour, marker="o", markersize=4, capsize=2, label=name)
        axes.axhline(whole[name], color=colour, linestyle=":", linewidth=1)
    # One unlucky draw of ten labels must not flatten the rest.
    axes.set(xscale="log", xlabel="labels", ylabel=label, ylim=(max(lowest, -0.6) - 0.02, 1.02))
    axes.legend(frameon=False, loc="lower right")
    tidy(axes)
    return figure
