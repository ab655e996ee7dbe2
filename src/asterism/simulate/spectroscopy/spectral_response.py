"""From a spectrum on fine cells to electrons on a survey's pixels: line-spread function, pixels, sensitivity, sky.

Light of a fine cell is spread by a Gaussian of the resolution there and integrated over the pixels that it falls on
(nothing is sampled at pixel centres), so that photons are conserved and a narrow line has its flux wherever it lies. For an
arm that is one sparse matrix; everything that does not depend on the object is made once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.simulate.spectroscopy.night_sky import extinction, moonlight, sky_continuum, sky_lines
from asterism.simulate.spectroscopy.spectrographs import Arm, Spectrograph, spectrograph_named
from asterism.surveys.formats.spectral_grids import SpectralGrid

__all__ = ["FWHM", "ArmResponse", "Response", "response_of", "spread_matrix"]

Floats = npt.NDArray[np.float64]

FWHM = float(np.sqrt(8.0 * np.log(2.0)))
"""Full width at half maximum of a Gaussian over its standard deviation."""

_CELLS_PER_SIGMA = 1.8  # of the finest line-spread function; the cells' own width adds 2.6 per cent in quadrature
_REACH = 5.0  # standard deviations
_ERG = 1.98644586e-8  # h c, erg Å


@dataclass(frozen=True)
class ArmResponse:
    """An arm on the survey's pixels.

    Attributes
    ----------
    pixels : slice
        Of the survey's grid.
    wavelength : ndarray, shape (p,)
        Centres of these pixels, Å.
    matrix : scipy.sparse.csr_array, shape (p, m)
        Mean flux density in pixels from that of the fine cells.
    sigma : ndarray, shape (p,)
        Of the line-spread function, Å.
    sensitivity : ndarray, shape (p,)
        Electrons per second and pixel of 1e-17 erg/s/cm2/Å that enter the fibre, at airmass 1, without bands.
    extinction : ndarray, shape (p,)
        mag per airmass.
    continuum, lines, moon, slope : ndarray, shape (p,)
        Of the sky, per arcsec2: as `asterism.simulate.spectroscopy.night_sky`, seen at the resolution; `slope` is the change of the
        dark sky per pixel.
    cells : ndarray, shape (p,)
        Pixels of the detector that share the noise of a pixel.
    arm : Arm
        The arm.
    """

    pixels: slice
    wavelength: Floats
    matrix: Any
    sigma: Floats
    sensitivity: Floats
    extinction: Floats
    continuum: Floats
    lines: Floats
    moon: Floats
    slope: Floats
    cells: Floats
    arm: Arm


@dataclass(frozen=True)
class Response:
    """A spectrograph, ready for spectra.

    Attributes
    ----------
    spectrograph : Spectrograph
        Which.
    wavelength : ndarray, shape (m,)
        Centres of the fine cells on which spectra are wanted, Å, vacuum.
    arms : tuple of ArmResponse
        From blue to red.
    lsf : ndarray, shape (size of the grid,)
        Standard deviation of the line-spread function, Å; where arms overlap, that of the more sensitive one; NaN outside.
    """

    spectrograph: Spectrograph
    wavelength: Floats
    arms: tuple[ArmResponse, ...]
    lsf: Floats


def _table(table: tuple[tuple[float, float], ...], wavelength: Floats) -> Floats:
    at, value = np.array(table).T
    return np.interp(wavelength, at, value)


def line_sigma(arm: Arm, wavelength: Floats) -> Floats:
    """Standard deviation (Å) of an arm's line-spread function."""
    return np.asarray(wavelength / _table(arm.resolution, wavelength) / FWHM)


