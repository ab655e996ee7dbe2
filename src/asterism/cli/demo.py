"""`asterism demo`: the whole line once, on a simulated sky: simulate, split, train, predict, report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asterism.errors import AsterismError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["command", "run_demo"]

_SIZE = 4000
_SEED = 0
_SPLIT = "default"


def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory for all results.")] = Path(
        "asterism-demo"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do every step anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the report's path only.")] = False,
) -> None:
    """Simulate a small sky, train a model on its images and photometry, answer for it, and write a report to open.

    Takes a few minutes on two cores. Run it again after an interruption and it goes on; what is there is kept.

    \b
    Example:
        asterism demo --out demo
    """
    from rich.console import Console

    report = run_demo(out, overwrite=overwrite, console=Console(stderr=True, quiet=quiet))
    typer.echo(str(report))


def run_demo(
    out: Path,
    *,
    size: int = _SIZE,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    console: Console,
) -> Path:
    """Do the steps of the demo that are not done yet.

    Parameters
    ----------
    out : Path
        Directory; ``sky``, ``run``, ``answers`` and ``report`` are made in it.
    size : int
        Objects to simulate.
    settings : mapping, optional
        Settings of the training by dotted key; the defaults where none is given.
    overwrite : bool
        Do every step anew.
    console : rich.console.Console
        Is told the steps.

    Returns
    -------
    Path
        The report, an HTML file that opens offline.
    """
    from asterism.catalogs.splits import make_split
    from asterism.cli.progress import progress_bar
    from asterism.cli.simulate import expected_seconds
    from asterism.inference.evaluate import evaluate
    from asterism.inference.predict import predict_catalog
    from asterism.inference.predictor import Predictor
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train
    from asterism.simulate.sky import simulate

    sky, run, answers, report = (out / name for name in ("sky", "run", "answers", "report"))
    seconds = expected_seconds(size, None, survey="sdss-compact")
    _step(console, 1, f"Simulate {size:,} stars, galaxies and quasars with stamps", seconds, sky)
    with progress_bar(console, "objects") as update:
        catalog = simulate(size, sky, seed=_SEED, overwrite=overwrite, progress=update)
    make_split(catalog, _SPLIT, seed=_SEED, overwrite=overwrite)
    beside = _baselines_there(console)
    _step(console, 2, "Train MargFormer on photometry and images, and baselines beside it", 0.025 * size, run)
    train(
        catalog,
        run,
        split=_SPLIT,
        config=parse_settings(settings or {}),
        baselines=beside,
        seed=_SEED,
        overwrite=overwrite,
        console=console,
    )
    _step(console, 3, "Answer for every object: probabilities, sets of classes, domain", 0.002 * size, answers)
    with progress_bar(console, "objects") as update:
        predict_catalog(Predictor.from_pretrained(run), catalog, answers, overwrite=overwrite, progress=update)
    _step(console, 4, "Score the test part, which the model has not seen", 0.005 * size, report)
    metrics = evaluate(run, catalog, report, split=_SPLIT, baselines=beside, overwrite=overwrite)
    _summary(console, metrics)
    page = report / "report.html"
    console.print(f"\nThe report, to open in a browser: [bold]{page}[/]", soft_wrap=True, highlight=False)
    console.print(
        f"Look further: asterism info {sky} | asterism export {answers} answers.csv --columns object_id,p_star,p_qso",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return page


def _baselines_there(console: Console) -> bool:
    """Whether the baselines' libraries, which are no part of the core install, are there."""
    from asterism.learning.baselines import check_libraries

    try:
        check_libraries()
    except AsterismError as error:
        console.print(f"Without baselines: {error}", markup=False, highlight=False, soft_wrap=True)
        return False
    return True


def _step(console: Console, number: int, what: str, seconds: float, place: Path) -> None:
    there = " [dim](there already)[/]" if place.exists() else f" [dim](about {max(5, 5 * round(seconds / 5))} s)[/]"
    console.print(f"[bold]{number}/4[/] {what}{there}", highlight=False, soft_wrap=True)


def _summary(console: Console, metrics: Mapping[str, Any]) -> None:
    """Accuracy and log-loss of the model and the baselines on the test part."""
    from rich.table import Table

    table = Table(title=f"{metrics['n']:,} test objects")
    table.add_column("model")
    for heading in ("accuracy", "log-loss", "ECE"):
        table.add_column(heading, justify="right")
    for name, scores in {"margformer": metrics, **metrics.get("baselines", {})}.items():
        table.add_row(name, *(f"{scores[key]:.3f}" for key in ("accuracy", "log_loss", "ece")))
    console.print(table)
