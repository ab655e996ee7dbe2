"""What all commands of `asterism ingest` share."""

from typer.testing import CliRunner

from asterism.cli.ingest import app
from asterism.cli.ingest_options import names_in, tell


def test_names_in_one_option():
    assert names_in(None) is None
    assert names_in("g, r,,z ") == ["g", "r", "z"]


def test_the_end_says_what_there_is_and_what_comes_next(make_sky, capsys):
    sky = make_sky()
    tell(sky, quiet=True)
    assert capsys.readouterr().out == ""
    tell(sky, quiet=False)
    told = capsys.readouterr().out
    assert "60 rows" in told
    assert "GALAXY 20" in told
    assert f"Next: asterism info {sky.path}" in told


def test_an_unknown_kind_is_an_error():
    assert CliRunner().invoke(app, ["sdsss"]).exit_code != 0
