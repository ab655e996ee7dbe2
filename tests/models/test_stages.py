import torch

from asterism.models.heads import ClassificationConfig, HeadsConfig
from asterism.models.margnet import MargNetANN, MargNetANNOptions
from asterism.models.stages import Stage


def make_stage(make_inputs, make_batch):
    torch.manual_seed(0)
    network = MargNetANN(make_inputs(("photometry",)), MargNetANNOptions(dropout=0.0))
    stage = Stage(network, HeadsConfig(classification=ClassificationConfig(classes=("A", "B", "C"))), {"epochs": 7})
    network.observe(make_batch(roles=("photometry",)))
    network.settle()
    return stage


def test_it_answers_as_a_model_of_its_own_would(make_inputs, make_batch):
    stage, batch = make_stage(make_inputs, make_batch), make_batch(roles=("photometry",))
    outputs = stage(batch)
    features, informed = stage.network(batch)
    assert torch.equal(outputs["features"], features)
    assert torch.equal(outputs["informed"], informed)
    assert torch.equal(outputs["classification"], stage.heads["classification"](features))
    assert stage.fit == {"epochs": 7}


def test_it_begins_frozen_and_learns_when_asked(make_inputs, make_batch):
    stage, batch = make_stage(make_inputs, make_batch), make_batch(roles=("photometry",))
    assert not any(p.requires_grad for p in stage.parameters())
    stage.requires_grad_(True)(batch)["classification"].sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in stage.parameters())


def test_objects_of_which_it_sees_nothing_teach_it_nothing(make_inputs, make_batch):
    stage, batch = make_stage(make_inputs, make_batch).requires_grad_(True), make_batch(roles=("photometry",))
    absent = ~batch["photometry"]["present"]
    assert absent.any()
    stage(batch)["classification"][absent].sum().backward()
    assert all(not p.grad.any() for p in stage.parameters())


def test_it_takes_what_the_models_heads_learned_of_the_labels(make_inputs, make_batch):
    stage = make_stage(make_inputs, make_batch)
    theirs = torch.nn.ModuleDict({"classification": torch.nn.Identity()})
    for head, value in ((stage.heads["classification"], 0.0), (theirs["classification"], 3.0)):
        head.register_buffer("location", torch.tensor([value]))
    stage.take_statistics(theirs)
    assert stage.heads["classification"].location == 3
