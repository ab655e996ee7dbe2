"""Who takes part: models, ablations, baselines and a cut, each with its settings at every scale.

Every method reads the same of an object: in five bands dereddened magnitude, de Vaucouleurs radius, seeing and extinction
(MargNet's 24 features are made of these), and the image where it is one that reads images. PSF magnitudes are for the cut
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asterism.errors import look_up

__all__ = ["METHODS", "SCALES", "Method", "Scale", "method_named", "scale_named"]


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Attributes
    ----------
    objects : mapping of str to int
        Of each simulated catalog.
    fractions : mapping of str to float
        Of the parts of the twins' split.
    seeds : int
        Of the methods that are repeated.
    title : str
    """

    objects: Mapping[str, int]
    fractions: Mapping[str, float]
    seeds: int
    title: str


_LARGE_TEST = {"train": 0.4, "validation": 0.05, "calibration": 0.05, "test": 0.5}
SCALES = {
    "tiny": Scale(
        {"compact": 600, "faint": 600},
        {"train": 0.4, "validation": 0.15, "calibration": 0.15, "test": 0.3},
        1,
        "600 objects each and one epoch: tries the road, says nothing of the models",
    ),
    "small": Scale({"compact": 18_000, "faint": 18_000}, _LARGE_TEST, 3, "18,000 objects each"),
    "medium": Scale({"compact": 60_000, "faint": 60_000}, _LARGE_TEST, 3, "60,000 objects each"),
    "full": Scale(
        {"compact": 239_999, "faint": 149_996},
        {"train": 0.75, "validation": 0.0625, "calibration": 0.0625, "test": 0.125},
        3,
        "the paper's sizes, 239,999 and 149,996 objects; for a GPU",
    ),
}
"""Testing costs little and intervals shrink with the test part, so it is large where objects are few."""

_PUBLISHED = {"fit.batch_size": 64, "fit.learning_rate": 1e-3}


@dataclass(frozen=True)
class Method:
    """One line of the table.

    Attributes
    ----------
    name, title : str
        For ``--only`` and rows; for people.
    kind : str
        ``network``, ``lightgbm`` or ``cut``.
    what : str
        A sentence.
    model : str
        Of a network: its name in `models.registry`.
    inputs : str
        Of a network: the roles it reads.
    settings : mapping
        Of a network: settings by dotted key, over the defaults of ``asterism train``.
    epochs : mapping of str to int
        By scale.
    patience : int
        Epochs without a better validation log-loss before stopping.
    bright : mapping
        Further settings where training ends at r = 20 and testing begins there.
    repeated : bool
        Whether it is run with several seeds.
    class_sets : tuple of str
    milliseconds : float
        Of one core, per object and epoch; of trees and cuts per object in all.
    scaled : mapping
        Further settings by scale.
    milliseconds_of_parts : float
        As `milliseconds`, per epoch of a part that is fitted before (`models.stages`).
    trained_as, part : str
        For a part of an ensemble: the ensemble's method, and the part's name in it.
    """

    name: str
    title: str
    kind: str
    what: str
    model: str = ""
    inputs: str = "photometry,image"
    settings: Mapping[str, Any] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    patience: int = 10
    bright: Mapping[str, Any] = field(default_factory=dict)
    repeated: bool = False
    class_sets: tuple[str, ...] = ("sg", "sgq")
    milliseconds: float = 0.1
    scaled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    milliseconds_of_parts: float = 0.0
    trained_as: str = ""
    part: str = ""

    @property
    def training(self) -> str:
        """Name of the method whose training it is asked from: its own, save for a part of an ensemble."""
        return self.trained_as or self.name

    def cost(self, scale: str) -> float:
        """Milliseconds of one core that learning from one object takes, all epochs together."""
        parts = self.scaled.get(scale, {}).get("model.cnn_epochs", 0)
        return self.milliseconds * self.epochs.get(scale, 1) + self.milliseconds_of_parts * parts

    def recipe(self, scale: str, training: str) -> dict[str, Any]:
        """Settings of a network at a scale, by dotted key; class weights come on top.

        Parameters
        ----------
        scale, training : str
            Names of the scale and of the training set.
        """
        if self.kind != "network" or self.part:
            return {}
        chosen = {
            **self.settings,
            **self.scaled.get(scale, {}),
            "fit.epochs": self.epochs[scale],
            "fit.patience": self.patience,
        }
        return {**chosen, **self.bright} if training == "bright" else chosen


