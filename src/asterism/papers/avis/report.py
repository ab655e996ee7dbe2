"""The report: aims first, then each part of the table with its definitions and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asterism.inference.report import Card, Cell, Page, Picture, Section, Table
from asterism.papers.avis.methods import method_named, scale_named
from asterism.papers.avis.results import CLASSES
from asterism.papers.avis.rows import PARTS
from asterism.papers.avis.tables import difference, ends_of, part_tables, value_of

__all__ = ["report_page"]

_TEXTS = {
    "redshift": "Neighbours are nearest in cosine, weighted by 1/distance; how many, and the penalty of the linear probe, is chosen on"
    " validation objects. Everything is learned and scored within the class: the class alone would give R² of .6 on a mixed"
    " sample. δ = Δz/(1+z), σ_NMAD = 1.4826 · median|δ − median δ|, R² = 1 − Σ(ẑ − z)²/Σ(z − z̄)² within the objects scored."
    " The supervised networks are told the class too, and give the median of p(z).",
    "retrieval": "Each object's image is compared with the spectra of a pool, its own among them, and the other way round. Pools of"
    " near magnitude hold the objects nearest in it. Flux-normalised: images are divided by the object's own light and spectra"
    " lose their level; signal-to-noise ratios stay.",
    "labels": "Macro recall of names, R² of numbers; intervals are a bootstrap over sources.",
    "clusters": "HDBSCAN on the map of the test objects' joint embedding, and among the embedding's own numbers; its settings"
    " follow from their number, no label has a say."
    " Adjusted mutual information, noise counted as a cluster of its own; targets of objects that were chosen for one reason only.",
    "anomalies": "Whether the highest scores are the objects of rare kinds (white dwarfs, cataclysmic variables, carbon stars, hot"
    " subdwarfs, as far as they are below 2 % of the objects).",
    "spectrum": "The weighted mean of the spectra nearest to the image in the shared space. χ² per pixel against the observed"
    " spectrum, the level fitted; differences are of log10 χ², below 0 where the image tells more.",
}


def report_page(results: Mapping[str, Any], pictures: Mapping[str, Sequence[Picture]], command: str) -> Page:
    """The page of a table, whole or in part.

    Parameters
    ----------
    results : mapping
        The content of ``results.json``.
    pictures : mapping of str to sequence of Picture
        ``redshift``, ``few``, ``retrieval``, ``maps``, ``spectrum``; those that there are.
    command : str
        That makes it.
    """
    parts, sections = results["parts"], [_aims(results)]
    for part, text in _TEXTS.items():
        if part not in parts:
            continue
        section = Section(PARTS[part], [text], part_tables(part, parts[part]), list(pictures.get(part, ())))
        if part == "redshift":
            section.tables += _beside(results)
            section.figures += pictures.get("few", ())
        if part == "clusters":
            section.figures += pictures.get("maps", ())
        section.texts += _notes(parts[part])
        sections.append(section)
    if "maps" in parts and "clusters" not in parts:
        sections.append(Section(PARTS["maps"], figures=list(pictures.get("maps", ()))))
    sections += [_objectives(results), _recipes(parts)]
    kept = method_named(results["kept"]).title
    return Page(
        title="AVIS: images and spectra aligned without labels",
        subtitle=f"scale {results['scale']}: {scale_named(results['scale']).title}; the one kept is {kept}",
        cards=_cards(results),
        sections=sections,
        made=[
            ("command", command),
            ("AstroCLIP", results["citations"]["AstroCLIP"]),
            ("catalogs", ", ".join(f"{name} {mark}" for name, mark in results["data"]["catalogs"].items())),
            ("Asterism", results["asterism"]),
        ],
        notes=_page_notes(results),
    )


def _page_notes(results: Mapping[str, Any]) -> list[str]:
    notes = [
        "No label reaches what learns without labels; labels enter with the probes. Figures of several seeds are means ± standard"
        " deviations, their intervals the mean interval. Differences are paired on the same objects; green and red mark an interval"
        " that excludes zero.",
        "Published figures are of real galaxies of DESI, those here of other objects: they say what is usual, not who is better.",
    ]
    if results["missing"]:
        notes.append(f"{len(results['missing'])} rows of the table are not run yet; run the command again to go on.")
    return notes


def _notes(methods: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(note for entry in methods.values() for note in entry["figures"].get("notes", ())))


def _cards(results: Mapping[str, Any]) -> list[Card]:
    return [
        Card(aim["what"], value_of(aim["reached"]), f"aim {aim['aim']:g}; {ends_of(aim['interval'])}".rstrip("; "))
        for aim in results["aims"]
        if aim["reached"] is not None
    ]


def _aims(results: Mapping[str, Any]) -> Section:
    rows = []
    for aim in results["aims"]:
        verdict = "" if aim["met"] is None else "better" if aim["met"] else "worse"
        reached = "not run" if aim["reached"] is None else value_of(aim["reached"])
        rows.append(
            [Cell(aim["what"]), Cell(f"{aim['aim']:g}"), Cell(reached, verdict), Cell(ends_of(aim["interval"]))]
        )
    published = [
        [Cell(name), Cell(value_of(found.get("r2"), 2)), Cell(value_of(found.get("recall_at_10")))]
        for name, found in results["published"].items()
    ]
    return Section(
        "Aims, and what was reached",
        tables=[
            Table(["aim", "at least", "reached", "95 % interval"], rows),
            Table(["published, real galaxies", "R² of redshift", "recall at 10"], published),
        ],
    )


def _beside(results: Mapping[str, Any]) -> list[Table]:
    rows = [
        [
            Cell(CLASSES[d["of"]]), Cell(d["read"]), Cell(method_named(d["method"]).title), Cell(f"{d['n']:,}"),
            difference(d["r2"], higher=True), difference(d["sigma_nmad"], higher=False, digits=4),
            difference(d["outlier_rate_0.1"], higher=False),
        ]
        for d in results["beside"]
    ]  # fmt: skip
    columns = ["the one kept, less …", "reads", "other", "objects", "R²", "σ_NMAD", "|δ| > 0.1"]
    return [Table(columns, rows)] if rows else []


def _objectives(results: Mapping[str, Any]) -> Section:
    keys = {
        "r2_image_GALAXY": "galaxies, image", "r2_spectrum_GALAXY": "galaxies, spectrum", "r2_image_QSO": "quasars, image",
        "r2_spectrum_QSO": "quasars, spectrum", "recall_at_10": "recall at 10", "macro_recall": "macro recall", "ami": "AMI",
    }  # fmt: skip
    rows = [[Cell(o["title"]), *(Cell(value_of(o[key])) for key in keys)] for o in results["objectives"]]
    section = Section(
        "(g) The objectives, and what masked pre-training buys",
        ["R² of redshifts by neighbours; recall from image to spectrum in large pools of near magnitude; macro recall of class by"
         " neighbours and AMI of clusters with class in the joint embedding. Below: with pre-training less without, on the same objects."],
    )  # fmt: skip
    if rows:
        section.tables.append(Table(["objective", *keys.values()], rows))
    shown = [key for key in keys if any(key in entry for entry in results["pretraining"])]
    gains = [
        [
            Cell(entry["objective"]),
            *(difference(entry[key], higher=True) if key in entry else Cell("–") for key in shown),
        ]
        for entry in results["pretraining"]
    ]
    if gains:
        section.tables.append(Table(["pre-trained less not", *(keys[key] for key in shown)], gains))
    return section


def _recipes(parts: Mapping[str, Any]) -> Section:
    found: dict[str, list[Cell]] = {}
    for methods in parts.values():
        for name, entry in methods.items():
            recipe = ", ".join(f"{key}={value}" for key, value in entry["recipe"].items()) or "–"
            epochs = ", ".join(str(e) for e in entry["epochs"] if e is not None) or "–"
            size = "–" if entry["parameters"] is None else f"{entry['parameters']:,}"
            seconds = sum(entry["train_seconds"]) / len(entry["train_seconds"])
            texts = (entry["title"], method_named(name).what, recipe, size, epochs, f"{seconds:.0f} s")
            found[name] = [Cell(text) for text in texts]
    columns = ["method", "what it is", "settings", "parameters", "epochs", "training"]
    text = "Settings over the defaults of asterism train; the epoch is chosen by the validation part's loss."
    return Section("The methods", [text], [Table(columns, list(found.values()), texts=True)])
