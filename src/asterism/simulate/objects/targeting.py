"""Published target selection: cuts on measured, dereddened magnitudes, as the surveys made them.

A cut is a function of `Magnitudes` that gives a margin in magnitudes: how far inside of the nearest border an object
lies; positive is taken. The same function with some slack, on true magnitudes, tells beforehand what could not pass, so
that no light is spent on it. Cuts on quantities that the simulator does not measure (fibre magnitudes, proper motions,
infrared colours) are left out, which is said beside each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.errors import look_up
from asterism.simulate.constants import constant

__all__ = ["CUTS", "Magnitudes", "cut_named", "is_deep", "is_reached_by_noise"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Magnitudes:
    """Dereddened ugriz magnitudes (SDSS zero points) of n objects.

    Attributes
    ----------
    model, psf : ndarray, shape (n, 5)
        Of the best galaxy model and of the PSF.
    error : ndarray, shape (n, 5)
        Of the PSF magnitudes, mag.
    measured : bool
        Whether these were measured.
    """

    model: Floats
    psf: Floats
    error: Floats
    measured: bool = True

    @classmethod
    def true(cls, magnitudes: Floats, error: Floats) -> Magnitudes:
        """True magnitudes of objects whose extent is not known yet: no cut on extent refuses them."""
        return cls(magnitudes, magnitudes + 10.0, error, False)

    def point(self) -> Floats:
        """PSF magnitudes, or the true ones where nothing was measured."""
        return self.psf if self.measured else self.model


Cut = Callable[[Magnitudes], Floats]


def _least(*margins: npt.ArrayLike) -> Floats:
    return np.asarray(np.minimum.reduce(np.broadcast_arrays(*margins)), dtype=np.float64)


def _most(*margins: npt.ArrayLike) -> Floats:
    return np.asarray(np.maximum.reduce(np.broadcast_arrays(*margins)), dtype=np.float64)


def _between(low: float, value: Floats, high: float) -> Floats:
    return np.minimum(value - low, high - value)


# --- galaxies ----------------------------------------------------------------------------------------


def _main(m: Magnitudes) -> Floats:
    """Strauss et al. (2002, AJ 124, 1810): r < 17.77, r_psf - r_model > 0.3. Petrosian taken as model; no fibre cuts."""
    return _least(17.77 - m.model[:, 2], m.psf[:, 2] - m.model[:, 2] - 0.3)


def _parallel(m: Magnitudes) -> Floats:
    g_r, r_i = m.model[:, 1] - m.model[:, 2], m.model[:, 2] - m.model[:, 3]
    return np.asarray(0.7 * g_r + 1.2 * (r_i - 0.18))


def _perpendicular(m: Magnitudes) -> Floats:
    g_r, r_i = m.model[:, 1] - m.model[:, 2], m.model[:, 2] - m.model[:, 3]
    return np.asarray(r_i - g_r / 4.0 - 0.18)


def _legacy_red(m: Magnitudes) -> Floats:
    """Eisenstein et al. (2001, AJ 122, 2267), cuts I and II; no cut on surface brightness."""
    g_r, r_i, r = m.model[:, 1] - m.model[:, 2], m.model[:, 2] - m.model[:, 3], m.model[:, 2]
    extended = m.psf[:, 2] - r
    one = _least(13.1 + _parallel(m) / 0.3 - r, 19.2 - r, 0.2 - np.abs(_perpendicular(m)), extended - 0.3)
    two = _least(19.5 - r, _perpendicular(m) - 0.45 + g_r / 6.0, g_r - 1.30 - 0.25 * r_i, extended - 0.5)
    return _most(one, two)


def _lowz(m: Magnitudes) -> Floats:
    """Reid et al. (2016, MNRAS 455, 1553), equations 7 to 11; cmodel taken as model."""
    r = m.model[:, 2]
    return _least(
        0.2 - np.abs(_perpendicular(m)), 13.5 + _parallel(m) / 0.3 - r, 19.6 - r, r - 16.0, m.psf[:, 2] - r - 0.3
    )


def _cmass_colours(m: Magnitudes) -> Floats:
    g_r, r_i, i = m.model[:, 1] - m.model[:, 2], m.model[:, 2] - m.model[:, 3], m.model[:, 3]
    across = r_i - g_r / 8.0
    return _least(_between(17.5, i, 19.9), across - 0.55, 19.86 + 1.6 * (across - 0.8) - i, 2.0 - r_i)


def _cmass(m: Magnitudes) -> Floats:
    """Reid et al. (2016), equations 12 to 18; cmodel taken as model, no cut on fibre magnitude."""
    i, z = m.model[:, 3], m.model[:, 4]
    return _least(_cmass_colours(m), m.psf[:, 3] - i - (0.2 + 0.2 * (20.0 - i)), m.psf[:, 4] - z - (9.125 - 0.46 * z))


def _eboss_red(m: Magnitudes) -> Floats:
    """Prakash et al. (2016, ApJS 224, 34), equations 1 to 6; without the infrared cut r - W1 > 2 (r - i)."""
    r_i, i_z, i, z = m.model[:, 2] - m.model[:, 3], m.model[:, 3] - m.model[:, 4], m.model[:, 3], m.model[:, 4]
    return _least(_between(19.9, i, 21.8), 19.95 - z, r_i - 0.98, i_z - 0.625)


def _eboss_emission_line(m: Magnitudes) -> Floats:
    """Raichoor et al. (2017, MNRAS 471, 3955), table 2, in the DECam Legacy Survey's deeper photometry."""
    g, g_r, r_z = m.model[:, 1], m.model[:, 1] - m.model[:, 2], m.model[:, 2] - (m.model[:, 4] + 0.02)
    return _least(
        _between(21.825, g, 22.85),
        g_r - 0.457 + 0.068 * r_z,
        0.112 * r_z + 0.773 - g_r,
        r_z - 0.218 * g_r - 0.571,
        1.901 - 0.555 * g_r - r_z,
    )


