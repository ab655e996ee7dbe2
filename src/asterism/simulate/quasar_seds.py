"""Spectra of quasars: a broken power law, emission lines, iron, Balmer continuum, dust, and what lies between.

Lines are those of Vanden Berk et al. (2001, AJ 122, 549), table 2: vacuum wavelength as observed in the composite, rest
equivalent width and Gaussian width. The intergalactic medium absorbs as Madau (1995, ApJ 441, 18) has it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant

__all__ = ["LINES", "QUASAR_RANGE", "intergalactic_transmission", "quasar_seds"]

Floats = npt.NDArray[np.float64]

QUASAR_RANGE = (400.0, 12000.0)
"""Wavelengths at rest (Å) that the model is used for."""

LINES: tuple[tuple[str, float, float, float, bool], ...] = (
    ("Ly beta + O VI", 1033.0, 9.77, 7.76, True),
    ("Ly alpha + N V", 1216.25, 92.91, 19.46, True),
    ("N V", 1239.85, 1.11, 2.71, True),
    ("O I", 1305.42, 1.66, 5.42, True),
    ("C II", 1336.60, 0.69, 3.86, True),
    ("Si IV + O IV]", 1396.76, 8.13, 14.39, True),
    ("C IV", 1546.15, 23.78, 14.33, True),
    ("He II", 1637.85, 0.51, 3.94, True),
    ("O III]", 1664.74, 0.43, 3.73, True),
    ("Al III", 1856.76, 0.31, 4.95, True),
    ("C III]", 1905.97, 21.19, 23.58, True),
    ("Fe III", 2076.62, 1.58, 18.99, True),
    ("C II]", 2324.73, 2.02, 22.16, True),
    ("Mg II", 2800.26, 32.28, 34.95, True),
    ("[Ne V]", 3426.84, 1.22, 4.10, False),
    ("[O II]", 3729.66, 1.56, 3.32, False),
    ("[Ne III]", 3869.77, 1.38, 5.31, False),
    ("H delta", 4102.73, 5.05, 18.62, True),
    ("H gamma", 4346.42, 12.62, 20.32, True),
    ("H beta", 4853.13, 46.21, 40.44, True),
    ("[O III]", 4960.36, 3.50, 3.85, False),
    ("[O III]", 5008.22, 13.23, 6.04, False),
    ("He I", 5877.41, 4.94, 23.45, True),
    ("H alpha", 6564.93, 194.52, 47.39, True),
)
"""Name, wavelength (Å), equivalent width (Å), Gaussian width (Å), broad or not."""

# Iron and the Balmer continuum as humps on the power law, read off figure 6 of Vanden Berk et al. (2001): centre (Å),
# width (Å), height against the continuum.
_HUMPS = np.array(
    [
        [1750.0, 110.0, 0.14],
        [2080.0, 90.0, 0.08],
        [2480.0, 130.0, 0.20],
        [3050.0, 250.0, 0.15],
        [3550.0, 250.0, 0.20],
        [4570.0, 65.0, 0.14],
        [5280.0, 95.0, 0.14],
    ]
)
# Wavelength (Å) and coefficient A_j of the Lyman lines: tau = A_j (observed / line)^3.46 (Madau 1995, equation 12).
_LYMAN = ((1215.67, 0.0036), (1025.72, 1.7e-3), (972.54, 1.2e-3), (949.74, 9.3e-4))
_LYMAN_LIMIT = 911.75


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
    depth = np.zeros((len(redshift), len(wavelength)))
    for line, coefficient in _LYMAN:
        depth += np.where(wavelength[None, :] < line * one_z, coefficient * (wavelength[None, :] / line) ** 3.46, 0.0)
    depth += np.where(wavelength[None, :] < 1215.67 * one_z, 0.0017 * (wavelength[None, :] / 1215.67) ** 1.68, 0.0)
    x = wavelength[None, :] / _LYMAN_LIMIT
    xc = np.minimum(x, one_z)
    limit = (
        0.25 * xc**3 * (one_z**0.46 - xc**0.46)
        + 9.4 * xc**1.5 * (one_z**0.18 - xc**0.18)
        - 0.7 * xc**3 * (xc**-1.32 - one_z**-1.32)
        - 0.023 * (one_z**1.68 - xc**1.68)
    )
    depth += np.where(x < one_z, np.maximum(limit, 0.0), 0.0)
    return np.exp(-strength[:, None] * depth)


def quasar_seds(
    slope: Floats, line_strength: Floats, dust: Floats, igm: Floats, redshift: Floats, wavelength: Floats
) -> Floats:
    """Flux densities of quasars as observed.

    Parameters
    ----------
    slope : ndarray, shape (n,)
        alpha_nu of the continuum bluewards of 4860 Å at rest.
    line_strength : ndarray, shape (n,)
        Factor of the broad lines' equivalent widths.
    dust : ndarray, shape (n,)
        E(B-V) of the quasar's own, SMC-like dust, mag.
    igm : ndarray, shape (n,)
        Factor of the intergalactic depth.
    redshift : ndarray, shape (n,)
        Redshifts.
    wavelength : ndarray, shape (m,)
        Observed, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, arbitrary scale.
    """
    rest = wavelength[None, :] / (1.0 + redshift[:, None])
    knee, red_slope = constant("quasar_break")
    blue_slope = -(slope[:, None] + 2.0)
    # Redwards of the knee the composite flattens; a bluer quasar stays bluer there too.
    red = red_slope + 0.5 * (blue_slope + 2.0 + constant("quasar_slope")[0])
    continuum = (rest / knee) ** np.where(rest < knee, blue_slope, red)
    # Far bluewards the continuum turns over (Telfer et al. 2002, ApJ 565, 773: alpha_nu = -1.76 below 1200 Å).
    continuum *= np.where(rest < 1200.0, (rest / 1200.0) ** (1.76 + slope[:, None]), 1.0)
    excess = np.ones_like(rest)
    for _, centre, width, sigma, broad in LINES:
        factor = line_strength[:, None] if broad else 1.0
        profile = np.exp(-0.5 * ((rest - centre) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
        excess += factor * width * profile
    for centre, sigma, height in _HUMPS:
        excess += line_strength[:, None] * height * np.exp(-0.5 * ((rest - centre) / sigma) ** 2)
    # SMC-like dust, A = 1.39 (lambda/micron)^-1.2 E(B-V) (Prévot et al. 1984, A&A 132, 389).
    attenuation = 10.0 ** (-0.4 * dust[:, None] * 1.39 * (rest * 1e-4) ** -1.2)
    return continuum * excess * attenuation * intergalactic_transmission(wavelength, redshift, igm)
