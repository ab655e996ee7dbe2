"""The report: the paper's tables and figures with ours beside them, each step with its interval, and what must be known first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asterism.inference.report import Card, Cell, Page, Picture, Section, Table
from asterism.papers.macnet.assist_report import assist_sections
from asterism.papers.macnet.maps_report import maps_section, windows_section
from asterism.papers.macnet.methods import METHODS, method_named
from asterism.papers.macnet.published import CITATION, CLASSES, COUNTS, ORDER, TABLE_4, TRAINING
from asterism.papers.macnet.rows import PARTS, TRAINING_SETS
from asterism.papers.macnet.scales import scale_named
from asterism.papers.macnet.structure import modules

__all__ = ["report_page"]

_SECTIONS = (
    ("frame", "Fig. 1: a raw frame", "One camera of a simulated LAMOST spectrograph."),
    (
        "strips",
        "Fig. 2: strips",
        "One object of each class, both arms whole, sky left in; the networks read a window of each.",
    ),
    ("images", "Fig. 3: images", "g, r, i as colours (Lupton et al. 2004); objects of the test set, in its order."),
)
_NAMES = {"sscnn1d": "1D SSCNN", "mnet": "M-Net", "cnet": "C-Net", "mcnet": "MC-Net", "macnet": "MAC-Net"}


def report_page(results: Mapping[str, Any], pictures: Mapping[str, Sequence[Picture]], command: str) -> Page:
    """The page of the tables, whole or in part.

    Parameters
    ----------
    results : mapping
        The content of ``results.json``.
    pictures : mapping of str to sequence of Picture
        ``frame``, ``strips``, ``images``, ``accuracy``, ``confusion``, ``maps``, ``windows``; those that there are.
    command : str
        That makes it.

    Returns
    -------
    Page
    """
    sections = []
    for key, title, text in _SECTIONS:
        if pictures.get(key):
            sections.append(Section(title, texts=[text], figures=list(pictures[key])))
    sections += [_objects(results), _layers(results), _training(results)]
    crossed = {e["training"]: e for e in results["parts"] if e["part"] == "crossed"}
    for entry in results["parts"]:
        if entry["part"] in ("table4", "published", "sky"):
            sections.append(_table_4(entry, crossed.get(entry["training"]) if entry["part"] == "table4" else None))
    steps = [_steps(results["steps"][training], TRAINING_SETS[training]) for training in results["steps"]]
    steps += [
        _steps(results["crossed"][training], f"{TRAINING_SETS[training]}, tested on other libraries")
        for training in results["crossed"]
    ]
    steps = [table for table in steps if table.rows]
    if steps:
        figures = list(pictures.get("accuracy", []))
        texts = [_order(results, t) for t in results["steps"] if results["order"].get(t)]
        text = "Accuracy on the same test objects, each object's mean over seeds; paired bootstrap over sources."
        sections.append(Section("The steps of the paper", texts=[text, *texts], tables=steps, figures=figures))
    if pictures.get("confusion"):
        text = "True classes along rows; means over seeds. The last panel: of the objects of two classes the share that is mistaken for the other."
        sections.append(Section("Fig. 11: confusions", texts=[text], figures=list(pictures["confusion"])))
    sections.append(_sizes(results))
    sections += [*_comparisons(results), *assist_sections(results["assist"])]
    if results["maps"]:
        sections.append(maps_section(results, pictures.get("maps", ())))
    if results["windows"]:
        sections.append(windows_section(results, pictures.get("windows", ())))
    sections.append(_recipes(results))
    return Page(
        title="MAC-Net, reproduced",
        subtitle=f"scale {results['scale']}: {scale_named(results['scale']).title}"
        if results["data"]["origin"] == "simulated"
        else "your own frames and images",
        cards=_cards(results),
        sections=sections,
        made=[
            ("command", command),
            ("paper", CITATION),
            ("catalogs", ", ".join(f"{name} {mark}" for name, mark in results["data"]["catalogs"].items())),
            ("Asterism", results["asterism"]),
        ],
        notes=_notes(results),
    )


def _notes(results: Mapping[str, Any]) -> list[str]:
    notes = [
        "Figures are means over seeds ± their standard deviation; intervals are 95 per cent bootstraps over sources. Differences"
        " are paired on the same test objects; green and red mark an interval that excludes zero.",
        "Training, validation and test parts are the paper's 8 : 1 : 1; its validation tenth is shared between our validation"
        " (when to stop) and calibration (temperature).",
    ]
    if results["data"]["origin"] == "simulated":
        notes.append(
            "Published figures are of 289 real LAMOST objects; those here are of simulated ones of other templates than those"
            " learned from, whose difficulty is another. Compare within a column of ours, not ours with the published column."
        )
    if results["data"]["dropped"]:
        notes.append(
            f"{results['data']['dropped']:,} objects without an image were left out; dropped.parquet lists them."
        )
    if results["missing"]:
        notes.append(f"{len(results['missing'])} rows of the table are not run yet; run the command again to go on.")
    return notes


def _cards(results: Mapping[str, Any]) -> list[Card]:
    cards = []
    for entry in results["parts"]:
        if entry["part"] == "table4" and "macnet" in entry["methods"]:
            ours = entry["methods"]["macnet"]
            low, high = ours["accuracy_interval"]
            note = f"{TRAINING_SETS[entry['training']]}; {low:.4f} to {high:.4f}; published .986"
            if "lightgbm" in entry["methods"]:
                note += f"; LightGBM {entry['methods']['lightgbm']['accuracy']:.4f}"
            cards.append(Card("MAC-Net, light: accuracy", f"{ours['accuracy']:.4f}", note))
    for size in results["sizes"]:
        if size["model"] == "macnet":
            note = f"{size['light']['parameters']:,} instead of {size['published']['parameters']:,}"
            cards.append(Card("fewer parameters, light MAC-Net", f"{size['fewer']:.0f}×", note))
    return cards


def _share(value: float | None, spread: float | None = None, digits: int = 3) -> str:
    if value is None:
        return "–"
    return f"{value:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def _cells(*texts: str) -> list[Cell]:
    return [Cell(text) for text in texts]


def _objects(results: Mapping[str, Any]) -> Section:
    rows = [_cells("published", "both plans", *(f"{COUNTS[c]:,}" for c in CLASSES), f"{sum(COUNTS.values()):,}")]
    for entry in results["objects"]:
        counts = entry["counts"]
        plan = (
            "all"
            if entry["plan"] is None
            else f"plan {entry['plan']} (MJD {entry['mjd'][0]:.0f} to {entry['mjd'][1]:.0f})"
        )
        rows.append(_cells(entry["catalog"], plan, *(f"{counts[c]:,}" for c in CLASSES), f"{sum(counts.values()):,}"))
    return Section("Table 1: the objects", tables=[Table(["set", "plan", *CLASSES, "all"], rows)])


def _layers(results: Mapping[str, Any]) -> Section:
    tables, texts = [], []
    for size in ("published", "light"):
        rows = [
            _cells(e["branch"], e["layer"], e["kind"], " × ".join(map(str, e["shape"])), f"{e['parameters']:,}")
            for e in modules(results["layers"][size])
        ]
        tables.append(Table(["branch", f"layer, {size}", "kind", "gives", "parameters"], rows))
    texts.append(
        "MAC-Net as its modules have it, published and light: channels × rows × pixels. The red arm's branch is the blue one's"
        " again; layers without parameters are shown where they change the shape, and each of GoogLeNet's Inception modules is"
        " one line."
    )
    return Section("Table 2: the layers", texts=texts, tables=tables)


def _training(results: Mapping[str, Any]) -> Section:
    light = results["training"]
    rows = [_cells(key, text, light.get(key, "")) for key, text in TRAINING.items()]
    return Section(
        "Table 3: the training",
        texts=[
            "What is published, which the published networks here are trained by at the scale full (at the others for"
            f" {method_named('macnet-published').length('small', 'sample')} epochs, in bfloat16, and with"
            " batch normalisation's statistics taken anew without dropout), and what the light ones are trained by."
        ],
        tables=[Table(["setting", "published", "light"], rows, texts=True)],
    )


def _table_4(entry: Mapping[str, Any], crossed: Mapping[str, Any] | None) -> Section:
    rows: list[list[Cell]] = []
    for method in METHODS:
        ours = entry["methods"].get(method.name)
        if ours is None:
            continue
        published = TABLE_4.get(method.model) if entry["part"] != "sky" else None
        for place, name in enumerate(CLASSES):
            theirs = published.classes[name] if published else None
            mine = ours["classes"][name]
            cells = [method.title if not place else "", name]
            cells += [_share(getattr(theirs, key)) if theirs else "" for key in ("precision", "recall", "f1")]
            cells += [_share(mine[key], mine[f"{key}_std"]) for key in ("precision", "recall", "f1")]
            low, high = ours["accuracy_interval"]
            cells += [_share(published.accuracy) if published and not place else ""]
            cells += (
                [_share(ours["accuracy"], ours["accuracy_std"], 4), f"{low:.4f} to {high:.4f}"]
                if not place
                else ["", ""]
            )
            if crossed is not None:
                other = crossed["methods"].get(method.name)
                cells += [
                    "" if other is None or place else _share(other["accuracy"], other["accuracy_std"], 4),
                    "" if other is None or place else "{:.4f} to {:.4f}".format(*other["accuracy_interval"]),
                ]
            rows.append(_cells(*cells))
    columns = ["network", "class", "published precision", "recall", "F1", "precision here", "recall", "F1"]
    trained = ", ".join(f"{name} {count:,}" for name, count in entry["trained_on"].items())
    columns += ["published accuracy", "accuracy here", "95 % interval"]
    texts = [f"{entry['n']:,} test objects; learned from {trained}."]
    if crossed is not None:
        columns += ["accuracy, other libraries", "95 % interval"]
        texts.append(
            f"The last columns are of {crossed['n']:,} objects made from other template libraries than everything else: how far"
            " the figures hang on the spectra that objects are simulated from."
        )
    title = f"{PARTS[entry['part']]} · {TRAINING_SETS[entry['training']]}"
    return Section(title, texts=texts, tables=[Table(columns, rows)])


def _difference(told: Mapping[str, Any], key: str = "accuracy") -> Cell:
    sign = 1 if key == "accuracy" else -1
    low, high = sorted(sign * end for end in told[key]["interval"])
    verdict = "better" if low > 0 else "worse" if high < 0 else ""
    scale, digits = (100, 2) if key == "accuracy" else (1, 4)
    ends = told[key]["interval"]
    text = f"{scale * told[key]['difference']:+.{digits}f}"
    return Cell(f"{text} ({scale * ends[0]:+.{digits}f} to {scale * ends[1]:+.{digits}f})", verdict)


def _steps(steps: Sequence[Mapping[str, Any]], learned: str) -> Table:
    rows = [
        [
            Cell(f"{_NAMES[s['before']]} → {_NAMES[s['after']]}"),
            Cell(f"{100 * s['published']:+.1f}"),
            _difference(s),
            _difference(s, "log_loss"),
            Cell({"higher": "holds", "lower": "the reverse holds"}.get(s["verdict"], "not told apart")),
        ]
        for s in steps
    ]
    columns = [
        f"step, {learned}",
        "published, points",
        "accuracy here, points",
        "log-loss, nats",
        "claim",
    ]
    return Table(columns, rows)


def _order(results: Mapping[str, Any], training: str) -> str:
    told = results["order"][training]
    best = ", ".join(f"{_NAMES[name]} {100 * told['best'][name]:.0f} %" for name in ORDER)
    return (
        f"{TRAINING_SETS[training].capitalize()}: of {told['draws']:,} test sets of the paper's size ({told['n']} objects drawn from"
        f" ours, one seed of each network), {100 * told['in_order']:.1f} % have the paper's order; best alone is {best}."
    )


def _sizes(results: Mapping[str, Any]) -> Section:
    measured = results["times"]
    rows = []
    for entry in results["sizes"]:
        for size in ("published", "light"):
            took = measured.get(size, {}).get(entry["model"])
            told = (f"{entry['published_mebibytes']:.0f}", f"{entry['published_milliseconds']:.2f}")
            rows.append(
                _cells(
                    f"{_NAMES[entry['model']]}, {size}",
                    *(told if size == "published" else ("", "")),
                    f"{entry[size]['parameters']:,}",
                    f"{entry[size]['mebibytes']:.2f}",
                    "–" if took is None else f"{took:.2f}",
                )
            )
    columns = ["network", "published MiB", "published ms (their GPU)", "parameters", "MiB here", "ms here (one core)"]
    text = "The paper's 'parameters' are MiB of float32. Times are of one object, networks in turn, the median of five rounds."
    return Section("Table 5: sizes and times", texts=[text], tables=[Table(columns, rows)])


def _comparisons(results: Mapping[str, Any]) -> list[Section]:
    sections = []
    columns = ["network", "accuracy, points", "log-loss, nats"]
    if results["light"]:
        rows = [[Cell(_NAMES[d["model"]]), _difference(d), _difference(d, "log_loss")] for d in results["light"]]
        text = "Light less published, trained on the same objects."
        sections.append(Section("(a) Light against published", texts=[text], tables=[Table(columns, rows)]))
    if results["sky"]:
        rows = [
            [Cell(f"{_NAMES[d['model']]}, {TRAINING_SETS[d['training']]}"), _difference(d), _difference(d, "log_loss")]
            for d in results["sky"]
        ]
        text = "With the sky of the sky fibres taken off, less the same with the sky left in."
        sections.append(Section("(b) Sky subtracted", texts=[text], tables=[Table(columns, rows)]))
    if results["plans"]:
        rows = []
        for entry in results["plans"]:
            cells = [method_named(entry["method"]).title, f"plan {entry['trained_on']}"]
            for tested in (1, 2):
                told = entry.get(f"plan{tested}")
                ends = "" if told is None else f" ({told['interval'][0]:.4f} to {told['interval'][1]:.4f})"
                cells.append("–" if told is None else _share(told["accuracy"], told["accuracy_std"], 4) + ends)
            rows.append(_cells(*cells))
        columns = ["network", "trained on", "accuracy on plan 1", "accuracy on plan 2"]
        sections.append(
            Section(
                "(d) From one observation plan to the other",
                texts=[
                    "Trained on the sample's objects of one plan, tested on all of its objects of the other, and on those of the"
                    " own plan's test part."
                ],
                tables=[Table(columns, rows)],
            )
        )
    return sections


def _recipes(results: Mapping[str, Any]) -> Section:
    rows = []
    for entry in (e for e in results["parts"] if e["part"] != "crossed"):  # those are table 4's
        for name, method in entry["methods"].items():
            recipe = ", ".join(f"{key}={value}" for key, value in method["recipe"].items()) or "–"
            epochs = ", ".join(str(e) for e in method["epochs"] if e is not None) or "–"
            size = "–" if method["parameters"] is None else f"{method['parameters']:,}"
            seconds = sum(method["train_seconds"]) / len(method["train_seconds"])
            texts = [f"{method['title']} · {TRAINING_SETS[entry['training']]}", method_named(name).what, recipe]
            rows.append(_cells(*texts, size, epochs, f"{seconds:.0f} s"))
    columns = ["method", "what it is", "settings", "parameters", "epochs", "training"]
    text = "Settings over the defaults of asterism train; the epoch is chosen by the validation part's log-loss."
    return Section("The methods", texts=[text], tables=[Table(columns, rows, texts=True)])
