"""The tables of docs/results/margformer.md from what `asterism reproduce margformer` wrote.

python benchmarks/margformer_page.py OUT/results.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXPERIMENTS = {
    "experiment1": "1",
    "experiment2": "2",
    "experiment3-leaking": "3, as published",
    "experiment3-disjoint": "3, disjoint",
    "experiment3-bright": "3, r ≤ 20",
}


def accuracy_cell(entry: Mapping[str, Any] | None, published: Mapping[str, Any] | None) -> str:
    """Accuracy here in per cent, mean ± standard deviation over seeds where there are several; published in brackets."""
    told = "–"
    if entry is not None:
        told = f"{100 * entry['accuracy']:.2f}"
        if entry["accuracy_std"] is not None:
            told += f" ± {100 * entry['accuracy_std']:.2f}"
    if published is not None and published["accuracy"] is not None:
        told += f" ({100 * published['accuracy']:.2f})"
    return told


def difference_cell(difference: Mapping[str, Any] | None) -> str:
    """Points of accuracy and nats of log-loss with their intervals, bold where they exclude zero."""
    if difference is None:
        return "–"
    cells = []
    for key, factor, digits in (("accuracy", 100, 2), ("log_loss", 1, 4)):
        mean, (low, high) = difference[key]["difference"], difference[key]["interval"]
        mark = "**" if low * high > 0 else ""
        cells.append(
            f"{mark}{factor * mean:+.{digits}f}{mark} [{factor * low:+.{digits}f}, {factor * high:+.{digits}f}]"
        )
    return "; ".join(cells)


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    experiments = results["experiments"]
    head = [f"{EXPERIMENTS[e['experiment']]} {e['class_set'].upper()}" for e in experiments]
    titles: dict[str, str] = {}
    for experiment in experiments:
        titles |= {name: method["title"] for name, method in experiment["methods"].items()}
    print("| method | seeds | " + " | ".join(head) + " |")
    print("|---|---|" + "---|" * len(head))
    for name, title in titles.items():
        entries = [e["methods"].get(name) for e in experiments]
        seeds = sorted({entry["seeds"] for entry in entries if entry is not None})
        cells = [accuracy_cell(m, e["published"].get(name)) for m, e in zip(entries, experiments, strict=True)]
        print(f"| {title} | {', '.join(map(str, seeds))} | " + " | ".join(cells) + " |")
    print()
    pairs = list(dict.fromkeys(d["what"] for e in experiments for d in e["differences"]))
    print("| experiment | " + " | ".join(pairs) + " |")
    print("|---|" + "---|" * len(pairs))
    for title, experiment in zip(head, experiments, strict=True):
        found = {d["what"]: d for d in experiment["differences"]}
        print(f"| {title} | " + " | ".join(difference_cell(found.get(pair)) for pair in pairs) + " |")


if __name__ == "__main__":
    main()
