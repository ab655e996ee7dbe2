import json

import numpy as np
import pytest

from asterism.errors import OutputError
from asterism.learning.probe_scores import r_squared
from asterism.learning.retrieval import RECALL_AT
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.rows import Row
from asterism.papers.avis.scoring import finished, line_of
from asterism.papers.row_records import read_record, read_scored


def test_figures_can_be_computed_again_from_the_objects(place):
    row = Row("redshift", KEPT, 0)
    figures, table = read_record(row.folder(place))["figures"], read_scored(row.folder(place))
    of = np.array(table["class"].to_pylist(), object)
    z, told = table["redshift"].to_numpy(), table["redshift_spectrum_knn"].to_numpy()
    galaxies = (of == "GALAXY") & np.isfinite(told)
    assert figures["spectrum"]["redshift_GALAXY"]["knn"]["r2"] == pytest.approx(r_squared(told[galaxies], z[galaxies]))
    assert figures["spectrum"]["redshift_GALAXY"]["knn"]["n"] == galaxies.sum()
    assert not np.isfinite(told[of == "STAR"]).any()


def test_recall_is_the_share_of_low_ranks(place):
    row = Row("retrieval", KEPT, 0)
    figures, table = read_record(row.folder(place))["figures"], read_scored(row.folder(place))
    for kind in ("random", "magnitude", "magnitude_redshift"):
        ranks = table[f"rank_all_large_image_to_spectrum_{kind}"].to_numpy()
        ranks = ranks[np.isfinite(ranks)]
        found = figures["all"]["large"]["image_to_spectrum"][kind]
        for k in RECALL_AT:
            assert found[f"recall_at_{k}"] == pytest.approx((ranks <= k).mean())
        assert ranks.max() <= found["pool"]


def test_supervised_networks_and_trees_answer_in_the_same_form(place):
    names = {"supervised-image": ("image", "network"), "lightgbm": ("photometry", "trees"), "mean": ("class", "mean")}
    for method, (read, probe) in names.items():
        record = read_record(Row("redshift", method, 0).folder(place))
        assert {"r2", "sigma_nmad", "outlier_rate_0.1", "median_absolute_error"} <= set(
            record["figures"][read]["redshift_GALAXY"][probe]
        )
    assert set(read_record(Row("redshift", "pca", 0).folder(place))["figures"]) == {"image", "spectrum", "notes"}


def test_a_row_of_other_settings_is_refused(place, paper, tmp_path):
    row = Row("redshift", "mean", 0)
    assert finished(row, paper, "tiny", place)
    copy = tmp_path / row.folder(place).relative_to(place)
    copy.mkdir(parents=True)
    record = json.loads((row.folder(place) / "row.json").read_text())
    record["settings"]["tested_on"] = "others"
    (copy / "row.json").write_text(json.dumps(record))
    with pytest.raises(OutputError, match="tested_on"):
        finished(row, paper, "tiny", tmp_path)
    assert not finished(Row("labels", "pca", 0), paper, "tiny", tmp_path)


def test_each_row_says_what_a_person_waits_for(place):
    for folder in place.glob("rows/*/*/*"):
        row = Row(folder.parts[-3], folder.parts[-2], int(folder.name.removeprefix("seed-")))
        assert line_of(row, place).startswith(row.name)
    assert "AMI" in line_of(Row("clusters", KEPT, 0), place)
    assert line_of(Row("redshift", "siglip", 0), place) is None
