import numpy as np
import pytest
import torch

from asterism.catalogs.roles import bind_roles
from asterism.learning.spectral_augment import expose_less
from asterism.learning.training_set import choose_objects
from asterism.learning.whiten_model import whiten_model
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model

CPU = torch.device("cpu")


@pytest.fixture
def case(make_sky, make_spectra):
    """A fresh model and the objects that it would be trained on, as many as are asked for."""

    def make(rows):
        sky = make_sky(table=make_spectra(rows=rows).read())
        bindings = bind_roles(sky.schema, "image,spectrum")
        chosen = choose_objects(sky, bindings, split=None, where=None, tasks=("alignment",))
        torch.manual_seed(0)
        model = create_model("avis", ModelInputs.from_bindings(bindings), None, {"embedding": 8})
        model.standardise(chosen.stream("train", 64))
        return model, chosen

    return make


def test_embeddings_of_training_objects_scatter_alike(case):
    model, chosen = case(200)
    said = []
    whiten_model(model, chosen, ("spectrum",), 0, CPU, said.append)
    (batch,) = chosen.stream("train", 1000)
    with torch.no_grad():
        found = model.network.encode(batch).embeddings
    assert model.network.learned["spectrum"] == 6  # the other two are factors, which scatter alike anyway
    values = 3**0.5 * found["spectrum"].values[found["spectrum"].present, :6].numpy()
    spread = np.linalg.eigvalsh(np.cov(values.T))
    assert said == []
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-5)
    assert spread[0] > 0.3 * spread[-1]
    # What was not asked for is as it was.
    assert torch.equal(model.network.maps["image"].matrix, torch.eye(8))


def test_views_of_an_object_come_closer(case):
    model, chosen = case(200)
    (batch,) = chosen.stream("train", 1000)

    def noisier(shown, generator):
        given = shown["spectrum"]
        flux, ivar = expose_less(given["flux"], given["ivar"], torch.full((len(given["flux"]),), 0.02), generator)
        return {**shown, "spectrum": {**given, "flux": flux, "ivar": ivar}}

    def apart():
        with torch.no_grad():
            one, other = (
                model.network.encode(b).embeddings["spectrum"] for b in (batch, noisier(batch, torch.Generator()))
            )
        known = one.present & other.present
        values, moved = one.values[known], other.values[known]
        return float((values - moved).square().sum() / (values - values.mean(0)).square().sum())

    whiten_model(model, chosen, ("spectrum",), 0, CPU, print)
    plain = apart()
    whiten_model(model, chosen, ("spectrum",), 0, CPU, print, noisier)
    assert apart() < 0.9 * plain


def test_too_few_objects_leave_it_as_it_is_and_are_named(case):
    model, chosen = case(20)
    said = []
    whiten_model(model, chosen, ("image", "spectrum"), 0, CPU, said.append)
    assert len(said) == 2
    assert said[1].startswith("Warning: embeddings of spectrum stay as they are: ")
    assert torch.equal(model.network.maps["spectrum"].matrix, torch.eye(6))
    # Also where they were whitened before, by others.
    known = torch.arange(36.0).reshape(6, 6)
    model.network.whiten("spectrum", torch.ones(6), known)
    whiten_model(model, chosen, ("spectrum",), 0, CPU, said.append)
    assert torch.equal(model.network.maps["spectrum"].matrix, known)
    assert torch.equal(model.network.maps["spectrum"].mean, torch.ones(6))
