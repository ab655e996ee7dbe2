"""An aligned model beside its baselines: redshifts by neighbours on the same objects, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from asterism.inference.embedding_probes import Probed
from asterism.inference.probed_objects import ProbedObjects
from asterism.inference.report import Cell, Section, Table
from asterism.inference.results import Results, difference, verdict
from asterism.learning.probe_scores import paired_redshift_probe_differences

__all__ = ["HEADLINE", "beside_section", "differences"]

Embeddings = Mapping[str, Probed]

#: The redshifts that flat figures are of: the first of these that the catalog has labels for.
HEADLINE = ("redshift_GALAXY", "redshift", "redshift_QSO")


def differences(ours: Embeddings, theirs: Embeddings, objects: ProbedObjects) -> dict[tuple[str, str], dict[str, Any]]:
    """Ours less theirs in R² and σ_NMAD, by embedding.

    Parameters
    ----------
    ours, theirs : mapping of str to Probed
        By embedding. Ours are compared with the baseline's embedding of the same name, or with the only one it has; each by
        neighbours, or by the one answer that the baseline has.
    objects : ProbedObjects
        Those scored.

    Returns
    -------
    dict of (str, str) to dict
        (embedding, figure) → ``ours_minus_theirs`` and ``interval``, as ``metrics.json`` has it.
    """
    result: dict[tuple[str, str], dict[str, Any]] = {}
    asked = next((key for key in HEADLINE if _asked(ours, key) and _asked(theirs, key)), None)
    for name, probed in ours.items():
        other = theirs.get(name) or (next(iter(theirs.values())) if len(theirs) == 1 else None)
        if asked is None or other is None or asked not in probed.found or asked not in other.found:
            continue
        probe = "knn" if "knn" in other.found[asked] else next(iter(other.found[asked]))
        a, b = probed.found[asked]["knn"], other.found[asked][probe]
        _, at, bt = np.intersect1d(a.places, b.places, return_indices=True)
        sources = objects.source_id[a.places[at]]
        gaps = paired_redshift_probe_differences(a.predicted[at], b.predicted[bt], a.true[at], sources, resamples=1000)
        for figure in ("r2", "sigma_nmad"):
            result |= {(name, figure): difference({figure: gaps[figure]})[figure]}
    return result


def beside_section(results: Results) -> list[Section]:
    """The comparison as a part of the page; none without baselines."""
    rows = []
    for method, m in results.baselines.items():
        for name in {key.rsplit("_r2", 1)[0]: 0 for key in m["difference"] if key.endswith("_r2")}:
            cells = [Cell(name), Cell(method)]
            for figure, higher in (("r2", True), ("sigma_nmad", False)):
                d = m["difference"][f"{name}_{figure}"]
                low, high = d["interval"]
                marked = verdict(m, f"{name}_{figure}", higher_is_better=higher)
                cells.append(Cell(f"{d['ours_minus_theirs']:+.4f} ({low:+.4f} to {high:+.4f})", marked))
            rows.append(cells)
    if not rows:
        return []
    of = {"redshift_GALAXY": "galaxies", "redshift_QSO": "quasars"}.get(results.metrics["knn_of"], "objects")
    text = (
        f"Redshifts of {of} by neighbours: ours less the baseline's on the same objects, with the 95 % interval of a paired bootstrap. "
        "Green where ours is better, red where it is worse: the interval excludes zero. untrained: the same network before training; "
        "pca: neighbours in the inputs' principal components; lightgbm: trees on the photometry; mean: the class's mean redshift."
    )
    columns = ["embedding", "baseline", "R²", "σ_NMAD"]
    return [Section("Beside the baselines", [text], [Table(columns, rows)])]


def _asked(probed: Embeddings, asked: str) -> bool:
    return any(asked in found.found for found in probed.values())
