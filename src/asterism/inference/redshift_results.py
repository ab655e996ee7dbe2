"""Redshifts scored: figures, tables, pictures, and the baselines' point redshifts beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asterism.inference import figures, redshift_figures
from asterism.inference.answers import RedshiftAnswers
from asterism.inference.report import Card, Cell, Picture, Section, Table, interval, number
from asterism.inference.results import Results, Sample, difference, verdict
from asterism.learning.metrics import SMALLEST_BIN, bin_edges
from asterism.learning.redshift_metrics import (
    DEFINITIONS,
    RedshiftScores,
    metrics_by_bin,
    metrics_of,
    paired_redshift_differences,
    redshift_bin_edges,
)
from asterism.models import densities

__all__ = ["redshift_results"]

_SHOWN = ("sigma_nmad", "bias", "outlier_rate_0.05", "outlier_rate_0.15", "cde_loss", "crps")
_COVERAGES = (
    ("coverage_68", "central 68 % interval", 0.68),
    ("coverage_95", "central 95 % interval", 0.95),
    ("coverage_95_region", "95 % highest-density region", 0.95),
)


def redshift_results(
    sample: Sample,
    answers: RedshiftAnswers,
    z_true: NDArray[np.float64],
    names: Sequence[str | None],
    baselines: Mapping[str, NDArray[np.float64]],
) -> Results:
    """Score redshift densities.

    Parameters
    ----------
    sample : Sample
        The n objects.
    answers : RedshiftAnswers
    z_true : ndarray, shape (n,)
        True redshifts, finite.
    names : sequence of str or None
        Class of each object where it has one: figures are given by class too.
    baselines : mapping of str to ndarray, shape (n,)
        Their point redshifts.

    Returns
    -------
    Results
    """
    grid, pdf, sources = answers.grid, answers.pdf, sample.source_id
    scores = RedshiftScores.of_densities(grid, pdf, z_true)
    theirs = {name: RedshiftScores.of_points(z, z_true) for name, z in baselines.items()}
    metrics = {**metrics_of(scores, sources=sources), "bins": _bins(sample, scores)}
    metrics["n_redshift"] = metrics["n"]
    if beyond := int(((z_true < grid[0]) | (z_true > grid[-1])).sum()):
        metrics["beyond_grid"] = beyond
    if len(groups := sorted({name for name in names if name is not None})) > 1:
        metrics["redshift_by_class"] = _by_class(sample, scores, names, groups)
    beside = {
        name: {
            **metrics_of(other, sources=sources),
            "difference": difference(paired_redshift_differences(scores, other, sources)),
            "bins": _bins(sample, other),
        }
        for name, other in theirs.items()
    }
    results = Results(metrics, beside, _cards(metrics))
    results.sections = [
        _summary(sample, results),
        _against_truth(sample, scores, theirs),
        _trust(metrics, scores, answers, z_true),
        *_doubles(sample, answers, z_true),
        *_along(sample, results),
        _definitions(),
    ]
    if bins := metrics["bins"]["redshift"]:
        rows = [(sample.method, bins), *((name, m["bins"]["redshift"]) for name, m in beside.items())]
        results.tables["by_redshift"] = [{"method": name, **_scalars(b)} for name, found in rows for b in found]
    low, high = densities.quantile(grid, pdf, [0.16, 0.84]).T
    results.columns = {
        "redshift": z_true,
        "z_median": scores.z_phot,
        "z_mode": densities.mode(grid, pdf),
        "z_16": low,
        "z_84": high,
        "z_pit": scores.pit,
        "z_cde_loss": scores.cde_loss,
        "z_crps": scores.crps,
        **{f"{name}_z": np.asarray(z, dtype=float) for name, z in baselines.items()},
    }
    return results


def _scalars(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if isinstance(value, int | float) and not isinstance(value, bool)}


def _bins(sample: Sample, scores: RedshiftScores) -> dict[str, list[dict[str, Any]]]:
    # As many bins as hold enough objects to say something, ten at most.
    edges = redshift_bin_edges(scores.z_true, min(10, max(len(scores.z_true) // (2 * SMALLEST_BIN), 1)))
    found = {"redshift": metrics_by_bin(scores, scores.z_true, edges, sources=sample.source_id)}
    if sample.band:
        edges = bin_edges(sample.magnitudes)
        by_magnitude = metrics_by_bin(scores, sample.magnitudes, edges, sources=sample.source_id)
        found[sample.bin_name] = [{**b, "n_redshift": b["n"]} for b in by_magnitude]
    return found


def _by_class(
    sample: Sample, scores: RedshiftScores, names: Sequence[str | None], groups: Sequence[str]
) -> dict[str, dict[str, Any]]:
    of, sources, found = np.array(names, dtype=object), np.asarray(sample.source_id), {}
    for group in groups:
        inside = of == group
        if inside.sum() >= SMALLEST_BIN:
            found[group] = metrics_of(scores.take(inside), sources=sources[inside], resamples=500)
    return found


def _cards(m: Mapping[str, Any]) -> list[Card]:
    uniform = "uniform" if m["pit_uniform"] else "not uniform"
    return [
        Card("σ_NMAD", number(m["sigma_nmad"]), interval(m["sigma_nmad_interval"])),
        Card("bias", f"{m['bias']:+.4f}", interval(m["bias_interval"])),
        Card("|Δz/(1+z)| > 0.15", f"{m['outlier_rate_0.15']:.2%}", f"{m['outlier_rate_0.05']:.2%} beyond 0.05"),
        Card("CDE loss", number(m["cde_loss"], 3), interval(m["cde_loss_interval"])),
        Card("PIT", number(m["pit_ks"]), f"critical at 95 %: {m['pit_ks_critical95']:.4f}: {uniform}"),
    ]


def _row(name: str, m: Mapping[str, Any], marks: Mapping[str, str]) -> list[Cell]:
    return [Cell(name)] + [Cell(number(m.get(key)), marks.get(key, "")) for key in _SHOWN]


def _summary(sample: Sample, results: Results) -> Section:
    section = Section("Redshifts beside the baselines" if results.baselines else "Redshifts")
    rows = [_row(sample.method, results.metrics, {})]
    rows += [_row(name, m, {key: verdict(m, key) for key in _SHOWN}) for name, m in results.baselines.items()]
    heads = ["σ_NMAD", "bias", "|δ| > 0.05", "|δ| > 0.15", "CDE loss", "CRPS"]
    section.tables.append(Table(["method", *heads], rows, first_is_ours=True))
    section.texts.append(
        "δ = Δz/(1+z) = (z_phot − z_spec)/(1 + z_spec), σ_NMAD = 1.4826 · median|δ − median δ|, bias = median δ; z_phot is the "
        "median of p(z). All definitions stand at the end of the page."
    )
    if results.baselines:
        section.texts.append(
            "Baselines give one redshift an object and no density. Green marks a figure of theirs that ours is better than, "
            "red one that ours is worse than: the 95 % interval of a bootstrap over the same objects excludes zero."
        )
    if groups := results.metrics.get("redshift_by_class"):
        classes = [[Cell(name), Cell(f"{m['n']:,}"), *_row(name, m, {})[1:]] for name, m in groups.items()]
        section.tables.append(Table(["class", "objects", *heads], classes))
    if beyond := results.metrics.get("beyond_grid"):
        section.texts.append(f"{beyond:,} objects have a redshift outside the model's grid, where its density is zero.")
    return section


def _against_truth(sample: Sample, scores: RedshiftScores, theirs: Mapping[str, RedshiftScores]) -> Section:
    section = Section("Redshifts against the true ones")
    section.figures.append(
        Picture.of(
            redshift_figures.redshift_figure(scores.z_phot, scores.z_true),
            "Median of p(z) against the spectroscopic redshift; dashed |Δz/(1+z)| = 0.15.",
        )
    )
    errors = {sample.method: scores.error} | {name: other.error for name, other in theirs.items()}
    places = [(scores.z_true, "spectroscopic redshift")]
    if np.isfinite(sample.magnitudes).sum() >= SMALLEST_BIN:
        places.insert(0, (sample.magnitudes, f"{sample.band} magnitude"))
    for along, label in places:
        picture = redshift_figures.error_figure(errors, along, label)
        section.figures.append(Picture.of(picture, f"Δz/(1+z) along {label}, in bins of equal numbers."))
    return section


def _trust(
    m: Mapping[str, Any], scores: RedshiftScores, answers: RedshiftAnswers, z_true: NDArray[np.float64]
) -> Section:
    section = Section("Do the redshift densities mean what they say?")
    side = "below" if m["pit_uniform"] else "above"
    section.texts.append(
        f"PIT is the share of p(z) below the true redshift: uniform where densities are right. Its Kolmogorov–Smirnov distance "
        f"from uniform is {m['pit_ks']:.4f}, {side} {m['pit_ks_critical95']:.4f}, which right densities stay below in 95 % of "
        "samples of this size."
    )
    rows = []
    for key, label, right in _COVERAGES:
        low, high = m[f"{key}_interval"]
        rows.append([Cell(label), Cell(f"{right:.2f}"), Cell(number(m[key])), Cell(f"{low:.4f} to {high:.4f}")])
    section.tables.append(Table(["holds the true redshift", "should", "does", "95 % interval"], rows))
    assert scores.pit is not None
    section.figures += [
        Picture.of(redshift_figures.pit_figure(scores.pit), "PIT; the band holds 95 % of the bins of right densities."),
        Picture.of(
            redshift_figures.stacked_figure(answers.grid, answers.pdf, z_true),
            "All densities stacked, the true redshifts, and the histogram that the medians would give.",
        ),
    ]
    return section


def _doubles(sample: Sample, answers: RedshiftAnswers, z_true: NDArray[np.float64]) -> list[Section]:
    rows = redshift_figures.double_peaked(answers.grid, answers.pdf)
    if not len(rows):
        return []
    picture = redshift_figures.peaks_figure(answers.grid, answers.pdf, z_true, sample.object_id, rows)
    caption = (
        "The objects whose two highest peaks, at least 0.1 (1 + z) apart, are the most alike in height: chosen by p(z) alone, "
        "without the true redshift."
    )
    return [Section("Densities with two peaks", figures=[Picture.of(picture, caption, wide=True)])]


def _along(sample: Sample, results: Results) -> list[Section]:
    sections = []
    for name, label in ((sample.bin_name, f"{sample.band} magnitude"), ("redshift", "spectroscopic redshift")):
        bins = {sample.method: results.metrics["bins"].get(name, [])}
        if not bins[sample.method]:
            continue
        bins |= {other: m["bins"][name] for other, m in results.baselines.items()}
        columns = [
            label,
            "objects",
            "σ_NMAD",
            "95 % interval",
            "bias",
            "|δ| > 0.15",
            "CDE loss",
            "PIT KS",
            "critical 95 %",
        ]
        rows = []
        for b in bins[sample.method]:
            low, high = b["sigma_nmad_interval"]
            texts = [f"{b['lo']:g} to {b['hi']:g}", str(b["n"]), number(b["sigma_nmad"]), f"{low:.4f} to {high:.4f}"]
            texts += [
                number(b[key]) for key in ("bias", "outlier_rate_0.15", "cde_loss", "pit_ks", "pit_ks_critical95")
            ]
            rows.append([Cell(text) for text in texts])
        section = Section(f"Redshifts against {label}", tables=[Table(columns, rows)])
        for key, what in (("sigma_nmad", "σ_NMAD"), ("outlier_rate_0.15", "share with |Δz/(1+z)| > 0.15")):
            section.figures.append(
                Picture.of(figures.against_bins(bins, key, what, label), f"{what} in bins of {label}.")
            )
        sections.append(section)
    return sections


def _definitions() -> Section:
    rows = [[Cell(name), Cell(text)] for name, text in DEFINITIONS.items()]
    return Section(
        "What the redshift figures are",
        ["Intervals are 95 % bootstrap intervals over sources. Densities are linear between the points of their grid."],
        [Table(["figure", "definition"], rows, texts=True)],
    )
