"""Light on the chip that comes from no fibre, known from the dark edges beside the slit."""

from __future__ import annotations

import numpy as np

from asterism.surveys.ccd.ccd_calibration import Exposure, Image
from asterism.surveys.ccd.fibre_profiles import REACH, FibreProfile

__all__ = ["EDGE", "dark_edges", "scattered_light"]

EDGE = 16
"""Dark columns that are needed on each side to tell wings and scattered light."""

_BLOCKS = 16  # stretches of rows over which light at the dark edges is averaged


def dark_edges(profile: FibreProfile) -> tuple[int, int]:
    """Columns beside the slit that no fibre's core reaches on any row: below the first, and from the second on."""
    ends = profile.centres(np.linspace(0, profile.centres.rows - 1, 33))[[0, -1]]
    return int(ends[0].min()) - REACH - 1, int(np.ceil(ends[1].max())) + REACH + 2


def scattered_light(exposure: Exposure, profile: FibreProfile, wings: Image) -> Image:
    """Smooth light that comes from no fibre, from the dark edges and linear between them.

    Parameters
    ----------
    exposure : Exposure
    profile : FibreProfile
    wings : ndarray of float32, shape (rows, columns)
        Light in the fibres' wings.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        0 where the slit leaves no dark edge.
    """
    rows, columns = wings.shape
    left, right = dark_edges(profile)
    if left < EDGE or columns - right < EDGE:
        return np.zeros_like(wings)
    bounds = np.linspace(0, rows, min(_BLOCKS, rows) + 1).astype(int)
    ends = np.empty((2, len(bounds) - 1))
    for side, at in enumerate((slice(0, left), slice(right, columns))):
        light = np.where(exposure.ivar[:, at] > 0, exposure.electrons[:, at] - wings[:, at], np.nan)
        for i, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            values = light[start:stop].ravel()
            values = values[np.isfinite(values)]
            if values.size:
                low, high = np.percentile(values, [1, 99])  # cosmic rays that are left
                values = values[(values >= low) & (values <= high)]
            ends[side, i] = values.mean(dtype=np.float64) if values.size else 0.0
    middles = (bounds[:-1] + bounds[1:] - 1) / 2.0
    along = np.stack([np.interp(np.arange(rows), middles, end) for end in ends])
    share = np.clip((np.arange(columns) - left / 2.0) / (0.5 * (right + columns) - left / 2.0), 0.0, 1.0)
    return (along[0][:, None] * (1.0 - share) + along[1][:, None] * share).astype(np.float32)
