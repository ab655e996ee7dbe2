import json

import pytest

from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.tables import difference, ends_of, part_tables, value_of


@pytest.mark.parametrize("part", ["redshift", "retrieval", "labels", "clusters", "spectrum"])
def test_lines_are_as_wide_as_their_heading(place, part):
    methods = json.loads((place / "results.json").read_text())["parts"][part]
    tables = part_tables(part, methods)
    assert tables
    for table in tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}
    assert part_tables("maps", methods) == []


def test_the_first_line_is_of_the_one_kept_and_probes_are_named(place):
    methods = json.loads((place / "results.json").read_text())["parts"]["redshift"]
    table = part_tables("redshift", methods)[0]
    assert table.first_is_ours
    assert table.rows[0][0].text == methods[KEPT]["title"]
    assert {"neighbours", "linear", "trees", "network", "mean"} <= {row[2].text for row in table.rows}


def test_recalls_of_several_seeds_are_told_with_their_spread():
    figures = {"n": 9, "macro_recall": 0.9, "recall": {"STAR": 0.95, "STAR_std": 0.02, "QSO": 0.85}}
    methods = {KEPT: {"title": "ours", "figures": {"joint": {"class": {"knn": figures}}}}}
    (table,) = part_tables("labels", methods)
    assert table.rows[0][-1].text == "STAR 0.95 ± 0.02, QSO 0.85"


def test_a_difference_is_marked_where_its_interval_excludes_zero():
    told = {"difference": 0.1, "interval": [0.05, 0.15]}
    assert (difference(told, higher=True).verdict, difference(told, higher=False).verdict) == ("better", "worse")
    assert difference({"difference": 0.1, "interval": [-0.05, 0.15]}, higher=True).verdict == ""
    assert (value_of(None), value_of(0.12345, 2), ends_of(None)) == ("–", "0.12", "")
