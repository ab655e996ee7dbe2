"""Laws of redshift densities that hold for every model, over its sets of inputs, alone and beside classes."""

import copy
from importlib.util import find_spec

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.learning.classification import Classification
from asterism.learning.redshift import ClassAndRedshift, Redshift
from asterism.models.model import Model, create_model, model_names
from asterism.models.network import present
from asterism.models.redshift_families import RedshiftConfig
from asterism.models.registry import network_class

SUBSETS = [
    ("photometry",),
    ("image",),
    ("photometry", "image"),
    ("spectrum",),
    ("spectrum2d",),
    ("image", "spectrum"),
    ("image", "spectrum2d"),
]
#: As the laws of classes have it: light, and within the pieces of strips that the batches hold.
STRIPS = {"size": "light", "blue_window": (1000, 1100), "red_window": (1500, 1600)}
OPTIONS = {
    **{name: STRIPS for name in ("cnet", "mcnet", "macnet")},
    **{name: {"size": "light"} for name in ("mnet", "sscnn1d")},
}
CLASSES = ("STAR", "GALAXY", "QSO")
SIZES = {"z_max": 1.5, "points": 80, "bins": 30, "components": 3}
CASES = [
    pytest.param(name, roles, density, both, id=f"{name}-{'+'.join(roles)}-{density}{'-classes' * both}")
    for name in model_names()
    for roles in SUBSETS
    if network_class(name).requires <= set(roles) <= network_class(name).accepts
    # Families differ in the head only: all of them with one set of inputs, the default with every.
    for density in (("mixture", "binned", "flow") if roles == ("photometry",) else ("mixture",))
    if density != "flow" or find_spec("zuko")
    for both in (False, True)
]
every = pytest.mark.parametrize(("name", "roles", "density", "both"), CASES)


@pytest.fixture
def case(name, roles, density, both, make_model, make_batch):
    config = RedshiftConfig(density=density, classes=CLASSES[1:] if both else (), **SIZES)
    model = make_model(name, roles, CLASSES if both else None, redshift=config, **OPTIONS.get(name, {}))
    return model, make_batch(24, seed=9, roles=roles, model=model)


def take(batch, index):
    return {key: take(v, index) if isinstance(v, dict) else v[index] for key, v in batch.items()}


def densities(model, batch):
    with torch.no_grad():
        return model.redshift_density(model(batch))


@every
def test_shapes_types_and_the_integral(case, both):
    model, batch = case
    outputs = model(batch)
    head = model.redshift_head
    assert outputs["redshift"].shape == (24, model.network.members, 2 if both else 1, head.family.size)
    assert torch.isfinite(outputs["redshift"]).all()
    told = densities(model, batch)
    assert told.shape == (24, 80)
    assert told.dtype == torch.float64
    assert (told >= 0).all()
    torch.testing.assert_close(torch.trapezoid(told, head.grid), torch.ones(24, dtype=torch.float64))


@every
def test_gradients_of_the_loss_reach_every_parameter(case, both):
    model, batch = case
    model = copy.deepcopy(model).train()
    of_redshift = Redshift(model.redshift_head.config, model.classes)
    task = ClassAndRedshift(Classification(CLASSES), of_redshift) if both else of_redshift
    # Stages are fitted one by one: each by its own answers to the same loss, and the rest with them frozen.
    for part in (*model.network.stages.values(), model):
        if part is not model:
            part.requires_grad_(True)
        wanted = [(n, p) for n, p in part.named_parameters() if p.requires_grad]
        task.loss(part(batch), batch).backward()
        assert [n for n, p in wanted if p.grad is None or not p.grad.abs().sum() > 0] == []
        assert all(torch.isfinite(p.grad).all() for _, p in wanted)
        if part is not model:
            part.requires_grad_(False)


@every
def test_saved_and_loaded_it_answers_the_same_to_the_bit(case, tmp_path):
    model, batch = case
    model = copy.deepcopy(model)
    model.redshift_calibration.shape += torch.rand(model.redshift_calibration.shape.shape)
    model.save_pretrained(tmp_path / "model")
    again = Model.from_pretrained(tmp_path / "model")
    assert again.fingerprint == model.fingerprint
    assert again.config == model.config
    assert torch.equal(densities(again, batch), densities(model, batch))
    again.redshift_calibration.shape += 1e-3
    assert again.fingerprint != model.fingerprint


