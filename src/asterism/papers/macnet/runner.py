"""MAC-Net's table: what is needed for which rows, and how long it takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from asterism.errors import ConfigurationError
from asterism.learning.estimate import duration
from asterism.papers.macnet.data import PaperData, own_data, simulated, simulation_seconds
from asterism.papers.macnet.few_labels import LABELLED
from asterism.papers.macnet.methods import method_named
from asterism.papers.macnet.rows import Fit, Row, all_rows
from asterism.papers.macnet.scales import scale_named
from asterism.papers.macnet.scoring import finished, line_of, make_rows
from asterism.papers.reproduction import Paper, Progress, Request, reproduce_paper
from asterism.papers.row_choice import choose
from asterism.papers.row_jobs import Job, grouped

__all__ = ["expected_seconds", "reproduce"]

_START_SECONDS = 6.0
_SCORING_SHARE = 0.4  # of a training epoch's cost, per object
_MAP_SECONDS = 0.25  # of one core, per object: two maps, and the scores of 14 changed strips
_STOPS_AFTER = 0.7  # of the epochs, where stopping early is possible


def reproduce(
    out: str | os.PathLike[str],
    *,
    scale: str = "small",
    only: str | None = None,
    seeds: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    templates: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Run the paper's comparisons and put the published figures beside ours.

    Parameters
    ----------
    out : path
        Directory of everything: ``catalogs``, ``models``, ``rows``, ``results.json``, ``report.html``, ``table.tex``,
        ``figures``. Rows that are there are kept; so an interrupted run goes on.
    scale : str
        One of `SCALES`.
    only : str, optional
        Rows to run, see `row_choice.choose`; the scale's by default.
    seeds : int, optional
        Of the methods that are repeated; the scale's by default.
    data_dir : path, optional
        A user's own raw frames and images, see `data.own_data`; simulated plates by default.
    templates : path, optional
        Directory of template libraries for the simulator, see `data.simulated`.
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
        The user's data are missing or do not hold what they should.
    """
    return reproduce_paper(
        _MACNet(),
        out,
        scale=scale,
        only=only,
        seeds=seeds,
        data_dir=data_dir,
        templates=templates,
        workers=workers,
        console=console,
    )


def expected_seconds(fit: Fit, scale: str, rows: list[Row]) -> float:
    """Roughly how long a training and the making of its rows take on one core, s; stopping early can only shorten it.

    Parameters
    ----------
    fit : Fit
    scale : str
    rows : list of Row
        Made from it.
    """
    method, sizes = method_named(fit.method), scale_named(scale).objects
    parent, labelled = LABELLED.get(fit.training, (fit.training, {}))
    objects = sizes["large" if parent == "large" else "sample"] / (2 if fit.training.startswith("plan") else 1)
    if labelled and not method.teacher:
        objects = min(objects / 2, sum(labelled.values()))
    epochs = (_STOPS_AFTER if method.patience else 1) * method.length(scale, fit.training)
    asked = sum(
        scale_named(scale).crossed if row.part == "crossed" else sizes["test"] for row in rows if row.part != "maps"
    )
    mapped = sum(sizes["test"] for row in rows if row.part == "maps")
    trained = 0.85 * objects * max(epochs, 1)
    return (
        _START_SECONDS
        + method.milliseconds * (trained + _SCORING_SHARE * (asked + mapped)) / 1000
        + _MAP_SECONDS * mapped
    )


class _MACNet(Paper[Row, PaperData]):
    name = "macnet"
    make = staticmethod(make_rows)
    line_of = staticmethod(line_of)

    def seeds(self, scale: str) -> int:
        return scale_named(scale).seeds

    def check(self, request: Request) -> None:
        more = ("large", "tenth") if "large" in scale_named(request.scale).objects else ()
        known = ("sample", "plan1", "plan2", "few", *more)
        asked = choose(all_rows(request.seeds, trainings=known), request.only)
        if request.templates is None and request.only is not None and {row.part for row in asked} == {"crossed"}:
            raise ConfigurationError(
                "--only crossed asks for objects from other template libraries, and none are given; add --templates"
            )

    def data(self, request: Request, progress: Progress) -> PaperData:
        place, scale, workers, templates = request.out, request.scale, request.processes, request.templates
        if request.data_dir is not None:
            return own_data(request.data_dir, place, workers=workers, progress=progress)
        seconds = simulation_seconds(place, scale, workers, crossed=templates is not None)
        if seconds:
            request.say(f"Simulating the catalogs that lack: about {duration(seconds)}.")
        return simulated(place, scale, templates=templates, workers=workers, progress=progress)

    def rows(self, request: Request, data: PaperData) -> list[Row]:
        table = self._table(request.seeds, data)
        if request.only is None:
            return [row for row in table if row.part in scale_named(request.scale).parts]
        return choose(table, request.only)

    def finished(self, row: Row, data: PaperData, request: Request) -> bool:
        return finished(row, data, request.scale, request.out)

    def jobs(self, missing: Sequence[Row], data: PaperData, request: Request) -> list[Job[Row]]:
        together: dict[Any, list[Row]] = {}
        for row in missing:
            # A student waits for its teacher: those of one seed are one process's work.
            key = (row.training, row.seed) if row.training in LABELLED else row.fit
            together.setdefault(key, []).append(row)
        return [
            Job(
                (rows, data, request.scale, request.out, request.threads),
                rows,
                sum(expected_seconds(fit, request.scale, of) for fit, of in grouped(rows).items()),
            )
            for rows in together.values()
        ]

    def publish(self, request: Request, seeds: int, data: PaperData, rows: Sequence[Row]) -> dict[str, Any]:
        from asterism.papers.macnet.publish import publish

        return publish(request.out, request.scale, self._table(seeds, data), data, expected=set(rows))

    def _table(self, seeds: int, data: PaperData) -> list[Row]:
        return all_rows(seeds, trainings=data.trainings, roles=data.roles, parts=data.parts)
