"""The model card: what a model was trained on, how well it did, and where it should not be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from asterism.models.configuration import Strict
from asterism.models.spectral_inputs import Spectrum2DInputs, SpectrumInputs

if TYPE_CHECKING:
    from asterism.models.directory import ModelConfig

__all__ = ["Card", "card_text"]


class Card(Strict):
    """What the card of a model says beside its configuration.

    Parameters
    ----------
    catalog : str
        Name of the training catalog.
    catalog_fingerprint : str
        Its fingerprint.
    split : str
        Name of the split whose training part was used.
    class_mix : dict of str to int
        Training objects per class.
    metrics : dict of str to float
        Figures by name, e.g. ``accuracy``; say in `metrics_on` what they were measured on.
    metrics_on : str
        What the metrics were measured on, e.g. ``"validation part, 8,000 objects"``.
    start : str
        What it began with, where that was not chance.
    teacher : str
        Whose answers it learned from beside the labels, with the fingerprint; empty for none.
    limits : tuple of str
        One sentence each.
    license : str
        SPDX name of the weights' licence.
    """

    catalog: str = "not recorded"
    catalog_fingerprint: str = "not recorded"
    split: str = "not recorded"
    class_mix: dict[str, int] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    metrics_on: str = "not recorded"
    teacher: str = ""
    start: str = ""
    limits: tuple[str, ...] = ()
    license: str = "bsd-3-clause"


def card_text(config: ModelConfig, card: Card, fingerprint: str, parameters: int) -> str:
    """README.md of a model directory: YAML front matter as the Hugging Face Hub reads it, then Markdown."""
    from huggingface_hub import ModelCardData

    front = ModelCardData(
        license=card.license,
        library_name="asterism",
        tags=["astronomy", config.name, *config.inputs.roles, *config.heads.tasks],
        model_name=f"Asterism {config.name}",
    ).to_yaml()
    read = []
    for role in config.inputs.roles:
        group = getattr(config.inputs, role)
        if isinstance(group, SpectrumInputs):
            what = f"{group.pixels:,} pixels on the grid {group.grid}{', relative flux' if group.relative else ''}"
        elif isinstance(group, Spectrum2DInputs):
            what = "; ".join(f"{arm.name} strips of {arm}" for arm in group.arms) + ("; with the sky" * group.sky)
        else:
            size = ", ".join(group.quantities) if role == "photometry" else "{}×{} pixels".format(*group.shape)
            what = f"bands {', '.join(group.bands)} ({size})"
        read.append(f"* {role}: `{group.group}`, {what}")
    classes = config.heads.classification.classes if config.heads.classification else ()
    total = sum(card.class_mix.values())
    mix = [f"| {name} | {count:,} | {count / total:.3f} |" for name, count in card.class_mix.items()] if total else []
    holds = "Densities hold for objects chosen as the training rows were."
    if classes:
        holds = "Probabilities hold for objects chosen as the training rows were; other class fractions need a prior."
    if config.heads.alignment is not None:
        holds = (
            "Distances between embeddings mean something for objects like the training rows; they are no probabilities."
        )
    limits = [holds, *card.limits]
    lines = [
        f"---\n{front}\n---",
        f"# {config.name}",
        f"An Asterism model with {parameters:,} parameters. " + _answers(config),
        "## What it reads",
        "\n".join(read),
        "## What it was trained on",
        f"Catalog {card.catalog} (fingerprint `{card.catalog_fingerprint}`), training part of split {card.split}."
        + (f" It learned from {card.teacher} too." if card.teacher else "")
        + (f" It began with {card.start}." if card.start else ""),
        "\n".join(["| class | objects | fraction |", "|---|---|---|", *mix])
        if mix
        else ("The class mix is not recorded." if classes else "Classes were not looked at."),
        "## Metrics",
        f"Measured on: {card.metrics_on}.",
        "\n".join(["| metric | value |", "|---|---|", *(f"| {k} | {v:.5g} |" for k, v in card.metrics.items())])
        if card.metrics
        else "None recorded.",
        "## Limits",
        "\n".join(f"* {sentence}" for sentence in limits),
        "## Use",
        _use(config),
        f"Written by Asterism {config.asterism_version}; weights fingerprint `{fingerprint}`.",
    ]
    return "\n\n".join(lines) + "\n"


def _use(config: ModelConfig) -> str:
    if config.heads.alignment is not None:
        return "```console\n$ asterism embed DIRECTORY --catalog C --out D\n```"
    return "```python\nimport asterism\n\nasterism.Predictor.from_pretrained(DIRECTORY).predict(table)\n```"


def _answers(config: ModelConfig) -> str:
    """What the model says of an object."""
    heads = config.heads
    told = []
    if heads.classification is not None:
        told.append(f"It tells {', '.join(heads.classification.classes)} apart.")
    if heads.redshift is not None:
        of_each = f", for each of {', '.join(heads.redshift.classes)}" if heads.redshift.classes else ""
        told.append(f"It gives a probability density of redshift from 0 to {heads.redshift.z_max:g}{of_each}.")
    if heads.alignment is not None:
        how = "masked modelling of each" if heads.alignment.objective == "masked" else heads.alignment.objective
        told.append(f"It places objects in a space of embeddings that it learned without labels (objective: {how}).")
    return " ".join(told) or "It has no head."
