"""Spectra of stars without a library: a black body, its lines, bands and breaks, bent onto the observed stellar locus.

Temperature, gravity and metals set the features. What such a sketch can't give, the broad colours, is taken from the
published median locus: a smooth factor, linear in magnitude between the bands' effective wavelengths, is solved on a grid of
colour and metallicity so that synthetic photometry falls on the locus. Vacuum wavelengths throughout.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.light.photometry import BANDS, grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.sampling import pixel_edges
from asterism.simulate.light.stellar_continuum import bend, planck
from asterism.simulate.light.stellar_features import carbon_residual, hydrogen_strength, star_residual
from asterism.simulate.light.white_dwarf_seds import cataclysmic_seds, white_dwarf_colours, white_dwarf_seds
from asterism.simulate.objects.population import Population

__all__ = [
    "CALCIUM_PIXELS",
    "calcium_index",
    "locus_colours",
    "locus_magnitudes",
    "star_colours",
    "star_family",
    "star_seds",
]

Floats = npt.NDArray[np.float64]

CALCIUM_PIXELS: Floats = np.arange(3926.0, 4022.0, 4.0)
"""Pixels of `calcium_index`, Å, vacuum."""
# A carbon star's temperature stands for its bands' strength: choice, dwarf carbon stars are K dwarfs (Green 2013).
_CARBON_TEFF = 4200.0


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
    """Flux densities of stars as observed, shifted by their velocities, normalised to no magnitude.

    Parameters
    ----------
    stars : Population
        Stars of any kind.
    wavelength : ndarray, shape (m,)
        Observed, Å, vacuum, rising.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, means over pixels, arbitrary scale.
    """
    shift = 1.0 + np.nan_to_num(stars.redshift)[:, None]
    edges = pixel_edges(wavelength) / shift
    feh = np.where(np.isfinite(stars.feh), stars.feh, 0.0)
    log_g = np.where(np.isfinite(stars.log_g), stars.log_g, 4.4)
    family = star_family(stars.subclass)
    seds = np.empty((len(stars), len(wavelength)))
    dwarf = np.char.startswith(family, "D")
    seds[dwarf] = white_dwarf_seds(stars.teff[dwarf], stars.log_g[dwarf], family[dwarf], edges[dwarf])
    disc = family == "CV"
    seds[disc] = cataclysmic_seds(stars.teff[disc], edges[disc])
    rest = np.flatnonzero(~dwarf & ~disc)
    if len(rest):
        hot = np.isnan(stars.colour[rest])
        # Hot stars are placed on the blue end of the locus by their temperature, 9600 K being Vega.
        g_i = np.where(hot, _hot_colour(stars.teff[rest]), stars.colour[rest])
        teff = np.where(np.isfinite(stars.teff[rest]), stars.teff[rest], _CARBON_TEFF)
        raw = _sketch(teff, log_g[rest], feh[rest], edges[rest])
        carbon = family[rest] == "carbon"
        raw[carbon] *= carbon_residual(np.ones(int(carbon.sum())), edges[rest[carbon]])
        middle = 0.5 * (edges[rest, 1:] + edges[rest, :-1])
        seds[rest] = raw * bend(middle, _warp(g_i, feh[rest]))
    return seds


def star_family(subclass: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """What kind of spectrum a star has: DA or DB (or another D) for white dwarfs, CV, carbon, else normal.

    Examples
    --------
    >>> star_family(np.array(["G5", "DA", "CV", "Carbon", "C"])).tolist()
    ['normal', 'DA', 'CV', 'carbon', 'carbon']
    """
    words = np.asarray(subclass, dtype="U24")
    special = np.select(
        [words == "CV", np.char.startswith(words, "C"), np.char.startswith(words, "D")],
        [words, np.full(len(words), "carbon"), words],
        "normal",
    )
    return np.asarray(special)


def calcium_index(flux: Floats) -> Floats:
    """Depth (mag) of Ca II H and K in spectra (..., 24) on `CALCIUM_PIXELS`: 3928-3976 Å against 3988-4020 Å."""
    lines, beside = flux[..., 1:13].mean(axis=-1), flux[..., 16:24].mean(axis=-1)
    return np.asarray(-2.5 * np.log10(np.maximum(lines, 1e-30) / np.maximum(beside, 1e-30)))


def star_colours(stars: Population) -> Floats:
    """u-g, g-i and the index of Ca II (n, 3) that stars should have.

    Normal ones by the locus and the embedded model, white dwarfs by their temperature (without an index).
    """
    colours = np.full((len(stars), 3), np.nan)
    family = star_family(stars.subclass)
    normal = family == "normal"
    feh = np.where(np.isfinite(stars.feh), stars.feh, 0.0)
    g_i = np.where(np.isnan(stars.colour), _hot_colour(stars.teff), stars.colour)
    if normal.any():
        u_g, g_r, r_i, _ = locus_colours(g_i[normal], feh[normal])
        index = calcium_index(star_seds(stars.take(np.flatnonzero(normal)), CALCIUM_PIXELS))
        colours[normal] = np.stack([u_g, g_r + r_i, index], axis=1)
    dwarf = np.char.startswith(family, "D")
    if dwarf.any():
        ab = white_dwarf_colours(stars.teff[dwarf], family[dwarf] != "DA")
        offset = np.array([band.ab_offset for band in BANDS])
        u_g, g_r, r_i = (ab[:, k] - (offset[k] - offset[k + 1]) for k in range(3))
        colours[dwarf, :2] = np.stack([u_g, g_r + r_i], axis=1)
    return colours


def locus_magnitudes(stars: Population) -> Floats:
    """ugriz (n, 5) against r, SDSS system, of normal stars on the locus at their colour or, hot ones, temperature."""
    feh = np.where(np.isfinite(stars.feh), stars.feh, 0.0)
    g_i = np.where(np.isnan(stars.colour), _hot_colour(stars.teff), stars.colour)
    u_g, g_r, r_i, i_z = locus_colours(g_i, feh)
    return np.stack([u_g + g_r, g_r, np.zeros_like(g_r), -r_i, -r_i - i_z], axis=1)


def _hot_colour(teff: Floats) -> Floats:
    vega = _vega_colours()
    return np.interp(teff, [7000.0, 9600.0, 12000.0], [0.25, vega[1] + vega[2], -0.62])


def _sketch(teff: Floats, log_g: Floats, feh: Floats, edges: Floats) -> Floats:
    """Black body, what lines and bands leave of it, and the haze of weak metal lines towards the blue."""
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
    metals = np.clip(10.0 ** (0.45 * feh), 0.05, 1.6) * np.clip((7500.0 - teff) / 2500.0, 0.0, 1.3)
    haze = 0.35 * metals[:, None] * np.minimum((4000.0 / middle) ** 6, 6.0)
    # What the Balmer jump holds back comes out beyond it: the Paschen continuum of Vega (9600 K) is as steep between 4100
    # and 5000 Å as a black body of 15500 K (Hayes 1985, IAU Symposium 111, 225).
    colour = teff * (1.0 + 0.6 * hydrogen_strength(teff))
    return planck(colour, middle) * np.exp(-haze) * star_residual(teff, log_g, feh, edges)


@cache
def _warp_grid() -> tuple[Floats, Floats, Floats]:
    """Warp (g-i, [Fe/H], band) that puts the sketch on the locus."""
    from asterism.simulate.objects.stars import teff_of_colour

    g_i = np.concatenate([np.linspace(-0.7, 0.2, 10), np.linspace(0.25, 4.0, 51)])
    feh = np.linspace(-2.5, 0.3, 8)
    x, metal = (grid.ravel() for grid in np.meshgrid(g_i, feh, indexing="ij"))
    u_g, g_r, r_i, i_z = locus_colours(x, metal)
    target = np.stack([u_g + g_r, g_r, np.zeros_like(x), -r_i, -r_i - i_z], axis=1)  # magnitudes against r
    vega = _vega_colours()
    hot = np.interp(x, [-0.62, vega[1] + vega[2], 0.25], [12000.0, 9600.0, 7000.0])
    teff = np.where(x < 0.25, hot, teff_of_colour(x))
    wavelength = grid_wavelength()
    # Gravity as on the main sequence and the horizontal branch.
    log_g = np.where(x < 0.25, 3.7, 4.4)
    raw = _sketch(teff, log_g, metal, np.tile(pixel_edges(wavelength), (len(x), 1)))
    rest = np.tile(wavelength, (len(x), 1))
    warp = np.zeros((len(x), 5))
    for _ in range(12):
        m = synthetic_magnitudes(raw * bend(rest, warp), zero_point="sdss")
        warp += 0.9 * (target - (m - m[:, 2:3]))
    return g_i, feh, warp.reshape(len(g_i), len(feh), 5)


def _warp(g_i: Floats, feh: Floats) -> Floats:
    from scipy.interpolate import RegularGridInterpolator

    x, metal, warp = _warp_grid()
    points = np.stack([np.clip(g_i, x[0], x[-1]), np.clip(feh, metal[0], metal[-1])], axis=-1)
    return np.asarray(RegularGridInterpolator((x, metal), warp)(points))
