"""Reading redshift densities: what a p(z) that is piecewise linear on a grid says, exactly.

A density is given by its values at G increasing redshifts, is linear between neighbours and zero outside (RAIL's and qp's
``interp``). Under that definition the cumulative distribution is piecewise quadratic, and everything here is a closed form:
no resampling and no rounding to the grid, so a spike one cell wide is read as well as a broad density. Densities are
normalised on the way in: what counts is their shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "cdf",
    "credibility",
    "cumulative",
    "density",
    "mean",
    "median",
    "mode",
    "modes",
    "normalise",
    "pit",
    "quantile",
    "standard_deviation",
]

Floats = NDArray[np.float64]


def normalise(grid: ArrayLike, pdf: ArrayLike) -> Floats:
    """Densities with a trapezoid integral of 1, after checking grid and values.

    Parameters
    ----------
    grid : array_like, shape (G,)
        Increasing redshifts, two at least.
    pdf : array_like, shape (n, G)
        Density of each object at the grid's redshifts, in any scale.

    Returns
    -------
    ndarray, shape (n, G), float64

    Raises
    ------
    ValueError
        If the shapes don't fit, the grid does not increase, or a density is negative, not finite or zero everywhere;
        names the first such row.
    """
    return _checked(grid, pdf)[1]


def _checked(grid: ArrayLike, pdf: ArrayLike) -> tuple[Floats, Floats]:
    z, p = np.asarray(grid, dtype=float), np.asarray(pdf, dtype=float)
    if z.ndim != 1 or len(z) < 2 or not np.isfinite(z).all() or (np.diff(z) <= 0).any():
        raise ValueError("a redshift grid must be one row of finite, increasing redshifts, two at least")
    if p.ndim != 2 or p.shape[1] != len(z):
        raise ValueError(f"redshift densities must have the shape (n, {len(z)}) of their grid, not {p.shape}")
    # An infinity or NaN anywhere shows in the sum; the scale by the largest value keeps 1e300 from overflowing.
    largest = p.max(axis=1, initial=0)
    good = np.isfinite(p).all(axis=1) & (p.min(axis=1, initial=0) >= 0) & (largest > 0)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise ValueError(f"the redshift density of row {row} is negative, not finite or zero everywhere")
    p = p / largest[:, None]
    return z, p / (_cells(z, p).sum(axis=1))[:, None]


def _cells(z: Floats, p: Floats) -> Floats:
    """Mass of each cell between neighbours of the grid, shape (n, G − 1)."""
    return 0.5 * (p[:, 1:] + p[:, :-1]) * np.diff(z)


def _cumulative(z: Floats, p: Floats) -> Floats:
    c = np.zeros_like(p)
    np.cumsum(_cells(z, p), axis=1, out=c[:, 1:])
    # The sum's rounding must not leave the last point at 1 − 1e-16, nor a step back before it.
    return c / c[:, -1:]


def cumulative(grid: ArrayLike, pdf: ArrayLike) -> Floats:
    """The cumulative distribution at the grid's redshifts, shape (n, G): 0 at the first, 1 at the last."""
    return _cumulative(*_checked(grid, pdf))


def _points(z: ArrayLike, n: int) -> Floats:
    at = np.asarray(z, dtype=float)
    if at.shape not in ((), (n,)):
        raise ValueError(f"redshifts must be one number or one a density ({n}), not of shape {at.shape}")
    if np.isnan(at).any():
        raise ValueError("a redshift to look up is NaN; leave out objects without one")
    return np.broadcast_to(at, (n,))


