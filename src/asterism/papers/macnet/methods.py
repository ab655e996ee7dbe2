"""Who takes part: the five networks light and as published, without the sky, on other windows, and trees.

Light networks read what the published ones read, through branches with fifty times fewer parameters; their settings were
chosen on validation objects. The published ones train as published: AdaGrad, batches of 4, up to 300 epochs, no averaging,
no clipping, no decay, no augmentation; but for the scale ``full`` they stop after 12 epochs and take bfloat16 for matrix
products and convolutions, which is what a CPU can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asterism.errors import look_up

__all__ = [
    "INPUTS",
    "METHODS",
    "WINDOWS",
    "Method",
    "method_named",
    "methods_of_part",
    "window_of",
]


INPUTS = {
    "sscnn1d": "spectrum",
    "mnet": "spectrum,image",
    "cnet": "spectrum2d",
    "mcnet": "spectrum2d,image",
    "macnet": "spectrum2d,image",
}
"""What each model reads."""

_TITLES = {"sscnn1d": "1D SSCNN", "mnet": "M-Net", "cnet": "C-Net", "mcnet": "MC-Net", "macnet": "MAC-Net"}

_WEIGHTS = {
    "classification.class_weights.GALAXY": 1.0,
    "classification.class_weights.QSO": 3.0,
    "classification.class_weights.STAR": 1.0,
}

_PUBLISHED: dict[str, Any] = {
    "model.size": "published",
    "fit.optimizer": "adagrad",
    "fit.learning_rate": 1e-3,
    "fit.batch_size": 4,
    "fit.schedule": "constant",
    "fit.warmup": 0.0,
    "fit.weight_decay": 0.0,
    "fit.gradient_clip": 0.0,
    "fit.ema_decay": 0.0,
    "augment.rotations": False,
    "augment.flips": False,
    **_WEIGHTS,
}
#: Few epochs, whose networks are near chance by running means: dropout stands in front of layers that normalise.
_PUBLISHED_ON_CPU = {"fit.precision": "bf16-mixed", "fit.batch_norm": "population"}
_LIGHT: dict[str, Any] = {
    "model.size": "light",
    "fit.learning_rate": 3e-3,
    "fit.batch_size": 32,
    "fit.ema_decay": 0.99,
    **_WEIGHTS,
}

SUBTRACTED = "-sky-subtracted"
"""What a method's name ends with where the sky is taken off the strips."""

STARTS = (0, 1000, 1500, 2136)
"""First pixels of the windows of the study: the ends of the strip, and the paper's windows of both arms."""

WINDOWS: dict[str, tuple[str, tuple[int, int]]] = {
    f"{arm}-{start}-{start + 2000}": (arm, (start, start + 2000)) for arm in ("blue", "red") for start in STARTS
}
"""By method: arm and window in pixels of the whole strip."""


@dataclass(frozen=True)
class Method:
    """One line of the tables.

    Attributes
    ----------
    name, title : str
        For ``--only`` and rows; for people.
    what : str
        A sentence.
    kind : str
        ``network`` or ``lightgbm``.
    model : str
        Of a network: its name in `models.registry`.
    inputs : str
        The roles that it reads.
    size : str
        ``light``, ``published``, or empty for trees.
    settings : mapping
        By dotted key, over the defaults of ``asterism train``.
    scaled : mapping of str to mapping
        Settings of a scale, over `settings`.
    epochs : mapping of str to int
        By scale; by training set where the scale is not named.
    patience : int
        Epochs without a better validation log-loss before stopping.
    parts : tuple of str
        Parts of the table in which it stands.
    repeated : bool
        Whether it is run with several seeds.
    milliseconds : float
        Of one core, per object and epoch.
    task : str
        What a network is trained for.
    teacher : str
        The method whose answers it learns beside the labels, trained on the same set with the same seed; empty: none.
    """

    name: str
    title: str
    what: str
    kind: str = "network"
    model: str = ""
    inputs: str = ""
    size: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    scaled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    patience: int = 0
    parts: tuple[str, ...] = ("table4",)
    repeated: bool = False
    milliseconds: float = 1.0
    task: str = "classification"
    teacher: str = ""

    def length(self, scale: str, training: str) -> int:
        """Most epochs at a scale on a training set; 1 for trees."""
        return self.epochs.get(scale) or self.epochs.get(training, 1)

    def recipe(self, scale: str, training: str = "sample") -> dict[str, Any]:
        """Settings of a network at a scale on a training set, by dotted key."""
        if self.kind != "network":
            return {}
        settings = {**self.settings, **self.scaled.get(scale, {})}
        return {**settings, "fit.epochs": self.length(scale, training), "fit.patience": self.patience}


