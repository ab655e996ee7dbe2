"""Inverse variances of spectra that come without them, from the scatter of the pixels themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["estimate_ivar"]

_LAGS = (1, 2, 4, 8)  # pixels; smoothing correlates neighbours, so that only farther pixels show the whole noise
_BLOCK = 64  # pixels over which the noise is taken to be the same: choice
_LEAST = 16  # differences that a block's median needs: choice
_TO_SIGMA = 1.4826 / np.sqrt(1.5)  # median of |f0 - (f- + f+)/2| to the standard deviation of one normal pixel


def estimate_ivar(flux: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse variances from local scatter.

    At each lag of 1, 2, 4 and 8 pixels, the median of |f(i) − (f(i−k) + f(i+k))/2| in blocks of 64 pixels is the
    scatter that a smooth spectrum would not have; the largest over the lags counts, since a spectrum that was smoothed has
    too little at small ones. Lines count as scatter where they fill half of a block: the estimate then errs to the side
    of too much noise.

    Parameters
    ----------
    flux : array_like, shape (n, p)
        Spectra on equally spaced pixels; NaN where not observed.

    Returns
    -------
    ndarray of float64, shape (n, p)
        0 where not observed, or where there is no scatter to go by.

    Examples
    --------
    >>> noisy = np.random.default_rng(1).normal(5.0, 0.5, (1, 4000))
    >>> bool(abs(np.median(estimate_ivar(noisy)) - 4.0) < 1.0)
    True
    """
    f = np.asarray(flux, np.float64)
    n, size = f.shape
    blocks = -(-size // _BLOCK)
    sigma = np.full((n, blocks), np.nan)
    for lag in _LAGS:
        if size <= 2 * lag:
            break
        apart = np.full((n, blocks * _BLOCK), np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            apart[:, lag : size - lag] = np.abs(f[:, lag:-lag] - 0.5 * (f[:, : -2 * lag] + f[:, 2 * lag :]))
        sigma = np.fmax(sigma, _TO_SIGMA * _medians(apart.reshape(n, blocks, _BLOCK)))
    centre = (np.arange(blocks) + 0.5) * _BLOCK - 0.5
    ivar = np.zeros((n, size))
    for row in range(n):
        known = np.isfinite(sigma[row]) & (sigma[row] > 0)
        if known.any():
            # Noise changes smoothly, and by factors: straight lines between the blocks' logarithms.
            level = np.interp(np.arange(size), centre[known], np.log(sigma[row, known]))
            ivar[row] = np.where(np.isfinite(f[row]), np.exp(-2.0 * level), 0.0)
    return ivar


def _medians(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Medians along the last axis of what is finite; NaN where that is too little."""
    good = np.isfinite(values)
    count = good.sum(axis=-1)
    ordered = np.sort(np.where(good, values, np.inf), axis=-1)
    middle = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    pair = np.stack(
        [np.take_along_axis(ordered, np.minimum(m, values.shape[-1] - 1)[..., None], -1)[..., 0] for m in middle]
    )
    return np.where(count >= _LEAST, np.where(count >= _LEAST, pair, 0.0).mean(axis=0), np.nan)
