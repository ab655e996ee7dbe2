"""`asterism predict`: a catalog and a model give the catalog of answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["command"]


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run or model directory.")],
    catalog: Annotated[Path, typer.Option("--catalog", metavar="C", help="Catalog to answer for.")],
    out: Annotated[Path, typer.Option("--out", metavar="D", help="Catalog of answers to make.")],
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A running Dask scheduler instead.")
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(
            "--prior",
            metavar="FILE",
            help="Table of class fractions to answer under; by magnitude with r_mag_lo, r_mag_hi.",
        ),
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Write the catalog's own columns too, not only the answers.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Answer for every object of a catalog: class probabilities and a set of classes, p(z), in domain or not.

    The output holds identity and answers, partition by partition as its parent, and opens joined with it; an interrupted
    one continues where it stopped.

    Example: asterism predict run --catalog new.hats --out answers.hats --workers 2
    """
    from rich.console import Console

    from asterism.catalogs.catalog import open_catalog
    from asterism.cli.progress import progress_bar
    from asterism.inference.predict import predict_catalog
    from asterism.inference.predictor import Predictor

    console = Console(stderr=True, quiet=quiet)
    predictor = Predictor.from_pretrained(run)
    source = open_catalog(catalog)
    with progress_bar(console, f"predicting {len(source):,} objects") as update:
        answers = predict_catalog(
            predictor,
            source,
            out,
            prior=prior,
            workers=workers,
            scheduler=scheduler,
            wide=wide,
            overwrite=overwrite,
            progress=update,
        )
    if quiet:
        return
    counts = _counts(answers)
    console.print(f"{len(answers):,} objects: {counts}", markup=False, highlight=False)
    typer.echo(str(out))


def _counts(answers: Catalog) -> str:
    import pyarrow.compute as pc

    names = [n for n in ("class_predicted", "z_median", "in_domain") if n in answers.schema.names]
    table = answers.read(names)
    told = []
    if "class_predicted" in names:
        found = sorted(
            (e["values"] or "no answer", e["counts"]) for e in pc.value_counts(table["class_predicted"]).to_pylist()
        )
        told += [f"{name} {count:,}" for name, count in found]
    if "z_median" in names and table["z_median"].null_count < len(table):
        low, middle, high = pc.quantile(table["z_median"], [0.05, 0.5, 0.95]).to_pylist()
        told.append(f"median redshift {middle:.3f} (5 to 95 %: {low:.3f} to {high:.3f})")
    text = ", ".join(told)
    outside = pc.sum(pc.invert(table["in_domain"])).as_py()
    return text + (f"; out of domain {outside:,}" if outside is not None else "")
