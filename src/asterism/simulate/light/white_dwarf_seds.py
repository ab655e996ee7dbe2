"""Spectra of white dwarfs (DA, DB and featureless ones) and of cataclysmic variables, without a library.

Colours and equivalent widths are those of published model atmospheres at log g = 8; profiles are Minnaert's.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.sampling import gaussian_means, pixel_edges
from asterism.simulate.light.stellar_continuum import bend, planck
from asterism.simulate.light.stellar_features import BALMER, minnaert
from asterism.surveys.formats.wavelength import air_to_vacuum

__all__ = ["cataclysmic_seds", "white_dwarf_colours", "white_dwarf_seds"]

Floats = npt.NDArray[np.float64]

# Teff (K); u-g, g-r, r-i, i-z (AB) at log g = 8: models of Koester 2010, MemSAIt 81, 921 (they agree with Holberg &
# Bergeron 2006, AJ 132, 1221, table 1, to 0.02 mag). Helium's colours below 10000 K are those of a black body.
_DA_COLOURS = np.array(
    [[6000, 0.680, 0.383, 0.119, 0.017], [7000, 0.465, 0.208, 0.033, -0.045], [8000, 0.375, 0.091, -0.033, -0.097],
     [9000, 0.368, 0.002, -0.090, -0.146], [10000, 0.383, -0.069, -0.141, -0.192],
     [11000, 0.379, -0.126, -0.183, -0.227], [12000, 0.360, -0.173, -0.215, -0.250],
     [13500, 0.308, -0.229, -0.247, -0.270], [15000, 0.241, -0.273, -0.271, -0.284],
     [17500, 0.111, -0.327, -0.296, -0.299], [20000, -0.003, -0.367, -0.314, -0.310],
     [25000, -0.165, -0.430, -0.344, -0.329], [30000, -0.296, -0.476, -0.362, -0.343],
     [40000, -0.388, -0.522, -0.382, -0.350], [60000, -0.474, -0.547, -0.392, -0.357]]
)  # fmt: skip
_DB_COLOURS = np.array(
    [[6000, 0.560, 0.390, 0.140, 0.060], [8000, 0.300, 0.120, -0.010, -0.080], [10000, 0.136, -0.072, -0.151, -0.184],
     [12000, -0.005, -0.186, -0.205, -0.224], [14000, -0.062, -0.261, -0.252, -0.251],
     [17000, -0.130, -0.319, -0.282, -0.277], [20000, -0.157, -0.344, -0.307, -0.303],
     [25000, -0.224, -0.393, -0.322, -0.313], [35000, -0.342, -0.475, -0.356, -0.328],
     [40000, -0.395, -0.504, -0.372, -0.339]]
)  # fmt: skip
# Teff (K) and equivalent width (Å) of H alpha to H9 of a DA at log g = 8, measured on the models of Koester 2010;
# from H gamma on with what the overlapping wings hide.
_DA_WIDTHS = np.array(
    [[6000, 12, 5, 3, 1.5, 0.5, 0, 0], [7000, 21, 10.5, 7, 4.5, 2, 0.6, 0], [8000, 26, 19, 13.5, 10.5, 7, 4, 1],
     [10000, 47, 42, 29, 23, 18, 10, 5], [12500, 57, 59, 37, 28, 21, 12, 6], [14000, 55, 61, 38, 28, 21, 12, 6],
     [16500, 49, 54, 34, 25, 19, 11, 5], [19000, 44, 48, 31, 22, 17, 9, 4], [26000, 35, 38, 25, 18, 13, 7, 3],
     [60000, 14, 17, 10, 5, 3, 1, 0]]
)  # fmt: skip
_DA_CORES = (0.48, 0.66, 0.65, 0.60, 0.50, 0.35, 0.20)
# He I in air (Å), equivalent width (Å) and depth in a DB of 20000 K, measured on the same models.
_DB_LINES = (
    (3819.6, 4.0, 0.25),
    (3888.6, 9.0, 0.40),
    (3964.7, 4.0, 0.20),
    (4026.2, 12.0, 0.22),
    (4120.8, 2.0, 0.10),
    (4387.9, 6.0, 0.15),
    (4471.5, 22.0, 0.25),
    (4713.1, 4.0, 0.15),
    (4921.9, 11.0, 0.18),
    (5015.7, 6.0, 0.15),
    (5875.6, 14.0, 0.17),
    (6678.2, 11.0, 0.12),
    (7065.2, 9.0, 0.12),
    (7281.3, 4.0, 0.08),
)
_DB_STRENGTH = np.array([[11000, 0.02], [13000, 0.12], [15000, 0.40], [17000, 0.75], [20000, 1.0], [25000, 1.05],
                         [35000, 0.55], [45000, 0.4]])  # fmt: skip
# Lines of a dwarf nova in quiescence: wavelength in vacuum or air (Å), equivalent width (Å): Williams 1983, ApJS 53, 523;
# widths near those of Szkody et al. 2011, AJ 142, 181.
_CV_LINES = (
    (4026.2, 5.0),
    (4471.5, 9.0),
    (4685.7, 6.0),
    (4921.9, 6.0),
    (5015.7, 4.0),
    (5169.0, 4.0),
    (5875.6, 16.0),
    (6678.2, 12.0),
    (7065.2, 9.0),
    (8498.0, 4.0),
    (8542.1, 4.0),
    (8662.1, 4.0),
)
_CV_BALMER = (60.0, 45.0, 33.0, 26.0, 18.0, 14.0, 10.0, 7.0)
_CV_SIGMA = 650.0 / 299792.458  # of the wavelength: a disc of about 1500 km/s FWHM


def white_dwarf_colours(teff: Floats, helium: npt.NDArray[np.bool_]) -> Floats:
    """u-g, g-r, r-i, i-z (AB) of white dwarfs with atmospheres of hydrogen, or of helium.

    Examples
    --------
    >>> white_dwarf_colours(np.array([10000.0]), np.array([False]))[0].tolist()
    [0.383, -0.069, -0.141, -0.192]
    """
    found = np.empty((len(teff), 4))
    for rows, table in ((~helium, _DA_COLOURS), (helium, _DB_COLOURS)):
        at = np.log(teff[rows])
        found[rows] = np.stack([np.interp(at, np.log(table[:, 0]), table[:, k]) for k in range(1, 5)], axis=1)
    return found


def white_dwarf_seds(teff: Floats, log_g: Floats, kind: npt.NDArray[np.str_], edges: Floats) -> Floats:
    """Flux densities of white dwarfs at rest.

    Parameters
    ----------
    teff, log_g : ndarray, shape (n,)
        K, dex of cgs (NaN: 8).
    kind : ndarray of str, shape (n,)
        ``DA``, ``DB``, or another: no lines (``DC``).
    edges : ndarray, shape (n, m + 1)
        Edges of the pixels at rest, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, arbitrary scale.
    """
    helium = kind != "DA"
    teff_grid, warp = _warps()
    at = np.log(np.clip(teff, 6000.0, 60000.0))
    warps = np.stack(
        [[np.interp(value, teff_grid, warp[int(other), :, band]) for band in range(5)]
         for value, other in zip(at, helium, strict=True)]
    ) if len(teff) else np.empty((0, 5))  # fmt: skip
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
    gravity = 10.0 ** (0.08 * (np.where(np.isfinite(log_g), log_g, 8.0) - 8.0))
    return _raw(teff, gravity, kind, edges) * bend(middle, warps)


def _raw(teff: Floats, gravity: Floats, kind: npt.NDArray[np.str_], edges: Floats) -> Floats:
    at = np.log(teff)
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
    # As in A stars the continuum redwards of the Balmer jump is steeper than the temperature's, where lines are strong.
    jump = np.where(kind == "DA", np.interp(at, np.log(_DA_WIDTHS[:, 0]), _DA_WIDTHS[:, 2] / 61.0), 0.0)
    flux = planck(teff * (1.0 + 0.3 * jump), middle)
    flux *= np.exp(-0.35 * jump[:, None] / (1.0 + np.exp((middle - 3800.0) / 30.0)))
    hydrogen, helium = np.flatnonzero(kind == "DA"), np.flatnonzero(kind == "DB")
    for number, core in enumerate(_DA_CORES):
        width = np.interp(at[hydrogen], np.log(_DA_WIDTHS[:, 0]), _DA_WIDTHS[:, number + 1]) * gravity[hydrogen]
        flux[hydrogen] *= 1.0 - minnaert(edges[hydrogen], float(BALMER[number]), width, core)
    strength = np.interp(at[helium], np.log(_DB_STRENGTH[:, 0]), _DB_STRENGTH[:, 1])
    for air, width, core in _DB_LINES:
        flux[helium] *= 1.0 - minnaert(edges[helium], float(air_to_vacuum(air)), width * strength, core)
    return flux


@cache
def _warps() -> tuple[Floats, Floats]:
    """ln Teff (t,) and warp (2, t, 5), mag at the bands, that gives hydrogen's and helium's colours."""
    teff = np.geomspace(6000.0, 60000.0, 28)
    wavelength = grid_wavelength()
    edges = np.tile(pixel_edges(wavelength), (len(teff), 1))
    rest = np.tile(wavelength, (len(teff), 1))
    warps = []
    for kind in ("DA", "DB"):
        colours = white_dwarf_colours(teff, np.full(len(teff), kind == "DB"))
        target = np.stack([colours[:, 0] + colours[:, 1], colours[:, 1], np.zeros(len(teff)), -colours[:, 2],
                           -colours[:, 2] - colours[:, 3]], axis=1)  # fmt: skip
        raw = _raw(teff, np.ones(len(teff)), np.full(len(teff), kind), edges)
        warp = np.zeros((len(teff), 5))
        for _ in range(12):
            m = synthetic_magnitudes(raw * bend(rest, warp))
            warp += 0.9 * (target - (m - m[:, 2:3]))
        warps.append(warp)
    return np.log(teff), np.stack(warps)


def cataclysmic_seds(teff: Floats, edges: Floats) -> Floats:
    """Flux densities (n, m) of cataclysmic variables: an accretion disc's blue continuum and its emission lines.

    The continuum is that of a steady disc, f_lambda ~ lambda^(-7/3) (Lynden-Bell 1969, Nature 223, 690), reddened to the
    objects' temperature by a black body where that is below 20000 K.
    """
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
    cool = np.clip((20000.0 - np.where(np.isfinite(teff), teff, 20000.0)) / 12000.0, 0.0, 1.0)[:, None]
    disc = (middle / 5500.0) ** (-7.0 / 3.0)
    flux = disc ** (1.0 - cool) * planck(np.full(len(teff), 8000.0), middle) ** cool
    lines = [(float(air_to_vacuum(air)), width) for air, width in _CV_LINES]
    lines += [(float(BALMER[number]), width) for number, width in enumerate(_CV_BALMER)]
    excess = np.zeros_like(middle)
    for centre, width in lines:
        excess += width * gaussian_means(edges, centre, centre * _CV_SIGMA)
    return flux * (1.0 + excess)
