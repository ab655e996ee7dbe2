"""Reproducing a paper: from what a person asks to the report, for every paper alike."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from rich.console import Console

from asterism.catalogs.blocks import available_cores, check_workers
from asterism.errors import ConfigurationError
from asterism.papers.row_jobs import Job, check_place, most_seeds, progress_bar, run_jobs

__all__ = ["Data", "Paper", "Progress", "Request", "reproduce_paper"]

#: Told of a catalog that is being made: its name, objects done, objects in all.
Progress = Callable[[str, int, int], None]


class Data(Protocol):
    """The catalogs of a paper's table."""

    @property
    def record(self) -> dict[str, Any]:
        """What is noted of them, JSON-able: a table is of these and no others."""


R = TypeVar("R", bound=Hashable)
D = TypeVar("D", bound=Data)


@dataclass(frozen=True)
class Request:
    """What a person asks of a paper, checked.

    Attributes
    ----------
    out : Path
        Directory of everything.
    scale : str
    only : str or None
        Rows to run.
    seeds : int
        Of the methods that are repeated.
    data_dir, templates : Path or None
        Given objects; libraries to simulate from.
    processes : int
        Of one thread each where there are several.
    console : rich.console.Console
    """

    out: Path
    scale: str
    only: str | None
    seeds: int
    data_dir: Path | None
    templates: Path | None
    processes: int
    console: Console

    @property
    def threads(self) -> int | None:
        """Threads of torch in each process; None for as many as it likes."""
        return 1 if self.processes > 1 else None

    def say(self, line: str) -> None:
        """A line for the person who waits."""
        self.console.print(line, highlight=False, markup=False)


class Paper(ABC, Generic[R, D]):
    """A paper's table.

    Attributes
    ----------
    name : str
        As in ``asterism reproduce NAME``.
    """

    name: str

    @abstractmethod
    def seeds(self, scale: str) -> int:
        """Seeds of a scale; a `ConfigurationError` names the nearest where there is no such scale."""

    @abstractmethod
    def check(self, request: Request) -> None:
        """Refuse rows that can't be, before there are data: a slip in ``--only`` costs nothing."""

    @abstractmethod
    def data(self, request: Request, progress: Progress) -> D:
        """The catalogs, made where they lack."""

    @abstractmethod
    def rows(self, request: Request, data: D) -> list[R]:
        """The rows that are asked for."""

    @abstractmethod
    def finished(self, row: R, data: D, request: Request) -> bool:
        """Whether a row is there, made with these settings."""

    @abstractmethod
    def jobs(self, missing: Sequence[R], data: D, request: Request) -> list[Job[R]]:
        """Trainings, and the rows that are made from each."""

    @property
    @abstractmethod
    def make(self) -> Callable[..., Sequence[R]]:
        """Makes the rows of a job from its arguments; a function of a module, since other processes import it."""

    @abstractmethod
    def line_of(self, row: R, out: Path) -> str | None:
        """What is said of a finished row."""

    @abstractmethod
    def publish(self, request: Request, seeds: int, data: D, rows: Sequence[R]) -> dict[str, Any]:
        """Write results and report of all rows that are there, of so many seeds, `rows` being those asked for now."""

    def prepare(self, data: D) -> None:
        """Make what all trainings read, once, instead of each waiting for the others."""
        del data


def reproduce_paper(
    paper: Paper[R, D],
    out: str | os.PathLike[str],
    *,
    scale: str,
    only: str | None,
    seeds: int | None,
    data_dir: str | os.PathLike[str] | None,
    templates: str | os.PathLike[str] | None = None,
    workers: int | None,
    console: Console | None,
) -> dict[str, Any]:
    """Data, then every row that lacks, on several processes, then results and report.

    Parameters
    ----------
    paper : Paper
    out, scale, only, seeds, data_dir, templates, workers, console
        As of the papers' own ``reproduce``.

    Returns
    -------
    dict
        The content of ``results.json``.

    Raises
    ------
    ConfigurationError
        An unknown scale or part of the table, or numbers that can't be.
    OutputError
        `out` holds the table of another scale or of other data.
    BadInputError
        What is given is missing or does not hold what it should.
    """
    usual = paper.seeds(scale)
    check_workers(workers)
    repeated = usual if seeds is None else seeds
    if repeated < 1:
        raise ConfigurationError(f"the number of seeds must be 1 or more, not {repeated}; give another --seeds")
    if data_dir is not None and templates is not None:
        raise ConfigurationError(
            "templates are for simulated objects, and others are given; leave --templates or --data"
        )
    request = Request(
        Path(out),
        scale,
        only,
        repeated,
        None if data_dir is None else Path(data_dir),
        None if templates is None else Path(templates),
        workers or available_cores(),
        console or Console(quiet=True),
    )
    paper.check(request)
    request.out.mkdir(parents=True, exist_ok=True)
    data = _data(paper, request)
    check_place(request.out, {"paper": paper.name, "scale": scale, **data.record})
    rows = paper.rows(request, data)
    missing = [row for row in rows if not paper.finished(row, data, request)]
    if missing:
        jobs = paper.jobs(missing, data, request)
        _tell_time(request, jobs, len(rows), len(missing))
        paper.prepare(data)
        run_jobs(paper.make, jobs, request.processes, request.console, lambda row: paper.line_of(row, request.out))
    return paper.publish(request, most_seeds(request.out, "rows/*/*/seed-*", repeated), data, rows)


def _data(paper: Paper[R, D], request: Request) -> D:
    with progress_bar(request.console) as bar:
        tasks: dict[str, Any] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        return paper.data(request, tell)


def _tell_time(request: Request, jobs: Sequence[Job[R]], rows: int, missing: int) -> None:
    from asterism.learning.estimate import duration

    seconds = sum(job.seconds for job in jobs)
    # The longest training is one process's work.
    least = max(seconds / request.processes, max(job.seconds for job in jobs))
    request.say(
        f"{rows - missing} of {rows} rows are there; {missing} from {len(jobs)} trainings take about"
        f" {duration(least)} on {request.processes} processes ({duration(seconds)} of one core)."
    )
