"""Progress shows on a terminal and nowhere else; Lightning keeps silent."""

import io
import logging
import warnings

from rich.console import Console

from asterism.learning.progress import FitProgress, quiet_lightning


def shown(terminal):
    text = io.StringIO()
    with FitProgress(Console(file=text, force_terminal=terminal, width=160)) as progress:
        progress.total(10)
        progress.step(5)
        progress.epoch(1, 2, 0.41, 0, 0.4)
    return text.getvalue()


def test_a_terminal_sees_epoch_steps_and_score():
    text = shown(True)
    assert "5/10" in text
    assert "2/2" in text
    assert "0.4100 (best 0.4000 at epoch 1)" in text


def test_a_file_sees_nothing():
    assert shown(False) == ""
    with FitProgress(None) as progress:
        progress.step(3)


def test_lightning_is_silenced_and_then_as_it_was():
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    with quiet_lightning():
        assert not logger.isEnabledFor(logging.WARNING)
        warnings.warn_explicit("advice", UserWarning, "x.py", 1, module="lightning.pytorch.trainer")
    assert logger.level == level
