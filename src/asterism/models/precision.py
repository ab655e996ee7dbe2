"""Where low precision costs more than it saves."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["single_on_cpu"]


def single_on_cpu(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """What a function gives of tensors; on a CPU in single precision where autocast would take a lower one.

    Parameters
    ----------
    function : callable
    tensors : Tensor
        Its arguments, on one device.

    Returns
    -------
    Tensor
    """
    if tensors[0].device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return function(*tensors)
    with torch.autocast("cpu", enabled=False):
        return function(*(tensor.float() for tensor in tensors))
