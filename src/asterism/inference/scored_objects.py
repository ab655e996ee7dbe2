"""Which objects a run is scored on: rows with a clean label, never of a source that the run has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.leaks import SourceSet, check_no_leak, find_leaks
from asterism.catalogs.lists import number_values
from asterism.catalogs.selection import select_rows
from asterism.errors import BadInputError
from asterism.learning.training_set import STAR
from asterism.models.redshift import LOWEST_REDSHIFT

__all__ = ["ScoredObjects", "check_leaks", "scored_objects"]

_COLUMNS = {"classification": "class", "redshift": "redshift"}


@dataclass(frozen=True)
class ScoredObjects:
    """The objects to score and what is known of them.

    Attributes
    ----------
    rows : ndarray, shape (n,)
        Row numbers in the catalog.
    object_id, source_id : list of str
    names : list of str or None
        Class of each object, None where it has none.
    labels : ndarray of int64, shape (n,)
        Index of the class among the model's; -1 where it is not scored by class.
    redshifts : ndarray, shape (n,), float64
        True redshift, at least 0; NaN where it is not scored by redshift.
    notes : list of str
        What was left out, a sentence for each reason.
    """

    rows: NDArray[np.int64]
    object_id: list[str]
    source_id: list[str]
    names: list[str | None]
    labels: NDArray[np.int64]
    redshifts: NDArray[np.float64]
    notes: list[str]


def scored_objects(
    catalog: Catalog,
    tasks: Sequence[str],
    classes: Sequence[str],
    *,
    split: str | None = None,
    where: str | None = None,
) -> ScoredObjects:
    """Choose the objects that a model can be scored on.

    Parameters
    ----------
    catalog : Catalog
    tasks : sequence of str
        What the model answers.
    classes : sequence of str
        Those that it knows.
    split : str, optional
        Take the test part of this split; every row without it.
    where : str, optional
        A condition on the objects.

    Returns
    -------
    ScoredObjects
        Objects with a clean label for one of the tasks at least. Stars are not scored by redshift: theirs is a velocity.

    Raises
    ------
    BadInputError
        The catalog has no labels for the tasks, or no object is left.
    """
    there = [task for task in tasks if _COLUMNS[task] in catalog.schema.names]
    lacking = [_COLUMNS[task] for task in tasks if task not in there]
    if not there:
        raise BadInputError(
            f"{catalog.path} has no column {' or '.join(map(repr, lacking))}; scoring needs labelled objects"
        )
    rows = select_rows(catalog, split=split, part="test" if split else None, where=where)
    wanted = ("object_id", "source_id", "class", "redshift", "label_warning")
    table = catalog.read([c for c in wanted if c in catalog.schema.names]).take(pa.array(rows))
    clean = np.ones(len(rows), bool)
    if "label_warning" in table.column_names:
        clean = np.asarray(pc.equal(pc.fill_null(table["label_warning"], 0), 0).combine_chunks())
    names = table["class"].to_pylist() if "class" in table.column_names else [None] * len(rows)
    notes = [f"The catalog has no column {name!r}, so that answer is not scored." for name in lacking]
    labels, redshifts = np.full(len(rows), -1, np.int64), np.full(len(rows), np.nan)
    if "classification" in there:
        index = {name: position for position, name in enumerate(classes)}
        known = np.array([index.get(str(name), -1) for name in names], np.int64)
        labelled = np.array([name is not None for name in names], bool)
        labels = np.where(clean, known, -1)
        notes += _left_out(
            (~labelled, "without a class"),
            (labelled & ~clean, "with a warning on their label"),
            (
                labelled & clean & (known < 0),
                f"of a class that the model does not know (it knows {', '.join(classes)})",
            ),
        )
    if "redshift" in there:
        z = number_values(table["redshift"], np.float64)
        finite = np.isfinite(z) & (z >= LOWEST_REDSHIFT)
        star = np.array([name == STAR for name in names], bool)
        scored = clean & finite & ~star
        redshifts = np.where(scored, np.maximum(z, 0.0), np.nan)
        also = " from the redshift figures" if "classification" in there else ""
        reasons = [
            (~star & ~finite, f"without a redshift of {LOWEST_REDSHIFT} or more"),
            (star, "that are stars, whose redshift is a velocity,"),
        ]
        if not also:
            reasons.append((~star & finite & ~clean, "with a warning on their label"))
        notes += _left_out(*reasons, of=also)
    kept = np.flatnonzero((labels >= 0) | np.isfinite(redshifts))
    if not len(kept):
        wants = {
            "classification": f"a clean class among {', '.join(classes)}",
            "redshift": "a clean redshift and is no star",
        }
        raise BadInputError(f"{catalog.path}: no object to score has {' or '.join(wants[task] for task in there)}")
    return ScoredObjects(
        rows[kept],
        table["object_id"].take(kept).to_pylist(),
        table["source_id"].take(kept).to_pylist(),
        [names[i] for i in kept],
        labels[kept],
        redshifts[kept],
        notes,
    )


def _left_out(*reasons: tuple[NDArray[np.bool_], str], of: str = "") -> list[str]:
    return [f"{int(lost.sum()):,} objects {why} were left out{of}." for lost, why in reasons if lost.any()]


def check_leaks(
    run: Path, catalog: Catalog, rows: NDArray[np.int64], split: str | None, transductive: bool
) -> list[str]:
    """Refuse to score what the run has seen; a sentence where the check can't be made or found what is allowed.

    Raises
    ------
    LeakError
        An object is of a source that the run has seen.
    """
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
