"""How good a run's answers are: figures, tables and a report, on objects that it has not seen."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import asterism
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.outputs import Output
from asterism.catalogs.selection import select_rows
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError, ConfigurationError
from asterism.inference.answers import Answers, RedshiftAnswers
from asterism.inference.classification_results import classification_results
from asterism.inference.embedder import Embedder
from asterism.inference.evaluate_alignment import find_reference, score_embeddings
from asterism.inference.predictor import Predictor
from asterism.inference.redshift_results import redshift_results
from asterism.inference.report import Card, Page, render
from asterism.inference.results import Results, Sample, flat, merge_metrics, write_csv
from asterism.inference.scored_objects import ScoredObjects, check_leaks, scored_objects
from asterism.learning.baseline_set import BaselineSet
from asterism.models.model import Model

__all__ = ["evaluate"]


def evaluate(
    run: str | os.PathLike[str],
    catalog: Catalog | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    split: str | None = None,
    where: str | None = None,
    baselines: bool = False,
    transductive: bool = False,
    pool: int | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Score a run on labelled objects and write ``metrics.json``, tables and ``report.html``.

    A run that was trained to align images and spectra answers nothing itself: its embeddings are scored, by probes that
    learn from the labels of the split's training and validation parts (without a split, from those parts of what the run was
    trained on), and by whether an image finds its spectrum; see `asterism.inference.evaluate_alignment`.

    Parameters
    ----------
    run : path
        Run or model directory.
    catalog : Catalog or path
        With a column ``class`` for a model that knows classes, ``redshift`` for one that knows redshifts; objects without
        a clean label, of a class that the model does not know, and stars in the redshift figures, are left out and
        counted.
    out : path
        Directory to make.
    split : str, optional
        Score the test part of this split; every row without it.
    where : str, optional
        A condition on the objects.
    baselines : bool
        Put the run's baselines beside every figure; fitted on the run's split now where the run has none.
    transductive : bool
        Also score objects that the run adapted to without their labels; the result says so.
    pool : int, optional
        For an aligned run: candidates in every pool of retrieval, see `asterism.inference.embedding_probes.retrieve`.
    overwrite : bool
        Replace results made from other inputs.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    LeakError
        If an object to be scored is of a source that the run has seen.
    BadInputError
        If the catalog has no labels for what the model answers, no object is left, or the model can't read it.
    OutputError
        If `out` holds something else.
    """
    model = Model.from_pretrained(Path(run))
    catalog = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
    if set(model.config.heads.tasks) <= {"alignment"}:
        embedder = Embedder(model, Path(run))
        return _evaluate_embeddings(embedder, catalog, out, split, where, baselines, transductive, pool, overwrite)
    if pool is not None:
        raise ConfigurationError(f"pools are of the retrieval of aligned runs and {run} is none; leave --pool out")
    predictor = Predictor(model, Path(run))
    bindings = predictor.bindings(catalog)
    objects = scored_objects(catalog, predictor.tasks, predictor.classes, split=split, where=where)
    notes = objects.notes + check_leaks(Path(run), catalog, objects.rows, split, transductive)
    inputs = {
        "command": "evaluate",
        "model": predictor.fingerprint,
        "catalog": catalog.fingerprint,
        # A split can be made anew under its name: what counts is which objects it gives.
        "objects": content_hash(catalog.read(["object_id"]).take(pa.array(objects.rows))),
        "split": split,
        "where": where,
        "baselines": baselines,
        "transductive": transductive,
    }
    with Output(out, inputs, overwrite) as output:
        if output.complete:
            return json.loads((output.path / "metrics.json").read_text("utf-8"))
        fitted = _baselines(Path(run), predictor) if baselines else None
        # One pass: the stream's cache is the one that training built, where it is the same catalog.
        stream = Stream(
            catalog, bindings, batch_size=predictor.batch_size, rows=objects.rows, classes=predictor.classes or None
        )
        parts, classes_of_others, redshifts_of_others = [], [], []
        for batch in stream:
            parts.append(predictor.answer(batch, given_redshift=True))
            if fitted is not None:
                classes_of_others.append(fitted.probabilities(batch))
                redshifts_of_others.append(fitted.redshifts(batch))
        answers = Answers.concatenate(parts)
        if lost := int(answers.lost.sum()):
            notes.append(f"{lost:,} objects of which the model's numbers are not finite were left out.")
        if len(predictor.tasks) > 1:
            notes.append(
                "Redshifts are scored by p(z) given that the object is no star: stars are not among those scored."
            )
        results = _results(predictor, objects, answers, _joined(classes_of_others), _joined(redshifts_of_others))
        metrics: dict[str, Any] = {
            "model": predictor.model.config.name,
            "split": split,
            "part": "test" if split else "all",
            "where": where,
            "transductive": transductive,
            **merge_metrics([found.metrics for found in results]),
            "baselines": merge_metrics([found.baselines for found in results]),
        }
        what = (f"test part of split {split!r}" if split else "every row") + (f" where {where}" if where else "")
        page = Page(
            title=f"{metrics['model']}: {' and '.join(predictor.tasks)}",
            subtitle=f"{what} · {len(objects.rows) - lost:,} objects",
            cards=[
                Card("objects scored", f"{len(objects.rows) - lost:,}", what),
                *(card for found in results for card in found.cards),
            ],
            sections=[section for found in results for section in found.sections],
            made=_made(run, predictor, catalog, split, where),
            notes=notes,
        )
        _write(output.directory, metrics, page, _scored_table(predictor, objects, answers, results))
        _write_tables(output.directory / "tables", metrics, f"{predictor.band}_mag", results)
        return metrics


