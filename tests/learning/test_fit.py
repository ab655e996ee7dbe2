"""Fitting: it learns, stops, keeps the best weights, and continues to the same weights to the bit."""

import os
import signal

import pytest
import torch
from lightning.pytorch import Callback
from torch import nn

from asterism.errors import BadInputError, OutputError
from asterism.learning.classification import Classification
from asterism.learning.config import FitConfig
from asterism.learning.fit import fit

TASK = Classification(("STAR", "QSO"))


class Points:
    """A stream of points of two classes."""

    def __init__(self, n, batch_size=16, seed=0, shuffle=False):
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 4, generator=generator)
        self.y = (self.x[:, 0] + 0.3 * torch.randn(n, generator=generator) > 0).long()
        self.batch_size, self.shuffle, self.place = batch_size, shuffle, {"epoch": 0, "batch": 0}

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def state_dict(self):
        return {**self.place, "of": len(self.x)}

    def load_state_dict(self, state):
        assert state["of"] == len(self.x)
        self.place = {"epoch": state["epoch"], "batch": state["batch"]}

    def __iter__(self):
        order = torch.arange(len(self.x))
        if self.shuffle:
            order = torch.randperm(len(order), generator=torch.Generator().manual_seed(self.place["epoch"]))
        start, self.place = self.place["batch"], {**self.place, "batch": 0}
        for rows in order.split(self.batch_size)[start:]:
            yield {"x": self.x[rows], "label": {"class": self.y[rows]}, "row": rows}


class Net(nn.Module):
    """Two members with dropout, so that randomness matters."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 4))

    def forward(self, batch):
        return {"classification": self.layers(batch["x"]).view(-1, 2, 2)}


class StopAfter(Callback):
    """Raises once so many more steps are done."""

    def __init__(self, steps, error=RuntimeError):
        self.left, self.error = steps, error

    def on_train_batch_end(self, *args):
        self.left -= 1
        if self.left == 0:
            raise self.error("stopped")


def jitter(batch, generator):
    return {**batch, "x": batch["x"] + 0.1 * torch.randn(batch["x"].shape, generator=generator)}


def run(net, config=None, n=100, **more):
    config = config or FitConfig(epochs=4, batch_size=16, accelerator="cpu", checkpoint_seconds=0)
    return fit(net, TASK, Points(n, shuffle=True), Points(40, seed=1), config, augment=jitter, **more)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_it_learns_and_keeps_the_best_epoch_s_weights():
    net = Net()
    fitted = run(net, FitConfig(epochs=12, learning_rate=0.02, ema_decay=0.9, accelerator="cpu"))
    scores = [epoch.validation_score for epoch in fitted.history]
    assert fitted.epochs == 12
    assert fitted.steps == 12 * 7
    assert fitted.best_score == min(scores) == scores[fitted.best_epoch] < 0.4 < scores[0]
    assert [epoch.epoch for epoch in fitted.history] == list(range(1, 13))
    batch = next(iter(Points(40, batch_size=40, seed=1)))
    with torch.no_grad():
        total, n = TASK.score(net(batch), batch)
    assert float(total) / n == pytest.approx(fitted.best_score, rel=1e-5)
    assert not net.training


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    run(Net())
    assert torch.equal(before, torch.get_rng_state())


def test_a_seed_fixes_the_result():
    first, second, third = Net(), Net(), Net()
    run(first, seed=1)
    run(second, seed=1)
    run(third, seed=2)
    assert same(first, second)
    assert not same(first, third)


@pytest.mark.parametrize(
    ("optimizer", "stops"),
    [*(("adamw", stops) for stops in ([1], [2], [7], [8], [20], [28], [3, 6, 9, 1])), ("adagrad", [1, 8, 3])],
)
def test_a_continued_run_ends_with_the_same_weights_to_the_bit(optimizer, stops, tmp_path):
    config = FitConfig(epochs=4, batch_size=16, accelerator="cpu", checkpoint_seconds=0, optimizer=optimizer)
    whole = Net()
    expected = run(whole, config)
    checkpoint = tmp_path / "last.pt"
    for steps in stops:
        with pytest.raises(RuntimeError, match="stopped"):
            run(Net(), config, checkpoint=checkpoint, callbacks=[StopAfter(steps)])
    continued = Net()
    assert run(continued, config, checkpoint=checkpoint) == expected
    assert same(whole, continued)
    # And once more when all is done: nothing is left to do, and the answer is the same.
    again = Net()
    assert run(again, config, checkpoint=checkpoint) == expected
    assert same(whole, again)


def test_a_run_of_another_optimizer_learns_too_and_differs():
    config = FitConfig(epochs=8, learning_rate=0.1, schedule="constant", ema_decay=0, accelerator="cpu")
    adamw, adagrad = Net(), Net()
    run(adamw, config)
    fitted = run(adagrad, config.model_copy(update={"optimizer": "adagrad"}))
    assert fitted.best_score < 0.4
    assert not same(adamw, adagrad)


def test_ctrl_c_is_an_interruption_and_stays_one(tmp_path):
    class CtrlC(Callback):
        def on_train_batch_end(self, *args):
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    checkpoint = tmp_path / "last.pt"
    with pytest.raises(RuntimeError, match="stopped"):
        run(Net(), checkpoint=checkpoint, callbacks=[StopAfter(3)])
    with pytest.raises(KeyboardInterrupt):
        run(Net(), checkpoint=checkpoint, callbacks=[CtrlC()])
    assert signal.getsignal(signal.SIGINT) is handler
    assert checkpoint.exists()


def test_patience_ends_a_run_that_no_longer_improves(tmp_path):
    config = FitConfig(epochs=50, learning_rate=0.05, schedule="constant", ema_decay=0, patience=2, accelerator="cpu")
    fitted = run(Net(), config, checkpoint=tmp_path / "last.pt")
    assert fitted.epochs < 50
    assert fitted.best_epoch == fitted.epochs - 3
    assert run(Net(), config, checkpoint=tmp_path / "last.pt") == fitted


def test_without_averaging_the_weights_are_the_optimizer_s():
    config = FitConfig(epochs=1, ema_decay=0, accelerator="cpu")
    averaged, plain = Net(), Net()
    run(averaged, config.model_copy(update={"ema_decay": 0.99}))
    run(plain, config)
    assert not same(averaged, plain)


def test_a_loss_that_is_not_finite_stops_with_a_reason():
    broken = Points(40, seed=1)
    broken.x[3] = torch.nan
    with pytest.raises(BadInputError, match="the loss is not finite in epoch 1; lower fit.learning_rate"):
        fit(Net(), TASK, broken, Points(40), FitConfig(epochs=2, accelerator="cpu"))


@pytest.mark.parametrize("empty", [0, 1])
def test_a_part_without_objects_is_refused(empty):
    streams = [Points(0 if i == empty else 20) for i in range(2)]
    with pytest.raises(BadInputError, match=f"the {['training', 'validation'][empty]} part has no objects"):
        fit(Net(), TASK, *streams, FitConfig(accelerator="cpu"))


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"nothing")
    with pytest.raises(OutputError, match="can't be read"):
        run(Net(), checkpoint=tmp_path / "last.pt")
