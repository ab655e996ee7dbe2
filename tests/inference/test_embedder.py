import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.columns import metadata_of
from asterism.inference.embedder import Embedder


@pytest.fixture(scope="module")
def embedder(small_run):
    return Embedder.from_pretrained(small_run.path)


def test_vectors_are_of_unit_length_or_absent_and_do_not_depend_on_the_batch(embedder, small_run):
    bindings = embedder.bindings(small_run.catalog)
    table = small_run.catalog.read(sorted({c for group in bindings.values() for c in group.columns})).slice(0, 100)
    values, present = embedder.embed_table(table, bindings)["joint"]
    assert values.shape == (100, embedder.lengths(table.schema, bindings)["joint"])
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), present, atol=1e-5)
    assert 0 < present.sum() < 100
    alone, _ = embedder.embed_table(table.slice(50, 1), bindings)["joint"]
    np.testing.assert_allclose(alone[0], values[50], atol=1e-5)


def test_columns_say_of_which_model_they_are_and_are_null_where_absent(embedder):
    values = np.eye(3, 4, dtype=np.float32)
    values[2, 0] = np.nan
    table = embedder.columns({"image": (values, np.array([True, False, True]))})
    assert table["embedding_image"].to_pylist() == [[1, 0, 0, 0], None, None]
    assert metadata_of(table.schema.field("embedding_image"))["model_fingerprint"] == embedder.fingerprint
    assert table["model_fingerprint"].to_pylist() == [embedder.fingerprint] * 3
    assert table.schema.field("embedding_image").type == pa.list_(pa.float32(), 4)
