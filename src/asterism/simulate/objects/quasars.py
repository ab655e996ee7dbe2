"""Quasars: a luminosity function through volume and K-correction, with their own continua, lines and dust."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.quasar_seds import quasar_seds
from asterism.simulate.objects.galaxies import comoving_weight, distance_modulus
from asterism.simulate.objects.population import Population
from asterism.simulate.objects.selection import Sample

__all__ = ["fill", "host_fraction", "luminosity_function", "mean_colours"]

Floats = npt.NDArray[np.float64]

_MAGNITUDES = np.arange(-29.5, -20.5, 0.25) + 0.125  # M_i at z = 2
_LOWEST, _HIGHEST = constant("quasar_redshifts")
_REDSHIFTS: Floats = np.arange(_LOWEST, _HIGHEST, 0.02) + 0.01
_REFERENCE = 2.0


def luminosity_function(magnitude: Floats, redshift: Floats) -> Floats:
    """Quasars per Mpc^3 and magnitude of M_i (z = 2): Ross et al. (2013), equations 6 to 11.

    Pure luminosity evolution below z = 2.2, luminosity and density evolution above.

    Parameters
    ----------
    magnitude, redshift : ndarray
        Broadcast against each other.

    Returns
    -------
    ndarray
    """
    m0, alpha, beta, log_phi, k1, k2 = constant("quasar_ple")
    low = np.minimum(redshift, 2.2)
    bright = m0 - 2.5 * (k1 * low + k2 * low**2)
    m1, alpha_high, beta_high, log_phi_high, c1, c2 = constant("quasar_lede")
    beyond = redshift >= 2.2
    knee = np.where(beyond, m1 + c2 * (redshift - 2.2), bright)
    norm = 10.0 ** np.where(beyond, log_phi_high + c1 * (redshift - 2.2), log_phi)
    faint_slope, bright_slope = np.where(beyond, alpha_high, alpha), np.where(beyond, beta_high, beta)
    x = magnitude - knee
    return np.asarray(norm / (10.0 ** (0.4 * (faint_slope + 1.0) * x) + 10.0 ** (0.4 * (bright_slope + 1.0) * x)))


@cache
def _magnitude_terms() -> tuple[Floats, Floats]:
    """K-correction of i relative to z = 2 and r - i, of the mean quasar at each redshift."""
    z = np.concatenate([[_REFERENCE], _REDSHIFTS])
    one = np.ones(len(z))
    seds = quasar_seds(one * constant("quasar_slope")[0], one, 0.0 * one, one, z, grid_wavelength())
    # quasar_seds gives a shape in rest wavelength: equal luminosity needs f_lambda / (1 + z).
    m = synthetic_magnitudes(seds / (1.0 + z)[:, None])
    return m[1:, 3] - m[0, 3], m[1:, 2] - m[1:, 3]


def mean_colours() -> tuple[Floats, Floats]:
    """Redshifts (k,) and ugriz colours (k, 4), SDSS system, of the mean quasar without dust."""
    one = np.ones(len(_REDSHIFTS))
    seds = quasar_seds(one * constant("quasar_slope")[0], one, 0.0 * one, one, _REDSHIFTS, grid_wavelength())
    m = synthetic_magnitudes(seds, zero_point="sdss")
    return _REDSHIFTS, m[:, :-1] - m[:, 1:]


def host_fraction(magnitude: Floats) -> Floats:
    """Median share of the host in the light at 5100 Å at rest: Shen et al. (2011, ApJS 194, 45), equation 1.

    Parameters
    ----------
    magnitude : ndarray
        M_i (z = 2) of the quasar.

    Returns
    -------
    ndarray
        In [0, 1); 0 above log L5100 = 45.053 erg/s, where hosts were not seen.

    Examples
    --------
    >>> [round(float(h), 2) for h in host_fraction(np.array([-22.0, -24.0, -27.0]))]
    [0.48, 0.14, 0.0]
    """
    # Richards et al. (2006, AJ 131, 2766), equation 4: L_nu at 2500 Å of M_i (z = 2); alpha_nu = -0.5 to 5100 Å.
    at_2500 = -0.4 * (magnitude + 48.6 + 2.5 * np.log10(3.0)) + np.log10(4.0 * np.pi) + 2.0 * np.log10(3.0857e19)
    x = at_2500 + np.log10(2.99792458e18 / 2500.0) - 0.5 * np.log10(5100.0 / 2500.0) - 44.0
    c0, c1, c2, c3 = constant("quasar_host")
    ratio = np.where(x < 1.053, np.polynomial.polynomial.polyval(np.clip(x, -1.0, 1.053), (c0, c1, c2, c3)), 0.0)
    return np.asarray(np.maximum(ratio, 0.0) / (1.0 + np.maximum(ratio, 0.0)))


@cache
def _weights(sample: Sample) -> Floats:
    k, r_i = _magnitude_terms()
    r = _MAGNITUDES[:, None] + (distance_modulus(_REDSHIFTS) + k + r_i)[None, :]
    low, high = sample.redshifts or (0.0, 10.0)
    inside = (low <= _REDSHIFTS) & (high >= _REDSHIFTS)
    cells = luminosity_function(_MAGNITUDES[:, None], _REDSHIFTS[None, :]) * comoving_weight(_REDSHIFTS)
    # Bright nuclei are quasars, faint ones in near galaxies Seyferts: the border is DR7's (Schneider et al. 2010).
    faint = _MAGNITUDES[:, None] > constant("seyfert_limit")
    taken = faint if sample.kind == "seyfert" else ~faint
    flat = np.cumsum((cells * sample.window.weight(r) * inside * taken).ravel())
    return flat / flat[-1]


def fill(rng: np.random.Generator, quasars: Population, sample: Sample) -> None:
    """Give quasars and Seyfert galaxies their parameters, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    quasars : Population
        Objects with their place on the sky.
    sample : Sample
        Of kind ``quasar`` or ``seyfert`` (faint nuclei, chosen as galaxies).
    """
    n = len(quasars)
    cell = np.searchsorted(_weights(sample), rng.random(n))
    row, column = np.unravel_index(cell, (len(_MAGNITUDES), len(_REDSHIFTS)))
    k, r_i = _magnitude_terms()
    quasars.redshift[:] = _REDSHIFTS[column] + rng.uniform(-0.01, 0.01, n)
    quasars.absolute_magnitude[:] = _MAGNITUDES[row] + rng.uniform(-0.125, 0.125, n)
    terms = np.interp(quasars.redshift, _REDSHIFTS, k + r_i)
    quasars.r_mag[:] = quasars.absolute_magnitude + distance_modulus(quasars.redshift) + terms
    mean, scatter = constant("quasar_slope")
    quasars.slope[:] = rng.normal(mean, scatter, n)
    # Baldwin effect: lines weaken as the continuum brightens; 1 at the knee of the luminosity function, M_i = -26.
    luminosity = -0.4 * (quasars.absolute_magnitude + 26.0)
    strength = constant("baldwin_slope") * luminosity + constant("quasar_line_scatter") * rng.standard_normal(n)
    quasars.line_strength[:] = 10.0**strength
    quasars.dust[:] = rng.exponential(constant("quasar_dust"), n)
    quasars.igm[:] = np.maximum(1.0 + constant("igm_scatter") * rng.standard_normal(n), 0.3)
    quasars.tilt[:] = 0.0
    quasars.subclass[:] = "BROADLINE"
    ratio = host_fraction(quasars.absolute_magnitude)
    ratio = ratio / (1.0 - ratio) * 10.0 ** (constant("quasar_host_scatter") * rng.standard_normal(n))
    quasars.host_fraction[:] = ratio / (1.0 + ratio)
    # Hosts from massive red to star-forming: Matsuoka et al. (2014, ApJ 780, 162) find them between the sequences.
    mean, scatter = constant("quasar_host_type")
    quasars.galaxy_type[:] = np.clip(rng.normal(mean, scatter, n), 0.0, 3.0)
