"""What learning redshifts needs otherwise than learning classes, where the user does not say.

A class is decided by differences of tenths of a magnitude, a galaxy's redshift by hundredths. Noise on the inputs, which
keeps classes honest, blurs redshifts, and so does a strong dropout; and a few thousand objects are too few for 30 passes to
find a width of one or two per cent. The figures by which this was chosen are in docs/results/real-photoz.md.

Alignment learns from what two views of an object share, so that views are varied as observations vary, and its encoders
are transformers, which take smaller steps the larger they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from asterism.learning.config import FitConfig, TrainConfig

__all__ = ["ALIGNMENT_RATES", "ALIGNMENT_VIEWS", "LEAST_STEPS", "REDSHIFT_OPTIONS", "with_recipe"]

LEAST_STEPS = 1500
"""Steps that a fit with redshifts has at least: a small training part is gone over more often for it."""

REDSHIFT_OPTIONS: dict[str, dict[str, Any]] = {"margformer": {"noise": 0.0, "dropout": 0.1}}
"""Options of models of ours where redshift is the only task; those of published ones stay as published."""

ALIGNMENT_RATES = {"tiny": 1e-3, "small": 5e-4, "base": 3e-4}
"""Peak learning rates of alignment by the model's ``size``; of others that of tiny."""

ALIGNMENT_VIEWS: dict[str, Any] = {
    "shift": 4.0,
    "blur": 1.0,
    "image_noise": 1.0,
    "exposure": 1.0,
    "calibration": 0.05,
    "fibre": 0.1,
    "gaps": 0.5,
    "gap_runs": 2,
}
"""Augmentation of alignment."""


def with_recipe(config: TrainConfig, tasks: Sequence[str], model: str, objects: int) -> TrainConfig:
    """Settings of a run with what its tasks need, wherever the user has not said otherwise.

    Parameters
    ----------
    config : TrainConfig
        What was set counts as said, also where it is the default's value.
    tasks : sequence of str
        What is learned. For classification alone nothing changes.
    model : str
        Name of the model.
    objects : int
        Size of the training part.

    Returns
    -------
    TrainConfig
        With ``fit.epochs`` for at least `LEAST_STEPS` steps, ``fit.patience`` in proportion, and, where redshift is the
        only task, ``model.*`` of `REDSHIFT_OPTIONS`. For alignment ``fit.learning_rate`` of `ALIGNMENT_RATES` and ``augment.*``
        of `ALIGNMENT_VIEWS`.

    Examples
    --------
    >>> with_recipe(TrainConfig(), ["redshift"], "margformer", 5000).fit.epochs
    75
    >>> with_recipe(TrainConfig(), ["classification"], "margformer", 5000).fit.epochs
    30
    """
    if "alignment" in tasks:
        return _aligned(config)
    if "redshift" not in tasks:
        return config
    fit, said = config.fit, config.fit.model_fields_set
    usual = FitConfig()
    if "epochs" not in said:
        steps = max(1, math.ceil(objects / fit.batch_size))
        fit = fit.model_copy(update={"epochs": max(usual.epochs, math.ceil(LEAST_STEPS / steps))})
    if "patience" not in said:
        share = usual.patience / usual.epochs
        fit = fit.model_copy(update={"patience": max(usual.patience, math.ceil(share * fit.epochs))})
    options = dict(config.model)
    if tuple(tasks) == ("redshift",):
        options = REDSHIFT_OPTIONS.get(model, {}) | options
    return config.model_copy(update={"fit": fit, "model": options})


def _aligned(config: TrainConfig) -> TrainConfig:
    fit, augment = config.fit, config.augment
    if "learning_rate" not in fit.model_fields_set:
        rate = ALIGNMENT_RATES.get(str(config.model.get("size")), ALIGNMENT_RATES["tiny"])
        fit = fit.model_copy(update={"learning_rate": rate})
    views = {key: value for key, value in ALIGNMENT_VIEWS.items() if key not in augment.model_fields_set}
    return config.model_copy(update={"fit": fit, "augment": augment.model_copy(update=views)})
