"""`asterism inspect` from the outside."""

import pytest
import typer
from typer.testing import CliRunner

from asterism.cli.inspect import command
from asterism.errors import BadInputError, ConfigurationError
from asterism.simulate.sky import simulate

app = typer.Typer()
app.command()(command)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    return simulate(3, tmp_path_factory.mktemp("sky") / "c", seed=3, modalities=("photometry", "image"), workers=1).path


def test_a_picture_by_default(sky, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [str(sky), "sim-sdss-compact-3-000000001"])
    assert done.exit_code == 0
    assert "sim-sdss-compact-3-000000001.png" in done.output
    assert (tmp_path / "sim-sdss-compact-3-000000001.png").stat().st_size > 10_000


def test_quiet_writes_and_says_nothing(sky, tmp_path):
    done = CliRunner().invoke(app, [str(sky), "sim-sdss-compact-3-000000001", "--out", str(tmp_path / "a.html"), "-q"])
    assert done.output == ""
    assert "sim-sdss-compact-3-000000001" in (tmp_path / "a.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "out", "error", "words"),
    [
        ("sim-sdss-compact-3-00000001", "a.png", BadInputError, "did you mean"),
        ("sim-sdss-compact-3-000000001", "a.gif", ConfigurationError, "should end with"),
    ],
)
def test_errors_are_one_sentence(sky, tmp_path, name, out, error, words):
    done = CliRunner().invoke(app, [str(sky), name, "--out", str(tmp_path / out)])
    assert isinstance(done.exception, error)
    assert words in str(done.exception)
