"""Two processes with half of a step's objects each end at the weights of one process with all of them."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.alignment import Alignment
from asterism.learning.config import FitConfig
from asterism.learning.fit import fit, training_device
from asterism.learning.processes import ALONE, Peers, launch
from asterism.models.alignment import AlignmentConfig, AlignmentHead


class Pairs(nn.Module):
    """Two encoders and a head, without randomness of their own."""

    def __init__(self, objective="infonce"):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.encoders = nn.ModuleDict(
                {role: nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4)) for role in ("image", "spectrum")}
            )
            self.unused = nn.Linear(2, 2)
            self.heads = nn.ModuleDict({"alignment": AlignmentHead(AlignmentConfig(objective=objective), 4)})

    def forward(self, batch):
        outputs = {}
        for role, encoder in self.encoders.items():
            outputs[f"embedding_{role}"] = F.normalize(encoder(batch[role]), dim=1)
            outputs[f"embedded_{role}"] = batch["present"]
        return outputs


class Sky:
    """A stream of pairs, in the same order in every epoch, that processes share as `catalogs.stream.Stream` does."""

    def __init__(self, n=22, batch_size=8, seed=0, rank=0, world=1):
        draw = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 4, generator=draw)
        self.n, self.batch_size, self.rank, self.world, self.place = n, batch_size, rank, world, (0, 0)

    def __len__(self):
        return -(-self.n // (self.batch_size * self.world))

    def shard(self, rank, world):
        other = Sky(0, self.batch_size, rank=rank, world=world)
        other.x, other.n = self.x, self.n
        return other

    def state_dict(self):
        return {"epoch": self.place[0], "batch": self.place[1]}

    def load_state_dict(self, state):
        self.place = state["epoch"], state["batch"]

    def __iter__(self):
        begin, self.place = self.place[1], (self.place[0], 0)
        for rows in torch.arange(self.n)[self.rank :: self.world].split(self.batch_size)[begin:]:
            x = self.x[rows]
            yield {"image": x, "spectrum": x.flip(1) ** 2, "present": rows % 5 != 3, "row": rows}


class Faulty(Sky):
    """A stream that one of the processes can't read."""

    def shard(self, rank, world):
        if rank == 1:
            raise BadInputError("row 3 holds nothing")
        return super().shard(rank, world)


def fail(peers):
    """Work that one process fails at while the other waits for it."""
    if peers.rank == 1:
        raise ValueError("no")
    peers.total(torch.ones(1))


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """The processes import this file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def test_two_processes_take_the_steps_of_one_and_continue_to_the_bit(tmp_path):
    settings = {"epochs": 3, "accelerator": "cpu", "learning_rate": 0.05, "ema_decay": 0.5, "checkpoint_seconds": 0}
    # 22 objects: the last step has 6, and objects without a pair are not equally many in both shares.
    alone, together = Pairs(), Pairs()
    one = fit(alone, Alignment(), Sky(22, 8), Sky(9, 4, seed=1), FitConfig(batch_size=8, **settings))
    two = fit(
        together, Alignment(), Sky(22, 4), Sky(9, 4, seed=1), FitConfig(batch_size=4, devices=2, **settings),
        checkpoint=tmp_path / "last.pt",
    )
    assert (two.steps, two.best_epoch) == (one.steps, one.best_epoch) == (9, one.best_epoch)
    for a, b in zip(one.history, two.history, strict=True):
        assert b.train_loss == pytest.approx(a.train_loss, rel=1e-5)
        assert b.validation_score == pytest.approx(a.validation_score, rel=1e-5)
    assert one.history[-1].train_loss < one.history[0].train_loss - 0.05
    for (name, a), b in zip(alone.state_dict().items(), together.state_dict().values(), strict=True):
        torch.testing.assert_close(b, a, rtol=2e-4, atol=2e-5, msg=name)
    # What is done is read from its checkpoint.
    again = Pairs()
    assert fit(
        again, Alignment(), Sky(22, 4), Sky(9, 4, seed=1), FitConfig(batch_size=4, devices=2, **settings),
        checkpoint=tmp_path / "last.pt",
    ) == two
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), together.parameters(), strict=True))


def test_the_error_of_a_process_is_the_error_of_the_fit():
    with pytest.raises(BadInputError, match="row 3 holds nothing"):
        fit(Pairs(), Alignment(), Faulty(), Sky(), FitConfig(batch_size=8, devices=2, accelerator="cpu"))


def test_one_process_alone_needs_nobody():
    values = {"x": torch.randn(3, 2), "there": torch.tensor([True, False, True])}
    whole, own = ALONE.gather(values)
    assert own == slice(0, 3)
    assert torch.equal(whole["x"], values["x"])
    assert ALONE.total(values["x"]) is values["x"]
    assert ALONE == Peers(0, 1)


def test_batches_of_one_object_are_not_shared_out():
    with pytest.raises(ConfigurationError, match=r"raise fit\.batch_size"):
        fit(Pairs(), Alignment(), Sky(), Sky(), FitConfig(batch_size=1, devices=2, accelerator="cpu"))
