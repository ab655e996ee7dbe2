"""What `real_photoz.py run` left, as the tables of docs/results/real-photoz.md."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

import asterism
from asterism.learning.intervals import paired_difference, resampled_statistic
from asterism.learning.redshift_metrics import RedshiftScores, pit_ks, pit_ks_critical, sigma_nmad
from asterism.models import densities

TITLES = {
    "mlz": "`mlz`: 5,000 galaxies to learn from, 2,500 tested",
    "cosmophotoz": "`cosmophotoz`: 5,000 objects to learn from, 2,988 tested",
    "galaxies": "`sdss17`: all galaxies, 80/10/10",
    "densities": "`sdss17`: galaxies with 0 < z < 1.2, 10,000 to train",
    "quasars": "`sdss17`: quasars, of a model of all classes",
}
METHODS = {
    "ours": "**margformer**",
    "ours-with-stars": "margformer, the stars' share at 0 kept",
    "random-forest": "random forest",
    "nearest-neighbours": "nearest neighbours",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "quantiles": "13 LightGBM quantiles, smoothed",
}


@cache
def scores_of(folder: Path, method: str) -> tuple[RedshiftScores, np.ndarray] | None:
    """What each tested object with a redshift contributes, and the objects' ids; None where the method has not run."""
    if not (folder / f"{method}.npz").is_file():
        return None
    truth = np.load(folder / "ours.npz")
    kept = np.isfinite(truth["z_true"])
    if folder.name.startswith("quasars"):
        kept &= truth["label"] == "QSO"
    z, ids = truth["z_true"][kept], truth["object_id"][kept]
    told = np.load(folder / f"{method}.npz")
    if "pdf" not in told:
        return RedshiftScores.of_points(told["z"][kept], z), ids
    return RedshiftScores.of_densities(told["grid"], told["pdf"][kept], z), ids


def spread(values: Iterable[float], digits: int) -> str:
    numbers = list(values)
    deviation = f" ± {np.std(numbers, ddof=1):.{digits}f}" if len(numbers) > 1 else ""
    return f"{np.mean(numbers):.{digits}f}{deviation}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def folders(name: str, work: Path) -> list[Path]:
    return sorted(p for p in (work / "predictions").glob(f"{name}-[0-9]*") if (p / "ours.npz").is_file())


def nmad_difference(ours: list[RedshiftScores], theirs: list[RedshiftScores], ids: np.ndarray) -> str:
    """Ours minus theirs over the test objects of all seeds, an object in several being one source."""
    pair = np.concatenate([np.stack([a.error, b.error], 1) for a, b in zip(ours, theirs, strict=True)])
    sizes = np.cumsum([len(a.error) for a in ours])[:-1]
    seed_of = np.repeat(np.arange(len(ours)), np.diff([0, *sizes, len(pair)]))

    def statistic(rows: np.ndarray) -> list[float]:
        parts = [rows[rows[:, 2] == s] for s in range(len(ours))]
        return [float(np.mean([sigma_nmad(p[:, 0]) - sigma_nmad(p[:, 1]) for p in parts]))]

    rows = np.column_stack([pair, seed_of])
    draws = resampled_statistic(rows, statistic, ids, resamples=400, seed=0)
    low, high = np.quantile(draws[:, 0], [0.025, 0.975])
    return f"{statistic(rows)[0]:+.4f} [{low:+.4f}, {high:+.4f}]"


