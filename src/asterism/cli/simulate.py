"""`asterism simulate`: a sky with known truth, as a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command", "expected_seconds"]

_OBJECTS_PER_SECOND = 200  # of one core
_START_SECONDS = 6.0


def expected_seconds(size: int, workers: int | None) -> float:
    """Roughly how long a simulation takes, s.

    Parameters
    ----------
    size : int
        Objects.
    workers : int or None
        Processes; None: all cores.

    Returns
    -------
    float
    """
    from asterism.simulate.sky import BLOCK_SIZE, available_cores

    processes = min(workers or available_cores(), max(1, -(-size // BLOCK_SIZE)))
    return _START_SECONDS + size / (_OBJECTS_PER_SECOND * processes)


def command(
    size: Annotated[int, typer.Option("--size", metavar="N", help="Number of objects.")],
    out: Annotated[Path, typer.Option("--out", metavar="C", help="Catalog to make.")],
    survey: Annotated[
        str, typer.Option("--survey", metavar="S", help="Whose selection: sdss-compact or sdss-spectro.")
    ] = "sdss-compact",
    seed: Annotated[int, typer.Option("--seed", metavar="K", help="Another seed gives another sky.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", help="Processes; the result is the same.", show_default="all cores"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Simulate stars, galaxies and quasars: ugriz photometry and 32×32 stamps as SDSS would have them, and the truth.

    Photometry is measured on the noisy stamps; what was put in stands apart in truth_* columns, which no model can
    read. An interrupted simulation continues where it stopped.

    \b
    Example:
        asterism simulate --size 10000 --survey sdss-compact --seed 1 --out sky
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar
    from asterism.simulate.sky import simulate

    console = Console(stderr=True, quiet=quiet)
    console.print(
        f"Simulating {size:,} objects of {survey}: about {expected_seconds(size, workers):.0f} s, and 0.4 GB of memory "
        "per worker.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    with progress_bar(console, "objects") as update:
        catalog = simulate(size, out, survey=survey, seed=seed, workers=workers, overwrite=overwrite, progress=update)
    if not quiet:
        console.print(f"{len(catalog):,} objects: {', '.join(catalog.groups)}, truth", markup=False, highlight=False)
        typer.echo(str(out))
