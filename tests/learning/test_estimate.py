"""The estimate changes nothing, and says its numbers in words."""

import copy

import pytest
import torch
from torch import nn

from asterism.learning.classification import Classification
from asterism.learning.config import FitConfig
from asterism.learning.estimate import duration, estimate, size


class Batches(list):
    """A stream of one batch."""


def test_it_expects_something_and_changes_nothing():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, batch):
            return {"classification": self.linear(batch["x"])[:, None]}

    net = Net()
    before = copy.deepcopy(net.state_dict())
    state = torch.get_rng_state()
    batches = Batches([{"x": torch.ones(4, 3), "label": {"class": torch.tensor([0, 1, 1, 0])}, "row": torch.arange(4)}])
    config = FitConfig(epochs=7, accelerator="cpu")
    found = estimate(net, Classification(("A", "B")), batches, config, augment=lambda batch, generator: batch)
    assert found.seconds > 0
    assert found.memory is None or found.memory > 10_000_000
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(("precision", "mixed"), [("32-true", False), ("bf16-mixed", True)])
def test_its_steps_are_of_the_fits_precision(precision, mixed):
    seen = []

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, batch):
            scores = self.linear(batch["x"])
            seen.append(scores.dtype)
            return {"classification": scores[:, None].float()}

    batches = Batches([{"x": torch.ones(4, 3), "label": {"class": torch.tensor([0, 1, 1, 0])}, "row": torch.arange(4)}])
    config = FitConfig(epochs=7, accelerator="cpu", precision=precision)
    estimate(Net(), Classification(("A", "B")), batches, config)
    assert set(seen) == {torch.bfloat16 if mixed else torch.float32}


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.1, "5 s"), (8, "10 s"), (54, "55 s"), (70, "1 min"), (200, "3 min"), (9000, "2.5 h")]
)
def test_durations_are_as_exact_as_they_deserve(seconds, words):
    assert duration(seconds) == words


def test_sizes_are_gigabytes():
    assert size(700_000_000) == "0.7 GB"
