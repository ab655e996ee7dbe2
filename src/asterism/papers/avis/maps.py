"""Where maps of the embedding are put into the report, and the page beside it: from the rows ``maps`` and ``clusters`` that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asterism.catalogs.catalog import Catalog, open_catalog
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.results import Tables
from asterism.papers.avis.rows import Fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PAGE", "map_figure", "write_page"]

PAGE = "map.html"
"""The interactive map's file, in the directory of the whole table."""


def map_figure(out: Path, tables: Tables) -> tuple[Figure, str] | None:
    """The map of the test objects, coloured by all that is known of them, and its caption; None where it was not made.

    Parameters
    ----------
    out : Path
        The directory of the whole table.
    tables : dict
        Scored objects by part and method.
    """
    from asterism.explore.embedding_maps import draw_maps

    if ("maps", KEPT) not in tables:
        return None
    figure = draw_maps(_catalog(out, "maps"), beside=_clusters(out, tables))
    return figure, (
        "Test objects on the map of their joint embedding, coloured by what the model was never told; clusters were sought on a"
        f" map made for them. {PAGE} beside this report is the same map to turn and to look into."
    )


def write_page(out: Path, tables: Tables) -> Path | None:
    """Write the interactive map in two and three dimensions beside the report; None where the map was not made.

    Parameters
    ----------
    out, tables
        As for `map_figure`.
    """
    from asterism.explore.map_page import write_map_page

    if ("maps", KEPT) not in tables:
        return None
    beside = [_catalog(out, "maps3d"), *_clusters(out, tables)]
    write_map_page(_catalog(out, "maps"), out / PAGE, beside=beside, title="AVIS: test objects")
    return out / PAGE


def _catalog(out: Path, what: str) -> Catalog:
    return open_catalog(Fit(KEPT, 0).catalog(out, what))


def _clusters(out: Path, tables: Tables) -> list[Catalog]:
    return [_catalog(out, "clusters")] if ("clusters", KEPT) in tables else []
