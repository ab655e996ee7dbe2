"""The fit of a run: standardise, say what to expect, and find the weights, or go on finding them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from asterism.catalogs.bands import band_info, depth_sigma
from asterism.errors import AsterismError
from asterism.learning.adapt import adapt
from asterism.learning.alignment import Alignment, Masked, MaskedModel, TwoViews
from asterism.learning.augment import Augmentation
from asterism.learning.classification import Classification
from asterism.learning.config import AugmentConfig, FitConfig, TrainConfig
from asterism.learning.devices import training_device
from asterism.learning.distillation import Distilled, Lessons
from asterism.learning.estimate import duration, estimate, size
from asterism.learning.fit import Batches, Fitted, fit
from asterism.learning.former_run import FormerRun
from asterism.learning.locked import LockedModel
from asterism.learning.progress import FitProgress
from asterism.learning.run_record import write_history
from asterism.learning.stages import fit_stages
from asterism.learning.steps import Augment, JointTask, Task
from asterism.learning.tasks import Goal
from asterism.learning.training_set import TrainingSet, UnlabelledSet
from asterism.learning.whiten_model import whiten_model
from asterism.models.inputs import ModelInputs
from asterism.models.model import Model

__all__ = ["CHECKPOINT", "READ_SIZE", "adapt_run", "fit_run", "sky_sigma", "teller"]

CHECKPOINT = Path("checkpoints", "last.pt")
"""Where a run keeps its state while it fits."""

_EMBEDDED = "locked.safetensors"

READ_SIZE = 2048
"""Most objects per batch where nothing is learned from them."""


def fit_run(
    network: Model,
    goal: Goal,
    chosen: TrainingSet,
    fainter: UnlabelledSet | None,
    lessons: Lessons | None,
    former: FormerRun | None,
    config: TrainConfig,
    seed: int,
    directory: Path,
    console: Console | None,
) -> Fitted:
    """Standardise a model and fit it, or go on fitting it from the checkpoint in the run's directory.

    Parameters
    ----------
    network : Model
        New.
    goal : Goal
    chosen : TrainingSet
    fainter : UnlabelledSet, optional
        What will be adapted to.
    lessons : Lessons, optional
        A teacher's answers.
    former : FormerRun, optional
        Whose weights to begin with.
    config : TrainConfig
    seed : int
    directory : Path
        Of the run.
    console : rich.console.Console, optional

    Returns
    -------
    Fitted

    Raises
    ------
    BadInputError, OutputError, KeyboardInterrupt
        As `fit.fit`.
    """
    say = teller(console)
    # What is to be adapted to sets the scale of the inputs as well, or it would lie where their tails are compressed.
    also = None if lessons is None else lessons.rows.numpy()
    task: Task | JointTask = goal
    if lessons is not None:
        assert not isinstance(goal, Alignment | Masked)  # a teacher teaches labels
        task = Distilled(goal, lessons, config.teacher.weight, config.teacher.temperature)
    at_once = network.config.inputs.at_once(READ_SIZE)
    known = chosen.stream("train", at_once, also=also)
    network.standardise(known if fainter is None else chain(known, fainter.stream(None, at_once)))
    if former is not None:
        taken = network.network.begin_with(former.model.network)
        say(f"Starting from {former.path}: its weights for {' and '.join(taken)}.")
    locked = config.alignment.lock if isinstance(goal, Alignment) else None
    # What is locked is embedded once, and not read after that.
    learned = chosen if locked is None else chosen.only(_other(locked))
    stream = learned.stream("train", config.fit.batch_size, shuffle=True, seed=seed, also=also)
    validation = learned.stream("validation", config.alignment.validation_size if chosen.without_labels else at_once)
    settings = config.augment
    if fainter is not None and not settings.dimming:
        settings = settings.model_copy(update={"dimming": config.adapt.dimming})
    augment = augmentation(settings, network)
    shown: Augment | None = augment
    views = augment if config.alignment.whiten_by == "views" else None
    if isinstance(goal, Alignment) and goal.views:
        assert augment is not None  # `alignment_checks` has seen to it
        shown = TwoViews(augment)
    checkpoint = directory / CHECKPOINT
    fitted_model: nn.Module = network
    if isinstance(goal, Masked):
        fitted_model = MaskedModel(network, config.alignment.mask_share)
    if not checkpoint.exists():  # the last checkpoint holds the parts that were fitted before
        if isinstance(goal, Alignment) and config.alignment.pretrain_epochs:
            _pretrain(network, chosen, config, seed, augment, checkpoint, console)
        # What a run to start from has whitened is left so, unless it learns on, or views are asked to decide.
        if locked is not None and (config.alignment.pretrain_epochs or views is not None or _plain(network, locked)):
            whiten_model(network, chosen, (locked,), seed, training_device(config.fit), say, views)
        if not isinstance(goal, Alignment | Masked):
            fit_stages(
                network,
                task,  # type: ignore[arg-type]
                stream,
                validation,
                config.fit,
                checkpoints=checkpoint.parent,
                histories=directory,
                seed=seed,
                augment=augment,
                console=console,
                say=say,
            )
    if locked is not None:
        kept = checkpoint.with_name(_EMBEDDED)
        fitted_model = LockedModel.of(network, locked, chosen, training_device(config.fit), kept)
    _expect(network.config.name, fitted_model, task, stream, config.fit, shown, checkpoint, console)
    fitted = fit(
        fitted_model,
        task,
        stream,
        validation,
        config.fit,
        seed=seed,
        augment=shown,
        checkpoint=checkpoint,
        console=console,
    )
    if isinstance(goal, Masked):
        roles = network.network.inputs.roles
        whiten_model(network, chosen, roles, seed, training_device(config.fit), say, views)
    return fitted


def _plain(network: Model, role: str) -> bool:
    """Whether a modality's embedding is not whitened yet; that of a run to start from may be."""
    return bool(network.network.maps[role].plain)  # type: ignore[index, union-attr]  # of networks that are aligned


