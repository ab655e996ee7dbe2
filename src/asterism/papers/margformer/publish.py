"""Everything that is made of the finished rows: results.json, report, LaTeX table, figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asterism.catalogs.outputs import atomic_write
from asterism.papers.margformer.data import PaperData
from asterism.papers.margformer.results import collect
from asterism.papers.margformer.rows import Row

__all__ = ["publish"]


def publish(out: Path, scale: str, rows: Sequence[Row], data: PaperData) -> dict[str, Any]:
    """Write what stands in `out` beside the rows, from those that are finished.

    Parameters
    ----------
    out : Path
    scale : str
    rows : sequence of Row
        The whole table; what is not finished is left out.
    data : PaperData

    Returns
    -------
    dict
        The content of ``results.json``.
    """
    results = collect(out, scale, rows, data)
    with atomic_write(out / "results.json") as partial:
        partial.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return results
