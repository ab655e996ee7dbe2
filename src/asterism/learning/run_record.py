"""What a run says of itself: on the terminal, in the model card, in ``train.json`` and in ``history.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

import asterism
from asterism.learning.calibrate import Uncalibrated
from asterism.learning.config import TrainConfig, dotted
from asterism.learning.fit import Fitted
from asterism.learning.metrics import log_loss_values
from asterism.learning.run_state import Epoch
from asterism.learning.tasks import TASKS
from asterism.learning.training_set import TrainingSet
from asterism.models.densities import density as density_of
from asterism.models.densities import median
from asterism.models.model import Model

__all__ = ["card_of", "objects_of", "settings_that_count", "summary_of", "validation_metrics", "write_history"]

#: Settings that came later: said by nothing where they are as before, so that runs of then can be continued.
_LATER = frozenset(
    {"fit.accumulate", "fit.batch_norm", "fit.devices"}
    | {f"augment.{name}" for name in ("blur", "image_noise", "brightness", "fibre", "gap_runs")}
)


def objects_of(chosen: TrainingSet) -> str:
    """How many objects a run learns from, in words."""
    mix = ", ".join(f"{name} {count:,}" for name, count in chosen.counts["train"].items())
    mix = f" ({mix})" if chosen.classes else " with a redshift"
    if chosen.without_labels:
        return (
            f"Training on {chosen.objects('train'):,} objects without labels, stopping by"
            f" {chosen.objects('validation'):,} others of split {chosen.split!r}."
        )
    return (
        f"Training on {chosen.objects('train'):,} objects{mix}, stopping by {chosen.objects('validation'):,} and"
        f" calibrating on {chosen.objects('calibration'):,} others of split {chosen.split!r}."
    )


def validation_metrics(network: Model, answers: Uncalibrated) -> dict[str, float]:
    """Figures of the calibrated model on the validation part.

    Parameters
    ----------
    network : Model
        Calibrated.
    answers : Uncalibrated
        Of the validation part.

    Returns
    -------
    dict of str to float
        With classes ``accuracy`` and ``log_loss``. With redshifts, of the density of the true class:
        ``negative_log_likelihood``, and ``bias`` (median) and ``sigma_nmad`` = 1.4826 median|d - median d| of
        d = (median of p(z) - z) / (1 + z).
    """
    found = {}
    if network.classes:
        p, labels = network.temperature(answers.probabilities.double()), answers.labels
        found["accuracy"] = float((p.argmax(1) == labels).double().mean())
        found["log_loss"] = float(log_loss_values(p.numpy(), labels.numpy()).mean())
    if answers.densities is not None and answers.redshifts is not None and answers.density_index is not None:
        known = torch.isfinite(answers.redshifts)
        if bool(known.any()):
            told = network.redshift_calibration(answers.densities[known].double())
            pdf = told[torch.arange(len(told)), answers.density_index[known]].numpy()
            grid, z = network.redshift_head.grid.numpy(), answers.redshifts[known].double().numpy()
            found["negative_log_likelihood"] = float(-np.log(density_of(grid, pdf, z).clip(1e-9)).mean())
            away = (median(grid, pdf) - z) / (1 + z)
            found["bias"] = float(np.median(away))
            found["sigma_nmad"] = float(1.4826 * np.median(np.abs(away - np.median(away))))
    return found


def settings_that_count(config: TrainConfig, tasks: tuple[str, ...], *, adapting: bool, taught: bool) -> dict[str, Any]:
    """Settings that the run depends on: not how often it is saved, and not those of a task or step that is not taken."""
    idle = ["fit.checkpoint_seconds", *(f"{task}." for task in TASKS if task not in tasks)]
    if not adapting:
        idle.append("adapt.")
    if not taught:
        idle.append("teacher.")
    if config.fit.optimizer == "adamw":  # said by nothing, as before there was another: runs of then can be continued
        idle.append("fit.optimizer")
    usual = dotted(TrainConfig())
    return {
        key: value
        for key, value in dotted(config).items()
        if not key.startswith(tuple(idle)) and not (key in _LATER and value == usual[key])
    }


def card_of(chosen: TrainingSet, metrics: Mapping[str, float], told: list[str]) -> dict[str, Any]:
    """Fields of the model card."""
    return {
        "catalog": chosen.catalog.path.name,
        "catalog_fingerprint": chosen.catalog.fingerprint,
        "split": chosen.split,
        "class_mix": dict(chosen.counts["train"]) if chosen.classes else {},
        "metrics": dict(metrics),
        "metrics_on": f"validation part, {chosen.objects('validation'):,} objects, by which the epoch was chosen",
        "limits": tuple(told),
    }


def summary_of(
    made_from: Mapping[str, Any],
    chosen: TrainingSet,
    network: Model,
    fitted: Fitted,
    metrics: Mapping[str, float],
    told: list[str],
) -> dict[str, Any]:
    """The content of train.json."""
    summary: dict[str, Any] = {
        "asterism": asterism.__version__,
        **made_from,
        "catalog": {"path": str(chosen.catalog.path), "fingerprint": chosen.catalog.fingerprint},
        "classes": list(chosen.classes),
        "objects": {part: dict(counts) for part, counts in chosen.counts.items()},
        "parameters": sum(p.numel() for p in network.parameters()),
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch + 1,
    }
    if network.classes:
        summary["temperature"] = float(network.temperature.value)
    uncalibrated = {} if chosen.without_labels else {"log_loss_uncalibrated": fitted.best_score}
    if "redshift" in network.heads:
        head, calibration = network.redshift_head, network.redshift_calibration
        names = head.config.classes or ("objects",)
        summary["redshift"] = {
            "grid": {"points": head.config.points, "z_max": head.config.z_max},
            "calibration": {
                name: {"beta": [float(a), float(b)]} for name, (a, b) in zip(names, calibration.shape, strict=True)
            },
        }
        uncalibrated = {"score_uncalibrated": fitted.best_score}
    return {
        **summary,
        "validation": {**metrics, **uncalibrated},
        "warnings": told,
        "model_fingerprint": network.fingerprint,
    }


def write_history(path: Path, fitted: Fitted) -> None:
    """One line per epoch."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in fitted.history)
