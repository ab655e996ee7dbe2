"""`asterism simulate` on the command line."""

import pytest
import typer
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.cli import simulate as verb
from asterism.errors import ConfigurationError

app = typer.Typer()
app.command()(verb.command)


def test_it_makes_a_catalog_and_prints_where(tmp_path):
    out = tmp_path / "sky"
    done = CliRunner().invoke(app, ["--size", "12", "--out", str(out), "--seed", "2", "--survey", "sdss-spectro"])
    assert done.exit_code == 0, done.output
    assert str(out) in done.stdout.replace("\n", "")
    assert len(open_catalog(out)) == 12
    again = CliRunner().invoke(
        app, ["--size", "12", "--out", str(out), "--seed", "2", "--survey", "sdss-spectro", "--quiet"]
    )
    assert again.exit_code == 0
    assert again.output == ""


def test_an_unknown_survey_is_one_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match="did you mean 'sdss-spectro'"):
        CliRunner().invoke(
            app, ["--size", "12", "--out", str(tmp_path / "sky"), "--survey", "sdss-spectr"], catch_exceptions=False
        )


def test_help_shows_an_example():
    assert "asterism simulate --size 10000" in CliRunner().invoke(app, ["--help"]).output


def test_more_workers_are_expected_to_be_quicker():
    assert verb.expected_seconds(10_000, 4) < verb.expected_seconds(10_000, 1)
    assert verb.expected_seconds(10, 4) == verb.expected_seconds(10, 1)
