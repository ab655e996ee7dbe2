"""What the branches over the strips look at: class activation maps of the test objects, measured, and some drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.papers.macnet.data import PaperData
from asterism.papers.macnet.fitting import objects_to_test
from asterism.papers.macnet.rows import Fit

__all__ = ["STEPS", "measure"]

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
        ``maps``: by step what `explore.activation_study.summarise` tells.
    """
    from asterism.explore.activation_study import measure_catalog, summarise
    from asterism.inference.predictor import Predictor
    from asterism.papers.macnet.data import SPLIT

    test = objects_to_test(data)
    model = Predictor.from_pretrained(fit.folder(out) / "run").model
    columns: dict[str, Any] = {}
    told: dict[str, Any] = {}
    identity = ("object_id", "source_id", "class", "redshift")
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
        told[step] = _finite(summarise(found))
        for name, values in found.items():
            key = name if step == "behind" or name in identity else f"{step.replace('-', '_')}_{name}"
            columns.setdefault(key, values)
    return pa.table({name: _column(values) for name, values in columns.items()}), {"maps": told}


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
