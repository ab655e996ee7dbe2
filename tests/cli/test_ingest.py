"""All kinds of files have a command, with an example."""

import pytest
from typer.testing import CliRunner

from asterism.cli.ingest import app

KINDS = ("table", "margnet", "images", "sdss", "lamost", "desi", "legacy", "mmu")


@pytest.mark.parametrize("kind", KINDS)
def test_help_has_an_example(kind):
    done = CliRunner().invoke(app, [kind, "--help"])
    assert done.exit_code == 0
    assert f"asterism ingest {kind}" in done.output


def test_all_kinds_are_listed():
    done = CliRunner().invoke(app, ["--help"])
    assert all(kind in done.output for kind in KINDS)
