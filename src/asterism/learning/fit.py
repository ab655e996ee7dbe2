"""Finding the weights: Lightning's loop around an optimizer, averaged weights, early stopping, and checkpoints to continue from.

A run that was stopped anywhere, also in mid-epoch, and is continued ends with the same weights to the bit as one that
was not: each batch's randomness comes from the run's seed and the batch's number (`run_state.step_seed`), an epoch's order
from the seed and the epoch, the learning rate from the step, and everything else is in the checkpoint. A step may be of
several batches, and of several processes (`steps`, `processes`).
"""

from __future__ import annotations

import copy
import math
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from torch import Tensor, nn

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.batch_norm import OBJECTS, normalising_layers, population_statistics
from asterism.learning.config import FitConfig
from asterism.learning.devices import to_device, training_device
from asterism.learning.memory import keep_freed_memory
from asterism.learning.optimizers import learning_rate, make_optimizer
from asterism.learning.processes import ALONE, Peers, launch
from asterism.learning.progress import FitProgress, quiet_lightning
from asterism.learning.run_state import Epoch, RunState, load_run_state, save_run_state, step_seed
from asterism.learning.steps import Augment, Batch, JointTask, Task, add_gradients, score

__all__ = ["Batches", "Fitted", "fit"]


class Batches(Protocol):
    """A stream of batches, `catalogs.stream.Stream`: a pass over it visits every object once."""

    def __iter__(self) -> Iterator[dict[str, Any]]: ...

    def __len__(self) -> int: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...

    def shard(self, rank: int, world_size: int) -> Batches: ...


@dataclass(frozen=True)
class Fitted:
    """How a fit went.

    Attributes
    ----------
    epochs, steps : int
        How many were done.
    best_epoch : int
        Whose weights the model has now, from 0.
    best_score : float
        The validation score there.
    history : tuple of Epoch
    """

    epochs: int
    steps: int
    best_epoch: int
    best_score: float
    history: tuple[Epoch, ...]


def fit(
    model: nn.Module,
    task: Task | JointTask,
    train: Batches,
    validation: Batches,
    config: FitConfig,
    *,
    seed: int = 0,
    augment: Augment | None = None,
    checkpoint: Path | None = None,
    console: Console | None = None,
    callbacks: Sequence[Callback] = (),
) -> Fitted:
    """Fit a model in place; it ends with the weights of its best epoch, in evaluation mode.

    Parameters
    ----------
    model : nn.Module
        Gives a mapping of outputs for a batch.
    task : Task or JointTask
        Loss and validation score (lower is better).
    train, validation : Batches
        The training stream must be seeded and shuffled; it is put to its place before each pass.
    config : FitConfig
    seed : int
        Of dropout and augmentation.
    augment : callable, optional
        Applied to each training batch with a generator of the step.
    checkpoint : Path, optional
        File to keep the run's state in; where it exists, the run continues from it.
    console : rich.console.Console, optional
        Shows a progress bar where it is a terminal.
    callbacks : sequence of lightning Callback
        Further callbacks.

    Returns
    -------
    Fitted

    Raises
    ------
    BadInputError
        Training or validation has no objects, or the loss is not finite.
    ConfigurationError
        Processes that would have no batches, or statistics of batch normalisation where the model has none.
    OutputError
        The checkpoint can't be read.
    KeyboardInterrupt
        On Ctrl-C or when the process is told to end; the checkpoint stays.
    """
    for stream, part in ((train, "training"), (validation, "validation")):
        if len(stream) == 0:
            raise BadInputError(f"the {part} part has no objects; widen --where or make another split")
    if config.devices > 1 and config.batch_size < 2:
        # Some processes would have a batch less than others, and these wait for them for ever.
        raise ConfigurationError("fit.devices shares out batches of two objects or more; raise fit.batch_size")
    if config.batch_norm == "population" and not normalising_layers(model):
        raise ConfigurationError(
            "fit.batch_norm is 'population' and the model has no batch normalisation; leave it at 'running'"
        )
    if config.devices == 1:
        module = _Fitting(model, task, train, config, seed, augment, checkpoint, FitProgress(console), ALONE)
        _fit_module(module, train, validation, callbacks)
    else:
        with tempfile.TemporaryDirectory() as folder:
            kept = checkpoint or Path(folder) / "last.pt"
            module = _Fitting(model, task, train, config, seed, augment, kept, FitProgress(None), ALONE)
            module.restore()
            if not module.finished:
                shown = console is not None and console.is_terminal
                arguments = (model, task, train, validation, config, seed, augment, kept, shown, list(callbacks))
                launch(_work, config.devices, arguments, gpu=training_device(config).type == "cuda")
                module.restore()
    state = module.state
    model.to("cpu").load_state_dict(state.best)
    model.eval()
    return Fitted(len(state.history), state.step, state.best_epoch, state.best_score, tuple(state.history))


