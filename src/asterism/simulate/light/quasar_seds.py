"""Spectra of quasars: a broken power law, emission lines, iron, Balmer continuum, dust, and what lies between.

Lines and iron are those of `asterism.simulate.light.quasar_lines`, the intergalactic medium that of `asterism.simulate.light.forest`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.light.forest import forest_transmission, intergalactic_transmission
from asterism.simulate.light.quasar_lines import iron_excess, line_excess
from asterism.simulate.light.sampling import pixel_edges

__all__ = ["QUASAR_RANGE", "quasar_seds"]

Floats = npt.NDArray[np.float64]

QUASAR_RANGE = (400.0, 12000.0)
"""Wavelengths at rest (Å) that the model is used for."""

_WIDTH_SCATTER = 0.15  # dex, of the broad lines' velocities: Shen et al. 2011, ApJS 194, 45
# dex, of iron, and of the narrow lines, which are weak where iron is strong: Boroson & Green 1992, ApJS 80, 109.
_IRON_SCATTER = 0.15
_NARROW_SCATTER = 0.30


def quasar_seds(
    slope: Floats,
    line_strength: Floats,
    dust: Floats,
    igm: Floats,
    redshift: Floats,
    wavelength: Floats,
    generators: Sequence[np.random.Generator] | None = None,
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
        Observed, Å, vacuum, rising.
    generators : sequence of numpy.random.Generator, optional
        Each quasar's own chance: the widths of its lines, its iron and narrow lines, the clouds before it. Without them
        every quasar is the mean one.

    Returns
    -------
    ndarray, shape (n, m)
        f_lambda, means over pixels, arbitrary scale.
    """
    edges = pixel_edges(wavelength)
    rest, rest_edges = (grid[None, :] / (1.0 + redshift[:, None]) for grid in (wavelength, edges))
    knee, red_slope = constant("quasar_break")
    blue_slope = -(slope[:, None] + 2.0)
    # Redwards of the knee the composite flattens; a bluer quasar stays bluer there too.
    red = red_slope + 0.5 * (blue_slope + 2.0 + constant("quasar_slope")[0])
    continuum = (rest / knee) ** np.where(rest < knee, blue_slope, red)
    # Far bluewards the continuum turns over (Telfer et al. 2002, ApJ 565, 773: alpha_nu = -1.76 below 1200 Å).
    continuum *= np.where(rest < 1200.0, (rest / 1200.0) ** (1.76 + slope[:, None]), 1.0)
    widths = iron = narrow = np.ones(len(slope))
    if generators is None:
        passed = intergalactic_transmission(wavelength, redshift, igm)
    else:
        drawn = np.array([rng.standard_normal(3) for rng in generators]).reshape(len(slope), 3)
        widths = 10.0 ** (_WIDTH_SCATTER * drawn[:, 0])
        iron = 10.0 ** (_IRON_SCATTER * drawn[:, 1])
        narrow = 10.0 ** (_NARROW_SCATTER * (0.8 * drawn[:, 2] - 0.6 * drawn[:, 1]))
        passed = forest_transmission(generators, edges, redshift, igm)
    excess = line_excess(line_strength, widths, narrow, rest_edges)
    excess += (line_strength * iron)[:, None] * iron_excess(rest)
    # SMC-like dust, A = 1.39 (lambda/micron)^-1.2 E(B-V) (Prévot et al. 1984, A&A 132, 389).
    attenuation = 10.0 ** (-0.4 * dust[:, None] * 1.39 * (rest * 1e-4) ** -1.2)
    return continuum * (1.0 + excess) * attenuation * passed
