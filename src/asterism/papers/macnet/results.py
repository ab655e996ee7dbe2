"""The figures of the tables: per class and in all, over seeds, with intervals; each step of the paper's order; what holds.

Precision, recall and F1 are of each class. The mean over seeds stands beside its standard deviation; intervals are a
bootstrap over sources of the objects' mean over seeds (`seed_scores`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import asterism
from asterism.papers.macnet.assistance import assistance
from asterism.papers.macnet.data import PaperData
from asterism.papers.macnet.maps import STEPS
from asterism.papers.macnet.methods import SUBTRACTED, WINDOWS, method_named
from asterism.papers.macnet.published import CITATION, CLASSES, ORDER, TABLE_4
from asterism.papers.macnet.rows import PARTS, TRAINING_SETS, Row
from asterism.papers.row_records import read_record, read_scored
from asterism.papers.seed_scores import SeedScores, difference, mean_and_std

__all__ = ["Places", "agreement", "class_figures", "collect", "light_training", "order_chance", "read_rows"]

Places = Mapping[tuple[str, str], Mapping[str, SeedScores]]
"""(part, training) → method → its seeds."""

_DRAWS = 2000
_PUBLISHED_TEST = 289  # a tenth of the paper's objects


def read_rows(out: Path, rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, SeedScores]]:
    """The finished rows' objects with their class probabilities; maps and redshifts have none."""
    found: dict[tuple[str, str], dict[str, list[pa.Table]]] = {}
    for row in rows:
        if row.part not in ("maps", "assist-redshift") and read_record(row.folder(out)) is not None:
            place = found.setdefault((row.part, row.training), {})
            place.setdefault(row.method, []).append(read_scored(row.folder(out)))
    return {
        place: {method: SeedScores(tables, CLASSES) for method, tables in methods.items()}
        for place, methods in found.items()
    }


def class_figures(scores: SeedScores, which: NDArray[np.bool_] | None = None) -> dict[str, dict[str, float | None]]:
    """Precision, recall and F1 of each class: mean over seeds, and ``…_std``.

    Parameters
    ----------
    scores : SeedScores
    which : ndarray of bool, shape (n,), optional
        The objects that count.

    Returns
    -------
    dict
        By class; a class that is never named has precision 0.
    """
    kept = np.ones(len(scores.labels), bool) if which is None else which
    found: dict[str, dict[str, list[float]]] = {c: {"precision": [], "recall": [], "f1": []} for c in CLASSES}
    for p in scores.probabilities:
        called, true = p.argmax(axis=1)[kept], scores.labels[kept]
        for index, name in enumerate(CLASSES):
            hits = int(((called == index) & (true == index)).sum())
            n_called, n_true = int((called == index).sum()), int((true == index).sum())
            found[name]["precision"].append(hits / n_called if n_called else 0.0)
            found[name]["recall"].append(hits / n_true if n_true else 0.0)
            found[name]["f1"].append(2 * hits / max(n_called + n_true, 1))
    told: dict[str, dict[str, float | None]] = {}
    for name, values in found.items():
        told[name] = {}
        for key, of_seeds in values.items():
            told[name][key], told[name][f"{key}_std"] = mean_and_std(of_seeds)
    return told


def order_chance(methods: Mapping[str, SeedScores], n: int = _PUBLISHED_TEST, seed: int = 0) -> dict[str, Any] | None:
    """How often test sets of the paper's size put the five networks in the paper's order.

    Test objects are drawn with replacement, `n` at a time, and one seed of each network with them.

    Parameters
    ----------
    methods : mapping of str to SeedScores
        All five; None is told where one lacks.
    n, seed : int

    Returns
    -------
    dict or None
        ``n``, ``draws``, ``in_order`` (share of draws in the whole order, ties not counted) and ``best`` (share in which
        each network alone is best).
    """
    if any(name not in methods for name in ORDER):
        return None
    rng = np.random.default_rng(seed)
    right = {
        name: np.stack([p.argmax(1) == methods[name].labels for p in methods[name].probabilities]) for name in ORDER
    }
    in_order, best = 0, dict.fromkeys(ORDER, 0)
    for _ in range(_DRAWS):
        drawn = rng.integers(0, right[ORDER[0]].shape[1], n)
        values = [right[name][rng.integers(0, len(right[name]))][drawn].mean() for name in ORDER]
        in_order += all(a < b for a, b in pairwise(values))
        top = max(values)
        if values.count(top) == 1:
            best[ORDER[values.index(top)]] += 1
    shares = {name: count / _DRAWS for name, count in best.items()}
    return {"n": n, "draws": _DRAWS, "in_order": in_order / _DRAWS, "best": shares}


