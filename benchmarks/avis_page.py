"""The tables of docs/results/avis.md, and docs/results/avis.json, from what `asterism reproduce avis` wrote.

    python benchmarks/avis_page.py tables OUT/results.json [SECTION ...]
    python benchmarks/avis_page.py figures OUT/avis.json [WORK [SPEED.json]] > docs/results/avis.json

``tables`` prints those of the report as Markdown; SECTION is the beginning of a section's title, e.g. "(a)"; all of them without.
``figures`` keeps the figures of merit, a line for each, and leaves out counts, choices and what follows from others. WORK is where
real_neighbours.py keeps its scores (those of several runs are of several seeds), SPEED.json what `avis_speed.py --json` wrote.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asterism.inference.report import Cell, Table
from asterism.papers.avis.report import report_page

_KEPT = ("r2", "sigma_nmad", "outlier_rate_0.1", "median_absolute_error", "recall_at_1", "recall_at_5", "recall_at_10")
_KEPT += ("macro_recall", "ami", "ami_without_noise", "noise_share", "clusters", "roc_auc", "mean")
_DIGITS = 4


def cell_text(cell: Cell) -> str:
    """Bold where an interval excludes zero, or an aim is or is not met."""
    text = cell.text.replace("|δ|", "abs δ").replace("|", "\\|")
    return f"**{text}**" if cell.verdict else text


def table_text(table: Table) -> str:
    lines = [[column.replace("|δ|", "abs δ") for column in table.columns], ["---"] * len(table.columns)]
    lines += [[cell_text(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def print_tables(results: Path, wanted: Sequence[str]) -> None:
    for section in report_page(json.loads(results.read_text("utf-8")), {}, "").sections:
        if section.tables and (not wanted or section.title.startswith(tuple(wanted))):
            print(f"## {section.title}\n")
            print("\n\n".join(table_text(table) for table in section.tables) + "\n")


def print_figures(figures: Path, work: Path | None = None, speed: Path | None = None) -> None:
    lines = []
    for name, found in json.loads(figures.read_text("utf-8")).items():
        part, leaf = name.split("/", 1)[0], name.rsplit("/", 1)[-1]
        if part in ("difference", "pretraining") or leaf in _KEPT or leaf.startswith("chi2"):
            short = {key: _short(value) for key, value in found.items()}
            lines.append(f"{json.dumps(name)}: {json.dumps(short)}")
    more = {**(real_figures(work) if work else {}), **(json.loads(speed.read_text("utf-8")) if speed else {})}
    lines += [
        f"{json.dumps(name)}: {json.dumps({key: _short(value) for key, value in told.items()})}"
        for name, told in more.items()
    ]
    print("{\n" + ",\n".join(lines) + "\n}")


def real_figures(work: Path) -> dict[str, dict[str, Any]]:
    """Macro recall, median and outliers of real spectra by neighbours and by Redrock, of each survey and of both."""
    from real_neighbours import SURVEYS, scores, together

    told: dict[str, dict[str, Any]] = {}
    for name, pattern, command in (
        ("neighbours", "neighbours-*.json", "run --work WORK --run RUN"),
        ("redrock", "redrock.json", "redrock --work WORK --templates DIR"),
    ):
        seeds = [json.loads(path.read_text("utf-8")) for path in sorted((work / "scores").glob(pattern))]
        for survey in (*SURVEYS, "both"):
            found = [scores(together(one) if survey == "both" else one["surveys"][survey]) for one in seeds]
            for key in ("macro_recall", "median", "outliers", "spectra_per_second"):
                values = [one[key] for one in found]
                spread = {"std": statistics.stdev(values)} if len(values) > 1 else {}
                told[f"real/{name}/{survey}/{key}"] = {
                    "value": statistics.mean(values),
                    **spread,
                    "command": f"python benchmarks/real_neighbours.py {command}",
                }
    return told


def _short(value: object) -> object:
    if isinstance(value, list):
        return [_short(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def main() -> None:
    what, path, *wanted = sys.argv[1:]
    if what == "tables":
        print_tables(Path(path), wanted)
    elif what == "figures":
        print_figures(Path(path), *map(Path, wanted))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
