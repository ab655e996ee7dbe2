"""`asterism search`: the objects nearest to one of them, or to a spectrum or an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["command"]


def command(
    catalog: Annotated[Path, typer.Argument(metavar="D", help="Catalog of embeddings.", show_default=False)],
    object_id: Annotated[
        str | None, typer.Option("--object", metavar="ID", help="Search for the like of this object.")
    ] = None,
    image: Annotated[
        Path | None, typer.Option("--image", metavar="F", help="Search for the like of this cutout (FITS).")
    ] = None,
    spectrum: Annotated[
        Path | None, typer.Option("--spectrum", metavar="F", help="Search for the like of this spectrum (FITS).")
    ] = None,
    k: Annotated[int, typer.Option("-k", metavar="K", help="How many to find.")] = 20,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="EXPR", help='Only among objects for which this holds, e.g. "r_mag < 20".'),
    ] = None,
    search_in: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="NAME",
            help="Embedding that is searched: image, spectrum or joint.",
            show_default="that of the query",
        ),
    ] = None,
    search_by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="NAME", help="Embedding of --object that is searched for.", show_default="that of --in"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write them: .parquet, .csv, .ecsv, .vot, .xml or .fits."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", metavar="RUN", help="Model that embeds a file.", show_default="where it embedded the catalog"
        ),
    ] = None,
    survey: Annotated[
        str | None,
        typer.Option(
            "--survey", metavar="S", help="Whose file it is: sdss, lamost, desi; legacy.", show_default="found out"
        ),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the search index anew.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Find the objects nearest in an embedding, nearest first, with their cosine distance (1 - cos, 0 to 2).

    All objects that fit --where are looked at, so that the k found are the k nearest. An image's embedding can be searched for
    among spectra and the other way round, where one model puts both into one space.

    \b
    Examples:
        asterism search embedded.hats --object 39627785 -k 10
        asterism search embedded.hats --object 39627785 --by image --in spectrum --where "class = 'QSO'"
        asterism search embedded.hats --spectrum spec-0685-52203-0467.fits --out alike.csv
    """
    import numpy as np

    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.embeddings import choose_embedding
    from asterism.catalogs.export import check_export, write_table
    from asterism.cli.search_query import file_vector, load_embedder
    from asterism.errors import ConfigurationError
    from asterism.explore.search import condition_mask, nearest, object_vector, open_index, search_table

    if sum(given is not None for given in (object_id, image, spectrum)) != 1:
        raise ConfigurationError("name one thing to search for: --object ID, --image FILE or --spectrum FILE")
    if object_id is None and search_by is not None:
        raise ConfigurationError("--by is for --object; a file is searched for by what it holds")
    if out is not None:
        check_export(out, overwrite)
    source = open_catalog(catalog)
    row = None
    if object_id is not None:
        name = choose_embedding(source, search_in or search_by)
        query, row = object_vector(source, object_id, search_by or name)
    else:
        kind = "image" if image is not None else "spectrum"
        name = choose_embedding(source, search_in or kind)
        file = image if image is not None else spectrum
        assert file is not None
        query = file_vector(load_embedder(source, name, model), file, kind, survey)
    among = condition_mask(source, where)
    index = open_index(source, name, rebuild=rebuild)
    rows, distances = nearest(
        index, np.asarray(query, np.float32), k, among=among, leave_out=row, where=str(source.path)
    )
    found = search_table(source, rows, distances)
    if out is not None:
        write_table(found, out)
    if not quiet:
        _show(found, name)
        if out is not None:
            typer.echo(str(out))


def _show(found: pa.Table, name: str) -> None:
    """A table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"nearest by embedding {name!r}", title_justify="left", box=None)
    for column in found.column_names:
        texts = column in ("object_id", "class", "subclass", "class_predicted")
        # Ids whole, however narrow the terminal: they are what one goes on with.
        table.add_column(column, justify="left" if texts else "right", no_wrap=True, min_width=_width(found, column))
    for row in found.to_pylist():
        table.add_row(*(_text(value) for value in row.values()))
    # As wide as it is where nobody's screen ends: in a file or a pipe.
    console = Console() if Console().is_terminal else Console(width=10_000)
    console.print(table)


def _width(found: pa.Table, column: str) -> int | None:
    return max(map(len, found[column].to_pylist())) if column == "object_id" else None


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
