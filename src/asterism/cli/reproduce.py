"""`asterism reproduce`: a paper's experiments, its published figures beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asterism.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["PAPERS", "command"]

PAPERS = ("margformer", "macnet", "avis")
"""Papers that can be reproduced."""


def command(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Which paper: margformer, macnet or avis.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory of models, rows and report.")],
    scale: Annotated[
        str,
        typer.Option(
            "--scale",
            metavar="SCALE",
            help="tiny (minutes; shows that all works, no more), small, medium or full; see docs/reproduce.md.",
        ),
    ] = "small",
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="PART",
            help="Rows to run, e.g. experiment1, table4 or experiment3-sgq+lightgbm; a comma is 'or', a plus 'and'.",
            show_default="the whole table",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", help="Of the methods that are repeated.", show_default="3"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="margformer: MargNet's public arrays (doi 10.5281/zenodo.6659435); macnet: your own frames and images;"
            " avis: catalogs train and test.",
            show_default="simulated objects",
        ),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(
            "--templates",
            metavar="DIR",
            help="macnet, avis: template libraries to simulate from, those of the test set kept apart.",
            show_default="embedded spectra",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", help="Processes, of one thread each.", show_default="all cores"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the report's path only.")] = False,
) -> None:
    """Reproduce a paper: run its experiments, and put its published figures beside ours in a report.

    Rows that are finished are kept, so that an interrupted table goes on, and rows can be run one by one.

    \b
    Example:
        asterism reproduce margformer --out margformer
        asterism reproduce margformer --scale tiny --out trial
        asterism reproduce margformer --only experiment3-bright-sgq --seeds 1 --out margformer
        asterism reproduce margformer --data MargNet --scale full --only margformer --out public
        asterism reproduce macnet --scale tiny --out trial-macnet
        asterism reproduce macnet --templates templates --only table4-sample --seeds 1 --out macnet
        asterism reproduce avis --scale tiny --out trial-avis
        asterism reproduce avis --templates templates --only redshift+infonce,retrieval+infonce --out avis
    """
    if paper not in PAPERS:
        raise ConfigurationError(unknown_name("paper", paper, PAPERS))
    from rich.console import Console

    console = Console(stderr=True, quiet=quiet)
    options: dict[str, Any] = {"scale": scale, "only": only, "seeds": seeds, "data_dir": data, "workers": workers}
    if paper == "macnet":
        from asterism.papers import macnet

        _print_macnet(console, macnet.reproduce(out, templates=templates, console=console, **options))
    elif paper == "avis":
        from asterism.papers import avis

        _print_avis(console, avis.reproduce(out, templates=templates, console=console, **options))
    else:
        if templates is not None:
            raise ConfigurationError(
                "--templates is for macnet and avis; margformer's twins are made of embedded spectra"
            )
        from asterism.papers import margformer

        _print_table(console, margformer.reproduce(out, console=console, **options))
    typer.echo(str(out / "report.html"))


def _print_macnet(console: Console, results: dict[str, Any]) -> None:
    """Accuracies, published beside ours, and the steps of the paper's order."""
    from rich.table import Table

    table = Table(title="Accuracy: published, and here (mean of seeds ± standard deviation, 95 % interval)")
    for heading in ("part", "learned from", "method"):
        table.add_column(heading)
    for heading in ("published", "here", "interval"):
        table.add_column(heading, justify="right")
    for entry in results["parts"]:
        for place, method in enumerate(entry["methods"].values()):
            published = results["published"].get(method["model"]) if entry["part"] in ("table4", "published") else None
            spread = "" if method["accuracy_std"] is None else f" ± {method['accuracy_std']:.4f}"
            low, high = method["accuracy_interval"]
            table.add_row(
                entry["part"] if not place else "",
                entry["training"] if not place else "",
                method["title"],
                f"{published['accuracy']:.3f}" if published else "",
                f"{method['accuracy']:.4f}{spread}",
                f"{low:.4f} to {high:.4f}",
            )
        table.add_section()
    console.print(table)
    for training, steps in results["steps"].items():
        for step in steps:
            low, high = step["accuracy"]["interval"]
            console.print(
                f"{training}: {step['before']} to {step['after']} {100 * step['accuracy']['difference']:+.2f} points"
                f" ({100 * low:+.2f} to {100 * high:+.2f}), published {100 * step['published']:+.1f}: {step['verdict']}",
                highlight=False,
            )
    if results["missing"]:
        console.print(f"{len(results['missing'])} rows of the table are not run yet.", highlight=False)


def _print_avis(console: Console, results: dict[str, Any]) -> None:
    """Aims, and what was reached."""
    from rich.table import Table

    table = Table(title="What was aimed at, and what was reached (95 % interval)")
    table.add_column("aim")
    for heading in ("at least", "reached", "interval"):
        table.add_column(heading, justify="right")
    for aim in results["aims"]:
        ends = "" if aim["interval"] is None else f"{aim['interval'][0]:.3f} to {aim['interval'][1]:.3f}"
        reached = "not run" if aim["reached"] is None else f"{aim['reached']:.3f}"
        table.add_row(aim["what"], f"{aim['aim']:g}", reached, ends)
    console.print(table)
    if results["missing"]:
        console.print(f"{len(results['missing'])} rows of the table are not run yet.", highlight=False)


def _print_table(console: Console, results: dict[str, Any]) -> None:
    """Accuracies, published beside ours."""
    from rich.table import Table

    table = Table(title="Accuracy: published, and here (mean of seeds ± standard deviation, 95 % interval)")
    for heading in ("experiment", "classes", "method"):
        table.add_column(heading)
    for heading in ("published", "here", "interval"):
        table.add_column(heading, justify="right")
    for entry in results["experiments"]:
        for place, (name, method) in enumerate(entry["methods"].items()):
            published = entry["published"].get(name)
            spread = "" if method["accuracy_std"] is None else f" ± {method['accuracy_std']:.4f}"
            low, high = method["accuracy_interval"]
            table.add_row(
                entry["title"] if not place else "",
                entry["class_set"].upper() if not place else "",
                method["title"],
                f"{published['accuracy']:.4f}" if published else "",
                f"{method['accuracy']:.4f}{spread}",
                f"{low:.4f} to {high:.4f}",
            )
        table.add_section()
    console.print(table)
    if results["missing"]:
        console.print(f"{len(results['missing'])} rows of the table are not run yet.", highlight=False)
