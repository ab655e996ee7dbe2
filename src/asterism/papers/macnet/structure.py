"""The networks' structure as the modules have it: layers with shapes and parameters (table 2), sizes and times (table 5)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from asterism.models.inputs import ImageInputs, ModelInputs
from asterism.models.model import create_model
from asterism.models.spectral_inputs import ArmInputs, Spectrum2DInputs, SpectrumInputs
from asterism.papers.macnet.methods import INPUTS
from asterism.papers.macnet.published import CLASSES, ORDER, TABLE_5

__all__ = ["layers", "modules", "paper_inputs", "sizes", "times"]

_ROUNDS = 5
_KINDS = {
    "SameConv2d": "convolution",
    "Conv2d": "convolution",
    "BatchNorm2d": "batch normalisation",
    "GroupNorm": "group normalisation",
    "SameMaxPool2d": "max pooling",
    "Linear": "dense",
}
_INCEPTION_ENDS = ("one", "three.2", "five.2", "pool.1")
"""Layers whose channels an Inception module puts together."""


def paper_inputs(model: str) -> ModelInputs:
    """What a model reads of the paper's objects: LAMOST's whole strips and grid, images of 64 × 64 pixels."""
    described: dict[str, Any] = {
        "spectrum2d": Spectrum2DInputs(
            group="spectrum2d_lamost",
            survey="lamost",
            arms=tuple(ArmInputs(name=name, rows=15, pixels=4136) for name in ("blue", "red")),
        ),
        "spectrum": SpectrumInputs(
            group="spectrum_lamost", survey="lamost", pixels=3909, grid="log10,3.5682,0.0001,3909", relative=True
        ),
        "image": ImageInputs(
            group="image_sdss",
            survey="sdss",
            bands=tuple("ugriz"),
            shape=(64, 64),
            pixel_scale=0.396,
            zero_point="sdss",
        ),
    }
    return ModelInputs(**{role: described[role] for role in INPUTS[model].split(",")})


def layers(model: str, size: str) -> list[dict[str, Any]]:
    """Every layer of a network with the shape of what it gives and its parameters, in the order in which they run.

    Parameters
    ----------
    model : str
        One of the five.
    size : str
        ``published`` or ``light``.

    Returns
    -------
    list of dict
        ``branch``, ``layer`` (path in the branch), ``kind``, ``shape`` (without the batch) and ``parameters``. Arms have
        equal branches: the blue one is told.
    """
    with torch.device("meta"):
        made = create_model(model, paper_inputs(model), CLASSES, {"size": size})
        made.eval()
        network: Any = made.network
        found: list[dict[str, Any]] = []
        for name, branch in network.branches.items():
            if name == "red":
                continue
            shape = (3, 64, 64) if name == "image" else (1, *network.readers[name].shape)
            found += _run(name, branch, torch.zeros(1, *shape))
        found += _run("dense", network.dense, torch.zeros(1, sum(network.widths.values())))
    head = sum(p.numel() for p in made.parameters()) - sum(p.numel() for p in network.parameters())
    found.append(
        {"branch": "head", "layer": "classification", "kind": "Linear", "shape": [len(CLASSES)], "parameters": head}
    )
    return found


def _run(branch: str, module: nn.Module, given: Tensor) -> list[dict[str, Any]]:
    """What a branch's layers give, told by those that have no layers below them."""
    found: list[dict[str, Any]] = []
    hooks = []
    for path, layer in module.named_modules():
        if next(layer.children(), None) is not None:
            continue

        def tell(layer: nn.Module, inputs: Any, output: Any, path: str = path) -> None:
            if any(one["layer"] == path for one in found):
                return  # CBAM asks its layers twice, of the means and of the maxima
            found.append(
                {
                    "branch": branch,
                    "layer": path,
                    "kind": type(layer).__name__,
                    "shape": list(output.shape[1:]),
                    "parameters": sum(p.numel() for p in layer.parameters()),
                }
            )

        hooks.append(layer.register_forward_hook(tell))
    with torch.no_grad():
        module(given)
    for hook in hooks:
        hook.remove()
    return found


