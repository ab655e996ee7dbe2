"""The tables of docs/results/macnet.md from what `asterism reproduce macnet` wrote.

python benchmarks/macnet_page.py OUT/results.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asterism.papers.macnet.assistance import REDSHIFT_FIGURES

CLASSES = ("GALAXY", "QSO", "STAR")


def share(value: float, spread: float | None = None, digits: int = 3) -> str:
    """A share, with its standard deviation over seeds where there are several."""
    return f"{value:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def table_4(part: Mapping[str, Any], published: Mapping[str, Any]) -> None:
    """Accuracy, log-loss and F1 per class, published in brackets."""
    print(f"{part['title']}; {part['training']}; {part['n']:,} test objects, learned from {part['trained_on']}\n")
    print("| method | seeds | accuracy | 95 % | log-loss | " + " | ".join(f"F1 {name}" for name in CLASSES) + " |")
    print("|---|---|---|---|---|" + "---|" * len(CLASSES))
    for method in part["methods"].values():
        theirs = published.get(method["model"]) if part["part"] == "table4" else None
        accuracy = share(method["accuracy"], method["accuracy_std"], 4)
        accuracy += f" ({theirs['accuracy']:.3f})" if theirs else ""
        low, high = method["accuracy_interval"]
        cells = [method["title"], str(method["seeds"]), accuracy, f"{low:.4f} to {high:.4f}"]
        cells.append(share(method["log_loss"], method["log_loss_std"]))
        for name in CLASSES:
            told = method["classes"][name]
            text = share(told["f1"], told["f1_std"])
            cells.append(text + (f" ({theirs['classes'][name]['f1']:.3f})" if theirs else ""))
        print("| " + " | ".join(cells) + " |")
    print()


def steps(found: Sequence[Mapping[str, Any]], learned: str) -> None:
    """Each step of the published order."""
    print(f"Steps, {learned}\n")
    print("| step | published, points | accuracy here, points | log-loss here, nats | claim |")
    print("|---|---|---|---|---|")
    claims = {"higher": "holds", "lower": "the reverse holds"}
    for step in found:
        cells = [f"{step['before']} → {step['after']}", f"{100 * step['published']:+.1f}"]
        for key, factor, digits in (("accuracy", 100, 2), ("log_loss", 1, 4)):
            low, high = step[key]["interval"]
            mark = "**" if low * high > 0 else ""
            told = f"{factor * step[key]['difference']:+.{digits}f}"
            cells.append(f"{mark}{told}{mark} [{factor * low:+.{digits}f}, {factor * high:+.{digits}f}]")
        cells.append(claims.get(step["verdict"], "not told apart"))
        print("| " + " | ".join(cells) + " |")
    print()


def ends(interval: Sequence[float], digits: int = 3) -> str:
    """An interval of 95 %."""
    return f"[{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A title and a table; nothing where there are no rows."""
    if not rows:
        return
    print(f"{title}\n")
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def change(told: Mapping[str, Any], factor: float = 1, digits: int = 3) -> str:
    """A difference with its interval; bold where that excludes zero."""
    low, high = told["interval"]
    mark = "**" if low * high > 0 else ""
    text = f"{mark}{factor * told['difference']:+.{digits}f}{mark}"
    return f"{text} [{factor * low:+.{digits}f}, {factor * high:+.{digits}f}]"


