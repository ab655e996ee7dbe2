"""What a person sees while a run fits: one line with a bar, the validation score, and the time left."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["FitProgress", "quiet_lightning"]


class FitProgress:
    """A progress bar over the steps of a fit; silent without a console or where the console is no terminal.

    Parameters
    ----------
    console : rich.console.Console, optional
    """

    def __init__(self, console: Console | None) -> None:
        shown = console is not None and console.is_terminal
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[score]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not shown,
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("fit", total=None, epoch="1", score="")

    def __enter__(self) -> FitProgress:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def total(self, steps: int) -> None:
        """How many steps there will be at most."""
        self._progress.update(self._task, total=steps)

    def step(self, step: int) -> None:
        """How many steps are done."""
        if not self._progress.disable:
            self._progress.update(self._task, completed=step)

    def epoch(self, done: int, epochs: int, score: float, best_epoch: int, best_score: float) -> None:
        """This many epochs are done, the last with this validation score; the best so far stands beside it."""
        text = f"validation log-loss {score:.4f} (best {best_score:.4f} at epoch {best_epoch + 1})"
        self._progress.update(self._task, epoch=f"{min(done + 1, epochs)}/{epochs}", score=text)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's banners, hints and advice to its developers' audience out of a user's terminal."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            warnings.filterwarnings("ignore", message=r".*(LeafSpec|num_workers|does not have many workers).*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
