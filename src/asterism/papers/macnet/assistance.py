"""Spectra assist images: redshifts from images, and a student with a teacher against the same student without, and trees.

Every figure is a mean over seeds; intervals are a bootstrap over sources of that mean, and differences are paired on the same
objects. Redshifts are scored for galaxies and quasars, on p(z) as it is for an object that is one of them: a student that
takes one for a star is wrong in its class, not in its redshift as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.stream import Stream
from asterism.learning.intervals import resampled_statistic
from asterism.learning.redshift_metrics import RedshiftScores, relative_error, sigma_nmad
from asterism.papers.macnet.methods import method_named
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.rows import Fit, Row
from asterism.papers.macnet.trees import tree_redshifts
from asterism.papers.row_records import read_record, read_scored
from asterism.papers.seed_scores import SeedScores, difference, mean_and_std

if TYPE_CHECKING:
    from asterism.papers.macnet.fitting import TestSet

__all__ = ["REDSHIFT_FIGURES", "ask_redshifts", "assistance", "redshift_difference", "redshift_figures"]

REDSHIFT_FIGURES = ("sigma_nmad", "outlier_rate_0.15", "cde_loss")
"""Figures of redshifts, as `learning.redshift_metrics` defines them: the lower the better."""

_OURS, _THEIRS = "images-taught", ("images-alone", "images-lightgbm")
_LIMIT, _DRAWS = 0.15, 1000
_LOSS = "cde_loss"
Floats = NDArray[np.float64]
_COLUMNS = ("object_id", "source_id", "class", "redshift")


def ask_redshifts(fit: Fit, test: TestSet, out: Path) -> pa.Table:
    """Redshifts of the galaxies and quasars of a test set.

    Parameters
    ----------
    fit : Fit
        Of a method that tells classes and redshifts.
    test : TestSet
    out : Path
        The directory of the whole table.

    Returns
    -------
    pyarrow.Table
        object_id, source_id, class, redshift, ``z_phot`` (median of p(z)) and ``cde_loss``; of trees, which have no p(z), no ``cde_loss``.
    """
    known = test.catalog.read(list(_COLUMNS)).take(pa.array(test.rows))
    z = np.array([np.nan if v is None else v for v in known["redshift"].to_pylist()], dtype=float)
    kept = np.isfinite(z) & (np.array(known["class"].to_pylist(), dtype=object) != "STAR")
    rows, method = test.rows[kept], method_named(fit.method)
    if method.kind == "lightgbm":
        answers = {"z_phot": tree_redshifts(fit.folder(out), test.catalog, rows, method.inputs)}
    else:
        answers = _densities(fit, test.catalog, rows, z[kept], out)
    text = known.filter(pa.array(kept)).select(list(_COLUMNS[:3]))
    told = {name: text[name].cast(pa.string()) for name in text.column_names}
    return pa.table({**told, "redshift": z[kept], **answers})


def _densities(fit: Fit, catalog: Catalog, rows: NDArray[np.int64], z: Floats, out: Path) -> dict[str, Floats]:
    """``z_phot`` and ``cde_loss`` of a network's p(z)."""
    from asterism.inference.predictor import Predictor

    predictor = Predictor.from_pretrained(fit.folder(out) / "run")
    stream = Stream(catalog, predictor.bindings(catalog), batch_size=predictor.batch_size, rows=rows, labels=())
    found = [predictor.answer(batch, given_redshift=True).redshift for batch in stream]
    pdf = np.concatenate([answers.pdf for answers in found if answers is not None])
    assert predictor.grid is not None  # it was trained for redshifts
    scores = RedshiftScores.of_densities(predictor.grid, pdf, z)
    assert scores.cde_loss is not None  # densities have one
    return {"z_phot": scores.z_phot, "cde_loss": scores.cde_loss}


def redshift_figures(tables: Sequence[pa.Table]) -> dict[str, Any]:
    """`REDSHIFT_FIGURES` of a method's seeds: mean, ``…_std`` and ``…_interval``.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
        From `ask_redshifts`, one a seed, of the same objects.

    Returns
    -------
    dict
        With ``n`` and ``seeds``; None for what a method without p(z) does not have.
    """
    values, sources = _stacked(tables), tables[0]["source_id"].to_pylist()
    told: dict[str, Any] = {"n": len(sources), "seeds": len(tables)}
    of_seeds = np.array([_figures(values[:, [k]]) for k in range(len(tables))])
    draws = resampled_statistic(values.reshape(len(values), -1), _flat_figures, sources, resamples=_DRAWS)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    for place, name in enumerate(REDSHIFT_FIGURES):
        if name not in _figures_had(tables):
            told |= {name: None, f"{name}_std": None, f"{name}_interval": None}
            continue
        told[name], told[f"{name}_std"] = mean_and_std(of_seeds[:, place].tolist())
        told[f"{name}_interval"] = [float(low[place]), float(high[place])]
    return told


