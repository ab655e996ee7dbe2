"""Everything that is made of the finished rows: results.json, report, LaTeX table, figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asterism.catalogs.outputs import atomic_write
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.experiments import EXPERIMENTS, objects_to_test
from asterism.papers.margformer.results import Scored, collect, read_table
from asterism.papers.margformer.rows import Fit, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from asterism.inference.report import Picture

__all__ = ["publish"]

_DRAWN = "margformer"  # whose confusion and attention are shown


def publish(out: Path, scale: str, rows: Sequence[Row], data: PaperData) -> dict[str, Any]:
    """Write what stands in `out` beside the rows, from those that are finished.

    Parameters
    ----------
    out : Path
        Gets ``results.json``, ``report.html``, ``table.tex`` and ``figures``.
    scale : str
    rows : sequence of Row
        The whole table; what is not finished is left out.
    data : PaperData

    Returns
    -------
    dict
        The content of ``results.json``.
    """
    from asterism.inference.report import render
    from asterism.papers.margformer.latex import latex_table
    from asterism.papers.margformer.report import report_page

    table = read_table(out, rows)
    results = collect(out, scale, rows, data, table)
    pictures = _pictures(out, results, table, data)
    command = f"asterism reproduce margformer --scale {scale}" + (" --data DIR" if data.origin == "public" else "")
    for name, text in (
        ("results.json", json.dumps(results, indent=1, allow_nan=False) + "\n"),
        ("report.html", render(report_page(results, pictures, f"{command} --out DIR"))),
        ("table.tex", latex_table(results)),
    ):
        with atomic_write(out / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return results


def _pictures(
    out: Path, results: Mapping[str, Any], table: Mapping[tuple[str, str], Mapping[str, Scored]], data: PaperData
) -> dict[str, list[Picture]]:
    import numpy as np

    from asterism.inference.report import Picture
    from asterism.papers.margformer.figures import accuracy_figure, binned_accuracy, confusion_figure, edges_of

    there = [e.name for e in EXPERIMENTS if any(place[0] == e.name for place in table)]
    titles = {e.name: e.title for e in EXPERIMENTS if e.name in there}
    found: dict[str, list[Picture]] = {}
    matrices = {
        (e["experiment"], e["class_set"]): np.array(e["methods"][_DRAWN]["confusion"]["counts"])
        for e in results["experiments"]
        if _DRAWN in e["methods"]
    }
    if matrices:
        named = {name: title for name, title in titles.items() if any(place[0] == name for place in matrices)}
        for kind, normalised in (("counts", False), ("shares", True)):
            figure = confusion_figure(matrices, named, normalised)
            _save(figure, out / "figures" / f"confusion_{kind}.png")
            caption = "Shares of each true class." if normalised else "Number of test objects."
            found.setdefault("confusion", []).append(Picture.of(figure, caption, wide=True))
    for key, quantity in (("magnitude", "r_mag"), ("compactness", "compactness")):
        edges = edges_of(quantity)
        bins = {
            place: {n: binned_accuracy(s.right, getattr(s, quantity), edges, s.sources) for n, s in methods.items()}
            for place, methods in table.items()
        }
        if any(found_bins for methods in bins.values() for found_bins in methods.values()):
            figure = accuracy_figure(bins, titles, quantity)
            _save(figure, out / "figures" / f"accuracy_{key}.png")
            found[key] = [Picture.of(figure, f"Accuracy against {key}.", wide=True)]
    attention = _attention(out, table, data)
    if attention is not None:
        found["attention"] = [attention]
    return found


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=150)


def _attention(out: Path, table: Mapping[tuple[str, str], Mapping[str, Scored]], data: PaperData) -> Picture | None:
    """One object of each class of experiment 1 with what its photometry looks at; None where that was not run."""
    import base64

    import numpy as np

    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.stream import Stream
    from asterism.explore.attention_maps import draw_attention
    from asterism.inference.predictor import Predictor
    from asterism.inference.report import Picture
    from asterism.papers.margformer.experiments import CLASS_SETS

    place = ("experiment1", "sgq")
    run = Fit("compact", "sgq", _DRAWN, 0).folder(out) / "run"
    if _DRAWN not in table.get(place, {}) or not run.is_dir():
        return None
    scored, path = table[place][_DRAWN], out / "figures" / "attention.png"
    if not path.is_file():
        (where, rows), *_ = objects_to_test(data, EXPERIMENTS[0], "sgq").parts
        # Near the middle of each class's magnitudes: neither saturated with light nor lost in noise; the same every time.
        chosen = []
        for index in range(len(CLASS_SETS["sgq"])):
            members = np.flatnonzero(scored.labels == index)
            chosen.append(members[np.argsort(scored.r_mag[members])[len(members) // 3]])
        predictor, catalog = Predictor.from_pretrained(run), open_catalog(where)
        taken = np.sort(rows[np.array(chosen)])
        batch = next(iter(Stream(catalog, predictor.bindings(catalog), batch_size=len(taken), rows=taken)))
        names = [name.lower() for name in np.array(catalog.read(["class"])["class"].to_pylist(), dtype=object)[taken]]
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_attention(predictor.model, batch, path, objects=range(len(taken)), names=names)
    data_uri = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    caption = "Experiment 1, one test object of each class; contours are its light."
    return Picture(data_uri, caption, wide=True)
