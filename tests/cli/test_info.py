"""`asterism info` says what a catalog holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.splits import make_split
from asterism.cli.info import command
from asterism.errors import BadInputError

app = typer.Typer()
app.command()(command)


def test_the_page_names_what_there_is(make_sky: Callable[..., Catalog]) -> None:
    sky = make_sky()
    make_split(sky, "default", fractions={"train": 0.75, "test": 0.25})
    done = CliRunner().invoke(app, [str(sky.path), "--verify"], env={"COLUMNS": "300"})
    assert done.exit_code == 0
    for words in (
        "placed",
        "60 of 60 sources",
        "photometry_sdss",
        "bands u g r i z",
        "5×8×8",
        "0.396 arcsec per pixel",
        "flux [nanomaggy]",
        "measured in 95.0% of rows, absent in 5.0%; not observed: u 10.5%",
        "as observed (not dereddened)",
        "GALAXY 20",
        "Redshift",
        "default",
        sky.fingerprint,
        "command: a test",
        "Quarantine",
        "ra [deg]",
        "Every data file holds what was written.",
    ):
        assert words in done.output
    parts = re.search(r"train ([0-9]+) .*, test ([0-9]+) ", done.output)
    assert parts is not None
    assert sum(map(int, parts.groups())) == 60


def test_json_is_for_programs(tiny_table_sky: Catalog) -> None:
    done = CliRunner().invoke(app, [str(tiny_table_sky.path), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output) == tiny_table_sky.describe()


def test_a_wrong_path_is_one_sentence(tmp_path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "none")])
    assert isinstance(done.exception, BadInputError)
    assert "there is no catalog at" in str(done.exception)


@pytest.mark.parametrize("width", ["60", "80"])
def test_narrow_terminals_cut_nothing(tiny_sky: Catalog, width: str) -> None:
    done = CliRunner().invoke(app, [str(tiny_sky.path)], env={"COLUMNS": width})
    assert tiny_sky.fingerprint in done.output.replace("\n", "").replace(" ", "")