def beyond(results: Mapping[str, Any]) -> None:
    """Sky, plans, windows, maps and assistance."""
    rows: list[tuple[str, ...]] = []
    columns = ("network", "learned from", "accuracy, points", "log-loss, nats")
    for name, title in (("light", "(a) light less published"), ("sky", "(b) sky taken off less sky left in")):
        rows = [
            (d["model"], d.get("training", "sample"), change(d["accuracy"], 100, 2), change(d["log_loss"]))
            for d in results[name]
        ]
        table(title, columns, rows)
    rows = []
    for entry in results["plans"]:
        own, other = entry[f"plan{entry['trained_on']}"], entry[f"plan{3 - entry['trained_on']}"]
        told = [f"{share(e['accuracy'], e['accuracy_std'])} {ends(e['interval'])} of {e['n']:,}" for e in (own, other)]
        rows.append((entry["method"], f"plan {entry['trained_on']}", str(entry["seeds"]), *told))
    named = ("network", "learned from", "seeds", "the same plan", "the other plan")
    table("(d) from one plan to the other", named, rows)
    rows = []
    for entry in results["windows"]:
        scores = [f"{entry['classes'][c]['precision']:.3f}, {entry['classes'][c]['f1']:.3f}" for c in CLASSES]
        window = f"{entry['arm']} {entry['window'][0]}–{entry['window'][1]}"
        rows.append(
            (
                window,
                "subtracted" if entry["subtracted"] else "left in",
                f"{share(entry['accuracy'], entry['accuracy_std'])} {ends(entry['interval'])}",
                *scores,
            )
        )
    table("Windows; precision and F1", ("window", "sky", "accuracy", *CLASSES), rows)
    maps(results)
    for entry in results["assist"]:
        for of, differences in (("classes", "class_differences"), ("redshifts", "redshift_differences")):
            if not entry[of]:
                continue
            figures = ("accuracy", "log_loss") if of == "classes" else REDSHIFT_FIGURES
            rows = [
                (
                    name,
                    f"{told['n']:,}",
                    *("–" if told[f] is None else share(told[f], told[f"{f}_std"], 4) for f in figures),
                )
                for name, told in entry[of].items()
            ]
            for other, told in entry[differences].items():
                cells = (change(told[f], 1, 4) if f in told else "–" for f in figures)
                rows.append((f"images-taught less {other}", "", *cells))
            labels = sum(entry["trained_on"].values())
            table(f"(c) {of} from images, {labels:,} labels of {entry['training']}", (of, "n", *figures), rows)


def maps(results: Mapping[str, Any]) -> None:
    """What deleting does, where lines are, and which arm; and whether windows agree."""
    rows = []
    for entry in results["maps"]:
        for step, groups in entry["maps"].items():
            for name, told in groups.items():
                cells = [entry["method"], step, name, f"{told['n']:,}"]
                for key in ("deletion", "deletion_displaced"):
                    cells.append(f"{told[key]['value']:.3f} {ends(told[key]['interval'])}")
                cells.append(f"{told['drop']:.2f}, {told['drop_random']:.2f}, {told['drop_displaced']:.2f}")
                for key in ("lines", "lines_control", "red_share"):
                    found = told.get(key)
                    there = found is not None and found["value"] is not None
                    cells.append(f"{found['value']:.2f} {ends(found['interval'], 2)}" if there else "–")
                rows.append(tuple(cells))
    columns = (
        "network", "step", "class", "n", "by map further than at random", "than displaced",
        "median falls: map, random, displaced", "map on lines ÷ chance", "÷ other redshifts", "red arm's share",
    )  # fmt: skip
    table("Activation maps", columns, rows)
    rows = [
        (
            told["class"],
            told["cam"],
            "subtracted" if told["subtracted"] else "left in",
            f"{told['red_share']:.2f}",
            told["map_arm"],
            f"{told['f1']['blue']:.3f}, {told['f1']['red']:.3f}",
            told["window_arm"],
        )
        for told in results["agreement"]
    ]
    table(
        "Maps and windows", ("class", "of", "sky", "red share", "map", "best F1 of windows: blue, red", "windows"), rows
    )


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for part in results["parts"]:
        table_4(part, results["published"])
    for of in ("steps", "crossed"):
        for training, found in results[of].items():
            if found:
                steps(found, training if of == "steps" else f"{training}, tested on other libraries")
    beyond(results)
    for training, told in results["order"].items():
        if told:
            share_in_order = 100 * told["in_order"]
            print(
                f"{training}: {share_in_order:.1f} % of {told['draws']:,} test sets of {told['n']} have the paper's order"
            )


if __name__ == "__main__":
    main()
