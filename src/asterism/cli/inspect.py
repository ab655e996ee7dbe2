"""`asterism inspect`: everything about one object as a picture, or a whole catalog's map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["command"]

_SUFFIXES = (".png", ".html", ".pdf", ".svg")


def command(
    catalog: Annotated[Path, typer.Argument(metavar="C", help="Directory of the catalog.", show_default=False)],
    object_id: Annotated[
        str | None,
        typer.Argument(metavar="[OBJECT_ID]", help="Name of the object; without one, the map.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="PNG, PDF, SVG or HTML.", show_default="OBJECT_ID.png; of a map C.html"
        ),
    ] = None,
    colour: Annotated[
        str | None,
        typer.Option(
            "--colour",
            metavar="NAME,…",
            help="Of a map: class, redshift, galaxy_type, half_light_radius, star_type, target, cluster, magnitude, "
            "class_predicted, anomaly_density.",
            show_default="all that are known",
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="D",
            help="Of a map: a further catalog of the same objects, of clusters or of a map of the other number of dimensions.",
        ),
    ] = None,
    pictures: Annotated[
        int,
        typer.Option(
            "--pictures",
            metavar="N",
            help="Of a map as HTML: picture and spectrum of so many objects, about 2.5 kB each.",
        ),
    ] = 2000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Draw one object, or the map of a catalog.

    An object: its images, its fluxes, its spectra with lines marked at its redshift, its strips; as HTML every value of
    the row too.

    A map that 'asterism project' made: as a picture a panel for each quantity that it can be coloured by, as HTML one page on
    which colours and classes are chosen and each object shows its picture and spectrum. HTML opens offline.

    \b
    Example:
        asterism inspect spectra sdss-0266-51602-0001 --out galaxy.png
        asterism inspect sky sim-sdss-compact-0-000000003 --out object.html
        asterism inspect map.hats --with clusters.hats --out map.html
        asterism inspect map.hats --colour class,redshift --out map.pdf
    """
    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.objects import find_object
    from asterism.errors import ConfigurationError
    from asterism.explore.object_page import write_object

    opened = open_catalog(catalog)
    if object_id is None:
        target = _checked(out or Path(f"{opened.path.name.removesuffix('.hats')}.html"))
        _draw_map(opened, target, colour, [open_catalog(path) for path in beside or ()], pictures, quiet)
        return
    if colour is not None or beside:
        raise ConfigurationError("--colour and --with are for the map of a catalog; leave out the object's name")
    target = _checked(out or Path(f"{''.join(c if c.isalnum() or c in '-_.' else '_' for c in object_id)}.png"))
    told = write_object(find_object(opened, object_id), opened.groups, target, catalog=opened.path.name)
    if not quiet:
        typer.echo(told)
        typer.echo(str(target))


def _checked(target: Path) -> Path:
    from asterism.errors import ConfigurationError

    if target.suffix.lower() not in _SUFFIXES:
        raise ConfigurationError(f"{target} should end with one of {', '.join(_SUFFIXES)}; give another --out")
    return target


def _draw_map(
    catalog: Catalog, target: Path, colour: str | None, beside: list[Catalog], pictures: int, quiet: bool
) -> None:
    from rich.console import Console

    from asterism.cli.progress import progress_bar

    chosen = None if colour is None else [name.strip() for name in colour.split(",") if name.strip()]
    console = Console(stderr=True, quiet=quiet)
    if target.suffix.lower() == ".html":
        from asterism.explore.map_page import write_map_page

        with progress_bar(console, "pictures and spectra of objects") as update:
            size = write_map_page(catalog, target, chosen, beside=beside, pictures=pictures, progress=update)
        told = f"a page of {size / 1e6:.1f} MB"
    else:
        from asterism.explore.embedding_maps import draw_maps, write_maps

        figure = draw_maps(catalog, chosen, beside=beside)
        write_maps(figure, target)
        told = "a picture"
    if not quiet:
        console.print(f"the map of {len(catalog):,} objects as {told}", markup=False, highlight=False)
        typer.echo(str(target))
