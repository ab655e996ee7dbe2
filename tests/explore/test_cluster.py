import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from asterism.errors import BadInputError, ConfigurationError, OutputError
from asterism.explore.cluster import cluster_catalog, read_summary

COLUMNS = ["cluster", "cluster_probability", "anomaly_knn", "anomaly_density"]


@pytest.fixture(scope="module")
def embedded(make_embedded):
    return make_embedded(rows=400, rare=6)


@pytest.fixture(scope="module")
def clustered(embedded, tmp_path_factory):
    return cluster_catalog(embedded, tmp_path_factory.mktemp("cluster") / "e", repeats=1)


def kinds(catalog):
    table = catalog.read(["truth_redshift", "photometry_sdss_psf_probability"])
    wide = table["photometry_sdss_psf_probability"].fill_null(1.0).to_numpy() == 0
    return np.where(table["truth_redshift"].to_numpy() == 0, 0, np.where(wide, 1, 2))


def test_columns_are_null_without_an_embedding_and_clusters_are_the_classes(clustered):
    table = clustered.read(COLUMNS)
    assert [name for name in clustered.own_schema.names if name in COLUMNS] == COLUMNS
    absent = np.arange(400) % 20 == 7
    for name in COLUMNS:
        np.testing.assert_array_equal(np.asarray(table[name].is_null()), absent)
    there = ~absent & (np.arange(400) >= 6)
    labels = table["cluster"].to_numpy()[there]
    assert adjusted_mutual_info_score(kinds(clustered)[there], labels) > 0.8


def test_injected_rarities_have_the_highest_scores(clustered):
    table = clustered.read(COLUMNS)
    for name in ("anomaly_knn", "anomaly_density"):
        highest = np.argsort(-np.nan_to_num(table[name].to_numpy()))[:6]
        assert set(highest) == set(range(6)), name


def test_the_summary_says_how_and_how_stable(clustered):
    told = read_summary(clustered.path)
    table = clustered.read(["cluster"])["cluster"].drop_null().to_numpy()
    assert (told["objects"], told["embedded"], told["drawn"]) == (400, 380, 380)
    assert told["clusters"] == table.max() + 1 == len(told["sizes"])
    assert told["noise_share"] == (table < 0).mean()
    assert sum(told["sizes"]) == (table >= 0).sum()
    assert len(told["stability"]["adjusted_rand"]) == 1
    assert told["stability"]["mean"] > 0.7
    assert (told["min_cluster_size"], told["min_samples"]) == (10, 6)


def test_objects_beyond_the_sample_follow_the_nearest(embedded, clustered, tmp_path):
    made = cluster_catalog(embedded, tmp_path / "e", sample=200, repeats=0)
    there = ~(np.arange(400) % 20 == 7) & (np.arange(400) >= 6)
    labels = made.read(["cluster"])["cluster"].to_numpy()[there]
    assert adjusted_mutual_info_score(kinds(made)[there], labels) > 0.8
    assert read_summary(made.path)["drawn"] == 200


def test_a_complete_output_is_left_alone_and_other_inputs_are_refused(embedded, clustered, tmp_path):
    assert cluster_catalog(embedded, clustered.path, repeats=1).fingerprint == clustered.fingerprint
    with pytest.raises(OutputError, match="space"):
        cluster_catalog(embedded, clustered.path, repeats=1, space="map")


def test_what_does_not_fit_is_one_sentence(embedded, tiny_sky, make_embedded, tmp_path):
    with pytest.raises(BadInputError, match="asterism embed"):
        cluster_catalog(tiny_sky, tmp_path / "e")
    with pytest.raises(ConfigurationError, match="did you mean 'map'"):
        cluster_catalog(embedded, tmp_path / "e", space="maps")
    with pytest.raises(ConfigurationError, match="--sample must be at least 25"):
        cluster_catalog(embedded, tmp_path / "e", sample=3)
    with pytest.raises(BadInputError, match="25 objects"):
        cluster_catalog(make_embedded(rows=20), tmp_path / "e")
    with pytest.raises(BadInputError, match="asterism cluster"):
        read_summary(embedded.path)
    assert not list(tmp_path.iterdir())