# --- quasars and what is taken for them ---------------------------------------------------------------


def _legacy_quasar(m: Magnitudes) -> Floats:
    """Richards et al. (2002, AJ 123, 2945): i < 19.1, or i < 20.2 for the redder, distant ones."""
    p = m.point()
    distant = _least(20.2 - p[:, 3], p[:, 0] - p[:, 1] - 1.5)
    return _least(p[:, 3] - 15.0, _most(19.1 - p[:, 3], distant))


def _boss_quasar(m: Magnitudes) -> Floats:
    """Ross et al. (2012, ApJS 199, 3): g < 22 or r < 21.85, i > 17.8."""
    p = m.point()
    return _least(_most(22.0 - p[:, 1], 21.85 - p[:, 2]), p[:, 3] - 17.8)


def _eboss_quasar(m: Magnitudes) -> Floats:
    """Myers et al. (2015, ApJS 221, 27): g < 22 or r < 22, i > 17."""
    p = m.point()
    return _least(_most(22.0 - p[:, 1], 22.0 - p[:, 2]), p[:, 3] - 17.0)


@cache
def _quasar_track() -> tuple[Floats, Floats]:
    """Redshifts and ugriz colours (k, 4) of the mean quasar."""
    from asterism.simulate.objects.quasars import mean_colours

    return mean_colours()


_HOT = 0.15  # g-i, mag: bluewards there is no main sequence but white dwarfs and the horizontal branch


