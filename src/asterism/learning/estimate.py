"""How long a fit will take and how much memory, from a few steps that are made and thrown away."""

from __future__ import annotations

import copy
import math
import sys
import time
from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch import nn

from asterism.learning.config import FitConfig
from asterism.learning.devices import to_device, training_device
from asterism.learning.fit import Batches
from asterism.learning.optimizers import make_optimizer
from asterism.learning.steps import Augment, JointTask, Task, add_gradients

__all__ = ["Estimate", "duration", "estimate", "size"]

_WARM_UP, _TIMED = 2, 4
#: Seconds after which a slow model is timed no longer, be it by its first steps, which are a little slower than the others.
_ENOUGH = 20.0


@dataclass(frozen=True)
class Estimate:
    """What to expect of a fit.

    Attributes
    ----------
    seconds : float
        For all epochs; early stopping can only shorten it.
    memory : int or None
        Largest memory of the process, or on a GPU of the device [byte]; None where the system does not tell.
    """

    seconds: float
    memory: int | None


def estimate(
    model: nn.Module, task: Task | JointTask, train: Batches, config: FitConfig, augment: Augment | None = None
) -> Estimate:
    """Time a few training steps on a copy of the model.

    Parameters
    ----------
    model : nn.Module
        Stays as it is.
    task, train, config, augment
        As for `fit`; the stream is read from and has to be put to its place again, which `fit` does.

    Returns
    -------
    Estimate
    """
    device = training_device(config)
    with torch.random.fork_rng():
        twin = copy.deepcopy(model).to(device).train()
        optimizer = make_optimizer(twin, config, device)
        stream = cycle(train)
        mixed = torch.autocast(
            device.type, torch.bfloat16, enabled=config.precision == "bf16-mixed", cache_enabled=False
        )
        begin = start = _now(device)
        timed = 0
        for index in range(_WARM_UP + _TIMED):
            if index == _WARM_UP:
                start, timed = _now(device), 0
            batches = [to_device(read, device) for read in islice(stream, config.accumulate)]
            optimizer.zero_grad()
            with mixed:  # as Lightning does around the steps of the fit
                add_gradients(twin, task, batches, range(len(batches)), augment=augment)
            optimizer.step()
            timed += 1
            if _now(device) - begin > _ENOUGH:
                break
        per_step = (_now(device) - start) / timed
    steps = math.ceil(len(train) / config.devices / config.accumulate) * config.epochs
    # Validation, averaging and checkpoints come on top, and are about a tenth.
    return Estimate(1.1 * per_step * steps, _peak_memory(device))


def duration(seconds: float) -> str:
    """Seconds in words, as exact as an estimate deserves.

    Examples
    --------
    >>> duration(8), duration(200), duration(9000)
    ('10 s', '3 min', '2.5 h')
    """
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 3300:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h"


def size(memory: int) -> str:
    """Bytes in words.

    Examples
    --------
    >>> size(700_000_000)
    '0.7 GB'
    """
    return f"{memory / 1e9:.1f} GB"


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # not there on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
