"""What lies between a quasar and us: the Lyman lines of intergalactic hydrogen, on average and cloud by cloud.

The mean is that of Madau (1995, ApJ 441, 18). Along one line of sight the optical depth varies as a log-normal field in
redshift (Bi & Davidsen 1997, ApJ 479, 523; so do the mock forests of McDonald et al. 2006, ApJS 163, 80), the same field
for every line of the series, scaled so that the mean transmission stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.sampling import pixel_means, running_integral

__all__ = ["forest_transmission", "intergalactic_transmission"]

Floats = npt.NDArray[np.float64]

# Wavelength (Å) and coefficient A_j of the Lyman lines: tau = A_j (observed / line)^3.46 (Madau 1995, equation 12).
_LYMAN = ((1215.67, 0.0036), (1025.72, 1.7e-3), (972.54, 1.2e-3), (949.74, 9.3e-4))
_METALS = (0.0017, 1.68)  # the same of metal lines (equation 13)
_LIMIT = 911.75
_STEP = 1e-4  # dex: 69 km/s, about the width of a cloud's line and of a survey's pixel
_DEPTHS = (np.log10(1.9), np.log10(7.5))  # log10 (1 + z) of the field's ends
# Of ln tau: McDonald et al. 2006 find a variance of the transmission near 0.1 of its mean squared at z = 2.4 in pixels
# of this width; half of it on scales of a few pixels.
_SIGMA = 1.7
_SCALES = ((0.8, 0.75), (6.0, 0.25))  # pixels, share of the variance: choice, near the power spectrum's slope


def _line_depths(wavelength: Floats, one_z: Floats) -> Floats:
    """Mean optical depth (lines, n, m) of each Lyman line."""
    return np.stack(
        [
            np.where(wavelength < line * one_z, coefficient * (wavelength / line) ** 3.46, 0.0)
            for line, coefficient in _LYMAN
        ]
    )


def _other_depths(wavelength: Floats, one_z: Floats) -> Floats:
    """Mean optical depth (n, m) of metals and of the Lyman continuum (Madau 1995, equations 13 and 16)."""
    coefficient, power = _METALS
    line = _LYMAN[0][0]
    depth = np.where(wavelength < line * one_z, coefficient * (wavelength / line) ** power, 0.0)
    x = wavelength / _LIMIT
    xc = np.minimum(x, one_z)
    limit = (
        0.25 * xc**3 * (one_z**0.46 - xc**0.46)
        + 9.4 * xc**1.5 * (one_z**0.18 - xc**0.18)
        - 0.7 * xc**3 * (xc**-1.32 - one_z**-1.32)
        - 0.023 * (one_z**1.68 - xc**1.68)
    )
    return depth + np.where(x < one_z, np.maximum(limit, 0.0), 0.0)


def intergalactic_transmission(wavelength: Floats, redshift: Floats, strength: Floats) -> Floats:
    """Mean transmission of the intergalactic medium: Madau (1995), equations 12, 13 and 16.

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        Observed, Å.
    redshift : ndarray, shape (n,)
        Of the sources.
    strength : ndarray, shape (n,)
        Factor of the optical depth (1: the mean sky).

    Returns
    -------
    ndarray, shape (n, m)
        In [0, 1].
    """
    one_z = 1.0 + redshift[:, None]
    depth = _line_depths(wavelength[None], one_z).sum(axis=0) + _other_depths(wavelength[None], one_z)
    return np.exp(-strength[:, None] * depth)


@cache
def _normalisation() -> tuple[Floats, Floats]:
    """Mean optical depth against the factor A of a log-normal field: <exp(-A e^(sigma g))> = exp(-tau)."""
    x, weight = np.polynomial.hermite_e.hermegauss(80)
    factor = np.logspace(-6.0, 4.0, 300)
    mean = (np.exp(-factor[:, None] * np.exp(_SIGMA * x)) * weight).sum(axis=1) / weight.sum()
    return -np.log(np.maximum(mean, 1e-300)), factor


def _field(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """log10 (1 + z) and exp(sigma g) of one line of sight."""
    from scipy.ndimage import gaussian_filter1d

    place = np.arange(_DEPTHS[0], _DEPTHS[1], _STEP)
    field = np.zeros(len(place))
    for scale, share in _SCALES:
        smooth = gaussian_filter1d(rng.standard_normal(len(place)), scale, mode="wrap")
        # A Gaussian filter of this width leaves 1 / (2 sqrt(pi) scale) of white noise's variance.
        field += np.sqrt(share * 2.0 * np.sqrt(np.pi) * scale) * smooth
    return place, np.exp(_SIGMA * field)


def forest_transmission(
    generators: Sequence[np.random.Generator], edges: Floats, redshift: Floats, strength: Floats
) -> Floats:
    """Transmission along single lines of sight, as means over pixels.

    Parameters
    ----------
    generators : sequence of numpy.random.Generator, length n
        Each object's own; the same state gives the same clouds on any grid.
    edges : ndarray, shape (m + 1,)
        Edges of the pixels, observed, Å.
    redshift, strength : ndarray, shape (n,)
        Of the sources; factor of the optical depth.

    Returns
    -------
    ndarray, shape (n, m)
        In [0, 1].
    """
    found = np.ones((len(redshift), len(edges) - 1))
    tau, factor = _normalisation()
    for row, (rng, z, scale) in enumerate(zip(generators, redshift, strength, strict=True)):
        end = _LYMAN[0][0] * (1.0 + z)
        last = int(np.searchsorted(edges, end))
        if last == 0:
            continue
        place, clouds = _field(rng)
        # Whole steps, so that the clouds fall on the same points whatever the pixels.
        first = np.floor(np.log10(edges[0]) / _STEP) - 1
        grid = 10.0 ** (_STEP * np.arange(first, np.log10(min(end, edges[-1])) / _STEP + 3))
        depth = scale * _other_depths(grid[None], np.array([[1.0 + z]]))[0]
        for (line, _), mean in zip(_LYMAN, _line_depths(grid[None], np.array([[1.0 + z]]))[:, 0], strict=True):
            # Where the field does not reach (nearer than z = 0.9) a line takes its small mean.
            there = np.interp(np.log10(grid / line), place, clouds, left=np.nan, right=np.nan)
            lumpy = np.interp(scale * mean, tau, factor) * there
            depth += np.where(mean > 0.0, np.where(np.isfinite(lumpy), lumpy, scale * mean), 0.0)
        stop = min(last + 1, len(edges) - 1)
        passed = pixel_means(edges[: stop + 1], grid, running_integral(grid, np.exp(-depth)))
        whole = edges[1 : stop + 1] < grid[-1]
        found[row, :stop] = np.where(whole, passed, 1.0)
    return found