@cache
def _star_track() -> tuple[Floats, Floats]:
    """Counts per deg2 and colours (k, 4) along the stellar locus of halo stars, and of white dwarfs' place."""
    from asterism.simulate.light.stellar_seds import locus_colours
    from asterism.simulate.objects.stars import counts_by_colour

    g_i = np.arange(-0.3, 2.5, 0.1)
    colours = np.stack(locus_colours(g_i, np.full(len(g_i), constant("halo_feh")[0])), axis=1)
    hot = g_i < _HOT
    edges = tuple((g_i[~hot][0] - 0.05 + 0.1 * np.arange((~hot).sum() + 1)).tolist())
    counts = np.empty(len(g_i))
    counts[~hot] = counts_by_colour(edges, *constant("candidate_magnitudes"))
    counts[hot] = constant("candidate_hot_stars") / hot.sum()
    return counts, colours


def _quasar_probability(m: Magnitudes, low: float, high: float, density: float) -> Floats:
    """Probability of being a quasar of these redshifts and not a star, by colours with their errors.

    The likelihood methods of BOSS and eBOSS (Kirkpatrick et al. 2011, ApJ 743, 125; Bovy et al. 2011, ApJ 729, 141) with
    the mean quasar's track and the stellar locus in the place of training sets.
    """
    redshift, track = _quasar_track()
    track = track[(redshift >= low) & (redshift <= high)]
    p = m.point()
    colours = p[:, :-1] - p[:, 1:]
    error = m.error[:, :-1] ** 2 + m.error[:, 1:] ** 2

    def density_at(centres: Floats, weight: Floats, width: tuple[float, ...]) -> Floats:
        variance = error + np.array(width) ** 2
        chi2 = ((colours[:, None, :] - centres[None]) ** 2 / variance[:, None, :]).sum(axis=2)
        norm = np.sqrt(variance.prod(axis=1))[:, None]
        return np.asarray((weight * np.exp(-0.5 * np.minimum(chi2, 200.0)) / norm).sum(axis=1))

    quasars = density_at(track, np.full(len(track), density / len(track)), (0.20, 0.12, 0.10, 0.12))
    counts, locus = _star_track()
    stars = density_at(locus, counts, (0.15, 0.06, 0.05, 0.05))
    return np.asarray(quasars / (quasars + stars + 1e-12))


def _candidate(m: Magnitudes, limits: Floats, low: float, high: float, density: float, least: float) -> Floats:
    """Margin of a likelihood cut. Beforehand what errors half as large again would not make a candidate is refused."""
    if m.measured:
        return _least(limits, _quasar_probability(m, low, high, density) - least)
    wide = Magnitudes(m.model, m.psf, 1.5 * m.error, False)
    return np.where(_quasar_probability(wide, low, high, density) > 0.1 * least, limits, -np.inf)


def _boss_quasar_star(m: Magnitudes) -> Floats:
    """Stars taken as quasars of z = 2.2 to 3.5, down to the probability that filled BOSS's fibres: `candidate_probability`."""
    return _candidate(
        m, _boss_quasar(m), 2.2, 3.5, constant("candidate_quasars")[0], constant("candidate_probability")[0]
    )


def _eboss_quasar_star(m: Magnitudes) -> Floats:
    """Stars taken as quasars of z > 0.9: P > 0.2 of Myers et al. (2015); without the infrared cut."""
    return _candidate(
        m, _eboss_quasar(m), 0.9, 3.5, constant("candidate_quasars")[1], constant("candidate_probability")[1]
    )


def _galaxy_quasar(m: Magnitudes) -> Floats:
    """Galaxies taken as quasars: as eBOSS's stars, and not seen to be extended."""
    return _least(_eboss_quasar_star(m), 0.3 - (m.psf[:, 2] - m.model[:, 2]) if m.measured else 1.0)


def _legacy_quasar_star(m: Magnitudes) -> Floats:
    """Richards et al. (2002), section 3: ultraviolet excess, or the inclusion boxes of middle and high redshift."""
    p = m.point()
    u_g, g_r, r_i = (p[:, k] - p[:, k + 1] for k in range(3))
    excess = _least(0.6 - u_g, 19.1 - p[:, 3])
    middle = _least(_between(0.6, u_g, 1.5), _between(0.0, g_r, 0.2), 19.1 - p[:, 3])
    high = _least(u_g - 1.5, g_r - 0.7, _most(g_r - 2.1, 0.44 * g_r - 0.358 - r_i), 20.2 - p[:, 3])
    return _least(_most(excess, middle, high), p[:, 3] - 15.0)


