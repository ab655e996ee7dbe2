"""One band of a stamp in grey, for people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["grey_image", "noise_of"]


def grey_image(plane: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """One band stretched by asinh so that sky and source both show, in [0, 1]; NaN where not observed.

    Parameters
    ----------
    plane : ndarray, shape (y, x)
    """
    values = np.asarray(plane, float)
    if not np.isfinite(values).any():
        return np.full(values.shape, np.nan)
    sigma = noise_of(values)
    stretched = np.arcsinh((values - np.nanmedian(values)) / (2.0 * sigma))
    low, high = np.arcsinh(-1.0), max(float(np.nanmax(stretched)), 2.0)
    return np.clip((stretched - low) / (high - low), 0.0, 1.0)


def noise_of(plane: npt.NDArray[np.floating]) -> float:
    """Noise of a stamp by its differences of neighbours, which no smooth source changes; tiny where there is none.

    Parameters
    ----------
    plane : ndarray, shape (y, x)
    """
    steps = np.diff(plane, axis=1)
    if not np.isfinite(steps).any():
        return 1e-12
    sigma = 1.4826 * float(np.nanmedian(np.abs(steps - np.nanmedian(steps)))) / np.sqrt(2.0)
    return sigma if sigma > 0 else max(float(np.nanstd(plane)), 1e-12)
