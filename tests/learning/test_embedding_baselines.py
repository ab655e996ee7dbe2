import numpy as np
import pytest
import torch

from asterism.catalogs.roles import bind_roles
from asterism.catalogs.stream import Stream
from asterism.learning.embedding_baselines import PrincipalComponents, image_vectors, spectrum_vectors, untrained
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model


def test_spectra_are_compared_by_shape():
    flux = 1 + torch.rand(3, 64)
    role = {"flux": flux, "ivar": torch.ones(3, 64)}
    found = spectrum_vectors(role, 16)
    assert found.shape == (3, 16)
    assert torch.allclose(spectrum_vectors({**role, "flux": 100 * flux}, 16), found)
    hidden = {"flux": flux.clone(), "ivar": torch.ones(3, 64)}
    hidden["flux"][:, :4], hidden["ivar"][:, :4] = 0, 0
    assert torch.isfinite(spectrum_vectors(hidden, 16)).all()
    assert torch.allclose(spectrum_vectors(hidden, 16)[:, 0], spectrum_vectors(hidden, 16).median(1).values, atol=0.2)
    assert (spectrum_vectors({"flux": flux, "ivar": torch.zeros(3, 64)}, 16) == 0).all()


def test_images_are_binned_over_their_noise():
    flux = torch.zeros(1, 2, 8, 8)
    flux[0, 0, :4, :4] = 1.0
    found = image_vectors({"flux": flux, "ivar": torch.full((1, 2, 1, 1), 4.0)})
    assert found.shape == (1, 8)
    assert found[0, 0] == pytest.approx(np.arcsinh(1 * np.sqrt(4 * 16)))
    assert (found[0, 1:] == 0).all()
    assert (image_vectors({"flux": flux, "ivar": torch.zeros(1, 2, 8, 8)}) == 0).all()


def test_components_are_learned_of_training_objects_and_absent_ones_have_none(make_spectra):
    catalog = make_spectra(rows=80)
    stream = Stream(catalog, bind_roles(catalog.schema, "image,spectrum"), batch_size=32, labels=())
    fitted = PrincipalComponents(8).fit(stream)
    batch = next(iter(stream))
    found = fitted(batch)
    assert {name: values.shape for name, (values, _) in found.items()} == {"image": (32, 8), "spectrum": (32, 8)}
    values, there = found["spectrum"]
    assert not there.all()
    assert (values[~there] == 0).all()
    assert np.array_equal(there, batch["spectrum"]["present"].numpy())
    spread = np.concatenate([fitted(b)["spectrum"][0][fitted(b)["spectrum"][1]] for b in stream]).std(0)
    assert (np.diff(spread) <= 1e-3).all()  # in falling order of what they hold


def test_an_untrained_network_has_other_weights_and_the_same_scale(make_spectra):
    catalog = make_spectra(rows=40)
    bindings = bind_roles(catalog.schema, "photometry")
    stream = Stream(catalog, bindings, batch_size=40)
    model = create_model("margformer", ModelInputs.from_bindings(bindings), None, {"members": 2, "width": 16})
    model.standardise(stream)
    state = torch.random.get_rng_state()
    fresh = untrained(model)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, buffer in model.named_buffers():
        assert torch.equal(dict(fresh.named_buffers())[name], buffer), name
    weights = [torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True) if a.std() > 0]
    assert not any(weights)
    again = untrained(model)
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), again.parameters(), strict=True))
    with torch.no_grad():
        assert torch.isfinite(fresh(next(iter(stream)))["features"]).all()
