"""What broad-band templates of galaxies do not show: stars' absorption lines, and the emission lines of their gas.

Absorption is that of a mixture of stars by type, smoothed by the stars' velocities; only what is narrower than the
template's own sampling is taken, so that the template's colours stay. Emission lines have the equivalent widths of their
type: [O II], H beta and [O III] are those in the templates of Coleman, Wu & Weedman (1980) themselves, where they stand
as humps of 40 Å; others follow by the ratios of H II regions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.sampling import gaussian_means, pixel_edges
from asterism.simulate.light.stellar_continuum import planck
from asterism.simulate.light.stellar_features import star_residual
from asterism.surveys.formats.wavelength import air_to_vacuum

__all__ = ["EMISSION_LINES", "STELLAR_VELOCITIES", "absorption_detail", "emission_excess", "line_profiles"]

Floats = npt.NDArray[np.float64]

_LIGHT = 299792.458  # km/s
# Stars that make the light of each type: Teff (K), log g; shares at 5500 Å of E, Sbc, Scd, Im. Choice: K giants and turn-off stars
# in old populations, B to F stars in young ones (Gray & Corbally 2009; Bruzual & Charlot 2003, MNRAS 344, 1000).
_STARS = (
    (4500.0, 2.3, (0.65, 0.40, 0.22, 0.08)),
    (5600.0, 4.0, (0.35, 0.28, 0.20, 0.15)),
    (6700.0, 4.2, (0.00, 0.17, 0.23, 0.20)),
    (8700.0, 4.0, (0.00, 0.10, 0.20, 0.27)),
    (16000.0, 4.0, (0.00, 0.05, 0.15, 0.30)),
)
STELLAR_VELOCITIES = (220.0, 150.0, 100.0, 60.0)
"""km/s, dispersion of the stars by type: Bernardi et al. 2003, AJ 125, 1817 (early); choice: decreasing to late types."""
_GAS_VELOCITIES = (170.0, 110.0, 90.0, 60.0)
"""km/s, dispersion of the gas: choice, rotation within a fibre, less than the stars'."""
_TEMPLATE_SMOOTHING = 28.0  # Å, sigma: the templates' sampling of 40 Å

EMISSION_LINES: tuple[tuple[str, float, tuple[float, float, float, float], int], ...] = (
    # name, air (Å), equivalent width (Å) in E, Sbc, Scd, Im, which scatter it follows (0 star formation, 1 also ionisation)
    ("[O II]", 3726.03, (0.85, 3.0, 7.4, 19.8), 0),
    ("[O II]", 3728.82, (1.15, 4.0, 10.1, 26.8), 0),
    ("[Ne III]", 3868.76, (0.05, 0.2, 0.8, 4.0), 1),
    ("H8", 3889.06, (0.0, 0.2, 0.5, 1.6), 0),
    ("H epsilon", 3970.08, (0.0, 0.3, 0.8, 2.3), 0),
    ("H delta", 4101.73, (0.05, 0.5, 1.4, 3.5), 0),
    ("H gamma", 4340.46, (0.1, 1.0, 2.6, 6.4), 0),
    ("[O III]", 4363.21, (0.0, 0.0, 0.1, 0.6), 1),
    ("H beta", 4861.33, (0.2, 2.4, 6.0, 14.0), 0),
    ("[O III]", 4958.91, (0.12, 0.55, 2.9, 13.8), 1),
    ("[O III]", 5006.84, (0.38, 1.65, 8.8, 41.6), 1),
    ("He I", 5875.62, (0.0, 0.3, 0.9, 2.3), 0),
    ("[O I]", 6300.30, (0.15, 0.5, 1.2, 2.4), 0),
    ("[N II]", 6548.05, (0.33, 1.6, 2.9, 2.4), 0),
    ("H alpha", 6562.80, (1.0, 11.5, 29.0, 73.0), 0),
    ("[N II]", 6583.45, (1.0, 4.8, 8.7, 7.3), 0),
    ("[S II]", 6716.44, (0.35, 2.3, 5.8, 9.5), 0),
    ("[S II]", 6730.82, (0.30, 1.7, 4.2, 6.8), 0),
    ("[Ar III]", 7135.79, (0.0, 0.1, 0.7, 2.8), 1),
    ("[S III]", 9068.60, (0.0, 0.6, 3.0, 11.0), 0),
    ("[S III]", 9530.60, (0.0, 1.5, 7.5, 27.0), 0),
)
"""H alpha + [N II] against [O II]: Kennicutt 1992, ApJ 388, 310; Balmer decrements, [N II], [S II], [O I] against H alpha and
the dependence on type: Kennicutt 1992, ApJS 79, 255; [Ne III], He I, [Ar III], [S III]: Osterbrock & Ferland 2006. Weak lines
of E are those of LINERs in half of them: Yan et al. 2006, ApJ 648, 281."""