def _work(
    peers: Peers,
    model: nn.Module,
    task: Task | JointTask,
    train: Batches,
    validation: Batches,
    config: FitConfig,
    seed: int,
    augment: Augment | None,
    checkpoint: Path,
    shown: bool,
    callbacks: Sequence[Callback],
) -> None:
    """One of several processes' share of a fit; the first keeps the checkpoint, which is the result."""
    console = Console(stderr=True) if shown and peers.rank == 0 else None
    share = train.shard(peers.rank, peers.count)
    # Tensors that are sent to processes of this machine are shared among them, and each must take steps with its own.
    model = copy.deepcopy(model)
    module = _Fitting(model, task, share, config, seed, augment, checkpoint, FitProgress(console), peers)
    _fit_module(module, share, validation, callbacks)


def _fit_module(module: _Fitting, train: Batches, validation: Batches, callbacks: Sequence[Callback]) -> None:
    """From where the run stands to its end."""
    keep_freed_memory()
    module.restore()
    config, state = module.config, module.state
    with module.progress, quiet_lightning(), torch.random.fork_rng():
        module.progress.total(module.steps)
        if not module.finished:
            device = training_device(config)
            trainer = Trainer(
                accelerator=device.type,
                devices=[module.peers.rank] if device.type == "cuda" else 1,
                precision=config.precision,
                max_epochs=config.epochs - state.epoch,
                callbacks=list(callbacks),
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )
            _run(trainer, module, _EpochRest(train, state, config.accumulate), _Share(validation, module.peers))


def _run(trainer: Trainer, module: LightningModule, train: Any, validation: Any) -> None:
    """Lightning's fit, with Ctrl-C as Python means it (Lightning ends the process and leaves the signal ignored)."""
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        trainer.fit(module, train, validation)
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)


class _EpochRest:
    """The training stream as Lightning sees it: what is left of the epoch under way, the batches of one step at a time.

    It has no length, so that Lightning ends an epoch where the stream ends, also for a continued, shorter one.
    """

    def __init__(self, stream: Batches, state: RunState, accumulate: int) -> None:
        self.stream, self.state, self.accumulate = stream, state, accumulate

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        # The place is the run's, not the stream's: Lightning fetches a batch ahead of the one it trains on.
        place = {"epoch": self.state.epoch, "batch": self.state.batch}
        self.stream.load_state_dict({**self.stream.state_dict(), **place})
        return _groups(iter(self.stream), self.accumulate)


class _Share:
    """The validation batches that one of several processes scores; where there are fewer than processes, each scores all."""

    def __init__(self, stream: Batches, peers: Peers) -> None:
        self.stream, self.peers = stream, peers if peers.count <= len(stream) else ALONE

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return islice(self.stream, self.peers.rank, None, self.peers.count)


