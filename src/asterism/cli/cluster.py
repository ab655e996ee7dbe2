"""`asterism cluster`: groups in an embedding, and how unlike all others each object is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    catalog: Annotated[Path, typer.Argument(metavar="D", help="Catalog of embeddings.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="E", help="Catalog of clusters to make.")],
    embedding: Annotated[
        str | None,
        typer.Option("--embedding", metavar="NAME", help="joint, image or spectrum.", show_default="joint"),
    ] = None,
    space: Annotated[
        str,
        typer.Option("--space", metavar="embedding|map", help="Seek clusters in the embedding itself, or on a map."),
    ] = "embedding",
    seed: Annotated[int, typer.Option("--seed", metavar="K", help="Of all that is drawn at random.")] = 0,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", help="Find clusters among so many objects; the others follow them.")
    ] = 50_000,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", help="Pairs of parts that the stability is measured by.")
    ] = 3,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Find groups in an embedding without labels (HDBSCAN), and score how unlike all others each object is.

    Adds cluster (-1: noise), cluster_probability, anomaly_knn and anomaly_density. Nothing is tuned: the settings follow from
    the number of objects. How stable the clusters are and the share of noise is printed and stands in E/clusters.json.

    \b
    Examples:
        asterism cluster embedded.hats --out clusters.hats
        asterism export clusters.hats rare.csv --columns object_id,ra,dec,anomaly_density --where "anomaly_density > 2"
    """
    from rich.console import Console

    from asterism.catalogs.catalog import open_catalog
    from asterism.cli.progress import progress_bar
    from asterism.explore.cluster import cluster_catalog, read_summary

    console = Console(stderr=True, quiet=quiet)
    source = open_catalog(catalog)
    with progress_bar(console, f"clustering {len(source):,} objects") as update:
        made = cluster_catalog(
            source,
            out,
            embedding=embedding,
            space=space,
            seed=seed,
            sample=sample,
            repeats=repeats,
            overwrite=overwrite,
            progress=update,
        )
    if quiet:
        return
    told = read_summary(made.path)
    text = f"{told['embedded']:,} objects: {told['clusters']} clusters, noise {100 * told['noise_share']:.1f} %"
    if told["stability"]["mean"] is not None:
        text += f", stability {told['stability']['mean']:.2f} (adjusted Rand index)"
    console.print(text, markup=False, highlight=False)
    typer.echo(str(out))
