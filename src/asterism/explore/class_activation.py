"""Class activation maps: which part of a stamp, strip or spectrum a convolutional layer counts for the answer.

Grad-CAM (Selvaraju et al. 2017, ICCV, eqs 1 and 2; doi 10.1109/ICCV.2017.74) as captum computes it: with A_k the layer's
channels and y the explained number, α_k = the mean over the layer's cells of ∂y/∂A_k, and the map is Σ_k α_k A_k. Their
ReLU is left to who draws or sums a map: the signed values order all pixels, which deleting the highest of them needs.

α's mean is right where cells are pooled before the head. Where a dense layer weighs each cell on its own, as in MAC-Net, a
channel can speak for the class in one place and against it in another, and the mean hides it: HiResCAM (Draelos & Carin
2020, arXiv:2011.08891, eq. 5), Σ_k ∂y/∂A_k A_k cell by cell, does not take the mean. Where cells are pooled the two order
pixels alike, so HiResCAM is what is taken where nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from asterism.errors import ConfigurationError, unknown_name
from asterism.explore.explained_scores import Target, taken
from asterism.models.model import Model
from asterism.models.network import Batch, CamLayer, present

__all__ = [
    "CAMS",
    "GRAD_CAM",
    "HIRES_CAM",
    "check_cam",
    "class_activation",
    "has_input",
    "need_captum",
    "on_input",
    "to_pixels",
]

Floats = npt.NDArray[np.float64]

HIRES_CAM, GRAD_CAM = "hirescam", "grad-cam"
CAMS = (HIRES_CAM, GRAD_CAM)
"""Names of the two maps, the default first."""

_AT_ONCE = 16  # objects whose layers are held with their gradients


def need_captum() -> None:
    """Say in one sentence what is missing where captum is not installed.

    Raises
    ------
    ConfigurationError
        It is not.
    """
    from importlib.util import find_spec

    if find_spec("captum") is None:
        raise ConfigurationError("explanations need captum; pip install 'asterism[explore]'")


def check_cam(cam: str) -> str:
    """The name of a map, if there is such.

    Raises
    ------
    ConfigurationError
        There is not; names the nearest.
    """
    if cam not in CAMS:
        raise ConfigurationError(unknown_name("class activation map", cam, CAMS))
    return cam


def has_input(batch: Batch, role: str, arm: str | None = None) -> Tensor:
    """Objects (B,) bool of which a role, or an arm of a 2D spectrum, holds anything observed."""
    values = batch[role]
    if role != "spectrum2d" or arm is None:
        return present(values)
    return values["present"] & (values[f"{arm}_ivar"] > 0).flatten(1).any(1)


def class_activation(
    model: Model, batch: Batch, target: Target, layers: Sequence[str] | None = None, *, cam: str = HIRES_CAM
) -> dict[str, Floats]:
    """Class activation maps of the layers that a network names.

    Parameters
    ----------
    model : Model
    batch : mapping
        As `asterism.catalogs.stream` gives it, B objects.
    target : Target
        The explained number of each.
    layers : sequence of str, optional
        Of ``model.network.cam_layers``; all by default.
    cam : str
        One of `CAMS`.

    Returns
    -------
    dict of str to ndarray
        By layer (B, h, w) in cells of the layer; signed, NaN for objects without that role or arm. `on_input` brings
        them to the input's pixels.

    Raises
    ------
    ConfigurationError
        captum is not installed, or there is no such layer or map.
    """
    check_cam(cam)
    need_captum()
    from captum.attr import LayerGradCam, LayerGradientXActivation

    known = dict(model.network.cam_layers)
    for name in layers or ():
        if name not in known:
            raise ConfigurationError(unknown_name(f"layer of model {model.config.name}", name, known))
    was_training = model.training
    model.eval()
    found: dict[str, Floats] = {}
    for name in known if layers is None else layers:
        layer = known[name]
        where = has_input(batch, layer.role, layer.arm).nonzero()[:, 0].tolist()
        parts = []
        for start in range(0, len(where), _AT_ONCE):
            places = where[start : start + _AT_ONCE]
            part, aim = taken(batch, places), target.take(places)
            # An input that needs a gradient: the layer's output then has one even where weights are frozen.
            field = str(layer.arm) if layer.role == "spectrum2d" else "flux"
            flux = part[layer.role][field].clone().requires_grad_()

            def scores(
                values: Tensor, part: Any = part, aim: Target = aim, layer: Any = layer, field: str = field
            ) -> Tensor:
                return aim.scores(model, {**part, layer.role: {**part[layer.role], field: values}})

            if cam == HIRES_CAM:
                told = LayerGradientXActivation(scores, layer.module).attribute(flux).sum(1, keepdim=True)
            else:
                told = LayerGradCam(scores, layer.module).attribute(flux)
            if len(told) != len(places):
                raise ConfigurationError(f"layer {name} of model {model.config.name} does not run once for each object")
            parts.append(told[:, 0].detach().double().cpu().numpy())
        whole = np.full((len(target.index), *(parts[0].shape[1:] if parts else (1, 1))), np.nan)
        if parts:
            whole[where] = np.concatenate(parts)
        found[name] = whole
    model.train(was_training)
    return found


def to_pixels(cells: Floats, shape: Sequence[int], stride: Sequence[int]) -> Floats:
    """Maps over a layer's cells brought to the pixels that they stand for, linearly between the cells' middles.

    Parameters
    ----------
    cells : ndarray
        (B, h, w).
    shape : sequence of int
        Rows and pixels that the layer was made from.
    stride : sequence of int
        Rows and pixels of a cell; the last one may reach beyond the edge, and is cut there.

    Returns
    -------
    ndarray, shape (B, *shape), float64
    """
    maps = np.asarray(cells, dtype=np.float64)
    for axis, (size, width) in enumerate(zip(shape, stride, strict=True), 1):
        count = maps.shape[axis]
        place = np.clip((np.arange(size) + 0.5) / width - 0.5, 0, count - 1)
        low = np.minimum(place.astype(int), max(count - 2, 0))
        share = (place - low).reshape([-1 if i == axis else 1 for i in range(maps.ndim)])
        high = np.minimum(low + 1, count - 1)
        maps = np.take(maps, low, axis) * (1 - share) + np.take(maps, high, axis) * share
    return maps


def on_input(model: Model, batch: Batch, cells: Floats, layer: CamLayer) -> Floats:
    """Maps over a layer's cells (B, h, w) on the input's pixels as the batch holds them, NaN outside what the layer covers.

    Parameters
    ----------
    model : Model
    batch : mapping
        The objects' inputs.
    cells : ndarray
        Of `class_activation`.
    layer : CamLayer
        Says which pixels its cells cover.

    Returns
    -------
    ndarray, float64
        (B, rows, pixels) of a stamp or strip, (B, pixels) of a spectrum.
    """
    (first, last), (low, high) = layer.rows, layer.columns
    maps = to_pixels(cells, (last - first, high - low), layer.stride)
    if layer.role == "spectrum":
        described = model.config.inputs.spectrum
        assert described is not None
        assert layer.wavelength is not None
        start, end = layer.wavelength
        middles = start + (np.arange(high - low) + 0.5) * (end - start) / (high - low)
        inside = (described.wavelength >= start) & (described.wavelength <= end)
        whole = np.full((len(maps), described.pixels), np.nan)
        for row, told in zip(whole, maps[:, 0], strict=True):
            row[inside] = np.interp(described.wavelength[inside], middles, told)
        return whole
    stored = batch[layer.role][str(layer.arm) if layer.role == "spectrum2d" else "flux"].shape[-2:]
    if layer.role == "spectrum2d":
        strips = model.config.inputs.spectrum2d
        cut = strips.arm(str(layer.arm)) if strips is not None else None
        assert cut is not None
        first, last, low, high = (
            first - cut.first_row,
            last - cut.first_row,
            low - cut.first_pixel,
            high - cut.first_pixel,
        )
    whole = np.full((len(maps), *stored), np.nan)
    whole[:, first:last, low:high] = maps
    return whole
