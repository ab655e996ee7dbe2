"""Narrow lines of active nuclei in galaxies: Seyferts and LINERs, mixed with the lines of the galaxy's own H II regions.

A nucleus gives a share of the light of the Balmer lines; its other lines follow from it by the ratios of narrow-line
regions. So galaxies leave the sequence of H II regions in the diagram of Baldwin, Phillips & Terlevich (1981, PASP 93, 5)
along a mixing line. Every active galaxy lies above the border of Kauffmann et al. (2003), as those that were counted.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.light.galaxy_lines import EMISSION_LINES, STELLAR_VELOCITIES, line_profiles

__all__ = ["NUCLEAR_LINES", "draw_nuclei", "kauffmann_border", "line_ratios", "nuclear_excess"]

Floats = npt.NDArray[np.float64]

NUCLEAR_LINES: dict[tuple[str, float], tuple[float, float]] = {
    # Name and air wavelength (Å) as in `EMISSION_LINES`: flux in a LINER and in a Seyfert, against H beta bluewards of
    # 5500 Å, against H alpha redwards.
    ("[O II]", 3726.03): (2.6, 1.36),
    ("[O II]", 3728.82): (3.5, 1.84),
    ("[Ne III]", 3868.76): (0.4, 1.36),
    ("H8", 3889.06): (0.11, 0.11),
    ("H epsilon", 3970.08): (0.16, 0.16),
    ("H delta", 4101.73): (0.26, 0.26),
    ("H gamma", 4340.46): (0.47, 0.47),
    ("[O III]", 4363.21): (0.05, 0.21),
    ("H beta", 4861.33): (1.0, 1.0),
    ("[O III]", 4958.91): (0.67, 3.6),
    ("[O III]", 5006.84): (2.0, 10.8),
    ("He I", 5875.62): (0.04, 0.04),
    ("[O I]", 6300.30): (0.25, 0.18),
    ("[N II]", 6548.05): (0.42, 0.31),
    ("H alpha", 6562.80): (1.0, 1.0),
    ("[N II]", 6583.45): (1.26, 0.94),
    ("[S II]", 6716.44): (0.55, 0.25),
    ("[S II]", 6730.82): (0.45, 0.24),
    ("[Ar III]", 7135.79): (0.04, 0.08),
    ("[S III]", 9068.60): (0.05, 0.11),
    ("[S III]", 9530.60): (0.12, 0.28),
}
"""Seyferts: mean of Seyfert 2 galaxies, without reddening (Ferland & Osterbrock 1986, ApJ 300, 658), split within doublets
by atomic physics; Balmer lines of case B (Osterbrock & Ferland 2006). LINERs: where their branch lies in the diagrams of
Kewley et al. (2006, MNRAS 372, 961), to 0.1 dex ([O III], [N II], [S II], [O I]; [O II] from their [O III]/[O II]), its
weak lines a choice. Dust and the continuum from one line to the nearest Balmer line are taken as the host's own."""

_BORDER = 5500.0  # Å between lines that go with H beta and with H alpha
_KINDS = np.arange(4.0)  # host's types, E to Im
_ACTIVE_WIDTH = 3.0  # Å of H alpha at least: weaker lines are of old stars (Cid Fernandes et al. 2011, MNRAS 413, 1687)
_LARGEST = 0.99


@cache
def _widths(name: str, air: float) -> tuple[float, float, float, float]:
    """Equivalent widths (Å) of a line in H II regions of the four types."""
    return next(widths for known, wavelength, widths, _ in EMISSION_LINES if (known, wavelength) == (name, air))


def _width(name: str, air: float, galaxy_type: Floats) -> Floats:
    """Equivalent width (Å) of a line of the galaxy's H II regions."""
    return np.interp(galaxy_type, _KINDS, _widths(name, air))


def _nuclear_width(name: str, air: float, galaxy_type: Floats, share: Floats, seyfert: Floats) -> Floats:
    liner, hard = NUCLEAR_LINES[name, air]
    balmer = ("H beta", 4861.33) if air < _BORDER else ("H alpha", 6562.80)
    return _width(*balmer, galaxy_type) * share / (1.0 - share) * np.where(seyfert > 0.5, hard, liner)


