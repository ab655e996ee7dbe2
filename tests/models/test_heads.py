import pytest
import torch

from asterism.models.heads import ClassificationConfig, ClassificationHead, HeadsConfig


def test_each_member_has_a_head_of_its_own():
    torch.manual_seed(0)
    head = ClassificationHead(3, 4, 2)
    features = torch.randn(5, 3, 4)
    logits = head(features)
    assert logits.shape == (5, 3, 2)
    changed = features.clone()
    changed[:, 1] = 0
    assert torch.equal(head(changed)[:, [0, 2]], logits[:, [0, 2]])
    assert not torch.equal(head(changed)[:, 1], logits[:, 1])


def test_tasks_are_those_with_a_head():
    assert HeadsConfig().tasks == ()
    assert HeadsConfig(classification=ClassificationConfig(classes=("A", "B"))).tasks == ("classification",)


@pytest.mark.parametrize("classes", [(), ("STAR",), ("STAR", "STAR")])
def test_one_class_is_none(classes):
    with pytest.raises(ValueError, match="at least two distinct classes"):
        ClassificationConfig(classes=classes)
