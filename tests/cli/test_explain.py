"""`asterism explain` from the outside."""

import pytest
import typer
from typer.testing import CliRunner

from asterism.cli.explain import command
from asterism.cli.main import VERBS
from asterism.errors import BadInputError, ConfigurationError

pytest.importorskip("captum")
app = typer.Typer()
app.command()(command)


def test_it_explains_and_says_where_the_page_is(small_run, tmp_path):
    first, second = small_run.catalog.read(["object_id"])["object_id"].to_pylist()[:2]
    out = tmp_path / "maps"
    done = CliRunner().invoke(
        app, [str(small_run.path), "--catalog", str(small_run.catalog.path), "--objects", f"{first}, {second}",
              "--class", "GALAXY", "--out", str(out)]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert str(out / "report.html") in done.output.replace("\n", "")
    assert len(list(out.glob("*.png"))) == 2


def test_quiet_says_nothing_and_an_unknown_object_or_map_is_an_error(small_run, tmp_path):
    name = small_run.catalog.read(["object_id"])["object_id"][0].as_py()
    given = [str(small_run.path), "--catalog", str(small_run.catalog.path), "--out", str(tmp_path / "maps"), "-q"]
    assert CliRunner().invoke(app, [*given, "--objects", name]).output == ""
    done = CliRunner().invoke(app, [*given, "--objects", name[:-1], "--overwrite"])
    assert isinstance(done.exception, BadInputError)
    done = CliRunner().invoke(app, [*given, "--objects", name, "--cam", "gradcam", "--overwrite"])
    assert isinstance(done.exception, ConfigurationError)
    assert "did you mean 'grad-cam'" in str(done.exception)


def test_it_is_among_the_verbs():
    assert any("explain" in verbs for verbs in VERBS.values())
