"""Pictures of spectra that were predicted from images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asterism.explore.spectrum_from_image import PredictedSpectra, Spectra
from asterism.explore.spectrum_scores import chi_square

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["prediction_figure"]

Floats = NDArray[np.float64]


def prediction_figure(
    predicted: PredictedSpectra,
    true: Spectra,
    rows: Sequence[int],
    *,
    images: Sequence[NDArray[Any]] | None = None,
    titles: Sequence[str] | None = None,
    beside: dict[str, Floats] | None = None,
    smooth: int = 15,
) -> Figure:
    """Examples: the image, the observed spectrum, and what was predicted from the image alone.

    Parameters
    ----------
    predicted : PredictedSpectra
    true : Spectra
        Of the same objects.
    rows : sequence of int
        Which of them.
    images : sequence of ndarray (y, x, 3), optional
        A colour picture of each row that is shown.
    titles : sequence of str, optional
        Of each row that is shown.
    beside : dict of str to ndarray (q, P), optional
        Other predictions, drawn thinly.
    smooth : int
        Pixels over which all spectra are averaged for the eye, the observed one by inverse variance; scores do not see this.
    """
    from matplotlib.figure import Figure

    count = len(rows)
    figure = Figure(figsize=(10.5, 2.3 * count + 0.5), layout="constrained")
    grid = figure.add_gridspec(count, 2, width_ratios=[1, 4] if images is not None else [1e-3, 1])
    none = np.zeros((1, len(true.wavelength)), bool)
    for place, row in enumerate(rows):
        axes = figure.add_subplot(grid[place, 1])
        one = true.take([row])
        level = chi_square(predicted.mean[[row]], one, none)["level"][0]
        level = level if np.isfinite(level) and level > 0 else 1.0
        seen = _smoothed(one.flux[0], one.ivar[0], smooth)
        for (name, other), colour in zip((beside or {}).items(), ("#E69F00", "#7FA37F"), strict=False):
            scale = chi_square(other[[row]], one, none)["level"][0]
            drawn = _smoothed(scale * other[row], np.isfinite(other[row]), smooth)
            axes.plot(true.wavelength, drawn, color=colour, linewidth=0.9, label=name)
        predictable = np.isfinite(predicted.mean[row])
        mean = _smoothed(predicted.mean[row] * level, predictable, smooth)
        scatter = _smoothed(predicted.scatter[row] * level, predictable, smooth)
        axes.fill_between(true.wavelength, mean - scatter, mean + scatter, color="#0072B2", alpha=0.2, linewidth=0)
        axes.plot(true.wavelength, mean, color="#0072B2", linewidth=1, label="from the image")
        axes.plot(true.wavelength, seen, color="#111827", linewidth=0.7, label="observed")
        span = np.nanpercentile(seen, [0.5, 99.5]) if np.isfinite(seen).any() else np.array([0.0, 1.0])
        margin = 0.25 * max(float(np.diff(span)[0]), 1e-12)
        axes.set(xlim=(true.wavelength[0], true.wavelength[-1]), ylim=(span[0] - margin, span[1] + margin))
        axes.spines[["top", "right"]].set_visible(False)
        if titles is not None:
            axes.set_title(titles[place], fontsize=9, loc="left")
        if place == 0:
            axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper right", bbox_to_anchor=(1, 1.28))
        if place == count - 1:
            axes.set_xlabel("wavelength in Å, vacuum")
        if images is not None:
            stamp = figure.add_subplot(grid[place, 0])
            stamp.imshow(images[place], origin="lower")
            stamp.set(xticks=[], yticks=[])
    figure.supylabel("flux, 1e-17 erg/s/cm²/Å", fontsize=9)
    return figure


def _smoothed(flux: NDArray[Any], weight: NDArray[Any], pixels: int) -> Floats:
    """Running weighted mean (P,); NaN where nothing has weight."""
    box, w = np.ones(pixels), np.asarray(weight, dtype=float)
    total = np.convolve(w, box, "same")
    summed = np.convolve(np.where(w > 0, flux, 0.0) * w, box, "same")
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)
