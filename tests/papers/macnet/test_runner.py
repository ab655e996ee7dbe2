import io

import pytest
from rich.console import Console

from asterism.errors import ConfigurationError, OutputError
from asterism.papers.macnet.rows import Fit, Row
from asterism.papers.macnet.runner import expected_seconds, reproduce


def test_finished_rows_are_never_run_again(place):
    records = {p: p.stat().st_mtime_ns for p in place.glob("rows/*/*/*/row.json")}
    assert len(records) == 17
    said = io.StringIO()
    reproduce(place, scale="tiny", only="table4-sample+lightgbm", workers=1, console=Console(file=said))
    assert {p: p.stat().st_mtime_ns for p in place.glob("rows/*/*/*/row.json")} == records
    assert "accuracy" not in said.getvalue()


def test_one_place_holds_one_table(place):
    with pytest.raises(OutputError, match="was made from other inputs"):
        reproduce(place, scale="small", only="table4-sample+lightgbm")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": "huge"}, "unknown scale"),
        ({"seeds": 0}, "seeds must be 1"),
        ({"only": "tabel4"}, "did you mean"),
        ({"only": "crossed"}, "add --templates"),
        ({"templates": "t", "data_dir": "d"}, "leave --templates or --data"),
    ],
)
def test_mistakes_cost_nothing(tmp_path, options, says):
    with pytest.raises(ConfigurationError, match=says):
        reproduce(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_is_dear_is_told_to_be():
    def seconds(method, training="sample"):
        return expected_seconds(Fit(training, method, 0), "full", [Row("table4", training, method, 0)])

    assert seconds("macnet-published") > 100 * seconds("macnet")
    # Ten times the objects, 8 passes instead of 30; scoring the test objects costs both the same.
    assert 8 / 3 * seconds("macnet") > seconds("macnet", "large") > 2.5 * seconds("macnet")
    assert seconds("macnet") > 60
    assert seconds("images-taught", "tenth") > seconds("images-alone", "tenth") > seconds("images-alone", "few")
