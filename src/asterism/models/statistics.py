"""What a model learns about its inputs' scale: a bounded sample of a stream, and robust standardisation from it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["RobustScale", "RowSample"]


class RowSample:
    """A uniform random sample of the rows of a stream, in bounded memory (reservoir sampling).

    Streams of at most `capacity` rows are kept whole, so small sets give exact quantiles. The sample depends on the
    order of the rows and on nothing else: not on how they were cut into batches, not on torch's random state.

    Parameters
    ----------
    capacity : int
        Largest number of rows kept. 65,536 puts the standard error of a sample median at 0.5 % of a standard deviation.
    """

    def __init__(self, capacity: int = 65_536) -> None:
        self.capacity = capacity
        self.seen = 0
        self._rows: np.ndarray | None = None
        self._random = np.random.default_rng(0)

    def add(self, rows: Tensor) -> None:
        """Offer rows of shape (n, F) to the sample."""
        values = rows.detach().to("cpu", torch.float32).numpy()
        if self._rows is None:
            self._rows = np.empty((self.capacity, values.shape[1]), np.float32)
        # One number per row whether it is needed or not: cutting the stream differently then changes nothing.
        draws = self._random.random(len(values))
        position = self.seen + np.arange(len(values))
        slot = np.where(position < self.capacity, position, (draws * (position + 1)).astype(np.int64))
        keep = slot < self.capacity
        self._rows[slot[keep]] = values[keep]  # numpy keeps the last of repeated slots, as one-by-one would
        self.seen += len(values)

    def rows(self) -> Tensor:
        """The sample, shape (min(seen, capacity), F), float32."""
        if self._rows is None:
            return torch.empty(0, 0)
        return torch.from_numpy(self._rows[: min(self.seen, self.capacity)].copy())


class RobustScale(nn.Module):
    """Centre by the median, scale by the interquartile range, and compress the tails smoothly.

    With z = (x - median) / (IQR / 1.349), the result is ``z / sqrt(1 + (z / 3)^2)``: the identity near 0, never beyond
    ±3, so a corrupt magnitude cannot swamp its neighbours (Holzmüller et al. 2024, arXiv:2407.04491, section 3).
    A quantity whose IQR is 0 (a yes/no one, say) is scaled by half its range.

    Parameters
    ----------
    width : int
        Number of quantities F.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def fit(self, rows: Tensor) -> None:
        """Set the buffers from rows (n, F), NaN where not observed; a quantity never observed is left as it is."""
        for column in range(rows.shape[1]):
            values = rows[:, column].double().cpu()
            values = values[torch.isfinite(values)]
            if not len(values):
                continue
            low, middle, high = np.quantile(values.numpy(), [0.25, 0.5, 0.75])
            spread = (high - low) / 1.349
            if spread <= 0:
                spread = float(values.max() - values.min()) / 2
            self.centre[column] = middle
            self.scale[column] = spread if spread > 0 else 1.0

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """Standardised values (B, F), 0 where not `observed` (B, F) bool."""
        z = (torch.where(observed, values, self.centre) - self.centre) / self.scale
        return z / torch.hypot(torch.ones_like(z), z / 3)