def redshift_difference(ours: Sequence[pa.Table], theirs: Sequence[pa.Table]) -> dict[str, Any]:
    """`REDSHIFT_FIGURES` of one method less those of another that both have, ``difference`` and paired ``interval`` each.

    Raises
    ------
    ValueError
        The two were scored on different objects.
    """
    if ours[0]["object_id"].to_pylist() != theirs[0]["object_id"].to_pylist():
        raise ValueError("two methods to be compared were scored on different objects")
    a, b = _stacked(ours).reshape(len(ours[0]), -1), _stacked(theirs).reshape(len(ours[0]), -1)

    def gap(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _flat_figures(values[:, : a.shape[1]]) - _flat_figures(values[:, a.shape[1] :])

    both = np.hstack([a, b])
    draws = resampled_statistic(both, gap, ours[0]["source_id"].to_pylist(), resamples=_DRAWS)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return {
        name: {"difference": float(value), "interval": [float(low[place]), float(high[place])]}
        for place, (name, value) in enumerate(zip(REDSHIFT_FIGURES, gap(both), strict=True))
        if name in _figures_had(ours) and name in _figures_had(theirs)
    }


def assistance(out: Path, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the finished rows say of a teacher's worth, by training set.

    Parameters
    ----------
    out : Path
        The directory of the whole table.
    rows : sequence of Row

    Returns
    -------
    list of dict
        ``training``, ``trained_on`` (labelled objects by class), ``taught`` (objects that the teacher answered for, all and
        without a label), ``classes`` and ``redshifts`` (figures by method), and ``class_differences`` and
        ``redshift_differences`` of the student with a teacher less the one without, and less LightGBM, by the other's name.
    """
    found: dict[str, dict[str, dict[str, list[tuple[dict[str, Any], pa.Table]]]]] = {}
    for row in rows:
        record = read_record(row.folder(out)) if row.part.startswith("assist-") else None
        if record is not None:
            parts = found.setdefault(row.training, {"assist-class": {}, "assist-redshift": {}})
            parts[row.part].setdefault(row.method, []).append((record, read_scored(row.folder(out))))
    told = []
    for training, parts in found.items():
        every = [record for methods in parts.values() for seeds in methods.values() for record, _ in seeds]
        entry: dict[str, Any] = {"training": training, "trained_on": every[0]["trained_on"]}
        entry["taught"] = next((record["taught"] for record in every if "taught" in record), None)
        scores = {m: SeedScores([table for _, table in s], CLASSES) for m, s in parts["assist-class"].items()}
        tables = {m: [table for _, table in s] for m, s in parts["assist-redshift"].items()}
        entry["classes"] = {method: {"n": len(of.labels), **of.figures()} for method, of in scores.items()}
        entry["redshifts"] = {method: redshift_figures(of) for method, of in tables.items()}
        entry["class_differences"] = {
            other: difference(scores[_OURS], scores[other]) for other in _THEIRS if {_OURS, other} <= set(scores)
        }
        entry["redshift_differences"] = {
            other: redshift_difference(tables[_OURS], tables[other])
            for other in _THEIRS
            if {_OURS, other} <= set(tables)
        }
        told.append(entry)
    return told


def _figures_had(tables: Sequence[pa.Table]) -> tuple[str, ...]:
    """Of `REDSHIFT_FIGURES` those that a method has: points have no density, and so no loss of one."""
    return tuple(name for name in REDSHIFT_FIGURES if name != _LOSS or _LOSS in tables[0].column_names)


def _stacked(tables: Sequence[pa.Table]) -> NDArray[np.float64]:
    """δ and CDE loss (NaN of points) of each object and seed, shape (n, seeds, 2)."""
    seeds = []
    for t in tables:
        loss = t[_LOSS].to_numpy() if _LOSS in t.column_names else np.full(len(t), np.nan)
        seeds.append(np.stack([relative_error(t["z_phot"].to_numpy(), t["redshift"].to_numpy()), loss], 1))
    return np.stack(seeds, axis=1)


def _figures(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`REDSHIFT_FIGURES` of δ and CDE losses (n, seeds, 2), means over seeds."""
    error = values[..., 0]
    return np.array(
        [
            np.mean([sigma_nmad(column) for column in error.T]),
            (np.abs(error) > _LIMIT).mean(),
            values[..., 1].mean(),
        ]
    )


def _flat_figures(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _figures(values.reshape(len(values), -1, 2))
