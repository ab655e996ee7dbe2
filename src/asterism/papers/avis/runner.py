"""The whole table: catalogs, then every row that lacks, on several processes, then results and report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rich.console import Console

from asterism.catalogs.blocks import available_cores, check_workers
from asterism.errors import ConfigurationError
from asterism.learning.estimate import duration
from asterism.papers.avis.data import FRACTIONS, PaperData, ready, simulated, simulation_seconds
from asterism.papers.avis.methods import method_named, scale_named
from asterism.papers.avis.rows import Fit, Row, all_rows, choose
from asterism.papers.avis.scoring import finished, line_of, make_rows
from asterism.papers.row_jobs import Job, check_place, most_seeds, progress_bar, run_jobs

__all__ = ["expected_seconds", "reproduce"]

_START_SECONDS = 8.0
_MILLISECONDS = {
    "tiny": {"image": 6.0, "spectrum": 7.0, "image,spectrum": 14.0, "masked": 16.0, "embed": 6.0},
    "small": {"image": 17.0, "spectrum": 26.0, "image,spectrum": 45.0, "masked": 50.0, "embed": 17.0},
    "base": {"image": 55.0, "spectrum": 110.0, "image,spectrum": 180.0, "masked": 200.0, "embed": 70.0},
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
    chosen_scale = scale_named(scale)
    check_workers(workers)
    seeds = chosen_scale.seeds if seeds is None else seeds
    if seeds < 1:
        raise ConfigurationError(f"the number of seeds must be 1 or more, not {seeds}; give another --seeds")
    if data_dir is not None and templates is not None:
        raise ConfigurationError(
            "templates are for simulated objects, and catalogs are given; leave --templates or --data"
        )
    console = console or Console(quiet=True)
    place, processes = Path(out), workers or available_cores()
    choose(all_rows(seeds), only)  # before anything long: a slip in --only costs nothing
    place.mkdir(parents=True, exist_ok=True)
    data = _data(place, scale, data_dir, templates, processes, console)
    check_place(place, {"paper": "avis", "scale": scale, **data.record})
    rows = _answerable(choose(all_rows(seeds), only), data, console)
    missing = [row for row in rows if not finished(row, data, scale, place)]
    if missing:
        jobs = _jobs(missing, data, scale, place, processes)
        seconds = sum(job.seconds for job in jobs)
        # The longest training is one process's work.
        least = max(seconds / processes, max(job.seconds for job in jobs))
        console.print(
            f"{len(rows) - len(missing)} of {len(rows)} rows are there; {len(missing)} from {len(jobs)} trainings take about"
            f" {duration(least)} on {processes} processes ({duration(seconds)} of one core).",
            highlight=False,
        )
        for job in jobs:
            fit = job.rows[0].fit
            console.print(
                f"  {fit.method}, seed {fit.seed}: about {duration(job.seconds)}", highlight=False, markup=False
            )
        _build_caches(data)
        run_jobs(make_rows, jobs, processes, console, lambda row: line_of(row, place))
    from asterism.papers.avis.publish import publish

    most = most_seeds(place, "rows/*/*/seed-*", seeds)
    return publish(place, scale, all_rows(most), data, expected=set(rows))


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
        each = cost.get(method.inputs, 0.0) * passes + cost["masked"] * masked
        trained = (FRACTIONS["train"] + 0.4 * FRACTIONS["validation"]) * objects["train"] * each
    embedding = 0.0
    if method.embeds:
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


def _answerable(rows: list[Row], data: PaperData, console: Console) -> list[Row]:
    """Without what the catalogs can't serve: trees on photometry that there is none of."""
    kinds = {group.kind for group in data.open("train").groups.values()}
    kept = [row for row in rows if "photometry" in kinds or method_named(row.method).inputs != "photometry"]
    if len(kept) < len(rows):
        console.print("The catalogs have no photometry: LightGBM is left out.", highlight=False)
    if not kept:
        raise ConfigurationError("--only asks for photometry, and the catalogs have none; ask for other rows")
    return kept


def _jobs(missing: list[Row], data: PaperData, scale: str, place: Path, processes: int) -> list[Job[Row]]:
    grouped: dict[Fit, list[Row]] = {}
    for row in missing:
        grouped.setdefault(row.fit, []).append(row)
    threads = 1 if processes > 1 else None
    objects = {name: len(data.open(name)) for name in data.catalogs}
    return [
        Job((rows, data, scale, place, threads), rows, expected_seconds(fit, scale, rows, place, objects))
        for fit, rows in grouped.items()
    ]


def _build_caches(data: PaperData) -> None:
    """The arrays that all processes stream from, once, instead of each waiting for the others."""
    from asterism.catalogs.cache import open_cache
    from asterism.catalogs.roles import bind_roles

    for name in data.catalogs:
        catalog = data.open(name)
        kinds = {group.kind for group in catalog.groups.values()}
        read = [kind for kind in ("photometry", "image", "spectrum") if kind in kinds]
        open_cache(catalog, bind_roles(catalog.schema, ",".join(read)))


def _data(
    place: Path,
    scale: str,
    data_dir: str | os.PathLike[str] | None,
    templates: str | os.PathLike[str] | None,
    workers: int,
    console: Console,
) -> PaperData:
    if data_dir is not None:
        return ready(Path(data_dir))
    with progress_bar(console) as bar:
        tasks: dict[str, Any] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        seconds = simulation_seconds(place, scale, workers)
        if seconds:
            console.print(f"Simulating the catalogs that lack: about {duration(seconds)}.", highlight=False)
        return simulated(
            place, scale, templates=None if templates is None else Path(templates), workers=workers, progress=tell
        )
