"""`asterism ingest images`: stamps for the objects of a catalog, sources in fields, colour pictures, arrays of stamps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asterism.cli.ingest_options import Overwrite, Quiet, app, names_in, tell
from asterism.errors import ConfigurationError

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog
    from asterism.surveys.doors import Door

__all__ = ["app"]

_PICTURES = (".jpg", ".jpeg", ".png")
# Which options each way of reading knows; one that is given and not known would be silently without effect.
_KNOWN = {
    "cutouts": {"to", "survey", "bands", "pattern", "radius", "size", "unit", "pixel_scale", "ivar_hdu"},
    "--frames": {"to", "survey", "bands", "size", "edge", "workers"},
    "--detect": {"band", "threshold", "size", "workers"},
    "--jpeg": {"to", "survey", "size", "pixel_scale", "workers"},
    "arrays": {"survey", "bands", "unit", "pixel_scale", "labels", "class_names", "workers"},
}


@app.command("images")
def images(
    paths: Annotated[list[Path], typer.Argument(help="Images, or directories of them.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="D", help="The new catalog.", show_default=False)],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="C", help="Catalog of the objects.", show_default=False)
    ] = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="Cut stamps at the catalog's positions from whole fields.")
    ] = False,
    detect: Annotated[bool, typer.Option("--detect", help="Find and measure the sources of SDSS fields.")] = False,
    jpeg: Annotated[bool, typer.Option("--jpeg", help="Colour pictures, as SDSS's cutout service gives them.")] = False,
    survey: Annotated[
        str | None, typer.Option(help="Survey of the images, as in column names.", show_default="by the files, or sdss")
    ] = None,
    bands: Annotated[
        str | None, typer.Option(help="Bands in order, e.g. g,r,z.", show_default="all known of the survey")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(help="Pattern of file names, e.g. {object_id}-{band}.fits.", show_default="any part of the name"),
    ] = None,
    radius: Annotated[
        float | None, typer.Option(help="Largest distance from the image's middle, arcsec.", show_default="1")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Cut to this many pixels.", show_default="the first image's; of fields 32 or 152")
    ] = None,
    edge: Annotated[
        str | None, typer.Option(help="At a field's edge: pad (not observed) or shift (inwards).", show_default="pad")
    ] = None,
    band: Annotated[str | None, typer.Option(help="Band in which sources are found, or sum.", show_default="r")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Standard deviations of a source's pixels.", show_default="4")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            help="Unit of pixels where BUNIT is missing: nanomaggy, uJy, count, …; asinh.", show_default=False
        ),
    ] = None,
    pixel_scale: Annotated[
        float | None, typer.Option(help="arcsec per pixel of images without WCS.", show_default=False)
    ] = None,
    ivar_hdu: Annotated[
        int | None, typer.Option(help="HDU with the inverse variance, where not named so.", show_default=False)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Array of labels beside an array of stamps.", show_default=False)
    ] = None,
    class_names: Annotated[
        str | None, typer.Option(help="What labels mean, e.g. 1=STAR,-1=GALAXY.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Processes.", show_default="all cores")
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Attach images to the objects of a catalog, or make a catalog from images.

    \b
    Example:
        asterism ingest images stamps/ --to sky --out sky-images
        asterism ingest images frames/301/4192/4 --frames --to sky --out sky-images
        asterism ingest images frames/301/4192/4 --detect --out field
        asterism ingest images jpegs/ --jpeg --to spectra --out spectra-rgb
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar

    options: dict[str, Any] = {
        "to": to, "survey": survey, "bands": names_in(bands), "pattern": pattern, "radius": radius, "size": size, "edge": edge,
        "band": band, "threshold": threshold, "unit": unit, "pixel_scale": pixel_scale, "ivar_hdu": ivar_hdu,
        "labels": labels, "class_names": class_names, "workers": workers,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}
    way = _way(paths, frames, detect, jpeg, to)
    for name in given:
        if name not in _KNOWN[way]:
            raise ConfigurationError(f"--{name.replace('_', '-')} has no meaning for {way}; leave it out")
    with progress_bar(Console(stderr=True, quiet=quiet), "reading") as progress:
        made = _ingest(way, paths, out, given, {"overwrite": overwrite, "progress": progress})
    tell(made, quiet)


def _way(paths: list[Path], frames: bool, detect: bool, jpeg: bool, to: Path | None) -> str:
    """Which way of reading is meant."""
    asked = [name for name, on in (("--frames", frames), ("--detect", detect), ("--jpeg", jpeg)) if on]
    if len(asked) > 1:
        raise ConfigurationError(f"{' and '.join(asked)} exclude each other; give one")
    if not asked:
        endings = {path.suffix.lower() for path in paths}
        if endings <= set(_PICTURES):
            return "--jpeg"
        if endings == {".npy"}:
            return "arrays"
    way = asked[0] if asked else "cutouts"
    if way in ("--frames", "cutouts") and to is None:
        raise ConfigurationError(
            "images of objects need the catalog of the objects: --to C; or give --detect, which finds the sources of SDSS fields"
        )
    return way


def _ingest(way: str, paths: list[Path], out: Path, given: dict[str, Any], shared: dict[str, Any]) -> Catalog:
    """Call what reads these files."""
    if way == "--frames":
        from asterism.surveys.stamps.frame_stamps import ingest_frames

        return ingest_frames(paths, given.pop("to"), out, **given, **shared)
    if way == "cutouts":
        from asterism.surveys.images import ingest_images

        return ingest_images(paths, given.pop("to"), out, **given, **shared)
    workers = given.pop("workers", None)
    if way == "--jpeg":
        from asterism.surveys.stamps.pictures import PictureDoor, attach_pictures

        if "to" in given:
            return attach_pictures(paths, given.pop("to"), out, **given, **shared)
        if "survey" in given:
            given["name"] = given.pop("survey")
        return _from_files(PictureDoor(**given), paths, out, workers, shared)
    if way == "--detect":
        from asterism.surveys.detection import FieldDoor

        if "band" in given:
            given["detection"] = given.pop("band")
        return _from_files(FieldDoor(**given), paths, out, workers, shared)
    from asterism.surveys.stamps.stamp_arrays import ArrayDoor

    renamed: dict[str, Any] = {"name" if key == "survey" else key: value for key, value in given.items()}
    if "bands" in renamed:
        renamed["bands"] = tuple(renamed["bands"])
    if "labels" in renamed:
        renamed["labels"] = str(renamed["labels"])
    if "class_names" in renamed:
        renamed["class_names"] = _pairs(renamed["class_names"])
    return _from_files(ArrayDoor(**renamed), paths, out, workers, shared)


def _from_files(door: Door, paths: list[Path], out: Path, workers: int | None, shared: dict[str, Any]) -> Catalog:
    from asterism.surveys.doors import ingest_files

    return ingest_files(door, paths, out, workers=workers, **shared)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``1=STAR,-1=GALAXY`` as pairs."""
    pairs = tuple(tuple(part.strip() for part in one.split("=", 1)) for one in text.split(",") if one.strip())
    if not pairs or any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise ConfigurationError(f"--class-names {text!r} is no list of LABEL=CLASS; write e.g. 1=STAR,-1=GALAXY")
    return tuple((pair[0], pair[1].upper()) for pair in pairs)
