"""`asterism ingest`: files that an astronomer has become catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make catalogs from tables, arrays and images.")

Out = Annotated[Path, typer.Option("--out", metavar="C", help="Directory of the new catalog.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output made from other inputs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


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

    A map says which column is what; python -c "help('asterism.surveys.table_map')" shows all its keys.

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
    _tell(made, quiet)


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
            directory, out, name=name, classes=_names(classes), overwrite=overwrite, progress=progress
        )
    _tell(made, quiet)


@app.command("images")
def images(
    paths: Annotated[list[Path], typer.Argument(help="FITS cutouts, or directories of them.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", metavar="C", help="Catalog of the objects.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="D", help="The new narrow catalog.", show_default=False)],
    survey: Annotated[str, typer.Option(help="Survey of the images, as in column names.")] = "sdss",
    bands: Annotated[
        str | None, typer.Option(help="Bands in order, e.g. g,r,z.", show_default="all known of the survey")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(help="Pattern of file names, e.g. {object_id}-{band}.fits.", show_default="any part of the name"),
    ] = None,
    radius: Annotated[float, typer.Option(help="Largest distance from the image's middle, arcsec.")] = 1.0,
    size: Annotated[
        int | None, typer.Option(help="Cut or pad to this many pixels.", show_default="the first image's size")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="Unit of pixels where BUNIT is missing: nanomaggy, uJy, count, …", show_default=False),
    ] = None,
    pixel_scale: Annotated[
        float | None, typer.Option(help="arcsec per pixel of images without WCS.", show_default=False)
    ] = None,
    ivar_hdu: Annotated[
        int | None, typer.Option(help="HDU with the inverse variance, where not named so.", show_default=False)
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Attach FITS cutouts to the objects of a catalog, by id or position.

    \b
    Example:
        asterism ingest images stamps/ --to sky --out sky-images
        asterism ingest images stamps/ --to sky --survey legacy --bands g,r,z --radius 2 --out sky-images
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar
    from asterism.surveys.images import ingest_images

    with progress_bar(Console(stderr=True, quiet=quiet), "reading") as progress:
        made = ingest_images(
            paths,
            to,
            out,
            survey=survey,
            bands=_names(bands),
            pattern=pattern,
            radius=radius,
            size=size,
            unit=unit,
            pixel_scale=pixel_scale,
            ivar_hdu=ivar_hdu,
            overwrite=overwrite,
            progress=progress,
        )
    _tell(made, quiet)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _tell(made: Catalog, quiet: bool) -> None:
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
