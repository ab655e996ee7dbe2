"""`asterism export`: a catalog as a file of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["command"]


def command(
    catalog: Annotated[Path, typer.Argument(help="Directory of the catalog.", show_default=False)],
    file: Annotated[
        Path,
        typer.Argument(
            help="File to write: .fits, .vot, .xml, .parquet, .ecsv or .csv; .hdf5 with --qp.", show_default=False
        ),
    ],
    qp: Annotated[
        bool, typer.Option("--qp", help="Write the redshift densities as a qp ensemble, which RAIL reads.")
    ] = False,
    columns: Annotated[
        str | None, typer.Option(help="Columns, separated by commas; all by default.", show_default=False)
    ] = None,
    where: Annotated[
        str | None, typer.Option(help='Only rows for which this holds, e.g. "r_mag < 20".', show_default=False)
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only rows of this split.", show_default=False)] = None,
    part: Annotated[
        str | None, typer.Option(help="Only these parts of the split, separated by commas.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Write a catalog as FITS, VOTable, VOParquet, ECSV or CSV, with units; narrow catalogs give joined rows.

    \b
    Examples:
        asterism export predictions answers.fits --columns object_id,ra,dec,p_qso --where "p_qso > 0.9"
        asterism export predictions densities.hdf5 --qp
    """
    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.export import export
    from asterism.catalogs.qp_ensemble import export_qp
    from asterism.errors import ConfigurationError

    chosen: dict[str, Any] = {"where": where, "split": split, "part": _names(part), "overwrite": overwrite}
    if qp and columns is not None:
        raise ConfigurationError("--qp writes densities with what RAIL needs beside them; leave out --columns")
    opened = open_catalog(catalog)
    done = export_qp(opened, file, **chosen) if qp else export(opened, file, _names(columns), **chosen)
    if quiet:
        return
    typer.echo(f"{done.path}: {done.rows:,} rows, {len(done.columns)} columns")
    if done.left_out:
        typer.echo(f"left out, too long for a text file: {', '.join(done.left_out)}")
    if done.rows_left_out:
        typer.echo(f"left out, without a density: {done.rows_left_out:,} rows")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
