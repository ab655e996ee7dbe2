"""Fitting in stages: in their order, each frozen at its best, and continued to the same weights to the bit."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from asterism.learning.classification import Classification
from asterism.learning.config import FitConfig
from asterism.learning.stages import fit_stages

TASK = Classification(("STAR", "QSO"))
CONFIG = FitConfig(epochs=2, learning_rate=1e-2, checkpoint_seconds=0.0, accelerator="cpu")


class Points:
    """A shuffled stream of points of two classes."""

    def __init__(self, n):
        generator = torch.Generator().manual_seed(n)
        self.x = torch.randn(n, 4, generator=generator)
        self.y = (self.x[:, 0] > 0).long()
        self.place = {"epoch": 0, "batch": 0}

    def __len__(self):
        return -(-len(self.x) // 16)

    def state_dict(self):
        return dict(self.place)

    def load_state_dict(self, state):
        self.place = dict(state)

    def __iter__(self):
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(self.place["epoch"]))
        for rows in order.split(16)[self.place["batch"] :]:
            yield {"x": self.x[rows], "image": self.x[rows], "label": {"class": self.y[rows]}}


class Part(nn.Module):
    def __init__(self, fit):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
        self.fit = fit
        self.network = SimpleNamespace(inputs=SimpleNamespace(roles=("photometry",)))
        self.requires_grad_(False)

    def forward(self, batch):
        return {"classification": self.layers(batch["x"])[:, None]}


def make_model():
    torch.manual_seed(0)
    stages = {"first": Part({"epochs": 3}), "second": Part({"learning_rate": 1e-3})}
    config = SimpleNamespace(name="staged", inputs=SimpleNamespace(roles=("photometry", "image")))
    return SimpleNamespace(network=SimpleNamespace(stages=stages), config=config)


def run(model, folder, augment=None, **kind):
    fit_stages(
        model, TASK, Points(64), Points(48), CONFIG, checkpoints=folder, histories=folder, augment=augment, **kind
    )
    return {f"{n}.{k}": v.clone() for n, stage in model.network.stages.items() for k, v in stage.state_dict().items()}


def test_each_is_fitted_with_its_own_settings_and_ends_frozen(tmp_path):
    model, told = make_model(), []
    before = {name: stage.layers[0].weight.clone() for name, stage in model.network.stages.items()}
    run(model, tmp_path, say=told.append)
    for name, epochs in (("first", 3), ("second", 2)):
        stage = model.network.stages[name]
        assert not torch.equal(stage.layers[0].weight, before[name])
        assert not any(p.requires_grad for p in stage.parameters())
        assert not stage.training
        history = (tmp_path / f"history-{name}.csv").read_text().splitlines()
        assert len(history) == 1 + epochs
    assert [text.split(":")[0] for text in told] == ["first", "second"]


@pytest.mark.parametrize("step", [5, 14])  # in the second epoch of the first part; in the second part
def test_an_interrupted_fit_continues_to_the_same_weights_to_the_bit(tmp_path, step):
    expected = run(make_model(), tmp_path / "whole")
    count = 0

    def stop(batch, generator):
        nonlocal count
        count += 1
        if count == step:
            raise KeyboardInterrupt
        return batch

    folder = tmp_path / "interrupted"
    with pytest.raises(KeyboardInterrupt):
        run(make_model(), folder, stop)
    steps = []
    again = run(make_model(), folder, lambda batch, generator: steps.append(0) or batch)
    assert 0 < len(steps) < 20  # of 12 + 8 steps some were done
    assert again.keys() == expected.keys()
    assert all(torch.equal(again[name], expected[name]) for name in expected)


def test_a_part_is_not_given_what_it_does_not_read(tmp_path):
    seen = set()

    def look(batch, generator):
        seen.update(batch)
        return batch

    run(make_model(), tmp_path, look)
    assert seen == {"x", "label"}


def test_without_stages_nothing_is_done(tmp_path):
    model = make_model()
    model.network.stages = {}
    run(model, tmp_path / "none")
    assert not (tmp_path / "none").exists()