#: Ten times as many objects: nearly three times as many steps, which is what an afternoon of two cores holds.
_EPOCHS = {"tiny": 1, "sample": 30, "plan1": 30, "plan2": 30, "large": 8}
#: Twelve of MAC-Net's are some two and a half hours of one core.
_EPOCHS_PUBLISHED = {"tiny": 1, "small": 12, "medium": 12, "full": 300}
#: Measured on one core, per object and epoch (forward, backward, validation).
_LIGHT_MS = {"sscnn1d": 2.0, "mnet": 3.0, "cnet": 8.0, "mcnet": 9.0, "macnet": 11.0}
#: In bfloat16.
_PUBLISHED_MS = {"sscnn1d": 60.0, "mnet": 90.0, "cnet": 330.0, "mcnet": 370.0, "macnet": 370.0}

_WHAT = {
    "sscnn1d": "Two windows of the 1D spectrum.",
    "mnet": "Two windows of the 1D spectrum, and the image.",
    "cnet": "Both arms of the 2D spectrum, sky left in.",
    "mcnet": "Both arms of the 2D spectrum, sky left in, and the image.",
    "macnet": "As MC-Net, with attention (CBAM) in each arm.",
}


def _light(model: str) -> Method:
    parts = ("table4", "crossed", "plans", "maps") if model == "macnet" else ("table4", "crossed", "plans")
    return Method(
        model,
        f"{_TITLES[model]}, light",
        _WHAT[model],
        model=model,
        inputs=INPUTS[model],
        size="light",
        settings=_LIGHT,
        epochs=_EPOCHS,
        patience=8,
        parts=parts,
        repeated=True,
        milliseconds=_LIGHT_MS[model],
    )


def _without_sky(model: str) -> Method:
    return Method(
        model + SUBTRACTED,
        f"{_TITLES[model]}, light, sky subtracted",
        "The same, with the sky of the sky fibres taken off the strips.",
        model=model,
        inputs=INPUTS[model],
        size="light",
        settings={**_LIGHT, "model.sky": "subtract"},
        epochs=_EPOCHS,
        patience=8,
        parts=("sky", "maps") if model == "macnet" else ("sky",),
        repeated=True,
        milliseconds=_LIGHT_MS[model],
    )


def _window(name: str, subtracted: bool = False) -> Method:
    arm, (low, high) = WINDOWS[name]
    other = "red" if arm == "blue" else "blue"
    sky = {"model.sky": "subtract"} if subtracted else {}
    return Method(
        name + SUBTRACTED * subtracted,
        f"C-Net, light, {arm} {low}–{high}" + ", sky subtracted" * subtracted,
        f"The {arm} arm alone, pixels {low} to {high} of its strip{', the sky of the sky fibres taken off' * subtracted}.",
        model="cnet",
        inputs="spectrum2d",
        size="light",
        settings={**_LIGHT, **sky, f"model.{arm}_window": [low, high], f"model.{other}_window": None},
        epochs=_EPOCHS,
        patience=8,
        parts=("windows",),
        repeated=True,
        milliseconds=_LIGHT_MS["cnet"] / 2,
    )


def _published(model: str) -> Method:
    return Method(
        f"{model}-published",
        f"{_TITLES[model]}, published",
        f"{_WHAT[model]} The paper's layers and training.",
        model=model,
        inputs=INPUTS[model],
        size="published",
        settings=_PUBLISHED,
        scaled={"small": _PUBLISHED_ON_CPU, "medium": _PUBLISHED_ON_CPU},
        epochs=_EPOCHS_PUBLISHED,
        patience=50,
        parts=("published",),
        milliseconds=_PUBLISHED_MS[model],
    )


