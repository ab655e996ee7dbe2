import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.columns import metadata_of
from asterism.errors import BadInputError
from asterism.inference.embedder import Embedder


@pytest.fixture(scope="module")
def embedder(fresh_run):
    return Embedder.from_pretrained(fresh_run.path)


def test_vectors_are_of_unit_length_or_absent_and_do_not_depend_on_the_batch(embedder, fresh_run):
    reader = embedder.reader(fresh_run.catalog.schema, "the sky")
    table = fresh_run.catalog.read(reader.column_names).slice(0, 100)
    values, present = reader.embed_table(table)["joint"]
    assert values.shape == (100, reader.lengths["joint"])
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), present, atol=1e-5)
    assert 0 < present.sum() < 100
    alone, _ = reader.embed_table(table.slice(50, 1))["joint"]
    np.testing.assert_allclose(alone[0], values[50], atol=1e-5)


def test_columns_say_of_which_model_they_are_and_are_null_where_absent(embedder, fresh_run):
    reader = embedder.reader(fresh_run.catalog.schema, "the sky")
    length = reader.lengths["joint"]
    values = np.eye(3, length, dtype=np.float32)
    values[2, 0] = np.nan
    table = reader.columns({"joint": (values, np.array([True, False, True]))})
    assert table.schema.equals(pa.schema(reader.fields))
    assert table["embedding_joint"].to_pylist() == [[1.0] + [0.0] * (length - 1), None, None]
    assert metadata_of(table.schema.field("embedding_joint"))["model_fingerprint"] == embedder.fingerprint
    assert table["model_fingerprint"].to_pylist() == [embedder.fingerprint] * 3


def test_a_catalog_that_the_model_can_not_read_is_one_sentence(embedder, fresh_run):
    fields = [field for field in fresh_run.catalog.schema if not field.name.startswith("photometry")]
    with pytest.raises(BadInputError, match="photometry_sdss"):
        embedder.reader(pa.schema(fields), "the sky")
