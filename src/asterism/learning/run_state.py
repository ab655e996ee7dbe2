"""Where a run stands: everything that continuing it needs, kept beside the weights while it fits.

Nothing here is a random state: the randomness of a step is seeded by the run's seed and the step's number, so a
continued run draws what an uninterrupted one would have drawn.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asterism.errors import OutputError

__all__ = ["Epoch", "RunState", "load_run_state", "save_run_state", "step_seed"]


@dataclass
class Epoch:
    """One line of ``history.csv``."""

    epoch: int
    steps: int
    learning_rate: float
    train_loss: float
    validation_score: float


@dataclass
class RunState:
    """Progress of a fit.

    Attributes
    ----------
    step : int
        Optimizer steps done.
    epoch, batch : int
        The epoch under way (from 0) and the batches of it that are done.
    loss_sum : float
        Sum of the losses of those batches.
    best_score : float
        Lowest validation score so far, and in `best_epoch` where it was (-1: none yet).
    history : list of Epoch
        One for each epoch that is done.
    average : list of Tensor
        Averaged parameters, in the order of ``model.parameters()``; empty before the first step or without averaging.
    best : dict of str to Tensor
        The model's state at the best epoch.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    best_score: float = float("inf")
    best_epoch: int = -1
    history: list[Epoch] = field(default_factory=list)
    average: list[Tensor] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)


def step_seed(seed: int, step: int) -> int:
    """A seed for one step, from the run's seed: 63 bits, by the finaliser of SplitMix64 (Steele et al. 2014)."""
    mask = (1 << 64) - 1
    z = (seed * 0x9E3779B97F4A7C15 + (step + 1) * 0xD1B54A32D192ED03) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) >> 1


def save_run_state(path: Path, state: RunState, model: dict[str, Tensor], optimizer: dict[str, Any]) -> None:
    """Write a checkpoint: plain tensors, numbers and strings, under a temporary name that is then renamed.

    A checkpoint is not forced to the disk: losing the last one to a power cut costs a repetition from the one before.

    Parameters
    ----------
    path : Path
        ``RUN.partial/checkpoints/last.pt``.
    state : RunState
    model, optimizer : dict
        Their ``state_dict()``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    fields = {name: value for name, value in vars(state).items() if name != "history"}
    history = [asdict(epoch) for epoch in state.history]
    torch.save({"state": fields, "history": history, "model": model, "optimizer": optimizer}, temporary)
    os.replace(temporary, path)


def load_run_state(path: Path) -> tuple[RunState, dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint; nothing but tensors, numbers and strings is ever unpickled.

    Parameters
    ----------
    path : Path

    Returns
    -------
    state : RunState
    model, optimizer : dict
        For ``load_state_dict``.

    Raises
    ------
    OutputError
        The file can't be read.
    """
    try:
        read = torch.load(path, map_location="cpu", weights_only=True)
        state = RunState(**read["state"], history=[Epoch(**epoch) for epoch in read["history"]])
        return state, read["model"], read["optimizer"]
    except Exception as error:  # torch raises many kinds for a damaged file
        raise OutputError(f"{path} can't be read ({type(error).__name__}); start anew with --overwrite") from error
