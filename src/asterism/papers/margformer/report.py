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
    sections = [_table(entry) for entry in experiments]
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
    notes = [
        "Accuracy, precision and recall are means over seeds ± their standard deviation; precision and recall are macro averages"
        " over classes, as in MargNet's code; intervals are a bootstrap over sources. Differences are ours minus theirs on the"
        " same test objects, each object's mean over seeds, with a paired bootstrap: green and red mark an interval that"
        " excludes zero."
    ]
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


def _table(entry: Mapping[str, Any]) -> Section:
    """One experiment and class set: methods with the published figures beside, and the differences that matter."""
    order = [method.name for method in METHODS]
    published = {n: f for n, f in entry["published"].items() if n in order}
    rows = []
    for name in sorted({*entry["methods"], *published}, key=order.index):
        method, theirs = entry["methods"].get(name), published.get(name)
        cells = [method_named(name).title]
        cells += [""] * 3 if theirs is None else [_share(theirs[key]) for key in ("accuracy", "precision", "recall")]
        if method is None:
            cells += ["not run", "", "", "", ""]
        else:
            low, high = method["accuracy_interval"]
            cells += [_share(method["accuracy"], method["accuracy_std"]), f"{100 * low:.2f} to {100 * high:.2f}"]
            cells += [_share(method[key], method[f"{key}_std"]) for key in ("precision", "recall")]
            cells.append(f"{method['log_loss']:.4f}")
        rows.append([Cell(cell) for cell in cells])
    columns = ["method", "published", "precision", "recall", "accuracy here", "95 % interval", "precision", "recall"]
    seen = f", {entry['seen_in_training']:,} of them seen in training" if entry["seen_in_training"] else ""
    section = Section(
        f"{entry['title']} · {entry['class_set'].upper()}",
        texts=[f"{experiment_named(entry['experiment']).question} {entry['n']:,} test objects{seen}; per cent."],
        tables=[Table([*columns, "log-loss"], rows, first_is_ours="margformer" in entry["methods"])],
    )
    if entry["differences"]:
        section.tables.append(_differences(entry))
    return section


def _differences(entry: Mapping[str, Any]) -> Table:
    rows = []
    for d in entry["differences"]:
        cells = [Cell(d["what"])]
        for key, sign in (("accuracy", 1), ("log_loss", -1)):
            low, high = d[key]["interval"]
            ends = sorted((sign * low, sign * high))
            verdict = "better" if ends[0] > 0 else "worse" if ends[1] < 0 else ""
            scale, digits = (100, 2) if key == "accuracy" else (1, 4)
            text = (
                f"{scale * d[key]['difference']:+.{digits}f} ({scale * low:+.{digits}f} to {scale * high:+.{digits}f})"
            )
            cells.append(Cell(text, verdict))
        rows.append(cells)
    return Table(["difference", "accuracy, points", "log-loss, nats"], rows)


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
