"""Spectra of stars without a library: a black body, its lines, bands and breaks, bent onto the observed stellar locus.

Temperature and metals set the features. What such a sketch can't give, the broad colours, is taken from the published
median locus: a smooth factor, linear in magnitude between the bands' effective wavelengths, is solved on a grid of
colour and metallicity so that synthetic photometry falls on the locus. Vacuum wavelengths throughout.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.photometry import BANDS, grid_wavelength, synthetic_magnitudes
from asterism.simulate.population import Population

__all__ = ["locus_colours", "star_seds"]

Floats = npt.NDArray[np.float64]

_HC_K = 1.438777e8  # h c / k, Å K
_BALMER = np.array([6564.61, 4862.68, 4341.68, 4102.89, 3971.20, 3890.15, 3836.47, 3798.98, 3771.70, 3751.22, 3735.43])
# Depth of each Balmer line against that of H beta: lines of the higher series are narrower in equivalent width.
_BALMER_DEPTH = np.array([0.80, 1.0, 1.0, 1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
_HELIUM = np.array([3889.7, 4027.3, 4472.7, 4922.3, 5877.2, 6680.0, 7067.2])
# Vacuum wavelength (Å), width (Å) and depth at 5000 K, [Fe/H] = 0, of the strongest metal features.
_METALS = np.array(
    [[3934.8, 9.0, 1.3], [3969.6, 9.0, 1.1], [4305.6, 12.0, 0.45], [4227.9, 6.0, 0.3], [5176.7, 18.0, 0.35],
     [5271.0, 8.0, 0.15], [5893.6, 4.0, 0.4], [8500.4, 4.0, 0.3], [8544.4, 5.0, 0.5], [8664.5, 5.0, 0.4]]
)  # fmt: skip
# Heads of the TiO, CaH and VO bands: start (Å, vacuum), length of the fall to the red (Å), depth at 3000 K
# (Kirkpatrick, Henry & McCarthy 1991, ApJS 77, 417).
_BANDS_M = np.array(
    [[4762.0, 150.0, 0.5], [4955.0, 180.0, 0.6], [5168.0, 220.0, 0.7], [5450.0, 150.0, 0.5], [5850.0, 250.0, 0.6],
     [6160.0, 180.0, 0.7], [6653.0, 150.0, 0.5], [6750.0, 300.0, 0.4], [7055.0, 300.0, 1.1], [7590.0, 200.0, 0.6],
     [7860.0, 150.0, 0.25], [8434.0, 120.0, 0.4], [8860.0, 150.0, 0.4]]
)  # fmt: skip


def locus_colours(colour: npt.ArrayLike, feh: npt.ArrayLike | None = None) -> tuple[Floats, Floats, Floats, Floats]:
    """u-g, g-r, r-i, i-z of the stellar locus (SDSS system) at these g-i.

    Covey et al. (2007) from g-i = 0.55 to 4; bluewards a straight line to the colours of Vega. With a metallicity, u-g
    moves by what the calibration of Bond et al. (2010) gives between it and the metallicity of the locus.

    Parameters
    ----------
    colour : array_like
        g-i, mag.
    feh : array_like, optional
        [Fe/H], of the same shape.

    Returns
    -------
    four arrays of `colour`'s shape

    Examples
    --------
    >>> [round(float(c), 2) for c in locus_colours(1.0)]
    [1.88, 0.73, 0.27, 0.12]
    """
    x = np.asarray(colour, dtype=np.float64)
    blue = constant("locus_blue_end")
    vega = _vega_colours()
    share = np.clip((blue - x) / (blue - (vega[1] + vega[2])), 0.0, 1.0)
    found = []
    for number, name in enumerate(("u_g", "g_r", "r_i", "i_z")):
        red = np.polynomial.polynomial.polyval(np.clip(x, blue, 4.2), constant(f"locus_{name}"))
        found.append((1.0 - share) * red + share * vega[number])
    if feh is not None:
        found[0] = found[0] + _metallicity_shift(found[1], np.asarray(feh, dtype=np.float64))
    return found[0], found[1], found[2], found[3]


@cache
def _vega_colours() -> tuple[float, float, float, float]:
    """SDSS colours of Vega's spectrum as GalSim packages it: the anchor of A0 stars."""
    import galsim

    nm, flux = np.loadtxt(Path(galsim.meta_data.share_dir) / "SEDs" / "vega.txt").T
    wavelength = grid_wavelength()
    m = synthetic_magnitudes(np.interp(wavelength, 10.0 * nm, flux)[None], zero_point="sdss")[0]
    return tuple(float(m[k] - m[k + 1]) for k in range(4))  # type: ignore[return-value]


