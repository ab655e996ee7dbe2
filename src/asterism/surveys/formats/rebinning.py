"""Spectra of a detector's rows onto a survey's pixels: light is conserved, every row goes where it overlaps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.surveys.formats.spectral_grids import SpectralGrid

__all__ = ["rebin"]

Floats = npt.NDArray[np.float64]

_LEAST = 0.5  # of a pixel that good rows must cover for it to count as observed: choice


def rebin(wavelength: Floats, flux: Floats, ivar: Floats, grid: SpectralGrid) -> tuple[Floats, Floats]:
    """Mean flux density in each pixel of a grid.

    Neighbouring pixels share the noise of the rows that lie on their common edge; each pixel's own variance is exact.

    Parameters
    ----------
    wavelength : ndarray, shape (n, rows)
        Middles of the rows, Å, vacuum, rising.
    flux, ivar : ndarray, shape (n, rows)
        Flux density and its inverse variance; 0 where not observed.
    grid : SpectralGrid

    Returns
    -------
    flux, ivar : ndarray of float64, shape (n, grid.size)
        NaN and 0 where good rows cover less than half of the pixel.

    Examples
    --------
    >>> from asterism.surveys.formats.spectral_grids import grid_named
    >>> wave = np.arange(4000.0, 4100.0, 0.6)[None]
    >>> found, weight = rebin(wave, np.full_like(wave, 7.0), np.ones_like(wave), grid_named("lamost"))
    >>> bool(np.allclose(found[weight > 0], 7.0))
    True
    """
    edges = grid.edges
    n, size = len(flux), grid.size
    out, weight = np.full((n, size), np.nan), np.zeros((n, size))
    for i in range(n):
        ends = np.empty(wavelength.shape[1] + 1)
        ends[1:-1] = 0.5 * (wavelength[i, 1:] + wavelength[i, :-1])
        ends[0], ends[-1] = 2.0 * wavelength[i, 0] - ends[1], 2.0 * wavelength[i, -1] - ends[-2]
        first = np.searchsorted(edges, ends[:-1], side="right") - 1
        good = (ivar[i] > 0) & np.isfinite(flux[i])
        value = np.where(good, flux[i], 0.0)
        variance = np.where(good, 1.0 / np.where(good, ivar[i], 1.0), 0.0)
        cover, total, square = (np.zeros(size + 2) for _ in range(3))
        last = np.searchsorted(edges, ends[1:], side="right") - 1
        for step in range(
            max(2, int((last - first).max()) + 1)
        ):  # a row lies in one pixel, or on the edge of two or more
            pixel = first + step
            inside = good & (pixel >= 0) & (pixel < size)
            at = np.clip(pixel, 0, size - 1)
            share = np.minimum(ends[1:], edges[at + 1]) - np.maximum(ends[:-1], edges[at])
            share = np.where(inside, np.maximum(share, 0.0), 0.0)
            cover += np.bincount(at, share, size + 2)
            total += np.bincount(at, share * value, size + 2)
            square += np.bincount(at, share**2 * variance, size + 2)
        cover, total, square = cover[:size], total[:size], square[:size]
        seen = (cover > _LEAST * np.diff(edges)) & (square > 0)
        out[i, seen] = total[seen] / cover[seen]
        weight[i, seen] = cover[seen] ** 2 / square[seen]
    return out, weight
