"""The alignment head: what each objective learns of its own, and how a model keeps it."""

import math

import pytest
import torch

from asterism.errors import ConfigurationError
from asterism.models.alignment import OBJECTIVES, AlignmentConfig, AlignmentHead
from asterism.models.configuration import parse
from asterism.models.heads import HeadsConfig, make_heads


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        ("infonce", {"log_scale"}),
        ("siglip", {"log_scale", "bias"}),
        ("vicreg", {f"expander.{i}.{kind}" for i, kind in [(0, "weight"), (3, "weight"), (6, "weight")]}),
        ("masked", set()),
    ],
)
def test_each_objective_has_its_parameters(objective, names):
    head = AlignmentHead(AlignmentConfig(objective=objective, expander=16), 8)
    found = {name for name, p in head.named_parameters() if "expander" not in name or p.ndim == 2}
    assert found == names
    assert objective in OBJECTIVES
    # Nothing but parameters is kept: the expander goes by the batch at hand alone.
    assert set(head.state_dict()) == {name for name, _ in head.named_parameters()}


@torch.no_grad()
def test_temperatures_begin_as_published_and_are_bounded():
    clip = AlignmentHead(AlignmentConfig(objective="infonce"), 8)
    assert float(clip.scale) == pytest.approx(1 / 0.07, rel=1e-5)
    siglip = AlignmentHead(AlignmentConfig(objective="siglip"), 8)
    assert (float(siglip.scale), float(siglip.bias)) == (pytest.approx(10), -10)
    clip.log_scale.fill_(math.log(1e4))
    assert float(clip.scale) == pytest.approx(100)


def test_a_model_without_alignment_is_written_as_before_there_was_any():
    plain = HeadsConfig(classification={"classes": ("STAR", "QSO")})
    assert set(plain.model_dump()) == {"classification"}
    aligned = HeadsConfig(alignment=AlignmentConfig(objective="siglip"))
    assert aligned.tasks == ("alignment",)
    assert aligned.model_dump()["alignment"]["objective"] == "siglip"
    assert set(make_heads(aligned, 1, 8)) == {"alignment"}


def test_an_unknown_objective_is_refused():
    with pytest.raises(ConfigurationError, match="objective"):
        parse(HeadsConfig, {"alignment": {"objective": "nce"}}, "head")
