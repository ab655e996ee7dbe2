"""`asterism reproduce` on the command line."""

import pytest
import typer
from typer.testing import CliRunner

from asterism.cli.reproduce import command
from asterism.errors import ConfigurationError

app = typer.Typer()
app.command("reproduce")(command)
runner = CliRunner()


def test_help_has_an_example():
    result = runner.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "asterism reproduce margformer --scale tiny --out trial" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["margforner"], "did you mean 'margformer'"),
        (["margformer", "--only", "lightgmb"], "did you mean 'lightgbm'"),
        (["margformer", "--scale", "tinny"], "did you mean 'tiny'"),
        (["margformer", "--workers", "0"], "workers must be 1 or more"),
    ],
)
def test_mistakes_are_one_sentence(arguments, says, tmp_path):
    result = runner.invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, ConfigurationError)
    assert says in str(result.exception)
    assert not (tmp_path / "out").exists()
