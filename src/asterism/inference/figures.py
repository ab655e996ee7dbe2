"""The pictures of an evaluation: confusion, reliability, completeness and purity, figures against magnitude.

Each function takes plain arrays or the dictionaries of `asterism.learning.metrics` and returns a matplotlib ``Figure``;
drawing goes through ``Figure`` directly, so that no window system and no global state is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from asterism.learning.metrics import completeness_purity, reliability

__all__ = [
    "CLASS_COLOURS",
    "against_bins",
    "class_colour",
    "completeness_purity_figure",
    "confusion_figure",
    "domain_figure",
    "method_colour",
    "reliability_figure",
    "tidy",
]

#: Okabe & Ito's palette, told apart by people who see fewer colours.
CLASS_COLOURS = {"STAR": "#E69F00", "GALAXY": "#0072B2", "QSO": "#CC3377"}
#: Objects below which a bin of the reliability diagram shows noise only.
_SMALLEST_RELIABILITY_BIN = 10
_OURS = "#111827"
_OTHERS = ("#9AA5B1", "#C98B5B", "#7FA37F", "#A58BB8")


def class_colour(name: str, position: int) -> str:
    """The colour of a class, the same in every picture; classes without one of their own share a cycle."""
    return CLASS_COLOURS.get(name, _OTHERS[position % len(_OTHERS)])


def method_colour(position: int) -> str:
    """The colour of a method, ours (0) or a baseline's, the same in every picture."""
    return _OURS if position == 0 else _OTHERS[(position - 1) % len(_OTHERS)]


