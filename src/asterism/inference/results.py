"""What the scoring of one task gives, and how the results of several tasks become one set of files."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asterism.inference.report import Card, Section
from asterism.learning.intervals import PairedDifference

__all__ = ["Results", "Sample", "difference", "flat", "merge_metrics", "verdict", "write_csv"]


@dataclass(frozen=True)
class Sample:
    """The objects that one task is scored on, and how their report calls things.

    Attributes
    ----------
    method : str
        The model's name.
    object_id, source_id : list of str
    magnitudes : ndarray, shape (n,)
        In the reference band; NaN where not observed.
    band : str
        Reference band, empty for a model without photometry.
    """

    method: str
    object_id: list[str]
    source_id: list[str]
    magnitudes: NDArray[np.float64]
    band: str

    @property
    def bin_name(self) -> str:
        """Name of the magnitude bins, e.g. ``r_mag``."""
        return f"{self.band}_mag"

    def take(self, chosen: NDArray[np.bool_]) -> Sample:
        """Some of the objects, by mask."""
        where = np.flatnonzero(chosen)
        ids, sources = ([names[i] for i in where] for names in (self.object_id, self.source_id))
        return Sample(self.method, ids, sources, self.magnitudes[chosen], self.band)


@dataclass
class Results:
    """One task's share of ``metrics.json``, the tables, ``scored.parquet`` and the report.

    Attributes
    ----------
    metrics : dict
        JSON-able, with ``bins``.
    baselines : dict of str to dict
        The same of each baseline, with ``difference``.
    cards : list of Card
    sections : list of Section
    tables : dict of str to list of dict
        Rows of CSV files by their stem, besides those of methods and magnitude bins.
    columns : dict of str to list or ndarray
        Columns of ``scored.parquet``, a value per object of the sample.
    """

    metrics: dict[str, Any]
    baselines: dict[str, dict[str, Any]]
    cards: list[Card] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)


def merge_metrics(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of several tasks as one mapping; of a key that both have, as ``n``, the first task's stands.

    Bins of the same edges are joined; ``difference``, ``bins`` and other mappings are joined key by key.
    """
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if key not in result:
                result[key] = value
            elif isinstance(value, Mapping):
                result[key] = merge_metrics([result[key], value])
            elif isinstance(value, list) and value and isinstance(value[0], Mapping):
                result[key] = _merge_bins(result[key], value)
    return result


def _merge_bins(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_edges: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for row in [*ours, *theirs]:
        by_edges.setdefault((row["lo"], row["hi"]), []).append(row)
    return [merge_metrics(by_edges[edges]) for edges in sorted(by_edges)]


def difference(found: Mapping[str, PairedDifference]) -> dict[str, Any]:
    """Paired differences as ``metrics.json`` has them."""
    return {key: {"ours_minus_theirs": d.mean, "interval": [d.low, d.high]} for key, d in found.items()}


def verdict(baseline: Mapping[str, Any], key: str, *, higher_is_better: bool = False) -> str:
    """``better`` where ours is better than a baseline in a figure, ``worse`` where it is worse, else empty."""
    if key not in baseline["difference"]:
        return ""
    low, high = baseline["difference"][key]["interval"]
    if low <= 0 <= high:
        return ""
    return "better" if (low > 0) == higher_is_better else "worse"


def flat(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Scalar figures, per-class ones as ``recall_STAR``, intervals as ``…_low`` and ``…_high``."""
    row: dict[str, Any] = {}
    for key, value in metrics.items():
        if key in ("recall", "precision", "f1"):
            row |= {f"{key}_{name}": v for name, v in value.items()}
        elif key.endswith("_interval"):
            stem = key.removesuffix("_interval")
            row |= {f"{stem}_low": value[0], f"{stem}_high": value[1]}
        elif isinstance(value, int | float) and not isinstance(value, bool):
            row[key] = value
    return row


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as CSV; the columns are those of all rows, empty where a row lacks one."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
