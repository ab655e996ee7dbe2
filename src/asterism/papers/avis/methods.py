"""Who takes part: each objective with and without masked pre-training, and what embeddings are put beside.

Networks are `avis` of one size. Those without labels differ in their objective alone; the supervised ones learn classes and
redshifts from the same objects, from one modality each. The one that is kept, `KEPT`, is repeated with other seeds and asked
everything; it is chosen on validation objects, never on those of the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asterism.errors import look_up

__all__ = [
    "FACTORS",
    "KEPT",
    "MASKED",
    "METHODS",
    "NORMALISED",
    "OBJECTIVES",
    "SCALES",
    "Method",
    "Scale",
    "method_named",
    "scale_named",
]

KEPT = "infonce-pretrained"
"""The method that is kept."""

NORMALISED = f"{KEPT}-normalised"
"""The same on flux-normalised inputs, of which retrieval is asked."""

MASKED = "masked-spectrum"
"""Masked modelling of spectra alone: what pre-trained methods start from, seed by seed, and leave as it is."""

FACTORS = "factors"
"""Fresh weights beside linear factors: what a spectrum's embedding knows before any training."""

OBJECTIVES = {"infonce": "InfoNCE", "siglip": "SigLIP", "vicreg": "VICReg"}
"""Objectives that compare images with spectra."""


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Attributes
    ----------
    objects : mapping of str to int
        Of the catalogs ``train`` and ``test``.
    size : str
        Preset of the networks.
    seeds : int
        Of the method that is kept; the others have one.
    epochs, pretrain, supervised : int
        Passes of an objective, of masked modelling before it, of learning from labels (at most).
    batch : int
        Objects of a step.
    accumulate : int
        Batches of a step, gone through one after another.
    resamples : int
        Of each bootstrap.
    draws : int
        Of few labels.
    title : str
    """

    objects: Mapping[str, int]
    size: str
    seeds: int
    epochs: int
    pretrain: int
    supervised: int
    batch: int
    accumulate: int
    resamples: int
    draws: int
    title: str


SCALES = {
    "tiny": Scale(
        {"train": 360, "test": 150}, "tiny", 1, 1, 1, 1, 64, 1, 20, 2,
        "360 pairs and one epoch: tries the road, says nothing of the models",
    ),
    "small": Scale(
        {"train": 20_000, "test": 4_000}, "tiny", 3, 12, 8, 8, 256, 1, 500, 5,
        "20,000 pairs, the smallest networks; two cores",
    ),
    "medium": Scale(
        {"train": 60_000, "test": 8_000}, "small", 3, 40, 10, 30, 512, 2, 500, 5,
        "60,000 pairs, networks of the middle size; for a GPU",
    ),
    "full": Scale(
        {"train": 200_000, "test": 20_000}, "base", 3, 60, 15, 40, 512, 4, 500, 5,
        "200,000 pairs, the largest networks; for a GPU",
    ),
}  # fmt: skip

_MASKED_BATCH = 128
_MASKED_RATES = {"tiny": 2e-3, "small": 1e-3, "base": 5e-4}
"""Of masked modelling by size; that of tiny was tried on training objects (docs/results/avis.md), the others follow it."""

_GUIDED_RATES = {"tiny": 4e-3, "small": 2e-3, "base": 1e-3}
"""Where an encoder learns from what stands still, spectra that are locked or labels; that of tiny was tried likewise."""

_ASKED = ("redshift", "labels", "clusters", "anomalies")


@dataclass(frozen=True)
class Method:
    """One that takes part.

    Attributes
    ----------
    name, title, what : str
    kind : str
        ``aligned``, ``untrained``, ``supervised`` (networks), ``pca``, ``trees`` or ``mean``.
    parts : tuple of str
        Parts of the table that it is asked for.
    inputs : str
        Modalities that it reads.
    objective : str
        Of an aligned one: of `OBJECTIVES`, or ``masked``.
    start : str
        Method of masked modelling, from whose spectrum encoder an aligned one starts, and which it locks; empty for none.
    normalised : bool
        Inputs are flux-normalised.
    """

    name: str
    title: str
    what: str
    kind: str
    parts: tuple[str, ...]
    inputs: str = "image,spectrum"
    objective: str = ""
    start: str = ""
    normalised: bool = False

    @property
    def repeated(self) -> bool:
        """Whether it has several seeds."""
        return self.name == KEPT

    @property
    def embeds(self) -> bool:
        """Whether catalogs are embedded with it."""
        return self.kind in ("aligned", "untrained")

    @property
    def task(self) -> str:
        """What a network is trained for."""
        return "classification,redshift" if self.kind == "supervised" else "alignment"

    def recipe(self, scale: str) -> dict[str, Any]:
        """Settings over the defaults of ``asterism train``; none for what is no network or not trained."""
        of = scale_named(scale)
        if self.kind == "untrained":
            return {"model.size": of.size} if self.name == FACTORS else {"model.size": of.size, "model.factors": 0}
        if self.kind not in ("aligned", "supervised"):
            return {}
        epochs = of.supervised if self.kind == "supervised" else of.epochs
        told: dict[str, Any] = {
            "model.size": of.size,
            "fit.epochs": of.pretrain if self.objective == "masked" else epochs,
            "fit.batch_size": of.batch,
            "fit.patience": 0,
            "fit.precision": "bf16-mixed",
        }
        if self.kind == "supervised":
            return {**told, "fit.learning_rate": _GUIDED_RATES[of.size]}
        told |= {"fit.accumulate": of.accumulate, "alignment.objective": self.objective}
        if self.objective == "masked":
            told |= {"fit.batch_size": min(_MASKED_BATCH, of.batch), "fit.learning_rate": _MASKED_RATES[of.size]}
            told["fit.accumulate"] = 1
        if self.start:
            told |= {"alignment.lock": "spectrum", "fit.learning_rate": _GUIDED_RATES[of.size]}
        if self.normalised:
            told["model.flux_normalised"] = True
        return told

    def passes(self, scale: str) -> tuple[int, int]:
        """Passes over the training part: of masked modelling, and of anything else; those of what it starts from are not its own."""
        of = scale_named(scale)
        if self.kind == "supervised":
            return 0, of.supervised
        if self.kind != "aligned":
            return 0, 0
        if self.objective == "masked":
            return of.pretrain, 0
        return 0, of.epochs


def _contrastive() -> list[Method]:
    found = []
    for name, title in OBJECTIVES.items():
        for pretrained in (True, False):
            whole = f"{name}-pretrained" if pretrained else name
            more = ("spectrum", "maps") if whole == KEPT else ()
            found.append(
                Method(
                    whole,
                    f"{title}, pre-trained" if pretrained else title,
                    f"{title} between image and spectrum"
                    + (", which masked modelling taught before and nothing teaches then" if pretrained else ""),
                    "aligned",
                    ("redshift", "retrieval", *_ASKED[1:], *more),
                    objective=name,
                    start=MASKED if pretrained else "",
                )
            )
    return sorted(found, key=lambda method: method.name != KEPT)


def _methods() -> tuple[Method, ...]:
    contrastive = _contrastive()
    kept, probed = contrastive[0], _ASKED[:2]
    return (
        kept,
        Method(
            NORMALISED,
            f"{kept.title}, flux-normalised",
            "the one kept, on images and spectra that do not tell how bright an object is",
            "aligned",
            ("retrieval", "redshift"),
            objective=kept.objective,
            start=f"{MASKED}-normalised",
            normalised=True,
        ),
        *(
            Method(
                f"{MASKED}{end}",
                f"masked modelling of spectra{', flux-normalised' if end else ''}",
                "what is hidden of a spectrum, told from the rest of it",
                "aligned",
                probed,
                "spectrum",
                objective="masked",
                normalised=bool(end),
            )
            for end in ("", "-normalised")
        ),
        Method("lightgbm", "LightGBM on photometry", "trees on fluxes and colours", "trees", probed[:1], "photometry"),
        Method("mean", "class mean", "the mean redshift of the training objects of the class", "mean", probed[:1], ""),
        Method("pca", "PCA + neighbours", "64 principal components of each modality", "pca", probed),
        Method(
            "untrained",
            "untrained encoder",
            "the same network with fresh weights and without factors",
            "untrained",
            ("redshift", "retrieval", *_ASKED[1:]),
        ),
        Method(
            FACTORS,
            "factors alone",
            "linear factors of spectra, beside fresh weights",
            "untrained",
            probed,
            "spectrum",
        ),
        *(
            Method(
                f"supervised-{role}",
                f"supervised, {role}",
                "the same encoder, learned from labels",
                "supervised",
                probed,
                role,
            )
            for role in ("image", "spectrum")
        ),
        *contrastive[1:],
        Method(
            "masked-image",
            "masked modelling of images",
            "what is hidden of an image, told from the rest of it",
            "aligned",
            probed,
            "image",
            objective="masked",
        ),
    )


METHODS = _methods()
"""In the order in which they are run: first what decides the aims, then what the objectives are compared by."""


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
