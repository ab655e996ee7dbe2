"""Single precision on a CPU where autocast is on, and nothing changed where it is not."""

import torch

from asterism.models.precision import single_on_cpu


def test_a_function_sees_single_precision_under_autocast_alone():
    seen = []

    def product(a, b):
        seen.append((a.dtype, b.dtype, torch.is_autocast_enabled("cpu")))
        return a @ b

    a, b = torch.ones(2, 3, dtype=torch.bfloat16), torch.ones(3, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert single_on_cpu(product, a, b).dtype == torch.float32
        assert (a @ b).dtype == torch.bfloat16
    assert single_on_cpu(product, a, a.T).dtype == torch.bfloat16
    assert seen == [(torch.float32, torch.float32, False), (torch.bfloat16, torch.bfloat16, False)]


def test_gradients_pass():
    weight = torch.ones(3, 2, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        single_on_cpu(torch.matmul, torch.ones(1, 3), weight).sum().backward()
    assert torch.equal(weight.grad, torch.ones(3, 2))