# --- stars -------------------------------------------------------------------------------------------
# SEGUE: Yanny et al. (2009, AJ 137, 4377), table 4, and the survey's page on target selection; no proper motions.


def _box(
    m: Magnitudes, *, g: float = 30.0, r: float = 30.0, u_g: tuple[float, float] = (-9.0, 9.0),
    g_r: tuple[float, float] = (-9.0, 9.0)
) -> Floats:  # fmt: skip
    p = m.point()
    return _least(
        g - p[:, 1], r - p[:, 2], _between(*_around(u_g, p[:, 0] - p[:, 1])), _between(*_around(g_r, p[:, 1] - p[:, 2]))
    )


def _around(limits: tuple[float, float], value: Floats) -> tuple[float, Floats, float]:
    return limits[0], value, limits[1]


def _segue_white_dwarf(m: Magnitudes) -> Floats:
    p = m.point()
    return _least(
        _box(m, g=20.3, u_g=(-1.0, 0.7), g_r=(-1.0, -0.2)), -0.1 - (p[:, 0] - p[:, 1]) - 2.0 * (p[:, 1] - p[:, 2])
    )


def _segue_turn_off(m: Magnitudes) -> Floats:
    """Metal-poor turn-off: P1(s) is the colour along the locus of F to K stars (Helmi et al. 2003, ApJ 586, 195)."""
    p = m.point()
    u_g, g_r = p[:, 0] - p[:, 1], p[:, 1] - p[:, 2]
    along = 0.91 * u_g + 0.415 * g_r - 1.280
    return _least(_box(m, g=20.3, u_g=(0.4, 1.4), g_r=(0.2, 0.7)), _between(-0.7, along, -0.25))


def _standard(m: Magnitudes) -> Floats:
    """F subdwarfs for flux calibration: Stoughton et al. (2002, AJ 123, 485), section 4.8.4, and Dawson et al. (2013, AJ
    145, 10): near (u-g, g-r, r-i, i-z) = (0.82, 0.30, 0.09, 0.02)."""
    p = m.point()
    distance = np.sqrt(((p[:, :-1] - p[:, 1:] - np.array([0.82, 0.30, 0.09, 0.02])) ** 2).sum(axis=1))
    return np.asarray(0.12 - distance)


# --- DESI and LSST --------------------------------------------------------------------------------------
# On g, r, z of the Legacy Surveys (AB), the bands of their camera in this order. Cuts on infrared colours and fibre
# magnitudes are left out; total magnitudes stand for fibre magnitudes by the offsets that are given.


def _bright_galaxy(m: Magnitudes) -> Floats:
    """Hahn et al. (2023, AJ 165, 253): the bright sample, r < 19.5, extended."""
    return _least(19.5 - m.model[:, 1], m.psf[:, 1] - m.model[:, 1] - 0.1)


def _faint_galaxy(m: Magnitudes) -> Floats:
    """Hahn et al. (2023): the faint sample, 19.5 < r < 20.175, without its cut on fibre magnitude and colour."""
    return _least(_between(19.5, m.model[:, 1], 20.175), m.psf[:, 1] - m.model[:, 1] - 0.1)


def _desi_red(m: Magnitudes) -> Floats:
    """Zhou et al. (2023, AJ 165, 58), z_fiber < 21.60. In place of the infrared cuts against stars and near galaxies r - z >
    0.85, a choice: the colour of its bluest galaxies, of z = 0.4; total z 0.85 mag brighter than in the fibre, another."""
    g_r, r_z = m.model[:, 0] - m.model[:, 1], m.model[:, 1] - m.model[:, 2]
    return _least(20.75 - m.model[:, 2], r_z - 0.85, g_r + r_z - 1.6)


