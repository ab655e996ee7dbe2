import numpy as np

from asterism.papers.macnet.maps import LINES
from asterism.papers.macnet.rows import Row
from asterism.papers.row_records import read_record, read_scored

ROW = Row("maps", "sample", "macnet", 0)


def test_every_test_object_is_measured_before_attention_and_behind(place):
    table = read_scored(ROW.folder(place))
    assert len(table) == 40
    red = np.array(table["red_share"].to_pylist(), float)
    before = np.array(table["before_red_share"].to_pylist(), float)
    assert ((red[np.isfinite(red)] >= 0) & (red[np.isfinite(red)] <= 1)).all()
    assert not np.array_equal(red, before)
    by_cell = np.array(table["hirescam_behind_red_share"].to_pylist(), float)
    assert not np.array_equal(red, by_cell)


def test_the_summary_is_json_without_nan(place):
    told = read_record(ROW.folder(place))["maps"]
    assert set(told) == {"behind", "before", "hirescam-behind", "hirescam-before"}
    assert 0 <= told["behind"]["all"]["deletion"]["value"] <= 1
    assert told["behind"]["all"]["n"] == 40
    assert told["behind"][LINES]["n"] == told["behind"]["GALAXY"]["n"] / 2