def spread_matrix(grid: SpectralGrid, pixels: slice, edges: Floats, sigma: Floats) -> Any:
    """Matrix that spreads fine cells with Gaussians and integrates over pixels.

    Parameters
    ----------
    grid : SpectralGrid
        The survey's.
    pixels : slice
        Those that the arm covers.
    edges : ndarray, shape (m + 1,)
        Of the fine cells, Å.
    sigma : ndarray, shape (m,)
        Of the Gaussian at each cell, Å.

    Returns
    -------
    scipy.sparse.csr_array, shape (pixels, m)
        Mean flux density of a pixel from those of the cells.
    """
    from scipy.sparse import csr_array
    from scipy.special import ndtr

    centre, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    ends = grid.edges[pixels.start : pixels.stop + 1]
    count = pixels.stop - pixels.start
    low = np.searchsorted(ends, centre - _REACH * sigma) - 1
    span = int(np.max(np.searchsorted(ends, centre + _REACH * sigma) - low)) + 1
    row = low[:, None] + np.arange(span)
    inside = (row >= 0) & (row < count)
    safe = np.clip(row, 0, count - 1)
    z = (ends[safe + 1] - centre[:, None]) / sigma[:, None], (ends[safe] - centre[:, None]) / sigma[:, None]
    value = (ndtr(z[0]) - ndtr(z[1])) * width[:, None] / (ends[safe + 1] - ends[safe])
    keep = inside & (value > 1e-12)
    column = np.broadcast_to(np.arange(len(centre))[:, None], row.shape)
    return csr_array((value[keep], (row[keep], column[keep])), shape=(count, len(centre)))


@cache
def response_of(name: str) -> Response:
    """A spectrograph's response, made once.

    Parameters
    ----------
    name : str
        Of `asterism.simulate.spectroscopy.spectrographs.SPECTROGRAPHS`.

    Returns
    -------
    Response

    Raises
    ------
    ConfigurationError
        There is no such spectrograph.
    """
    spectrograph = spectrograph_named(name)
    grid = spectrograph.grid
    finest = min(1.0 / (FWHM * max(r for _, r in arm.resolution)) for arm in spectrograph.arms)
    coarsest = max(float(line_sigma(arm, np.array([arm.low, arm.high])).max()) for arm in spectrograph.arms)
    margin = _REACH * coarsest + 2.0 * float(np.diff(grid.edges)[-1])
    low, high = spectrograph.arms[0].low - margin, spectrograph.arms[-1].high + margin
    count = int(np.ceil(np.log(high / low) / finest * _CELLS_PER_SIGMA))
    edges = np.geomspace(low, high, count + 1)
    centre = 0.5 * (edges[1:] + edges[:-1])
    arms = tuple(_arm(spectrograph, arm, edges, centre) for arm in spectrograph.arms)
    lsf, best = np.full(grid.size, np.nan), np.zeros(grid.size)
    for arm in arms:
        better = arm.sensitivity > best[arm.pixels]
        lsf[arm.pixels] = np.where(better, arm.sigma, lsf[arm.pixels])
        best[arm.pixels] = np.maximum(best[arm.pixels], arm.sensitivity)
    return Response(spectrograph, centre, arms, lsf)


def _arm(spectrograph: Spectrograph, arm: Arm, edges: Floats, centre: Floats) -> ArmResponse:
    grid = spectrograph.grid
    inside = np.flatnonzero((grid.wavelength >= arm.low - 1e-6) & (grid.wavelength <= arm.high + 1e-6))
    pixels = slice(int(inside[0]), int(inside[-1]) + 1)
    wavelength, width = grid.wavelength[pixels], np.diff(grid.edges)[pixels]
    matrix = spread_matrix(grid, pixels, edges, line_sigma(arm, centre))
    area = spectrograph.area * 1e4  # cm2
    sensitivity = 1e-17 * _table(arm.throughput, wavelength) * area * width * wavelength / _ERG
    continuum, lines, moon = (matrix @ light(edges) for light in (sky_continuum, sky_lines, moonlight))
    return ArmResponse(
        pixels=pixels,
        wavelength=wavelength,
        matrix=matrix,
        sigma=line_sigma(arm, wavelength),
        sensitivity=sensitivity,
        extinction=spectrograph.haze * extinction(wavelength),
        continuum=continuum,
        lines=lines,
        moon=moon,
        slope=np.gradient(continuum + lines),
        cells=arm.trace * width / arm.dispersion,
        arm=arm,
    )
