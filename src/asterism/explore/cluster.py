"""A catalog of embeddings gives the catalog of its clusters and anomaly scores, and says how far they can be trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.columns import PLACES
from asterism.catalogs.embeddings import choose_embedding, embedding_model, read_embeddings
from asterism.catalogs.narrow import NarrowWriter
from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.explore.anomaly import Anomaly, anomaly_scores
from asterism.explore.clustering import SHARE, Clusters, Space, cluster_embedding

__all__ = ["SUMMARY", "cluster_catalog", "read_summary"]

SUMMARY = "clusters.json"
"""Where in a catalog of clusters it is said how they were found and how stable they are."""


def cluster_catalog(
    catalog: Catalog,
    out: str | os.PathLike[str],
    *,
    embedding: str | None = None,
    space: str = "embedding",
    seed: int = 0,
    sample: int = 50_000,
    repeats: int = 3,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Write the narrow catalog of clusters and anomaly scores.

    Parameters
    ----------
    catalog : Catalog
        With an embedding.
    out : path
        The catalog to make; ``clusters.json`` in it says how.
    embedding : str, optional
        Which one: ``joint``, ``image``, ``spectrum``.
    space : {"embedding", "map"}
        Where clusters are sought; see `asterism.explore.clustering`.
    seed : int
        Of all that is drawn at random.
    sample : int
        Clusters and neighbours are found among so many objects at most, chosen at random; another object gets the cluster
        of the nearest of them.
    repeats : int
        Pairs of parts by which the stability is measured.
    overwrite : bool
        Start anew.
    progress : callable, optional
        Told (steps done, steps in all).

    Returns
    -------
    Catalog
        Columns ``cluster``, ``cluster_probability``, ``anomaly_knn``, ``anomaly_density``, null for objects without the
        embedding.

    Raises
    ------
    BadInputError
        There is no such embedding, or too few objects have it.
    ConfigurationError
        An option that does not exist or can't be.
    OutputError
        `out` holds something else.
    """
    if space not in ("map", "embedding"):
        raise ConfigurationError(unknown_name("space", space, ("map", "embedding")))
    for name, value, least in (("--sample", sample, 25), ("--repeats", repeats, 0), ("--seed", seed, 0)):
        if not least <= value < 2**31:
            raise ConfigurationError(f"{name} must be at least {least}, not {value}")
    name = choose_embedding(catalog, embedding)
    model = embedding_model(catalog, name)
    chosen: dict[str, Any] = {"embedding": name, "space": space, "seed": seed, "sample": sample, "repeats": repeats}
    inputs = {"command": "cluster", **chosen}
    made_by = {"command": "cluster", "method": "hdbscan", "model_fingerprint": model, **chosen}
    fields = PLACES["cluster"]
    with NarrowWriter(catalog, out, fields, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:
        if writer.complete:
            return writer.close()
        values, present = read_embeddings(catalog, name)
        rows = np.flatnonzero(present)
        drawn = np.sort(np.random.default_rng(seed).choice(len(rows), min(len(rows), sample), replace=False))
        known = values[rows]
        where: Space = "map" if space == "map" else "embedding"
        found = cluster_embedding(known[drawn], space=where, seed=seed, repeats=repeats, progress=progress)
        scores = anomaly_scores(known, reference=drawn)
        labels, probabilities = _for_all(found, known, drawn)
        columns = _columns(labels, probabilities, scores, rows, len(values))
        for partition in catalog.partitions:
            if partition.index not in writer.done:
                writer.write(partition, columns.slice(partition.start, partition.rows))
        told = _summary(found, labels, scores, len(values), len(drawn), chosen, model)
        with atomic_write(writer.workspace / SUMMARY) as file:
            file.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        return writer.close()


def read_summary(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What ``clusters.json`` of a catalog of clusters says.

    Raises
    ------
    BadInputError
        There is none.
    """
    place = open_catalog(path).path
    try:
        return dict(json.loads((Path(place) / SUMMARY).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{place} has no readable {SUMMARY}; make it with 'asterism cluster'") from error


def _for_all(
    found: Clusters, values: NDArray[np.float32], drawn: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Cluster and probability of each object: its own, or those of the nearest that was drawn."""
    if len(drawn) == len(values):
        return found.labels, found.probabilities
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=1).fit(values[drawn]).kneighbors(values, return_distance=False)[:, 0]
    near[drawn] = np.arange(len(drawn))
    return found.labels[near], found.probabilities[near]


def _columns(
    labels: NDArray[np.int32],
    probabilities: NDArray[np.float32],
    scores: Anomaly,
    rows: NDArray[np.int64],
    n: int,
) -> pa.Table:
    absent = np.ones(n, bool)
    absent[rows] = False
    columns = []
    for column, values in zip(PLACES["cluster"], (labels, probabilities, scores.knn, scores.density), strict=True):
        whole = np.zeros(n, values.dtype)
        whole[rows] = values
        columns.append(pa.array(whole, column.type, mask=absent))
    return pa.table(columns, schema=pa.schema(PLACES["cluster"]))


def _summary(
    found: Clusters,
    labels: NDArray[np.int32],
    scores: Anomaly,
    n: int,
    drawn: int,
    chosen: dict[str, Any],
    model: str,
) -> dict[str, Any]:
    return {
        "method": "hdbscan",
        **chosen,
        "model_fingerprint": model,
        "objects": n,
        "embedded": len(labels),
        "drawn": drawn,
        "min_cluster_size": found.min_cluster_size,
        "min_samples": found.min_samples,
        "dimensions": found.dimensions,
        "variance_kept": SHARE if chosen["space"] == "embedding" else None,
        "clusters": found.number,
        "sizes": np.bincount(labels[labels >= 0], minlength=found.number).tolist(),
        "noise_share": float((labels < 0).mean()),
        "stability": {
            "definition": "adjusted Rand index of two clusterings, each of a random 80 % (at most 10,000 objects), "
            "over the objects that both hold; noise is a group of its own",
            "adjusted_rand": found.stability,
            "mean": float(np.mean(found.stability)) if found.stability else None,
        },
        "anomaly_neighbours": scores.neighbours,
    }
