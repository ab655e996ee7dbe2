"""`asterism split` through the command line."""

import pytest
import typer
from typer.testing import CliRunner

from asterism.catalogs.splits import read_split, split_made_by
from asterism.cli.split import command, parse_fractions
from asterism.errors import ConfigurationError, OutputError

app = typer.Typer()
app.command()(command)


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})


def test_every_option_reaches_the_split(make_sky):
    catalog = make_sky(rows=60, image=False)
    options = "--fractions train=.5,validation=.1,calibration=.1,test=.3 --stratify none --folds 3 --seed 4"
    done = run(catalog.path, *options.split(), "--where", "r_mag < 30", "--name", "mine")
    assert done.exit_code == 0, done.output
    for word in ("part", "objects", "sources", "STAR", "train", "calibration"):
        assert word in done.output
    how = split_made_by(catalog, "mine")
    assert (how["by"], how["stratify"], how["folds"], how["where"], how["seed"]) == (
        "source",
        "none",
        3,
        "r_mag < 30",
        4,
    )
    assert how["fractions"]["test"] == 0.3
    assert run(catalog.path, "--by", "tile", "--order", "6", "--name", "tiles", "--quiet").output == ""
    assert split_made_by(catalog, "tiles")["order"] == 6


def test_defaults_counts_and_overwrite(make_sky):
    catalog = make_sky(rows=60, image=False)
    done = run(catalog.path)
    assert done.exit_code == 0, done.output
    counts = [int(line.split("│")[2]) for line in done.output.splitlines() if line.startswith("│")]
    assert sum(counts) == 60
    first = read_split(catalog, "default")
    refused = run(catalog.path, "--seed", 1)
    assert isinstance(refused.exception, OutputError)
    assert read_split(catalog, "default").equals(first)
    assert run(catalog.path, "--seed", 1, "--overwrite").exit_code == 0
    assert not read_split(catalog, "default").equals(first)


def test_help_has_an_example():
    assert "asterism split sky.hats --name bright" in run("--help").output


@pytest.mark.parametrize("text", ["train", "train=", "train=half", "", "train=.5,train=.5"])
def test_fractions_in_one_sentence(text):
    with pytest.raises(ConfigurationError, match="--fractions"):
        parse_fractions(text)


def test_fractions():
    assert parse_fractions("train=.7, test=0.3") == {"train": 0.7, "test": 0.3}