def collect(
    out: Path,
    scale: str,
    rows: Sequence[Row],
    data: PaperData,
    places: Places | None = None,
    expected: set[Row] | None = None,
) -> dict[str, Any]:
    """All figures of the finished rows.

    Parameters
    ----------
    out : Path
    scale : str
    rows : sequence of Row
        The whole table.
    data : PaperData
    places : mapping, optional
        From `read_rows`, where it was read before.
    expected : set of Row, optional
        Those that are asked for; of them those that are not there are ``missing``.

    Returns
    -------
    dict
        JSON values: ``parts`` (a list), ``steps``, ``order``, ``sky``, ``plans``, ``windows``, ``maps``, ``light``,
        ``crossed`` (steps on objects from other libraries), ``assist``.
    """
    places = read_rows(out, rows) if places is None else places
    records = {row: read_record(row.folder(out)) for row in rows}
    parts = []
    for (part, training), methods in sorted(places.items(), key=lambda item: _place_order(item[0])):
        mine = [(r, record) for r, record in records.items() if record and (r.part, r.training) == (part, training)]
        some = mine[0][1]
        parts.append(
            {
                "part": part,
                "training": training,
                "title": PARTS[part],
                "n": some["n"],
                "trained_on": some["trained_on"],
                "methods": {
                    name: _method(scores, [record for r, record in mine if r.method == name])
                    for name, scores in methods.items()
                },
            }
        )
    return {
        "paper": "macnet",
        "citation": CITATION,
        "asterism": asterism.__version__,
        "scale": scale,
        "data": {**data.record, "catalogs": data.fingerprints, "dropped": data.dropped, "boundary": data.boundary},
        "published": {name: asdict(figures) for name, figures in TABLE_4.items()},
        "parts": parts,
        "steps": {t: _steps(places.get(("table4", t), {})) for t in ("sample", "large") if ("table4", t) in places},
        "crossed": {t: _steps(places[("crossed", t)]) for t in ("sample", "large") if ("crossed", t) in places},
        "order": {t: order_chance(places.get(("table4", t), {})) for t in ("sample", "large")},
        "sky": _sky(places),
        "plans": _plans(out, rows, places),
        "windows": _windows(places),
        "light": _light(places),
        "assist": assistance(out, rows),
        "maps": [
            {"method": row.method, "n": record["n"], **{key: record[key] for key in ("maps",)}}
            for row, record in records.items()
            if record and row.part == "maps"
        ],
        "missing": [row.name for row in rows if records[row] is None and (expected is None or row in expected)],
    }


def _place_order(place: tuple[str, str]) -> tuple[int, int]:
    return list(PARTS).index(place[0]), list(TRAINING_SETS).index(place[1])


