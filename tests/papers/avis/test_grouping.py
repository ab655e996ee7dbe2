import numpy as np

from asterism.papers.avis.asking import Parts
from asterism.papers.avis.grouping import rarity_row
from asterism.papers.avis.methods import KEPT
from asterism.papers.avis.rows import Fit, Row
from asterism.papers.row_records import read_record, read_scored


def test_agreement_is_told_of_classes_and_targets(place):
    row = Row("clusters", KEPT, 0)
    figures, table = read_record(row.folder(place))["figures"], read_scored(row.folder(place))
    for column, told in (("cluster", figures), ("cluster_embedding", figures["embedding"])):
        noise = table[column].to_numpy()
        noise = noise[np.isfinite(noise)]
        assert told["summary"]["noise_share"] == np.mean(noise < 0)
        for name in ("class", "target"):
            assert -0.1 < told[name]["ami"] <= 1
            assert told[name]["n"] > 100
    assert figures["summary"]["space"] == "map"


def test_rarities_are_those_of_the_catalog(place, paper):
    parts = Parts(Fit(KEPT, 0), paper, place)
    columns, figures = rarity_row(Row("anomalies", KEPT, 0), parts, "tiny")
    assert columns["rare"].to_pylist().count("WD") == 2
    for score in ("anomaly_knn", "anomaly_density"):
        assert figures[score]["rare"] == 2
        assert set(figures[score]["by_kind"]) == {"WD"}
