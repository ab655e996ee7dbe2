"""The published figures: MargNet's accuracies, and MargFormer's accuracy, precision and recall.

Precision and recall are macro averages: MargNet's notebooks call scikit-learn with ``average='macro'``, and its classes are
balanced, so that the weighted averages differ in the fourth digit only.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CITATIONS", "PUBLISHED", "SHARED_IN_TEST", "Figures"]

CITATIONS = {
    "MargNet": (
        "Chaini, Bagul, Deshpande, Gondkar, Sharma, Vivek & Kembhavi 2023, MNRAS 518, 3123, "
        "doi 10.1093/mnras/stac3336 (arXiv:2211.08388); data doi 10.5281/zenodo.6659435"
    ),
    "MargFormer": (
        "Bhavanam, Channappayya, Srijith & Desai 2024, Astrophysics and Space Science, "
        "doi 10.1007/s10509-024-04357-9 (arXiv:2408.13634)"
    ),
}
"""What the figures are from."""

SHARED_IN_TEST = (7728, 28532)
"""Of experiment 3's test objects (star, galaxy, quasar), how many stand in experiment 1's training set, and all."""


@dataclass(frozen=True)
class Figures:
    """What a paper gives for one experiment, as shares; None where it gives nothing.

    Attributes
    ----------
    accuracy, precision, recall : float or None
    error : float or None
        The ± beside all three (three runs).
    """

    accuracy: float
    precision: float | None = None
    recall: float | None = None
    error: float | None = None


def _margnet(*accuracies: float) -> dict[tuple[str, str], Figures]:
    places = [(e, c) for e in ("experiment1", "experiment2", "experiment3") for c in ("sg", "sgq")]
    return {place: Figures(value) for place, value in zip(places, accuracies, strict=True)}


PUBLISHED: dict[str, dict[tuple[str, str], Figures]] = {
    "margnet-ann": _margnet(0.9785, 0.9297, 0.9607, 0.8603, 0.9158, 0.7305),
    "margnet-cnn": _margnet(0.9737, 0.9160, 0.9522, 0.8419, 0.8930, 0.6944),
    "margnet-ensemble": _margnet(0.9813, 0.9332, 0.9693, 0.8667, 0.9195, 0.7335),
    "margformer-published": {
        ("experiment1", "sg"): Figures(0.981, 0.981, 0.981, 0.001),
        ("experiment1", "sgq"): Figures(0.932, 0.933, 0.932, 0.001),
        ("experiment2", "sg"): Figures(0.971, 0.971, 0.971, 0.001),
        ("experiment2", "sgq"): Figures(0.867, 0.868, 0.867, 0.001),
        ("experiment3", "sg"): Figures(0.927, 0.932, 0.927, 0.001),
        ("experiment3", "sgq"): Figures(0.752, 0.779, 0.753, 0.001),
    },
}
"""By method, then by (experiment, class set)."""
