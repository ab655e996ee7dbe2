"""The `asterism` command: one verb a file, assembled here.

Importing a verb must stay cheap (no torch, no pyarrow at its top), so that ``asterism --help`` answers at once; each verb
imports what it needs when it runs.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Annotated

import typer

from asterism import __version__
from asterism.errors import AsterismError, OutputError

__all__ = ["app", "main"]

#: Verbs in the order in which a user meets them, with their panel in ``--help``; ``-`` becomes ``_`` in the module's name.
VERBS = {
    "Start": ["demo"],
    "Make and look at catalogs": ["simulate", "ingest", "crossmatch", "info", "inspect", "split", "export"],
    "Learn and answer": ["train", "evaluate", "predict", "explain"],
    "Embed and look around": ["embed", "project", "cluster", "search"],
    "Papers": ["reproduce"],
}

#: Where the system has no room or gives no leave, at whatever file: a matter for the user, not a defect.
NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)

#: What typer ends with after Ctrl-C.
INTERRUPTED = 130

app = typer.Typer(
    name="asterism",
    help=(
        "Calibrated classes, redshift densities and embeddings from photometry, images and spectra of the same object.\n\n"
        "Every verb takes a catalog and gives a catalog. Try: asterism demo"
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asterism {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def _assemble() -> None:
    for panel, verbs in VERBS.items():
        for verb in verbs:
            module = import_module(f"asterism.cli.{verb.replace('-', '_')}")
            if hasattr(module, "app"):
                app.add_typer(module.app, name=verb, rich_help_panel=panel)
            else:
                app.command(name=verb, rich_help_panel=panel)(module.command)


_assemble()


def main() -> None:
    """Run the command line; a user's error ends in one sentence on standard error and the error's exit code."""
    try:
        app()
    except AsterismError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in NO_PLACE:
            raise
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(
            f"error: {place}{error.strerror}; make room or give it leave, and run the same command again", err=True
        )
        sys.exit(OutputError.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("interrupted: run the same command again to continue where it stopped", err=True)
        raise
