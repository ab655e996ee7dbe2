"""The table for a paper: accuracy, precision and recall, published beside ours, in LaTeX with booktabs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asterism.papers.margformer.methods import METHODS, method_named

__all__ = ["latex_table"]

_SPECIAL = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "→": r"$\to$", "≤": r"$\le$", "−": "$-$"}


def latex_table(results: Mapping[str, Any]) -> str:
    """A ``table*`` to be put into a document that loads booktabs.

    Parameters
    ----------
    results : mapping
        The content of ``results.json``.

    Returns
    -------
    str
    """
    order = [m.name for m in METHODS] + [n for e in results["experiments"] for n in e["published"]]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table*}",
        r"\centering",
        r"\caption{Accuracy, precision and recall (per cent; macro averages): published, and here as the mean over seeds"
        r" $\pm$ standard deviation, with the 95 per cent bootstrap interval of the accuracy. "
        + _escape(_origin(results))
        + "}",
        r"\label{tab:margformer}",
        r"\begin{tabular}{lllccccc}",
        r"\toprule",
        r"Experiment & Classes & Method & Published & Accuracy & Interval & Precision & Recall \\",
    ]
    for entry in results["experiments"]:
        lines.append(r"\midrule")
        there = sorted({*entry["methods"], *entry["published"]}, key=order.index)
        for place, name in enumerate(there):
            method = entry["methods"].get(name)
            cells = [_escape(entry["title"]), entry["class_set"].upper()] if not place else ["", ""]
            cells += [_escape(method_named(name).title), _published(entry["published"].get(name))]
            if method is None:
                cells += ["--"] * 4
            else:
                low, high = method["accuracy_interval"]
                cells.append(_share(method["accuracy"], method["accuracy_std"]))
                cells.append(f"{100 * low:.1f}--{100 * high:.1f}")
                cells += [_share(method[k], method[f"{k}_std"]) for k in ("precision", "recall")]
            lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table*}", ""])


def _origin(results: Mapping[str, Any]) -> str:
    if results["data"]["origin"] == "public":
        return "Both on the public MargNet data."
    return (
        "Published figures are of SDSS objects, those here of simulated ones: columns are not to be compared by value."
    )


def _share(value: float, spread: float | None) -> str:
    return f"{100 * value:.1f}" if spread is None else f"${100 * value:.1f} \\pm {100 * spread:.1f}$"


def _published(figures: Mapping[str, Any] | None) -> str:
    return "--" if figures is None else f"{100 * figures['accuracy']:.2f}".rstrip("0").rstrip(".")


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