def _evaluate_embeddings(
    embedder: Embedder,
    catalog: Catalog,
    out: str | os.PathLike[str],
    split: str | None,
    where: str | None,
    baselines: bool,
    transductive: bool,
    pool: int | None,
    overwrite: bool,
) -> dict[str, Any]:
    """`evaluate` of a model that embeds and answers nothing."""
    run = embedder.directory or Path()
    embedder.reader(catalog.schema, str(catalog.path))
    rows = select_rows(catalog, split=split, part="test" if split else None, where=where)
    reference, notes = find_reference(run, catalog, split, SourceSet.from_catalog(catalog, rows=rows))
    notes += check_leaks(run, catalog, rows, split, transductive)
    inputs = {
        "command": "evaluate",
        "model": embedder.fingerprint,
        "catalog": catalog.fingerprint,
        "objects": content_hash(catalog.read(["object_id"]).take(pa.array(rows))),
        "reference": None if reference is None else reference.content,
        "split": split,
        "where": where,
        "baselines": baselines,
        "transductive": transductive,
        "pool": pool,
    }
    with Output(out, inputs, overwrite) as output:
        if output.complete:
            return json.loads((output.path / "metrics.json").read_text("utf-8"))
        results, told = score_embeddings(embedder, catalog, rows, reference, pool=pool, baselines=baselines)
        metrics: dict[str, Any] = {
            "model": embedder.model.config.name,
            "split": split,
            "part": "test" if split else "all",
            "where": where,
            "transductive": transductive,
            "reference": None if reference is None else reference.where,
            **results.metrics,
            "baselines": results.baselines,
        }
        what = (f"test part of split {split!r}" if split else "every row") + (f" where {where}" if where else "")
        labels = "none" if reference is None else f"{reference.where}, {reference.size:,} objects"
        page = Page(
            title=f"{metrics['model']}: what its embeddings know",
            subtitle=f"{what} · {len(rows):,} objects",
            cards=[Card("objects scored", f"{len(rows):,}", what), *results.cards],
            sections=results.sections,
            made=[*_made(run, embedder, catalog, split, where), ("labels", labels)],
            notes=[*notes, *told],
        )
        scored = pa.table(
            {"object_id": catalog.read(["object_id"]).take(pa.array(rows))["object_id"], **results.columns}
        )
        _write(output.directory, metrics, page, scored)
        bands = [name for name in metrics["bins"] if name.endswith("_mag")]
        _write_tables(output.directory / "tables", metrics, bands[0] if bands else "", [results])
        return metrics


