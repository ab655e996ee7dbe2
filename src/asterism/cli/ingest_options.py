"""What the commands of `asterism ingest` share: their options, and what they say when they are done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["Out", "Overwrite", "Quiet", "app", "names_in", "tell"]

app = typer.Typer(no_args_is_help=True, help="Make catalogs from tables, arrays, images and spectra.")

Out = Annotated[Path, typer.Option("--out", metavar="C", help="Directory of the new catalog.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output made from other inputs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


def names_in(text: str | None) -> list[str] | None:
    """Names that stand in one option, parted by commas."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def tell(made: Catalog, quiet: bool) -> None:
    """Say what there is now, and what went to quarantine and why."""
    if quiet:
        return
    from collections import Counter

    typer.echo(f"{made.path}: {len(made):,} rows, {', '.join(made.groups)}")
    if "class" in made.schema.names and made.parent is None:
        counts = Counter(name for batch in made.batches(["class"]) for name in batch["class"].to_pylist())
        told = ", ".join(f"{name or 'unlabelled'} {count:,}" for name, count in counts.most_common())
        typer.echo(f"classes: {told}")
    lines = made.quarantine()["reason"].to_pylist()
    if lines:
        typer.echo(f"quarantine.parquet has {len(lines):,} lines, the first: {lines[0]}")
    typer.echo(f"Next: asterism info {made.path}")