@cache
def _metallicity_grid() -> tuple[Floats, Floats, Floats]:
    """u-g shift (g-r, [Fe/H]) from the metallicity of the locus, from the inverse of Bond et al.'s polynomial."""
    g_r, feh = np.linspace(0.2, 0.6, 17), np.linspace(-2.5, 0.0, 26)
    u_g = np.linspace(0.6, 1.7, 111)
    a, b, c, d, e, f, g, h, j = constant("metallicity_colour")
    shift = np.empty((len(g_r), len(feh)))
    for row, y in enumerate(g_r):
        value = a + b * u_g + c * y + d * u_g * y + e * u_g**2 + f * y**2 + g * u_g**2 * y + h * u_g * y**2 + j * y**3
        # The polynomial turns over outside its range; up to its first maximum it rises with u-g.
        end = int(np.argmax(np.diff(value) <= 0)) if (np.diff(value) <= 0).any() else len(u_g) - 1
        of_feh = np.interp(feh, value[: end + 1], u_g[: end + 1])
        shift[row] = of_feh - np.interp(constant("locus_feh"), feh, of_feh)
    return g_r, feh, shift


def _metallicity_shift(g_r: Floats, feh: Floats) -> Floats:
    from scipy.interpolate import RegularGridInterpolator

    rows, columns, shift = _metallicity_grid()
    g_r, feh = np.broadcast_arrays(g_r, feh)
    inside = RegularGridInterpolator((rows, columns), shift)(
        np.stack([np.clip(g_r, rows[0], rows[-1]), np.clip(feh, columns[0], columns[-1])], axis=-1)
    )
    # Hot stars have no metal lines in u; in M dwarfs molecules, not iron, rule it.
    fade = np.clip((g_r + 0.1) / 0.3, 0.0, 1.0) * np.clip((1.2 - g_r) / 0.5, 0.0, 1.0)
    return np.asarray(inside * fade)


def star_seds(stars: Population, wavelength: Floats) -> Floats:
    """Flux densities of stars at rest, normalised to no magnitude.

    Parameters
    ----------
    stars : Population
        Stars of any kind.
    wavelength : ndarray, shape (m,)
        Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, arbitrary scale.
    """
    feh = np.where(np.isfinite(stars.feh), stars.feh, 0.0)
    dwarf = np.char.startswith(stars.subclass, "D")
    seds = np.empty((len(stars), len(wavelength)))
    if dwarf.any():
        seds[dwarf] = _white_dwarfs(stars.teff[dwarf], stars.subclass[dwarf] == "DB", wavelength)
    normal = ~dwarf
    if normal.any():
        hot = np.isnan(stars.colour[normal])
        # Hot stars are placed on the blue end of the locus by their temperature, 9600 K being Vega.
        g_i = np.where(hot, _hot_colour(stars.teff[normal]), stars.colour[normal])
        raw = _sketch(stars.teff[normal], feh[normal], wavelength)
        seds[normal] = raw * _bend(wavelength, _warp(g_i, feh[normal]))
    return seds


def _hot_colour(teff: Floats) -> Floats:
    vega = _vega_colours()
    return np.interp(teff, [7000.0, 9600.0, 12000.0], [0.25, vega[1] + vega[2], -0.62])


def _planck(teff: Floats, wavelength: Floats) -> Floats:
    x = _HC_K / (wavelength[None, :] * teff[:, None])
    scaled = (wavelength / 5500.0) ** -5 / np.expm1(x)
    return np.asarray(scaled / np.exp(-_HC_K / (5500.0 * teff))[:, None])


