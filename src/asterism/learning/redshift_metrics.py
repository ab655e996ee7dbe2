"""Redshift metrics as CONTRACT's ``metrics.json`` defines them: of point redshifts, and of densities p(z).

All are pure functions of arrays; densities are piecewise linear on their grid (`asterism.models.densities`) and every
integral over them is exact. `DEFINITIONS` says in one sentence what each figure is. Point redshifts of densities are their
medians. The names and definitions are those of RAIL and qp where they have the figure (bias, outlier rates, CDE loss, PIT);
where they differ the definition says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.learning.intervals import PairedDifference, paired_difference, resampled_means, resampled_statistic
from asterism.learning.metrics import SMALLEST_BIN
from asterism.models import densities

__all__ = [
    "DEFINITIONS",
    "OUTLIER_LIMITS",
    "RedshiftScores",
    "cde_loss_values",
    "crps_values",
    "metrics_by_bin",
    "metrics_of",
    "paired_redshift_differences",
    "pit_ks",
    "pit_ks_critical",
    "point_metrics",
    "redshift_bin_edges",
    "redshift_metrics",
    "relative_error",
    "sigma_nmad",
]

Floats = NDArray[np.float64]

#: Fixed limits of |Δz/(1+z)| beyond which a redshift is an outlier.
OUTLIER_LIMITS = (0.05, 0.15)
_NMAD = 1.4826

#: What each figure is, in the order in which they are shown. δ is Δz/(1+z) throughout.
DEFINITIONS = {
    "delta": "δ = Δz/(1+z) = (z_phot − z_spec)/(1 + z_spec); z_phot is the median of p(z), or a method's point redshift.",
    "bias": "median of δ (as RAIL's PointBias).",
    "bias_mean": "mean of δ, which outliers pull.",
    "sigma_nmad": "1.4826 · median|Δz − median Δz| with both Δz divided by 1 + z_spec, that is of δ.",
    "sigma_68": "half the distance between the 15.87th and the 84.13th percentile of δ.",
    "outlier_rate_0.05": "share of objects with |δ| > 0.05.",
    "outlier_rate_0.15": "share of objects with |δ| > 0.15.",
    "outlier_rate_3sigma": "share of objects with |δ| > 3 · sigma_68 of the same objects (RAIL's has a floor of 0.06).",
    "cde_loss": (
        "mean of ∫p(z)²dz − 2p(z_spec): lower is better; the expected squared distance of p(z) from the truth, "
        "less what no method can change (Izbicki & Lee 2017, section 2.2)."
    ),
    "crps": "mean of ∫(F(z) − [z ≥ z_spec])²dz, continuous ranked probability score, in redshift: lower is better.",
    "pit_ks": "largest distance of the distribution of PIT = F(z_spec) from the uniform one (Kolmogorov–Smirnov).",
    "pit_ks_critical95": "what pit_ks stays below in 95 % of samples of this size where every p(z) is right.",
    "coverage_68": "share of objects with z_spec between the 16th and 84th percentile of p(z); right is 0.68.",
    "coverage_95": "share of objects with z_spec between the 2.5th and 97.5th percentile of p(z); right is 0.95.",
    "coverage_95_region": "share of objects with z_spec in the highest-density region of probability 0.95; right is 0.95.",
}


def _redshifts(z: ArrayLike) -> Floats:
    values = np.asarray(z, dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all() or (values <= -1).any():
        raise ValueError("redshifts must be a row of finite numbers above −1; leave out objects without one")
    return values


def relative_error(z_phot: ArrayLike, z_true: ArrayLike) -> Floats:
    """δ = (z_phot − z_true)/(1 + z_true), shape (n,).

    Raises
    ------
    ValueError
        If the two have different lengths, or a redshift is not finite.
    """
    phot, true = _redshifts(z_phot), _redshifts(z_true)
    if phot.shape != true.shape:
        raise ValueError(f"redshifts to compare must have one length: {len(phot)} and {len(true)}")
    return (phot - true) / (1 + true)


def cde_loss_values(grid: ArrayLike, pdf: ArrayLike, z_true: ArrayLike) -> Floats:
    """∫p² − 2 p(z_true) of each object, shape (n,), exact; p is 0 outside the grid (Izbicki & Lee 2017, section 2.2)."""
    p, z = densities.normalise(grid, pdf), _redshifts(z_true)
    left, right = p[:, :-1], p[:, 1:]
    square = (left**2 + left * right + right**2) @ np.diff(np.asarray(grid, dtype=float)) / 3
    return square - 2 * densities.density(grid, p, z)


def crps_values(grid: ArrayLike, pdf: ArrayLike, z_true: ArrayLike) -> Floats:
    """∫(F(z) − [z ≥ z_true])² dz of each object, shape (n,), exact (Gneiting & Raftery 2007, section 4.2)."""
    p, z = densities.normalise(grid, pdf), _redshifts(z_true)
    x = np.asarray(grid, dtype=float)
    c, rows, width = densities.cumulative(x, p), np.arange(len(p)), np.diff(x)

    def integral(left: Floats, slope: Floats, start: Floats, low: Floats, high: Floats, above: int) -> Floats:
        # F is quadratic in a cell, its square quartic: three points of Gauss and Legendre are exact.
        nodes, weights = np.polynomial.legendre.leggauss(3)
        half, total = 0.5 * (high - low), np.zeros(np.broadcast(left, low).shape)
        for node, weight in zip(nodes, weights, strict=True):
            d = low + half * (1 + node)
            total += weight * (start + d * (left + 0.5 * slope * d) - above) ** 2
        return total * half

    slope, none = np.diff(p, axis=1) / width, np.zeros(len(width))
    cell = np.clip(np.searchsorted(x, z, side="right") - 1, 0, len(x) - 2)
    inside = np.clip(z, x[0], x[-1]) - x[cell]
    own = (p[rows, cell], slope[rows, cell], c[rows, cell])
    result = integral(*own, np.zeros(len(p)), inside, 0) + integral(*own, inside, width[cell], 1)
    for above, where in ((0, np.arange(len(width)) < cell[:, None]), (1, np.arange(len(width)) > cell[:, None])):
        result += np.where(where, integral(p[:, :-1], slope, c[:, :-1], none, width, above), 0.0).sum(axis=1)
    # Beyond the grid F is 0 or 1, and wrong by 1 all the way to the truth.
    return result + np.maximum(x[0] - z, 0) + np.maximum(z - x[-1], 0)


def pit_ks(pit: ArrayLike) -> float:
    """Kolmogorov–Smirnov distance of PIT values (n,) from the uniform distribution on [0, 1]."""
    values = np.sort(np.asarray(pit, dtype=float))
    n = len(values)
    if n == 0:
        raise ValueError("no objects to score")
    return float(max((np.arange(1, n + 1) / n - values).max(), (values - np.arange(n) / n).max()))


def pit_ks_critical(n: int, level: float = 0.95) -> float:
    """What `pit_ks` of `n` independent uniform values stays below with probability `level` (exact)."""
    from scipy.stats import kstwo

    return float(kstwo.ppf(level, n))


@dataclass(frozen=True)
class RedshiftScores:
    """What each object contributes to the figures; those of densities are None for a method that gives points only.

    Attributes
    ----------
    z_phot, z_true, error : ndarray, shape (n,)
        Point redshift, true redshift, δ.
    pit, cde_loss, crps : ndarray, shape (n,), or None
    inside_68, inside_95, inside_95_region : ndarray of float, shape (n,), or None
        1 where the truth is in the interval or region.
    """

    z_phot: Floats
    z_true: Floats
    error: Floats
    pit: Floats | None = None
    cde_loss: Floats | None = None
    crps: Floats | None = None
    inside_68: Floats | None = None
    inside_95: Floats | None = None
    inside_95_region: Floats | None = None

    @classmethod
    def of_points(cls, z_phot: ArrayLike, z_true: ArrayLike) -> RedshiftScores:
        """Scores of point redshifts (n,)."""
        return cls(_redshifts(z_phot), _redshifts(z_true), relative_error(z_phot, z_true))

    @classmethod
    def of_densities(cls, grid: ArrayLike, pdf: ArrayLike, z_true: ArrayLike, *, block: int = 4096) -> RedshiftScores:
        """Scores of densities: `grid` (G,), `pdf` (n, G), `z_true` (n,); `block` objects at a time bound the memory."""
        p, z = np.asarray(pdf, dtype=float), _redshifts(z_true)
        if len(p) != len(z):
            raise ValueError(f"densities and true redshifts must be of the same objects: {len(p)} and {len(z)}")
        parts = [cls._of(grid, p[i : i + block], z[i : i + block]) for i in range(0, max(len(z), 1), block)]
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    @classmethod
    def _of(cls, grid: ArrayLike, pdf: Floats, z: Floats) -> RedshiftScores:
        p = densities.normalise(grid, pdf)
        centre = densities.median(grid, p)
        pit = densities.pit(grid, p, z)
        return cls(
            centre,
            z,
            relative_error(centre, z),
            pit,
            cde_loss_values(grid, p, z),
            crps_values(grid, p, z),
            # Between two percentiles is the same as a PIT between their shares.
            ((pit >= 0.16) & (pit <= 0.84)).astype(float),
            ((pit >= 0.025) & (pit <= 0.975)).astype(float),
            (densities.credibility(grid, p, z) <= 0.95).astype(float),
        )

    def take(self, chosen: NDArray[Any]) -> RedshiftScores:
        """Scores of some of the objects, by mask or index."""
        kept: dict[str, Any] = {}
        for member in fields(self):
            values = getattr(self, member.name)
            kept[member.name] = None if values is None else values[chosen]
        return RedshiftScores(**kept)


def _point_statistics(error: Floats) -> list[float]:
    """bias, sigma_nmad, sigma_68, outlier_rate_3sigma of δ (n,): what no mean of a value per object gives."""
    low, bias, high = np.percentile(error, [15.865525, 50, 84.134475])
    sigma = (high - low) / 2
    return [bias, _NMAD * np.median(np.abs(error - bias)), sigma, np.mean(np.abs(error) > 3 * sigma)]


def sigma_nmad(error: ArrayLike) -> float:
    """1.4826 · median|δ − median δ| of δ (n,)."""
    return _point_statistics(np.asarray(error, dtype=float))[1]


def metrics_of(
    scores: RedshiftScores, *, sources: ArrayLike | None = None, resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """All figures of one group of objects, with 95 % bootstrap intervals over sources.

    Parameters
    ----------
    scores : RedshiftScores
    sources : array_like, shape (n,), optional
        Source of each object.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        JSON-able: ``n``, the figures that `DEFINITIONS` lists (those of densities where there are any), an interval
        ``NAME_interval`` for each but the two of the PIT, and ``pit_uniform`` (pit_ks below its critical value).

    Raises
    ------
    ValueError
        If there are no objects.
    """
    error = scores.error
    if len(error) == 0:
        raise ValueError("no objects to score")
    means = {"bias_mean": error}
    means |= {f"outlier_rate_{limit:g}": (np.abs(error) > limit).astype(float) for limit in OUTLIER_LIMITS}
    for name in ("cde_loss", "crps"):
        if (values := getattr(scores, name)) is not None:
            means[name] = values
    for name in ("68", "95", "95_region"):
        if (values := getattr(scores, f"inside_{name}")) is not None:
            means[f"coverage_{name}"] = values
    figures = dict(
        zip(("bias", "sigma_nmad", "sigma_68", "outlier_rate_3sigma"), _point_statistics(error), strict=True)
    )
    columns = np.stack(list(means.values()), axis=1)
    draws = np.hstack(
        [
            resampled_statistic(error, _point_statistics, sources, resamples=resamples, seed=seed),
            resampled_means(columns, sources, resamples=resamples, seed=seed),
        ]
    )
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    figures |= dict(zip(means, columns.mean(axis=0), strict=True))
    ends = {name: [float(low[i]), float(high[i])] for i, name in enumerate(figures)}
    result: dict[str, Any] = {"n": len(error)}
    for name in DEFINITIONS:
        if name in figures:
            result |= {name: float(figures[name]), f"{name}_interval": ends[name]}
        elif name == "pit_ks" and scores.pit is not None:
            distance, critical = pit_ks(scores.pit), pit_ks_critical(len(error))
            result |= {"pit_ks": distance, "pit_ks_critical95": critical, "pit_uniform": distance < critical}
    return result


def point_metrics(
    z_phot: ArrayLike, z_true: ArrayLike, *, sources: ArrayLike | None = None, resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Figures of a method that gives one redshift (n,) an object; see `metrics_of`."""
    scores = RedshiftScores.of_points(z_phot, z_true)
    return metrics_of(scores, sources=sources, resamples=resamples, seed=seed)


