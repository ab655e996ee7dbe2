"""Everything that is made of the finished rows: results.json, report, LaTeX table, figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asterism.catalogs.outputs import atomic_write
from asterism.papers.macnet.data import PaperData
from asterism.papers.macnet.methods import method_named
from asterism.papers.macnet.results import collect, read_rows
from asterism.papers.macnet.rows import TRAINING_SETS, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from asterism.inference.report import Picture

__all__ = ["publish"]

_TIMES = "times.json"


def publish(
    out: Path, scale: str, rows: Sequence[Row], data: PaperData, *, expected: set[Row] | None = None
) -> dict[str, Any]:
    """Write what stands in `out` beside the rows, from those that are finished.

    Parameters
    ----------
    out : Path
        Gets ``results.json``, ``report.html``, ``table.tex`` and ``figures``.
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
    from asterism.papers.macnet.catalog_tables import count_objects
    from asterism.papers.macnet.latex import latex_table
    from asterism.papers.macnet.report import report_page
    from asterism.papers.macnet.results import agreement, light_training
    from asterism.papers.macnet.structure import layers, sizes

    places = read_rows(out, rows)
    results = collect(out, scale, rows, data, places, expected)
    results |= {
        "objects": count_objects(data),
        "layers": {size: layers("macnet", size) for size in ("published", "light")},
        "training": light_training(scale),
        "sizes": sizes(),
        "times": _times(out, scale),
        "agreement": agreement(results),
    }
    pictures = _pictures(out, scale, results, data)
    command = f"asterism reproduce macnet --scale {scale}" + (" --data DIR" if data.origin == "own" else "")
    for name, text in (
        ("results.json", json.dumps(results, indent=1, allow_nan=False) + "\n"),
        ("report.html", render(report_page(results, pictures, f"{command} --out DIR"))),
        ("table.tex", latex_table(results)),
    ):
        with atomic_write(out / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return results


def _times(out: Path, scale: str) -> dict[str, dict[str, float]]:
    """Milliseconds of inference, measured once in a directory; where the road is tried, of the light networks only."""
    from asterism.papers.macnet.structure import times

    file = out / _TIMES
    if file.is_file():
        return dict(json.loads(file.read_text("utf-8")))
    told = times(("light",), rounds=1) if scale == "tiny" else times()
    with atomic_write(file) as partial:
        partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def _pictures(out: Path, scale: str, results: Mapping[str, Any], data: PaperData) -> dict[str, list[Picture]]:
    import numpy as np

    from asterism.papers.macnet import figures
    from asterism.papers.macnet.catalog_tables import draw_frame, draw_images, draw_maps, draw_strips

    found: dict[str, list[Picture]] = {}

    def add(key: str, name: str, figure: Figure | None, caption: str) -> None:
        if figure is not None:
            found.setdefault(key, []).append(_picture(figure, out / "figures" / f"{name}.png", caption))

    # A table that was begun elsewhere may go on where there is nothing to simulate with.
    if scale != "tiny" and data.origin == "simulated" and find_spec("galsim") is not None:
        add("frame", "fig1_frame", draw_frame(out), "Fibres along the columns; the bright rows are lines of the sky.")
    add("strips", "fig2_strips", draw_strips(data), "Pixels of the strip below, Å in vacuum above.")
    add("images", "fig3_images", draw_images(data), "Test objects.")
    by_place = {(e["part"], e["training"]): e["methods"] for e in results["parts"]}
    shown = {t: by_place[place] for t in ("sample", "large") if (place := ("table4", t)) in by_place}
    published = {name.removesuffix("-published"): m for name, m in by_place.get(("published", "sample"), {}).items()}
    if published:
        shown["published layers"] = published
    if shown:
        add("accuracy", "accuracy", figures.accuracy_figure(shown), "Accuracy of the five, published and here.")
    for training, part in product(("sample", "large"), ("table4", "sky")):
        methods = by_place.get((part, training), {})
        matrices = {
            m["model"]: np.array(m["confusion"]["counts"])
            for m in methods.values()
            if m["model"] and m["size"] == "light"
        }
        if matrices:
            name = f"fig11_confusion_{training}" + "_sky_subtracted" * (part == "sky")
            caption = f"Learned from: {TRAINING_SETS[training]}" + ", sky subtracted" * (part == "sky")
            add("confusion", name, figures.confusion_figure(matrices), f"{caption}.")
    shown_maps = (("grad-cam", "", "Grad-CAM"), ("hirescam", "_hirescam", "HiResCAM"))
    for row, (cam, ending, title) in product(sorted({entry["method"] for entry in results["maps"]}), shown_maps):
        caption = f"{method_named(row).title}, {title}: one object of each class, before and after attention."
        add("maps", f"fig9_10_maps_{row}{ending}", draw_maps(row, data, out, cam), caption)
    for (arm, figure_number), subtracted in product((("blue", 12), ("red", 13)), (False, True)):
        ours = [entry for entry in results["windows"] if entry["subtracted"] == subtracted]
        if any(entry["arm"] == arm for entry in ours):
            name = f"fig{figure_number}_windows_{arm}" + "_sky_subtracted" * subtracted
            caption = f"The {arm} arm alone, sky {'subtracted' if subtracted else 'left in'}."
            add("windows", name, figures.window_figure(ours, arm), caption)
    return found


def _picture(figure: Figure, path: Path, caption: str) -> Picture:
    """Save a figure as PNG, and the same for the page: most of them are pixels."""
    import base64

    from asterism.inference.report import Picture

    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=150)
    return Picture("data:image/png;base64," + base64.b64encode(path.read_bytes()).decode(), caption, wide=True)
