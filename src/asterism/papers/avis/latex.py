"""The table for a paper, in LaTeX with booktabs: redshifts, retrieval and clusters of every method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asterism.papers.avis.methods import METHODS
from asterism.papers.avis.results import CLASSES, dig

__all__ = ["latex_table"]

_SPECIAL = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}
_PROBES = ("knn", "network", "trees", "mean")


def latex_table(results: Mapping[str, Any]) -> str:
    """A ``table*`` to be put into a document that loads booktabs.

    Parameters
    ----------
    results : mapping
        The content of ``results.json``.
    """
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table*}",
        r"\centering",
        r"\caption{Redshifts by neighbours within each class ($R^2$ and its 95 per cent interval, $\sigma_\mathrm{NMAD}$ of galaxies),"
        r" recall at 10 from image to spectrum in large pools of near magnitude, and adjusted mutual information of clusters with class."
        r" Means over seeds, with their standard deviation where there are several.}",
        r"\label{tab:avis}",
        r"\begin{tabular}{llcccccc}",
        r"\toprule",
        r"Method & Reads & \multicolumn{3}{c}{Galaxies} & Quasars & Recall & AMI \\",
        r"~ & ~ & $R^2$ & interval & $\sigma_\mathrm{NMAD}$ & $R^2$ & at 10 & ~ \\",
        r"\midrule",
    ]
    for method in METHODS:
        entry = dig(results, "parts", "redshift", method.name, "figures")
        if entry is None:
            continue
        whole = [
            _value(dig(results, "parts", "retrieval", method.name, "figures", "all", "large", "image_to_spectrum", "magnitude"), "recall_at_10"),
            _value(dig(results, "parts", "clusters", method.name, "figures", "class"), "ami"),
        ]  # fmt: skip
        first = True
        for read, found in entry.items():
            if read in ("notes", "joint"):
                continue
            galaxies, quasars = (_answer(found.get(f"redshift_{name}", {})) for name in CLASSES)
            ends = galaxies.get("r2_interval")
            cells = [
                _escape(method.title) if first else "", read, _value(galaxies, "r2"),
                "--" if ends is None else f"{ends[0]:.3f}--{ends[1]:.3f}", _value(galaxies, "sigma_nmad", 4), _value(quasars, "r2"),
                *(whole if first else ["", ""]),
            ]  # fmt: skip
            first = False
            lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table*}", ""])


def _answer(probes: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((probes[name] for name in _PROBES if name in probes), {})


def _value(figures: Mapping[str, Any] | None, key: str, digits: int = 3) -> str:
    if figures is None or figures.get(key) is None:
        return "--"
    value, spread = figures[key], figures.get(f"{key}_std")
    return f"${value:.{digits}f}$" if spread is None else f"${value:.{digits}f} \\pm {spread:.{digits}f}$"


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
