import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.explore.class_activation import GRAD_CAM, HIRES_CAM
from asterism.explore.explained_scores import taken
from asterism.explore.explanations import ATTENTION, GRADIENTS, METHODS, explain
from asterism.models.registry import model_names, network_class

pytest.importorskip("captum")
LIGHT_ARMS = {"size": "light", "blue_window": (1000, 1100), "red_window": (1495, 1595)}
LIGHT = {
    "macnet": LIGHT_ARMS,
    "mcnet": LIGHT_ARMS,
    "cnet": LIGHT_ARMS,
    "mnet": {"size": "light"},
    "sscnn1d": {"size": "light"},
}
METHOD = {
    "avis": {"image": GRADIENTS, "spectrum": GRADIENTS},
    "macnet": {"spectrum2d": HIRES_CAM, "image": HIRES_CAM},
    "mcnet": {"spectrum2d": HIRES_CAM, "image": HIRES_CAM},
    "cnet": {"spectrum2d": HIRES_CAM},
    "mnet": {"spectrum": HIRES_CAM, "image": HIRES_CAM},
    "sscnn1d": {"spectrum": HIRES_CAM},
    "margformer": {"photometry": GRADIENTS, "image": ATTENTION},
    "margformer-published": {"photometry": GRADIENTS, "image": ATTENTION},
    "margnet-ann": {"photometry": GRADIENTS},
    "margnet-cnn": {"image": HIRES_CAM},
    "margnet-ensemble": {"photometry": GRADIENTS, "image": GRADIENTS},
}


def as_read(batch, model):
    """Strips as a catalog's stream gives them: the windows only."""
    if "spectrum2d" in batch:
        stored = {"blue": (990, 0), "red": (1490, 1)}  # first pixel and row of the batch's strips
        strips = dict(batch["spectrum2d"])
        for arm in model.config.inputs.spectrum2d.arms:
            pixel, row = arm.first_pixel - stored[arm.name][0], arm.first_row - stored[arm.name][1]
            for key in (k for k in strips if k.split("_")[0] == arm.name):
                strips[key] = strips[key][:, row : row + arm.rows, pixel : pixel + arm.pixels]
        batch = {**batch, "spectrum2d": strips}
    return batch


#: What those read that do without any one input.
READ = {"avis": ("image", "spectrum"), "margformer": ("photometry", "image")}


@pytest.mark.parametrize("name", model_names())
def test_every_model_is_explained_in_every_role_that_it_reads(make_model, make_batch, name):
    roles = tuple(sorted(network_class(name).requires)) or READ[name]
    model = make_model(name, roles, **LIGHT.get(name, {}))
    batch = as_read(taken(make_batch(9, roles=roles), [0]), model)
    told = explain(model, batch, names=["a"], class_name="GALAXY")
    assert {one.role: one.method for one in told} == METHOD[name]
    shapes = {"image": (32, 32), "spectrum": (391,), "blue": (11, 100), "red": (11, 100)}
    for one in told:
        assert (one.object_id, one.target) == ("a", "GALAXY")
        assert one.method in METHODS
        wanted = (len(one.features),) if one.features else shapes[one.arm if one.role == "spectrum2d" else one.role]
        assert one.values.shape == wanted
        assert np.isfinite(one.values).any()
    assert not model.training


def test_the_published_map_can_be_asked_for_and_slips_are_one_sentence(make_model, make_batch):
    model = make_model("sscnn1d", ("spectrum",), **LIGHT["sscnn1d"])
    batch = taken(make_batch(9, roles=("spectrum",)), [0])
    (ours, *_), (theirs, *_) = (explain(model, batch, class_name="GALAXY", cam=cam) for cam in (HIRES_CAM, GRAD_CAM))
    assert (ours.method, theirs.method) == (HIRES_CAM, GRAD_CAM)
    assert ours.layer == theirs.layer
    assert np.nanmax(np.abs(ours.values - theirs.values)) > 0
    with pytest.raises(ConfigurationError, match="did you mean 'hirescam'"):
        explain(model, batch, cam="hirezcam")


def test_roles_that_an_object_lacks_are_left_out(make_model, make_batch):
    model, batch = make_model("margformer", ("photometry", "image")), make_batch(9)
    told = explain(model, taken(batch, [0, 1, 2]), names=["both", "image only", "photometry only"])
    assert [(one.object_id, one.role) for one in told] == [
        ("both", "photometry"), ("both", "image"), ("image only", "image"), ("photometry only", "photometry"),
    ]  # fmt: skip


def test_an_object_of_which_nothing_was_observed_is_one_sentence(make_model, make_batch):
    model, batch = make_model("margformer", ("photometry", "image")), make_batch(9)
    with pytest.raises(BadInputError, match=r"object gone has nothing observed that the model reads \(photometry_sdss"):
        explain(model, taken(batch, [0, 3]), names=["there", "gone"])


def test_explaining_changes_neither_the_model_nor_its_answers(make_model, make_batch):
    model, batch = make_model("margformer", ("photometry", "image")), make_batch(9)
    before = model.class_probabilities(batch).detach().numpy()
    some = taken(batch, [0, 4])
    first, again = explain(model, some), explain(model, some)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(model.class_probabilities(batch).detach().numpy(), before)
    assert all(p.grad is None for p in model.parameters())


def test_a_class_that_the_model_does_not_know_is_one_sentence(make_model, make_batch):
    with pytest.raises(ConfigurationError, match="unknown class 'QUASAR'"):
        explain(make_model(), taken(make_batch(9, roles=("photometry",)), [0]), class_name="QUASAR")
