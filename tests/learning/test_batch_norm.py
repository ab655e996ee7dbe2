"""Statistics of batch normalisation are those of the network without dropout, and a fit validates and ends with them."""

import copy

import pytest
import torch
from torch import nn

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.batch_norm import normalising_layers, population_statistics
from asterism.learning.classification import Classification
from asterism.learning.config import FitConfig
from asterism.learning.fit import fit

TASK = Classification(("STAR", "QSO"))
WIDTH = 16


class Points:
    """A stream of points of two classes, told by a sign."""

    def __init__(self, n=192, batch_size=16, seed=0, shuffle=False):
        self.x = torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(seed))
        self.y = (self.x[:, 0] > 0).long()
        self.batch_size, self.shuffle, self.rank, self.ranks = batch_size, shuffle, 0, 1
        self.place = {"epoch": 0, "batch": 0}

    def shard(self, rank, world_size):
        part = copy.deepcopy(self)
        part.rank, part.ranks = rank, world_size
        return part

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def state_dict(self):
        return dict(self.place)

    def load_state_dict(self, state):
        self.place = dict(state)

    def __iter__(self):
        order = torch.arange(len(self.x))
        if self.shuffle:
            order = torch.randperm(len(order), generator=torch.Generator().manual_seed(self.place["epoch"]))
        begin, self.place = self.place["batch"], {**self.place, "batch": 0}
        for rows in list(order.split(self.batch_size))[self.rank :: self.ranks][begin:]:
            yield {"x": self.x[rows], "label": {"class": self.y[rows]}, "row": rows}


class Net(nn.Module):
    """Dropout in front of layers that normalise, three times."""

    def __init__(self, normal=nn.BatchNorm1d, dropout=0.5):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            layers = [nn.Dropout(dropout), nn.Linear(WIDTH, WIDTH), nn.ReLU(), normal(WIDTH)]
            layers += [nn.Dropout(dropout), nn.Linear(WIDTH, WIDTH), nn.ReLU(), normal(WIDTH)]
            self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, 2))

    def forward(self, batch):
        return {"classification": self.layers(batch["x"])[:, None]}


def test_statistics_are_those_of_the_network_without_dropout():
    net, stream = Net(), Points()
    raised = copy.deepcopy(net).train()
    for batch in Points(n=16 * 600, batch_size=16):
        raised(batch)
    population_statistics(net, stream)
    first = net.layers[2](net.layers[1](stream.x))
    torch.testing.assert_close(net.layers[3].running_mean, first.mean(0))
    # Batches' variances are of n - 1: those of 16 are a sixteenth too large, of what lies within batches.
    torch.testing.assert_close(net.layers[3].running_var, first.var(0), rtol=0.08, atol=0)
    # The mean of squares grows by half of the objects being doubled, so that the variance behind a layer does, too.
    assert float((raised.layers[3].running_var / net.layers[3].running_var).min()) > 1.2


def test_nothing_else_of_the_model_changes():
    net = Net()
    net.train()
    net.layers[4].eval()
    before = copy.deepcopy(net)
    state = torch.get_rng_state()
    population_statistics(net, Points())
    for (name, a), b in zip(net.named_parameters(), before.parameters(), strict=True):
        assert torch.equal(a, b), name
    assert [m.training for m in net.modules()] == [m.training for m in before.modules()]
    assert [m.momentum for m in normalising_layers(net)] == [m.momentum for m in normalising_layers(before)]
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(state, torch.get_rng_state())


def test_without_objects_the_statistics_stay_and_it_is_an_error():
    net = Net().train()
    with pytest.raises(BadInputError, match="give training objects"):
        population_statistics(net, [])
    assert all(torch.equal(layer.running_mean, torch.zeros(WIDTH)) for layer in normalising_layers(net))
    assert net.layers[0].training


class Arms(nn.Module):
    """Two arms; one that no object of a batch has is not asked."""

    def __init__(self):
        super().__init__()
        self.blue, self.red = nn.BatchNorm1d(WIDTH), nn.BatchNorm1d(WIDTH)

    def forward(self, batch):
        for arm in (self.blue, self.red):
            if (x := batch["blue" if arm is self.blue else "red"]) is not None:
                arm(x)


def test_an_arm_goes_by_the_batches_that_have_it():
    arms = Arms()
    x = [shift + torch.randn(32, WIDTH, generator=torch.Generator().manual_seed(shift)) for shift in range(4)]
    population_statistics(arms, [{"blue": part, "red": part if i in (0, 3) else None} for i, part in enumerate(x)])
    torch.testing.assert_close(arms.blue.running_mean, torch.cat(x).mean(0))
    torch.testing.assert_close(arms.red.running_mean, torch.cat([x[0], x[3]]).mean(0))
    squares = torch.stack([part.var(0) + part.mean(0) ** 2 for part in (x[0], x[3])]).mean(0)
    torch.testing.assert_close(arms.red.running_var, squares - torch.cat([x[0], x[3]]).mean(0) ** 2)


def test_an_arm_that_no_object_has_keeps_its_statistics():
    arms = Arms()
    arms.red.running_mean.fill_(3.0)
    population_statistics(arms, [{"blue": torch.randn(8, WIDTH), "red": None}])
    assert torch.equal(arms.red.running_mean, torch.full((WIDTH,), 3.0))
    assert torch.equal(arms.red.running_var, torch.ones(WIDTH))
    assert not any(module._forward_hooks for module in arms.modules())


def test_layers_without_running_statistics_are_left_alone():
    assert normalising_layers(Net(normal=lambda width: nn.GroupNorm(2, width))) == []
    assert normalising_layers(Net(normal=lambda width: nn.BatchNorm1d(width, track_running_stats=False))) == []
    assert len(normalising_layers(Net())) == 2


def settings(**more):
    given = {"epochs": 6, "batch_size": 16, "learning_rate": 0.02, "ema_decay": 0.0, "accelerator": "cpu", **more}
    return FitConfig(**given)


@pytest.mark.parametrize(("devices", "ema_decay"), [(1, 0.0), (1, 0.9), pytest.param(2, 0.9, marks=pytest.mark.slow)])
def test_a_fit_validates_with_them_and_ends_with_them(devices, ema_decay):
    scores = {}
    for kind in ("running", "population"):
        net, config = Net(), settings(batch_norm=kind, ema_decay=ema_decay, devices=devices)
        fitted = fit(net, TASK, Points(shuffle=True), Points(64, seed=1), config)
        scores[kind] = fitted.best_score
        batch = next(iter(Points(64, 64, seed=1)))
        with torch.no_grad():
            total, n = TASK.score(net(batch), batch)
        if devices == 1 or kind == "population":  # else every process has running means of its own
            assert float(total) / n == pytest.approx(fitted.best_score, rel=1e-4)
    assert scores["population"] < scores["running"] - 0.01


def test_they_do_not_change_the_steps():
    losses = [
        [
            e.train_loss
            for e in fit(Net(), TASK, Points(shuffle=True), Points(64, seed=1), settings(batch_norm=kind)).history
        ]
        for kind in ("running", "population")
    ]
    assert losses[0] == losses[1]


def test_a_model_without_batch_normalisation_has_none_to_take():
    net = Net(normal=lambda width: nn.GroupNorm(2, width))
    with pytest.raises(ConfigurationError, match=r"fit\.batch_norm is 'population' and the model has no batch norm"):
        fit(net, TASK, Points(shuffle=True), Points(64, seed=1), settings(batch_norm="population"))
