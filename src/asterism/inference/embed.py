"""Embeddings for a whole catalog: partition by partition, resumable, on one process, several, or a Dask cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, Partition
from asterism.catalogs.narrow import NarrowWriter
from asterism.inference.embedder import Embedder
from asterism.inference.partition_jobs import check_workers, write_answers

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["embed_catalog"]


def embed_catalog(
    embedder: Embedder,
    catalog: Catalog,
    out: str | os.PathLike[str],
    *,
    inputs: str | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Write the narrow catalog of a model's embeddings.

    Parameters
    ----------
    embedder : Embedder
        Loaded from a directory, which workers on other processes load again.
    catalog : Catalog
        What to embed.
    out : path
        The catalog to make; an interrupted one is continued with the partitions that lack.
    inputs : str, optional
        Groups for the model's roles, e.g. ``spectrum=spectrum_sdss``, where a model reads any survey's and the catalog has
        several.
    workers : int
        Processes on this machine.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers see the same files.
    overwrite : bool
        Start anew.
    progress : callable, optional
        Told (rows done, rows in all) after each partition.

    Returns
    -------
    Catalog
        Columns ``embedding_NAME`` and ``model_fingerprint``, joined with the parent. An object of which nothing was
        observed that the model reads has no embedding and a line in quarantine.

    Raises
    ------
    BadInputError
        If the model can't read the catalog.
    ConfigurationError
        If workers and scheduler don't fit each other, or the scheduler doesn't answer.
    OutputError
        If `out` holds something else.
    """
    check_workers(embedder, workers, scheduler)
    fields = embedder.reader(catalog.schema, str(catalog.path), inputs).fields
    made_by = {"command": "embed", "model": embedder.model.config.name, "model_fingerprint": embedder.fingerprint}
    if embedder.directory is not None:
        made_by["run"] = os.path.relpath(embedder.directory.resolve(), os.path.realpath(out))
    made_from = {"command": "embed", "model": embedder.fingerprint, "inputs": inputs}
    with NarrowWriter(catalog, out, fields, made_by=made_by, inputs=made_from, overwrite=overwrite) as writer:
        write_answers(
            writer, _embed, embedder, catalog, inputs, workers=workers, scheduler=scheduler, progress=progress
        )
        return writer.close()


def _embed(
    embedder: Embedder, catalog: Catalog, partition: Partition, inputs: str | None
) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Embeddings of one partition, and (object_id, reason) for rows that have none at all."""
    reader = embedder.reader(catalog.schema, str(catalog.path), inputs)
    table = catalog.read_partition(partition, ["object_id", *reader.column_names])
    vectors = reader.embed_table(table)
    finite = {name: np.isfinite(values).all(axis=1) for name, (values, _) in vectors.items()}
    lost = np.zeros(len(table), bool)
    absent = np.ones(len(table), bool)
    for name, (_, there) in vectors.items():
        lost |= there & ~finite[name]
        absent &= ~there
    lines = [(row, "the model's embedding is not finite: check its fluxes") for row in _ids(table, lost)]
    lines += [(row, "nothing was observed that the model reads: no embedding") for row in _ids(table, absent)]
    return reader.columns(vectors), lines


def _ids(table: pa.Table, rows: np.ndarray) -> list[str]:
    return list(table["object_id"].take(np.flatnonzero(rows)).to_pylist()) if rows.any() else []
