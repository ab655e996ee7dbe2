"""Everything that is made of the finished rows: results.json, avis.json, report, LaTeX table, figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asterism.catalogs.outputs import atomic_write
from asterism.papers.avis.data import PaperData
from asterism.papers.avis.methods import KEPT, METHODS, NORMALISED, method_named
from asterism.papers.avis.results import CLASSES, READ, Tables, collect, dig, every_figure, read_tables
from asterism.papers.avis.rows import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from asterism.inference.report import Picture

__all__ = ["publish"]

_POOLS = {
    "random": "at random",
    "magnitude": "of near magnitude",
    "magnitude_redshift": "of near magnitude and redshift",
}


def publish(
    out: Path, scale: str, rows: Sequence[Row], data: PaperData, *, expected: set[Row] | None = None
) -> dict[str, Any]:
    """Write what stands in `out` beside the rows, from those that are finished.

    Parameters
    ----------
    out : Path
        Gets ``results.json``, ``avis.json``, ``report.html``, ``table.tex`` and ``figures``.
    scale : str
    rows : sequence of Row
        The whole table; what is not finished is left out.
    data : PaperData
    expected : set of Row, optional
        Those that are asked for; of them those that lack are named.

    Returns
    -------
    dict
        The content of ``results.json``.
    """
    from asterism.inference.report import render
    from asterism.papers.avis.latex import latex_table
    from asterism.papers.avis.report import report_page

    tables = read_tables(out, rows)
    results = collect(out, scale, rows, data, tables, expected)
    command = f"asterism reproduce avis --scale {scale}" + (" --data DIR" if data.origin == "given" else "")
    command += " --out DIR"
    pictures = _pictures(out, results, tables)
    for name, text in (
        ("results.json", _json(results)),
        ("avis.json", _json(every_figure(results, command))),
        ("report.html", render(report_page(results, pictures, command))),
        ("table.tex", latex_table(results)),
    ):
        with atomic_write(out / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return results


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _pictures(out: Path, results: Mapping[str, Any], tables: Tables) -> dict[str, list[Picture]]:
    from asterism.inference.report import Picture
    from asterism.papers.avis import figures
    from asterism.papers.avis.maps import map_figure, write_page
    from asterism.papers.avis.spectra import EXAMPLES

    found: dict[str, list[Picture]] = {}

    def add(key: str, name: str, figure: Figure, caption: str) -> None:
        path = out / "figures" / f"{name}.png"
        with atomic_write(path) as partial:
            figure.savefig(partial, format="png", dpi=130)
        found.setdefault(key, []).append(Picture.png(path.read_bytes(), caption, wide=True))

    parts = results["parts"]
    panels = _redshift_panels(tables, parts)
    if panels:
        add("redshift", "redshift", figures.redshift_figure(panels), f"{method_named(KEPT).title}: each test object.")
    few = _few(parts)
    if few:
        whole = {
            (of, read): r2
            for name, of in CLASSES.items()
            for read in READ
            if (r2 := dig(parts, "redshift", KEPT, "figures", read, f"redshift_{name}", "knn", "r2")) is not None
        }
        caption = "Mean and scatter over draws of the labelled objects; dotted with all of them."
        add("few", "few_labels", figures.few_figure(few, whole), caption)
    for of in ("all", "galaxies"):
        recall = _recall(parts, of)
        if recall:
            pool = next(iter(next(iter(recall.values())).values()))["pool"]
            figure = figures.recall_figure(recall, _POOLS)
            add("retrieval", f"recall_{of}", figure, f"From image to spectrum among {of}, pools of {pool:,}.")
    if (drawn := map_figure(out, tables)) is not None:
        add("maps", "maps", *drawn)
        write_page(out, tables)
    for row in (Row("spectrum", KEPT, 0),):
        path = row.folder(out) / EXAMPLES
        if path.is_file():
            caption = (
                "Spectra predicted from the image alone, with the scatter of the neighbours; smoothed for the eye."
            )
            found.setdefault("spectrum", []).append(Picture.png(path.read_bytes(), caption, wide=True))
    return found


def _redshift_panels(tables: Tables, parts: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    if ("redshift", KEPT) not in tables:
        return {}
    table = tables["redshift", KEPT][0]
    names, true = np.array(table["class"].to_pylist(), object), table["redshift"].to_numpy()
    panels = {}
    for name, of in CLASSES.items():
        for read in READ:
            column, r2 = (
                f"redshift_{read}_knn",
                dig(parts, "redshift", KEPT, "figures", read, f"redshift_{name}", "knn", "r2"),
            )
            if column in table.column_names and r2 is not None:
                predicted = table[column].to_numpy().astype(float)
                used = (names == name) & np.isfinite(predicted) & np.isfinite(true)
                panels[of, read] = predicted[used], true[used].astype(float), r2
    return panels


def _few(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for name, of in CLASSES.items():
        for read in READ:
            found = dig(parts, "redshift", KEPT, "figures", read, f"redshift_{name}", "few_shot", "knn")
            if found:
                told.setdefault(of, {})[read] = found
    return told


def _recall(parts: Mapping[str, Any], of: str) -> dict[str, Any]:
    """The one kept and its flux-normalised twin first, then the others."""
    told = {}
    for method in sorted(METHODS, key=lambda m: m.name not in (KEPT, NORMALISED)):
        found = dig(parts, "retrieval", method.name, "figures", of, "large", "image_to_spectrum")
        if found:
            told[method.title] = found
    return told
