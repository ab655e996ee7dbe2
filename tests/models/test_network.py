import torch

from asterism.models.network import present, select


def test_an_object_is_present_when_something_was_observed():
    role = {
        "flux": torch.zeros(4, 2),
        "ivar": torch.tensor([[1.0, 0], [0, 0], [1, 1], [0, 2]]),
        "present": torch.tensor([True, True, False, True]),
    }
    assert present(role).tolist() == [True, False, False, True]
    chosen = select(role, torch.tensor([3, 0]))
    assert chosen["ivar"].tolist() == [[0, 2], [1, 0]]
    assert chosen["present"].tolist() == [True, True]
