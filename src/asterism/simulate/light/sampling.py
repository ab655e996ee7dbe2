"""Spectra on pixels: what a pixel holds is the mean of the flux density over it, so that no line is lost or doubled.

A narrow line read off at the centres of coarse pixels would come and go with redshift; taken as a mean over each pixel
its flux is the same on a grid of 5 Å for filters and on a survey's grid of 1e-4 dex.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import erf

__all__ = ["gaussian_means", "join", "pixel_edges", "pixel_means", "running_integral"]

Floats = npt.NDArray[np.float64]


def pixel_edges(wavelength: npt.ArrayLike) -> Floats:
    """Edges (m + 1,) of pixels with these centres (m,), m > 1: halfway between them."""
    centres = np.asarray(wavelength, dtype=np.float64)
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2.0 * centres[0] - middle[0]], middle, [2.0 * centres[-1] - middle[-1]]])


def running_integral(grid: Floats, flux: Floats) -> Floats:
    """Integral of `flux` (..., k) from the start of `grid` (k,) to each of its points, by trapezoids."""
    steps = 0.5 * (flux[..., 1:] + flux[..., :-1]) * np.diff(grid)
    return np.concatenate([np.zeros((*flux.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)


def pixel_means(edges: Floats, grid: Floats, integral: Floats) -> Floats:
    """Mean flux density in pixels, of a spectrum given by its running integral.

    Parameters
    ----------
    edges : ndarray, shape (m + 1,)
        Of the pixels, in the frame of `grid`, Å.
    grid, integral : ndarray, shape (k,)
        Wavelengths (Å) and `running_integral`; beyond the grid's ends a pixel holds less than the truth.

    Returns
    -------
    ndarray, shape (m,)
    """
    return np.diff(np.interp(edges, grid, integral)) / np.diff(edges)


def gaussian_means(edges: Floats, centre: npt.ArrayLike, sigma: npt.ArrayLike) -> Floats:
    """Means over pixels of Gaussians of unit area.

    Parameters
    ----------
    edges : ndarray, shape (n, m + 1) or (m + 1,)
        Å.
    centre, sigma : float or ndarray of shape (n, 1)
        Å.

    Returns
    -------
    ndarray, shape (n, m) or (m,)
        Per Å; times the pixels' widths it sums to 1.
    """
    x = (edges - np.asarray(centre, dtype=np.float64)) / (np.sqrt(2.0) * np.asarray(sigma, dtype=np.float64))
    area = erf(x)
    # Slices: np.diff costs more than the sum itself on the few pixels of a line.
    return np.asarray(0.5 * (area[..., 1:] - area[..., :-1]) / (edges[..., 1:] - edges[..., :-1]))


def join(rest: Floats, inner: Floats, outer: Floats, low: npt.ArrayLike, high: npt.ArrayLike, overlap: float) -> Floats:
    """One spectrum continued by another beyond its ends, without a step in flux.

    Within `low` to `high` stands `inner`. Beyond each end stands `outer`, scaled to the ratio of the two spectra's means
    over the overlap, the stretch of that fractional width inside the end; across the overlap one goes over into the
    other linearly. An end that the pixels do not reach is left alone.

    Parameters
    ----------
    rest : ndarray, shape (n, m)
        Wavelengths at rest, rising, Å.
    inner, outer : ndarray, shape (n, m)
        Flux densities; `outer` positive.
    low, high : float or ndarray of shape (n,)
        Between these `inner` holds, Å.
    overlap : float
        Width of the overlap over the wavelength of the end, e.g. 0.03.

    Returns
    -------
    ndarray, shape (n, m)
        The joined flux densities, in the scale of `inner`.
    """
    n = len(rest)
    joined = inner.copy()
    for end, side in ((np.broadcast_to(low, n), 1.0), (np.broadcast_to(high, n), -1.0)):
        # 0 at the end and beyond it, 1 from the inner edge of the overlap on.
        share = np.clip(side * (rest / end[:, None] - 1.0) / overlap, 0.0, 1.0)
        within = (share > 0.0) & (share < 1.0)
        reached = (share <= 0.0).any(axis=1)
        if not reached.any():
            continue
        ours, theirs = np.where(within, inner, 0.0).sum(axis=1), np.where(within, outer, 0.0).sum(axis=1)
        ratio = np.where(ours > 0.0, ours, 1.0) / np.where((ours > 0.0) & (theirs > 0.0), theirs, 1.0)
        mixed = share * inner + (1.0 - share) * ratio[:, None] * outer
        joined = np.where(reached[:, None] & (share < 1.0), mixed, joined)
    return joined