def _other(role: str) -> str:
    return "image" if role == "spectrum" else "spectrum"


def _pretrain(
    network: Model,
    chosen: TrainingSet,
    config: TrainConfig,
    seed: int,
    augment: Augmentation | None,
    last: Path,
    console: Console | None,
) -> None:
    """Masked modelling before the alignment, of what will be locked alone; it ends with its best epoch's weights."""
    say = teller(console)
    given = config.alignment
    if given.lock is not None:
        chosen = chosen.only(given.lock)
    validation = chosen.stream("validation", given.validation_size)
    own = {
        "epochs": given.pretrain_epochs,
        "batch_size": given.pretrain_batch_size or config.fit.batch_size,
        "learning_rate": given.pretrain_learning_rate or config.fit.learning_rate,
    }
    if given.pretrain_batch_size:
        own["accumulate"] = 1  # batches are put together for the sake of the contrast, and here is none
    settings = config.fit.model_copy(update=own)
    stream = chosen.stream("train", settings.batch_size, shuffle=True, seed=seed)
    masked = MaskedModel(network, config.alignment.mask_share)
    checkpoint = last.with_name("masked.pt")
    say(f"First masked modelling of {'each modality alone' if given.lock is None else f'the {given.lock} alone'}.")
    _expect(network.config.name, masked, Masked(), stream, settings, augment, checkpoint, console)
    fitted = fit(
        masked,
        Masked(),
        stream,
        validation,
        settings,
        seed=seed,
        augment=augment,
        checkpoint=checkpoint,
        console=console,
    )
    say(f"Masked: best validation loss {fitted.best_score:.4f} at epoch {fitted.best_epoch + 1} of {fitted.epochs}.")
    write_history(last.parent.parent / "history-masked.csv", fitted)


def _expect(
    name: str,
    model: nn.Module,
    task: Task | JointTask,
    stream: Batches,
    config: FitConfig,
    augment: Augment | None,
    checkpoint: Path,
    console: Console | None,
) -> None:
    """Say how large the model is and how long it will take."""
    parameters = sum(p.numel() for p in model.parameters())
    if checkpoint.exists():
        teller(console)(f"Continuing {name} ({parameters:,} parameters) where it stopped.")
    elif console is not None:
        expected = estimate(model, task, stream, config, augment)
        memory = "" if expected.memory is None else f" and {size(expected.memory)} of memory"
        teller(console)(
            f"{name} has {parameters:,} parameters; {config.epochs} epochs take about"
            f" {duration(expected.seconds)}{memory}."
        )


def adapt_run(
    network: Model,
    goal: Classification,
    chosen: TrainingSet,
    fainter: UnlabelledSet,
    config: TrainConfig,
    seed: int,
    console: Console | None,
) -> None:
    """Adapt to the unlabelled objects, with a progress bar.

    Parameters
    ----------
    network, goal, chosen, fainter, config, seed, console
        As for `fit_run`; the model is fitted.
    """
    teller(console)(
        f"Adapting to {len(fainter.catalog):,} objects of {fainter.catalog.path.name} without labels, in"
        f" {config.adapt.steps} steps of magnitude."
    )
    with FitProgress(console) as progress:
        progress.total(config.adapt.steps * config.adapt.updates)
        adapt(
            network,
            goal,
            lambda size: chosen.stream("train", size, shuffle=True, seed=seed),
            lambda rows, size: fainter.stream(rows, size, seed=seed),
            config.adapt,
            config.fit,
            seed=seed,
            augment=augmentation(config.augment, network),
            device=training_device(config.fit),
            progress=lambda done, total: progress.step(done),
        )


def augmentation(config: AugmentConfig, network: Model) -> Augmentation | None:
    """What is done to a run's training objects, None for nothing."""
    inputs = network.config.inputs
    scale = None if inputs.image is None else inputs.image.pixel_scale
    found = Augmentation(config, sky_sigma(inputs), scale)
    return found if found.active else None


def teller(console: Console | None) -> Callable[[str], None]:
    """Prints sentences, or nothing without a console."""

    def say(text: str) -> None:
        if console is not None:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    return say


def sky_sigma(inputs: ModelInputs) -> torch.Tensor | None:
    """Noise of the survey's sky per photometric band [nanomaggy], from its published depth; infinity where unknown."""
    if inputs.photometry is None:
        return None
    sigmas = []
    for band in inputs.photometry.bands:
        try:
            depth = band_info(inputs.photometry.survey, band).depth_5sigma
        except AsterismError:  # a survey or band without published numbers
            depth = None
        sigmas.append(float("inf") if depth is None else float(depth_sigma(depth)))
    return torch.tensor(sigmas)