_OURS = {"tiny": 1, "small": 40, "medium": 40, "full": 40}
_THEIRS = {"tiny": 1, "small": 12, "medium": 20, "full": 60}
#: Where the objects to be tested are fainter than those learned from, ours are dimmed in training, with noise to match.
_DIMMED = {"augment.dimming": 2.0}

METHODS = (
    Method(
        "margformer",
        "MargFormer, ours",
        "network",
        "Photometric queries of an ensemble ask image patches.",
        model="margformer",
        epochs=_OURS,
        bright=_DIMMED,
        repeated=True,
        milliseconds=0.8,
    ),
    Method(
        "lightgbm",
        "LightGBM, 24 features",
        "lightgbm",
        "Gradient-boosted trees with the library's defaults, which draw nothing at random: its seeds agree.",
        repeated=True,
        milliseconds=0.6,
    ),
    Method(
        "magnitude-cut",
        "PSF − model magnitude",
        "cut",
        "A threshold on PSF minus model magnitude in r, tuned on validation and calibration objects; star or galaxy.",
        class_sets=("sg",),
    ),
    Method(
        "photometry-only",
        "ours, photometry only",
        "network",
        "The same model without the image.",
        model="margformer",
        inputs="photometry",
        epochs=_OURS,
        bright=_DIMMED,
        milliseconds=0.1,
    ),
    Method(
        "image-only",
        "ours, image only",
        "network",
        "The same model without the photometry.",
        model="margformer",
        inputs="image",
        epochs=_OURS,
        bright=_DIMMED,
        milliseconds=0.8,
    ),
    Method(
        "late-fusion",
        "ours, late fusion",
        "network",
        "The same parts without cross-attention: image and photometry are joined before the head.",
        model="margformer",
        settings={"model.fusion": "late"},
        epochs=_OURS,
        bright=_DIMMED,
        milliseconds=0.8,
    ),
    Method(
        "margformer-published",
        "MargFormer, published",
        "network",
        "One photometric query token over image patches, twelve Linformer blocks.",
        model="margformer-published",
        settings=_PUBLISHED,
        epochs=_THEIRS,
        patience=8,
        repeated=True,
        milliseconds=7.5,
    ),
    Method(
        "margnet-ann",
        "MargNet, ANN",
        "network",
        "The 24 features through five sigmoid layers.",
        model="margnet-ann",
        inputs="photometry",
        # Five sigmoid layers stay on a plateau for dozens of epochs: no early stopping.
        settings={"fit.learning_rate": 5e-3},
        epochs={"tiny": 1, "small": 100, "medium": 100, "full": 100},
        patience=0,
        milliseconds=0.15,
    ),
    Method(
        "margnet-ensemble",
        "MargNet, ensemble",
        "network",
        "The ANN and the CNN are fitted first; a small network then joins their frozen softmaxes.",
        model="margnet-ensemble",
        # Convolutions with bfloat16 numbers take half as long on processors that know them; weights stay float32.
        settings={"fit.batch_size": 64, "fit.learning_rate": 2e-2, "fit.precision": "bf16-mixed"},
        scaled={
            "tiny": {"model.ann_epochs": 1, "model.cnn_epochs": 1},
            "small": {"model.ann_epochs": 100, "model.cnn_epochs": 8},
            "medium": {"model.ann_epochs": 100, "model.cnn_epochs": 12},
            "full": {"model.ann_epochs": 100, "model.cnn_epochs": 60},
        },
        epochs={"tiny": 1, "small": 3, "medium": 5, "full": 20},
        milliseconds=20.0,
        milliseconds_of_parts=30.0,
    ),
    Method(
        "margnet-cnn",
        "MargNet, CNN",
        "network",
        "The image through five Inception-style blocks: the ensemble's CNN asked alone, before its stack.",
        trained_as="margnet-ensemble",
        part="cnn",
        milliseconds=25.0,
    ),
)
"""In the order in which they are run: what is cheap and what all is compared with comes first."""


def method_named(name: str) -> Method:
    """The method of a name.

    Raises
    ------
    ConfigurationError
        There is none; names the nearest.
    """
    return look_up("method", name, {method.name: method for method in METHODS})


def scale_named(name: str) -> Scale:
    """The scale of a name.

    Raises
    ------
    ConfigurationError
        There is none; names the nearest.
    """
    return look_up("scale", name, SCALES)
