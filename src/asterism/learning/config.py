"""How a run is set: every option of `asterism train --set key=value`, typed, with its default and its bounds.

A key is the dotted path of a field (``fit.epochs``, ``classification.class_weights.STAR``); an unknown one is an error
that names the nearest right one. Keys under ``model.`` are the chosen model's own options and are checked by it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from asterism.errors import ConfigurationError, unknown_name
from asterism.models.alignment import OBJECTIVES, Objective
from asterism.models.configuration import Strict
from asterism.models.redshift_families import RedshiftOptions

__all__ = [
    "AdaptConfig",
    "AlignmentConfig",
    "AugmentConfig",
    "CalibrateConfig",
    "ClassificationConfig",
    "FitConfig",
    "InputsConfig",
    "RedshiftConfig",
    "TeacherConfig",
    "TrainConfig",
    "descriptions",
    "dotted",
    "parse_settings",
]


class _Section(Strict):
    model_config = ConfigDict(strict=True)


class InputsConfig(_Section):
    """What of the chosen groups is read."""

    quantities: Annotated[
        list[str] | None,
        Field(description='photometric quantities to read, e.g. ["flux","psf_probability"]; null = all that there are'),
    ] = None


class FitConfig(_Section):
    """How the weights are found."""

    epochs: Annotated[int, Field(ge=1, description="most passes over the training part")] = 30
    batch_size: Annotated[int, Field(ge=1, description="objects of a batch")] = 256
    accumulate: Annotated[
        int,
        Field(ge=1, description="batches of one step, gone through one after another; alignment compares across them"),
    ] = 1
    devices: Annotated[
        int,
        Field(ge=1, description="processes (GPUs where there are any) that fit together, each with batches of its own"),
    ] = 1
    optimizer: Annotated[
        Literal["adamw", "adagrad"],
        Field(description="adagrad: with the defaults of Keras 2.6, as macnet was published"),
    ] = "adamw"
    learning_rate: Annotated[float, Field(gt=0, description="peak step of the optimizer")] = 5e-3
    weight_decay: Annotated[
        float, Field(ge=0, description="decay of weight matrices; adagrad adds it to the gradient, adamw does not")
    ] = 1e-2
    schedule: Annotated[
        Literal["cosine", "constant"], Field(description="learning rate after the warm-up: cosine to zero, or constant")
    ] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1, description="share of all steps with a rising learning rate")] = 0.05
    gradient_clip: Annotated[float, Field(ge=0, description="largest gradient norm; 0 = no clipping")] = 1.0
    ema_decay: Annotated[
        float, Field(ge=0, lt=1, description="decay per step of the averaged weights that are kept; 0 = no averaging")
    ] = 0.998
    patience: Annotated[
        int,
        Field(ge=0, description="epochs without a better validation log-loss before stopping; 0 = never stop early"),
    ] = 10
    checkpoint_seconds: Annotated[
        float, Field(ge=0, description="time between checkpoints within an epoch; 0 = after every step")
    ] = 30.0
    accelerator: Annotated[Literal["auto", "cpu", "gpu"], Field(description="where to train")] = "auto"
    precision: Annotated[
        Literal["32-true", "bf16-mixed"],
        Field(description="bf16-mixed: matrix products and convolutions with bfloat16 numbers, in training only"),
    ] = "32-true"
    batch_norm: Annotated[
        Literal["running", "population"],
        Field(description="population: statistics taken anew with dropout off, before each validation"),
    ] = "running"


class AugmentConfig(_Section):
    """What is done to training objects before the model sees them; validation and calibration stay as observed."""

    rotations: Annotated[bool, Field(description="rotate each image by a random multiple of 90 degrees")] = True
    flips: Annotated[bool, Field(description="mirror a random half of the images")] = True
    shift: Annotated[float, Field(ge=0, description="largest shift of an image along each axis [pixel]")] = 0.0
    subpixel: Annotated[bool, Field(description="shift by fractions of a pixel, not by whole pixels only")] = False
    dimming: Annotated[float, Field(ge=0, description="largest dimming [mag]; noise is added to match; 0 = none")] = 0.0
    dimming_probability: Annotated[float, Field(ge=0, le=1, description="share of objects that are dimmed")] = 0.5
    exposure: Annotated[
        float,
        Field(
            ge=0,
            description="largest variance added to half of the 1D spectra, over their own; 0 = none, 3 = S/N halved",
        ),
    ] = 0.0
    calibration: Annotated[
        float, Field(ge=0, description="smooth errors of the flux scale of 1D spectra, standard deviation [ln]")
    ] = 0.0
    gaps: Annotated[
        float, Field(ge=0, le=1, description="share of 1D spectra that lose a run of up to an eighth of their pixels")
    ] = 0.0
    gap_runs: Annotated[int, Field(ge=1, description="most runs that such a spectrum loses")] = 1
    fibre: Annotated[
        float, Field(ge=0, description="grey errors of the flux scale of 1D spectra alone, standard deviation [mag]")
    ] = 0.0
    brightness: Annotated[
        float,
        Field(ge=0, description="largest change of an object's flux, the same in all modalities and S/N kept [mag]"),
    ] = 0.0
    blur: Annotated[
        float, Field(ge=0, description="widest Gaussian that half of the images are convolved with, FWHM [arcsec]")
    ] = 0.0
    image_noise: Annotated[
        float, Field(ge=0, description="largest variance added to half of the images, over their sky's; 3 = S/N halved")
    ] = 0.0


class AdaptConfig(_Section):
    """How ``--adapt`` learns from objects without labels."""

    steps: Annotated[int, Field(ge=1, description="steps of magnitude, equal in number of objects")] = 8
    updates: Annotated[int, Field(ge=1, description="optimizer steps in each of them")] = 300
    batch_size: Annotated[int, Field(ge=2, description="objects per update, labelled and not in their proportion")] = (
        512
    )
    learning_rate: Annotated[float, Field(gt=0, description="peak step of AdamW in each step of magnitude")] = 2e-3
    weight_decay: Annotated[float, Field(ge=0, description="AdamW's decay of weight matrices")] = 1e-4
    trees: Annotated[
        bool, Field(description="let a random forest and gradient boosting name objects together with the network")
    ] = True
    dimming: Annotated[
        float,
        Field(ge=0, description="as augment.dimming, in the fit before adapting, where that is 0 [mag]; 0 = none"),
    ] = 2.0
    temperature: Annotated[
        float, Field(gt=0, description="softening of probabilities beyond the labelled magnitudes")
    ] = 3.5
    evening: Annotated[
        float, Field(ge=0, le=1, description="how far class fractions are evened out beyond the labelled magnitudes")
    ] = 0.0


class TeacherConfig(_Section):
    """How ``--teacher`` teaches."""

    weight: Annotated[
        float, Field(gt=0, le=1, description="the teacher's share of an object that has a label; without one it is 1")
    ] = 0.5
    temperature: Annotated[
        float, Field(ge=1, le=20, description="softening of class probabilities where student and teacher are compared")
    ] = 1.0
    own: Annotated[
        bool, Field(description="learn the teacher's answers also for objects that it was itself trained on")
    ] = False


class CalibrateConfig(_Section):
    """What is fitted after the weights."""

    coverage: Annotated[float, Field(gt=0, lt=1, description="share of objects whose set holds their class")] = 0.9
    smallest_cell: Annotated[
        int, Field(ge=1, description="objects a class needs in a magnitude bin for a threshold of its own")
    ] = 50
    domain_quantile: Annotated[
        float, Field(gt=0, lt=1, description="share of the validation part that counts as in domain")
    ] = 0.99


class ClassificationConfig(_Section):
    """What the classes cost."""

    class_weights: Annotated[
        dict[str, Annotated[float, Field(gt=0)]],
        Field(description="weight of a class in the loss, by name; else 1"),
    ] = Field(default_factory=dict)


class RedshiftConfig(RedshiftOptions, _Section):
    """What a redshift density is like; used where redshift is among the tasks."""

    z_max: Annotated[
        float | None,
        Field(
            gt=0, le=30, description="last redshift of the grid; null = a little beyond the objects that are learned"
        ),
    ] = None


def _known_objective(name: object) -> object:
    if isinstance(name, str) and name not in OBJECTIVES:
        raise ValueError(unknown_name("objective", name, OBJECTIVES))
    return name


class AlignmentConfig(_Section):
    """How images and spectra are aligned without labels; used where alignment is the task."""

    objective: Annotated[
        Objective,
        BeforeValidator(_known_objective),
        Field(description="infonce, siglip or vicreg: image against spectrum; masked: each alone, parts of it hidden"),
    ] = "infonce"
    pretrain_epochs: Annotated[
        int, Field(ge=0, description="passes of masked modelling before the alignment, at most; 0 = none")
    ] = 0
    pretrain_batch_size: Annotated[
        int | None, Field(ge=1, description="objects of a step of masked modelling before it; null = fit.batch_size")
    ] = None
    pretrain_learning_rate: Annotated[
        float | None, Field(gt=0, description="peak step of masked modelling before it; null = fit.learning_rate")
    ] = None
    lock: Annotated[
        Literal["image", "spectrum"] | None,
        Field(
            description="modality that only masked modelling teaches: its embedding is whitened and left, the other learns to"
            " agree with it; null = both learn both"
        ),
    ] = None
    whiten_by: Annotated[
        Literal["objects", "views"],
        Field(
            description="whitening makes alike in all directions: the scatter of objects, or mostly that of two views of one"
            " object, which costs a little where data are as in training and holds better where they are not"
        ),
    ] = "objects"
    mask_share: Annotated[
        float,
        Field(gt=0, lt=1, description="share of an image's and of a spectrum's patches hidden in masked modelling"),
    ] = 0.5
    expander: Annotated[int, Field(ge=2, description="width of vicreg's expander")] = 512
    views: Annotated[
        float,
        Field(
            ge=0, description="weight of the same objective between two views of one modality; 0 = none, half the cost"
        ),
    ] = 0.0
    validation_size: Annotated[
        int, Field(ge=2, description="objects of a validation batch, by whose loss the epoch is chosen")
    ] = 256


class TrainConfig(_Section):
    """All settings of a run."""

    inputs: InputsConfig = InputsConfig()
    fit: FitConfig = FitConfig()
    augment: AugmentConfig = AugmentConfig()
    adapt: AdaptConfig = AdaptConfig()
    teacher: TeacherConfig = TeacherConfig()
    calibrate: CalibrateConfig = CalibrateConfig()
    classification: ClassificationConfig = ClassificationConfig()
    redshift: RedshiftConfig = RedshiftConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    model: Annotated[dict[str, Any], Field(description="the model's own options")] = Field(default_factory=dict)


def parse_settings(settings: Iterable[str] | Mapping[str, Any]) -> TrainConfig:
    """Settings as given on the command line, checked.

    Parameters
    ----------
    settings : iterable of str, or mapping
        ``key=value`` pairs with dotted keys, values written as JSON or TOML scalars (anything else is a string);
        or dotted keys with their values.

    Returns
    -------
    TrainConfig

    Raises
    ------
    ConfigurationError
        For a pair without ``=``, an unknown key (naming the nearest), or a value of the wrong type or out of bounds.

    Examples
    --------
    >>> parse_settings(["fit.epochs=5", "classification.class_weights.STAR=2"]).fit.epochs
    5
    """
    pairs = settings.items() if isinstance(settings, Mapping) else (_pair(text) for text in settings)
    tree: dict[str, Any] = {}
    for key, value in pairs:
        _check_key(key)
        *path, leaf = key.split(".")
        branch = tree
        for name in path:
            branch = branch.setdefault(name, {})
        branch[leaf] = value
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"setting {key}={first['input']!r} does not fit: {first['msg'].lower()}") from None


def dotted(config: BaseModel | Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings as one flat mapping from dotted keys to values.

    Parameters
    ----------
    config : TrainConfig, any section of one, or nested mappings
    prefix : str
        Path of the section, put before each key.

    Returns
    -------
    dict of str to value

    Examples
    --------
    >>> dotted(TrainConfig())["fit.schedule"]
    'cosine'
    """
    flat: dict[str, Any] = {}
    items = config.items() if isinstance(config, Mapping) else dict(config).items()
    for name, value in items:
        if isinstance(value, BaseModel | Mapping):
            flat.update(dotted(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def descriptions() -> dict[str, str]:
    """What each setting means, by its dotted key; the models' own options are described by the models."""
    told = {}
    for name, section in dict(TrainConfig()).items():
        if isinstance(section, BaseModel):
            for key, field in type(section).model_fields.items():
                told[f"{name}.{key}"] = field.description or ""
    return told


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"setting {text!r} is not of the form key=value, e.g. fit.epochs=20")
    return key.strip(), _scalar(value.strip())


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    # TOML also knows dates and times, which no setting is: those stay the text they were.
    return value if isinstance(value, bool | int | float | str | list | dict) else text


def _check_key(key: str) -> None:
    """Raise for a key that is no field, naming the nearest among the fields of all sections."""
    known = set(dotted(TrainConfig())) | {"classification.class_weights.NAME", "model.OPTION"}
    open_ended = ("model.", "classification.class_weights.")
    if key in known or any(key.startswith(start) and key.count(".") == start.count(".") for start in open_ended):
        return
    raise ConfigurationError(unknown_name("setting", key, known))
