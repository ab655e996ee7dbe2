"""`asterism crossmatch`: join two catalogs by position."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    first: Annotated[Path, typer.Argument(metavar="C", help="Catalog whose rows are kept.")],
    second: Annotated[Path, typer.Argument(metavar="D", help="Catalog that adds its modalities.")],
    out: Annotated[Path, typer.Option("--out", metavar="E", help="Directory of the new catalog.", show_default=False)],
    radius: Annotated[float, typer.Option("--radius", metavar="ARCSEC", help="Largest separation.")] = 1.0,
    keep_unmatched: Annotated[
        bool, typer.Option("--keep-unmatched", help="Keep rows of C without a partner; D's columns are null there.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier output made from other inputs.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Join two catalogs by position: each row of C with the nearest of D.

    Proper motions are applied where they and the dates are known. Ambiguous pairs are listed in quarantine.parquet.

    \b
    Example:
      asterism crossmatch images.hats spectra.hats --radius 1 --out both.hats
    """
    from rich.console import Console

    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.crossmatch import crossmatch
    from asterism.cli.progress import progress_bar

    with progress_bar(Console(stderr=True, quiet=quiet), "matching") as progress:
        made = crossmatch(
            open_catalog(first), open_catalog(second), out, radius=radius, keep_unmatched=keep_unmatched,
            overwrite=overwrite, progress=progress,
        )  # fmt: skip
    if quiet:
        return
    by = made.made_by
    typer.echo(f"{made.path}: {len(made):,} rows, {', '.join(made.groups)}")
    typer.echo(
        f"{by['matched']:,} matched, {by['unmatched']:,} of {first} without a partner {'kept' if keep_unmatched else 'left out'}"
    )
    if by["ambiguous"]:
        typer.echo(f"warning: {by['ambiguous']:,} pairs are ambiguous; quarantine.parquet lists them", err=True)
    typer.echo(f"Next: asterism info {made.path}")
