"""One way to explain any model's answer: a map on the input's own pixels, or a number for each feature.

Every role that a model reads is explained by what the model has for it: class activation maps where the network names
layers, attention where it attends to an image, and integrated gradients for everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.explore.attention_maps import attention_maps, on_stamp, shares
from asterism.explore.class_activation import (
    GRAD_CAM,
    HIRES_CAM,
    check_cam,
    class_activation,
    has_input,
    on_input,
)
from asterism.explore.explained_scores import Target, choose_target
from asterism.explore.input_attributions import feature_attributions, pixel_attributions
from asterism.models.model import Model
from asterism.models.network import Batch, Network

__all__ = ["ATTENTION", "GRADIENTS", "METHODS", "Explanation", "explain"]

Floats = npt.NDArray[np.float64]

ATTENTION, GRADIENTS = "attention", "integrated gradients"

METHODS = {
    HIRES_CAM: "Σ (∂y/∂A) A over the layer's channels, y the explained number, each cell with its own gradient: above 0 where "
    "what the layer found there speaks for the answer",
    GRAD_CAM: "Σ α A over the layer's channels, α the mean gradient of the explained number: above 0 where what the layer "
    "found there speaks for the answer",
    ATTENTION: "share of the weights that an image patch has in what the model takes from the image, averaged over blocks "
    "and heads: where it looks, not which way that moves the answer",
    GRADIENTS: "what a feature or pixel adds to the explained number on the way from the baseline to the object; the sum "
    "over all of them is the difference of the two",
}
"""What a method's values are."""


@dataclass(frozen=True)
class Explanation:
    """One map, or one row of features, of one object.

    Attributes
    ----------
    object : int
        Place in the batch.
    object_id : str
    role : str
        ``photometry``, ``image``, ``spectrum`` or ``spectrum2d``.
    arm : str or None
        Of a 2D spectrum.
    layer : str
        Of the network, e.g. ``blue_before_attention``; ``input`` where nothing of the network is meant.
    method : str
        A key of `METHODS`.
    target : str
        What is explained: ``QSO``, ``z = 0.52``.
    values : ndarray, float64
        (y, x), (rows, pixels) or (pixels,) of the input as the model is given it (of strips the window that it reads), or
        one for each feature; NaN outside what a layer covers and where nothing was observed.
    features : tuple of str
        Their names; empty for maps.
    """

    object: int
    object_id: str
    role: str
    arm: str | None
    layer: str
    method: str
    target: str
    values: Floats
    features: tuple[str, ...] = ()


def explain(
    model: Model,
    batch: Batch,
    *,
    names: Sequence[str] | None = None,
    class_name: str | None = None,
    redshift: bool = False,
    cam: str = HIRES_CAM,
) -> list[Explanation]:
    """Explain a model's answer for every object of a batch.

    Parameters
    ----------
    model : Model
        Any; in evaluation mode afterwards if it was before.
    batch : mapping
        As `asterism.catalogs.stream` gives it, B objects.
    names : sequence of str, optional
        Their ids.
    class_name : str, optional
        Explain this class; each object's most probable one by default.
    redshift : bool
        Explain the redshift instead, as for models without classes.
    cam : str
        Which class activation map, one of `class_activation.CAMS`.

    Returns
    -------
    list of Explanation
        Object by object; roles that an object lacks are left out.

    Raises
    ------
    BadInputError
        Nothing of an object was observed that the model reads.
    ConfigurationError
        The model does not know the class or has no such answer, there is no such map, or captum is not installed.
    """
    check_cam(cam)
    roles = model.config.inputs.roles
    here = np.stack([has_input_of(model, batch, role) for role in roles])
    told = [str(name) for name in names] if names is not None else [f"object {i}" for i in range(here.shape[1])]
    for i in np.flatnonzero(~here.any(0)):
        groups = ", ".join(getattr(model.config.inputs, role).group for role in roles)
        raise BadInputError(f"object {told[i]} has nothing observed that the model reads ({groups}); leave it out")
    was_training = model.training
    model.eval()
    target = choose_target(model, batch, class_name, redshift=redshift)
    found: list[Explanation] = []
    for role in roles:
        found += _explain_role(model, batch, role, target, told, cam)
    model.train(was_training)
    return sorted(found, key=lambda one: one.object)


def has_input_of(model: Model, batch: Batch, role: str) -> npt.NDArray[np.bool_]:
    """Objects (B,) of which anything of a role was observed, in any arm."""
    if role != "spectrum2d":
        return has_input(batch, role).numpy()
    strips = model.config.inputs.spectrum2d
    assert strips is not None  # a role that is read
    arms = [one.name for one in strips.arms]
    return np.any([has_input(batch, role, arm).numpy() for arm in arms], 0)


def _explain_role(
    model: Model, batch: Batch, role: str, target: Target, names: Sequence[str], cam: str
) -> list[Explanation]:
    def listed(
        values: Floats, method: str, layer: str, arm: str | None = None, features: tuple[str, ...] = ()
    ) -> list[Explanation]:
        return [
            Explanation(i, names[i], role, arm, layer, method, target.names[i], one, features)
            for i, one in enumerate(values)
            if np.isfinite(one).any()
        ]

    layers = {name: layer for name, layer in model.network.cam_layers.items() if layer.role == role}
    if layers:
        cells = class_activation(model, batch, target, list(layers), cam=cam)
        return [
            one
            for name, layer in layers.items()
            for one in listed(on_input(model, batch, cells[name], layer), cam, name, layer.arm)
        ]
    if role == "image" and type(model.network).attention is not Network.attention:
        described = model.config.inputs.image
        assert described is not None
        maps = shares(attention_maps(model, batch))
        patch = -(-described.shape[0] // maps.shape[1])
        return listed(on_stamp(maps, described.shape, patch), ATTENTION, "attention")
    if role == "photometry":
        features, values = feature_attributions(model, batch, target)
        return listed(values, GRADIENTS, "input", features=features)
    if role == "spectrum2d":
        strips = model.config.inputs.spectrum2d
        assert strips is not None  # a role that is read
        arms = [one.name for one in strips.arms]
        return [
            one
            for arm in arms
            for one in listed(pixel_attributions(model, batch, target, role, arm), GRADIENTS, "input", arm)
        ]
    return listed(pixel_attributions(model, batch, target, role), GRADIENTS, "input")
