import copy

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.model import create_model
from asterism.models.redshift_families import RedshiftConfig

ROLES = ("photometry", "image")


@pytest.fixture(scope="module")
def model(make_model):
    return make_model("margnet-ensemble", ROLES)


def test_its_parts_are_the_two_networks_and_the_stack_is_the_published_one(model):
    counts = {name: sum(p.numel() for p in stage.parameters()) for name, stage in model.network.stages.items()}
    assert counts == {"ann": 331_331, "cnn": 25_543_783}
    assert model.network.stack.weight.shape == (10, 6)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 6 * 10 + 10 + 10 * 3 + 3


def test_it_reads_the_softmaxes_and_nothing_else(model, make_batch):
    batch = make_batch(10)
    p = [
        torch.where(out["informed"][:, None], out["classification"].softmax(-1)[:, 0], 1 / 3)
        for out in (stage(batch) for stage in model.network.stages.values())
    ]
    expected = model.network.stack(torch.cat(p, 1)).relu()[:, None]
    torch.testing.assert_close(model.network(batch)[0], expected)


def test_its_parts_have_no_dropout_while_the_stack_is_trained(model, make_batch):
    batch, twin = make_batch(10), copy.deepcopy(model).train()
    assert twin.training
    assert not any(stage.training for stage in twin.network.stages.values())
    assert torch.equal(twin(batch)["features"], twin(batch)["features"])
    twin(batch)["classification"].sum().backward()
    assert all(p.grad is None for stage in twin.network.stages.values() for p in stage.parameters())


def test_each_part_can_be_told_how_it_is_fitted(make_inputs):
    options = {"ann_epochs": 3, "cnn_learning_rate": 2e-3}
    network = create_model("margnet-ensemble", make_inputs(ROLES), ("A", "B"), options).network
    assert network.stages["ann"].fit == {"learning_rate": 5e-3, "epochs": 3, "patience": 0}
    assert network.stages["cnn"].fit["learning_rate"] == 2e-3


def test_it_needs_both_inputs(make_inputs):
    with pytest.raises(ConfigurationError, match="needs image among its inputs"):
        create_model("margnet-ensemble", make_inputs(("photometry",)), ("A", "B"))


@pytest.mark.parametrize(("classes", "numbers"), [(None, 1056), (("STAR", "GALAXY"), 1060)])
def test_for_redshifts_the_stack_reads_the_features_of_both(make_inputs, make_batch, classes, numbers):
    torch.manual_seed(0)
    of_redshift = RedshiftConfig(z_max=2.0, classes=("GALAXY",) if classes else ())
    model = create_model("margnet-ensemble", make_inputs(ROLES), classes, redshift=of_redshift)
    assert model.network.stack.weight.shape == (10, numbers)
    batch = make_batch(10, classes=2)
    batch["label"]["redshift"] = torch.linspace(0.1, 1.5, 10)
    model.standardise([batch])
    for stage in model.network.stages.values():  # what the labels are like is learned once, for all heads
        assert torch.equal(stage.heads["redshift"].location, model.redshift_head.location)
    density = model.eval().redshift_density(model(batch))
    area = torch.trapezoid(density.double(), model.redshift_head.grid)
    torch.testing.assert_close(area, torch.ones(10, dtype=torch.float64))
    assert (density[4] - density[5]).abs().max() > 0
