import numpy as np
import pytest
import torch

from asterism.catalogs.bands import nanomaggy_to_asinh
from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs, PhotometryInputs
from asterism.models.model import Model, create_model, model_names

CLASSES = ("STAR", "GALAXY", "QSO")


def test_names_lead_to_models(make_inputs):
    assert "margformer" in model_names()
    with pytest.raises(ConfigurationError, match="did you mean 'margformer'"):
        create_model("margforner", make_inputs(("photometry",)), CLASSES)


def test_probabilities_are_the_members_mean_at_temperature(make_model, make_batch):
    model, batch = make_model(), make_batch(roles=("photometry",))
    outputs = model(batch)
    mean = outputs["classification"].softmax(-1).mean(1)
    torch.testing.assert_close(model.class_probabilities(batch), mean)
    model.temperature.value.fill_(2.0)
    hot = model.class_probabilities(batch)
    torch.testing.assert_close(
        hot[outputs["informed"]], (mean.sqrt() / mean.sqrt().sum(1, keepdim=True))[outputs["informed"]]
    )
    torch.testing.assert_close(hot[~outputs["informed"]], mean[~outputs["informed"]])


def test_magnitudes_are_those_of_the_reference_band_as_stored(make_model, make_batch):
    model, batch = make_model(), make_batch(roles=("photometry",))
    flux, ivar = (batch["photometry"][key][:, 2].numpy() for key in ("flux", "ivar"))
    expected = np.where(ivar > 0, nanomaggy_to_asinh(flux, 1.2e-10), np.nan)
    np.testing.assert_allclose(model.magnitudes(batch), expected, atol=1e-3)


def test_magnitudes_of_other_surveys_are_ab_and_of_images_unknown(make_model, make_batch):
    inputs = ModelInputs(photometry=PhotometryInputs(group="photometry_new", survey="new", bands=("g", "r")))
    model = create_model("margformer", inputs, CLASSES)
    photometry = {
        "flux": torch.tensor([[1.0, 10.0], [1.0, -3.0], [1.0, 5.0]]),
        "ivar": torch.tensor([[4.0, 4.0], [4.0, 4.0], [4.0, 0.0]]),
        "present": torch.ones(3, dtype=torch.bool),
    }
    magnitudes = model.magnitudes({"photometry": photometry})
    assert magnitudes[:2].tolist() == pytest.approx([20.0, 22.5 - 2.5 * np.log10(0.5)])
    assert torch.isnan(magnitudes[2])
    images = make_model(roles=("image",))
    assert torch.isnan(images.magnitudes(make_batch(roles=("image",)))).all()


def test_the_class_mix_is_that_of_the_training_rows(make_inputs, make_batch):
    model = create_model("margformer", make_inputs(("photometry",)), CLASSES)
    batches = [make_batch(50, seed=s, roles=("photometry",)) for s in range(3)]
    batches[0]["label"]["class"][:10] = -1
    model.standardise(batches)
    labels = torch.cat([b["label"]["class"] for b in batches])
    counts = np.bincount(labels[labels >= 0], minlength=3)
    np.testing.assert_allclose(model.class_mix.overall(), counts / counts.sum())


def test_calibration_travels_with_the_weights(make_model, make_batch, tmp_path):
    model = make_model()
    batches = [make_batch(400, seed=s, roles=("photometry",)) for s in (5, 6)]
    outputs = model(batches[0])
    labels = batches[0]["label"]["class"]
    model.temperature.fit(model.probabilities(outputs).detach(), labels)
    model.conformal.fit(model.probabilities(outputs).detach(), labels, model.magnitudes(batches[0]), 0.9)
    model.domain.fit(model.domain_vectors(outputs).detach())
    model.save_pretrained(tmp_path / "m", {"catalog": "simulated"})
    again = Model.from_pretrained(tmp_path / "m")
    for batch in batches:
        outputs = model(batch)
        p = model.probabilities(outputs)
        assert torch.equal(again.class_probabilities(batch), p)
        sets = again.conformal.sets(p, model.magnitudes(batch))
        assert torch.equal(sets, model.conformal.sets(p, model.magnitudes(batch)))
        scores = model.domain.score(model.domain_vectors(outputs))
        assert torch.equal(again.domain.score(again.domain_vectors(again(batch))), scores)
    assert 0.9 < model.domain.in_domain(scores).float().mean() <= 1


def test_the_fingerprint_names_the_content(make_model):
    a, b = make_model(), make_model()
    assert a.fingerprint == b.fingerprint
    assert a.fingerprint != make_model(seed=1).fingerprint
    b.temperature.value.fill_(1.01)
    assert a.fingerprint != b.fingerprint


def test_loading_leaves_the_random_state_alone(make_model, tmp_path):
    make_model().save_pretrained(tmp_path / "m")
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Model.from_pretrained(tmp_path / "m")
    assert torch.equal(torch.rand(3), expected)


def test_a_model_without_classes_has_features_and_no_probabilities(make_inputs, make_batch, tmp_path):
    model = create_model("margformer", make_inputs(("photometry",)), None)
    batch = make_batch(roles=("photometry",))
    model.standardise([batch])
    outputs = model.eval()(batch)
    assert "classification" not in outputs
    assert model.classes == ()
    with pytest.raises(ConfigurationError, match="was not trained for classification"):
        model.probabilities(outputs)
    model.save_pretrained(tmp_path / "m")
    assert torch.equal(Model.from_pretrained(tmp_path / "m")(batch)["features"], outputs["features"])


def test_what_is_not_ready_is_refused(make_inputs, tmp_path):
    model = create_model("margformer", make_inputs(("photometry",)), CLASSES)
    with pytest.raises(ConfigurationError, match="before saving"):
        model.save_pretrained(tmp_path / "m")
    with pytest.raises(BadInputError, match="no training rows"):
        model.standardise([])
    with pytest.raises(ConfigurationError, match="at least two distinct classes"):
        create_model("margformer", make_inputs(("photometry",)), ["STAR"])
