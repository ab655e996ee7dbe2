"""How good a run's answers are: figures, tables and a report, on objects that it has not seen."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import asterism
from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.leaks import SourceSet, check_no_leak, find_leaks
from asterism.catalogs.outputs import Output
from asterism.catalogs.selection import select_rows
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError
from asterism.inference.predictor import Answers, Predictor
from asterism.inference.report import classification_report, render
from asterism.learning.baseline_set import BaselineSet, check_inputs
from asterism.learning.intervals import paired_difference
from asterism.learning.metrics import bin_edges, classification_metrics, log_loss_values, metrics_by_magnitude
from asterism.models.inputs import ModelInputs

__all__ = ["Baseline", "Evaluation", "evaluate"]


@dataclass(frozen=True)
class Baseline:
    """A baseline's answers to the same objects, shape (n, classes)."""

    probabilities: NDArray[np.float64]


@dataclass
class Evaluation:
    """What was scored and how it came out; the report is made from it.

    Attributes
    ----------
    name : str
        The model's name.
    classes : tuple of str
    what : str
        Which objects, in words.
    object_id, source_id : list of str
    labels : ndarray, shape (n,)
        True class indices.
    answers : Answers
    baselines : dict of str to Baseline
    band, bin_name : str
        Reference band (``r``) and the name of its bins (``r_mag``).
    domain_threshold : float or None
    metrics : dict
        The content of ``metrics.json``.
    made : list of (str, str)
        How the report was made.
    notes : list of str
        What a reader must know before the figures.
    """

    name: str
    classes: tuple[str, ...]
    what: str
    object_id: list[str]
    source_id: list[str]
    labels: NDArray[np.int64]
    answers: Answers
    baselines: dict[str, Baseline]
    band: str
    bin_name: str
    domain_threshold: float | None
    metrics: dict[str, Any] = field(default_factory=dict)
    made: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def evaluate(
    run: str | os.PathLike[str],
    catalog: Catalog | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    split: str | None = None,
    where: str | None = None,
    baselines: bool = False,
    transductive: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Score a run on labelled objects and write ``metrics.json``, tables and ``report.html``.

    Parameters
    ----------
    run : path
        Run or model directory.
    catalog : Catalog or path
        With a column ``class``; objects without a clean label, or of a class that the model does not know, are left out
        and counted.
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
        If the catalog has no classes, no object is left, or the model can't read it.
    OutputError
        If `out` holds something else.
    """
    predictor = Predictor.from_pretrained(run)
    catalog = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
    bindings = predictor.bindings(catalog)
    rows, notes = _rows(predictor, catalog, split, where)
    leak_note = _check_leaks(Path(run), catalog, rows, split, transductive)
    inputs = {
        "command": "evaluate",
        "model": predictor.fingerprint,
        "catalog": catalog.fingerprint,
        # A split can be made anew under its name: what counts is which objects it gives.
        "objects": content_hash(catalog.read(["object_id"]).take(pa.array(rows))),
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
        stream = Stream(catalog, bindings, batch_size=predictor.batch_size, rows=rows, classes=predictor.classes)
        parts, labels, others = [], [], []
        for batch in stream:
            parts.append(predictor.answer(batch))
            labels.append(batch["label"]["class"].numpy())
            if fitted is not None:
                others.append(fitted.probabilities(batch))
        ids = catalog.read(["object_id", "source_id"]).take(pa.array(rows))
        evaluation = Evaluation(
            name=predictor.model.config.name,
            classes=predictor.classes,
            what=f"test part of split {split!r}" if split else "every row",
            object_id=ids["object_id"].to_pylist(),
            source_id=ids["source_id"].to_pylist(),
            labels=np.concatenate(labels),
            answers=Answers.concatenate(parts),
            baselines={k: Baseline(np.concatenate([o[k] for o in others])) for k in (others[0] if others else ())},
            band=predictor.band,
            bin_name=f"{predictor.band}_mag",
            domain_threshold=float(predictor.model.domain.threshold) if int(predictor.model.domain.count) else None,
            notes=notes + leak_note,
        )
        if where:
            evaluation.what += f" where {where}"
        evaluation.metrics = _metrics(evaluation, split, where, transductive)
        evaluation.made = _made(run, predictor, catalog, split, where)
        _write(output.directory, evaluation)
        return evaluation.metrics


def _rows(
    predictor: Predictor, catalog: Catalog, split: str | None, where: str | None
) -> tuple[NDArray[np.int64], list[str]]:
    """Row numbers to score, and a sentence for each kind of row left out."""
    if "class" not in catalog.schema.names:
        raise BadInputError(f"{catalog.path} has no column 'class'; scoring needs labelled objects")
    rows = select_rows(catalog, split=split, part="test" if split else None, where=where)
    columns = ["class"] + (["label_warning"] if "label_warning" in catalog.schema.names else [])
    table = catalog.read(columns).take(pa.array(rows))
    labelled = np.asarray(pc.is_valid(table["class"]).combine_chunks())
    known = np.asarray(pc.is_in(table["class"], value_set=pa.array(predictor.classes)).combine_chunks())
    clean = np.ones(len(rows), bool)
    if "label_warning" in columns:
        clean = np.asarray(pc.equal(pc.fill_null(table["label_warning"], 0), 0).combine_chunks())
    notes = []
    for lost, why in (
        (~labelled, "without a class"),
        (labelled & ~clean, "with a warning on their label"),
        (
            labelled & clean & ~known,
            f"of a class that the model does not know (it knows {', '.join(predictor.classes)})",
        ),
    ):
        if lost.any():
            notes.append(f"{int(lost.sum()):,} objects {why} were left out.")
    kept = rows[labelled & known & clean]
    if not len(kept):
        raise BadInputError(
            f"{catalog.path}: no object to score has a clean class among {', '.join(predictor.classes)}"
        )
    return kept, notes


def _check_leaks(
    run: Path, catalog: Catalog, rows: NDArray[np.int64], split: str | None, transductive: bool
) -> list[str]:
    """Refuse to score what the run has seen; a sentence where the check can't be made or found what is allowed."""
    record = run / "seen.parquet"
    if not record.is_file():
        return ["The model directory has no record of what the model has seen, so leaks could not be looked for."]
    seen = SourceSet.load(record)
    scored = SourceSet.from_catalog(catalog, rows=rows)
    what = f"the test part of split {split!r} of {catalog.path}" if split else f"every row of {catalog.path}"
    if not transductive:
        check_no_leak(seen, scored, what)
        return []
    unlabelled = np.asarray(pc.equal(seen.table["role"], "unlabelled").combine_chunks())
    check_no_leak(SourceSet(seen.table.filter(pa.array(~unlabelled))), scored, what)
    count = int(find_leaks(SourceSet(seen.table.filter(pa.array(unlabelled))), scored).seen.sum())
    return [f"Transductive: the model adapted to {count:,} of these objects, without their labels."]


def _baselines(run: Path, predictor: Predictor) -> BaselineSet:
    """The run's baselines; fitted on its catalog and split now where it was trained without."""
    check_inputs(predictor.model.config.inputs)
    if (run / "baselines").is_dir():
        return BaselineSet.load(run / "baselines")
    return _fit_baselines(run, predictor.model.config.inputs, predictor.classes)


def _fit_baselines(run: Path, inputs: ModelInputs, classes: Sequence[str]) -> BaselineSet:
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
    chosen = choose_objects(catalog, inputs.check(catalog.schema, path), split=split, where=where)
    parts = ("train", "calibration")
    return BaselineSet.fit(inputs, chosen.stream(parts, 2048), classes, parts=parts, seed=seed)


def _metrics(evaluation: Evaluation, split: str | None, where: str | None, transductive: bool) -> dict[str, Any]:
    answers, y, classes, sources = evaluation.answers, evaluation.labels, evaluation.classes, evaluation.source_id
    probabilities = answers.of_classes
    abstained = None if answers.in_domain is None else ~answers.in_domain
    edges = bin_edges(answers.magnitudes)
    result: dict[str, Any] = {
        "model": evaluation.name,
        "split": split,
        "part": "test" if split else "all",
        "where": where,
        "transductive": transductive,
        **classification_metrics(probabilities, y, classes, sources=sources, sets=answers.sets, abstained=abstained),
    }
    if abstained is not None:
        result["in_domain"] = float(1 - abstained.mean())
    bins = metrics_by_magnitude(
        probabilities,
        y,
        classes,
        answers.magnitudes,
        sources=sources,
        sets=answers.sets,
        abstained=abstained,
        edges=edges,
    )
    result["bins"] = {evaluation.bin_name: bins} if bins else {}
    right = (probabilities.argmax(axis=1) == y).astype(float)
    losses = log_loss_values(probabilities, y)
    theirs: dict[str, Any] = {}
    for name, baseline in evaluation.baselines.items():
        p = baseline.probabilities
        accuracy = paired_difference(right, (p.argmax(axis=1) == y).astype(float), sources)
        log_loss = paired_difference(losses, log_loss_values(p, y), sources)
        by_magnitude = metrics_by_magnitude(p, y, classes, answers.magnitudes, sources=sources, edges=edges)
        theirs[name] = {
            **classification_metrics(p, y, classes, sources=sources),
            "difference": {
                key: {"ours_minus_theirs": d.mean, "interval": [d.low, d.high]}
                for key, d in (("accuracy", accuracy), ("log_loss", log_loss))
            },
            "bins": {evaluation.bin_name: by_magnitude} if by_magnitude else {},
        }
    result["baselines"] = theirs
    return result


def _made(
    run: str | os.PathLike[str], predictor: Predictor, catalog: Catalog, split: str | None, where: str | None
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


def _write(directory: Path, evaluation: Evaluation) -> None:
    """metrics.json, report.html, tables/ and the scored objects."""
    (directory / "metrics.json").write_text(
        json.dumps(evaluation.metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    (directory / "report.html").write_text(render(classification_report(evaluation)), encoding="utf-8")
    tables = directory / "tables"
    tables.mkdir(exist_ok=True)
    methods = {evaluation.name: evaluation.metrics} | evaluation.metrics["baselines"]
    flat = [{"method": name, **_flat(m)} for name, m in methods.items()]
    _csv(tables / "methods.csv", flat)
    bins = [{"method": name, **_flat(b)} for name, m in methods.items() for b in m["bins"].get(evaluation.bin_name, [])]
    if bins:
        _csv(tables / "by_magnitude.csv", bins)
    confusion = evaluation.metrics["confusion"]
    _csv(
        tables / "confusion.csv",
        [
            {"true class": name, **dict(zip(confusion["classes"], counts, strict=True))}
            for name, counts in zip(confusion["classes"], confusion["counts"], strict=True)
        ],
    )
    p = evaluation.answers.of_classes
    scored = {
        "object_id": evaluation.object_id,
        "class": [evaluation.classes[i] for i in evaluation.labels],
        "class_predicted": [evaluation.classes[i] for i in p.argmax(axis=1)],
        **{f"p_{name.lower()}": p[:, i] for i, name in enumerate(evaluation.classes)},
        evaluation.bin_name: evaluation.answers.magnitudes,
    }
    for name, baseline in evaluation.baselines.items():
        for i, c in enumerate(evaluation.classes):
            scored[f"{name}_p_{c.lower()}"] = baseline.probabilities[:, i]
    pq.write_table(pa.table(scored), directory / "scored.parquet")


def _flat(metrics: dict[str, Any]) -> dict[str, Any]:
    """Scalar figures, per-class ones as ``recall_STAR``, intervals as ``…_low`` and ``…_high``."""
    row: dict[str, Any] = {}
    for key, value in metrics.items():
        if key in ("recall", "precision", "f1"):
            row |= {f"{key}_{name}": v for name, v in value.items()}
        elif key.endswith("_interval"):
            stem = key.removesuffix("_interval")
            row |= {f"{stem}_low": value[0], f"{stem}_high": value[1]}
        elif isinstance(value, int | float) and not isinstance(value, bool):
            row[key] = value
    return row


def _csv(path: Path, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
