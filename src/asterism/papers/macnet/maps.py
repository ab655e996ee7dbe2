"""What the branches over the strips look at: class activation maps of the test objects, measured, and some drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.catalog import Catalog
from asterism.papers.macnet.data import PaperData
from asterism.papers.macnet.fitting import objects_to_test
from asterism.papers.macnet.rows import Fit

__all__ = ["LINES", "STEPS", "measure"]

LINES = "GALAXY with lines"
"""The group of the galaxies of a known subclass other than ``E``, which has no emission lines."""

STEPS = {
    "behind": ("grad-cam", False),
    "before": ("grad-cam", True),
    "hirescam-behind": ("hirescam", False),
    "hirescam-before": ("hirescam", True),
}
"""Behind attention, which is what the answer rests on, and before it; with the paper's map, and with the one that does not take
the mean over cells that MAC-Net's dense layer weighs one by one."""


def measure(fit: Fit, data: PaperData, out: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Measure both maps of a trained network over the test objects, behind attention and before it.

    Parameters
    ----------
    fit : Fit
        Of a network over strips.
    data : PaperData
    out : Path
        The directory of the whole table.

    Returns
    -------
    pyarrow.Table
        One row per object: identity, class, and each measure of `explore.activation_study.measure_batch`, with the step's name
        in front of all but Grad-CAM's behind attention.
    dict
        ``maps``: by step what `explore.activation_study.summarise` tells, and the same of `LINES` where subclasses are known.
    """
    from asterism.explore.activation_study import measure_catalog, summarise
    from asterism.inference.predictor import Predictor
    from asterism.papers.macnet.data import SPLIT

    test = objects_to_test(data)
    model = Predictor.from_pretrained(fit.folder(out) / "run").model
    columns: dict[str, Any] = {}
    told: dict[str, Any] = {}
    identity = ("object_id", "source_id", "class", "redshift")
    lined = _with_lines(test.catalog)
    for step, (cam, before) in STEPS.items():
        found = measure_catalog(
            model,
            test.catalog,
            split=SPLIT if test.part else None,
            part=test.part,
            where=test.where,
            before_attention=before,
            cam=cam,
        )
        told[step] = summarise(found)
        ours = np.array([name in lined for name in found["object_id"]], bool)
        if ours.any():
            told[step][LINES] = summarise({name: values[ours] for name, values in found.items()})["all"]
        for name, values in found.items():
            key = name if step == "behind" or name in identity else f"{step.replace('-', '_')}_{name}"
            columns.setdefault(key, values)
    return pa.table({name: _column(values) for name, values in columns.items()}), {"maps": _finite(told)}


def _with_lines(catalog: Catalog) -> set[str]:
    """Ids of the objects of `LINES`."""
    if "subclass" not in catalog.schema.names:
        return set()
    table = catalog.read(["object_id", "class", "subclass"]).to_pylist()
    return {row["object_id"] for row in table if row["class"] == "GALAXY" and row["subclass"] not in (None, "", "E")}


def _column(values: Any) -> pa.Array:
    array = np.asarray(values)
    return pa.array(array.tolist()) if array.dtype.kind in "OU" else pa.array(array)


def _finite(value: Any) -> Any:
    """The same with None for what is not a number: JSON has none."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