def _cell_of(grid: Floats, at: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The cell that holds each redshift (the first or last where outside) and the distance past its left end."""
    cell = np.clip(np.searchsorted(grid, at, side="right") - 1, 0, len(grid) - 2)
    return cell, np.clip(at, grid[0], grid[-1]) - grid[cell]


def density(grid: ArrayLike, pdf: ArrayLike, z: ArrayLike) -> Floats:
    """The normalised density of each object at `z` (one, or one an object), shape (n,); 0 outside the grid."""
    x, p = _checked(grid, pdf)
    at = _points(z, len(p))
    cell, past = _cell_of(x, at)
    rows = np.arange(len(p))
    left, right = p[rows, cell], p[rows, cell + 1]
    value = left + (right - left) * past / np.diff(x)[cell]
    return np.where((at < x[0]) | (at > x[-1]), 0.0, value)


def cdf(grid: ArrayLike, pdf: ArrayLike, z: ArrayLike) -> Floats:
    """The probability of a redshift up to `z`.

    Parameters
    ----------
    grid, pdf : array_like
        As for `normalise`.
    z : array_like, shape () or (n,)
        Where; 0 comes back below the grid and 1 above it.

    Returns
    -------
    ndarray, shape (n,), float64

    Raises
    ------
    ValueError
        As `normalise`, and if `z` has another shape or is NaN.
    """
    x, p = _checked(grid, pdf)
    cell, past = _cell_of(x, _points(z, len(p)))
    rows = np.arange(len(p))
    left, right = p[rows, cell], p[rows, cell + 1]
    slope = (right - left) / np.diff(x)[cell]
    c = _cumulative(x, p)
    # Both bounds guard against rounding: the distribution never leaves its cell.
    return np.clip(c[rows, cell] + past * (left + 0.5 * slope * past), c[rows, cell], c[rows, cell + 1])


def pit(grid: ArrayLike, pdf: ArrayLike, z: ArrayLike) -> Floats:
    """The probability integral transform: `cdf` at the true redshift, uniform on [0, 1] where densities are right."""
    return cdf(grid, pdf, z)


def quantile(grid: ArrayLike, pdf: ArrayLike, q: ArrayLike) -> Floats:
    """The smallest redshift up to which a density holds the share `q`.

    Parameters
    ----------
    grid, pdf : array_like
        As for `normalise`.
    q : array_like, shape () or (k,)
        Shares from 0 to 1.

    Returns
    -------
    ndarray, shape (n,) for one share, (n, k) for several, float64

    Raises
    ------
    ValueError
        As `normalise`, and if a share is outside 0 to 1.
    """
    x, p = _checked(grid, pdf)
    shares = np.asarray(q, dtype=float)
    if shares.ndim > 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("quantiles are asked for by shares from 0 to 1, one or a row of them")
    c, widths, rows = _cumulative(x, p), np.diff(x), np.arange(len(p))
    result = np.empty((len(p), shares.size))
    for column, share in enumerate(shares.ravel()):
        # The first cell whose right end reaches the share: of a plateau at exactly `share`, its left end.
        cell = np.minimum((c[:, 1:] < share).sum(axis=1), len(x) - 2)
        left, right, width = p[rows, cell], p[rows, cell + 1], widths[cell]
        rest = np.maximum(share - c[rows, cell], 0.0)
        # left·d + slope·d²/2 = rest, in the form of the root that does not cancel where the slope is small.
        root = np.sqrt(np.maximum(left**2 + 2 * (right - left) / width * rest, 0.0))
        past = np.divide(2 * rest, left + root, out=np.zeros(len(p)), where=left + root > 0)
        result[:, column] = x[cell] + np.clip(past, 0.0, width)
    return result[:, 0] if shares.ndim == 0 else result


def median(grid: ArrayLike, pdf: ArrayLike) -> Floats:
    """The redshift with half of the probability below it, shape (n,)."""
    return quantile(grid, pdf, 0.5)


def mode(grid: ArrayLike, pdf: ArrayLike) -> Floats:
    """The redshift of the highest density, shape (n,): a point of the grid; of several the lowest."""
    x, p = _checked(grid, pdf)
    return x[p.argmax(axis=1)]


def modes(grid: ArrayLike, pdf: ArrayLike, count: int = 2) -> tuple[Floats, Floats]:
    """The `count` highest local maxima of each density.

    A local maximum is a point of the grid, or the first of a run of equal ones, that is higher than what stands before and
    after it; the grid's ends count as falling to zero outside.

    Returns
    -------
    redshifts, heights : ndarray, shape (n, count), float64
        From the highest down; NaN redshift and 0 height where there are fewer.
    """
    x, p = _checked(grid, pdf)
    padded = np.pad(p, ((0, 0), (1, 1)))
    rises = padded[:, 1:-1] > padded[:, :-2]
    # What comes after a run of equal values: the sign of the next step that is not flat.
    step = np.sign(np.diff(padded[:, 1:], axis=1))
    place = np.where(step != 0, np.arange(step.shape[1]), step.shape[1] - 1)
    following = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    falls = np.take_along_axis(step, following, axis=1) < 0
    heights = np.where(rises & falls, p, 0.0)
    best = np.argsort(-heights, axis=1, kind="stable")[:, :count]
    found = np.take_along_axis(heights, best, axis=1)
    redshifts = np.where(found > 0, x[best], np.nan)
    lacking = ((0, 0), (0, max(count - best.shape[1], 0)))
    return np.pad(redshifts, lacking, constant_values=np.nan), np.pad(found, lacking)


def mean(grid: ArrayLike, pdf: ArrayLike) -> Floats:
    """The mean redshift, shape (n,)."""
    x, p = _checked(grid, pdf)
    return _mean(x, p)


def _mean(x: Floats, p: Floats) -> Floats:
    low, high, width = x[:-1], x[1:], np.diff(x)
    return p[:, :-1] @ (width * (2 * low + high)) / 6 + p[:, 1:] @ (width * (low + 2 * high)) / 6


def standard_deviation(grid: ArrayLike, pdf: ArrayLike) -> Floats:
    """The standard deviation of the redshift, shape (n,)."""
    x, p = _checked(grid, pdf)
    # About the mean of each object: the difference of two second moments would cancel for a narrow spike.
    offset = x[None, :] - _mean(x, p)[:, None]
    low, high = offset[:, :-1], offset[:, 1:]
    inner = p[:, :-1] * (3 * low**2 + 2 * low * high + high**2) + p[:, 1:] * (low**2 + 2 * low * high + 3 * high**2)
    return np.sqrt(inner @ np.diff(x) / 12)


def credibility(grid: ArrayLike, pdf: ArrayLike, z: ArrayLike) -> Floats:
    """The probability of all redshifts whose density is higher than that at `z`.

    The highest-density region of probability c holds `z` where this is at most c, so that for densities that are right it
    is uniform on [0, 1] (Wittman, Bhaskar & Tobin 2016, MNRAS 457, 4005, section 2).

    Parameters
    ----------
    grid, pdf, z : array_like
        As for `cdf`.

    Returns
    -------
    ndarray, shape (n,), float64
        1 outside the grid.
    """
    x, p = _checked(grid, pdf)
    threshold = density(x, p, z)[:, None]
    low, high = np.minimum(p[:, 1:], p[:, :-1]), np.maximum(p[:, 1:], p[:, :-1])
    # Of a cell that crosses the threshold, the part above it is a trapezoid of its own.
    rise = high - low
    part = np.divide(high - threshold, rise, out=(low > threshold).astype(float), where=rise > 0)
    part = np.clip(part, 0.0, 1.0)
    above = part * 0.5 * (high + np.maximum(low, threshold)) * np.diff(x)
    return np.clip(above.sum(axis=1), 0.0, 1.0)
