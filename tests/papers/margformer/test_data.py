from asterism.catalogs.catalog import open_catalog
from asterism.papers.margformer.data import simulation_seconds


def test_twins_that_are_there_are_taken_and_split_by_source(place, paper):
    assert paper.origin == "twins"
    assert open_catalog(paper.catalogs["compact"]).path == place / "catalogs" / "compact"
    parts = open_catalog(paper.catalogs["faint"]).split(paper.splits["sg"])["part"].to_pylist()
    assert set(parts) == {"train", "validation", "calibration", "test"}
    assert 0.27 < parts.count("test") / len(parts) < 0.33


def test_what_is_there_costs_nothing(place, tmp_path):
    assert simulation_seconds(place, "tiny", 1) == 0
    assert simulation_seconds(tmp_path, "small", 1) > 2 * simulation_seconds(tmp_path, "small", 2) * 0.9