def modules(layers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Layers under the names that papers give their kinds, those of an Inception module as one.

    Parameters
    ----------
    layers : sequence of mapping
        Of `layers`.

    Returns
    -------
    list of dict
        The same keys; without layers that neither have parameters nor change the shape.
    """
    found: list[dict[str, Any]] = []
    for layer in layers:
        _, _, module = layer["layer"].partition("inception_")
        if module:
            name, way = module.split(".", 1)
            if not found or found[-1]["layer"] != f"inception {name}":
                entry = {"branch": layer["branch"], "layer": f"inception {name}", "kind": "Inception module"}
                found.append({**entry, "shape": [0, *layer["shape"][1:]], "parameters": 0})
            found[-1]["parameters"] += layer["parameters"]
            if way in _INCEPTION_ENDS:
                found[-1]["shape"][0] += layer["shape"][0]
        elif layer["parameters"] or layer["kind"].endswith(("Pool2d", "Flatten")):
            found.append({**layer, "kind": _KINDS.get(layer["kind"], layer["kind"])})
    return found


def sizes() -> list[dict[str, Any]]:
    """Parameters and MiB of the five, published and light, beside what is published.

    Returns
    -------
    list of dict
        ``model``; ``published_mebibytes`` and ``published_milliseconds``; ``published`` and ``light``, each with
        ``parameters`` and ``mebibytes``; ``fewer``: how many times fewer the light one has.
    """
    told = []
    for model in ORDER:
        entry: dict[str, Any] = {
            "model": model,
            "published_mebibytes": TABLE_5[model].mebibytes,
            "published_milliseconds": TABLE_5[model].milliseconds,
        }
        for size in ("published", "light"):
            with torch.device("meta"):
                made = create_model(model, paper_inputs(model), CLASSES, {"size": size})
            count = sum(p.numel() for p in made.parameters())
            entry[size] = {"parameters": count, "mebibytes": count * 4 / 2**20}
        entry["fewer"] = entry["published"]["parameters"] / entry["light"]["parameters"]
        told.append(entry)
    return told


def times(sizes_too: Sequence[str] = ("published", "light"), rounds: int = _ROUNDS) -> dict[str, dict[str, float]]:
    """Milliseconds of inference of one object on this machine's processor, one thread, models in turn.

    Parameters
    ----------
    sizes_too : sequence of str
        Of ``published``, ``light``.
    rounds : int
        The median of so many is told.

    Returns
    -------
    dict
        By size, then by model.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        made = {(s, m): create_model(m, paper_inputs(m), CLASSES, {"size": s}).eval() for s in sizes_too for m in ORDER}
        batches = {model: _batch(network.config.inputs) for (_, model), network in made.items()}
        for (_, model), network in made.items():
            network.standardise([batches[model]])
        taken: dict[tuple[str, str], list[float]] = {key: [] for key in made}
        with torch.inference_mode():
            for turn in range(rounds + 1):
                for (size, model), network in made.items():
                    clock = time.perf_counter()
                    network.probabilities(network(batches[model]))
                    if turn:  # the first warms up
                        taken[size, model].append(1000 * (time.perf_counter() - clock))
    finally:
        torch.set_num_threads(before)
    return {s: {m: statistics.median(taken[s, m]) for m in ORDER} for s in sizes_too}


def _batch(described: ModelInputs) -> dict[str, Any]:
    """One object of noise: the time does not depend on what it shows."""
    random = torch.Generator().manual_seed(0)
    batch: dict[str, Any] = {"label": {"class": torch.zeros(1, dtype=torch.int64)}}
    there = torch.ones(1, dtype=torch.bool)

    def noise(*shape: int) -> Tensor:
        return torch.randn(1, *shape, generator=random)

    if described.spectrum is not None:
        pixels = described.spectrum.pixels
        batch["spectrum"] = {"flux": noise(pixels), "ivar": torch.ones(1, pixels), "present": there}
    if described.spectrum2d is not None:
        batch["spectrum2d"] = {"present": there}
        for arm in described.spectrum2d.arms:
            batch["spectrum2d"][arm.name] = noise(arm.rows, arm.pixels)
            batch["spectrum2d"][f"{arm.name}_ivar"] = torch.ones(1, arm.rows, arm.pixels)
    if described.image is not None:
        image = described.image
        shape = (len(image.bands), *image.shape)
        batch["image"] = {
            "flux": noise(*shape),
            "ivar": torch.ones(1, *shape),
            "psf_fwhm": torch.full((1, len(image.bands)), 1.3),
            "present": there,
        }
    return batch