def tidy(axes: Axes) -> None:
    """Take away what no picture needs, and draw the grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E5E7EB", linewidth=0.6)
    axes.set_axisbelow(True)


def confusion_figure(counts: ArrayLike, classes: Sequence[str]) -> Figure:
    """Two panels: counts, and shares of each true class (rows sum to 1).

    Parameters
    ----------
    counts : array_like, shape (classes, classes)
        True class along rows, predicted class along columns.
    classes : sequence of str
    """
    matrix = np.asarray(counts, dtype=float)
    with np.errstate(invalid="ignore"):
        shares = matrix / matrix.sum(axis=1, keepdims=True)
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    for axes, title, texts in zip(
        figure.subplots(1, 2),
        ("Number of objects", "Share of the true class"),
        (matrix.astype(int).astype(str), np.vectorize("{:.3f}".format)(shares)),
        strict=True,
    ):
        axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1)
        for (row, column), text in np.ndenumerate(texts):
            dark = np.nan_to_num(shares)[row, column] > 0.55
            axes.text(column, row, text, ha="center", va="center", color="white" if dark else "#1F2937", fontsize=11)
        axes.set(
            xticks=range(len(classes)),
            yticks=range(len(classes)),
            xticklabels=classes,
            yticklabels=classes,
            xlabel="predicted class",
            ylabel="true class",
            title=title,
        )
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def reliability_figure(methods: Mapping[str, NDArray[np.float64]], labels: ArrayLike) -> Figure:
    """How often the most probable class is right, against how probable it was said to be.

    Parameters
    ----------
    methods : mapping of str to ndarray, shape (n, classes)
        Probabilities by method, ours first.
    labels : array_like, shape (n,)
    """
    figure = Figure(figsize=(5.4, 5.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 1]})
    upper.plot([0, 1], [0, 1], color="#6B7280", linewidth=1, linestyle="--", label="perfectly calibrated")
    for position, (name, probabilities) in enumerate(methods.items()):
        curve = reliability(probabilities, labels)
        seen = curve["n"] >= _SMALLEST_RELIABILITY_BIN
        error = np.sqrt(curve["accuracy"] * (1 - curve["accuracy"]) / np.maximum(curve["n"], 1))
        style: dict[str, Any] = {"color": method_colour(position), "label": name}
        if position == 0:
            upper.errorbar(
                curve["confidence"][seen],
                curve["accuracy"][seen],
                error[seen],
                marker="o",
                markersize=4,
                zorder=5,
                **style,
            )
        else:
            upper.plot(curve["confidence"][seen], curve["accuracy"][seen], marker=".", linewidth=1.2, **style)
    first = next(iter(methods.values()))
    lower.hist(np.asarray(first).max(axis=1), bins=np.linspace(0, 1, 16), color=_OURS, alpha=0.8)
    lower.set(xlabel="probability of the predicted class", ylabel="objects", yscale="log")
    upper.set(ylabel="share that was right", xlim=(1 / max(first.shape[1], 2) - 0.05, 1.01), ylim=(0, 1.02))
    upper.legend(frameon=False, loc="lower right")
    for axes in (upper, lower):
        tidy(axes)
    return figure


def completeness_purity_figure(probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> Figure:
    """Completeness (solid) and purity (dashed) of each class's sample against its probability threshold."""
    thresholds = np.linspace(0, 1, 201)
    curves = completeness_purity(probabilities, labels, thresholds)
    figure = Figure(figsize=(6.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for position, name in enumerate(classes):
        colour = class_colour(name, position)
        axes.plot(thresholds, curves["completeness"][position], color=colour, label=f"{name} completeness")
        axes.plot(thresholds, curves["purity"][position], color=colour, linestyle="--", label=f"{name} purity")
    axes.set(xlabel="threshold on p(class)", ylabel="share", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, ncols=len(classes), fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    tidy(axes)
    return figure


def against_bins(bins: Mapping[str, Sequence[Mapping[str, Any]]], key: str, label: str, along: str) -> Figure:
    """One figure of merit in bins of magnitude or redshift, ours with its interval, the baselines beside.

    Parameters
    ----------
    bins : mapping of str to list of dict
        ``lo``, ``hi`` and the figures of each bin, by method, ours first.
    key : str
        Which figure, e.g. ``"accuracy"``; an interval ``key + "_interval"`` is drawn where there is one.
    label, along : str
        For the axes: what the figure is called, and what the bins are of.
    """
    figure = Figure(figsize=(6.2, 3.8), layout="constrained")
    axes = figure.subplots()
    for position, (name, rows) in enumerate(bins.items()):
        rows = [r for r in rows if r.get(key) is not None]
        if not rows:
            continue
        centre = np.array([(r["lo"] + r["hi"]) / 2 for r in rows])
        value = np.array([r[key] for r in rows])
        colour = method_colour(position)
        if position == 0 and f"{key}_interval" in rows[0]:
            ends = np.array([r[f"{key}_interval"] for r in rows]).T
            axes.errorbar(
                centre,
                value,
                np.abs(ends - value),
                color=colour,
                marker="o",
                markersize=5,
                capsize=2,
                label=name,
                zorder=5,
            )
        else:
            axes.plot(centre, value, color=colour, marker=".", linewidth=1.2, label=name)
    axes.set(xlabel=along, ylabel=label)
    if axes.has_data():
        axes.legend(frameon=False)
    tidy(axes)
    return figure


def domain_figure(scores: ArrayLike, threshold: float, labels: ArrayLike, classes: Sequence[str]) -> Figure:
    """Distribution of the domain score by class; objects beyond the threshold are flagged as unlike the training set."""
    s, y = np.asarray(scores, dtype=float), np.asarray(labels)
    figure = Figure(figsize=(6.2, 3.6), layout="constrained")
    axes = figure.subplots()
    finite = s[np.isfinite(s)]
    low, high = np.quantile(finite, [0.001, 0.999]) if len(finite) else (0.0, 1.0)
    edges = np.linspace(low, high, 60)
    for position, name in enumerate(classes):
        inside = s[y == position]
        if len(inside):
            axes.hist(
                np.clip(inside, low, high),
                edges.tolist(),
                histtype="step",
                color=class_colour(name, position),
                label=name,
            )
    axes.axvline(threshold, color=_OURS, linestyle="--", linewidth=1, label="in_domain ends here")
    axes.set(xlabel="domain score (higher = less like the training set)", ylabel="objects", yscale="log")
    axes.legend(frameon=False)
    tidy(axes)
    return figure
