"""Where maps of the embedding are put into the report: one call, from the rows ``maps`` and ``clusters`` that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asterism.papers.avis.data import PaperData
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.results import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["map_figures"]


def map_figures(out: Path, data: PaperData, tables: Tables) -> dict[str, tuple[Figure, str]]:
    """Figures of the map by the name of their file, each with its caption; none where the map was not made.

    The catalogs are there to be drawn from: ``Fit(KEPT, 0).catalog(out, "maps")`` and ``…"clusters"``, both narrow and joined with the
    test catalog.

    Parameters
    ----------
    out : Path
        The directory of the whole table.
    data : PaperData
    tables : dict
        Scored objects by part and method.
    """
    from asterism.papers.avis.figures import cluster_figure

    if ("maps", KEPT) not in tables:
        return {}
    placed = tables["maps", KEPT][0]
    labels = {"class": placed["class"].to_pylist()}
    if ("clusters", KEPT) in tables:
        number = tables["clusters", KEPT][0]["cluster"].to_numpy()
        labels["cluster (grey: noise)"] = [None if not np.isfinite(c) or c < 0 else str(int(c)) for c in number]
    figure = cluster_figure(placed["map_x"].to_numpy(), placed["map_y"].to_numpy(), labels)
    caption = "Test objects on the map of their joint embedding; clusters were found in the embedding, not on the map."
    return {"clusters": (figure, caption)}
