import numpy as np
import pytest
import torch

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.embeddings import embedding_model, read_embeddings
from asterism.errors import BadInputError, OutputError
from asterism.inference.embed import embed_catalog
from asterism.inference.embedder import Embedder
from asterism.models.model import Model


@pytest.fixture(scope="module")
def embedder(fresh_run):
    return Embedder.from_pretrained(fresh_run.path)


@pytest.fixture(scope="module")
def embedded(embedder, fresh_run, tmp_path_factory):
    return embed_catalog(embedder, fresh_run.catalog, tmp_path_factory.mktemp("embed") / "d")


def test_the_output_is_narrow_and_holds_one_vector_per_object(embedded, embedder, fresh_run):
    values, present = read_embeddings(embedded, "joint")
    assert len(values) == len(fresh_run.catalog)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), present, atol=1e-5)
    assert not any(name.startswith("photometry") for name in embedded.own_schema.names)
    assert "photometry_sdss_flux" in embedded.schema.names
    assert embedding_model(embedded, "joint") == embedder.fingerprint


def test_objects_of_which_nothing_was_observed_have_none_and_a_line_in_quarantine(embedded):
    _, present = read_embeddings(embedded, "joint")
    table = embedded.read(["object_id", "photometry_sdss_flux"])
    dark = np.asarray(table["photometry_sdss_flux"].is_null())
    np.testing.assert_array_equal(present, ~dark)
    lines = embedded.quarantine().to_pylist()
    assert {line["row"] for line in lines} == set(np.array(table["object_id"])[dark]) != set()
    assert all("no embedding" in line["reason"] for line in lines)


def test_objects_of_one_class_are_near_each_other(embedded):
    values, present = read_embeddings(embedded, "joint")
    kind = np.array(embedded.read(["class"])["class"].to_pylist(), dtype=object)
    known = present & np.array([name is not None for name in kind])
    values, kind = values[known], kind[known]
    near = values @ values.T - 2 * np.eye(len(values))
    assert (kind[near.argmax(1)] == kind).mean() > 0.7


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(embedded, embedder, fresh_run, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_catalog(embedder, fresh_run.catalog, tmp_path / "d", progress=stop)
    assert not (tmp_path / "d").exists()
    told = []
    made = embed_catalog(embedder, fresh_run.catalog, tmp_path / "d", progress=lambda *done: told.append(done))
    assert len(told) == len(fresh_run.catalog.partitions) - 1
    assert told[-1] == (300, 300)
    assert made.fingerprint == embedded.fingerprint
    embed_catalog(embedder, fresh_run.catalog, tmp_path / "d", progress=lambda *done: told.append(done))
    assert told[-1] == (300, 300)
    assert len(told) == len(fresh_run.catalog.partitions) - 1


def test_another_model_is_refused(embedded, fresh_run):
    other = Model.from_pretrained(fresh_run.path)
    with torch.no_grad():
        next(iter(other.parameters())).add_(1.0)
    with pytest.raises(OutputError, match="model"):
        embed_catalog(Embedder(other), fresh_run.catalog, embedded.path)


def test_a_catalog_that_the_model_can_not_read_is_refused(embedder, make_sky, make_rows, tmp_path):
    table = make_rows(rows=20, image=False)
    names = [name for name in table.column_names if not name.startswith("photometry")]
    with pytest.raises(BadInputError, match="photometry_sdss"):
        embed_catalog(embedder, make_sky("bare", table.select(names)), tmp_path / "d")
    assert not (tmp_path / "d").exists()


@pytest.mark.slow
def test_two_workers_give_the_same_catalog(embedded, embedder, fresh_run, tmp_path):
    two = embed_catalog(embedder, fresh_run.catalog, tmp_path / "two", workers=2)
    np.testing.assert_allclose(read_embeddings(two)[0], read_embeddings(embedded)[0], atol=1e-5)
    assert len(open_catalog(two.path)) == 300
