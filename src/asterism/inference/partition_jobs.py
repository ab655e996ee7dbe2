"""One piece of work for each partition of a catalog: here, on several processes, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from asterism.catalogs.blocks import Progress, process_pool
from asterism.catalogs.catalog import Catalog, Partition, open_catalog
from asterism.catalogs.narrow import NarrowWriter
from asterism.errors import BadInputError, ConfigurationError

__all__ = ["LoadedModel", "check_workers", "over_partitions", "write_answers"]

if TYPE_CHECKING:
    import pyarrow as pa


class LoadedModel(Protocol):
    """What can be sent to workers: something with a model that each of them loads again from its directory."""

    directory: Path | None
    fingerprint: str

    @classmethod
    def from_pretrained(cls, directory: str) -> Any:
        """Load it."""


M = TypeVar("M", bound=LoadedModel)
R = TypeVar("R")


def check_workers(model: LoadedModel, workers: int, scheduler: str | None) -> None:
    """Refuse workers and schedulers that don't fit each other or the model.

    Raises
    ------
    ConfigurationError
        Fewer workers than one, both workers and a scheduler, or a model that lies in no directory.
    """
    if workers < 1:
        raise ConfigurationError(f"--workers must be at least 1, not {workers}")
    if scheduler is not None and workers != 1:
        raise ConfigurationError("--workers is for this machine and --scheduler for a cluster; give one of them")
    if (workers > 1 or scheduler) and model.directory is None:
        raise ConfigurationError("a model that was not loaded from a directory can't be sent to workers; save it first")


def over_partitions(
    work: Callable[[M, Catalog, Partition, Any], R],
    model: M,
    catalog: Catalog,
    partitions: Sequence[Partition],
    argument: Any = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[Partition, R]]:
    """Results partition by partition, in whatever order they get ready.

    Parameters
    ----------
    work : callable
        A function of a module: (model, catalog, partition, argument) to result.
    model : LoadedModel
    catalog : Catalog
    partitions : sequence of Partition
        Those to work on.
    argument : object
        Handed to `work`; can be sent to other processes.
    workers : int
        Processes on this machine.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers see the same files.

    Yields
    ------
    partition, result

    Raises
    ------
    ConfigurationError
        The scheduler does not answer.
    BadInputError
        A worker finds another model or catalog than was asked for.
    """
    if workers == 1 and scheduler is None:
        for partition in partitions:
            yield partition, work(model, catalog, partition, argument)
        return
    if not partitions:
        return
    directory, path = str(Path(model.directory or "").resolve()), str(catalog.path)
    there = partial(_there, work, type(model), directory, model.fingerprint, path, catalog.fingerprint)
    if scheduler is None:
        # Processes of this machine talk through pipes: no port is opened for them.
        with process_pool(min(workers, len(partitions))) as pool:
            tasks = {pool.submit(there, p.index, argument): p for p in partitions}
            for task in as_completed(tasks):
                yield tasks[task], task.result()
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
        futures = {client.submit(there, p.index, argument): p for p in partitions}
        for future in dask_as_completed(list(futures), loop=client.loop):
            yield futures[future], future.result()


def write_answers(
    writer: NarrowWriter,
    work: Callable[[M, Catalog, Partition, Any], tuple[pa.Table, list[tuple[str, str]]]],
    model: M,
    catalog: Catalog,
    argument: Any = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write what a model makes of the partitions that a narrow catalog lacks.

    Parameters
    ----------
    writer : NarrowWriter
        Open.
    work : callable
        As of `over_partitions`; gives the columns of a partition, and (object_id, reason) for rows that are worth a line in
        quarantine.
    model, catalog, argument, workers, scheduler
        As of `over_partitions`.
    progress : callable, optional
        Told (rows done, rows in all) after each partition.

    Raises
    ------
    ConfigurationError, BadInputError
        As `over_partitions`.
    """
    left = [p for p in catalog.partitions if not writer.complete and p.index not in writer.done]
    total = len(catalog)
    done = total - sum(p.rows for p in left)
    made = over_partitions(work, model, catalog, left, argument, workers=workers, scheduler=scheduler)
    for partition, (columns, lines) in made:
        for row, reason in lines:
            writer.quarantine(row, str(catalog.path), reason)
        writer.write(partition, columns)
        done += partition.rows
        if progress is not None:
            progress(done, total)


def _there(
    work: Callable[..., R],
    kind: type[LoadedModel],
    directory: str,
    fingerprint: str,
    path: str,
    content: str,
    index: int,
    argument: Any,
) -> R:
    """`work` on another process, which opens model and catalog itself, once."""
    model, catalog = _opened(kind, directory, path)
    if model.fingerprint != fingerprint or catalog.fingerprint != content:
        raise BadInputError(f"a worker finds another model or catalog at {directory} and {path} than was asked for")
    return work(model, catalog, catalog.partitions[index], argument)


@lru_cache(maxsize=1)
def _opened(kind: type[LoadedModel], directory: str, path: str) -> tuple[Any, Catalog]:
    import torch

    torch.set_num_threads(1)
    return kind.from_pretrained(directory), open_catalog(path)
