"""What `real_photometry.py run` left, as the page docs/results/real-photometry.md."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from scipy.stats import binom

import asterism
from asterism.learning.intervals import paired_difference
from asterism.learning.metrics import log_loss_values

TITLES = {
    "sdss17": "`sdss17`: 80,000 objects, magnitudes and adjacent colours, three classes",
    "balanced": "`sdss_balanced`: 23,998 objects, dereddened magnitudes, three classes",
    "balanced_psf": "`sdss_balanced` with the point-source probability",
    "margnet": "`margnet_exp3_sg`: 14,000 faint compact stars and galaxies, 24 features",
}
METHODS = ("lightgbm", "xgboost", "mlp")


def found(folder: Path, stem: str) -> list[Path]:
    return sorted(p for p in folder.glob(f"{stem}-[0-9]*") if (p / "metrics.json").is_file())


def metrics(path: Path) -> dict[str, Any]:
    return json.loads((path / "metrics.json").read_text())


def spread(values: Iterable[float | None], digits: int = 4) -> str:
    numbers = [v for v in values if v is not None]
    if not numbers:
        return "–"
    deviation = f" ± {np.std(numbers, ddof=1):.{digits}f}" if len(numbers) > 1 else ""
    return f"{np.mean(numbers):.{digits}f}{deviation}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def arrays(path: Path) -> dict[str, Any]:
    """Per-object values of a scored directory: sources, whether right, and −ln p, by method."""
    scored = pq.read_table(path / "scored.parquet").to_pandas()
    names = [c.removeprefix("p_") for c in scored.columns if c.startswith("p_")]
    labels = scored["class"].str.lower().map({n: i for i, n in enumerate(names)}).to_numpy()
    result: dict[str, Any] = {"id": scored["object_id"].to_numpy(), "label": labels, "names": names}
    for method in ("", *(f"{m}_" for m in METHODS)):
        columns = [f"{method}p_{n}" for n in names]
        if columns[0] in scored:
            p = scored[columns].to_numpy()
            result[method.rstrip("_") or "ours"] = (p.argmax(1) == labels, log_loss_values(p, labels))
    return result


def pooled(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], method: str) -> tuple[str, str]:
    """Paired differences over all seeds' test objects; an object that is in several test parts is one source."""
    ids = np.concatenate([a["id"] for a in ours])
    texts = []
    for column in (0, 1):
        a = np.concatenate([s["ours"][column] for s in ours]).astype(float)
        b = np.concatenate([s[method][column] for s in theirs]).astype(float)
        d = paired_difference(a, b, ids)
        texts.append(f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]")
    return texts[0], texts[1]


def iid_section(name: str, work: Path) -> str:
    runs = found(work / "scores", name)
    if not runs:
        return ""
    found_metrics = [metrics(r) for r in runs]
    per_object = [arrays(r) for r in runs]
    rows = []
    for method in ("ours", *METHODS):
        of = found_metrics if method == "ours" else [m["baselines"][method] for m in found_metrics]
        inside = sum(m["ece"] <= m["ece_null95"] for m in of)
        differences = ("", "") if method == "ours" else pooled(per_object, per_object, method)
        rows.append(
            [
                "**margformer**" if method == "ours" else method,
                spread(m["accuracy"] for m in of),
                spread(m["log_loss"] for m in of),
                spread(m["ece"] for m in of),
                f"{inside} of {len(of)}",
                *differences,
            ]
        )
    head = ["method", "accuracy", "log-loss", "ECE", "ECE in null band", "Δ accuracy (ours − theirs)", "Δ log-loss"]
    n = f"{len(runs)} seeds, {', '.join(str(m['n']) for m in found_metrics)} test objects.\n\n"
    return f"## {TITLES[name]}\n\n{n}{table(head, rows)}\n"


