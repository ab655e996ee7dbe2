"""`asterism demo`: the whole line, once, small."""

import io
import json

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.cli import demo
from asterism.errors import ConfigurationError, OutputError
from asterism.learning import baselines, train

QUICK = {"fit.epochs": 2, "fit.batch_size": 64, "model.width": 16, "model.members": 2}
app = typer.Typer()
app.command()(demo.command)


@pytest.fixture
def without_baselines(monkeypatch):
    def refuse():
        raise ConfigurationError("the baselines need lightgbm")

    # Both: `train` has the function by name, and would keep the patched one if it were first imported meanwhile.
    monkeypatch.setattr(baselines, "check_libraries", refuse)
    monkeypatch.setattr(train, "check_libraries", refuse)


def test_it_goes_from_a_sky_to_a_report_and_keeps_what_is_there(tmp_path, without_baselines):
    said = io.StringIO()
    console = Console(file=said, width=200)
    page = demo.run_demo(tmp_path / "demo", size=220, settings=QUICK, console=console)
    assert page == tmp_path / "demo" / "report" / "report.html"
    assert "<html" in page.read_text("utf-8")
    assert len(open_catalog(tmp_path / "demo" / "sky")) == 220
    assert "p_qso" in open_catalog(tmp_path / "demo" / "answers").schema.names
    metrics = json.loads((page.parent / "metrics.json").read_text("utf-8"))
    assert 15 <= metrics["n"] <= 30
    told = said.getvalue()
    assert [f"{number}/4" in told for number in (1, 2, 3, 4)] == [True] * 4
    assert "Without baselines: the baselines need lightgbm" in told
    assert str(page) in told
    weights = (tmp_path / "demo" / "run" / "model.safetensors").stat().st_mtime_ns
    demo.run_demo(tmp_path / "demo", size=220, settings=QUICK, console=console)
    assert (tmp_path / "demo" / "run" / "model.safetensors").stat().st_mtime_ns == weights
    assert said.getvalue().count("there already") == 4


def test_a_place_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "demo" / "sky").mkdir(parents=True)
    (tmp_path / "demo" / "sky" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="did not make"):
        demo.run_demo(tmp_path / "demo", size=220, console=Console(file=io.StringIO()))


def test_help_says_how():
    assert "asterism demo --out demo" in CliRunner().invoke(app, ["--help"]).output