def _method(scores: SeedScores, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    method = method_named(records[0]["method"])
    return {
        "title": method.title,
        "model": method.model,
        "size": method.size,
        **scores.figures(),
        "classes": class_figures(scores),
        "parameters": records[0]["parameters"],
        "epochs": [record["epochs"] for record in records],
        "best_epochs": [record["best_epoch"] for record in records],
        "train_seconds": [record["train_seconds"] for record in records],
        "score_seconds": [record["score_seconds"] for record in records],
        "recipe": records[0]["settings"]["recipe"],
    }


def _compared(ours: SeedScores, theirs: SeedScores, **about: Any) -> dict[str, Any]:
    told = {**about, **difference(ours, theirs)}
    low, high = told["accuracy"]["interval"]
    told["verdict"] = "higher" if low > 0 else "lower" if high < 0 else "not told apart"
    return told


def _steps(methods: Mapping[str, SeedScores]) -> list[dict[str, Any]]:
    """Each step of the published order, with what was published, and whether it holds here."""
    return [
        _compared(
            methods[after],
            methods[before],
            before=before,
            after=after,
            published=round(TABLE_4[after].accuracy - TABLE_4[before].accuracy, 4),
        )
        for before, after in pairwise(ORDER)
        if before in methods and after in methods
    ]


def _sky(places: Places) -> list[dict[str, Any]]:
    """Networks on strips without the sky against the same with it."""
    told = []
    for (part, training), methods in places.items():
        if part != "sky":
            continue
        for name, scores in methods.items():
            model = method_named(name).model
            kept = places.get(("table4", training), {}).get(model)
            if kept is not None:
                told.append(_compared(scores, kept, model=model, training=training))
    return told


def _plans(out: Path, rows: Sequence[Row], places: Places) -> list[dict[str, Any]]:
    """Networks of one observation plan on the other plan's objects, and on those of their own that they did not learn from."""
    told = []
    for (part, training), methods in places.items():
        if part != "plans":
            continue
        own = int(training.removeprefix("plan"))
        for name, scores in methods.items():
            row = next(r for r in rows if (r.part, r.training, r.method) == (part, training, name))
            plan = np.asarray(read_scored(row.folder(out))["plan"])
            entry: dict[str, Any] = {"method": name, "trained_on": own, "seeds": len(scores.probabilities)}
            for tested in (1, 2):
                which = plan == tested
                if which.any():
                    classes = class_figures(scores, which)
                    entry[f"plan{tested}"] = {"n": int(which.sum()), **scores.accuracy(which), "classes": classes}
            told.append(entry)
    return told


def _windows(places: Places) -> list[dict[str, Any]]:
    """The window study: one arm and window each, with the sky left in and subtracted."""
    methods = places.get(("windows", "sample"), {})
    told = []
    for subtracted, (window_name, (arm, window)) in product((False, True), WINDOWS.items()):
        name = window_name + SUBTRACTED * subtracted
        if name in methods:
            scores = methods[name]
            told.append(
                {
                    "method": name,
                    "arm": arm,
                    "window": list(window),
                    "subtracted": subtracted,
                    "seeds": len(scores.probabilities),
                    **scores.accuracy(),
                    "classes": class_figures(scores),
                }
            )
    return told


def _light(places: Places) -> list[dict[str, Any]]:
    """(a) Light networks against the published ones, on the same training objects."""
    light, full = places.get(("table4", "sample"), {}), places.get(("published", "sample"), {})
    return [
        _compared(light[model], full[f"{model}-published"], model=model)
        for model in ORDER
        if model in light and f"{model}-published" in full
    ]


def agreement(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Whether maps and window study point to the same arm, class by class.

    Parameters
    ----------
    results : mapping
        With ``maps`` and ``windows``.

    Returns
    -------
    list of dict
        ``class``; ``cam``; ``subtracted``: whether the sky is; ``red_share`` of the maps of MAC-Net and the arm that has more than
        half (``map_arm``); the highest F1 of each arm's windows (``f1``), the arm that has it (``window_arm``) and the other;
        ``agree``. Empty where either was not run.
    """
    steps = [(cam, step) for step, (cam, before) in STEPS.items() if not before]
    return [
        {"cam": cam, **told}
        for subtracted in (False, True)
        for cam, step in steps
        for told in _agreement(results, subtracted, step)
    ]


def _agreement(results: Mapping[str, Any], subtracted: bool, step: str) -> list[dict[str, Any]]:
    method = "macnet" + SUBTRACTED * subtracted
    # A row that was made before a map was measured lacks its steps.
    maps = next((entry["maps"].get(step) for entry in results["maps"] if entry["method"] == method), None)
    windows = [entry for entry in results["windows"] if entry["subtracted"] == subtracted]
    if maps is None or {entry["arm"] for entry in windows} != {"blue", "red"}:
        return []
    told = []
    for name in CLASSES:
        share = maps.get(name, {}).get("red_share")
        if share is None or share["value"] is None:
            continue
        f1 = {arm: max(e["classes"][name]["f1"] for e in windows if e["arm"] == arm) for arm in ("blue", "red")}
        by_map, by_window = ("red" if share["value"] > 0.5 else "blue"), max(f1, key=lambda arm: f1[arm])
        told.append(
            {
                "class": name,
                "subtracted": subtracted,
                "red_share": share["value"],
                "map_arm": by_map,
                "f1": f1,
                "window_arm": by_window,
                "other_arm": "red" if by_window == "blue" else "blue",
                "agree": by_map == by_window,
            }
        )
    return told


def light_training(scale: str) -> dict[str, str]:
    """How the light networks are trained, by the lines of the paper's table 3."""
    from asterism.learning.config import dotted, parse_settings

    settings = dotted(parse_settings(method_named("macnet").recipe(scale)))
    weights = ", ".join(
        f"{name.lower()} {settings[f'classification.class_weights.{name}']:g}" for name in ("GALAXY", "QSO", "STAR")
    )
    return {
        "optimizer": f"AdamW, weight decay {settings['fit.weight_decay']:g}, averaged weights",
        "learning rate": f"{settings['fit.learning_rate']:g} at most, {settings['fit.schedule']} after a warm-up",
        "batch": str(settings["fit.batch_size"]),
        "epochs": f"{settings['fit.epochs']} at most; stopped after {settings['fit.patience']} without a lower validation log-loss",
        "loss": f"cross-entropy, weighted {weights}",
        "dropout": "0.2",
        "train : validation : test": "8 : 1 : 1, half of the validation tenth for calibration",
    }
