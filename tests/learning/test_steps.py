"""A step of several batches has the gradients of one batch of all their objects, whatever the task compares."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from asterism.learning.alignment import Alignment
from asterism.learning.classification import Classification
from asterism.learning.steps import add_gradients, score
from asterism.models.alignment import CONTRASTS, AlignmentConfig, AlignmentHead


class Pairs(nn.Module):
    """Two small encoders with a head, as a model has them."""

    def __init__(self, objective="infonce", dropout=0.0, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.encoders = nn.ModuleDict(
                {
                    role: nn.Sequential(nn.Linear(5, 16), nn.GELU(), nn.Dropout(dropout), nn.Linear(16, 8))
                    for role in ("image", "spectrum")
                }
            )
            self.classes = nn.Linear(5, 3)
            self.heads = nn.ModuleDict(
                {"alignment": AlignmentHead(AlignmentConfig(objective=objective, expander=12), 8)}
            )

    def forward(self, batch):
        outputs = {"classification": self.classes(batch["image"]["flux"])[:, None]}
        for role, encoder in self.encoders.items():
            values = F.normalize(encoder(batch[role]["flux"]).float(), dim=1)
            outputs[f"embedding_{role}"] = torch.where(batch[role]["present"][:, None], values, 0.0)
            outputs[f"embedded_{role}"] = batch[role]["present"]
        return outputs


def sky(n, seed=0):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 5, generator=draw)
    rows = torch.arange(n)
    return {
        "image": {"flux": x, "present": rows % 7 != 3},
        "spectrum": {"flux": x.roll(1, 1) + 0.1 * torch.randn(n, 5, generator=draw), "present": rows % 5 != 2},
        "label": {"class": rows % 3},
        "row": rows,
    }


def part(batch, begin, end):
    return {k: part(v, begin, end) if isinstance(v, dict) else v[begin:end] for k, v in batch.items()}


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


SOURCES = torch.arange(100) // 2


@pytest.mark.parametrize("objective", [*CONTRASTS, None])
@pytest.mark.parametrize("cuts", [(0, 12, 24), (0, 8, 16, 24), (0, 20, 24)])
def test_chunks_give_the_gradients_of_one_batch(objective, cuts):
    task = Classification(("A", "B", "C")) if objective is None else Alignment(SOURCES)
    whole = Pairs(objective or "infonce").train()
    chunked = copy.deepcopy(whole)
    batch = sky(24)
    loss = add_gradients(whole, task, [batch], [1])
    pieces = [part(batch, a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
    same = add_gradients(chunked, task, pieces, range(len(pieces)))
    assert float(loss) == pytest.approx(float(same), rel=1e-5)
    expected, found = gradients(whole), gradients(chunked)
    assert set(found) == set(expected)
    assert any(float(g.abs().max()) > 1e-3 for g in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6, msg=name)


def test_a_step_of_one_batch_is_plain_backpropagation():
    model, batch, task = Pairs("siglip").train(), sky(24), Alignment(SOURCES)
    other = copy.deepcopy(model)
    add_gradients(model, task, [batch], [1])
    task.joint(other, task.parts(other(batch), batch))[0].backward()
    for name, gradient in gradients(other).items():
        torch.testing.assert_close(gradients(model)[name], gradient, rtol=1e-5, atol=1e-7)


def test_negatives_are_those_of_the_whole_step():
    """Adding up the batches' own losses is something else."""
    model, batch, task = Pairs().train(), sky(24), Alignment()
    other = copy.deepcopy(model)
    halves = [part(batch, 0, 12), part(batch, 12, 24)]
    together = add_gradients(model, task, halves, [0, 1])
    for half in halves:
        (task.joint(other, task.parts(other(half), half))[0] / 2).backward()
    with torch.no_grad():
        scores = [score(other, task, half) for half in halves]
    apart = sum(float(total) for total, _ in scores) / sum(count for _, count in scores)
    assert float(together) > apart + 0.3
    assert not torch.allclose(gradients(model)["encoders.image.0.weight"], gradients(other)["encoders.image.0.weight"])


def test_both_passes_draw_the_same_dropout_and_augmentation():
    """The second pass must be at the point whose gradient the first found: finite differences agree."""
    model, task = Pairs(dropout=0.4).train(), Alignment()
    halves = [part(sky(24), 0, 12), part(sky(24), 12, 24)]

    def jitter(batch, generator):
        flux = batch["image"]["flux"]
        noise = torch.randn(flux.shape, generator=generator)
        return {**batch, "image": {**batch["image"], "flux": flux + 0.3 * noise}}

    weight = model.encoders["image"][0].weight
    add_gradients(model, task, halves, [3, 4], augment=jitter)
    direction = weight.grad / weight.grad.norm()
    slope = float((weight.grad * direction).sum())
    found = []
    for sign in (-1, 1):
        other = copy.deepcopy(model)
        with torch.no_grad():
            other.encoders["image"][0].weight += sign * 2e-2 * direction
        other.zero_grad()
        found.append(float(add_gradients(other, task, halves, [3, 4], augment=jitter)))
    assert (found[1] - found[0]) / 4e-2 == pytest.approx(slope, rel=0.03)


def test_in_bfloat16_the_second_pass_has_gradients_too():
    """Autocast remembers copies of the weights: those of the pass without a graph must not be used again."""
    model, task = Pairs().train(), Alignment()
    halves = [part(sky(24), 0, 12), part(sky(24), 12, 24)]
    exact = copy.deepcopy(model)
    add_gradients(exact, task, halves, [0, 1])
    with torch.autocast("cpu", torch.bfloat16):
        add_gradients(model, task, halves, [0, 1])
    expected, found = gradients(exact), gradients(model)
    assert set(found) == set(expected)
    for name, gradient in expected.items():
        assert float(F.cosine_similarity(found[name].flatten(), gradient.flatten(), dim=0)) > 0.98, name


@pytest.mark.parametrize("chunks", [1, 2])
def test_fewer_than_two_pairs_teach_nothing(chunks):
    model, task, batch = Pairs().train(), Alignment(), sky(4)
    batch["image"]["present"][1:] = False
    pieces = [part(batch, 2 * i, 2 * i + 4 // chunks) for i in range(chunks)]
    assert float(add_gradients(model, task, pieces, range(chunks))) == 0
    assert all(not bool(g.any()) for g in gradients(model).values())
    with torch.no_grad():
        assert score(model, task, batch) == (0.0, 0)
