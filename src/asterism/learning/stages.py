"""Fitting in stages: the parts of a network that come first, one after another, before the network itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from asterism.learning.config import FitConfig
from asterism.learning.estimate import duration, estimate
from asterism.learning.fit import Batches, fit
from asterism.learning.run_record import write_history
from asterism.learning.steps import Augment, Batch, Task
from asterism.models.model import Model

__all__ = ["fit_stages"]


def fit_stages(
    model: Model,
    task: Task,
    train: Batches,
    validation: Batches,
    config: FitConfig,
    *,
    checkpoints: Path,
    histories: Path,
    seed: int = 0,
    augment: Augment | None = None,
    console: Console | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Fit the stages of a model's network (`Network.stages`) in their order; each ends frozen at its best epoch.

    A part that was fitted already is read from its checkpoint, one that was interrupted is continued: the result is the
    same to the bit as without an interruption. Networks without stages are left as they are.

    Parameters
    ----------
    model : Model
        Standardised.
    task, train, validation, seed, augment, console
        As for `fit.fit`.
    config : FitConfig
        The run's; what a stage has for itself (`Stage.fit`) goes before.
    checkpoints : Path
        Folder for one ``NAME.pt`` per stage.
    histories : Path
        Folder for one ``history-NAME.csv`` per stage.
    say : callable
        Is told what is fitted and about how long it takes.

    Raises
    ------
    BadInputError, OutputError, KeyboardInterrupt
        As `fit.fit`.
    """
    for name, stage in model.network.stages.items():
        settings = config.model_copy(update=stage.fit)
        checkpoint = checkpoints / f"{name}.pt"
        change = _reading(stage.network.inputs.roles, model.config.inputs.roles, augment)
        stage.requires_grad_(True)
        count = sum(p.numel() for p in stage.parameters())
        if checkpoint.exists():
            say(f"Continuing {model.config.name}'s {name} ({count:,} parameters) where it stopped.")
        elif console is not None:
            takes = duration(estimate(stage, task, train, settings, change).seconds)
            say(
                f"First {model.config.name}'s {name}: {count:,} parameters, {settings.epochs} epochs, learning rate"
                f" {settings.learning_rate:g}, about {takes}."
            )
        fitted = fit(
            stage,
            task,
            train,
            validation,
            settings,
            seed=seed,
            augment=change,
            checkpoint=checkpoint,
            console=console,
        )
        stage.requires_grad_(False)
        say(
            f"{name}: best validation score {fitted.best_score:.4f} at epoch {fitted.best_epoch + 1} of {fitted.epochs}."
        )
        write_history(histories / f"history-{name}.csv", fitted)


def _reading(reads: tuple[str, ...], all_roles: tuple[str, ...], augment: Augment | None) -> Augment | None:
    """The augmentation of what a part reads: turning images for a part that never sees them would be work for nothing."""
    if augment is None:
        return None
    unread = set(all_roles) - set(reads)

    def change(batch: Batch, generator: torch.Generator) -> dict[str, Any]:
        return {**augment({role: value for role, value in batch.items() if role not in unread}, generator)}

    return change
