"""Embeddings scored: what they know of redshifts, classes and sizes, and whether an image finds its spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from asterism.inference import alignment_figures, redshift_figures
from asterism.inference.alignment_comparison import HEADLINE, beside_section, differences
from asterism.inference.embedding_probes import Found, Part, Probed, Retrieved
from asterism.inference.probed_objects import ASKED, ProbedObjects
from asterism.inference.report import Card, Cell, Picture, Section, Table, interval, number
from asterism.inference.results import Results
from asterism.learning.intervals import bootstrap_mean
from asterism.learning.metrics import SMALLEST_BIN, bin_edges
from asterism.learning.retrieval import RECALL_AT

__all__ = ["alignment_results", "headline"]

_OF_POINTS = ("r2", "sigma_nmad", "bias", "outlier_rate_0.05", "outlier_rate_0.15")
_POOLS = {
    "random": "at random",
    "magnitude": "of near magnitude",
    "magnitude_redshift": "of near magnitude and redshift",
}
_PROBE_WORDS = {
    "knn": "neighbours",
    "knn_median": "neighbours, median",
    "linear": "linear",
    "trees": "trees",
    "mean": "mean",
}
_SHOWN_FIRST = ("image", "spectrum", "joint")

Embeddings = Mapping[str, Probed]


def alignment_results(
    method: str, test: Part, probed: Embeddings, retrieved: Retrieved | None, others: Mapping[str, Embeddings]
) -> Results:
    """Put together figures, tables and pictures.

    Parameters
    ----------
    method : str
        The model's name.
    test : Part
        The objects scored.
    probed : mapping of str to Probed
        What each of the model's embeddings answers; empty where there was nothing to learn labels from.
    retrieved : Retrieved or None
        None where the model has one embedding only.
    others : mapping of str to mapping of str to Probed
        The same of each baseline.

    Returns
    -------
    Results
    """
    metrics: dict[str, Any] = {"n": len(test.objects), **headline(probed)}
    if retrieved is not None:
        if "random" in retrieved.places:
            metrics |= _of_retrieval(retrieved, test.objects)
        metrics["retrieval"] = retrieved.metrics
    metrics["probes"] = {name: found.metrics for name, found in probed.items()}
    metrics.setdefault("bins", {})
    beside = {
        name: {
            **headline(found),
            "probes": {key: one.metrics for key, one in found.items()},
            "difference": {
                f"{key}_{figure}": d for (key, figure), d in differences(probed, found, test.objects).items()
            },
            "bins": {},
        }
        for name, found in others.items()
    }
    results = Results(metrics, beside, _cards(metrics))
    everyone = {method: probed, **others}
    results.sections = [
        *(_retrieval_sections(retrieved, test.objects) if retrieved is not None and retrieved.places else []),
        *(
            _redshift_section(asked, everyone)
            for asked in ASKED
            if asked.startswith("redshift") and _asked(probed, asked)
        ),
        *beside_section(results),
        *_names_sections(everyone),
        *_numbers_sections(everyone),
    ]
    results.tables = {"probes": _probe_rows(everyone), "few_shot": _few_rows(everyone)}
    if retrieved is not None:
        results.tables["retrieval"] = [
            {"direction": direction, "pools": pools, **_scalars(figures)}
            for direction, kinds in retrieved.metrics.items()
            for pools, figures in kinds.items()
        ]
    results.tables = {name: rows for name, rows in results.tables.items() if rows}
    results.columns = _columns(test, probed, retrieved)
    return results


def headline(probed: Embeddings) -> dict[str, Any]:
    """Flat figures of the redshift by neighbours: ``knn_…`` of the joint embedding, ``image_knn_…`` of the image's and so on.

    Of galaxies where the catalog has classes; ``knn_of`` says of what.
    """
    result: dict[str, Any] = {}
    for name, found in probed.items():
        asked = next((key for key in HEADLINE if key in found.found), None)
        if asked is None:
            continue
        # Baselines that are no embedding have one answer of their own.
        probe = "knn" if "knn" in found.found[asked] else next(iter(found.found[asked]))
        scores = found.found[asked][probe].scores
        stem = probe if name == "joint" else f"{name}_{probe}"
        result[f"{probe}_of"] = asked
        for key in _OF_POINTS:
            result |= {f"{stem}_{key}": scores[key], f"{stem}_{key}_interval": scores.get(f"{key}_interval")}
    if "class" in (probed["joint"].found if "joint" in probed else {}):
        scores = probed["joint"].found["class"]["knn"].scores
        result |= {f"knn_{key}": scores[key] for key in ("macro_recall", "macro_recall_interval")}
    return {key: value for key, value in result.items() if value is not None}


def _of_retrieval(retrieved: Retrieved, objects: ProbedObjects) -> dict[str, Any]:
    """Flat figures from image to spectrum in pools at random, and recall in bins of magnitude."""
    direction = next(iter(retrieved.metrics))
    figures = retrieved.metrics[direction]["random"]
    keys = [f"recall_at_{k}{end}" for k in RECALL_AT for end in ("", "_interval")] + ["median_rank", "pool"]
    result: dict[str, Any] = {key: figures[key] for key in keys}
    if objects.band:
        places, ranks = retrieved.places["random"], retrieved.ranks[direction, "random"]
        result["bins"] = {f"{objects.band}_mag": _bins(ranks, objects.magnitudes[places], objects.source_id[places])}
    return result


def _bins(ranks: Any, magnitudes: Any, sources: Any) -> list[dict[str, Any]]:
    rows, edges = [], bin_edges(magnitudes)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (magnitudes >= low) & (magnitudes < high)
        if inside.sum() < SMALLEST_BIN:
            continue
        row: dict[str, Any] = {"lo": float(low), "hi": float(high), "n": int(inside.sum())}
        for k in RECALL_AT:
            hits = (ranks[inside] <= k).astype(float)
            row[f"recall_at_{k}"] = float(hits.mean())
            row[f"recall_at_{k}_interval"] = list(bootstrap_mean(hits, sources[inside], resamples=500))
        rows.append(row)
    return rows


def _asked(probed: Embeddings, asked: str) -> bool:
    return any(asked in found.found for found in probed.values())


def _ordered(probed: Embeddings) -> list[str]:
    return sorted(
        probed, key=lambda name: (name not in _SHOWN_FIRST, _SHOWN_FIRST.index(name) if name in _SHOWN_FIRST else 0)
    )


def _cards(m: Mapping[str, Any]) -> list[Card]:
    cards = []
    if "recall_at_10" in m:
        note = f"image to spectrum, pools of {m['pool']:,}; by chance {10 / m['pool']:.2%}"
        cards.append(Card("recall at 10", f"{m['recall_at_10']:.1%}", note))
        cards.append(Card("median rank", f"{m['median_rank']:g}", f"of {m['pool']:,}"))
    of = {"redshift_GALAXY": "galaxies", "redshift_QSO": "quasars"}.get(m.get("knn_of", ""), "objects")
    for stem, what in (("image_", "image"), ("spectrum_", "spectrum"), ("", "joint")):
        if m.get(f"{stem}knn_r2") is not None:
            note = f"{of}' redshifts by neighbours; {interval(m.get(f'{stem}knn_r2_interval'))}"
            cards.append(Card(f"R², {what}", number(m[f"{stem}knn_r2"], 3), note))
    if "knn_macro_recall" in m:
        cards.append(Card("macro recall", number(m["knn_macro_recall"], 3), "class by neighbours, joint embedding"))
    return cards


def _retrieval_sections(retrieved: Retrieved, objects: ProbedObjects) -> list[Section]:
    section = Section("Does an image find its spectrum?")
    columns = [
        "from → to",
        "pools",
        "pairs",
        "pool",
        *(f"recall at {k} (chance)" for k in RECALL_AT),
        "median rank",
        "members differ by",
    ]
    rows = []
    for direction, kinds in retrieved.metrics.items():
        for kind, m in kinds.items():
            apart = [f"{m['spread_magnitude']:.2f} mag"] if "spread_magnitude" in m else []
            apart += [f"{m['spread_log1p_redshift']:.3f} in ln(1+z)"] if "spread_log1p_redshift" in m else []
            texts = [direction.replace("_to_", " → "), _POOLS[kind], f"{m['n']:,}", f"{m['pool']:,}"]
            texts += [f"{m[f'recall_at_{k}']:.3f} ({m[f'chance_at_{k}']:.3f})" for k in RECALL_AT]
            texts += [f"{m['median_rank']:g} ({m['chance_median_rank']:g})", ", ".join(apart) or "–"]
            rows.append([Cell(text) for text in texts])
    section.tables.append(Table(columns, rows))
    section.texts.append(
        "Each object's embedding is compared by cosine with a pool of the other modality's: its own partner and others. Recall at "
        "k is the share of objects whose partner is among the k most similar; chance is k over the pool's size. Pools of near "
        "magnitude hold the objects nearest in it, so that brightness alone finds nothing; the last column says how near they are "
        "(median over queries of the median difference)."
    )
    kind = "random"
    names = {direction: retrieved.ranks[direction, kind] for direction in retrieved.metrics}
    size = retrieved.metrics[next(iter(names))][kind]["pool"]
    shown = {direction.replace("_to_", " → "): ranks for direction, ranks in names.items()}
    if objects.band:
        along = objects.magnitudes[retrieved.places[kind]]
        if np.isfinite(along).sum() >= SMALLEST_BIN:
            picture = alignment_figures.recall_figure(shown, along, 10 / size, f"{objects.band} magnitude")
            section.figures.append(Picture.of(picture, f"Recall at 10 along magnitude, in random pools of {size:,}."))
    first = next(iter(retrieved.metrics))
    by_pools = {_POOLS[k]: retrieved.ranks[first, k] for k in retrieved.metrics[first]}
    picture = alignment_figures.rank_figure(
        by_pools, {_POOLS[k]: m["pool"] for k, m in retrieved.metrics[first].items()}
    )
    what = first.replace("_to_", " to ")
    section.figures.append(
        Picture.of(picture, f"How far down the list the partner stands, from {what}, by kind of pool.")
    )
    return [section]


def _redshift_section(asked: str, everyone: Mapping[str, Embeddings]) -> Section:
    of = {"redshift_GALAXY": "galaxies", "redshift_QSO": "quasars", "redshift": "all that are no stars"}[asked]
    section = Section(f"Redshifts of {of}")
    columns = [
        "method",
        "embedding",
        "probe",
        "labels",
        "scored",
        "R²",
        "95 % interval",
        "σ_NMAD",
        "|δ| > 0.05",
        "> 0.1",
        "> 0.15",
    ]
    rows = []
    for method, probed in everyone.items():
        for name in _ordered(probed):
            for probe, found in probed[name].found.get(asked, {}).items():
                m = found.scores
                ends = "–" if m.get("r2_interval") is None else "{:.3f} to {:.3f}".format(*m["r2_interval"])
                texts = [
                    method,
                    name,
                    _PROBE_WORDS.get(probe, probe),
                    f"{m['reference']:,}",
                    f"{m['n']:,}",
                    number(m["r2"], 3),
                    ends,
                ]
                texts += [
                    number(m[key])
                    for key in ("sigma_nmad", "outlier_rate_0.05", "outlier_rate_0.1", "outlier_rate_0.15")
                ]
                rows.append([Cell(text) for text in texts])
    section.tables.append(Table(columns, rows))
    section.texts.append(
        f"{ASKED[asked].capitalize()}. Neighbours are nearest in cosine, weighted by 1/distance; how many is chosen on the "
        "validation part. δ = Δz/(1+z), σ_NMAD = 1.4826 · median|δ − median δ|; R² = 1 − Σ(ẑ − z)²/Σ(z − z̄)² within these objects."
    )
    ours = next(iter(everyone.values()))
    for name in _ordered(ours):
        if asked in ours[name].found:
            found = ours[name].found[asked]["knn"]
            picture = redshift_figures.redshift_figure(
                np.maximum(found.predicted.astype(float), 0), found.true.astype(float)
            )
            section.figures.append(
                Picture.of(picture, f"Redshift by neighbours of the {name} embedding against the true one.")
            )
    few = {name: ours[name].few[asked]["knn"] for name in _ordered(ours) if ours[name].few.get(asked, {}).get("knn")}
    if any(len(numbers) > 1 for numbers in few.values()):
        whole = {name: ours[name].found[asked]["knn"].scores["r2"] or 0.0 for name in few}
        picture = alignment_figures.few_shot_figure(few, whole, "R², neighbours")
        caption = "R² with few labels: mean and scatter over draws of the labelled objects; dotted with all of them."
        section.figures.append(Picture.of(picture, caption))
    return section


def _names_sections(everyone: Mapping[str, Embeddings]) -> list[Section]:
    sections = []
    for asked, what in ASKED.items():
        found = [(texts, f.scores) for texts, f in _of(asked, everyone) if "macro_recall" in f.scores]
        if not found:
            continue
        names = list(dict.fromkeys(name for _, m in found for name in m["recall"]))
        rows = []
        for texts, m in found:
            figures = [number(m["macro_recall"], 3), "{:.3f} to {:.3f}".format(*m["macro_recall_interval"])]
            recalls = [number(m["recall"].get(name), 2) for name in names]
            rows.append([Cell(text) for text in [*texts, *figures, *recalls]])
        counts = ", ".join(f"{name} {count:,}" for name, count in found[0][1]["n_by_class"].items())
        columns = ["method", "embedding", "probe", "scored", "macro recall", "95 % interval", *names]
        text = f"Macro recall is the mean of the classes' recalls, which stand behind it. Objects scored: {counts}."
        sections.append(Section(what[0].upper() + what[1:], [text], [Table(columns, rows)]))
    return sections


def _numbers_sections(everyone: Mapping[str, Embeddings]) -> list[Section]:
    sections = []
    for asked in ("half_light_radius", "bulge_fraction"):
        rows = []
        for texts, found in _of(asked, everyone):
            m = found.scores
            ends = "–" if m.get("r2_interval") is None else "{:.3f} to {:.3f}".format(*m["r2_interval"])
            rows.append([Cell(t) for t in [*texts, number(m["r2"], 3), ends, number(m["rmse"], 3)]])
        if rows:
            columns = ["method", "embedding", "probe", "scored", "R²", "95 % interval", "rms error"]
            sections.append(Section(ASKED[asked][0].upper() + ASKED[asked][1:], [], [Table(columns, rows)]))
    return sections


def _of(asked: str, everyone: Mapping[str, Embeddings]) -> list[tuple[list[str], Found]]:
    """Each answer to a question, with the cells that say whose it is."""
    return [
        ([method, name, _PROBE_WORDS.get(probe, probe), f"{found.scores['n']:,}"], found)
        for method, probed in everyone.items()
        for name in _ordered(probed)
        for probe, found in probed[name].found.get(asked, {}).items()
    ]


def _scalars(figures: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            row[key] = value
        elif key.endswith("_interval") and value is not None:
            stem = key.removesuffix("_interval")
            row |= {f"{stem}_low": value[0], f"{stem}_high": value[1]}
    return row


def _probe_rows(everyone: Mapping[str, Embeddings]) -> list[dict[str, Any]]:
    return [
        {"method": method, "embedding": name, "asked": asked, "probe": probe, **_scalars(found.scores)}
        for method, probed in everyone.items()
        for name in _ordered(probed)
        for asked, probes in probed[name].found.items()
        for probe, found in probes.items()
    ]


def _few_rows(everyone: Mapping[str, Embeddings]) -> list[dict[str, Any]]:
    return [
        {"method": method, "embedding": name, "asked": asked, "probe": probe, "labels": int(labels), **_scalars(found)}
        for method, probed in everyone.items()
        for name in _ordered(probed)
        for asked, probes in probed[name].few.items()
        for probe, by_number in probes.items()
        for labels, found in by_number.items()
    ]


def _columns(test: Part, probed: Embeddings, retrieved: Retrieved | None) -> dict[str, Any]:
    """A value per scored object: ranks in random pools, redshifts and classes by neighbours; NaN or None where not asked."""
    n = len(test.objects)
    columns: dict[str, Any] = {"redshift": test.objects.redshifts}
    if retrieved is not None and "random" in retrieved.places:
        for direction in retrieved.metrics:
            ranks = np.full(n, np.nan)
            ranks[retrieved.places["random"]] = retrieved.ranks[direction, "random"]
            columns[f"rank_{direction}"] = ranks
    for name in _ordered(probed):
        z = np.full(n, np.nan)
        for asked in HEADLINE:
            if asked in probed[name].found:
                found = probed[name].found[asked]["knn"]
                z[found.places] = np.maximum(found.predicted.astype(float), 0)
        columns[f"z_knn_{name}"] = z
        if "class" in probed[name].found:
            found = probed[name].found["class"]["knn"]
            told = np.full(n, None, object)
            told[found.places] = found.predicted
            columns[f"class_knn_{name}"] = told.tolist()
    return columns
