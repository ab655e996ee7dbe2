"""Answers for a whole catalog: partition by partition, resumable, on one process, several, or a Dask cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asterism.catalogs.catalog import Catalog, Partition, open_catalog
from asterism.catalogs.narrow import NarrowWriter, write_wide
from asterism.catalogs.outputs import file_identity
from asterism.errors import BadInputError, ConfigurationError
from asterism.inference.predictor import Predictor
from asterism.inference.prior import Prior

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["predict_catalog"]

#: Told after each partition: rows done, rows in all.
Progress = Callable[[int, int], None]


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
    if workers < 1:
        raise ConfigurationError(f"--workers must be at least 1, not {workers}")
    if scheduler is not None and workers != 1:
        raise ConfigurationError("--workers is for this machine and --scheduler for a cluster; give one of them")
    if (workers > 1 or scheduler) and predictor.directory is None:
        raise ConfigurationError("a model that was not loaded from a directory can't be sent to workers; save it first")
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
        left = [p for p in catalog.partitions if not writer.complete and p.index not in writer.done]
        total = len(catalog)
        done = total - sum(p.rows for p in left)
        for partition, answers, lines in _run(predictor, catalog, left, table, workers, scheduler):
            for row, reason in lines:
                writer.quarantine(row, str(catalog.path), reason)
            writer.write(partition, answers)
            done += partition.rows
            if progress is not None:
                progress(done, total)
        answers = writer.close()
    if not wide:
        return answers
    whole = write_wide(answers, out, overwrite)
    shutil.rmtree(narrow)
    return whole


Result = tuple[Partition, "pa.Table", list[tuple[str, str]]]


def _run(
    predictor: Predictor,
    catalog: Catalog,
    partitions: list[Partition],
    prior: Prior | None,
    workers: int,
    scheduler: str | None,
) -> Iterator[Result]:
    """Answers partition by partition, in whatever order they get ready."""
    if workers == 1 and scheduler is None:
        for partition in partitions:
            yield (partition, *_answer(predictor, catalog, partition, prior))
        return
    if not partitions:
        return
    directory, path = str(Path(predictor.directory or "").resolve()), str(catalog.path)
    common = (directory, predictor.fingerprint, path, catalog.fingerprint)
    if scheduler is None:
        # Processes of this machine talk through pipes: no port is opened for them.
        with ProcessPoolExecutor(min(workers, len(partitions)), mp_context=get_context("spawn")) as pool:
            tasks = {pool.submit(_answer_there, *common, p.index, prior): p for p in partitions}
            for task in as_completed(tasks):
                yield tasks[task], *task.result()
        return
    from distributed import Client
    from distributed import as_completed as dask_as_completed

    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)
    except OSError as error:
        raise ConfigurationError(
            f"no Dask scheduler answers at {scheduler} ({error}); start one or check it"
        ) from error
    with client:
        futures = {client.submit(_answer_there, *common, p.index, prior): p for p in partitions}
        for future in dask_as_completed(list(futures), loop=client.loop):
            yield futures[future], *future.result()


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


def _answer_there(
    directory: str, model: str, path: str, content: str, index: int, prior: Prior | None
) -> tuple[pa.Table, list[tuple[str, str]]]:
    """`_answer` on another process, which opens model and catalog itself, once."""
    predictor, catalog = _opened(directory, path)
    if predictor.fingerprint != model or catalog.fingerprint != content:
        raise BadInputError(f"a worker finds another model or catalog at {directory} and {path} than was asked for")
    return _answer(predictor, catalog, catalog.partitions[index], prior)


@lru_cache(maxsize=1)
def _opened(directory: str, path: str) -> tuple[Predictor, Catalog]:
    import torch

    torch.set_num_threads(1)
    return Predictor.from_pretrained(directory), open_catalog(path)
