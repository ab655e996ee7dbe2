"""Training: from a catalog to a run, a directory that holds a calibrated model and how it came about.

A run is a model directory (config.json, model.safetensors, README.md) with, beside it, ``train.json`` (what it was made
from and how it went), ``history.csv`` (one line per epoch), ``seen.parquet`` (every source that the model has seen, with
or without a label) and, where asked for, ``baselines/``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.outputs import Output
from asterism.catalogs.roles import bind_roles
from asterism.errors import ConfigurationError
from asterism.learning.alignment import Alignment, Masked, alignment_figures, head_config
from asterism.learning.alignment_checks import check_objective, check_pairs
from asterism.learning.augment import check_dimming
from asterism.learning.baseline_set import BaselineSet
from asterism.learning.baselines import check_libraries
from asterism.learning.calibrate import calibrate, run_over
from asterism.learning.classification import Classification
from asterism.learning.config import TrainConfig
from asterism.learning.devices import training_device
from asterism.learning.former_run import FormerRun
from asterism.learning.recipe import with_recipe
from asterism.learning.run_fit import CHECKPOINT, READ_SIZE, adapt_run, fit_run, teller
from asterism.learning.run_record import (
    card_of,
    objects_of,
    settings_that_count,
    summary_of,
    validation_metrics,
    write_history,
)
from asterism.learning.tasks import TASKS, goal_of, parse_tasks, redshift_config
from asterism.learning.teacher import Teacher
from asterism.learning.training_set import UnlabelledSet, choose_objects
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model
from asterism.models.registry import network_class

__all__ = ["TASKS", "TrainedRun", "train"]

_SCORES = {"classification": "log-loss", "redshift": "CDE loss", "alignment": "loss"}


@dataclass(frozen=True)
class TrainedRun:
    """A finished run.

    Attributes
    ----------
    path : Path
    existed : bool
        It was there already, made from the same inputs; nothing was done.
    summary : mapping
        The content of ``train.json``.
    """

    path: Path
    existed: bool
    summary: Mapping[str, Any]


def train(
    catalog: Catalog | str | Path,
    out: str | Path,
    *,
    model: str = "margformer",
    task: str = "classification",
    inputs: str | None = None,
    split: str | None = None,
    where: str | None = None,
    config: TrainConfig | None = None,
    adapt_to: Catalog | str | Path | None = None,
    teacher: str | Path | None = None,
    start: str | Path | None = None,
    baselines: bool = False,
    seed: int = 0,
    overwrite: bool = False,
    console: Console | None = None,
) -> TrainedRun:
    """Train a model on a catalog and write the run.

    Parameters
    ----------
    catalog : Catalog or path
    out : path
        Directory of the run. An interrupted run with the same inputs is continued.
    model : str
        One of `models.model.model_names`.
    task : str
        One of `TASKS`, or classification and redshift with a comma between them.
    inputs : str, optional
        Roles to read, see `catalogs.roles.bind_roles`; everything that the catalog has by default.
    split : str, optional
        Name of a split; by default the one named ``default``, which is made where it lacks.
    where : str, optional
        Condition on the objects.
    config : TrainConfig, optional
    adapt_to : Catalog or path, optional
        Fainter objects to adapt to without their labels, see `learning.adapt`.
    teacher : path, optional
        A finished run that reads other inputs of the same catalog, whose answers are learned beside the labels, see
        `learning.teacher`.
    start : path, optional
        A finished run of the same model, whose weights and standardisation the new one begins with, as far as both read the same;
        its options hold where the configuration names none.
    baselines : bool
        Fit LightGBM, XGBoost and a perceptron beside it; for redshifts LightGBM and a random forest.
    seed : int
        Of weights, order, dropout and augmentation.
    overwrite : bool
        Replace a run made from other inputs.
    console : rich.console.Console, optional
        Is told what is done, with a progress bar where it is a terminal; silent without.

    Returns
    -------
    TrainedRun

    Raises
    ------
    ConfigurationError
        An unknown model, task, option or input.
    BadInputError
        The catalog lacks objects, classes or redshifts to learn from.
    LeakError
        Objects to be seen are of sources of the split's test part.
    OutputError
        The place holds something else, or a run made from other inputs.
    """
    config = config or TrainConfig()
    say = teller(console)
    tasks = parse_tasks(task)
    if adapt_to is not None and tasks != ("classification",):
        raise ConfigurationError(
            "--adapt is for --task classification: there is no way yet to name redshifts of others"
        )
    if adapt_to is not None and teacher is not None:
        raise ConfigurationError("--adapt and --teacher each name objects without labels; give one of them")
    if "alignment" in tasks and (baselines or teacher is not None):
        raise ConfigurationError(
            f"--task alignment reads no label, and {'--baselines' if baselines else '--teacher'} goes by labels; leave it out"
        )
    network_class(model)  # before a split is made: an unknown name must leave nothing behind
    former = None if start is None else FormerRun.open(start, "the run to start from")
    if former is not None:
        config = _as_begun(former, model, config)
    catalog = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
    bindings = bind_roles(catalog.schema, inputs)
    reads = ModelInputs.from_bindings(bindings, config.inputs.quantities)
    check_dimming(config.augment, reads.roles)
    if baselines:
        check_libraries()
    if "alignment" in tasks:
        # What the recipe of alignment adds does not go by the number of objects.
        augment = with_recipe(config, tasks, model, 0).augment
        begun = () if former is None else former.model.config.inputs.roles
        check_objective(config.alignment, model, reads.roles, config.fit, augment, begun)
    chosen = choose_objects(catalog, bindings, split=split, where=where, tasks=tasks)
    mentor = None if teacher is None else Teacher.open(teacher, chosen)
    config = with_recipe(config, tasks, model, chosen.objects("train") + (len(mentor.unlabelled) if mentor else 0))
    redshift = redshift_config(chosen, config)
    if mentor is not None:
        mentor.check_grid(redshift)
    goal = goal_of(chosen, config, redshift)
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(seed)
        aligned = head_config(config.alignment) if "alignment" in tasks else None
        network = create_model(model, reads, chosen.classes or None, config.model, redshift=redshift, alignment=aligned)
    # Of spectra only what the model reads is streamed: wavelengths would double the cache.
    chosen = replace(chosen, bindings=network.config.inputs.check(catalog.schema, str(catalog.path)))
    if isinstance(goal, Alignment):
        check_pairs(chosen.pairs(), f"split {chosen.split!r} of {catalog.path}")
    fainter = None if adapt_to is None else UnlabelledSet.of(adapt_to, network.config.inputs)
    seen = SourceSet.union([chosen.seen(), fainter.seen()]) if fainter else chosen.seen()
    if mentor is not None:
        seen = SourceSet.union([seen, mentor.seen_by_student()])
    if former is not None:
        former.check_leaks(chosen)
        seen = SourceSet.union([seen, former.seen])
    chosen.check_leaks(seen)
    made_from = {
        "command": "train",
        "catalog": catalog.fingerprint,
        "split": {"name": chosen.split, "content": chosen.split_content},
        "where": where,
        "task": ",".join(tasks),
        "model": model,
        "inputs": {role: group.name for role, group in bindings.items()},
        "config": settings_that_count(config, tasks, adapting=fainter is not None, taught=mentor is not None),
        "adapt": fainter.catalog.fingerprint if fainter else None,
        "baselines": baselines,
        "seed": seed,
    }
    if mentor is not None:
        made_from["teacher"] = mentor.fingerprint
    if former is not None:
        made_from["start"] = former.model.fingerprint
    with Output(out, made_from, overwrite) as output:
        if output.complete:
            say(f"{output.path} is already complete.")
            return TrainedRun(output.path, True, json.loads((output.path / "train.json").read_text("utf-8")))
        say(objects_of(chosen))
        device = training_device(config.fit)
        lessons = None
        if mentor is not None:
            lessons = mentor.lessons(redshift, own=config.teacher.own, device=device)
            say(mentor.told(lessons))
        fitted = fit_run(network, goal, chosen, fainter, lessons, former, config, seed, output.directory, console)
        scored = _SCORES.get(",".join(tasks), "negative log-likelihood")
        say(f"Best validation {scored} {fitted.best_score:.4f} at epoch {fitted.best_epoch + 1} of {fitted.epochs}.")
        if fainter is not None:
            assert isinstance(goal, Classification)  # no other task gets here
            adapt_run(network, goal, chosen, fainter, config, seed, console)
        say("Calibrating.")
        at_once = network.config.inputs.at_once(READ_SIZE)
        validation = run_over(network, chosen.stream("validation", at_once), device)
        known = [validation.vectors]
        if fainter is not None:
            known.append(run_over(network, fainter.stream(None, at_once), device).vectors)
        # Without labels there is nothing to calibrate but the domain, which goes by the validation part.
        calibration = validation
        if not chosen.without_labels:
            calibration = run_over(network, chosen.stream("calibration", at_once), device)
        told = calibrate(network, calibration, config.calibrate, known=torch.cat(known))
        if fainter is not None:
            told.append(
                f"Fainter than {float(network.extrapolation.limit):.2f} mag the model learned from its own names for"
                f" objects: there a fixed temperature of {config.adapt.temperature:g} softens probabilities, and no"
                " coverage is promised."
            )
        for sentence in told:
            say(f"Warning: {sentence}")
        metrics = validation_metrics(network, validation)
        if isinstance(goal, Alignment):
            stream = chosen.stream("validation", config.alignment.validation_size)
            metrics |= alignment_figures(network, stream, goal, device)
        elif isinstance(goal, Masked):
            metrics["loss"] = fitted.best_score
        if baselines:
            parts = ("train", "calibration")
            stream = chosen.stream(parts, at_once)
            fit_on = BaselineSet.fit(
                network.config.inputs, stream, chosen.classes, parts=parts, seed=seed, say=say, tasks=tasks
            )
            fit_on.save(output.directory / "baselines")
        card = card_of(chosen, metrics, told)
        if mentor is not None:
            card["teacher"] = mentor.card()
        if former is not None:
            card["start"] = f"the weights of {former.path.name} (fingerprint `{former.model.fingerprint}`)"
        network.save_pretrained(output.directory, card)
        seen.save(output.directory / "seen.parquet")
        write_history(output.directory / "history.csv", fitted)
        summary = summary_of(made_from, chosen, network, fitted, metrics, told)
        if mentor is not None and lessons is not None:
            summary["teacher"] = mentor.about(lessons)
        if former is not None:
            summary["start"] = {"path": str(former.path), "fingerprint": former.model.fingerprint}
        (output.directory / "train.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(output.directory / CHECKPOINT.parent, ignore_errors=True)
    return TrainedRun(output.path, False, summary)


def _as_begun(former: FormerRun, model: str, config: TrainConfig) -> TrainConfig:
    """The configuration with the options of the run to start from where it names none."""
    known = former.model.config
    if known.name != model:
        raise ConfigurationError(
            f"the run to start from, {former.path}, is of model {known.name} and the new one of {model}; give --model {known.name}"
        )
    return config.model_copy(update={"model": {**known.options, **config.model}})
