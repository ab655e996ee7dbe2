"""Making a paper's rows: the place that holds them, and trainings side by side with a progress bar."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from asterism.catalogs.blocks import make_blocks
from asterism.catalogs.outputs import atomic_write
from asterism.errors import OutputError

__all__ = ["Job", "Trainable", "by_training", "check_place", "grouped", "most_seeds", "progress_bar", "run_jobs"]

_ABOUT = "reproduce.json"

R = TypeVar("R")


class Trainable(Protocol):
    """A row that is made from a training."""

    @property
    def fit(self) -> Any:
        """The training, hashable, whose ``folder(out)`` is where it is kept."""


T = TypeVar("T", bound=Trainable)


@dataclass(frozen=True)
class Job(Generic[R]):
    """Rows that are made together, from one training.

    Attributes
    ----------
    arguments : tuple
        Of the function that makes them.
    rows : sequence
    seconds : float
        Roughly how long it takes on one core.
    """

    arguments: tuple[Any, ...]
    rows: Sequence[R]
    seconds: float


def check_place(place: Path, about: Mapping[str, Any]) -> None:
    """Note in ``reproduce.json`` what the table in a directory is of, and refuse to mix two.

    Parameters
    ----------
    place : Path
    about : mapping
        JSON values that the whole table depends on.

    Raises
    ------
    OutputError
        The directory holds a table of something else.
    """
    file = place / _ABOUT
    if file.is_file():
        before = json.loads(file.read_text("utf-8"))
        changed = [key for key in about if before.get(key) != about[key]]
        if changed:
            raise OutputError(
                f"{place} holds a table of another {changed[0]} ({before.get(changed[0])!r}); choose another --out"
            )
        return
    with atomic_write(file) as partial:
        partial.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def run_jobs(
    make: Callable[..., Sequence[R]],
    jobs: Sequence[Job[R]],
    processes: int,
    console: Console,
    tell: Callable[[R], str | None],
) -> None:
    """Make the rows of some jobs, in their order, with a bar and a line for each row.

    Parameters
    ----------
    make : callable
        Takes a job's arguments and gives the rows that it made; a function of a module, since other processes import it.
    jobs : sequence of Job
    processes : int
        Of one thread each where there are several.
    console : rich.console.Console
    tell : callable
        The line for a row; None for none.
    """
    from asterism.learning.estimate import duration

    numbered = dict(enumerate(jobs))
    count = sum(len(job.rows) for job in jobs)
    with progress_bar(console) as bar, _one_thread(processes):
        task = bar.add_task(f"rows 0 of {count}", total=sum(job.seconds for job in jobs))
        done = 0
        for k, made in make_blocks(make, {k: job.arguments for k, job in numbered.items()}, processes, ahead=1):
            done += len(made)
            bar.update(task, description=f"rows {done} of {count}")
            bar.advance(task, numbered[k].seconds)
            left = sum(job.seconds for job in jobs) - bar.tasks[task].completed
            for row in made:
                line = tell(row)
                if line is not None:
                    console.print(line, highlight=False, markup=False)
            if not console.is_terminal and left > 0:  # a log has no bar
                console.print(
                    f"rows {done} of {count}; about {duration(left / processes)} left", highlight=False, markup=False
                )


def grouped(rows: Sequence[T]) -> dict[Any, list[T]]:
    """Rows by the training that they are made from, in their order."""
    found: dict[Any, list[T]] = {}
    for row in rows:
        found.setdefault(row.fit, []).append(row)
    return found


def by_training(rows: Sequence[T], out: Path, threads: int | None) -> Iterator[tuple[Any, list[T], Console]]:
    """The trainings of some rows one after the other, in a process that may be of its own.

    Parameters
    ----------
    rows : sequence
    out : Path
        Where trainings are kept.
    threads : int, optional
        Threads of torch; as it is without.

    Yields
    ------
    fit
        The training.
    list
        Its rows.
    rich.console.Console
        Writes to the training's ``log.txt``.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    for fit, of_fit in grouped(rows).items():
        folder = fit.folder(out)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("a", encoding="utf-8") as log:
            yield fit, of_fit, Console(file=log, width=120)


def most_seeds(place: Path, pattern: str, seeds: int) -> int:
    """So many seeds that rows of an earlier call with more of them stay in the results.

    Parameters
    ----------
    place : Path
    pattern : str
        Of the folders named ``seed-N`` below it.
    seeds : int
        Of this call.
    """
    there = [int(folder.name.removeprefix("seed-")) + 1 for folder in place.glob(pattern)]
    return max([seeds, *there])


def progress_bar(console: Console) -> Progress:
    """A bar with time passed and left, shown where the console is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal and not console.quiet
    return Progress(*columns, console=console, transient=True, disable=not shown)


@contextmanager
def _one_thread(processes: int) -> Iterator[None]:
    """Processes started inside compute on one thread each; libraries read this when they are loaded."""
    name = "OMP_NUM_THREADS"
    before = os.environ.get(name)
    if processes > 1:
        os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