def _groups(batches: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while group := list(islice(batches, size)):
        yield group


class _Fitting(LightningModule):
    """Model, task and state of the run as Lightning drives them."""

    def __init__(
        self,
        model: nn.Module,
        task: Task | JointTask,
        train: Batches,
        config: FitConfig,
        seed: int,
        augment: Augment | None,
        checkpoint: Path | None,
        progress: FitProgress,
        peers: Peers,
    ) -> None:
        super().__init__()
        # A step may have several backward passes.
        self.automatic_optimization = False
        self.model, self.task, self.config, self.seed, self.augment = model, task, config, seed, augment
        self.checkpoint, self.progress, self.peers = checkpoint, progress, peers
        self.stream, self.batches = train, len(train)
        self.steps = math.ceil(self.batches / config.accumulate) * config.epochs
        self.state = RunState()
        self.optimizer = make_optimizer(model, config, training_device(config))
        self._loss_sum = torch.zeros(())
        self._score: list[tuple[Tensor, int]] = []
        self._saved = time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done or patience has run out."""
        since = len(self.state.history) - 1 - self.state.best_epoch
        out_of_patience = bool(self.state.history) and 0 < self.config.patience <= since
        return self.state.epoch >= self.config.epochs or out_of_patience

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer

    def restore(self) -> None:
        """Continue from the checkpoint where there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        self.state, weights, optimizer = load_run_state(self.checkpoint)
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(optimizer)
        self._loss_sum = torch.tensor(self.state.loss_sum)

    def save(self) -> None:
        if self.checkpoint is not None and self.peers.rank == 0:
            self.state.loss_sum = float(self._loss_sum)
            save_run_state(self.checkpoint, self.state, self.model.state_dict(), self.optimizer.state_dict())
        self._saved = time.monotonic()

    def on_fit_start(self) -> None:
        self._loss_sum = self._loss_sum.to(self.device)
        self.state.average = [a.to(self.device) for a in self.state.average]

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        rate = learning_rate(self.config, self.state.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def training_step(self, batches: list[Batch], batch_idx: int) -> None:
        state, peers = self.state, self.peers
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        # Every batch of the run draws for itself: by the processes' turns within an epoch, and the epochs one after another.
        first = state.epoch * self.batches + state.batch
        numbers = [(first + i) * peers.count + peers.rank for i in range(len(batches))]
        seeds = [step_seed(self.seed, number) for number in numbers]
        loss = add_gradients(self.model, self.task, batches, seeds, augment=self.augment, peers=peers)
        if self.config.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        optimizer.step()
        self._loss_sum = self._loss_sum + loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.state.step += 1
        self.state.batch += len(batch)
        if self.config.ema_decay > 0:
            self._average()
        self.progress.step(self.state.step)
        # Not after an epoch's last step: its validation comes first, and then the checkpoint.
        due = time.monotonic() - self._saved >= self.config.checkpoint_seconds
        if due and self.state.batch < self.batches:
            self.save()

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential moving average whose first steps forget faster, so that it does not remember the start."""
        parameters = list(self.model.parameters())
        if not self.state.average:
            self.state.average = [p.detach().clone() for p in parameters]
            return
        seen = self.state.step - 1
        decay = min(self.config.ema_decay, (1 + seen) / (10 + seen))
        torch._foreach_lerp_(self.state.average, [p.detach() for p in parameters], 1 - decay)

    def _swap_average(self) -> None:
        """Exchange parameters and their average; twice is nothing."""
        for i, p in enumerate(self.model.parameters()) if self.state.average else ():
            p.data, self.state.average[i] = self.state.average[i], p.data

    def on_validation_epoch_start(self) -> None:
        self._score = []
        self._swap_average()
        if self.config.batch_norm == "population":
            # The pass through the stream is over, and it is put to its place before the next one.
            self.stream.load_state_dict({**self.stream.state_dict(), "epoch": self.state.epoch, "batch": 0})
            some = islice(self.stream, math.ceil(OBJECTS / self.config.batch_size))
            with self.trainer.precision_plugin.val_step_context():
                population_statistics(self.model, (to_device(batch, self.device) for batch in some), self.peers)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._score.append(score(self.model, self.task, batch))

    def on_validation_epoch_end(self) -> None:
        state = self.state
        sums = torch.tensor(
            [[float(s), float(n)] for s, n in self._score], dtype=torch.float64, device=self.device
        ).sum(0)
        found, count = self.peers.total(sums).tolist()
        reached = found / max(1.0, count)
        loss = float(self._loss_sum) / max(1, math.ceil(state.batch / self.config.accumulate))
        if not (math.isfinite(reached) and math.isfinite(loss)):
            raise BadInputError(
                f"the loss is not finite in epoch {state.epoch + 1}; lower fit.learning_rate or look for extreme fluxes"
            )
        if reached < state.best_score:
            state.best_score, state.best_epoch = reached, state.epoch
            state.best = {name: t.detach().cpu().clone() for name, t in self.model.state_dict().items()}
        self._swap_average()
        rate = learning_rate(self.config, max(0, state.step - 1), self.steps)
        state.history.append(Epoch(state.epoch + 1, state.step, rate, loss, reached))
        state.epoch, state.batch = state.epoch + 1, 0
        self._loss_sum = torch.zeros_like(self._loss_sum)

    def on_train_epoch_end(self) -> None:
        state = self.state
        self.save()
        last = state.history[-1].validation_score
        self.progress.epoch(state.epoch, self.config.epochs, last, state.best_epoch, state.best_score)
        self.trainer.should_stop = self.finished
