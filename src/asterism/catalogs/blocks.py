"""Blocks of rows made side by side on the machine's cores, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
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
    make: Callable[..., T],
    jobs: Mapping[int, tuple[Any, ...]],
    workers: int | None = None,
    *,
    ahead: int = 2,
    kin: Callable[[int], Hashable] | None = None,
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
    kin : callable, optional
        What a block shares with others, by its number: blocks that share it go to one process, which may keep what it worked
        out for the first of them. A process that has nothing else to do takes others' too.

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
    # Processes of one pool share its blocks; each that has a pool of its own gets those that are kin.
    pools = [process_pool(processes)] if kin is None else [process_pool(1) for _ in range(processes)]
    room = ahead * processes // len(pools)
    waiting = list(jobs)
    owners: dict[Hashable, int] = {}
    running: dict[Future[T], tuple[int, int]] = {}

    def take(pool: int) -> int:
        if kin is None:
            return waiting.pop(0)
        own = (place for place, block in enumerate(waiting) if owners.get(kin(block), pool) == pool)
        block = waiting.pop(next(own, -1))
        owners.setdefault(kin(block), pool)
        return block

    try:
        while waiting or running:
            for number, pool in enumerate(pools):
                busy = sum(of == number for _, of in running.values())
                for _ in range(min(room - busy, len(waiting))):
                    block = take(number)
                    running[pool.submit(make, *jobs[block])] = block, number
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future)[0], future.result()
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in pools:
            pool.shutdown(wait=True)
