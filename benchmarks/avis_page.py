"""The tables of docs/results/avis.md from what `asterism reproduce avis` wrote: those of its report, as Markdown.

python benchmarks/avis_page.py OUT/results.json [SECTION ...]

SECTION is the beginning of a section's title, e.g. "(a)"; all of them without.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from asterism.inference.report import Cell, Table
from asterism.papers.avis.report import report_page


def cell_text(cell: Cell) -> str:
    """Bold where an interval excludes zero, or an aim is or is not met."""
    text = cell.text.replace("|δ|", "abs δ").replace("|", "\\|")
    return f"**{text}**" if cell.verdict else text


def table_text(table: Table) -> str:
    lines = [[column.replace("|δ|", "abs δ") for column in table.columns], ["---"] * len(table.columns)]
    lines += [[cell_text(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for section in report_page(results, {}, "").sections:
        if sys.argv[2:] and not section.title.startswith(tuple(sys.argv[2:])):
            continue
        if section.tables:
            print(f"## {section.title}\n")
            print("\n\n".join(table_text(table) for table in section.tables) + "\n")


if __name__ == "__main__":
    main()
