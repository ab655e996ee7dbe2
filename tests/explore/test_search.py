import json

import numpy as np
import pytest

from asterism.catalogs.embeddings import read_embeddings
from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.cluster import cluster_catalog
from asterism.explore.search import (
    condition_mask,
    nearest,
    object_vector,
    open_index,
    search_table,
    searched_model,
)


@pytest.fixture(scope="module")
def embedded(make_embedded):
    return make_embedded(rows=240)


def by_hand(values, present, query, k, among=None, leave_out=None):
    """Rows of the k nearest, from all distances."""
    distances = 1 - values @ query
    distances[~present] = np.inf
    if among is not None:
        distances[~among] = np.inf
    if leave_out is not None:
        distances[leave_out] = np.inf
    return np.argsort(distances)[:k], np.sort(distances)[:k]


@pytest.mark.parametrize("name", ["joint", "image"])
@pytest.mark.parametrize("where", [None, "class = 'QSO'"])
def test_the_k_nearest_are_found_exactly_with_and_without_a_condition(embedded, name, where):
    values, present = read_embeddings(embedded, name)
    among = condition_mask(embedded, where)
    query, row = object_vector(embedded, "object-0-00000", name)
    np.testing.assert_array_equal(query, values[row])
    rows, distances = nearest(open_index(embedded, name), query, 15, among=among, leave_out=row)
    expected, far = by_hand(values, present, query, 15, among, row)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(distances, far, atol=1e-5)
    assert row not in rows
    assert among is None or among[rows].all()


def test_across_modalities_the_spectra_near_an_image_are_of_its_class(embedded):
    query, row = object_vector(embedded, "object-0-00001", "image")
    rows, _ = nearest(open_index(embedded, "spectrum"), query, 10, leave_out=row)
    light = embedded.read(["photometry_sdss_psf_probability", "truth_redshift"])
    star = light["truth_redshift"].to_numpy() == 0
    assert (star[rows] == star[row]).all()


def test_the_table_has_distance_position_and_labels_nearest_first(embedded):
    query, _ = object_vector(embedded, "object-0-00130", "joint")
    rows, distances = nearest(open_index(embedded), query, 12)
    table = search_table(embedded, rows, distances, ["source_id"])
    assert table.column_names == ["object_id", "distance", "ra", "dec", "class", "redshift", "source_id"]
    assert table["object_id"][0].as_py() == "object-0-00130"
    assert table["distance"][0].as_py() < 1e-5
    ids = embedded.read(["object_id"])["object_id"].to_pylist()
    assert table["object_id"].to_pylist() == [ids[r] for r in rows]
    assert (np.diff(table["distance"].to_numpy()) >= 0).all()


def test_the_index_is_built_once_and_shared_by_what_is_narrow_to_it(make_embedded, tmp_path):
    embedded = make_embedded(rows=60)
    open_index(embedded)
    file = embedded.path / "search" / "index_joint.safetensors"
    built = file.stat().st_mtime_ns
    clustered = cluster_catalog(embedded, tmp_path / "e", space="embedding", repeats=0)
    query, _ = object_vector(clustered, "object-0-00000", "joint")
    rows, distances = nearest(open_index(clustered), query, 3)
    assert "cluster" in search_table(clustered, rows, distances).column_names
    assert file.stat().st_mtime_ns == built
    open_index(embedded, rebuild=True)
    assert file.stat().st_mtime_ns > built


def test_an_index_older_than_its_embeddings_is_refused_until_it_is_rebuilt(make_embedded):
    one, two = make_embedded(rows=60), make_embedded(rows=60, seed=3)
    open_index(one)
    (two.path / "search").mkdir()
    for file in (one.path / "search").iterdir():
        (two.path / "search" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BadInputError, match=r"is older than the embeddings of .*--rebuild"):
        open_index(two)
    index = open_index(two, rebuild=True)
    np.testing.assert_array_equal(index.vectors, read_embeddings(two)[0][index.rows])
    open_index(two)


def test_a_catalog_that_may_not_be_written_is_searched_without_keeping_the_index(make_embedded, monkeypatch):
    embedded = make_embedded(rows=60)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert len(open_index(embedded).rows) == 57
    assert not (embedded.path / "search").exists()


def test_what_can_not_be_found_is_one_sentence(embedded, make_embedded):
    index = open_index(embedded)
    query, row = object_vector(embedded, "object-0-00000", "joint")
    with pytest.raises(ConfigurationError, match=r"-k is 500 and .* has 228 objects .* ask for fewer"):
        nearest(index, query, 500, where="the sky")
    among = condition_mask(embedded, "class = 'QSO'")
    with pytest.raises(ConfigurationError, match="that fit the condition besides the query"):
        nearest(index, query, 200, among=among, leave_out=row)
    with pytest.raises(ConfigurationError, match="at least 1"):
        nearest(index, query, 0)
    with pytest.raises(ConfigurationError, match="8 numbers .* 16"):
        nearest(index, query[:8], 3)
    with pytest.raises(BadInputError, match="did you mean 'object-0-00"):
        object_vector(embedded, "object-0-0023", "joint")
    ids = embedded.read(["object_id"])["object_id"].to_pylist()
    with pytest.raises(BadInputError, match="no embedding 'image'; search by its joint"):
        object_vector(embedded, ids[3], "image")
    with pytest.raises(BadInputError, match="no embedding 'joint'; choose another"):
        object_vector(embedded, ids[7], "joint")


def test_the_model_of_an_embedding_is_known_through_narrow_catalogs(embedded, tmp_path):
    info = json.loads((embedded.path / "asterism.json").read_text())
    assert info["made_by"]["model_fingerprint"] == "abc"
    made = cluster_catalog(embedded, tmp_path / "e", space="embedding", repeats=0)
    assert searched_model(made, "joint") == ("abc", None)