def section(name: str, work: Path) -> str:
    found = folders(name, work)
    if not found:
        return ""
    ours = [scores_of(f, "ours") for f in found]
    ids = np.concatenate([i for _, i in ours])
    n = ", ".join(str(len(s.error)) for s, _ in ours)
    points, of_densities = [], []
    for method, label in METHODS.items():
        told = [scores_of(f, method) for f in found]
        if None in told:
            continue
        scores = [s for s, _ in told]
        mine = [s for s, _ in ours]
        points.append(
            [
                label,
                spread((sigma_nmad(s.error) for s in scores), 4),
                spread((float(np.median(s.error)) for s in scores), 4),
                spread((float(s.error.mean()) for s in scores), 4),
                spread((float((np.abs(s.error) > 0.05).mean()) for s in scores), 4),
                spread((float((np.abs(s.error) > 0.15).mean()) for s in scores), 4),
                "" if method == "ours" else nmad_difference(mine, scores, ids),
            ]
        )
        if scores[0].pit is None:
            continue
        difference = ""
        if method != "ours":
            losses = [np.concatenate([s.cde_loss for s in side]) for side in (mine, scores)]
            d = paired_difference(losses[0], losses[1], ids)
            difference = f"{d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
        ks = [pit_ks(s.pit) for s in scores]
        critical = [pit_ks_critical(len(s.pit)) for s in scores]
        of_densities.append(
            [
                label,
                spread((float(s.cde_loss.mean()) for s in scores), 3),
                difference,
                spread((float(s.crps.mean()) for s in scores), 5),
                ", ".join(f"{s.inside_68.mean():.3f}" for s in scores),
                ", ".join(f"{s.inside_95_region.mean():.3f}" for s in scores),
                ", ".join(f"{d:.4f}" for d in ks),
                f"{critical[0]:.4f}",
                f"{sum(d < c for d, c in zip(ks, critical, strict=True))} of {len(ks)}",
            ]
        )
    head = ["method", "σ_NMAD", "bias (median δ)", "mean δ", "share > 0.05", "share > 0.15", "Δ σ_NMAD (ours − theirs)"]
    head_densities = ["method", "CDE loss", "Δ CDE loss (ours − theirs)", "CRPS", "in 68 % interval", "in 95 % region"]
    head_densities += ["PIT KS", "critical at 95 %", "below it"]
    text = f"## {TITLES[name]}\n\n{len(found)} seeds, {n} tested objects with a redshift.\n\n{table(head, points)}\n"
    return text + f"{table(head_densities, of_densities)}\n" + (double_peaks(found) if name == "quasars" else "")


def double_peaks(found: list[Path]) -> str:
    """How many quasars have a second peak, how often the truth is at which, and the first examples by id."""
    rows, counts = [], {"n": 0, "double": 0, "first": 0, "second": 0}
    for folder in found:
        told = np.load(folder / "ours.npz")
        kept = np.isfinite(told["z_true"]) & (told["label"] == "QSO")
        z, grid = told["z_true"][kept], told["grid"]
        at, height = densities.modes(grid, told["pdf"][kept].astype(float))
        far = np.abs(at[:, 1] - at[:, 0]) > 0.15 * (1 + z)
        double = far & (height[:, 1] > 0.25 * height[:, 0])
        near = np.abs(at - z[:, None]) < 0.1 * (1 + z)[:, None]
        counts["n"] += len(z)
        counts["double"] += int(double.sum())
        counts["first"] += int((double & near[:, 0]).sum())
        counts["second"] += int((double & near[:, 1] & ~near[:, 0]).sum())
        if folder is found[0]:
            ids = told["object_id"][kept]
            for k in sorted(np.flatnonzero(double), key=lambda k: ids[k])[:8]:
                rows.append(
                    [ids[k], f"{z[k]:.3f}", f"{at[k, 0]:.2f}", f"{at[k, 1]:.2f}", f"{height[k, 1] / height[k, 0]:.2f}"]
                )
    text = (
        f"Of {counts['n']:,} tested quasars {counts['double']:,} have a second peak of more than a quarter of the first's height"
        f" and more than 0.15 (1 + z) away from it. The truth is within 0.1 (1 + z) of the first peak for {counts['first']:,} of"
        f" them and of the second for {counts['second']:,}. The first eight by id, at the first seed:\n\n"
    )
    return text + table(["object", "z_spec", "first peak", "second peak", "height of the second / first"], rows) + "\n"


def page_text(work: Path) -> str:
    """The figures as Markdown; the words around them are in the page's own head and foot."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    head = f"Asterism {asterism.__version__}, commit {commit}, {date.today().isoformat()}.\n\n"
    return head + "".join(section(name, work) for name in TITLES)
