"""`asterism info`: what a catalog holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["command"]


def command(
    catalog: Annotated[Path, typer.Argument(help="Directory of the catalog.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all data files and compare them with what was written.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing: look whether it is sound.")] = False,
) -> None:
    """Show what a catalog holds: rows, sources, modalities with units, classes, splits, and how it was made.

    \b
    Example:
        asterism info sky
        asterism info sky --json | jq .classes
    """
    from asterism.catalogs.catalog import open_catalog

    opened = open_catalog(catalog)
    if verify:
        opened.verify()
    described = opened.describe()
    if quiet:
        return
    if as_json:
        typer.echo(json.dumps(described, indent=1))
        return
    from rich.console import Console

    _print(Console(highlight=False), described)
    if verify:
        typer.echo("Every data file holds what was written.")


def _print(console: Console, told: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")

    def fact(name: str, value: object) -> None:
        facts.add_row(name, escape(str(value)))

    fact("Catalog", told["path"])
    layout = "HATS, on the sky" if told["kind"] == "placed" else "Parquet, without positions"
    fact("Kind", f"{told['kind']} ({layout}), {told['partitions']} data files")
    sources = "" if told["sources"] is None else f" of {told['sources']:,} sources"
    fact("Rows", f"{told['rows']:,}{sources}")
    if told["parent"]:
        fact("Adds to", f"{told['parent']['path']} (fingerprint {told['parent']['fingerprint']})")
    if told["classes"]:
        fact("Classes", _counts(told["classes"]))
    if told["redshift"] and told["redshift"]["n"]:
        z = told["redshift"]
        fact("Redshift", f"{z['min']:.4g} to {z['max']:.4g}, median {z['median']:.4g} ({z['n']:,} rows)")
    for name, parts in told["splits"].items():
        fact(f"Split {name}", _counts(parts))
    fact("Fingerprint", told["fingerprint"])
    fact("Made by", ", ".join(f"{key}: {value}" for key, value in told["made_by"].items()))
    quarantined = told["quarantine"]
    fact("Quarantine", f"{quarantined['rows']:,} lines" if quarantined["rows"] else "empty")
    for reason, count in quarantined["reasons"].items():
        fact("", f"{count:,} × {reason}")
    for name, group in told["groups"].items():
        facts.add_section()
        lines = _group_lines(group)
        fact(name, lines[0])
        for line in lines[1:]:
            fact("", line)
    grouped = {f"{name}_{quantity}" for name, group in told["groups"].items() for quantity in group["units"]}
    facts.add_section()
    others = [
        f"{name} [{column['unit']}]" if column["unit"] else name
        for name, column in told["columns"].items()
        if name not in grouped
    ]
    fact("Other columns", ", ".join(others))
    console.print(facts)


def _counts(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {count:,} ({count / total:.1%})" for name, count in counts.items())


def _group_lines(group: dict[str, Any]) -> list[str]:
    """What one modality is: bands and shape, kind of measurement, columns with units, and how much of it is there."""
    notes = []
    if group["dereddened"] is not None:
        notes.append("dereddened" if group["dereddened"] else "as observed (not dereddened)")
    if group["zero_point"]:
        notes.append(f"zero point {group['zero_point']}")
    if group["magnitude_type"] and group["magnitude_type"] != "unknown":
        notes.append(f"{group['magnitude_type']} magnitudes")
    if group["ivar_source"] == "depth":
        notes.append("ivar from the published depth")
    if group["pixel_scale"]:
        notes.append(f"{group['pixel_scale']:g} arcsec per pixel")
    shape = "×".join(map(str, group["shape"]))
    units = [f"{quantity} [{unit}]" if unit else quantity for quantity, unit in group["units"].items()]
    missing = [f"{band} {share:.1%}" for band, share in group["not_observed"].items() if share]
    return [
        "; ".join(filter(None, [f"bands {' '.join(group['bands'])}" if group["bands"] else "", f"shape {shape}"])),
        *(["; ".join(notes)] if notes else []),
        ", ".join(units),
        f"measured in {group['present']:.1%} of rows, absent in {1 - group['present']:.1%}; "
        f"not observed: {', '.join(missing) or 'no band'}",
    ]
