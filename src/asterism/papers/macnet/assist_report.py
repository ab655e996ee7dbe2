"""The report's section on spectra that assist images: classes and redshifts from the image alone, with and without a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asterism.inference.report import Cell, Section, Table
from asterism.papers.macnet.assistance import REDSHIFT_FIGURES
from asterism.papers.macnet.methods import METHODS
from asterism.papers.macnet.rows import TRAINING_SETS

__all__ = ["assist_sections"]

_HIGHER_IS_BETTER = ("accuracy",)
_TITLES = {
    "accuracy": "accuracy",
    "log_loss": "log-loss [nats]",
    "sigma_nmad": "σ_NMAD",
    "outlier_rate_0.15": "|Δz/(1+z)| > 0.15",
    "cde_loss": "CDE loss",
}
_DIFFERENCES = {"images-alone": "taught less alone", "images-lightgbm": "taught less LightGBM"}


def assist_sections(entries: Sequence[Mapping[str, Any]]) -> list[Section]:
    """A section for each training set.

    Parameters
    ----------
    entries : sequence of mapping
        From `assistance.assistance`.

    Returns
    -------
    list of Section
    """
    sections = []
    for entry in entries:
        labels = sum(entry["trained_on"].values())
        text = (
            f"Labels of {labels:,} training objects; spectra and images of all. The students have nothing but the image, then"
            " and when they are asked; the teacher reads 1D spectra and is shown for what could be had with them."
        )
        if entry["taught"] is not None:
            text += (
                f" It answered for {entry['taught']['objects']:,} objects, {entry['taught']['unlabelled']:,} of them without a"
                " label."
            )
        tables = []
        for of, differences, figures in (
            ("classes", "class_differences", ("accuracy", "log_loss")),
            ("redshifts", "redshift_differences", REDSHIFT_FIGURES),
        ):
            if entry[of]:
                tables.append(_table(of, entry[of], entry[differences], figures))
        title = f"(c) Spectra assist images · {TRAINING_SETS[entry['training']]}"
        sections.append(Section(title, texts=[text], tables=tables))
    return sections


def _table(of: str, methods: Mapping[str, Any], differences: Mapping[str, Any], figures: Sequence[str]) -> Table:
    rows = []
    for method in METHODS:
        if method.name in methods:
            told = methods[method.name]
            cells = [Cell(method.title), Cell(f"{told['n']:,}")]
            rows.append(cells + [Cell(_value(told[name], told[f"{name}_std"])) for name in figures])
    for other, told in differences.items():
        rows.append([Cell(_DIFFERENCES[other]), Cell(""), *(_changed(name, told.get(name)) for name in figures)])
    what = "classes" if of == "classes" else "redshifts of galaxies and quasars"
    return Table([what, "n", *(_TITLES[name] for name in figures)], rows)


def _value(value: float | None, spread: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def _changed(name: str, told: Mapping[str, Any] | None) -> Cell:
    if told is None:
        return Cell("–")
    low, high = told["interval"]
    better, worse = (low > 0, high < 0) if name in _HIGHER_IS_BETTER else (high < 0, low > 0)
    text = f"{told['difference']:+.4f} ({low:+.4f} to {high:+.4f})"
    return Cell(text, "better" if better else "worse" if worse else "")
