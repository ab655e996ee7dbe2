"""Blocks of rows made side by side on the machine's cores, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from asterism.errors import ConfigurationError

__all__ = ["Progress", "available_cores", "check_workers", "make_blocks", "process_pool"]

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Told while something long goes on: how much is done, and how much there is in all."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_workers(workers: int | None) -> None:
    """Raise `ConfigurationError` for a number of workers that can't be; None is all cores."""
    if workers is not None and workers < 1:
        raise ConfigurationError(f"the number of workers must be 1 or more, not {workers}; give another --workers")


def process_pool(processes: int) -> ProcessPoolExecutor:
    """Processes that end with this one, also where it is killed: else they would go on writing into a place that others may take."""
    # Fresh processes, since forking one that runs threads (BLAS, Arrow) can hang.
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)  # what is begun is continued by the next call, as after any interruption

    Thread(target=watch, daemon=True).start()


def make_blocks(
    make: Callable[..., T], jobs: Mapping[int, tuple[Any, ...]], workers: int | None = None, *, ahead: int = 2
) -> Iterator[tuple[int, T]]:
    """Make blocks on several processes.

    Parameters
    ----------
    make : callable
        Makes a block from a job's arguments; a function of a module, since other processes import it.
    jobs : mapping of int to tuple
        Arguments by block.
    workers : int, optional
        Processes; all cores by default. With one, or one job, everything happens in this process.
    ahead : int
        Blocks under way per process and no more, so that memory stays bounded however slow the disk is.

    Yields
    ------
    (int, result)
        Blocks as they come, in any order.
    """
    processes = min(workers or available_cores(), len(jobs))
    if processes <= 1:
        for block, job in jobs.items():
            yield block, make(*job)
        return
    pool = process_pool(processes)
    waiting = list(jobs.items())[::-1]
    running: dict[Future[T], int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < ahead * processes:
                block, job = waiting.pop()
                running[pool.submit(make, *job)] = block
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