def line_ratios(galaxy_type: Floats, share: Floats, seyfert: Floats) -> tuple[Floats, Floats]:
    """log10 of [N II] 6583 over H alpha and of [O III] 5007 over H beta, of H II regions and nucleus together.

    Parameters
    ----------
    galaxy_type : ndarray
        0 (E) to 3 (Im).
    share : ndarray
        Of the nucleus in the light of the Balmer lines, below 1.
    seyfert : ndarray
        1 for a Seyfert's nucleus, 0 for a LINER's.

    Returns
    -------
    two arrays of their shape
        dex.
    """

    def both(name: str, air: float) -> Floats:
        return _width(name, air, galaxy_type) + _nuclear_width(name, air, galaxy_type, share, seyfert)

    nitrogen = both("[N II]", 6583.45) / both("H alpha", 6562.80)
    oxygen = both("[O III]", 5006.84) / both("H beta", 4861.33)
    return np.log10(nitrogen), np.log10(oxygen)


def kauffmann_border(nitrogen: Floats) -> Floats:
    """log [O III]/H beta above which a galaxy is active: Kauffmann et al. (2003, MNRAS 346, 1055), equation 1.

    Parameters
    ----------
    nitrogen : ndarray
        log10 of [N II] 6583 over H alpha.

    Returns
    -------
    ndarray
        dex; minus infinity from 0.05 on, where all are.
    """
    below = nitrogen < 0.05
    return np.where(below, 0.61 / (np.where(below, nitrogen, 0.0) - 0.05) + 1.3, -np.inf)


@cache
def _least_shares(seyfert: int) -> tuple[Floats, Floats]:
    """Types, and the least share of a nucleus with which a galaxy of the type lies above the border."""
    kinds = np.linspace(0.0, 3.0, 61)
    shares = np.geomspace(0.005, _LARGEST, 400)
    nitrogen, oxygen = line_ratios(kinds[:, None], shares[None], np.full((1, 1), float(seyfert)))
    above = oxygen > kauffmann_border(nitrogen)
    # Once above, always above: a larger share only moves a galaxy towards its nucleus's place.
    hidden = np.where(above.any(axis=1), above.argmax(axis=1), len(shares) - 1)
    # Between two types the larger of their shares holds for both.
    least = np.pad(shares[hidden], 1, mode="edge")
    return kinds, np.maximum.reduce([least[:-2], least[1:-1], least[2:]])


def draw_nuclei(rng: np.random.Generator, galaxy_type: Floats) -> tuple[Floats, Floats]:
    """Which galaxies have an active nucleus, and how much of their lines is its.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    galaxy_type : ndarray, shape (n,)
        0 (E) to 3 (Im).

    Returns
    -------
    share : ndarray, shape (n,)
        Of the nucleus in the light of the Balmer lines; 0 without one.
    seyfert : ndarray, shape (n,)
        1 for a Seyfert's ratios, 0 for a LINER's or without a nucleus.
    """
    n = len(galaxy_type)
    active = rng.random(n) < constant("agn_fraction")
    seyfert = (rng.random(n) < constant("seyfert_fraction")).astype(np.float64)
    least, middle, most = np.log(constant("agn_share"))
    composite = rng.random(n) < constant("composite_fraction")
    within = rng.random(n)
    share = np.exp(np.where(composite, least + within * (middle - least), middle + within * (most - middle)))
    # What shines weaker than old stars do is not counted as active, nor what the border leaves among H II regions.
    share = np.maximum(share, 1.0 - np.interp(galaxy_type, _KINDS, _widths("H alpha", 6562.80)) / _ACTIVE_WIDTH)
    for kind in (0, 1):
        of_kind = seyfert == kind
        share[of_kind] = np.maximum(share[of_kind], np.interp(galaxy_type[of_kind], *_least_shares(kind)))
    share = np.minimum(share, _LARGEST)
    return np.where(active, share, 0.0), np.where(active, seyfert, 0.0)


def nuclear_excess(galaxy_type: Floats, share: Floats, seyfert: Floats, strength: Floats, edges: Floats) -> Floats:
    """Lines of the nucleus over the galaxy's continuum.

    Their width is that of the stars, as in Seyferts (Nelson & Whittle 1996, ApJ 465, 96; Greene & Ho 2005, ApJ 627, 721).

    Parameters
    ----------
    galaxy_type, share, seyfert : ndarray, shape (n,)
        As for `line_ratios`.
    strength : ndarray, shape (n,)
        Factor of all lines of the galaxy.
    edges : ndarray, shape (n, m + 1)
        Edges of the pixels at rest, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        Line over continuum, means over pixels; 0 without a nucleus.
    """
    excess = np.zeros((len(galaxy_type), edges.shape[1] - 1))
    rows = np.flatnonzero(share > 0)
    if len(rows):
        kinds = galaxy_type[rows]
        lines = [
            (air, strength[rows] * _nuclear_width(name, air, kinds, share[rows], seyfert[rows]))
            for name, air in NUCLEAR_LINES
        ]
        excess[rows] = line_profiles(lines, np.interp(kinds, _KINDS, STELLAR_VELOCITIES), edges[rows])
    return excess
