"""Several processes that fit one model together: each works on its share of a step, and all end a step with the same weights.

Gradients are added up by hand once per step, in one message, and not by torch's wrapper: with cached gradients
(`asterism.learning.steps`) a step has several backward passes and parameters that only some processes use, which that
wrapper does not allow for.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed

from asterism import errors
from asterism.errors import AsterismError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ALONE", "Peers", "launch"]


@dataclass(frozen=True)
class Peers:
    """The processes that fit together, as one of them sees them; all of them must call the same methods in turn.

    Parameters
    ----------
    rank : int
        Which of them this one is, from 0.
    count : int
        How many there are.
    """

    rank: int = 0
    count: int = 1

    def total(self, values: Tensor) -> Tensor:
        """Sum (same shape) of what all processes have."""
        if self.count == 1:
            return values
        values = values.clone()
        distributed.all_reduce(values)
        return values

    def gather(self, tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], slice]:
        """What all processes have, one after another, and which rows of it are this process's own.

        Parameters
        ----------
        tensors : mapping of str to Tensor
            Each (n, ...) with the n of this process, which may differ from the others'. No gradient passes.

        Returns
        -------
        whole : dict of str to Tensor
            (n of all, ...).
        own : slice
        """
        n = len(next(iter(tensors.values())))
        if self.count == 1:
            return dict(tensors), slice(0, n)
        device = next(iter(tensors.values())).device
        sizes = torch.zeros(self.count, dtype=torch.int64, device=device)
        sizes[self.rank] = n
        distributed.all_reduce(sizes)
        lengths: list[int] = sizes.tolist()
        whole = {}
        for name, values in tensors.items():
            # Messages have one size: the shorter ones are filled up. What is not a number travels as one.
            padded = values.new_zeros((max(lengths), *values.shape[1:]))
            padded[:n] = values
            sent = padded.to(torch.uint8) if values.dtype == torch.bool else padded
            got = [torch.empty_like(sent) for _ in range(self.count)]
            distributed.all_gather(got, sent.contiguous())
            trimmed = [part[:length] for part, length in zip(got, lengths, strict=True)]
            whole[name] = torch.cat(trimmed).to(values.dtype)
        begin = sum(lengths[: self.rank])
        return whole, slice(begin, begin + n)

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter], also: Tensor) -> Tensor:
        """Give all processes the sum of their gradients, in place; a parameter that none has used keeps none.

        Parameters
        ----------
        parameters : iterable of Parameter
            The same ones in the same order in all processes.
        also : Tensor
            Scalar to be added up as well.

        Returns
        -------
        Tensor
            The sum of `also`.
        """
        if self.count == 1:
            return also
        wanted = [p for p in parameters if p.requires_grad]
        used = torch.tensor([float(p.grad is not None) for p in wanted], device=also.device)
        flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten().float() for p in wanted]
        message = torch.cat([also.detach().reshape(1).float(), used, *flat])
        distributed.all_reduce(message)
        at = 1 + len(wanted)
        for p, users in zip(wanted, message[1:at].tolist(), strict=True):
            if users:
                p.grad = message[at : at + p.numel()].view_as(p).to(p.dtype).clone()
            at += p.numel()
        return message[0]


ALONE = Peers()
"""One process by itself."""


def launch(work: Callable[..., None], count: int, arguments: Sequence[Any], *, gpu: bool = False) -> None:
    """Run a function in several processes of this machine that hear of each other, and wait for all.

    Parameters
    ----------
    work : callable
        Of a module, called as ``work(peers, *arguments)``; what it has to tell it writes to files.
    count : int
        Number of processes.
    arguments : sequence
        Are copied to each process.
    gpu : bool
        Each process has the GPU of its rank, and they talk by NCCL; else they share the cores and talk by gloo.

    Raises
    ------
    AsterismError
        That of the first process that failed with one.
    KeyboardInterrupt
        On Ctrl-C.
    RuntimeError
        A process failed otherwise.
    """
    context = torch.multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        told = context.SimpleQueue()
        # A copy of a model on the GPU would be shared with the first process; models come from the CPU.
        started = [
            context.Process(target=_process, args=(rank, count, meeting, gpu, told, work, tuple(arguments)))
            for rank in range(count)
        ]
        with _ended(started):
            for process in started:
                process.start()
            _wait(started)
        failures = []
        while not told.empty():
            failures.append(told.get())
    for kind, message in failures:
        if kind == "KeyboardInterrupt":
            raise KeyboardInterrupt
        found = getattr(errors, kind, None)
        if isinstance(found, type) and issubclass(found, AsterismError):
            raise found(message)
    if failures:
        raise RuntimeError(f"a process of the fit failed: {failures[0][0]}: {failures[0][1]}")
    if codes := [process.exitcode for process in started if process.exitcode]:
        raise RuntimeError(f"a process of the fit ended with code {codes[0]}")


def _wait(started: Sequence[Any]) -> None:
    """Until all have ended, or one has failed: the others would wait for it for ever."""
    from multiprocessing.connection import wait

    left = list(started)
    while left:
        wait([process.sentinel for process in left])
        if any(process.exitcode for process in left):
            return
        left = [process for process in left if process.exitcode is None]


@contextmanager
def _ended(started: Sequence[Any]) -> Iterator[None]:
    """None of the processes outlives the block."""
    try:
        yield
    finally:
        for process in started:
            if process.pid is not None:
                if process.exitcode is None:
                    process.terminate()
                process.join()


def _process(
    rank: int, count: int, meeting: str, gpu: bool, told: Any, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """What a process does: meet the others, work, and say what went wrong."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if gpu:
        torch.cuda.set_device(rank)
    else:
        torch.set_num_threads(max(1, torch.get_num_threads() // count))
    failed = None
    try:
        distributed.init_process_group("nccl" if gpu else "gloo", init_method=meeting, rank=rank, world_size=count)
        work(Peers(rank, count), *arguments)
        distributed.destroy_process_group()
    except BaseException as error:  # told to the one that waits, which raises it again
        told.put((type(error).__name__, str(error)))
        failed = error
    if failed is not None:
        # Not by the interpreter's way out: it would wait for messages that nobody sends any more.
        os._exit(1)