def redshift_metrics(
    grid: ArrayLike,
    pdf: ArrayLike,
    z_true: ArrayLike,
    *,
    sources: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of densities: those of their medians, and those of the densities themselves.

    Parameters
    ----------
    grid : array_like, shape (G,)
        Increasing redshifts.
    pdf : array_like, shape (n, G)
        Densities there.
    z_true : array_like, shape (n,)
        Finite true redshifts.
    sources, resamples, seed
        See `metrics_of`.

    Returns
    -------
    dict
        See `metrics_of`.

    Raises
    ------
    ValueError
        If a density or redshift is none, or there are no objects.
    """
    scores = RedshiftScores.of_densities(grid, pdf, z_true)
    return metrics_of(scores, sources=sources, resamples=resamples, seed=seed)


def redshift_bin_edges(z_true: ArrayLike, bins: int = 10) -> Floats:
    """Edges of about `bins` bins of equal width, a round number, that hold all redshifts (n,)."""
    z = _redshifts(z_true)
    if not len(z):
        return np.array([])
    # The rim holds few: the width goes by what nearly all objects span.
    low, high = np.quantile(z, [0.005, 0.995])
    raw = max(high - low, 1e-3) / bins
    power = 10.0 ** np.floor(np.log10(raw))
    width = power * next(step for step in (1, 2, 2.5, 5, 10) if step * power >= raw * (1 - 1e-9))
    first, last = np.floor(z.min() / width + 1e-9), np.floor(z.max() / width + 1e-9)
    return np.round(np.arange(first, last + 2) * width, 10)


def metrics_by_bin(
    scores: RedshiftScores,
    values: ArrayLike,
    edges: ArrayLike,
    *,
    sources: ArrayLike | None = None,
    resamples: int = 500,
) -> list[dict[str, Any]]:
    """The same figures in bins [lo, hi) of `values` (n,), e.g. magnitudes; bins with fewer than 20 objects are left out.

    Returns
    -------
    list of dict
        ``{"lo", "hi", "n", …}`` in order of the edges.
    """
    at, cuts = np.asarray(values, dtype=float), np.asarray(edges, dtype=float)
    rows = []
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        inside = (at >= low) & (at < high)
        if inside.sum() >= SMALLEST_BIN:
            kept = None if sources is None else np.asarray(sources)[inside]
            figures = metrics_of(scores.take(inside), sources=kept, resamples=resamples)
            rows.append({"lo": float(low), "hi": float(high), **figures})
    return rows


def paired_redshift_differences(
    ours: RedshiftScores,
    theirs: RedshiftScores,
    sources: Sequence[str] | ArrayLike | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """Ours minus theirs on the same objects, each with its paired 95 % bootstrap interval.

    Returns
    -------
    dict of str to PairedDifference
        ``sigma_nmad``, the outlier rates at fixed limits, and ``cde_loss`` and ``crps`` where both have densities.

    Raises
    ------
    ValueError
        If the two are not of the same objects.
    """
    if not np.array_equal(ours.z_true, theirs.z_true):
        raise ValueError("two methods can be compared on the same objects only")
    pair = np.stack([ours.error, theirs.error], axis=1)

    def gap(rows: Floats) -> float:
        return sigma_nmad(rows[:, 0]) - sigma_nmad(rows[:, 1])

    low, high = np.quantile(resampled_statistic(pair, gap, sources, resamples=resamples, seed=seed), [0.025, 0.975])
    result = {"sigma_nmad": PairedDifference(gap(pair), float(low), float(high))}
    values = [(f"outlier_rate_{x:g}", np.abs(ours.error) > x, np.abs(theirs.error) > x) for x in OUTLIER_LIMITS]
    for name in ("cde_loss", "crps"):
        a, b = getattr(ours, name), getattr(theirs, name)
        if a is not None and b is not None:
            values.append((name, a, b))
    for name, a, b in values:
        result[name] = paired_difference(a, b, sources, resamples=resamples, seed=seed)
    return result
