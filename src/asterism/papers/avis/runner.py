"""AVIS's table: what is needed for which rows, and how long it takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from asterism.errors import ConfigurationError
from asterism.learning.estimate import duration
from asterism.papers.avis.data import FRACTIONS, PaperData, ready, simulated, simulation_seconds
from asterism.papers.avis.methods import method_named, scale_named
from asterism.papers.avis.rows import Fit, Row, all_rows
from asterism.papers.avis.scoring import finished, line_of, make_rows
from asterism.papers.reproduction import Paper, Progress, Request, reproduce_paper
from asterism.papers.row_choice import choose
from asterism.papers.row_jobs import Job, grouped

__all__ = ["expected_seconds", "reproduce"]

_START_SECONDS = 8.0
_MILLISECONDS = {
    "tiny": {"image": 5.5, "spectrum": 4.5, "masked image": 8.5, "masked spectrum": 5.5, "embed": 5.0},
    "small": {"image": 17.0, "spectrum": 26.0, "masked image": 26.0, "masked spectrum": 30.0, "embed": 17.0},
    "base": {"image": 55.0, "spectrum": 110.0, "masked image": 85.0, "masked spectrum": 130.0, "embed": 70.0},
}
"""Of one core: an object's pass in training, reading and augmenting included, and in embedding; ``base`` scaled from ``small``."""
_PART_MILLISECONDS = {
    "redshift": (1.0, 5.0),
    "labels": (3.0, 8.0),
    "retrieval": (0.0, 8.0),
    "clusters": (0.0, 10.0),
    "anomalies": (0.0, 2.0),
    "spectrum": (3.0, 15.0),
    "maps": (0.0, 16.0),
}
"""What the making of a row takes of one core, per training object and per test object."""


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
    """Align images and spectra without labels, and ask the embeddings what they know.

    Parameters
    ----------
    out : path
        Directory of everything: ``catalogs``, ``models``, ``embeddings``, ``clusters``, ``maps``, ``rows``, ``results.json``,
        ``avis.json``, ``report.html``, ``table.tex``, ``figures``. Rows that are there are kept; so an interrupted run goes on.
    scale : str
        One of `SCALES`.
    only : str, optional
        Rows to run, see `row_choice.choose`; all by default.
    seeds : int, optional
        Of the method that is kept; the scale's by default.
    data_dir : path, optional
        Catalogs ``train`` and ``test``, see `data.ready`; simulated ones by default.
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
        The catalogs given are missing or do not hold what they should.
    """
    return reproduce_paper(
        _Avis(),
        out,
        scale=scale,
        only=only,
        seeds=seeds,
        data_dir=data_dir,
        templates=templates,
        workers=workers,
        console=console,
    )


def expected_seconds(fit: Fit, scale: str, rows: list[Row], out: Path, objects: dict[str, int] | None = None) -> float:
    """Roughly how long a training and the making of its rows take on one core, s; what is there already costs nothing.

    Parameters
    ----------
    fit : Fit
    scale : str
    rows : list of Row
        Made from it.
    out : Path
    objects : dict of str to int, optional
        Of ``train`` and ``test``; the scale's by default.
    """
    method, of = method_named(fit.method), scale_named(scale)
    objects = objects or dict(of.objects)
    cost = _MILLISECONDS[of.size]
    masked, passes = method.passes(scale)
    trained = 0.0
    if not (fit.folder(out) / "training.json").is_file():
        if method.start:
            trained = 1000 * expected_seconds(replace(fit, method=method.start), scale, [], out, objects)
        roles = [role for role in method.inputs.split(",") if role in ("image", "spectrum")]
        learning = roles[:1] if method.start else roles  # what is locked is embedded once
        each = passes * sum(cost[role] for role in learning) + masked * sum(cost[f"masked {role}"] for role in roles)
        trained += (FRACTIONS["train"] + 0.4 * FRACTIONS["validation"]) * objects["train"] * each
    embedding = 0.0
    if method.embeds and rows:
        embedding = cost["embed"] * sum(
            count
            for name, count in objects.items()
            if not (fit.catalog(out, f"embeddings/{name}") / "asterism.json").is_file()
        )
    asked = sum(
        _PART_MILLISECONDS[row.part][0] * objects["train"] + _PART_MILLISECONDS[row.part][1] * objects["test"]
        for row in rows
    )
    return _START_SECONDS + (trained + embedding + asked) / 1000


class _Avis(Paper[Row, PaperData]):
    name = "avis"
    make = staticmethod(make_rows)
    line_of = staticmethod(line_of)

    def seeds(self, scale: str) -> int:
        return scale_named(scale).seeds

    def check(self, request: Request) -> None:
        choose(all_rows(request.seeds), request.only)

    def data(self, request: Request, progress: Progress) -> PaperData:
        if request.data_dir is not None:
            return ready(request.data_dir)
        place, scale, workers = request.out, request.scale, request.processes
        seconds = simulation_seconds(place, scale, workers)
        if seconds:
            request.say(f"Simulating the catalogs that lack: about {duration(seconds)}.")
        return simulated(place, scale, templates=request.templates, workers=workers, progress=progress)

    def rows(self, request: Request, data: PaperData) -> list[Row]:
        asked = choose(all_rows(request.seeds), request.only)
        # Trees on photometry can't be asked where there is none.
        kinds = {group.kind for group in data.open("train").groups.values()}
        kept = [row for row in asked if "photometry" in kinds or method_named(row.method).inputs != "photometry"]
        if len(kept) < len(asked):
            request.say("The catalogs have no photometry: LightGBM is left out.")
        if not kept:
            raise ConfigurationError("--only asks for photometry, and the catalogs have none; ask for other rows")
        return kept

    def finished(self, row: Row, data: PaperData, request: Request) -> bool:
        return finished(row, data, request.scale, request.out)

    def jobs(self, missing: Sequence[Row], data: PaperData, request: Request) -> list[Job[Row]]:
        objects = {name: len(data.open(name)) for name in data.catalogs}
        found = []
        for fit, rows in grouped(missing).items():
            seconds = expected_seconds(fit, request.scale, rows, request.out, objects)
            request.say(f"{fit.method}, seed {fit.seed}: about {duration(seconds)}")
            found.append(Job((rows, data, request.scale, request.out, request.threads), rows, seconds))
        return found

    def prepare(self, data: PaperData) -> None:
        from asterism.catalogs.cache import open_cache
        from asterism.catalogs.roles import bind_roles

        for name in data.catalogs:
            catalog = data.open(name)
            kinds = {group.kind for group in catalog.groups.values()}
            read = [kind for kind in ("photometry", "image", "spectrum") if kind in kinds]
            open_cache(catalog, bind_roles(catalog.schema, ",".join(read)))

    def publish(self, request: Request, seeds: int, data: PaperData, rows: Sequence[Row]) -> dict[str, Any]:
        from asterism.papers.avis.publish import publish

        return publish(request.out, request.scale, all_rows(seeds), data, expected=set(rows))
