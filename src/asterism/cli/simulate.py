"""`asterism simulate`: a sky with known truth, as a catalog, as the files that a survey would publish, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["command", "expected_seconds"]

_OBJECTS_PER_SECOND = 80  # of one core
# Where compactness refuses most of what is drawn, and where stamps are large.
_OF_SELECTION = {"sdss-compact": 24, "sdss-faint-compact": 12, "desi-main": 48, "desi-even": 48}
_SPECTRA_PER_SECOND = 200
_FILES_PER_SECOND = 40  # and objects
_SPECTROGRAPH_SECONDS, _LAMPS_SECONDS = (
    35.0,
    65.0,
)  # frames of both arms, made and reduced; their flats and arcs, once a process
_START_SECONDS = 6.0


def expected_seconds(
    size: int,
    workers: int | None,
    spectra: bool = False,
    *,
    frames: bool = False,
    files: bool = False,
    survey: str = "",
) -> float:
    """Roughly how long a simulation takes, s.

    Parameters
    ----------
    size : int
        Objects.
    workers : int or None
        Processes; None: all cores.
    spectra : bool
        Whether there are spectra.
    frames : bool
        Whether there are 2D spectra, from raw frames.
    files : bool
        Whether survey files are written.
    survey : str
        What is taken.

    Returns
    -------
    float
    """
    from asterism.catalogs.blocks import available_cores
    from asterism.simulate.frames.plates import objects_per_spectrograph
    from asterism.simulate.recipe import BLOCK_SIZE

    processes = min(workers or available_cores(), max(1, -(-size // BLOCK_SIZE)))
    seconds = 1.0 / _OF_SELECTION.get(survey, _OBJECTS_PER_SECOND) + (1.0 / _SPECTRA_PER_SECOND if spectra else 0.0)
    seconds += 1.0 / _FILES_PER_SECOND if files else 0.0
    plates = -(-size // objects_per_spectrograph()) if frames else 0
    lamps = min(plates, 16 * processes)
    return _START_SECONDS + (size * seconds + plates * _SPECTROGRAPH_SECONDS + lamps * _LAMPS_SECONDS) / processes


def command(
    size: Annotated[int, typer.Option("--size", metavar="N", help="Number of objects.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="C", help="Catalog to make; with --as-survey it can be left out.")
    ] = None,
    survey: Annotated[
        str,
        typer.Option(
            "--survey",
            metavar="S",
            help="Whose selection: sdss-compact, sdss-faint-compact, sdss-spectro, sdss-even, sdss-main, sdss-field, desi-main, "
            "desi-even, lamost, lamost-macnet, lamost-even, lsst.",
        ),
    ] = "sdss-compact",
    modalities: Annotated[
        str | None,
        typer.Option(
            "--modalities",
            metavar="NAMES",
            help="Of photometry, image, spectrum and spectrum2d (LAMOST's, from raw frames), with commas between.",
            show_default="photometry,image; with --as-survey photometry and all that the survey publishes",
        ),
    ] = None,
    as_survey: Annotated[
        Path | None,
        typer.Option(
            "--as-survey",
            metavar="DIR",
            help="Write the files that the survey would publish to DIR, beside the catalog or instead of it.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="K", help="Another seed gives another sky.")] = 0,
    stamp: Annotated[
        int | None,
        typer.Option(
            "--stamp",
            metavar="PIXELS",
            help="Side of the stamps: 32 or 64 for SDSS, 152 or 64 for the Legacy Surveys.",
            show_default="the first",
        ),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(
            "--templates",
            metavar="DIR",
            help="Take spectra from the template libraries in DIR (its folders redrock, idlspec2d, miles, desisim).",
            show_default="embedded spectra",
        ),
    ] = None,
    template_part: Annotated[
        str | None,
        typer.Option(
            "--template-part",
            metavar="PART",
            help="With --templates: only those of one part, train or test, which have none in common.",
            show_default="all templates",
        ),
    ] = None,
    strip_rows: Annotated[
        int | None,
        typer.Option(
            "--strip-rows",
            metavar="N",
            help="Keep the N central rows of 2D spectra, an odd number.",
            show_default="all 15",
        ),
    ] = None,
    strip_window: Annotated[
        list[str] | None,
        typer.Option(
            "--strip-window",
            metavar="ARM=FIRST:END",
            help="Keep these pixels of an arm's 2D spectra, e.g. blue=1000:3000; once per arm.",
            show_default="all",
        ),
    ] = None,
    strip_sky: Annotated[
        bool, typer.Option("--strip-sky", help="Keep the sky that the sky fibres let expect in 2D spectra beside them.")
    ] = False,
    quantize: Annotated[
        float | None,
        typer.Option(
            "--quantize",
            metavar="Q",
            help="Round pixels of images and spectra to steps of at most a Q-th of their noise: 10 loses nothing and takes "
            "a quarter of the space.",
            show_default="not rounded",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", help="Processes; the result is the same.", show_default="all cores"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Simulate stars, galaxies and quasars as a survey would have them: photometry, stamps, spectra, and the truth.

    Photometry is measured on the noisy stamps; what was put in stands apart in truth_* columns, which no model can
    read. An interrupted simulation continues where it stopped, with the same templates only.

    \b
    Example:
        asterism simulate --size 10000 --survey sdss-compact --seed 1 --out sky
        asterism simulate --size 200 --survey sdss-spectro --as-survey files --out sky
        asterism simulate --size 230 --survey lamost --modalities spectrum2d --strip-rows 11 --strip-window blue=1000:3000 --out sky
        asterism simulate --size 5000 --survey lamost-macnet --templates templates --template-part test --out apart
        asterism simulate --size 20000 --survey desi-even --modalities photometry,image,spectrum --quantize 10 --out pairs
    """
    from rich.console import Console

    from asterism.cli.progress import progress_bar
    from asterism.errors import ConfigurationError
    from asterism.simulate.published.survey_files import published
    from asterism.simulate.rows import DEFAULT_MODALITIES
    from asterism.simulate.sky import simulate, simulate_files
    from asterism.surveys.ccd.strip_cuts import WHOLE, StripCut

    if out is None and as_survey is None:
        raise ConfigurationError("there is nothing to make; give --out, --as-survey or both")
    strips = StripCut.read(strip_rows, strip_window or ())
    if out is None and (strips != WHOLE or strip_sky):
        raise ConfigurationError("strips stand in a catalog, and none is asked for; give --out too")
    if out is None and quantize is not None:
        raise ConfigurationError("--quantize rounds what a catalog holds, and none is asked for; give --out too")
    console = Console(stderr=True, quiet=quiet)
    if modalities is not None:
        wanted = tuple(name.strip() for name in modalities.split(",") if name.strip())
    else:
        wanted = DEFAULT_MODALITIES if as_survey is None else ("photometry", *published(survey))
    seconds = expected_seconds(
        size, workers, "spectrum" in wanted, frames="spectrum2d" in wanted, files=as_survey is not None, survey=survey
    )
    console.print(
        f"Simulating {size:,} objects of {survey}: about {seconds:.0f} s, and "
        f"{2.5 if 'spectrum2d' in wanted else 0.4} GB of memory per worker.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    with progress_bar(console, "objects") as update:
        options: dict[str, Any] = {
            "survey": survey,
            "seed": seed,
            "modalities": wanted,
            "stamp": stamp,
            "templates": templates,
            "part": template_part,
            "workers": workers,
            "overwrite": overwrite,
            "progress": update,
        }
        if out is not None:
            catalog = simulate(
                size, out, as_survey=as_survey, strips=strips, sky=strip_sky, quantize=quantize, **options
            )
        elif as_survey is not None:
            simulate_files(size, as_survey, **options)
    if not quiet and out is not None:
        console.print(f"{len(catalog):,} objects: {', '.join(catalog.groups)}, truth", markup=False, highlight=False)
        typer.echo(str(out))
    if not quiet and as_survey is not None:
        typer.echo(str(as_survey))
