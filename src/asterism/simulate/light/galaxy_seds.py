"""Spectra of galaxies: the four types of Coleman, Wu & Weedman (1980) as GalSim packages them, mixed and dusted.

The files run from 91 to 22050 Å (extended by Bolzonella, Miralles & Pelló 2000); their optical part was taken in air,
and is moved to vacuum here. They are sampled every 40 Å: the lines of stars and gas that a spectrograph sees are those of
`asterism.simulate.light.galaxy_lines`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from asterism.simulate.constants import constant
from asterism.simulate.light.galaxy_lines import absorption_detail, emission_excess
from asterism.simulate.light.nuclear_lines import nuclear_excess
from asterism.simulate.light.photometry import BANDS, grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.sampling import pixel_edges, pixel_means, running_integral
from asterism.surveys.formats.wavelength import air_to_vacuum

__all__ = ["GALAXY_RANGE", "TYPES", "calzetti", "galaxy_seds", "line_scatter"]

Floats = npt.NDArray[np.float64]

TYPES: tuple[str, ...] = ("E", "Sbc", "Scd", "Im")
"""Templates in the order of `Population.galaxy_type`."""

_BLUE_OF_BREAK = 3650.0  # Å: the Balmer limit

GALAXY_RANGE = (912.0, 22000.0)
"""Wavelengths at rest (Å) that the templates are used for."""


_BLUE_OF_BREAK = 3650.0  # Å: the Balmer limit
_STEP = 5e-5  # dex, of the grid on which the templates have their lines
_DETAIL = (3200.0, 9700.0)  # Å, where they have them
# Emission lines stand in the late templates as humps; the continuum below them goes straight between these ends (Å).
_HUMPS = ((3660.0, 3800.0), (4815.0, 4895.0), (4895.0, 5080.0))
_WITH_HUMPS = ("Scd", "Im")
_SCATTER = (0.30, 0.15)  # dex, of the equivalent widths within a type: Kennicutt 1992, ApJS 79, 255; Yan et al. 2006


@cache
def _templates(stride: int) -> tuple[Floats, Floats]:
    """Common wavelengths (k,) in Å and log f_lambda (4, k) without emission lines, each 1 at 5500 Å."""
    import galsim

    folder = Path(galsim.meta_data.share_dir) / "SEDs"
    grid = 10.0 ** np.arange(np.log10(900.0), np.log10(22050.0), _STEP)
    rows = []
    for name in TYPES:
        air, flux = np.loadtxt(folder / f"CWW_{name}_ext.sed").T
        on_grid = np.interp(grid, air_to_vacuum(air), flux)
        if name in _WITH_HUMPS:
            for first, last in _HUMPS:
                inside = (grid > first) & (grid < last)
                on_grid[inside] = np.interp(grid[inside], (first, last), np.interp((first, last), grid, on_grid))
        rows.append(np.maximum(on_grid / np.interp(5500.0, grid, on_grid), 1e-12))
    logs = np.log(np.stack(rows))
    logs += _bend(grid, logs)
    fine = (grid > _DETAIL[0]) & (grid < _DETAIL[1])
    logs[:, fine] += np.log(absorption_detail(grid[fine]))
    return grid[::stride], logs[:, ::stride]


def _bend(wavelength: Floats, logs: Floats) -> Floats:
    """What puts the templates on the colours of SDSS's galaxies of their g-r, as ln of a factor (4, m).

    The four templates are means of few galaxies each, and from one to the next u-g, r-i and i-z jump. SDSS's galaxy
    eigenspectra say how these colours go with g-r. The factor is linear in magnitude and ln wavelength between the
    bands' places at rest, and flat beyond.
    """
    at, (u_g, r_i, i_z) = constant("galaxy_line_redshift"), constant("galaxy_line")
    u, g, r, i, z = _magnitudes(wavelength, logs, at).T
    g_r = g - r
    # r - i and i - z start from E's own, since absolute colours are better known of photometry than of spectra.
    wanted_i = r - (r[0] - i[0] + r_i * (g_r - g_r[0]))
    wanted_z = wanted_i - (i[0] - z[0] + i_z * (g_r - g_r[0]))
    wanted_u = g + u_g[0] + u_g[1] * (g_r - u_g[2])
    # Across the break: what K-corrections in g and r ask for twice as far.
    far = _magnitudes(wavelength, logs, 2.0 * at)
    wanted_break = g_r + constant("galaxy_break") - (far[:, 1] - far[:, 2])
    change = np.stack([wanted_u - u, wanted_break, wanted_break, 0.0 * g, 0.0 * r, wanted_i - i, wanted_z - z], axis=1)
    places = [band.wavelength / (1.0 + at) for band in BANDS]
    near_break = BANDS[1].wavelength / (1.0 + 2.0 * at)
    knots = np.log([places[0], _BLUE_OF_BREAK, near_break, *places[1:]])
    bend = np.stack([np.interp(np.log(wavelength), knots, row) for row in change])
    return np.asarray(-0.4 * np.log(10.0) * bend)


def _magnitudes(wavelength: Floats, logs: Floats, redshift: float) -> Floats:
    """ugriz (4, 5), SDSS system, of the templates with their emission lines."""
    observed = grid_wavelength()
    flux = np.stack([np.exp(np.interp(observed / (1.0 + redshift), wavelength, log)) for log in logs])
    edges = np.tile(pixel_edges(observed) / (1.0 + redshift), (len(TYPES), 1))
    flux *= 1.0 + emission_excess(np.arange(float(len(TYPES))), np.ones((len(TYPES), 2)), edges)
    return synthetic_magnitudes(flux, zero_point="sdss")


def calzetti(wavelength: Floats) -> Floats:
    """k(lambda) = A(lambda)/E(B-V) of Calzetti et al. (2000, ApJ 533, 682), equation 4, extended flat in slope."""
    x = np.clip(wavelength, 1200.0, 22000.0) * 1e-4
    red = 2.659 * (-1.857 + 1.040 / x) + 4.05
    blue = 2.659 * (-2.156 + 1.509 / x - 0.198 / x**2 + 0.011 / x**3) + 4.05
    return np.maximum(np.where(x >= 0.63, red, blue), 0.0)


def line_scatter(chance: Floats) -> Floats:
    """Factors (n, 2) of the emission lines' equivalent widths, log-normal with a mean of 1, from uniform numbers (n, 2)."""
    spread = np.log(10.0) * np.array(_SCATTER)
    return np.asarray(np.exp(spread * ndtri(np.clip(chance, 1e-6, 1.0 - 1e-6)) - 0.5 * spread**2))


