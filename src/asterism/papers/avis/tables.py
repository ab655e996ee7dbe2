"""The tables of the report, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asterism.inference.probed_objects import ASKED
from asterism.inference.report import Cell, Table
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.results import CLASSES, dig

__all__ = ["difference", "ends_of", "part_tables", "value_of"]

_PROBES = {"knn": "neighbours", "linear": "linear", "network": "network", "trees": "trees", "mean": "mean"}
_POOLS = {"random": "at random", "magnitude": "near magnitude", "magnitude_redshift": "near magnitude and redshift"}


def value_of(value: Any, digits: int = 3) -> str:
    """A figure as text; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def ends_of(ends: Sequence[float] | None) -> str:
    """An interval as text; empty where there is none."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _spread(figures: Mapping[str, Any], key: str, digits: int = 3) -> str:
    spread = figures.get(f"{key}_std")
    return value_of(figures.get(key), digits) + ("" if spread is None else f" ± {spread:.{digits}f}")


def _probed(methods: Mapping[str, Any], asked: str) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Title, what was read, probe and figures of each answer to a question."""
    for entry in methods.values():
        for read, found in entry["figures"].items():
            if read == "notes" or asked not in found:
                continue
            for probe, figures in found[asked].items():
                if probe in _PROBES:
                    yield entry["title"], read, _PROBES[probe], figures


def _redshifts(methods: Mapping[str, Any]) -> list[Table]:
    tables = []
    for name, of in CLASSES.items():
        rows = []
        for title, read, probe, m in _probed(methods, f"redshift_{name}"):
            texts = [title, read, probe, f"{m['n']:,}", _spread(m, "r2"), ends_of(m.get("r2_interval"))]
            texts += [
                _spread(m, "sigma_nmad", 4),
                _spread(m, "outlier_rate_0.1"),
                _spread(m, "median_absolute_error", 4),
            ]
            rows.append([Cell(text) for text in texts])
        if rows:
            tables.append(
                Table(
                    [of, "reads", "probe", "scored", "R²", "95 % interval", "σ_NMAD", "|δ| > 0.1", "median |δ|"],
                    rows,
                    _ours_first(methods),
                )
            )
        few = _few(methods, name)
        if few:
            tables.append(Table([f"{of}, few labels", "reads", "probe", "10", "100", "1000"], few))
    return tables


def _ours_first(methods: Mapping[str, Any]) -> bool:
    """Whether the first line is of the method kept."""
    return next(iter(methods)) == KEPT


def _few(methods: Mapping[str, Any], name: str) -> list[list[Cell]]:
    rows = []
    for entry in methods.values():
        for read, found in entry["figures"].items():
            shots = dig(found, f"redshift_{name}", "few_shot") or {}
            for probe, numbers in shots.items():
                cells = [entry["title"], read, _PROBES[probe]]
                for labels in ("10", "100", "1000"):
                    one = numbers.get(labels)
                    cells.append("–" if one is None else f"{one['mean']:.3f} ± {one['std']:.3f}")
                rows.append([Cell(cell) for cell in cells])
    return rows


def difference(found: Mapping[str, Any], *, higher: bool, digits: int = 3) -> Cell:
    """A paired difference with its interval, marked where that excludes zero; `higher` is better or not."""
    low, high = found["interval"]
    verdict = "" if low <= 0 <= high else "better" if (low > 0) == higher else "worse"
    return Cell(f"{found['difference']:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})", verdict)


def _retrieval(methods: Mapping[str, Any]) -> list[Table]:
    rows = []
    for entry in methods.values():
        for of in ("all", "galaxies"):
            for size, directions in (dig(entry, "figures", of) or {}).items():
                for direction, kinds in directions.items():
                    for kind, m in kinds.items():
                        if size == "near" and kind == "random":
                            continue
                        texts = [entry["title"], of, direction.replace("_to_", " → "), _POOLS[kind], f"{m['pool']:,}"]
                        texts += [_spread(m, f"recall_at_{k}") for k in (1, 5, 10)]
                        texts += [ends_of(m["recall_at_10_interval"]), f"{m['chance_at_10']:.3f}"]
                        apart = m.get("spread_magnitude")
                        rows.append([Cell(t) for t in (*texts, "–" if apart is None else f"{apart:.2f} mag")])
    columns = ["method", "among", "from → to", "pools", "pool", "recall at 1", "at 5", "at 10", "95 % interval"]
    columns += ["chance", "members differ by"]
    return [Table(columns, rows, _ours_first(methods))] if rows else []


