"""What a model can be trained for, and what fitting needs to know of it."""

from __future__ import annotations

import math

import numpy as np

from asterism.errors import ConfigurationError, unknown_name
from asterism.learning.alignment import Alignment, Masked, sources_of
from asterism.learning.classification import Classification
from asterism.learning.config import TrainConfig
from asterism.learning.redshift import ClassAndRedshift, Redshift
from asterism.learning.training_set import STAR, TrainingSet
from asterism.models.redshift_families import RedshiftConfig

__all__ = ["TASKS", "Goal", "goal_of", "parse_tasks", "redshift_config"]

TASKS = ("classification", "redshift", "alignment")
"""What a model can be trained for: one of them, or the first two together."""

Goal = Classification | Redshift | ClassAndRedshift | Alignment | Masked


def parse_tasks(text: str) -> tuple[str, ...]:
    """Tasks as given on the command line, in the order of `TASKS`.

    Parameters
    ----------
    text : str
        Names with commas between them.

    Raises
    ------
    ConfigurationError
        A name is no task, naming the nearest, or there is none; alignment is among several.

    Examples
    --------
    >>> parse_tasks("redshift,classification")
    ('classification', 'redshift')
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in TASKS:
            raise ConfigurationError(unknown_name("task", name, TASKS))
    if "alignment" in names and len(set(names)) > 1:
        raise ConfigurationError(
            "--task alignment learns without labels and goes with no other task; train it by itself, and probe what it learned"
        )
    return tuple(name for name in TASKS if name in names)


def redshift_config(chosen: TrainingSet, config: TrainConfig) -> RedshiftConfig | None:
    """Configuration of the redshift head for a run's objects, None where redshift is not among the tasks.

    The grid ends at `redshift.z_max`, by default 2 % in 1 + z beyond the largest redshift of the training, validation
    and calibration parts (the test part has no say).

    Raises
    ------
    ConfigurationError
        The grid does not cover the redshifts, or there is nothing of a class but stars.
    """
    if "redshift" not in chosen.tasks:
        return None
    classes = tuple(name for name in chosen.classes if name != STAR)
    found = chosen.redshifts()
    z = np.concatenate([found[name] for name in classes or ("objects",)])
    settings = config.redshift.model_dump()
    z_max = settings.pop("z_max")
    if z_max is None:
        z_max = math.ceil(1000 * max(1.02 * (1 + float(z.max())) - 1, 0.05)) / 1000
    elif outside := int((z > z_max).sum()):
        raise ConfigurationError(
            f"the redshift grid ends at redshift.z_max={z_max:g} and {outside:,} of {len(z):,} objects to learn from lie"
            f' beyond (up to {z.max():.4g}); set it higher or leave them out with --where "redshift <= {z_max:g}"'
        )
    if z_max > 30:
        raise ConfigurationError(
            f"the largest redshift to learn from is {z.max():.4g}, beyond any object; leave it out with --where"
        )
    return RedshiftConfig(**settings, z_max=z_max, classes=classes)


def goal_of(chosen: TrainingSet, config: TrainConfig, redshift: RedshiftConfig | None) -> Goal:
    """Loss and score of a run's tasks.

    Parameters
    ----------
    chosen : TrainingSet
    config : TrainConfig
    redshift : RedshiftConfig or None
        As `redshift_config` gives it.

    Raises
    ------
    ConfigurationError
        A weight is given for a class that is not learned.
    """
    if "alignment" in chosen.tasks:
        return (
            Masked()
            if config.alignment.objective == "masked"
            else Alignment(sources_of(chosen.catalog), config.alignment.views)
        )
    if redshift is None:
        return Classification(chosen.classes, config.classification.class_weights)
    of_redshift = Redshift(redshift, chosen.classes)
    if "classification" not in chosen.tasks:
        return of_redshift
    return ClassAndRedshift(Classification(chosen.classes, config.classification.class_weights), of_redshift)
