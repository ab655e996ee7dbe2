"""Galaxies: a luminosity function through volume and K-correction, two sequences of colour, sizes and shapes.

The luminosity function is that of Loveday et al. (2012) in the r band at z = 0.1, the sequences are those of Smith et
al. (2017) in g-r at z = 0.1. A magnitude-limited draw follows
from them, the comoving volume (flat, Omega_m = 0.3) and the templates' K-corrections; nothing is fitted.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.light.galaxy_seds import TYPES, galaxy_seds
from asterism.simulate.light.nuclear_lines import draw_nuclei
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.objects.population import Population
from asterism.simulate.objects.selection import Sample

__all__ = [
    "blue_fraction",
    "colour_sequence",
    "comoving_weight",
    "distance_modulus",
    "fill",
    "kiloparsec_per_arcsec",
    "size_early",
    "size_late",
]

Floats = npt.NDArray[np.float64]

_HUBBLE = 70.0  # km/s/Mpc
_MATTER = 0.3
_LIGHT = 299792.458  # km/s
_REFERENCE = 0.1
_MAGNITUDES = np.arange(-24.0, -14.0, 0.25) + 0.125  # 0.1r - 5 log h
_LOWEST, _HIGHEST = constant("galaxy_redshifts")
_REDSHIFTS: Floats = np.arange(_LOWEST, _HIGHEST, 0.01) + 0.005
_TYPE_GRID = np.linspace(0.0, 3.0, 13)
_G_R_OF_TILT = float(np.log(6166.0 / 4686.0) / np.log(7480.0 / 4686.0))  # a tilt is given from g to i
_LITTLE_H = 5.0 * np.log10(_HUBBLE / 100.0)


@cache
def _distances() -> tuple[Floats, Floats]:
    """Redshifts and comoving distances (Mpc) of the flat cosmology."""
    z = np.linspace(0.0, 6.0, 6001)
    inverse = 1.0 / np.sqrt(_MATTER * (1.0 + z) ** 3 + 1.0 - _MATTER)
    steps = 0.5 * (inverse[1:] + inverse[:-1]) * np.diff(z)
    return z, np.concatenate([[0.0], np.cumsum(steps)]) * _LIGHT / _HUBBLE


def distance_modulus(redshift: npt.ArrayLike) -> Floats:
    """m - M (mag) of the luminosity distance; flat, H0 = 70 km/s/Mpc, Omega_m = 0.3.

    Examples
    --------
    >>> round(float(distance_modulus(0.1)), 2)
    38.32
    """
    z = np.asarray(redshift, dtype=np.float64)
    return np.asarray(5.0 * np.log10(np.interp(z, *_distances()) * (1.0 + z)) + 25.0)


def kiloparsec_per_arcsec(redshift: npt.ArrayLike) -> Floats:
    """Proper size of one arcsecond, kpc."""
    z = np.asarray(redshift, dtype=np.float64)
    return np.asarray(np.interp(z, *_distances()) / (1.0 + z) * 1e3 * np.pi / 648000.0)


def comoving_weight(redshift: Floats) -> Floats:
    """dV/dz up to a factor: D^2 / E(z)."""
    comoving = np.interp(redshift, *_distances())
    return np.asarray(comoving**2 / np.sqrt(_MATTER * (1.0 + redshift) ** 3 + 1.0 - _MATTER))


@cache
def _k_corrections() -> Floats:
    """r = M(0.1r) + DM + K: K (type, redshift) from the templates, mag."""
    wavelength = grid_wavelength()
    z = np.concatenate([[_REFERENCE], _REDSHIFTS])
    rows = []
    for kind in _TYPE_GRID:
        n = np.full(len(z), kind)
        # f_lambda(observed) of a source of fixed luminosity is L(rest)/(1+z) at equal luminosity distance.
        seds = galaxy_seds(n, np.zeros(len(z)), z, wavelength) / (1.0 + z)[:, None]
        r = synthetic_magnitudes(seds)[:, 2]
        rows.append(r[1:] - r[0] - 2.5 * np.log10(1.0 + _REFERENCE))
    return np.stack(rows)


def _k_correction(galaxy_type: Floats, redshift: Floats) -> Floats:
    from scipy.interpolate import RegularGridInterpolator

    points = np.stack([np.clip(galaxy_type, 0, 3), np.clip(redshift, _REDSHIFTS[0], _REDSHIFTS[-1])], axis=-1)
    return np.asarray(RegularGridInterpolator((_TYPE_GRID, _REDSHIFTS), _k_corrections())(points))


def _density() -> Floats:
    """Galaxies per magnitude and redshift (magnitude, redshift): a Schechter function that evolves with Q and P."""
    m_star, alpha, phi_star, q, p = constant("galaxy_luminosity_function")
    z = np.minimum(_REDSHIFTS, constant("evolution_limit"))
    bright = m_star - q * (z - _REFERENCE)
    phi = phi_star * 10.0 ** (0.4 * p * (z - _REFERENCE))
    x = 10.0 ** (0.4 * (bright[None, :] - _MAGNITUDES[:, None]))
    return phi * x ** (alpha + 1.0) * np.exp(-x) * comoving_weight(_REDSHIFTS)


def blue_fraction(magnitude: Floats, redshift: Floats) -> Floats:
    """Share of the blue sequence at M (0.1r - 5 log h) and redshift: Smith et al. (2017), after Skibba & Sheth (2009)."""
    at_20, per_mag = constant("blue_fraction")
    slope, offset, per_z, per_z2, least = constant("blue_fraction_faint")
    later = np.minimum(redshift, constant("evolution_limit")) - _REFERENCE
    faint = slope * magnitude + np.clip(offset + (per_z + per_z2 * later) * later, least, 10.0)
    return np.clip(np.maximum(faint, at_20 + per_mag * (magnitude + 20.0)), 0.0, 1.0)


def colour_sequence(late: npt.NDArray[np.bool_], magnitude: Floats, redshift: Floats) -> tuple[Floats, Floats]:
    """Mean and scatter of g-r at z = 0.1 of the red and the blue sequence: Smith et al. (2017).

    Parameters
    ----------
    late : ndarray of bool, shape (n,)
        Blue sequence.
    magnitude : ndarray, shape (n,)
        0.1r - 5 log h.
    redshift : ndarray, shape (n,)
        Redshifts.

    Returns
    -------
    two arrays of shape (n,)
        mag.
    """
    bright = magnitude + 20.0
    later = np.clip(redshift, _REFERENCE, constant("sequence_limit")) - _REFERENCE
    at_20, per_mag, per_z = constant("red_sequence")
    red = at_20 + per_mag * bright + per_z * later
    w0, w1, w2, w3 = constant("red_sequence_width")
    red_width = w0 + w1 * bright + (w2 + w3 * later) * later
    at_20, per_mag, per_z = constant("blue_sequence")
    at_16, per_faint = constant("blue_sequence_faint")
    # A soft maximum of the two straight lines.
    ends = 9.0 * np.stack([at_20 + per_mag * bright, at_16 + per_faint * (magnitude + 16.0)])
    blue = np.log10((10.0**ends).sum(axis=0)) / 9.0 + per_z * later
    w0, w1, most, w3 = constant("blue_sequence_width")
    blue_width = np.clip(w0 + w1 * bright, 0.0, most) + w3 * later
    return np.where(late, blue, red), np.maximum(np.where(late, blue_width, red_width), 0.02)


@cache
def _weights(sample: Sample) -> Floats:
    """Share of each cell (sequence, magnitude, redshift) in a sample, flat and cumulative."""
    low, high = sample.redshifts or (0.0, 10.0)
    inside = (low <= _REDSHIFTS) & (high >= _REDSHIFTS)
    blue = blue_fraction(_MAGNITUDES[:, None], _REDSHIFTS[None, :])
    cells = []
    for share, kind, other in ((1.0 - blue, 0, "blue-galaxy"), (blue, 1, "red-galaxy")):
        typical = constant("typical_type")[kind]
        k = _k_correction(np.full(len(_REDSHIFTS), typical), _REDSHIFTS)
        r = _MAGNITUDES[:, None] + _LITTLE_H + (distance_modulus(_REDSHIFTS) + k)[None, :]
        cells.append(_density() * share * sample.window.weight(r) * inside * (sample.kind != other))
    flat = np.cumsum(np.stack(cells).ravel())
    return flat / flat[-1]


def size_late(magnitude: Floats) -> tuple[Floats, Floats]:
    """Median half-light radius (kpc) and its scatter in ln of late types: Shen et al. (2003), equations 15 and 16."""
    alpha, beta, gamma, m0, sigma1, sigma2 = constant("late_size")
    log_r = -0.4 * alpha * magnitude + (beta - alpha) * np.log10(1.0 + 10.0 ** (-0.4 * (magnitude - m0))) + gamma
    return 10.0**log_r, sigma2 + (sigma1 - sigma2) / (1.0 + 10.0 ** (-0.8 * (magnitude - m0)))


def size_early(magnitude: Floats) -> tuple[Floats, Floats]:
    """The same of early types: Shen et al. (2003), equation 14."""
    a, b, m0, sigma1, sigma2 = constant("early_size")
    scatter = sigma2 + (sigma1 - sigma2) / (1.0 + 10.0 ** (-0.8 * (magnitude - m0)))
    return 10.0 ** (-0.4 * a * magnitude + b), scatter


@cache
def _reference_colours() -> tuple[Floats, float]:
    """g-r at z = 0.1 of `_TYPE_GRID`, and what a unit of E(B-V) adds."""
    wavelength = grid_wavelength()
    n = len(_TYPE_GRID)
    rows = []
    for dust in (0.0, 0.2):
        m = synthetic_magnitudes(galaxy_seds(_TYPE_GRID, np.full(n, dust), np.full(n, _REFERENCE), wavelength))
        rows.append(m[:, 1] - m[:, 2])
    return rows[0], float(np.mean(rows[1] - rows[0]) / 0.2)


def fill(rng: np.random.Generator, galaxies: Population, sample: Sample) -> None:
    """Give galaxies their parameters, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    galaxies : Population
        Objects with their place on the sky.
    sample : Sample
        Of kind ``galaxy``, ``red-galaxy`` or ``blue-galaxy``.
    """
    n = len(galaxies)
    shape = (2, len(_MAGNITUDES), len(_REDSHIFTS))
    kind, row, column = np.unravel_index(np.searchsorted(_weights(sample), rng.random(n)), shape)
    late = kind == 1
    m = _MAGNITUDES[row] + rng.uniform(-0.125, 0.125, n)
    z = np.maximum(_REDSHIFTS[column] + rng.uniform(-0.005, 0.005, n), _LOWEST)
    mean, width = colour_sequence(late, m, z)
    # What the red sequence is bluer in the past is age, which bends the continuum; it brings no young stars with their
    # ultraviolet, as another type would.
    younger = np.where(late, 0.0, mean - colour_sequence(late, m, np.full(n, _REFERENCE))[0])
    wanted = mean - younger + width * rng.standard_normal(n)
    dust = rng.exponential(constant("galaxy_dust"), n) * np.where(late, 1.0, constant("red_dust"))
    colours, per_dust = _reference_colours()
    without = wanted - per_dust * dust
    galaxies.galaxy_type[:] = np.interp(-without, -colours, _TYPE_GRID)
    # What is redder than the reddest template is reddened, what is bluer than the bluest has less dust.
    galaxies.dust[:] = np.maximum(dust + (without - np.clip(without, colours[-1], colours[0])) / per_dust, 0.0)
    galaxies.tilt[:] = younger / _G_R_OF_TILT + constant("galaxy_tilt") * rng.standard_normal(n)
    galaxies.redshift[:] = z
    galaxies.absolute_magnitude[:] = m
    galaxies.r_mag[:] = m + _LITTLE_H + distance_modulus(z) + _k_correction(galaxies.galaxy_type, z)
    _shapes(rng, galaxies, ~late)
    nearest = np.clip(np.rint(galaxies.galaxy_type).astype(np.intp), 0, len(TYPES) - 1)
    galaxies.agn[:], galaxies.agn_seyfert[:] = draw_nuclei(rng, galaxies.galaxy_type)
    galaxies.subclass[:] = np.where(galaxies.agn > 0, "AGN", np.array(TYPES)[nearest])


def _shapes(rng: np.random.Generator, galaxies: Population, early: npt.NDArray[np.bool_]) -> None:
    n = len(galaxies)
    early_evolution, late_evolution = constant("size_evolution")
    evolved = (1.0 + galaxies.redshift) / (1.0 + constant("size_pivot"))
    # Shen et al. use h = 0.7, the luminosity functions magnitudes with h = 1.
    magnitude = galaxies.absolute_magnitude + _LITTLE_H
    early_size, early_scatter = size_early(magnitude)
    late_size, late_scatter = size_late(magnitude)
    size = np.where(early, early_size * evolved**early_evolution, late_size * evolved**late_evolution)
    scatter = np.where(early, early_scatter, late_scatter)
    galaxies.half_light_radius[:] = (
        size * np.exp(scatter * rng.standard_normal(n)) / kiloparsec_per_arcsec(galaxies.redshift)
    )
    # B/T: spheroids with a faint disc, discs with a small bulge that grows with luminosity (Simard et al. 2011).
    disc_bulge = np.clip(0.15 - 0.08 * (galaxies.absolute_magnitude + 20.0), 0.0, 0.4)
    galaxies.bulge_fraction[:] = np.where(early, rng.beta(6.0, 2.0, n), disc_bulge * 2.0 * rng.beta(2.0, 2.0, n))
    mean, width = constant("spheroid_axis_ratio")
    spheroid = np.clip(mean + width * rng.standard_normal(n), 0.35, 1.0)
    cosine = rng.uniform(0.0, 1.0, n)
    thickness = constant("disc_thickness")
    disc = np.sqrt(thickness**2 + (1.0 - thickness**2) * cosine**2)
    galaxies.bulge_axis_ratio[:] = spheroid
    galaxies.disc_axis_ratio[:] = np.where(early, spheroid, disc)
    galaxies.position_angle[:] = rng.uniform(0.0, 180.0, n)
