"""The report: the whole table with published figures beside ours, differences, pictures, and what must be known first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asterism.inference.report import Card, Cell, Page, Picture, Section, Table
from asterism.papers.margformer.experiments import experiment_named
from asterism.papers.margformer.methods import METHODS, method_named, scale_named
from asterism.papers.margformer.published import CITATIONS, SHARED_IN_TEST

__all__ = ["report_page"]


def report_page(results: Mapping[str, Any], pictures: Mapping[str, Sequence[Picture]], command: str) -> Page:
    """The page of a table, whole or in part.

    Parameters
    ----------
    results : mapping
        The content of ``results.json``.
    pictures : mapping of str to sequence of Picture
        ``confusion``, ``magnitude``, ``compactness``, ``attention``; those that there are.
    command : str
        That makes it.

    Returns
    -------
    Page
    """
    experiments = results["experiments"]
    sections = [_table(results)]
    if any(entry["differences"] for entry in experiments):
        sections.append(_differences(experiments))
    for key, title, text in (
        ("confusion", "Confusion matrices", "Of ours, true classes along rows; counts are means over seeds."),
        (
            "magnitude",
            "Against magnitude",
            "Bins of half a magnitude with 40 objects or more; the band is ours' 95 % interval.",
        ),
        (
            "compactness",
            "Against compactness",
            "c is the mean over bands of de Vaucouleurs radius over seeing; points are near 0.",
        ),
        (
            "attention",
            "Where the photometric query looks",
            "Weights of image patches, and what one band a magnitude fainter does.",
        ),
    ):
        if pictures.get(key):
            sections.append(Section(title, texts=[text], figures=list(pictures[key])))
    sections += [_definitions(experiments), _recipes(experiments)]
    return Page(
        title="MargFormer, reproduced",
        subtitle=f"scale {results['scale']}: {scale_named(results['scale']).title}"
        if _simulated(results)
        else "public MargNet data",
        cards=_cards(experiments),
        sections=sections,
        made=[
            ("command", command),
            ("MargNet", CITATIONS["MargNet"]),
            ("MargFormer", CITATIONS["MargFormer"]),
            (
                "catalogs",
                ", ".join(f"{name} {fingerprint}" for name, fingerprint in results["data"]["catalogs"].items()),
            ),
            ("Asterism", results["asterism"]),
        ],
        notes=_notes(results),
    )


def _simulated(results: Mapping[str, Any]) -> bool:
    return results["data"]["origin"] == "twins"


def _notes(results: Mapping[str, Any]) -> list[str]:
    notes = []
    if _simulated(results):
        notes.append(
            "Published figures are of SDSS objects; those here are of simulated twins of the two catalogs, whose difficulty is"
            " another. Compare methods within a column of ours, not ours with the published column."
        )
    if results["missing"]:
        notes.append(f"{len(results['missing'])} rows of the table are not run yet; run the command again to go on.")
    for entry in results["experiments"]:
        if entry["seen_in_training"]:
            notes.append(
                f"{entry['title']}, {entry['class_set'].upper()}: {entry['seen_in_training']:,} of {entry['n']:,} test objects"
                f" were seen in training, knowingly; in the published data {SHARED_IN_TEST[0]:,} of {SHARED_IN_TEST[1]:,}."
            )
    return notes


def _cards(experiments: Sequence[Mapping[str, Any]]) -> list[Card]:
    cards = []
    for entry in experiments:
        ours = entry["methods"].get("margformer")
        if ours is not None:
            low, high = ours["accuracy_interval"]
            title = f"{entry['experiment'].replace('experiment', 'experiment ')}, {entry['class_set'].upper()}"
            cards.append(Card(title, f"{ours['accuracy']:.4f}", f"ours; 95 % interval {low:.4f} to {high:.4f}"))
    return cards


def _share(value: float | None, spread: float | None = None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.2f}" + ("" if spread is None else f" ± {100 * spread:.2f}")


def _table(results: Mapping[str, Any]) -> Section:
    order = [method.name for method in METHODS]
    rows = []
    for entry in results["experiments"]:
        published = {n: f for n, f in entry["published"].items() if n in order}
        for place, name in enumerate(sorted({*entry["methods"], *published}, key=order.index)):
            method, theirs = entry["methods"].get(name), published.get(name)
            cells = [f"{entry['title']} · {entry['class_set'].upper()} · n = {entry['n']:,}" if not place else ""]
            cells.append(method_named(name).title)
            if theirs is None:
                cells += [""] * 3
            else:
                cells += [_share(theirs[key]) for key in ("accuracy", "precision", "recall")]
            if method is None:
                cells += ["not run", "", "", "", ""]
            else:
                low, high = method["accuracy_interval"]
                cells += [_share(method["accuracy"], method["accuracy_std"]), f"{100 * low:.2f} to {100 * high:.2f}"]
                cells += [_share(method[key], method[f"{key}_std"]) for key in ("precision", "recall")]
                cells.append(f"{method['log_loss']:.4f}")
            rows.append([Cell(cell) for cell in cells])
    columns = ["experiment", "method", "published acc.", "prec.", "recall"]
    columns += ["accuracy here", "95 % interval", "precision", "recall", "log-loss"]
    text = (
        "Per cent. Here: the mean over seeds ± their standard deviation; the interval is a bootstrap over test objects."
        " Precision and recall are macro averages over classes, as in MargNet's code."
    )
    return Section("Published, and here", texts=[text], tables=[Table(columns, rows)])


def _differences(experiments: Sequence[Mapping[str, Any]]) -> Section:
    rows = []
    for entry in experiments:
        for d in entry["differences"]:
            cells = [Cell(f"{entry['title']} · {entry['class_set'].upper()}"), Cell(d["what"])]
            for key, sign in (("accuracy", 1), ("log_loss", -1)):
                low, high = d[key]["interval"]
                verdict = (
                    "better"
                    if min(sign * low, sign * high) > 0
                    else "worse"
                    if max(sign * low, sign * high) < 0
                    else ""
                )
                scale, digits = (100, 2) if key == "accuracy" else (1, 4)
                text = f"{scale * d[key]['difference']:+.{digits}f} ({scale * low:+.{digits}f} to {scale * high:+.{digits}f})"
                cells.append(Cell(text, verdict))
            rows.append(cells)
    text = (
        "Ours minus theirs on the same test objects, each object's mean over seeds, with the 95 % interval of a paired bootstrap"
        " over sources: accuracy in points, log-loss in nats (less is better). Green and red: the interval excludes zero."
    )
    return Section(
        "Is the difference more than chance?",
        texts=[text],
        tables=[Table(["experiment", "comparison", "accuracy", "log-loss"], rows)],
    )


def _definitions(experiments: Sequence[Mapping[str, Any]]) -> Section:
    rows = []
    for entry in experiments:
        experiment = experiment_named(entry["experiment"])
        trained = ", ".join(f"{name} {count:,}" for name, count in entry["trained_on"].items())
        cells = [f"{entry['title']} · {entry['class_set'].upper()}", experiment.question, trained]
        rows.append([Cell(c) for c in (*cells, f"{entry['n']:,}", f"{entry['seen_in_training']:,}")])
    text = (
        "Faint is r > 20 as observed, as the published tables have it (the text speaks of the mean magnitude). Compact is"
        " c ≤ 0.5. Where training ends at r = 20, its classes are no longer balanced as the paper's are: there every learned"
        " method weighs them evenly."
    )
    return Section(
        "The experiments",
        texts=[text],
        tables=[Table(["experiment", "what it asks", "learned from", "tested", "of these seen"], rows, texts=True)],
    )


def _recipes(experiments: Sequence[Mapping[str, Any]]) -> Section:
    found: dict[tuple[str, str], list[Cell]] = {}
    for entry in experiments:
        place = experiment_named(entry["experiment"]).training
        for name, method in entry["methods"].items():
            recipe = ", ".join(f"{key}={value}" for key, value in method["recipe"].items()) or "–"
            epochs = ", ".join(str(e) for e in method["epochs"] if e is not None) or "–"
            size = "–" if method["parameters"] is None else f"{method['parameters']:,}"
            seconds = sum(method["train_seconds"]) / len(method["train_seconds"])
            texts = [f"{method['title']} on {place}, {entry['class_set'].upper()}", method_named(name).what, recipe]
            found[f"{place} {entry['class_set']}", name] = [Cell(t) for t in (*texts, size, epochs, f"{seconds:.0f} s")]
    text = "Settings over the defaults of asterism train; the epoch is chosen by the validation part's log-loss."
    columns = ["method", "what it is", "settings", "parameters", "epochs", "training"]
    return Section("The methods", texts=[text], tables=[Table(columns, list(found.values()), texts=True)])
