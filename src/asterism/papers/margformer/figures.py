"""The pictures of the table: six confusion matrices, accuracy against magnitude and against compactness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asterism.learning.intervals import bootstrap_mean
from asterism.papers.margformer.experiments import CLASS_SETS
from asterism.papers.margformer.methods import method_named

__all__ = ["accuracy_figure", "binned_accuracy", "confusion_figure"]

_STYLE = {
    "margformer": ("#111827", "o-"),
    "margformer-published": ("#CC3377", "s--"),
    "lightgbm": ("#0072B2", "^-"),
    "margnet-ensemble": ("#E69F00", "v--"),
    "photometry-only": ("#7FA37F", ".:"),
    "image-only": ("#A58BB8", ".:"),
    "magnitude-cut": ("#9AA5B1", "x:"),
}
_SMALLEST_BIN = 40
_EDGES = {"r_mag": np.arange(14.0, 25.0, 0.5), "compactness": np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])}  # fmt: skip
_LABELS = {"r_mag": "r magnitude, as observed", "compactness": "compactness c = mean of deVRad / FWHM"}


def confusion_figure(
    matrices: Mapping[tuple[str, str], NDArray[np.float64]], titles: Mapping[str, str], normalised: bool
) -> Figure:
    """Confusion matrices, an experiment a column and a class set a row.

    Parameters
    ----------
    matrices : mapping of (experiment, class set) to ndarray
        True class along rows; the mean over seeds.
    titles : mapping of str to str
        Of the experiments, in order.
    normalised : bool
        Shares of the true class in place of counts.
    """
    sets = [c for c in CLASS_SETS if any(place[1] == c for place in matrices)]
    figure = Figure(figsize=(3.3 * len(titles), 3.3 * len(sets) + 0.3), layout="constrained")
    grid = figure.subplots(len(sets), len(titles), squeeze=False)
    for i, class_set in enumerate(sets):
        for j, (experiment, title) in enumerate(titles.items()):
            axes: Axes = grid[i, j]
            if (experiment, class_set) not in matrices:
                axes.set_axis_off()
                continue
            _matrix(axes, matrices[experiment, class_set], CLASS_SETS[class_set], normalised)
            axes.set_title(title, fontsize=9)
            axes.set_ylabel("true class" if not j else "", fontsize=8)
            axes.set_xlabel("predicted class", fontsize=8)
    return figure


def _matrix(axes: Axes, matrix: NDArray[np.float64], classes: Sequence[str], normalised: bool) -> None:
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(shares):
        text = f"{share:.3f}" if normalised else f"{matrix[i, j]:,.0f}"
        axes.text(j, i, text, ha="center", va="center", fontsize=9, color="white" if share > 0.55 else "#1F2937")
    axes.set_xticks(range(len(classes)), classes, fontsize=8)
    axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def binned_accuracy(
    right: NDArray[np.float64], values: NDArray[np.float64], edges: NDArray[np.float64], sources: Sequence[str]
) -> list[dict[str, Any]]:
    """Accuracy in bins [lo, hi) with its interval; bins with fewer than 40 objects are left out.

    Parameters
    ----------
    right : ndarray, shape (n,)
        Share of seeds that name each object rightly.
    values : ndarray, shape (n,)
    edges : ndarray, shape (bins + 1,)
    sources : sequence of str

    Returns
    -------
    list of dict
        ``lo``, ``hi``, ``n``, ``accuracy``, ``interval``.
    """
    found, names = [], np.asarray(sources)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (values >= low) & (values < high)
        if inside.sum() < _SMALLEST_BIN:
            continue
        ends = bootstrap_mean(right[inside], names[inside], resamples=500)
        entry = {"lo": float(low), "hi": float(high), "n": int(inside.sum()), "accuracy": float(right[inside].mean())}
        found.append({**entry, "interval": list(ends)})
    return found


def accuracy_figure(
    bins: Mapping[tuple[str, str], Mapping[str, Sequence[Mapping[str, Any]]]], titles: Mapping[str, str], quantity: str
) -> Figure:
    """Accuracy against a quantity, an experiment a column and a class set a row.

    Parameters
    ----------
    bins : mapping
        (experiment, class set) → method → what `binned_accuracy` gives.
    titles : mapping of str to str
        Of the experiments, in order.
    quantity : str
        ``r_mag`` or ``compactness``.
    """
    sets = [c for c in CLASS_SETS if any(place[1] == c for place in bins)]
    figure = Figure(figsize=(3.3 * len(titles), 2.7 * len(sets) + 0.5), layout="constrained")
    grid = figure.subplots(len(sets), len(titles), squeeze=False, sharex="col")
    shown: dict[str, Any] = {}
    for i, class_set in enumerate(sets):
        for j, (experiment, title) in enumerate(titles.items()):
            axes: Axes = grid[i, j]
            for name, found in bins.get((experiment, class_set), {}).items():
                if name not in _STYLE or not found:
                    continue
                colour, line = _STYLE[name]
                centre = [(b["lo"] + b["hi"]) / 2 for b in found]
                value = np.array([b["accuracy"] for b in found])
                lines = axes.plot(centre, value, line, color=colour, markersize=3.5, linewidth=1.1)
                shown.setdefault(method_named(name).title, lines[0])
                if name == "margformer":
                    ends = np.array([b["interval"] for b in found]).T
                    axes.fill_between(centre, ends[0], ends[1], color=colour, alpha=0.12, linewidth=0)
            if not axes.has_data():
                axes.text(0.5, 0.5, "too few objects", ha="center", va="center", transform=axes.transAxes, fontsize=8)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="#E5E7EB", linewidth=0.6)
            if not i:
                axes.set_title(title, fontsize=9)
            if not j:
                axes.set_ylabel(f"accuracy, {class_set.upper()}", fontsize=8)
            if i == len(sets) - 1:
                axes.set_xlabel(_LABELS[quantity], fontsize=8)
            axes.tick_params(labelsize=7)
    if shown:
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def edges_of(quantity: str) -> NDArray[np.float64]:
    """Edges of the bins of a quantity."""
    return _EDGES[quantity]