def _labels(methods: Mapping[str, Any]) -> list[Table]:
    tables = []
    for asked, what in ASKED.items():
        rows = []
        for title, read, probe, m in _probed(methods, asked):
            key = "macro_recall" if "macro_recall" in m else "r2"
            of = m.get("recall", {})
            recalls = ", ".join(f"{name} {_spread(of, name, 2)}" for name in of if not name.endswith("_std"))
            texts = [title, read, probe, f"{m['n']:,}", _spread(m, key), ends_of(m.get(f"{key}_interval")), recalls]
            rows.append([Cell(text) for text in texts])
        if rows:
            figure = "macro recall" if "macro_recall" in next(_probed(methods, asked))[3] else "R²"
            tables.append(
                Table([what, "reads", "probe", "scored", figure, "95 % interval", "recall"], rows, texts=True)
            )
    return tables


def _clusters(methods: Mapping[str, Any]) -> list[Table]:
    rows = []
    for entry in methods.values():
        for space, found in (("map", entry["figures"]), ("embedding", entry["figures"]["embedding"])):
            summary = found["summary"]
            texts = [entry["title"], space, f"{summary['clusters']:g}", f"{summary['noise_share']:.1%}"]
            texts.append(value_of(dig(summary, "stability", "mean"), 2))
            for name in ("class", "target"):
                one = found.get(name, {})
                texts += [_spread(one, "ami"), ends_of(one.get("ami_interval")), value_of(one.get("ami_without_noise"))]
            rows.append([Cell(text) for text in texts])
    columns = ["method", "among", "clusters", "noise", "stability", "AMI, class", "95 % interval", "without noise"]
    columns += ["AMI, target", "95 % interval", "without noise"]
    return [Table(columns, rows, _ours_first(methods))]


def _anomalies(methods: Mapping[str, Any]) -> list[Table]:
    rows = []
    for entry in methods.values():
        for score, title in (("anomaly_knn", "distance to neighbours"), ("anomaly_density", "local density")):
            m = entry["figures"].get(score)
            if m is None:
                continue
            kinds = ", ".join(f"{kind} {one['roc_auc']:.2f} ({one['n']:,})" for kind, one in m["by_kind"].items())
            texts = [
                entry["title"],
                title,
                f"{m['rare']:,} of {m['n']:,}",
                _spread(m, "roc_auc"),
                ends_of(m["roc_auc_interval"]),
            ]
            texts += [value_of(m.get(f"precision_at_{n}"), 2) for n in (10, 100)] + [kinds]
            rows.append([Cell(text) for text in texts])
    columns = ["method", "score", "rare", "ROC AUC", "95 % interval", "precision, top 10", "top 100"]
    columns += ["ROC AUC by kind (objects)"]
    return [Table(columns, rows, texts=True)] if rows else []


def _spectrum(methods: Mapping[str, Any]) -> list[Table]:
    made, ends = [], ("", "_lines", "_continuum")
    for entry in methods.values():
        found, rows = entry["figures"], []
        for name, title in (
            ("image", "from the image"), ("class_mean", "mean of the true class"), ("mean", "mean of all"),
        ):  # fmt: skip
            for of, m in {"all": found[name], **found[name]["by_class"]}.items():
                texts = [title, of, f"{m['n']:,}", *(value_of(m.get(f"chi2{end}"), 2) for end in ends)]
                rows.append([Cell(text) for text in texts])
        heading = f"{entry['title']}, {found['k']:g} neighbours"
        made.append(Table([heading, "of", "scored", "median χ²", "in lines", "out of lines"], rows))
        rows = []
        for key, title in (
            ("less_class_mean", "less the mean of the true class"),
            ("less_mean", "less the mean of all"),
        ):
            gaps = [found[key].get(f"log_chi2{end}") for end in ends]
            rows.append([Cell(title), *(Cell("–") if gap is None else difference(gap, higher=False) for gap in gaps)])
        made.append(Table(["log10 χ² from the image …", "all", "in lines", "out of lines"], rows))
    return made


_MAKERS = {
    "redshift": _redshifts,
    "retrieval": _retrieval,
    "labels": _labels,
    "clusters": _clusters,
    "anomalies": _anomalies,
    "spectrum": _spectrum,
}


def part_tables(part: str, methods: Mapping[str, Any]) -> list[Table]:
    """Tables of one part of the table; none of ``maps``, which are pictures.

    Parameters
    ----------
    part : str
        One of `asterism.papers.avis.rows.PARTS`.
    methods : mapping
        What ``results.json`` has of it.
    """
    return _MAKERS[part](methods) if part in _MAKERS else []
