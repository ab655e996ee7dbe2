"""`asterism train`: from a catalog to a run, a calibrated model with its record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asterism.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console

    from asterism.learning.train import TrainedRun

__all__ = ["command"]


def command(
    catalog: Annotated[
        Path | None, typer.Option("--catalog", metavar="C", help="Catalog to learn from.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="RUN", help="Directory of the run.", show_default=False)
    ] = None,
    model: Annotated[str, typer.Option("--model", metavar="M", help="Name of the model.")] = "margformer",
    task: Annotated[
        str,
        typer.Option(
            "--task", metavar="T", help="What to learn: classification, redshift, or both: a,b; or alignment."
        ),
    ] = "classification",
    inputs: Annotated[
        str | None,
        typer.Option("--inputs", help="What to read, e.g. photometry,image=image_sdss.", show_default="all there is"),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", metavar="NAME", help="A split of the catalog.", show_default="'default', made if need be"
        ),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help='Only these objects, e.g. "r_mag < 20".')
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; see --show-config.")
    ] = None,
    adapt: Annotated[
        Path | None,
        typer.Option("--adapt", metavar="C2", help="Fainter objects to adapt to; their labels are not read."),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            "--teacher", metavar="RUN", help="A run that reads other inputs of this catalog, to learn its answers too."
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--start", metavar="RUN", help="A run of the same model whose weights to begin with."),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Fit what a user would else pick on the same objects: trees, a perceptron."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of weights, order, dropout and augmentation.")] = 0,
    show_config: Annotated[bool, typer.Option("--show-config", help="Print all settings and end.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run made from other inputs.")] = False,
) -> None:
    """Train a model on a catalog, calibrate it, and write the run. A run that was interrupted is continued.

    \b
    Example:
        asterism train --catalog sky --out run --baselines
        asterism train --catalog sky --out run --where "r_mag < 20" --set augment.dimming=2 --set fit.epochs=40
        asterism train --catalog bright --out run --where "r_mag < 20" --adapt faint
        asterism train --catalog sky --out run --task redshift --where "class = 'GALAXY'"
        asterism train --catalog sky --out run --inputs image --teacher run-of-spectra
        asterism train --catalog sky --out run --task alignment --model avis --inputs image,spectrum
        asterism train --catalog sky --out tuned --model avis --start aligned --task classification,redshift
        asterism train --show-config
    """
    from asterism.learning.config import parse_settings

    config = parse_settings(settings or [])
    if show_config:
        _print_settings(config.model_dump(mode="json"), model)
        return
    for option, value in (("--catalog", catalog), ("--out", out)):
        if value is None:
            raise ConfigurationError(f"{option} is missing; e.g. asterism train --catalog sky --out run")
    assert catalog is not None
    assert out is not None
    from rich.console import Console

    from asterism.learning.train import train

    done = train(
        catalog,
        out,
        model=model,
        task=task,
        inputs=inputs,
        split=split,
        where=where,
        config=config,
        adapt_to=adapt,
        teacher=teacher,
        start=start,
        baselines=baselines,
        seed=seed,
        overwrite=overwrite,
        console=None if quiet else Console(stderr=True),
    )
    if not quiet:
        _print(Console(highlight=False), done)


_SHOWN = {
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "negative_log_likelihood": "negative log-likelihood of redshifts",
    "sigma_nmad": "sigma_NMAD",
    "loss": "loss",
    "recall_at_1": "recall@1",
    "recall_at_10": "recall@10",
}


def _print(console: Console, done: TrainedRun) -> None:
    validation = done.summary["validation"]
    told = [f"{name} {validation[key]:.4f}" for key, name in _SHOWN.items() if key in validation]
    console.print(
        f"{done.path}: validation {', '.join(told)}."
        f"\nNext: asterism evaluate {done.path} --catalog {done.summary['catalog']['path']}"
        f" --split {done.summary['split']['name']} --out REPORT",
        markup=False,
        soft_wrap=True,
    )


def _print_settings(config: dict[str, object], model: str) -> None:
    """Every setting with its value and meaning, the model's own options included."""
    import json

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from asterism.learning.config import descriptions, dotted
    from asterism.models.registry import network_class

    values = dotted(config)
    options = network_class(model).Options
    defaults = {f"model.{key}": value for key, value in options().model_dump(mode="json").items()}
    meant = descriptions()
    meant |= {f"model.{key}": field.description or "" for key, field in options.model_fields.items()}
    shown = Table("setting", "value", "meaning", box=None)
    for key, value in {**defaults, **values}.items():
        shown.add_row(key, json.dumps(value), escape(meant[key]))
    shown.add_row("classification.class_weights.NAME", "1.0", "weight of a class in the loss, by name")
    Console(highlight=False).print(shown)