def folds_section(work: Path) -> str:
    """Five folds of one table: figures over all objects, and the log-loss of each fold."""
    parts = []
    for seed in range(10):
        runs = found(work / "scores", f"margnet5-{seed}")
        if not runs:
            continue
        folds = [arrays(r) for r in runs]
        for run, fold in zip(runs, folds, strict=True):
            frame = pq.read_table(run.with_name(f"{run.name}-lightgbm-all.parquet")).to_pandas()
            frame = frame.set_index("object_id").loc[fold["id"]]
            label, p = frame["label"].to_numpy(), frame[["p_0", "p_1"]].to_numpy()
            fold["all"] = (p.argmax(1) == label, log_loss_values(p, label))
        labels = {"ours": "**margformer**", **{m: m for m in METHODS}, "all": "lightgbm, on all four other folds"}
        rows = []
        for method, label in labels.items():
            right, loss = (np.concatenate([f[method][column] for f in folds]) for column in (0, 1))
            rows.append(
                [
                    label,
                    f"{right.mean():.4f}",
                    f"{loss.mean():.4f}",
                    ", ".join(f"{f[method][1].mean():.4f}" for f in folds),
                    *(("", "") if method == "ours" else pooled(folds, folds, method)),
                ]
            )
        head = ["method", "accuracy", "log-loss", "by fold", "Δ accuracy (ours − theirs)", "Δ log-loss"]
        n = sum(len(f["id"]) for f in folds)
        parts.append(f"Seed {seed}, {len(folds)} folds, {n:,} test objects.\n\n{table(head, rows)}\n")
    return "## `margnet_exp3_sg` in five folds\n\n" + "".join(parts) if parts else ""


def faint_section(work: Path) -> str:
    scores = work / "scores"
    parts = []
    for stem, forest, title in (
        ("faint-", "score", "Adapted to one half of r ≥ 20, scored on the other half"),
        ("faint-all-", "all", "Adapted to all of r ≥ 20 without labels and scored on it (transductive)"),
    ):
        adapted, plain = found(scores, f"{stem}adapted"), found(scores, f"{stem}unadapted")
        if not adapted:
            continue
        done = {p.name.rsplit("-", 1)[1] for p in adapted}
        plain = [p for p in plain if p.name.rsplit("-", 1)[1] in done]
        ours, before = [metrics(p) for p in adapted], [metrics(p) for p in plain]
        objects, objects_before = [arrays(p) for p in adapted], [arrays(p) for p in plain]
        for seed, entry in zip([int(p.name.rsplit("-", 1)[1]) for p in adapted], objects_before, strict=True):
            entry["forest"] = forest_values(scores / f"faint-forest-{seed}.parquet", forest, entry)
            entry["plain"] = entry["ours"]
        rows = []
        for method, label in (
            ("ours", "**margformer, adapted**"),
            ("plain", "margformer, unadapted"),
            *((m, f"{m}, unadapted") for m in METHODS),
            ("forest", "random forest, unadapted"),
        ):
            if method == "forest":
                values = [entry["forest"] for entry in objects_before]
                accuracy, loss = [v[0].mean() for v in values], [v[1].mean() for v in values]
                star = [
                    v[0][e["label"] == e["names"].index("star")].mean()
                    for v, e in zip(values, objects_before, strict=True)
                ]
            else:
                of = (
                    ours
                    if method == "ours"
                    else before
                    if method == "plain"
                    else [b["baselines"][method] for b in before]
                )
                accuracy, loss = [m["accuracy"] for m in of], [m["log_loss"] for m in of]
                star = [m["recall"]["STAR"] for m in of]
            differences = ("", "") if method == "ours" else pooled(objects, objects_before, method)
            rows.append([label, spread(accuracy), spread(star, 3), spread(loss), *differences])
        head = ["method", "accuracy", "star recall", "log-loss", "Δ accuracy (ours − theirs)", "Δ log-loss"]
        ece = f"ECE of the adapted model {spread(m['ece'] for m in ours)}, null band to {spread(m['ece_null95'] for m in ours)}."
        parts.append(f"### {title}\n\n{table(head, rows)}\n{ece}\n")
    if not parts:
        return ""
    return "## Bright to faint: trained at r < 20 on `sdss17`\n\n" + "\n".join(parts) + "\n"


