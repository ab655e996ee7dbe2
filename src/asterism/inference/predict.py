"""Answers for a whole catalog: partition by partition, resumable, on one process, several, or a Dask cluster."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, Partition
from asterism.catalogs.narrow import NarrowWriter, write_wide
from asterism.catalogs.outputs import file_identity
from asterism.inference.partition_jobs import check_workers, write_answers
from asterism.inference.predictor import Predictor
from asterism.inference.prior import Prior

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["predict_catalog"]


def predict_catalog(
    predictor: Predictor,
    catalog: Catalog,
    out: str | os.PathLike[str],
    *,
    prior: str | os.PathLike[str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    wide: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Write the narrow catalog of a model's answers.

    Parameters
    ----------
    predictor : Predictor
        Loaded from a directory, which workers on other processes load again.
    catalog : Catalog
        What to answer for.
    out : path
        The catalog to make; an interrupted one is continued with the partitions that lack.
    prior : path, optional
        A table of class fractions, see `asterism.inference.prior.read_prior`.
    workers : int
        Processes on this machine.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers see the same files.
    wide : bool
        Write the joined rows, not only identity and answers.
    overwrite : bool
        Start anew.
    progress : callable, optional
        Told (rows done, rows in all) after each partition.

    Returns
    -------
    Catalog
        The answers, joined with their parent.

    Raises
    ------
    BadInputError
        If the model can't read the catalog.
    ConfigurationError
        If workers and scheduler don't fit each other, or the scheduler doesn't answer.
    OutputError
        If `out` holds something else.
    """
    check_workers(predictor, workers, scheduler)
    predictor.bindings(catalog)
    table = None if prior is None else predictor.read_prior(prior)
    inputs: dict[str, Any] = {"command": "predict", "model": predictor.fingerprint}
    if prior is not None:
        inputs["prior"] = file_identity(prior)
    made_by = {"command": "predict", "model": predictor.model.config.name, "model_fingerprint": predictor.fingerprint}
    # The wide catalog is written from a narrow one that stands beside it meanwhile, so both continue when interrupted.
    # A hidden name, since it goes away at the end: a catalog that somebody keeps has another.
    narrow = Path(out).with_name(f".{Path(out).name}.narrow") if wide else Path(out)
    with NarrowWriter(
        catalog, narrow, predictor.fields(), made_by=made_by, inputs=inputs, overwrite=overwrite
    ) as writer:
        write_answers(
            writer, _answer, predictor, catalog, table, workers=workers, scheduler=scheduler, progress=progress
        )
        answers = writer.close()
    if not wide:
        return answers
    whole = write_wide(answers, out, overwrite)
    shutil.rmtree(narrow)
    return whole


def _answer(
    predictor: Predictor, catalog: Catalog, partition: Partition, prior: Prior | None
) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Answers for one partition, and (object_id, reason) for rows that the model has none for."""
    bindings = predictor.bindings(catalog)
    names = {name for group in bindings.values() for name in group.columns}
    table = catalog.read_partition(partition, ["object_id", *sorted(names)])
    answers = predictor.answer_table(table, bindings, prior)
    lost = np.flatnonzero(answers.lost)
    ids = table["object_id"].take(lost).to_pylist() if len(lost) else []
    return predictor.columns(answers), [(name, "the model's answer is not finite: check its fluxes") for name in ids]
