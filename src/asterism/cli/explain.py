"""`asterism explain`: what a model goes by, object by object, as maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run or model directory.")],
    catalog: Annotated[Path, typer.Option("--catalog", metavar="C", help="Catalog that holds the objects.")],
    objects: Annotated[str, typer.Option("--objects", metavar="ID,…", help="Ids of the objects, with commas between.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory for pictures, maps and report.html.")],
    class_name: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Explain this class.", show_default="each object's predicted one"),
    ] = None,
    redshift: Annotated[
        bool, typer.Option("--redshift", help="Explain the redshift; what models without classes do anyway.")
    ] = False,
    cam: Annotated[
        str,
        typer.Option(
            "--cam", metavar="NAME", help="Class activation map: hirescam, or grad-cam as in MAC-Net's paper."
        ),
    ] = "hirescam",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results made from other inputs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Show what of its inputs a model goes by: activation maps, attention, or what each feature adds.

    Convolutional layers give class activation maps of strips, stamps and spectra, before and after attention;
    attention over an image gives its weights; all else is explained by integrated gradients.

    \b
    Example:
        asterism explain run --catalog sky --objects sim-lamost-0-000000003,sim-lamost-0-000000007 --out maps
        asterism explain run --catalog sky --objects sim-lamost-0-000000003 --class QSO --out why-not-a-quasar
        asterism explain run-z --catalog sky --objects sim-lamost-0-000000003 --redshift --out maps-z
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar
    from asterism.explore.explain import explain_catalog

    names = objects.split(",")
    with progress_bar(Console(stderr=True, quiet=quiet), f"explaining {len(names):,} objects") as update:
        page = explain_catalog(
            run,
            catalog,
            names,
            out,
            class_name=class_name,
            redshift=redshift,
            cam=cam,
            overwrite=overwrite,
            progress=update,
        )
    if not quiet:
        typer.echo(str(page))
