"""`asterism project`: a catalog of embeddings gives places on a map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    catalog: Annotated[Path, typer.Argument(metavar="D", help="Catalog of embeddings.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="E", help="Catalog of places to make.")],
    dimensions: Annotated[
        int | None,
        typer.Option("--dimensions", metavar="2|3", help="Of the map.", show_default="2, or those of --onto"),
    ] = None,
    embedding: Annotated[
        str | None,
        typer.Option("--embedding", metavar="NAME", help="joint, image or spectrum.", show_default="joint"),
    ] = None,
    onto: Annotated[
        Path | None,
        typer.Option("--onto", metavar="E", help="Place objects on the map of this catalog, instead of drawing one."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="K", help="The same seed draws the same map.")] = 0,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", help="Draw the map from so many objects; place the others on it.")
    ] = 200_000,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Draw a map of an embedding in two or three dimensions (PaCMAP): map_x, map_y, map_z.

    The map is kept with its catalog, so that other objects can be placed on it later.

    \b
    Examples:
        asterism project embedded.hats --out map.hats
        asterism project new.hats --onto map.hats --out placed.hats
    """
    from rich.console import Console

    from asterism.catalogs.catalog import open_catalog
    from asterism.cli.progress import progress_bar
    from asterism.explore.project import project_catalog

    console = Console(stderr=True, quiet=quiet)
    source = open_catalog(catalog)
    with progress_bar(console, f"mapping {len(source):,} objects") as update:
        made = project_catalog(
            source,
            out,
            dimensions=dimensions,
            embedding=embedding,
            onto=onto,
            seed=seed,
            sample=sample,
            overwrite=overwrite,
            progress=update,
        )
    if quiet:
        return
    placed = len(made) - made.read(["map_x"])["map_x"].null_count
    of = f"on the map of {onto}" if onto is not None else "on a map"
    console.print(f"{len(made):,} objects, {placed:,} of them {of}", markup=False, highlight=False)
    typer.echo(str(out))
