import numpy as np
import pytest
import torch

from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError
from asterism.inference.embed import embed_catalog
from asterism.inference.embedder import Embedder
from asterism.inference.embedding_parts import component_parts, embedded_part, read_part
from asterism.inference.probed_objects import probed_objects
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model


@pytest.fixture(scope="module")
def sky(make_spectra):
    return make_spectra(rows=60, seed=2)


@pytest.fixture(scope="module")
def embedder(sky):
    bindings = bind_roles(sky.schema, "image,spectrum")
    torch.manual_seed(0)
    model = create_model("avis", ModelInputs.from_bindings(bindings), None, {"size": "tiny"})
    model.standardise(Stream(sky, bindings, batch_size=64, labels=()))
    return Embedder(model)


def test_a_catalog_of_embeddings_says_what_the_model_says(sky, embedder, tmp_path):
    rows = np.array([3, 4, 17, 40])
    made = embedded_part(embedder, sky, rows)
    read = read_part(embed_catalog(embedder, sky, tmp_path / "embedded"), rows)
    assert set(made.vectors) == set(read.vectors) == {"image", "spectrum", "joint"}
    for name, (values, there) in made.vectors.items():
        assert np.array_equal(there, read.vectors[name][1])
        assert np.allclose(values[there], read.vectors[name][0][there], atol=1e-5)
    assert list(made.objects.object_id) == list(read.objects.object_id)
    assert list(made.objects.names["class"]) == list(read.objects.names["class"])


def test_a_catalog_without_embeddings_is_refused(sky):
    with pytest.raises(BadInputError, match="asterism embed"):
        read_part(sky, np.arange(3))


def test_components_are_those_of_the_first_sample(sky):
    def bindings(catalog):
        return bind_roles(catalog.schema, "image,spectrum")

    first, second = ((sky, probed_objects(sky, rows)) for rows in (np.arange(40), np.arange(40, 60)))
    parts = component_parts([first, second], bindings)
    alone = component_parts([first], bindings)[0]
    for name in ("image", "spectrum"):
        values, there = parts[0].vectors[name]
        assert np.array_equal(values, alone.vectors[name][0])
        assert np.abs(values[there].mean(axis=0)).max() < 1e-2 * np.abs(values[there]).max()
        assert len(parts[1].vectors[name][0]) == 20