@every
def test_permuting_a_batch_permutes_the_answers(case):
    model, batch = case
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        densities(model, take(batch, order)), densities(model, batch)[order], rtol=1e-3, atol=1e-4
    )


@every
def test_numbers_of_an_absent_modality_and_of_what_was_not_observed_are_never_read(case, roles):
    model, batch = case
    before = densities(model, batch)
    absent, unobserved = copy.deepcopy(batch), copy.deepcopy(batch)
    for role in roles:
        gone = ~batch[role]["present"]
        for key, values in absent[role].items():
            if key != "present":
                values[gone] = 7.0 if key.endswith("ivar") else torch.nan
        for key in ("flux", "blue", "red"):
            if key in batch[role]:
                unobserved[role][key][batch[role]["ivar" if key == "flux" else f"{key}_ivar"] == 0] = torch.nan
    assert torch.equal(densities(model, absent), before)
    assert torch.equal(densities(model, unobserved), before)


@every
def test_with_nothing_observed_the_answer_is_that_of_the_training_redshifts(case, roles, both):
    model, batch = case
    nothing = [i for i in range(24) if not any(present(batch[r])[i] for r in roles)]
    assert nothing
    told, head = densities(model, batch)[nothing], model.redshift_head
    prior = head.prior()
    if both:
        mix = torch.tensor(model.class_mix.overall(), dtype=torch.float64)
        expected = (mix[1:, None] * prior).sum(0)
        expected[0] += mix[0] * 2 / head.grid[1]
    else:
        expected = prior[0]
    torch.testing.assert_close(told, expected.expand(len(nothing), -1), rtol=1e-4, atol=1e-5)


@every
def test_the_labels_distribution_does_not_depend_on_the_cut_into_batches(
    name, roles, density, both, make_inputs, make_batch
):
    whole = make_batch(60, roles=roles)
    config = RedshiftConfig(density=density, classes=CLASSES[1:] if both else (), **SIZES)
    states = []
    for size in (60, 7):
        torch.manual_seed(0)
        options = OPTIONS.get(name, {})
        model = create_model(name, make_inputs(roles), CLASSES if both else None, options, redshift=config)
        model.standardise([take(whole, slice(i, i + size)) for i in range(0, 60, size)])
        states.append(model.state_dict())
    for key, value in states[0].items():
        torch.testing.assert_close(states[1][key], value, rtol=1e-5, atol=1e-5, equal_nan=True)


def test_with_classes_p_of_z_is_the_sum_over_classes_and_stars_stand_at_0(make_model, make_batch):
    config = RedshiftConfig(classes=CLASSES[1:], **SIZES)
    model, batch = make_model(redshift=config), make_batch(24, seed=9, roles=("photometry",))
    with torch.no_grad():
        outputs = model(batch)
        each = model.redshift_calibration(model.redshift_head.density(outputs["redshift"])).double()
        informed = outputs["informed"]
        for p in (model.probabilities(outputs).double(), torch.tensor([[0.0, 0.25, 0.75]]).double().expand(24, 3)):
            told = model.redshift_density(outputs, p)
            expected = (p[:, 1:, None] * each).sum(1)
            expected[:, 0] += p[:, 0] * 2 / model.redshift_head.grid[1]
            torch.testing.assert_close(told[informed], expected[informed], rtol=1e-5, atol=1e-6)
        stars = model.redshift_density(outputs, torch.tensor([[1.0, 0.0, 0.0]]).double().expand(24, 3))
    assert (stars[:, 1:] == 0).all()
    torch.testing.assert_close(stars[:, 0], (2 / model.redshift_head.grid[1]).expand(24))


def test_heads_must_fit_each_other(make_inputs):
    inputs = make_inputs(("photometry",))
    with pytest.raises(ConfigurationError, match="(?i)class QUASAR, which is not among the classes"):
        create_model("margformer", inputs, CLASSES, redshift=RedshiftConfig(classes=("QUASAR",), **SIZES))
    with pytest.raises(ConfigurationError, match="needs the classes that have a density each"):
        create_model("margformer", inputs, CLASSES, redshift=RedshiftConfig(**SIZES))


def test_a_model_without_redshifts_says_so_and_is_written_as_before(make_model, make_batch):
    model = make_model()
    with pytest.raises(ConfigurationError, match="was not trained for redshifts; train it for that task"):
        model.redshift_density(model(make_batch(roles=("photometry",))))
    assert "redshift" not in model.config.model_dump()["heads"]
