"""Laws that hold for every model, over every set of inputs that it can read and every number of classes."""

import copy

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.model import Model, create_model, model_names
from asterism.models.network import present
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
CLASSES = [("GALAXY", "STAR"), ("STAR", "GALAXY", "QSO")]
#: Windows within the pieces of strips that the batches hold.
WINDOWS = {"blue_window": (1000, 1100), "red_window": (1500, 1600)}
OPTIONS = {
    "margformer": ({}, {"fusion": "late"}),
    "cnet": ({"size": "light", **WINDOWS}, {"size": "light", "sky": "subtract", **WINDOWS}),
    "mcnet": ({"size": "light", **WINDOWS},),
    # The published one on few pixels, lest its dense layers have a hundred million weights.
    "macnet": (
        {"size": "light", **WINDOWS},
        {"size": "published", "blue_window": (1000, 1032), "red_window": (1500, 1532)},
    ),
    "mnet": ({"size": "light"},),
    "sscnn1d": ({"size": "light"},),
}
CASES = [
    pytest.param(
        *(name, roles, classes, options),
        id="-".join([name, "+".join(roles), str(len(classes)), *(v for v in options.values() if isinstance(v, str))]),
    )
    for name in model_names()
    for roles in SUBSETS
    if network_class(name).requires <= set(roles) <= network_class(name).accepts
    for classes in CLASSES
    for options in OPTIONS.get(name, ({},))
]
every = pytest.mark.parametrize(("name", "roles", "classes", "options"), CASES)


N = 10  # objects, of which four lack one modality or both; the largest of the published networks takes 1.4 GFLOP for one


@pytest.fixture(scope="module")
def built():
    """Models by what they were made from: the tests of this file don't change the one they are given."""
    return {}


@pytest.fixture
def case(name, roles, classes, options, built, make_model, make_batch):
    key = (name, roles, classes, *options.items())
    if key not in built:
        built[key] = make_model(name, roles, classes, **options)
    return built[key], make_batch(N, seed=9, roles=roles, classes=len(classes), model=built[key])


def take(batch, index):
    return {key: take(v, index) if isinstance(v, dict) else v[index] for key, v in batch.items()}


@every
def test_shapes_and_types(case, classes):
    model, batch = case
    outputs = model(batch)
    members, width = model.network.members, model.network.width
    assert outputs["features"].shape == (N, members, width)
    assert outputs["classification"].shape == (N, members, len(classes))
    assert outputs["informed"].dtype == torch.bool
    for value in outputs.values():
        assert torch.isfinite(value).all()
    probabilities = model.class_probabilities(batch)
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(1), torch.ones(N))


@every
def test_gradients_reach_every_parameter(case):
    model, batch = case
    model = copy.deepcopy(model).train()
    for part in (*model.network.stages.values(), model):
        frozen = part is not model
        part.train().requires_grad_(True) if frozen else part.train()
        loss = torch.nn.functional.cross_entropy(part(batch)["classification"].mean(1), batch["label"]["class"])
        loss.backward()
        wanted = [(n, p) for n, p in part.named_parameters() if p.requires_grad]
        assert [n for n, p in wanted if p.grad is None or not p.grad.abs().sum() > 0] == []
        if frozen:
            part.requires_grad_(False)


@every
def test_saved_and_loaded_it_answers_the_same_to_the_bit(case, tmp_path):
    model, batch = case
    model.save_pretrained(tmp_path / "model")
    again = Model.from_pretrained(tmp_path / "model")
    assert again.fingerprint == model.fingerprint
    assert again.config == model.config
    for key, value in model(batch).items():
        assert torch.equal(again(batch)[key], value)


@every
def test_permuting_a_batch_permutes_the_answers(case):
    model, batch = case
    order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(take(batch, order))["features"], model(batch)["features"][order])


@every
def test_no_object_influences_another(case):
    model, batch = case
    whole = model.class_probabilities(batch)
    for i in (0, 1, 2, 3, N - 1):
        torch.testing.assert_close(model.class_probabilities(take(batch, slice(i, i + 1)))[0], whole[i])


@every
def test_an_answer_is_the_same_twice(case):
    model, batch = case
    assert torch.equal(model(batch)["classification"], model(batch)["classification"])


@every
def test_numbers_of_an_absent_modality_are_never_read(case, roles):
    model, batch = case
    other = copy.deepcopy(batch)
    for role in roles:
        absent = ~batch[role]["present"]
        for key, values in other[role].items():
            if key != "present":
                values[absent] = 7.0 if key.endswith("ivar") else torch.nan
    before, after = model(batch), model(other)
    assert torch.equal(after["classification"], before["classification"])


@every
def test_numbers_where_nothing_was_observed_are_never_read(case, roles):
    model, batch = case
    other = copy.deepcopy(batch)
    for role in roles:
        for key in ("flux", "blue", "red"):
            if key in other[role]:
                ivar = batch[role]["ivar" if key == "flux" else f"{key}_ivar"]
                other[role][key][ivar == 0] = torch.nan
    assert torch.equal(model(other)["classification"], model(batch)["classification"])


@every
def test_with_nothing_observed_the_answer_is_the_training_mix(case, roles, classes):
    model, batch = case
    nothing = [i for i in range(N) if not any(present(batch[r])[i] for r in roles)]
    assert nothing
    mix = torch.tensor(model.class_mix.overall(), dtype=torch.float32)
    torch.testing.assert_close(model.class_probabilities(batch)[nothing], mix.expand(len(nothing), -1))


@every
def test_the_scale_of_inputs_is_learned_once(case, name, roles, classes, options, make_inputs):
    model, batch = case
    with pytest.raises(ConfigurationError, match="standardisation already"):
        model.standardise([batch])
    with pytest.raises(ConfigurationError, match="call standardise"):
        create_model(name, make_inputs(roles), classes, options)(batch)


@every
def test_the_scale_of_inputs_does_not_depend_on_the_cut_into_batches(
    name, roles, classes, options, make_inputs, make_batch
):
    whole = make_batch(60, roles=roles, classes=len(classes))
    states = []
    for size in (60, 7):
        torch.manual_seed(0)
        model = create_model(name, make_inputs(roles), classes, options)
        model.standardise([take(whole, slice(i, i + size)) for i in range(0, 60, size)])
        states.append(model.state_dict())
    for key, value in states[0].items():
        torch.testing.assert_close(states[1][key], value, rtol=1e-5, atol=1e-5, equal_nan=True)