def _sketch(teff: Floats, feh: Floats, wavelength: Floats) -> Floats:
    """Black body times exp(-depth) of the features."""
    depth = np.zeros((len(teff), len(wavelength)))
    # Hydrogen peaks near 9000 K (Gray & Corbally 2009, chapter 2) and is gone below 4500 K.
    hydrogen = np.exp(-((np.log(teff / 9000.0) / 0.25) ** 2))
    width = 14.0 + 10.0 * hydrogen
    for centre, strength in zip(_BALMER, _BALMER_DEPTH, strict=True):
        depth += (strength * hydrogen)[:, None] / (1.0 + ((wavelength - centre) / width[:, None]) ** 2)
    depth += (1.1 * hydrogen)[:, None] / (1.0 + np.exp((wavelength[None, :] - 3700.0) / 30.0))
    metals = np.clip(10.0 ** (0.45 * feh), 0.05, 1.6) * np.clip((7500.0 - teff) / 2500.0, 0.0, 1.3)
    for centre, sigma, strength in _METALS:
        depth += (strength * metals)[:, None] * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
    blanket = (4000.0 / wavelength) ** 6 * (1.0 + 0.15 * np.sin(wavelength / 35.0) * np.sin(wavelength / 90.0))
    depth += 0.35 * metals[:, None] * np.minimum(blanket, 6.0)
    cool = np.clip((4000.0 - teff) / 1000.0, 0.0, 1.4)
    for head, length, strength in _BANDS_M:
        behind = wavelength - head
        shape = np.where(behind > 0, np.exp(-np.maximum(behind, 0.0) / length), np.exp(np.minimum(behind, 0.0) / 8.0))
        depth += (strength * cool)[:, None] * shape
    return _planck(teff, wavelength) * np.exp(-depth)


def _white_dwarfs(teff: Floats, helium: npt.NDArray[np.bool_], wavelength: Floats) -> Floats:
    """DA: broad Balmer lines, strongest near 13000 K (Koester 2010); DB: helium lines instead."""
    depth = np.zeros((len(teff), len(wavelength)))
    strength = 0.75 * np.exp(-((np.log(teff / 13000.0) / 0.55) ** 2))
    for centre, weight in zip(_BALMER[:7], (0.8, 1.0, 1.0, 1.0, 0.8, 0.5, 0.3), strict=True):
        depth += ((~helium) * strength * weight)[:, None] / (1.0 + ((wavelength - centre) / 45.0) ** 2)
    depth += ((~helium) * 0.45 * strength)[:, None] / (1.0 + np.exp((wavelength[None, :] - 3800.0) / 60.0))
    for centre in _HELIUM:
        depth += (helium * 0.5)[:, None] / (1.0 + ((wavelength - centre) / 22.0) ** 2)
    return _planck(teff, wavelength) * np.exp(-depth)


def _bend(wavelength: Floats, warp: Floats) -> Floats:
    """10^(-0.4 m) with m linear in ln wavelength between the bands; warp (n, 5) mag at the bands."""
    knots = np.log([band.wavelength for band in BANDS])
    place = np.clip(np.searchsorted(knots, np.log(wavelength)) - 1, 0, 3)
    share = np.clip((np.log(wavelength) - knots[place]) / (knots[place + 1] - knots[place]), -0.3, 1.3)
    return np.asarray(10.0 ** (-0.4 * (warp[:, place] * (1.0 - share) + warp[:, place + 1] * share)))


@cache
def _warp_grid() -> tuple[Floats, Floats, Floats]:
    """Warp (g-i, [Fe/H], band) that puts the sketch on the locus."""
    from asterism.simulate.stars import teff_of_colour

    g_i = np.concatenate([np.linspace(-0.7, 0.2, 10), np.linspace(0.25, 4.0, 76)])
    feh = np.linspace(-2.5, 0.25, 12)
    x, metal = (grid.ravel() for grid in np.meshgrid(g_i, feh, indexing="ij"))
    u_g, g_r, r_i, i_z = locus_colours(x, metal)
    target = np.stack([u_g + g_r, g_r, np.zeros_like(x), -r_i, -r_i - i_z], axis=1)  # magnitudes against r
    vega = _vega_colours()
    hot = np.interp(x, [-0.62, vega[1] + vega[2], 0.25], [12000.0, 9600.0, 7000.0])
    teff = np.where(x < 0.25, hot, teff_of_colour(x))
    wavelength = grid_wavelength()
    raw = _sketch(teff, metal, wavelength)
    warp = np.zeros((len(x), 5))
    for _ in range(12):
        m = synthetic_magnitudes(raw * _bend(wavelength, warp), zero_point="sdss")
        warp += 0.9 * (target - (m - m[:, 2:3]))
    return g_i, feh, warp.reshape(len(g_i), len(feh), 5)


def _warp(g_i: Floats, feh: Floats) -> Floats:
    from scipy.interpolate import RegularGridInterpolator

    x, metal, warp = _warp_grid()
    points = np.stack([np.clip(g_i, x[0], x[-1]), np.clip(feh, metal[0], metal[-1])], axis=-1)
    return np.asarray(RegularGridInterpolator((x, metal), warp)(points))
