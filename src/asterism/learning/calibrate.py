"""What is fitted after the weights: temperature, conformal sets and the width of p(z) on the calibration part, the domain on
the validation part.

Where the part is too small for one of them, it is left out or falls back, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from asterism.learning.config import CalibrateConfig
from asterism.learning.devices import to_device
from asterism.models.model import Model
from asterism.models.redshift import known_redshifts

__all__ = ["Uncalibrated", "calibrate", "run_over"]

#: Labelled objects below which a temperature is more noise than calibration (its standard error is then above 10 %).
SMALLEST_TEMPERATURE = 100

#: Redshifts below which the width of p(z) is more noise than calibration.
SMALLEST_REDSHIFTS = 100


@dataclass(frozen=True)
class Uncalibrated:
    """What a model says of a stream, before calibration.

    Attributes
    ----------
    probabilities : Tensor
        (N, C) float32, mean over members, of objects of which anything was observed; C = 0 without classes.
    labels : Tensor
        (N,) int64 class indices, -1 where unknown.
    magnitudes : Tensor
        (N,) in the reference band.
    vectors : Tensor
        (N, D) for the domain score.
    densities : Tensor or None
        (N, K, G) float32, mean over members, of the redshift head's K densities; None without one, as what follows.
    redshifts : Tensor or None
        (N,) true redshifts within the grid, NaN where there is none to learn.
    density_index : Tensor or None
        (N,) int64: which of the K densities the true redshift belongs to.
    """

    probabilities: Tensor
    labels: Tensor
    magnitudes: Tensor
    vectors: Tensor
    densities: Tensor | None = None
    redshifts: Tensor | None = None
    density_index: Tensor | None = None


@torch.no_grad()
def run_over(model: Model, batches: Iterable[Mapping[str, Any]], device: torch.device | None = None) -> Uncalibrated:
    """Run a model over a stream and keep what calibration needs of the objects of which anything was observed.

    Parameters
    ----------
    model : Model
        In evaluation mode afterwards, and on the CPU.
    batches : iterable of batches
    device : torch.device, optional
        Where to compute; the CPU by default.

    Returns
    -------
    Uncalibrated
        On the CPU.
    """
    device = device or torch.device("cpu")
    model.eval().to(device)
    parts: list[tuple[Tensor, ...]] = []
    for batch in batches:
        moved = to_device(batch, device)
        outputs = model(moved)
        informed = outputs["informed"]
        count = len(informed)
        logits = outputs.get("classification", torch.zeros((count, 1, 0), device=device))
        found = (
            logits.softmax(-1).mean(1),
            moved["label"].get("class", torch.full_like(moved["row"], -1)),
            model.magnitudes(moved),
            model.domain_vectors(outputs),
            *_redshifts(model, outputs, moved["label"]),
        )
        parts.append(tuple(value[informed].cpu() for value in found))
    model.to("cpu")
    return Uncalibrated(*(torch.cat(column) for column in zip(*parts, strict=True)))


def calibrate(model: Model, answers: Uncalibrated, config: CalibrateConfig, *, known: Tensor) -> list[str]:
    """Fit temperature, conformal sets, the width of p(z) and the domain score of a model in place.

    Parameters
    ----------
    model : Model
        With its final weights.
    answers : Uncalibrated
        Of the calibration part.
    config : CalibrateConfig
    known : Tensor
        (N, D) vectors of objects that are in the model's domain and that it was not fitted to: the validation part, and
        what it adapted to.

    Returns
    -------
    list of str
        A sentence for each thing that the part was too small for.
    """
    told = []
    if model.classes:
        told += _calibrate_classes(model, answers, config)
    if "redshift" in model.heads:
        told += _calibrate_redshifts(model, answers)
    if len(known) > model.domain.neighbours:
        model.domain.fit(known, config.domain_quantile)
    else:
        told.append(
            f"The validation part has {len(known)} objects, not more than the {model.domain.neighbours}"
            " neighbours of the domain score, so the model can't say what is out of its domain."
        )
    return told


def _redshifts(model: Model, outputs: Mapping[str, Tensor], label: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Densities (B, K, G), redshifts (B,) and which density they belong to (B,) of a batch."""
    if "redshift" not in model.heads:
        return ()
    nothing = torch.full(outputs["informed"].shape, torch.nan, device=outputs["informed"].device)
    head = model.redshift_head
    known, z, index = known_redshifts(head.config, model.classes, label.get("redshift", nothing), label.get("class"))
    return head.density(outputs["redshift"]), torch.where(known, z, torch.nan), index


def _calibrate_classes(model: Model, answers: Uncalibrated, config: CalibrateConfig) -> list[str]:
    """Temperature and conformal sets."""
    told = []
    labels = answers.labels
    labelled = int((labels >= 0).sum())
    if labelled >= SMALLEST_TEMPERATURE:
        model.temperature.fit(answers.probabilities, labels)
    else:
        told.append(
            f"The calibration part has {labelled} labelled objects, fewer than the {SMALLEST_TEMPERATURE} that a temperature"
            " needs, so probabilities stay as the network gives them."
        )
    if labelled:
        model.conformal.minimum = config.smallest_cell
        probabilities = model.temperature(answers.probabilities)
        model.conformal.fit(probabilities, labels, answers.magnitudes, config.coverage)
    for index, name in enumerate(model.classes):
        count = int((labels == index).sum())
        # With n objects the threshold is the ceil((n + 1) coverage)-th score: there must be one.
        if (count + 1) * config.coverage > count:
            told.append(
                f"The calibration part has {count} objects of class {name}, too few for a threshold at"
                f" {100 * config.coverage:g} % coverage, so {name} is in every set."
            )
    return told


def _calibrate_redshifts(model: Model, answers: Uncalibrated) -> list[str]:
    """Width and place of each density of the redshift head."""
    told = []
    densities, redshifts, which = answers.densities, answers.redshifts, answers.density_index
    assert densities is not None and redshifts is not None and which is not None  # noqa: PT018
    names = model.redshift_head.config.classes or ("",)
    for index, name in enumerate(names):
        mine = torch.isfinite(redshifts) & (which == index)
        count = int(mine.sum())
        if count >= SMALLEST_REDSHIFTS:
            model.redshift_calibration.fit(densities[mine, index], redshifts[mine], index)
        else:
            told.append(
                f"The calibration part has {count} redshifts{f' of class {name}' if name else ''}, fewer than the"
                f" {SMALLEST_REDSHIFTS} that the width of p(z) needs, so densities stay as the network gives them."
            )
    return told