def _joined(parts: Sequence[Mapping[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    """Answers of each baseline, batch after batch."""
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def _chosen(task: str, objects: ScoredObjects, answers: Answers) -> NDArray[np.bool_]:
    """The objects that a task is scored on (n,): labelled for it, and with an answer."""
    labelled = objects.labels >= 0 if task == "classification" else np.isfinite(objects.redshifts)
    return labelled & ~answers.lost


def _results(
    predictor: Predictor,
    objects: ScoredObjects,
    answers: Answers,
    classes_of_others: Mapping[str, NDArray[np.float64]],
    redshifts_of_others: Mapping[str, NDArray[np.float64]],
) -> list[Results]:
    """Each task's results, on the objects that have a label for it."""
    sample = Sample(
        predictor.model.config.name, objects.object_id, objects.source_id, answers.magnitudes, predictor.band
    )
    results = []
    if answers.probabilities is not None and (chosen := _chosen("classification", objects, answers)).any():
        threshold = float(predictor.model.domain.threshold) if int(predictor.model.domain.count) else None
        others = {name: p[chosen] for name, p in classes_of_others.items()}
        results.append(
            classification_results(
                sample.take(chosen), answers.take(chosen), objects.labels[chosen], predictor.classes, others, threshold
            )
        )
    if answers.redshift is not None and (chosen := _chosen("redshift", objects, answers)).any():
        densities = RedshiftAnswers(answers.redshift.grid, answers.redshift.pdf[chosen])
        names = [objects.names[i] for i in np.flatnonzero(chosen)]
        others = {name: z[chosen] for name, z in redshifts_of_others.items()}
        results.append(redshift_results(sample.take(chosen), densities, objects.redshifts[chosen], names, others))
    if not results:
        raise BadInputError("the model has no finite answer for any labelled object; check their fluxes")
    return results


def _baselines(run: Path, predictor: Predictor) -> BaselineSet:
    """The run's baselines; fitted on its catalog and split now where it was trained without."""
    if (run / "baselines").is_dir():
        return BaselineSet.load(run / "baselines")
    return _fit_baselines(run, predictor)


def _fit_baselines(run: Path, predictor: Predictor) -> BaselineSet:
    from asterism.learning.training_set import choose_objects

    try:
        record = json.loads((run / "train.json").read_text("utf-8"))
        path, made_on = record["catalog"]["path"], record["catalog"]["fingerprint"]
        split, where, seed = record["split"]["name"], record["where"], record["seed"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInputError(
            f"{run} has neither baselines nor a record of how it was trained; train again with --baselines"
        ) from error
    catalog = open_catalog(path)
    if catalog.fingerprint != made_on:
        raise BadInputError(f"{path} has changed since {run} was trained on it; train again with --baselines")
    inputs, tasks = predictor.model.config.inputs, predictor.tasks
    chosen = choose_objects(catalog, inputs.check(catalog.schema, path), split=split, where=where, tasks=tasks)
    parts = ("train", "calibration")
    stream = chosen.stream(parts, inputs.at_once(2048))
    return BaselineSet.fit(inputs, stream, predictor.classes, parts=parts, seed=seed, tasks=tasks)


def _made(
    run: str | os.PathLike[str], predictor: Predictor | Embedder, catalog: Catalog, split: str | None, where: str | None
) -> list[tuple[str, str]]:
    command = f"asterism evaluate {Path(run).name} --catalog {catalog.path.name}"
    command += (f" --split {split}" if split else "") + (f' --where "{where}"' if where else "")
    return [
        ("command", command),
        ("model", f"{predictor.model.config.name}, fingerprint {predictor.fingerprint}"),
        ("catalog", f"{catalog.path.name}, {len(catalog):,} rows, fingerprint {catalog.fingerprint}"),
        ("Asterism", asterism.__version__),
        ("date", date.today().isoformat()),
    ]


def _scored_table(
    predictor: Predictor, objects: ScoredObjects, answers: Answers, results: Sequence[Results]
) -> pa.Table:
    """The scored objects with their labels and every method's answer; null where a task does not score an object."""
    columns: dict[str, Any] = {"object_id": objects.object_id}
    if any(objects.names):
        columns["class"] = objects.names
    of_task = [_chosen(task, objects, answers) for task in predictor.tasks]
    of_task = [chosen for chosen in of_task if chosen.any()]
    for found, chosen in zip(results, of_task, strict=True):
        # `take` by a null index gives null.
        place = pa.array(np.cumsum(chosen) - 1, mask=~chosen)
        columns |= {name: pa.array(values).take(place) for name, values in found.columns.items()}
    if predictor.band:
        columns[f"{predictor.band}_mag"] = answers.magnitudes
    return pa.table(columns)


def _write(directory: Path, metrics: dict[str, Any], page: Page, scored: pa.Table) -> None:
    """metrics.json, report.html and the scored objects."""
    text = json.dumps(metrics, indent=1, allow_nan=False) + "\n"
    (directory / "metrics.json").write_text(text, encoding="utf-8")
    (directory / "report.html").write_text(render(page), encoding="utf-8")
    pq.write_table(scored, directory / "scored.parquet")


def _write_tables(directory: Path, metrics: dict[str, Any], bin_name: str, results: Sequence[Results]) -> None:
    directory.mkdir(exist_ok=True)
    methods = {metrics["model"]: metrics} | metrics["baselines"]
    write_csv(directory / "methods.csv", [{"method": name, **flat(m)} for name, m in methods.items()])
    bins = [{"method": name, **flat(b)} for name, m in methods.items() for b in m["bins"].get(bin_name, [])]
    if bins:
        write_csv(directory / "by_magnitude.csv", bins)
    for found in results:
        for name, rows in found.tables.items():
            write_csv(directory / f"{name}.csv", rows)