def _desi_emission_line(m: Magnitudes) -> Floats:
    """Raichoor et al. (2023, AJ 165, 126), table 2: both priorities; g_fiber < 24.1 as g < 23.7, a choice."""
    g, g_r, r_z = m.model[:, 0], m.model[:, 0] - m.model[:, 1], m.model[:, 1] - m.model[:, 2]
    return _least(_between(20.0, g, 23.7), r_z - 0.15, 0.5 * r_z + 0.1 - g_r, 1.6 - 1.2 * r_z - g_r)


def _desi_quasar(m: Magnitudes) -> Floats:
    """Chaussidon et al. (2023, ApJ 944, 107): 16.5 < r < 23; the random forest on infrared colours is left out."""
    return _between(16.5, m.point()[:, 1], 23.0)


def _milky_way(m: Magnitudes) -> Floats:
    """Cooper et al. (2023, ApJ 947, 37): point sources of 16 < r < 19."""
    return _between(16.0, m.point()[:, 1], 19.0)


def _lsst(m: Magnitudes) -> Floats:
    """i < 25, near the gold sample of the LSST Science Book (LSST Science Collaboration 2009), i < 25.3."""
    return 25.0 - m.model[:, 3]


CUTS: dict[str, Cut] = {
    "main": _main,
    "legacy-lrg": _legacy_red,
    "lowz": _lowz,
    "cmass": _cmass,
    "eboss-lrg": _eboss_red,
    "eboss-elg": _eboss_emission_line,
    "legacy-qso": _legacy_quasar,
    "boss-qso": _boss_quasar,
    "eboss-qso": _eboss_quasar,
    "legacy-qso-star": _legacy_quasar_star,
    "boss-qso-star": _boss_quasar_star,
    "eboss-qso-star": _eboss_quasar_star,
    "galaxy-qso": _galaxy_quasar,
    "bgs-bright": _bright_galaxy,
    "bgs-faint": _faint_galaxy,
    "desi-lrg": _desi_red,
    "desi-elg": _desi_emission_line,
    "desi-qso": _desi_quasar,
    "mws": _milky_way,
    "lsst-i": _lsst,
    "standard": _standard,
    "segue-white-dwarf": _segue_white_dwarf,
    "segue-a-star": lambda m: _box(m, g=20.5, u_g=(0.8, 1.5), g_r=(-0.5, 0.2)),
    "segue-turn-off": _segue_turn_off,
    "segue-f-g": lambda m: _box(m, g=20.2, g_r=(0.2, 0.48)),
    "segue-low-metallicity": lambda m: _box(m, r=19.0, u_g=(0.6, 3.0), g_r=(-0.5, 0.75)),
    "segue-g-dwarf": lambda m: _box(m, r=20.2, g_r=(0.48, 0.55)),
    "segue-k-dwarf": lambda m: _box(m, r=19.0, g_r=(0.55, 0.75)),
    "segue-k-giant": lambda m: _box(m, r=18.5, u_g=(0.7, 4.0), g_r=(0.5, 1.3)),
}
"""Cuts by name."""

_DEEP = ("eboss-elg",)
_BY_NOISE = ("boss-qso-star", "eboss-qso-star")


def cut_named(name: str) -> Cut:
    """The cut of that name.

    Raises
    ------
    ConfigurationError
        There is none; the sentence names the nearest.
    """
    return look_up("target selection", name, CUTS)


def is_deep(name: str) -> bool:
    """Whether the survey made this cut on photometry much deeper than the simulated: it is made on true magnitudes."""
    return name in _DEEP


def is_reached_by_noise(name: str) -> bool:
    """Whether objects of this sample pass the cut by their noise alone: no distance from the cut in mag tells which may."""
    return name in _BY_NOISE
