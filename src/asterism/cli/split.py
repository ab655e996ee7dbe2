"""`asterism split`: name the parts of a catalog that serve training, validation, calibration and the test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asterism.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["command", "parse_fractions"]


def command(
    catalog: Annotated[Path, typer.Argument(metavar="CATALOG", help="Catalog to split.")],
    name: Annotated[str, typer.Option("--name", help="Name of the split.")] = "default",
    by: Annotated[
        str, typer.Option("--by", metavar="source|tile", help="Single sources, or whole sky tiles.")
    ] = "source",
    order: Annotated[int | None, typer.Option("--order", help="HEALPix order of the tiles (default 5).")] = None,
    fractions: Annotated[
        str | None,
        typer.Option("--fractions", help="Default train=.7,validation=.1,calibration=.1,test=.1"),
    ] = None,
    stratify: Annotated[
        str, typer.Option("--stratify", help="Column to keep in proportion, or none (auto: class where there is one).")
    ] = "auto",
    folds: Annotated[int | None, typer.Option("--folds", help="Folds for cross-validation; fold 0 is tested.")] = None,
    where: Annotated[str | None, typer.Option("--where", help="Only rows that meet this condition.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives another split.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a split of this name.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Split a catalog's sources into train, validation, calibration and test, and keep the split in it.

    All observations of a source are in one part; classes keep their proportions.

    \b
    Example:
      asterism split sky.hats --name bright --where "r_mag < 20" --seed 1
    """
    from asterism.catalogs.catalog import open_catalog
    from asterism.catalogs.splits import make_split

    opened = open_catalog(catalog)
    table = make_split(
        opened,
        name,
        by=by,
        order=order,
        fractions=None if fractions is None else parse_fractions(fractions),
        stratify=stratify,
        folds=folds,
        where=where,
        seed=seed,
        overwrite=overwrite,
    )
    if not quiet:
        labels = None
        if "class" in opened.schema.names:
            ids = table["object_id"]
            labelled = opened.read(["object_id", "class"])
            labels = labelled["class"].take(_positions(labelled["object_id"], ids))
        _print(table, labels, name, catalog)


def parse_fractions(text: str) -> dict[str, float]:
    """Read ``"train=.7,test=.3"``.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict of str to float

    Raises
    ------
    ConfigurationError
        If it is not written so, or names a part twice.
    """
    fractions: dict[str, float] = {}
    for piece in text.split(","):
        part, _, value = (word.strip() for word in piece.partition("="))
        try:
            number = float(value)
        except ValueError:
            raise ConfigurationError(f"--fractions {text!r}: {piece!r} is not PART=NUMBER, such as train=.7") from None
        if part in fractions:
            raise ConfigurationError(f"--fractions {text!r} gives {part!r} twice; give each part once")
        fractions[part] = number
    return fractions


def _positions(ids: pa.ChunkedArray, wanted: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.index_in(wanted, value_set=ids.combine_chunks())


def _print(table: pa.Table, labels: pa.ChunkedArray | None, name: str, catalog: Path) -> None:
    """One line per part: objects, sources, and objects of each class."""
    import pyarrow.compute as pc
    from rich.console import Console
    from rich.table import Table

    from asterism.catalogs.splits import PARTS

    classes = [] if labels is None else sorted(pc.unique(labels.drop_null()).to_pylist())
    shown = Table(title=f"split {name!r} of {catalog}")
    shown.add_column("part")
    for heading in ("objects", "sources", *classes):
        shown.add_column(heading, justify="right")
    for part in PARTS:
        inside = pc.equal(table["part"], part)
        rows = table.filter(inside)
        if len(rows):
            counts = [len(rows), pc.count_distinct(rows["source_id"]).as_py()]
            if labels is not None:
                here = labels.filter(inside)
                counts += [pc.sum(pc.equal(here, one)).as_py() or 0 for one in classes]
            shown.add_row(part, *(f"{count:,}" for count in counts))
    Console().print(shown)
