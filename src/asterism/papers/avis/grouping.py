"""Clusters and anomaly scores of the test objects' joint embedding, and how far they agree with what is known.

Both are found by `asterism.explore.cluster`, whose settings follow from the number of objects; labels enter afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.lists import number_values
from asterism.errors import BadInputError
from asterism.explore.cluster import cluster_catalog, read_summary
from asterism.learning.anomaly_truth import anomaly_scores, rarities
from asterism.learning.cluster_agreement import cluster_agreement
from asterism.papers.avis.methods import scale_named
from asterism.papers.avis.rows import Row

if TYPE_CHECKING:
    from asterism.papers.avis.asking import Parts

__all__ = ["cluster_row", "rarity_row"]

_AGAINST = ("class", "target")
_SCORES = ("anomaly_knn", "anomaly_density")


def cluster_row(row: Row, parts: Parts, scale: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Column ``cluster``, and its agreement with class and, of objects chosen for one reason only, with target class.

    Clusters are sought on the map of the embedding: so it was decided on a development sky (docs/results/avis.md). Those sought among
    the embedding's own numbers are column ``cluster_embedding``.

    Parameters
    ----------
    row : Row
    parts : Parts
    scale : str

    Returns
    -------
    columns : dict
    figures : dict
        ``summary`` as `asterism.explore.cluster` gives it, and of each label what
        `asterism.learning.cluster_agreement.cluster_agreement` tells; ``embedding``: the same among the embedding's numbers; ``notes``.
    """
    resamples = min(200, scale_named(scale).resamples)
    places, figures, notes = _told(_clustered(parts), parts, resamples)
    other, figures["embedding"], more = _told(_clustered(parts, "embedding"), parts, resamples)
    figures["notes"] = list(dict.fromkeys([*notes, *more]))
    return {"cluster": pa.array(places), "cluster_embedding": pa.array(other)}, figures


def _told(catalog: Catalog, parts: Parts, resamples: int) -> tuple[NDArray[np.float64], dict[str, Any], list[str]]:
    """Clusters (n,), NaN of objects without an embedding, their figures, and notes."""
    found = number_values(catalog.read(["cluster"])["cluster"], np.float64)
    there, objects = np.isfinite(found), parts.samples[2][1]
    figures: dict[str, Any] = {"summary": read_summary(catalog.path)}
    notes = []
    for name in _AGAINST:
        labels = objects.names.get(name, np.full(len(objects), None, object))[there]
        try:
            figures[name] = cluster_agreement(
                found[there].astype(int), labels, sources=objects.source_id[there], resamples=resamples
            )
        except BadInputError:
            notes.append(f"Clusters were not compared with {name}: no object is labelled.")
    return found, figures, notes


def rarity_row(row: Row, parts: Parts, scale: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns ``anomaly_knn`` and ``anomaly_density``, and whether they find white dwarfs, CVs and other rarities."""
    catalog, test = _clustered(parts), parts.samples[2]
    rows = test[1].rows
    table = catalog.read(list(_SCORES))
    there = set(test[0].schema.names)
    names = test[0].read(["subclass"])["subclass"].take(pa.array(rows)).to_pylist() if "subclass" in there else []
    rare = rarities(names) if names else [None] * len(rows)
    columns = {name: number_values(table[name], np.float64) for name in _SCORES}
    figures: dict[str, Any] = {"notes": []}
    for name, values in columns.items():
        try:
            figures[name] = anomaly_scores(
                values, rare, sources=test[1].source_id, resamples=scale_named(scale).resamples
            )
        except BadInputError as error:
            figures["notes"].append(f"{name} was not scored: {error}.")
    kept: dict[str, Any] = {name: pa.array(values) for name, values in columns.items()}
    return kept | {"rare": pa.array(rare, pa.string())}, figures


def _clustered(parts: Parts, space: str = "map") -> Catalog:
    place = parts.fit.catalog(parts.out, "clusters" if space == "map" else f"clusters-{space}")
    return cluster_catalog(parts.catalogs["test"], place, embedding="joint", space=space)
