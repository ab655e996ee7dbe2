"""Where a model is fitted, and batches are brought there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from asterism.errors import ConfigurationError
from asterism.learning.config import FitConfig
from asterism.learning.steps import Batch

__all__ = ["to_device", "training_device"]


def training_device(config: FitConfig) -> torch.device:
    """Where Lightning will train: the first GPU where there is one and it is not declined, else the CPU.

    Raises
    ------
    ConfigurationError
        A GPU is asked for and there is none, or fewer than there are to be processes.
    """
    found = torch.cuda.is_available()
    if config.accelerator == "gpu" and not found:
        raise ConfigurationError("fit.accelerator is 'gpu' and no CUDA GPU is to be seen; set it to 'auto' or 'cpu'")
    if found and config.accelerator != "cpu" and torch.cuda.device_count() < config.devices:
        raise ConfigurationError(
            f"fit.devices is {config.devices} and there are {torch.cuda.device_count()} GPUs; lower it, or set"
            " fit.accelerator=cpu"
        )
    return torch.device("cuda" if found and config.accelerator != "cpu" else "cpu")


def to_device(batch: Batch, device: torch.device) -> dict[str, Any]:
    """A batch's tensors on a device."""
    return {
        name: value.to(device) if isinstance(value, Tensor) else to_device(value, device)
        for name, value in batch.items()
    }
