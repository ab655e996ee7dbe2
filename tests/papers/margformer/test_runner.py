import io

import pytest
from rich.console import Console

from asterism.errors import ConfigurationError, OutputError
from asterism.papers.margformer.rows import Fit
from asterism.papers.margformer.runner import expected_seconds, reproduce


def test_finished_rows_are_never_run_again(place):
    records = {p: p.stat().st_mtime_ns for p in place.glob("rows/*/*/*/row.json")}
    said = io.StringIO()
    reproduce(place, scale="tiny", only="experiment1-sg+lightgbm", workers=1, console=Console(file=said))
    assert {p: p.stat().st_mtime_ns for p in place.glob("rows/*/*/*/row.json")} == records
    assert "accuracy" not in said.getvalue()


def test_a_row_that_lacks_is_scored_from_the_training_that_is_there(place):
    row = place / "rows" / "experiment3-disjoint-sgq" / "lightgbm" / "seed-0"
    before = (row / "row.json").read_text()
    (row / "row.json").unlink()
    said = io.StringIO()
    results = reproduce(
        place, scale="tiny", only="experiment3-disjoint-sgq+lightgbm", workers=1, console=Console(file=said, width=200)
    )
    assert "experiment3-disjoint-sgq+lightgbm+seed0: accuracy" in said.getvalue()
    assert "0 of 1 rows are there" in said.getvalue()
    assert {e["experiment"] for e in results["experiments"]} >= {"experiment1", "experiment3-disjoint"}
    assert '"train_seconds"' in before


def test_one_place_holds_one_table(place):
    with pytest.raises(OutputError, match="was made from other inputs"):
        reproduce(place, scale="small", only="experiment1-sg+lightgbm")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scale": "huge"}, "unknown scale"),
        ({"seeds": 0}, "seeds must be 1"),
        ({"only": "experiment4"}, "did you mean"),
    ],
)
def test_mistakes_cost_nothing(tmp_path, options, says):
    with pytest.raises(ConfigurationError, match=says):
        reproduce(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_is_dear_is_told_to_be():
    published, ours = (Fit("compact", "sgq", name, 0) for name in ("margformer-published", "margformer"))
    assert expected_seconds(published, "small", 3) > 2 * expected_seconds(ours, "small", 3) > 60
