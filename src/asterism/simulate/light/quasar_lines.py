"""Emission lines of quasars and the many lines of iron between them.

Lines are those of Vanden Berk et al. (2001, AJ 122, 549), table 2: vacuum wavelength as observed in the composite, rest
equivalent width and Gaussian width; the blend of Lyman alpha and N V, which the table does not part, is parted here.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.sampling import gaussian_means
from asterism.surveys.formats.wavelength import air_to_vacuum

__all__ = ["LINES", "iron_excess", "line_excess"]

Floats = npt.NDArray[np.float64]

LINES: tuple[tuple[str, float, float, float, bool], ...] = (
    ("Ly beta + O VI", 1033.0, 9.77, 7.76, True),
    ("Ly alpha", 1215.67, 72.0, 14.0, True),
    ("N V", 1240.14, 22.0, 13.0, True),
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
    ("[S II]", 6718.85, 1.65, 2.09, False),
    ("[S II]", 6733.72, 1.49, 2.54, False),
    ("H alpha", 6564.93, 194.52, 47.39, True),
)
"""Name, wavelength (Å), equivalent width (Å), Gaussian width (Å), broad or not."""

# A broad line is more peaked than a Gaussian: shares and widths (of the Gaussian's) of a core, a middle and wings that leave
# the equivalent width and nearly the second moment (1.08); near the logarithmic profiles of Blumenthal & Mathews 1975, ApJ
# 198, 517.
_CORE_AND_WINGS = ((0.28, 0.35), (0.40, 0.85), (0.32, 1.55))
# Narrow lines of one object are narrower than those of a composite, which adds redshift errors (choice: 200 km/s).
_NARROW = 200.0 / 299792.458

# Iron: equivalent width (Å) of a group, width of its lines (km/s FWHM), lines in air (Å) with relative strengths. Optical:
# multiplets 37, 38 and 42, 48, 49 of Boroson & Green 1992, ApJS 80, 109, strengths after Phillips 1978, ApJ 226, 736.
# Ultraviolet: multiplets UV 1 to 3, 33, 60 to 64, 78 of Vestergaard & Wilkes 2001, ApJS 134, 1. Widths of the groups are
# those of the humps in figure 6 of Vanden Berk et al. (2001).
_IRON: tuple[tuple[float, float, tuple[tuple[float, float], ...]], ...] = (
    (
        23.0,
        2500.0,
        ((4489.2, 3), (4491.4, 3), (4508.3, 6), (4515.3, 6), (4520.2, 5), (4522.6, 8), (4541.5, 3), (4549.5, 12),
         (4555.9, 6), (4576.3, 4), (4583.8, 12), (4620.5, 3), (4629.3, 8), (4666.8, 3)),
    ),
    (
        37.0,
        2500.0,
        ((4923.9, 8), (5018.4, 10), (5169.0, 12), (5197.6, 10), (5234.6, 11), (5264.8, 5), (5276.0, 12), (5284.1, 5),
         (5316.6, 14), (5325.6, 5), (5337.7, 3), (5362.9, 8), (5414.1, 4), (5425.3, 4), (5534.8, 4)),
    ),
    (
        65.0,
        5000.0,
        ((2209, 3), (2250, 4), (2280, 4), (2332, 8), (2344, 9), (2360, 8), (2365, 8), (2382, 11), (2396, 11), (2405, 9),
         (2411, 9), (2430, 6), (2460, 8), (2481, 9), (2493, 10), (2507, 10), (2530, 8), (2550, 7), (2563, 9), (2586, 8),
         (2599, 10), (2612, 9), (2626, 8), (2632, 5)),
    ),
    (
        14.0,
        5000.0,
        ((2715, 4), (2740, 8), (2747, 8), (2756, 6), (2835, 3), (2860, 3), (2885, 4), (2917, 4), (2927, 5), (2954, 6),
         (2970, 6), (2985, 5), (3003, 4)),
    ),
)  # fmt: skip
# What has no structure at these widths: centre (Å), width (Å), height against the continuum, read off figure 6 of Vanden
# Berk et al. (2001): Fe II and Fe III about 1750 and 2080 Å, iron and the Balmer continuum from 2900 to 3700 Å.
_HUMPS = ((1750.0, 110.0, 0.14), (2080.0, 90.0, 0.08), (3050.0, 250.0, 0.13), (3550.0, 250.0, 0.20))


def line_excess(line_strength: Floats, widths: Floats, narrow: Floats, edges: Floats) -> Floats:
    """Emission lines over the continuum.

    Parameters
    ----------
    line_strength : ndarray, shape (n,)
        Factor of the broad lines' equivalent widths.
    widths : ndarray, shape (n,)
        Factor of the broad lines' velocities.
    narrow : ndarray, shape (n,)
        Factor of the narrow lines' equivalent widths.
    edges : ndarray, shape (n, m + 1)
        Edges of the pixels at rest, Å.

    Returns
    -------
    ndarray, shape (n, m)
        Means over pixels; summed over wavelength the equivalent widths.
    """
    excess = np.zeros((len(edges), edges.shape[1] - 1))
    for row, edge in enumerate(edges):
        for _, centre, width, sigma, broad in LINES:
            if broad:
                parts = [
                    (line_strength[row] * share, sigma * widths[row] * factor) for share, factor in _CORE_AND_WINGS
                ]
            else:
                parts = [(narrow[row], _NARROW * centre)]
            for share, spread in parts:
                first, last = np.searchsorted(edge, (centre - 6.0 * spread, centre + 6.0 * spread))
                first, last = max(int(first) - 1, 0), min(int(last), len(edge) - 1)
                if last > first:
                    excess[row, first:last] += width * share * gaussian_means(edge[first : last + 1], centre, spread)
    return excess


@cache
def _iron_template() -> tuple[Floats, Floats]:
    """Wavelengths (Å) and excess of iron and the Balmer continuum over the continuum."""
    grid = 10.0 ** np.arange(3.1, 3.8, 1e-4)
    excess = np.zeros_like(grid)
    for total, velocity, lines in _IRON:
        weights = sum(strength for _, strength in lines)
        for air, strength in lines:
            centre = float(air_to_vacuum(air))
            sigma = centre * velocity / 2.355 / 299792.458
            profile = np.exp(-0.5 * ((grid - centre) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
            excess += total * strength / weights * profile
    for centre, sigma, height in _HUMPS:
        excess += height * np.exp(-0.5 * ((grid - centre) / sigma) ** 2)
    return grid, excess


def iron_excess(rest: Floats) -> Floats:
    """Iron's pseudo-continuum and the Balmer continuum over the continuum, for line strength 1, at wavelengths (Å)."""
    grid, excess = _iron_template()
    return np.interp(rest, grid, excess, left=0.0, right=0.0)
