"""One step's gradients, of several batches and several processes, as if they were one batch.

The loss of most tasks is a mean over objects, and so are its gradients: those of batches add up. A contrastive loss is not:
every object is compared with all others of the step. Its gradients with respect to the embeddings are made first, from the
embeddings of all batches of all processes, which were computed without a graph; then each batch is gone through again and
takes its embeddings' gradients back to the weights (cached gradients: Gao et al. 2021, "Scaling deep contrastive learning
batch size under memory limited setup", arXiv:2101.06983, section 3). Memory is that of one batch, the cost one more forward
pass, and the negatives are those of the whole step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from asterism.learning.processes import ALONE, Peers

__all__ = ["Augment", "Batch", "JointTask", "Task", "add_gradients", "score"]

Batch = Mapping[str, Any]
Augment = Callable[[Batch, torch.Generator], Batch]


class Task(Protocol):
    """What a model is trained for: see `classification.Classification`."""

    def loss(self, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor: ...

    def score(self, outputs: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, int]: ...


@runtime_checkable
class JointTask(Protocol):
    """A task whose loss compares the objects of a step with each other: see `alignment.Alignment`."""

    def parts(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """What the loss is made of, each (B, ...)."""
        ...

    def joint(self, model: nn.Module, parts: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        """The loss, a mean, and of how many objects; `model` is there for the objective's own parameters."""
        ...


def add_gradients(
    model: nn.Module,
    task: Task | JointTask,
    batches: Sequence[Batch],
    seeds: Sequence[int],
    *,
    augment: Augment | None = None,
    peers: Peers = ALONE,
) -> Tensor:
    """Gradients of one step, left in the parameters, which must have none before.

    Parameters
    ----------
    model : nn.Module
        In training mode.
    task : Task or JointTask
    batches : sequence of batches
        This process's share of the step, on the model's device.
    seeds : sequence of int
        Of dropout and augmentation, one for each batch.
    augment : callable, optional
    peers : Peers
        The processes that share the step.

    Returns
    -------
    Tensor
        Scalar: the loss of the whole step.
    """
    device = next(model.parameters()).device
    shown = [_augmented(batch, seed, augment, device) for batch, seed in zip(batches, seeds, strict=True)]
    if isinstance(task, JointTask):
        loss = _joint(model, task, shown, seeds, peers)
        peers.add_gradients(model.parameters(), loss)
        return loss
    share = torch.tensor([float(_objects(batch)) for batch in shown], device=device)
    share = share / peers.total(share.sum())
    total = torch.zeros((), device=device)
    for index, (batch, seed) in enumerate(zip(shown, seeds, strict=True)):
        _seed(seed, device)
        loss = task.loss(model(batch), batch)
        if peers.count > 1 or len(shown) > 1:
            loss = loss * share[index]
        with _backward(device):
            loss.backward()
        total = total + loss.detach()
    return peers.add_gradients(model.parameters(), total)


def score(model: nn.Module, task: Task | JointTask, batch: Batch) -> tuple[Tensor, int]:
    """A batch's summed score and the number of objects that it is of; lower is better."""
    outputs = model(batch)
    if not isinstance(task, JointTask):
        return task.score(outputs, batch)
    loss, count = task.joint(model, task.parts(outputs, batch))
    return loss * count, count


def _joint(model: nn.Module, task: JointTask, batches: Sequence[Batch], seeds: Sequence[int], peers: Peers) -> Tensor:
    device = next(model.parameters()).device
    once = len(batches) == 1  # then the graph can be kept, and nothing is computed twice
    pieces = []
    with torch.set_grad_enabled(once):
        for batch, seed in zip(batches, seeds, strict=True):
            _seed(seed, device)
            pieces.append(task.parts(model(batch), batch))
    if not once:
        # Autocast remembers its copies of the weights, and those of a pass without a graph would have no gradients.
        torch.clear_autocast_cache()
    own = {name: torch.cat([piece[name].detach() for piece in pieces]) for name in pieces[0]}
    whole, mine = peers.gather(own)
    learned = [name for name, values in whole.items() if values.is_floating_point()]
    for name in learned:
        whole[name] = whole[name].detach().float().requires_grad_()
    with _backward(device):
        loss, _ = task.joint(model, whole)
        loss.backward()
    if peers.count > 1:
        # Every process has the whole gradient of the objective's own parameters, and they will be added up.
        for p in model.parameters():
            if p.grad is not None:
                p.grad /= peers.count
    begin = mine.start
    for index, (batch, seed) in enumerate(zip(batches, seeds, strict=True)):
        piece = pieces[index]
        if not once:
            _seed(seed, device)
            piece = task.parts(model(batch), batch)
        end = begin + len(piece[learned[0]])
        with _backward(device):
            grads = [whole[name].grad for name in learned]
            pairs = [
                (piece[name], grad[begin:end].to(piece[name].dtype))
                for name, grad in zip(learned, grads, strict=True)
                if grad is not None and piece[name].requires_grad
            ]
            if pairs:
                torch.autograd.backward([values for values, _ in pairs], [grad for _, grad in pairs])
        begin = end
    return loss.detach()


def _augmented(batch: Batch, seed: int, augment: Augment | None, device: torch.device) -> Batch:
    return batch if augment is None else augment(batch, torch.Generator(device).manual_seed(seed))


def _seed(seed: int, device: torch.device) -> None:
    # Only where this run draws: torch.manual_seed keeps a stack trace per call for devices that are not in use.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


@contextmanager
def _backward(device: torch.device) -> Iterator[None]:
    """Outside of autocast, as torch asks of backward passes, and with nothing kept of the forward pass's copies."""
    with torch.autocast(device.type, enabled=False):
        yield
    torch.clear_autocast_cache()


def _objects(batch: Batch) -> int:
    return len(batch["row"])