def galaxy_seds(
    galaxy_type: Floats,
    dust: Floats,
    redshift: Floats,
    wavelength: Floats,
    scatter: Floats | None = None,
    nuclei: tuple[Floats, Floats] | None = None,
) -> Floats:
    """Flux densities of galaxies as observed.

    Parameters
    ----------
    galaxy_type : ndarray, shape (n,)
        0 (E) to 3 (Im); between two types their logarithms are mixed.
    dust : ndarray, shape (n,)
        E(B-V) of the stars, mag.
    redshift : ndarray, shape (n,)
        Redshifts.
    wavelength : ndarray, shape (m,)
        Observed, Å, vacuum, rising.
    scatter : ndarray, shape (n, 2), optional
        Factors of the emission lines (`line_scatter`); 1 by default.
    nuclei : two arrays of shape (n,), optional
        Share of an active nucleus in the Balmer lines, and whether it is a Seyfert's (1) or a LINER's (0); none by default.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, means over pixels, arbitrary scale.
    """
    edges = pixel_edges(wavelength) / (1.0 + redshift[:, None])
    # Filters' pixels of 5 Å do not need every step of the grid.
    grid, logs = _templates(1 if float(np.median(np.diff(np.log10(wavelength)))) < 2.5e-4 else 4)
    place = np.clip(galaxy_type.astype(np.intp), 0, len(TYPES) - 2)
    share = np.clip(galaxy_type - place, 0.0, 1.0)
    extinction = 0.4 * np.log(10.0) * calzetti(grid)
    found = np.empty((len(galaxy_type), len(wavelength)))
    for row, edge in enumerate(edges):
        first = max(int(np.searchsorted(grid, edge[0])) - 2, 0)
        last = int(np.searchsorted(grid, edge[-1])) + 2
        part, early = slice(first, last), int(place[row])
        mixed = logs[early, part] * (1.0 - share[row]) + logs[early + 1, part] * share[row]
        flux = np.exp(mixed - dust[row] * extinction[part])
        found[row] = pixel_means(edge, grid[part], running_integral(grid[part], flux))
    factors = np.ones((len(galaxy_type), 2)) if scatter is None else scatter
    if nuclei is None:
        return found * (1.0 + emission_excess(galaxy_type, factors, edges))
    share, seyfert = (np.nan_to_num(part) for part in nuclei)
    # Beside a nucleus that rules the ratios, the H II regions' own scatter in ionisation is left out.
    factors = np.stack([factors[:, 0], np.where(share > 0, 1.0, factors[:, 1])], axis=1)
    lines = emission_excess(galaxy_type, factors, edges)
    lines += nuclear_excess(galaxy_type, share, seyfert, factors[:, 0], edges)
    return found * (1.0 + lines)
