import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.embeddings import (
    choose_embedding,
    embedding_array,
    embedding_batches,
    embedding_field,
    embedding_model,
    embedding_names,
    read_embeddings,
)
from asterism.catalogs.narrow import NarrowWriter
from asterism.errors import BadInputError, ConfigurationError


def unit(rows, length, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, length)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def write(parent, path, embeddings):
    """A narrow catalog of the embeddings (name -> values, present)."""
    fields = [embedding_field(name, values.shape[1], "abc") for name, (values, _) in embeddings.items()]
    with NarrowWriter(parent, path, fields, made_by={"command": "embed"}, inputs={"command": "embed"}) as writer:
        for p in parent.partitions:
            rows = slice(p.start, p.start + p.rows)
            columns = [embedding_array(values[rows], present[rows]) for values, present in embeddings.values()]
            writer.write(p, pa.table(columns, schema=pa.schema(fields)))
        return writer.close()


@pytest.fixture(scope="module")
def joint():
    present = np.arange(60) % 7 != 2
    return unit(60, 8) * present[:, None], present


@pytest.fixture(scope="module")
def embedded(tiny_sky, joint, tmp_path_factory):
    image = unit(60, 4, seed=1), np.ones(60, bool)
    made = write(tiny_sky, tmp_path_factory.mktemp("embedded") / "d", {"image": image, "joint": joint})
    return open_catalog(made.path)


def test_what_was_written_is_read(embedded, joint):
    values, present = read_embeddings(embedded, "joint")
    assert (values.dtype, present.dtype) == (np.float32, np.bool_)
    np.testing.assert_array_equal(values, joint[0])
    np.testing.assert_array_equal(present, joint[1])
    assert embedded.read(["embedding_joint"])["embedding_joint"].null_count == (~joint[1]).sum() > 0


def test_partitions_give_the_same_rows(embedded, joint):
    parts = list(embedding_batches(embedded, "joint"))
    assert len(parts) == len(embedded.partitions) > 1
    np.testing.assert_array_equal(np.concatenate([values for _, values, _ in parts]), joint[0])
    np.testing.assert_array_equal(np.concatenate([present for *_, present in parts]), joint[1])


def test_rows_are_those_that_read_gives(embedded, joint):
    values, _ = read_embeddings(embedded, "joint", where="class = 'QSO'")
    names = embedded.read(["class"])["class"].to_pylist()
    np.testing.assert_array_equal(values, joint[0][[name == "QSO" for name in names]])
    assert 0 < len(values) < 60


def test_the_joint_embedding_comes_first_and_an_unknown_one_is_named(embedded, tiny_sky):
    assert embedding_names(embedded.schema) == ["joint", "image"]
    assert choose_embedding(embedded) == "joint"
    assert embedding_model(embedded, "image") == "abc"
    with pytest.raises(BadInputError, match="did you mean 'image'"):
        read_embeddings(embedded, "images")
    with pytest.raises(BadInputError, match="asterism embed"):
        read_embeddings(tiny_sky)
    with pytest.raises(ConfigurationError, match="column name"):
        embedding_field("a b", 4, "abc")


def test_a_vector_that_is_not_finite_is_refused(tiny_sky, tmp_path):
    values = unit(60, 4)
    values[33, 2] = np.nan
    made = write(tiny_sky, tmp_path / "d", {"joint": (values, np.ones(60, bool))})
    with pytest.raises(BadInputError, match="not finite"):
        read_embeddings(made)