_BOTH: dict[str, Any] = {"task": "classification,redshift", "parts": ("assist-class", "assist-redshift")}
_REDSHIFTS = {"redshift.z_max": 5.0}  # beyond every quasar of the simulator: few labels must not end the grid
_STUDENT = {"model.members": 2, "model.width": 64, "model.patch": 8, "fit.ema_decay": 0.99, **_REDSHIFTS}
_TEACHER = {
    "model.size": "light",
    "model.windows": [[3850.0, 6000.0], [6000.0, 8900.0]],
    "fit.batch_size": 64,
    "fit.learning_rate": 2e-3,
    "redshift.density": "binned",
    "redshift.bins": 200,
    **_REDSHIFTS,
}
#: No network of the paper reads the image alone: the student is this library's own, small enough for few labels. Epochs make
#: some thousand steps, as many with a teacher as without; the best epoch is chosen by labelled validation objects.
_ASSIST = (
    Method(
        "spectra-teacher",
        "Teacher: 1D SSCNN, light",
        "Reads the 1D spectrum, nearly all of it; learns from the labelled objects.",
        model="sscnn1d",
        inputs="spectrum",
        size="light",
        settings=_TEACHER,
        epochs={"tiny": 1, "few": 60, "tenth": 20},
        repeated=True,
        milliseconds=_LIGHT_MS["sscnn1d"],
        **_BOTH,
    ),
    Method(
        "images-alone",
        "Image alone, labels alone",
        "margformer on the image; learns from the labelled objects.",
        model="margformer",
        inputs="image",
        settings=_STUDENT,
        epochs={"tiny": 1, "few": 120, "tenth": 32},
        repeated=True,
        milliseconds=3.0,
        **_BOTH,
    ),
    Method(
        "images-taught",
        "Image alone, taught by spectra",
        "The same; learns the teacher's answers for the objects without a label beside the labels.",
        model="margformer",
        inputs="image",
        settings=_STUDENT,
        epochs={"tiny": 1, "few": 24, "tenth": 12},
        repeated=True,
        milliseconds=3.0,
        teacher="spectra-teacher",
        **_BOTH,
    ),
    Method(
        "images-lightgbm",
        "Image alone, LightGBM",
        "Gradient-boosted trees, the library's defaults, on apertures of the image; learn from the labelled objects. Their"
        " redshifts are points, which have no CDE loss.",
        kind="lightgbm",
        inputs="image",
        milliseconds=2.0,
        **_BOTH,
    ),
)

_MODELS = ("macnet", "cnet", "mcnet", "mnet", "sscnn1d")
METHODS = (
    *map(_light, _MODELS),
    Method(
        "lightgbm",
        "LightGBM",
        "Gradient-boosted trees, the library's defaults, on binned spectra of the strips and apertures of the image; its"
        " defaults draw nothing at random, so its seeds agree.",
        kind="lightgbm",
        inputs="spectrum2d,image",
        parts=("table4", "crossed", "plans"),
        milliseconds=5.0,
    ),
    *map(_without_sky, ("cnet", "macnet")),
    *map(_window, WINDOWS),
    *(_window(name, subtracted=True) for name in WINDOWS),
    *_ASSIST,
    *map(_published, _MODELS),
)
"""In the order in which they are run: what all is compared with comes first."""


def method_named(name: str) -> Method:
    """The method of a name.

    Raises
    ------
    ConfigurationError
        There is none; names the nearest.
    """
    return look_up("method", name, {method.name: method for method in METHODS})


def methods_of_part(part: str) -> list[Method]:
    """Methods that stand in a part of the table, in their order."""
    return [method for method in METHODS if part in method.parts]


def window_of(method: str) -> tuple[str, tuple[int, int]] | None:
    """Arm and window of a method of the window study; None for others."""
    return WINDOWS.get(method.removesuffix(SUBTRACTED))
