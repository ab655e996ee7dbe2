"""`asterism embed`: a catalog and a model give the catalog of embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run or model directory.")],
    catalog: Annotated[Path, typer.Option("--catalog", metavar="C", help="Catalog to embed.")],
    out: Annotated[Path, typer.Option("--out", metavar="D", help="Catalog of embeddings to make.")],
    inputs: Annotated[
        str | None,
        typer.Option(
            "--inputs",
            metavar="ROLE=GROUP,…",
            help="What to read, for a model that reads any survey's spectra.",
            show_default="the groups it was trained on, or the only ones",
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A running Dask scheduler instead.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Embed every object of a catalog: vectors of unit length, near each other where the model finds objects alike.

    Adds embedding_joint, and embedding_image and embedding_spectrum where the model tells them apart; null where an object
    lacks the modality. The output opens joined with the catalog; an interrupted one continues where it stopped.

    Example: asterism embed run --catalog sky.hats --out embedded.hats --workers 2
    """
    from rich.console import Console

    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.embeddings import embedding_names
    from asterism.cli.progress import progress_bar
    from asterism.inference.embed import embed_catalog
    from asterism.inference.embedder import Embedder

    console = Console(stderr=True, quiet=quiet)
    embedder = Embedder.from_pretrained(run)
    source = open_catalog(catalog)
    with progress_bar(console, f"embedding {len(source):,} objects") as update:
        made = embed_catalog(
            embedder,
            source,
            out,
            inputs=inputs,
            workers=workers,
            scheduler=scheduler,
            overwrite=overwrite,
            progress=update,
        )
    if quiet:
        return
    told = []
    for name in embedding_names(made.own_schema):
        nulls = sum(table[f"embedding_{name}"].null_count for table in made.batches([f"embedding_{name}"]))
        told.append(f"{len(made) - nulls:,} {name}")
    console.print(f"{len(made):,} objects: embeddings of {', '.join(told)}", markup=False, highlight=False)
    typer.echo(str(out))
