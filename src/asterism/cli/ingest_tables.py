"""`asterism ingest table|margnet`: tables and arrays become catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asterism.cli.ingest_options import Out, Overwrite, Quiet, app, names_in, tell

__all__ = ["app"]


@app.command("table")
def table(
    files: Annotated[
        list[Path], typer.Argument(help="CSV, ECSV, FITS, VOTable, Parquet or whitespace tables.", show_default=False)
    ],
    out: Out,
    preset: Annotated[
        str | None, typer.Option(help="A map that ships with Asterism (sdss17, mlz, …).", show_default=False)
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="A TOML map of your own.", show_default=False)
    ] = None,
    dust: Annotated[
        Path | None,
        typer.Option(metavar="MAP", help="SFD or HEALPix dust map: extinction from positions.", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Make a catalog from tables of magnitudes or fluxes.

    A map says which column is what; python -c "help('asterism.surveys.tables.table_map')" shows all its keys.

    \b
    Example:
        asterism ingest table StellarObjs.csv --preset sdss17 --out sky
        asterism ingest table mine.fits --map mine.toml --dust SFD_dust_4096_ngp.fits --out sky
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar
    from asterism.surveys.table import ingest_table

    with progress_bar(Console(stderr=True, quiet=quiet), "reading") as progress:
        made = ingest_table(
            files, out, preset=preset, map_file=map_file, dust=dust, overwrite=overwrite, progress=progress
        )
    tell(made, quiet)


@app.command("margnet")
def margnet(
    directory: Annotated[Path, typer.Argument(help="Directory with dnnx_*.npy and the others.", show_default=False)],
    out: Out,
    name: Annotated[
        str | None, typer.Option(help="Which data set, e.g. sg_exp3, where there are several.", show_default=False)
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="Classes of the columns of y_*.npy, in order.",
            show_default="GALAXY,STAR for two columns; GALAXY,QSO,STAR for three",
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Make a catalog from the public arrays of MargNet (Chaini et al. 2023).

    \b
    Example:
        asterism ingest margnet margnet_exp3_sg --out compact
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar
    from asterism.surveys.margnet import ingest_margnet

    with progress_bar(Console(stderr=True, quiet=quiet), "reading") as progress:
        made = ingest_margnet(
            directory, out, name=name, classes=names_in(classes), overwrite=overwrite, progress=progress
        )
    tell(made, quiet)
