import io
import json

import pytest
from rich.console import Console

from asterism.errors import ConfigurationError, OutputError
from asterism.papers.avis.methods import KEPT, MASKED
from asterism.papers.avis.rows import Fit, Row
from asterism.papers.avis.runner import expected_seconds, reproduce


def test_finished_rows_are_never_run_again(place, sky):
    records = {p: p.stat().st_mtime_ns for p in place.glob("rows/*/*/*/row.json")}
    assert len(records) == 12
    said = io.StringIO()
    reproduce(
        place, scale="tiny", only=f"redshift+mean,maps+{KEPT}", data_dir=sky, workers=1, console=Console(file=said)
    )
    assert {p: p.stat().st_mtime_ns for p in place.glob("rows/*/*/*/row.json")} == records
    assert "rows are there" not in said.getvalue()


def test_a_row_that_lacks_is_made_from_the_training_that_is_there(place, sky):
    row, training = (place / where for where in ("rows/redshift/mean/seed-0", "models/mean/seed-0/training.json"))
    before, trained = json.loads((row / "row.json").read_text()), training.stat().st_mtime_ns
    (row / "row.json").unlink()
    said = io.StringIO()
    results = reproduce(
        place, scale="tiny", only="redshift+mean", data_dir=sky, workers=1, console=Console(file=said, width=200)
    )
    assert "0 of 1 rows are there" in said.getvalue()
    assert "mean, seed 0: about" in said.getvalue()
    assert training.stat().st_mtime_ns == trained
    after = json.loads((row / "row.json").read_text())
    assert after["figures"] == before["figures"]
    assert not results["missing"]


def test_one_place_holds_one_table(place, sky):
    with pytest.raises(OutputError, match="another scale"):
        reproduce(place, scale="small", only="redshift+mean", data_dir=sky)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": "huge"}, "unknown scale"),
        ({"seeds": 0}, "seeds must be 1"),
        ({"only": "redshfit"}, "did you mean"),
        ({"only": "maps+mean"}, "no row of the table"),
        ({"templates": "t", "data_dir": "d"}, "leave --templates or --data"),
    ],
)
def test_mistakes_cost_nothing(tmp_path, options, says):
    with pytest.raises(ConfigurationError, match=says):
        reproduce(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_is_dear_is_told_to_be(tmp_path, place):
    def seconds(method, scale, out, part="redshift"):
        return expected_seconds(Fit(method, 0), scale, [Row(part, method, 0)], out)

    assert seconds(KEPT, "full", tmp_path) > 100 * seconds(KEPT, "small", tmp_path) / 3
    # What it starts from counts until it is there, and no objective is as cheap as a mean.
    assert (
        seconds(KEPT, "small", tmp_path) > seconds(MASKED, "small", tmp_path) > 10 * seconds("mean", "small", tmp_path)
    )
    assert seconds("infonce", "small", tmp_path) > 10 * seconds("mean", "small", tmp_path)
    assert seconds(KEPT, "tiny", place) < seconds(KEPT, "tiny", tmp_path)  # its training is there
