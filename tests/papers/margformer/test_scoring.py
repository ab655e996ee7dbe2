import numpy as np
import pytest

from asterism.errors import OutputError
from asterism.papers.margformer.rows import Row
from asterism.papers.margformer.scoring import finished, read_row, read_scored

ROW = Row("experiment1", "sg", "lightgbm", 0)


def test_a_row_keeps_its_objects(place):
    record, table = read_row(ROW, place), read_scored(ROW, place)
    names = ["object_id", "source_id", "class", "r_mag", "compactness", "p_star", "p_galaxy"]
    assert table.column_names == names
    assert record["n"] == len(table)
    p = np.stack([np.asarray(table[c]) for c in ("p_star", "p_galaxy")], axis=1)
    right = np.array(["STAR", "GALAXY"])[p.argmax(axis=1)] == np.array(table["class"].to_pylist())
    assert record["accuracy"] == pytest.approx(right.mean())
    assert right.mean() > 0.9  # widths tell them apart
    seen = np.isfinite(np.asarray(table["compactness"]))
    galaxy = np.array(table["class"].to_pylist()) == "GALAXY"
    assert np.median(np.asarray(table["compactness"])[seen & galaxy]) == pytest.approx(1.2 / 1.3, abs=0.05)


def test_finished(place, paper):
    assert finished(ROW, paper, "tiny", place)
    assert not finished(Row("experiment2", "sg", "margformer", 0), paper, "tiny", place)
    with pytest.raises(OutputError, match=r"other settings \(recipe\)"):
        finished(Row("experiment1", "sg", "margformer", 0), paper, "small", place)