def forest_values(path: Path, part: str, entry: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    frame = pq.read_table(path).to_pandas()
    frame = frame[frame["part"] == part].set_index("object_id").loc[entry["id"]]
    p = frame[[c for c in frame.columns if c.startswith("p_")]].to_numpy()
    return p.argmax(1) == entry["label"], log_loss_values(p, entry["label"])


def sets_section(work: Path) -> str:
    rows, notes = [], []
    for name in TITLES:
        records = [json.loads(p.read_text()) for p in sorted((work / "sets").glob(f"{name}-[0-9].json"))]
        if not records:
            continue
        label = np.concatenate([r["label"] for r in records])
        magnitude = np.concatenate([np.array(r["magnitude"], dtype=float) for r in records])
        level = records[0]["level"]
        sets = {m: np.concatenate([np.array(r[m], dtype=bool) for r in records]) for m in ("ours", "lightgbm")}
        covered = {m: s[np.arange(len(label)), label] for m, s in sets.items()}
        low, high = binom.interval(0.95, len(label), level)
        inside = {m: low <= c.sum() <= high for m, c in covered.items()}
        bins, wider = {"ours": 0, "lightgbm": 0}, {"ours": 0, "lightgbm": 0}
        total = 0
        for edge in np.unique(np.floor(magnitude[np.isfinite(magnitude)])):
            here = np.floor(magnitude) == edge
            if here.sum() < 300:
                continue
            total += 1
            low, high = binom.interval(0.95, int(here.sum()), level)
            for m, c in covered.items():
                ok = low <= c[here].sum() <= high
                bins[m] += ok
                # The thresholds come from a calibration part of the test part's size, and their noise is as large.
                wider[m] += abs(c[here].mean() - level) <= 1.96 * np.sqrt(2 * level * (1 - level) / here.sum())
                if not ok and m == "ours":
                    notes.append(
                        f"{name}, r {edge:.0f} to {edge + 1:.0f}: coverage {c[here].mean():.3f} of {here.sum()} objects"
                    )
        for m in ("ours", "lightgbm"):
            rows.append(
                [
                    name,
                    "**margformer**" if m == "ours" else m,
                    f"{covered[m].mean():.4f}",
                    "yes" if inside[m] else "no",
                    f"{bins[m]} of {total}",
                    f"{wider[m]} of {total}",
                    f"{sets[m].sum(1).mean():.4f}",
                ]
            )
    if not rows:
        return ""
    head = [
        "table",
        "method",
        "coverage",
        "in its binomial 95 % band",
        "bins of 1 mag (≥ 300 objects) in theirs",
        "in a band with calibration noise",
        "mean set size",
    ]
    missed = "Bins out of their band (ours): " + ("; ".join(notes) or "none") + ".\n"
    return f"## Conformal sets at 90 %, seeds pooled\n\n{table(head, rows)}\n{missed}\n"


def unknown_section(work: Path) -> str:
    rows = []
    for left_out in ("QSO", "GALAXY", "STAR"):
        records = [json.loads(p.read_text()) for p in sorted((work / "scores").glob(f"unknown-{left_out}-[0-9].json"))]
        if records:
            keys = ("auroc", "auroc_max_probability", "flagged_unknown", "flagged_known")
            rows.append([left_out, str(len(records)), *(spread((r[k] for r in records), 3) for k in keys)])
    if not rows:
        return ""
    head = [
        "class left out",
        "seeds",
        "AUROC of the domain score",
        "AUROC of 1 − max p",
        "left-out class flagged",
        "others flagged",
    ]
    return f"## Objects of a class that training never saw (`sdss17`)\n\n{table(head, rows)}\n"


def page_text(work: Path) -> str:
    """The figures as Markdown; the words around them are in the page's own head and foot."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    head = f"Asterism {asterism.__version__}, commit {commit}, {date.today().isoformat()}.\n\n"
    sections = [iid_section(name, work) for name in TITLES]
    return head + "".join(
        [*sections, folds_section(work), faint_section(work), sets_section(work), unknown_section(work)]
    )
