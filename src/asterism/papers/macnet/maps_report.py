"""The report's sections on what the strips' branches look at: activation maps, windows, and whether the two agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asterism.inference.report import Cell, Picture, Section, Table
from asterism.papers.macnet.methods import SUBTRACTED
from asterism.papers.macnet.published import CLASSES

__all__ = ["maps_section", "windows_section"]

_STEPS = {
    "behind": "Grad-CAM after attention",
    "before": "Grad-CAM before",
    "hirescam-behind": "HiResCAM after attention",
    "hirescam-before": "HiResCAM before",
}
_CAMS = {"grad-cam": "Grad-CAM", "hirescam": "HiResCAM"}


def maps_section(results: Mapping[str, Any], pictures: Sequence[Picture]) -> Section:
    """Figs 9 and 10, what deleting does, where the lines are, and beside it what the windows say.

    Parameters
    ----------
    results : mapping
        With ``maps`` and ``agreement``.
    pictures : sequence of Picture

    Returns
    -------
    Section
    """
    rows: list[list[Cell]] = []
    for entry in results["maps"]:
        for step, groups in entry["maps"].items():
            title = _STEPS[step] + (", sky subtracted" if entry["method"].endswith(SUBTRACTED) else "")
            for name, told in groups.items():
                cells = [title, name, f"{told['n']:,}"]
                title = ""  # of the first class alone
                for key in ("deletion", "deletion_displaced", "lines", "lines_control", "red_share"):
                    found = told.get(key)
                    if found is None or None in (found["value"], *found["interval"]):
                        cells.append("–")
                    else:
                        low, high = found["interval"]
                        cells.append(f"{found['value']:.3f} ({low:.3f}–{high:.3f})")
                rows.append([Cell(cell) for cell in cells])
    text = (
        "Maps of the light MAC-Net's predicted class over the test set: Grad-CAM as published, and HiResCAM, which gives each"
        " cell its own gradient, as MAC-Net's dense layer weighs each cell on its own. Deletion: share of objects whose score"
        " falls further without the top tenth of pixels by the map than without a random tenth (and than without the same"
        " pixels displaced). Lines: mass of the map on the true emission lines ÷ that of a flat map (and ÷ that at other"
        " objects' redshifts). Red: share of the map on the red arm."
    )
    columns = ["maps", "class", "n", "deletion", "… displaced", "lines", "… other redshifts", "red arm"]
    texts, tables = [text], [Table(columns, rows)]
    if results["agreement"]:
        texts.append(
            "The second table: the arm that has more than half of the map after attention, and the arm whose best window alone"
            " has the higher F1."
        )
        tables.append(_agreement(results["agreement"]))
    return Section("Figs 9 and 10: class activation maps", texts=texts, tables=tables, figures=list(pictures))


def _agreement(found: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for told in found:
        cells = [
            f"{_CAMS[told['cam']]}{', sky subtracted' * told['subtracted']}",
            told["class"],
            f"{told['red_share']:.2f}",
            told["map_arm"],
            f"{told['f1']['blue']:.3f}",
            f"{told['f1']['red']:.3f}",
            told["window_arm"],
            "agree" if told["agree"] else "disagree",
        ]
        rows.append([Cell(cell) for cell in cells])
    columns = ["map", "class", "on the red arm", "map's arm", "F1 blue", "F1 red", "windows' arm", "they"]
    return Table(columns, rows)


def windows_section(results: Mapping[str, Any], pictures: Sequence[Picture]) -> Section:
    """Figs 12 and 13: accuracy, and precision and F1 by class, of every window.

    Parameters
    ----------
    results : mapping
        With ``windows``.
    pictures : sequence of Picture

    Returns
    -------
    Section
    """
    rows = []
    for entry in results["windows"]:
        low, high = entry["interval"]
        cells = [
            entry["arm"],
            f"{entry['window'][0]}–{entry['window'][1]}",
            "subtracted" if entry["subtracted"] else "left in",
            f"{_share(entry['accuracy'], entry['accuracy_std'])} ({low:.3f}–{high:.3f})",
        ]
        for name in CLASSES:
            told = entry["classes"][name]
            cells += [_share(told["precision"], told["precision_std"]), _share(told["f1"], told["f1_std"])]
        rows.append([Cell(cell) for cell in cells])
    columns = ["arm", "window", "sky", "accuracy"] + [f"{c} {k}" for c in CLASSES for k in ("precision", "F1")]
    text = "The light C-Net trained on one window of one arm alone. The paper's windows are blue 1000–3000 and red 1500–3500."
    return Section("Figs 12 and 13: windows", texts=[text], tables=[Table(columns, rows)], figures=list(pictures))


def _share(value: float, spread: float | None) -> str:
    return f"{value:.3f}" + ("" if spread is None else f" ± {spread:.3f}")
