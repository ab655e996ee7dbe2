"""Where in its image an object's photometry looks, and what a change of one band does to it.

A map is not an explanation of the answer: it says how much each patch weighs in what the query takes from the image. So a
change of flux is shown with what it does to the probabilities too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from asterism.catalogs.colour import colour_picture
from asterism.catalogs.outputs import atomic_write
from asterism.errors import ConfigurationError, unknown_name
from asterism.models.model import Model
from asterism.models.network import Batch

__all__ = ["AttentionChange", "attention_change", "attention_maps", "draw_attention", "on_stamp", "shares"]

Floats = npt.NDArray[np.float64]


def attention_maps(model: Model, batch: Batch) -> Floats:
    """Weights of the image patches in what an object's query takes, by block and head.

    Parameters
    ----------
    model : Model
        ``margformer`` or ``margformer-published`` with an image among its inputs.
    batch : mapping
        As `asterism.catalogs.stream` gives it, B objects.

    Returns
    -------
    ndarray, shape (B, blocks, heads, gy, gx), float64
        The mean over the queries (ensemble members); NaN for objects without an image. For ``margformer`` they are
        shares that sum to 1; for ``margformer-published`` coefficients that may be negative, see its ``attention``.

    Raises
    ------
    ConfigurationError
        The model does not attend to an image.
    """
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        weights = model.network.attention(batch).mean(3)
    model.train(was_training)
    return weights.double().cpu().numpy()


def shares(maps: Floats) -> Floats:
    """One map per object: |weights| averaged over blocks and heads, as shares of their sum.

    Parameters
    ----------
    maps : ndarray, shape (B, blocks, heads, gy, gx)

    Returns
    -------
    ndarray, shape (B, gy, gx)
        Sum 1; NaN for objects without an image.
    """
    size = np.abs(maps).mean((1, 2))
    return size / size.sum((1, 2), keepdims=True)


def on_stamp(maps: Floats, shape: tuple[int, int], patch: int) -> Floats:
    """Maps over patches (..., gy, gx) as maps over pixels (..., ny, nx): each pixel has its patch's value.

    Parameters
    ----------
    maps : ndarray
    shape : tuple of int
        Rows and columns of the stamp; the last patches may reach beyond it.
    patch : int
        Pixels along a patch.
    """
    whole = np.repeat(np.repeat(maps, patch, -2), patch, -1)
    return whole[..., : shape[0], : shape[1]]


@dataclass(frozen=True)
class AttentionChange:
    """What a change of one band's flux does.

    Attributes
    ----------
    band : str
    delta_mag : float
        By which the band was made fainter [mag].
    before, after : ndarray, shape (B, blocks, heads, gy, gx)
        Attention maps.
    probabilities_before, probabilities_after : ndarray, shape (B, C)
        Calibrated class probabilities.
    """

    band: str
    delta_mag: float
    before: Floats
    after: Floats
    probabilities_before: Floats
    probabilities_after: Floats


def attention_change(model: Model, batch: Batch, band: str, delta_mag: float) -> AttentionChange:
    """Make one photometric band fainter, leave the image as it is, and look again.

    The flux is multiplied by 10^(-0.4 Δm); its inverse variance and all else stay. Since the image does not change,
    neither do keys and values: what changes in the map is the query's doing alone.

    Parameters
    ----------
    model : Model
        With photometry, an image and a classification head.
    batch : mapping
        B objects.
    band : str
        Of the photometry.
    delta_mag : float
        Magnitudes; negative is brighter.

    Returns
    -------
    AttentionChange

    Raises
    ------
    ConfigurationError
        The model reads no photometry or does not attend to an image, or the band is not among its bands.
    """
    described = model.config.inputs.photometry
    if described is None:
        raise ConfigurationError(f"model {model.config.name} reads no photometry whose change could be shown")
    if band not in described.bands:
        raise ConfigurationError(unknown_name("band", band, described.bands))
    changed = _fainter(batch, described.bands.index(band), delta_mag)
    answers = [_probabilities(model, which) for which in (batch, changed)]
    return AttentionChange(
        band, delta_mag, attention_maps(model, batch), attention_maps(model, changed), answers[0], answers[1]
    )


def draw_attention(
    model: Model,
    batch: Batch,
    path: str | Path,
    *,
    objects: Sequence[int] = (0,),
    names: Sequence[str] | None = None,
    delta_mag: float = 1.0,
) -> Path:
    """Picture: per object its stamp in colour, where its photometry looks, and what a change of each band does.

    Parameters
    ----------
    model : Model
        As for `attention_change`.
    batch : mapping
        Holds the objects.
    path : path
        PNG to write.
    objects : sequence of int
        Places in the batch of the objects to draw, one row each; they need an image.
    names : sequence of str, optional
        What to call them.
    delta_mag : float
        By which each band is made fainter in its turn [mag].

    Returns
    -------
    Path

    Raises
    ------
    ConfigurationError
        As for `attention_change`, or an object has no image, or none is named.
    """
    from matplotlib.figure import Figure

    image = model.config.inputs.image
    if image is None:
        raise ConfigurationError(f"model {model.config.name} reads no image that attention could be drawn over")
    if not objects:
        raise ConfigurationError("no objects are named to draw; name at least one")
    chosen = _take(batch, torch.as_tensor(list(objects)))
    before = shares(attention_maps(model, chosen))
    for place, row in zip(objects, before, strict=True):
        if not np.isfinite(row).all():
            raise ConfigurationError(f"object {place} of the batch has no image to draw; leave it out")
    bands = model.config.inputs.photometry.bands if model.config.inputs.photometry else ()
    changes = [attention_change(model, chosen, band, delta_mag) for band in bands]
    answers = changes[0].probabilities_before if changes else _probabilities(model, chosen)
    moved = [shares(change.after) - before for change in changes]
    reach = max([float(np.abs(m).max()) for m in moved] or [1.0]) or 1.0
    patch = -(-image.shape[0] // before.shape[1])
    columns, rows = 2 + len(changes), len(chosen["image"]["flux"])
    figure = Figure(figsize=(1.75 * columns + 0.6, 2.2 * rows + 0.7), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    shown: dict[str, Any] = {}
    for i in range(rows):
        stamp = _stamp(chosen["image"], i)
        picture = colour_picture(stamp, image.bands, image.survey)
        axes[i, 0].imshow(picture, origin="lower")
        told = ", ".join(f"{c.lower()} {p:.2f}" for c, p in zip(model.classes, answers[i], strict=True))
        axes[i, 0].set_title(f"{names[i] if names else f'object {objects[i]}'}\n{told}", fontsize=7)
        light = np.nansum(stamp, 0)
        levels = float(np.nanmax(light)) * np.array([0.1, 0.5])
        maps = [(on_stamp(before[i], image.shape, patch), {"cmap": "viridis", "vmin": 0.0, "vmax": before.max()})]
        maps += [(on_stamp(m[i], image.shape, patch), {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}) for m in moved]
        for j, (values, style) in enumerate(maps, 1):
            shown["share" if j == 1 else "change"] = axes[i, j].imshow(values, origin="lower", **style)
            if levels[0] > 0:
                colour = "white" if j == 1 else "black"
                axes[i, j].contour(light, levels=levels, colors=colour, linewidths=0.6)
            title = "where its photometry looks"
            if j > 1:
                change = changes[j - 2]
                step = change.probabilities_after[i] - change.probabilities_before[i]
                top = int(np.abs(step).argmax())
                title = f"{change.band} {delta_mag:+g} mag\n{model.classes[top].lower()} {step[top]:+.2f}"
            axes[i, j].set_title(title, fontsize=7)
    for ax in axes.flat:
        ax.set_xticks([])
        ax.set_yticks([])
    bar = figure.colorbar(shown["share"], ax=axes[:, 1], location="bottom", shrink=0.9, aspect=15)
    bar.set_label("share of attention", fontsize=7)
    bar.ax.tick_params(labelsize=6)
    if changes:
        bar = figure.colorbar(shown["change"], ax=axes[:, 2:], location="bottom", shrink=0.5, aspect=40)
        bar.set_label(f"change of the share when that band is made {delta_mag:g} mag fainter", fontsize=7)
        bar.ax.tick_params(labelsize=6)
    with atomic_write(Path(path)) as file:
        figure.savefig(file, format="png", dpi=150)
    return Path(path)


def _probabilities(model: Model, batch: Batch) -> Floats:
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        answers = model.class_probabilities(batch)
    model.train(was_training)
    return answers.double().cpu().numpy()


def _fainter(batch: Batch, place: int, delta_mag: float) -> dict[str, Any]:
    flux = batch["photometry"]["flux"].clone()
    flux[:, place] *= 10 ** (-0.4 * delta_mag)
    return {**batch, "photometry": {**batch["photometry"], "flux": flux}}


def _take(batch: Batch, which: Tensor) -> dict[str, Any]:
    return {name: _take(value, which) if isinstance(value, Mapping) else value[which] for name, value in batch.items()}


def _stamp(image: Mapping[str, Tensor], i: int) -> Floats:
    """One object's flux (bands, y, x), NaN where not observed."""
    seen = (image["ivar"][i] > 0).expand_as(image["flux"][i])
    return torch.where(seen, image["flux"][i], torch.nan).double().cpu().numpy()
