"""MargFormer's table: what is needed for which rows, and how long it takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from asterism.learning.estimate import duration
from asterism.papers.margformer.data import PaperData, simulation_seconds, twins
from asterism.papers.margformer.experiments import TRAINING_SETS
from asterism.papers.margformer.methods import method_named, scale_named
from asterism.papers.margformer.rows import Fit, Row, all_rows
from asterism.papers.margformer.scoring import finished, line_of, make_rows
from asterism.papers.reproduction import Paper, Progress, Request, reproduce_paper
from asterism.papers.row_choice import choose
from asterism.papers.row_jobs import Job, grouped

__all__ = ["expected_seconds", "reproduce"]

_SCORING_SHARE = 0.35  # of a training epoch's cost, per object
_START_SECONDS = 4.0
#: Of the compact objects, how many are at r ≤ 20.
_BRIGHT_SHARE = 0.46
_SHARE_OF_CLASSES = {"sg": 2 / 3, "sgq": 1.0}


def reproduce(
    out: str | os.PathLike[str],
    *,
    scale: str = "small",
    only: str | None = None,
    seeds: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Run the paper's experiments and put the published figures beside ours.

    Parameters
    ----------
    out : path
        Directory of everything: ``catalogs``, ``models``, ``rows``, ``results.json``, ``report.html``, ``table.tex``,
        ``figures``. Rows that are there are kept; so an interrupted run goes on.
    scale : str
        One of `SCALES`.
    only : str, optional
        Rows to run, see `row_choice.choose`; all of them by default.
    seeds : int, optional
        Of the methods that are repeated; the scale's by default.
    data_dir : path, optional
        The public MargNet arrays; the simulator's twins are made by default.
    workers : int, optional
        Processes, of one thread each; as many as there are cores by default.
    console : rich.console.Console, optional
        Is told what happens.

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
        The arrays are missing or do not hold what they should.
    """
    return reproduce_paper(
        _MargFormer(),
        out,
        scale=scale,
        only=only,
        seeds=seeds,
        data_dir=data_dir,
        workers=workers,
        console=console,
    )


def expected_seconds(fit: Fit, scale: str, rows: int) -> float:
    """Roughly how long a training and the scoring of its rows take on one core, s; stopping early can only shorten it.

    Parameters
    ----------
    fit : Fit
    scale : str
    rows : int
        Scored from it.
    """
    method, sizes = method_named(fit.method), scale_named(scale)
    objects = sizes.objects[TRAINING_SETS[fit.training].catalog] * _SHARE_OF_CLASSES[fit.class_set]
    trained = objects * sizes.fractions["train"] * (_BRIGHT_SHARE if fit.training == "bright" else 1.0)
    scored = rows * sizes.objects["faint"] * _SHARE_OF_CLASSES[fit.class_set] * sizes.fractions["test"]
    return _START_SECONDS + (1.1 * method.cost(scale) * trained + _SCORING_SHARE * method.milliseconds * scored) / 1000


class _MargFormer(Paper[Row, PaperData]):
    name = "margformer"
    make = staticmethod(make_rows)
    line_of = staticmethod(line_of)

    def seeds(self, scale: str) -> int:
        return scale_named(scale).seeds

    def check(self, request: Request) -> None:
        choose(self._table(request, request.seeds), request.only)

    def data(self, request: Request, progress: Progress) -> PaperData:
        from asterism.papers.margformer.public_arrays import public_data

        place, scale, workers = request.out, request.scale, request.processes
        if request.data_dir is not None:
            return public_data(request.data_dir, place, progress=progress)
        seconds = simulation_seconds(place, scale, workers)
        if seconds:
            request.say(f"Simulating the catalogs that lack: about {duration(seconds)}.")
        return twins(place, scale, workers=workers, progress=progress)

    def rows(self, request: Request, data: PaperData) -> list[Row]:
        return choose(self._table(request, request.seeds), request.only)

    def finished(self, row: Row, data: PaperData, request: Request) -> bool:
        return finished(row, data, request.scale, request.out)

    def jobs(self, missing: Sequence[Row], data: PaperData, request: Request) -> list[Job[Row]]:
        return [
            Job(
                (of, data, request.scale, request.out, request.threads),
                of,
                expected_seconds(fit, request.scale, len(of)),
            )
            for fit, of in grouped(missing).items()
        ]

    def prepare(self, data: PaperData) -> None:
        from asterism.catalogs.cache import open_cache
        from asterism.catalogs.catalog import open_catalog
        from asterism.catalogs.roles import bind_roles

        for path in (*data.catalogs.values(), *data.given_tests.values()):
            catalog = open_catalog(path)
            open_cache(catalog, bind_roles(catalog.schema))

    def publish(self, request: Request, seeds: int, data: PaperData, rows: Sequence[Row]) -> dict[str, Any]:
        from asterism.papers.margformer.publish import publish

        return publish(request.out, request.scale, self._table(request, seeds), data)

    def _table(self, request: Request, seeds: int) -> list[Row]:
        return all_rows(seeds, without=() if request.data_dir is None else ("magnitude-cut",))
