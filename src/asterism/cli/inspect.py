"""`asterism inspect`: everything about one object as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]

_SUFFIXES = (".png", ".html", ".pdf", ".svg")


def command(
    catalog: Annotated[Path, typer.Argument(metavar="C", help="Directory of the catalog.", show_default=False)],
    object_id: Annotated[str, typer.Argument(metavar="OBJECT_ID", help="Name of the object.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="PNG, PDF, SVG or HTML.", show_default="OBJECT_ID.png"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Draw one object: its images, its fluxes, its spectra with lines marked at its redshift, its strips.

    An HTML page holds the picture and every value of the row, and opens offline.

    \b
    Example:
        asterism inspect spectra sdss-0266-51602-0001 --out galaxy.png
        asterism inspect sky sim-sdss-compact-0-000000003 --out object.html
    """
    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.objects import find_object
    from asterism.errors import ConfigurationError
    from asterism.explore.object_page import write_object

    target = out or Path(f"{''.join(c if c.isalnum() or c in '-_.' else '_' for c in object_id)}.png")
    if target.suffix.lower() not in _SUFFIXES:
        raise ConfigurationError(f"{target} should end with one of {', '.join(_SUFFIXES)}; give another --out")
    opened = open_catalog(catalog)
    told = write_object(find_object(opened, object_id), opened.groups, target, catalog=opened.path.name)
    if not quiet:
        typer.echo(told)
        typer.echo(str(target))