def absorption_detail(grid: Floats) -> Floats:
    """Stars' absorption narrower than the templates show.

    Parameters
    ----------
    grid : ndarray, shape (k,)
        Wavelengths at rest, Å, vacuum, in equal steps of their logarithm.

    Returns
    -------
    ndarray, shape (4, k)
        Factor for each type, with a mean near 1 over any stretch of 100 Å.
    """
    from scipy.ndimage import gaussian_filter1d

    edges = pixel_edges(grid)
    teff, log_g = (np.array([star[k] for star in _STARS], dtype=np.float64) for k in (0, 1))
    residuals = star_residual(teff, log_g, np.zeros(len(_STARS)), np.tile(edges, (len(_STARS), 1)))
    # Shares of the light at 5500 Å; towards the blue the hot stars' grow.
    light = planck(teff, np.tile(grid, (len(_STARS), 1))) / planck(teff, np.full((len(_STARS), 1), 5500.0))
    shares = np.array([star[2] for star in _STARS])[:, :, None] * light[:, None]
    mixed = np.einsum("stk,sk->tk", shares / shares.sum(axis=0), residuals)
    step = float(np.log(grid[1] / grid[0]))
    steps_per_angstrom = 1.0 / (step * 4500.0)
    rows = []
    for row, velocity in zip(mixed, STELLAR_VELOCITIES, strict=True):
        moved = gaussian_filter1d(row, velocity / _LIGHT / step, mode="nearest")
        rows.append(moved / gaussian_filter1d(row, _TEMPLATE_SMOOTHING * steps_per_angstrom, mode="nearest"))
    return np.stack(rows)


def emission_excess(galaxy_type: Floats, scatter: Floats, edges: Floats) -> Floats:
    """Emission lines over the continuum.

    Parameters
    ----------
    galaxy_type : ndarray, shape (n,)
        0 (E) to 3 (Im).
    scatter : ndarray, shape (n, 2)
        Factors of the widths: all lines, and besides those of high ionisation.
    edges : ndarray, shape (n, m + 1)
        Edges of the pixels at rest, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        Line over continuum, means over pixels; summed over wavelength the equivalent widths.
    """
    kinds = np.arange(4.0)
    factors = np.stack([scatter[:, 0], scatter[:, 0] * scatter[:, 1]], axis=1)
    lines = [
        (air, np.interp(galaxy_type, kinds, widths) * factors[:, follows]) for _, air, widths, follows in EMISSION_LINES
    ]
    return line_profiles(lines, np.interp(galaxy_type, kinds, _GAS_VELOCITIES), edges)


def line_profiles(lines: list[tuple[float, Floats]], velocity: Floats, edges: Floats) -> Floats:
    """Gaussian lines over the continuum.

    Parameters
    ----------
    lines : list of (float, ndarray of shape (n,))
        Wavelength (Å, air) of each, and its equivalent width (Å) in each galaxy.
    velocity : ndarray, shape (n,)
        Dispersions, km/s.
    edges : ndarray, shape (n, m + 1)
        Edges of the pixels at rest, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        Line over continuum, means over pixels.
    """
    excess = np.zeros((len(edges), edges.shape[1] - 1))
    lines = [(float(air_to_vacuum(air)), width) for air, width in lines]
    centres = np.array([centre for centre, _ in lines])
    reach = 6.0 * centres * (velocity / _LIGHT)[:, None]
    first, last = np.empty((2, *reach.shape), np.intp)
    for row, edge in enumerate(edges):
        first[row], last[row] = np.searchsorted(edge, centres - reach[row]), np.searchsorted(edge, centres + reach[row])
    first, last = np.maximum(first - 1, 0), np.minimum(last, edges.shape[1] - 1)
    for number, (centre, width) in enumerate(lines):
        rows = np.flatnonzero(last[:, number] > first[:, number])
        if len(rows) == 0:
            continue
        # All galaxies at once, each over as many pixels as the widest line among them takes.
        low, high = first[rows, number][:, None], last[rows, number][:, None]
        many = int((high - low).max())
        pixel = np.minimum(low, excess.shape[1] - many) + np.arange(many + 1)
        sigma = (centre * velocity[rows] / _LIGHT)[:, None]
        light = width[rows][:, None] * gaussian_means(edges[rows[:, None], pixel], centre, sigma)
        pixel = pixel[:, :-1]
        excess[rows[:, None], pixel] += np.where((pixel >= low) & (pixel < high), light, 0.0)
    return excess
