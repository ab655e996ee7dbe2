"""`asterism evaluate`: figures, tables and one HTML report for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]

_FIGURES = (
    {
        "accuracy": "accuracy",
        "macro F1": "macro_f1",
        "log-loss": "log_loss",
        "ECE": "ece",
        "null95": "ece_null95",
        "cover": "coverage",
        "size": "set_size",
    },
    {
        "σ_NMAD": "sigma_nmad",
        "bias": "bias",
        ">0.05": "outlier_rate_0.05",
        ">0.15": "outlier_rate_0.15",
        "CDE loss": "cde_loss",
        "PIT KS": "pit_ks",
        "crit95": "pit_ks_critical95",
    },
    {
        "recall@1": "recall_at_1",
        "recall@10": "recall_at_10",
        "median rank": "median_rank",
        "pool": "pool",
    },
    {
        "kNN R²": "knn_r2",
        "σ_NMAD": "knn_sigma_nmad",
        ">0.15": "knn_outlier_rate_0.15",
        "image R²": "image_knn_r2",
        "spectrum R²": "spectrum_knn_r2",
        "macro recall": "knn_macro_recall",
    },
)
"""What is shown on the terminal, by task: heading and key in metrics.json; a task's first key tells whether it is there."""


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run or model directory.")],
    catalog: Annotated[Path, typer.Option("--catalog", metavar="C", help="Labelled catalog to score on.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Directory for metrics.json, tables and report.html.")
    ],
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Score the test part of this split; else every row.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help='Condition on the objects, e.g. "r_mag < 20".')
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="Put LightGBM, XGBoost and an MLP beside classes, LightGBM and a random forest beside redshifts.",
        ),
    ] = False,
    transductive: Annotated[
        bool,
        typer.Option("--transductive", help="Also score objects that the run adapted to without labels, and say so."),
    ] = False,
    pool: Annotated[
        int | None,
        typer.Option(
            "--pool",
            metavar="N",
            help="Candidates among which an image looks for its spectrum, for aligned runs; else 2,000 or as many as fit.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results made from other inputs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Score a run on labelled objects that it has not seen.

    Refuses when one source stands on both sides. Of a run that aligns images and spectra it scores the embeddings: how an image
    finds its spectrum, and what probes read off that learn from the labels of the split's training and validation parts.

    Example: asterism evaluate run --catalog stars.hats --split default --baselines --out report
    """
    from rich.console import Console
    from rich.table import Table

    from asterism.inference.evaluate import evaluate

    console = Console(stderr=True, quiet=quiet)
    with console.status("scoring"):
        metrics = evaluate(
            run,
            catalog,
            out,
            split=split,
            where=where,
            baselines=baselines,
            transductive=transductive,
            pool=pool,
            overwrite=overwrite,
        )
    if quiet:
        return
    scored = f"test part of split {split}" if split else "every row"
    console.print(f"{metrics['n']:,} objects, {scored}", highlight=False)
    methods = {metrics["model"]: metrics, **metrics["baselines"]}
    for figures in _FIGURES:
        having = {name: m for name, m in methods.items() if next(iter(figures.values())) in m}
        if not having:
            continue
        # No frame: the figures of all methods must fit a terminal of 80 columns.
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("", *figures):
            table.add_column(name, justify="right" if name else "left", no_wrap=True)
        for name, m in having.items():
            table.add_row(name, *(f"{m[key]:.4f}" if m.get(key) is not None else "–" for key in figures.values()))
        console.print(table)
    typer.echo(str(out / "report.html"))
