"""Quasars: a luminosity function through volume and K-correction, with their own continua, lines and dust."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.galaxies import comoving_weight, distance_modulus
from asterism.simulate.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.population import Population
from asterism.simulate.quasar_seds import quasar_seds
from asterism.simulate.selection import Sample

__all__ = ["fill", "luminosity_function"]

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


@cache
def _weights(sample: Sample) -> Floats:
    k, r_i = _magnitude_terms()
    r = _MAGNITUDES[:, None] + (distance_modulus(_REDSHIFTS) + k + r_i)[None, :]
    low, high = sample.redshifts or (0.0, 10.0)
    inside = (low <= _REDSHIFTS) & (high >= _REDSHIFTS)
    cells = luminosity_function(_MAGNITUDES[:, None], _REDSHIFTS[None, :]) * comoving_weight(_REDSHIFTS)
    flat = np.cumsum((cells * sample.window.weight(r) * inside).ravel())
    return flat / flat[-1]


def fill(rng: np.random.Generator, quasars: Population, sample: Sample) -> None:
    """Give quasars their parameters, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    quasars : Population
        Objects with their place on the sky.
    sample : Sample
        Of kind ``quasar``.
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
