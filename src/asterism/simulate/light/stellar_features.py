"""What lines and bands leave of a star's continuum, at its temperature, gravity and metallicity.

Atomic lines start from the Sun's equivalent widths and go to other stars by the ratio of line to continuous absorption
(Saha and Boltzmann for the line; H minus and neutral hydrogen for the continuum: Gray 2008, The Observation and Analysis
of Stellar Photospheres, chapters 8 and 13) and a curve of growth. Each line has Minnaert's profile,
d = 1 / (1/R + (x/w)^2), whose width follows from its equivalent width, and enters as its mean over each pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.stellar_lines import (
    BALMER_WIDTHS,
    HELIUM_LINES,
    IONISATION,
    MOLECULAR_BANDS,
    SOLAR_LINES,
    SWAN_BANDS,
)
from asterism.surveys.formats.wavelength import air_to_vacuum

__all__ = ["BALMER", "carbon_residual", "hydrogen_strength", "metal_widths", "minnaert", "star_residual"]

Floats = npt.NDArray[np.float64]

_SUN = (5777.0, 4.44, 0.0)
_RYDBERG = 911.7633  # Å, of hydrogen
BALMER: Floats = np.asarray(_RYDBERG / (0.25 - 1.0 / np.arange(3, 21) ** 2.0), dtype=np.float64)
"""Vacuum wavelengths (Å) of H alpha to H20."""
_PASCHEN: Floats = np.asarray(_RYDBERG / (1.0 / 9.0 - 1.0 / np.arange(8, 21) ** 2.0), dtype=np.float64)
# Equivalent width of each Balmer line against H gamma in an A star (Gray & Corbally 2009, chapter 5): higher lines merge.
_BALMER_RATIO = np.array([0.75, 0.97, 1.0, 1.05, 0.95, 0.85, 0.72, 0.60, 0.48, 0.38, 0.30, 0.23, 0.17, 0.12, 0.09, 0.06,
                          0.04, 0.03])  # fmt: skip
_SOLAR_RATIO = 1.41  # of H alpha in the Sun against H gamma (4.02 and 2.86 Å), where it is stronger than in A stars
_CORE = 0.93  # deepest that a metal line gets, of the continuum
_DOPPLER = 7e-6  # of the wavelength: 2 km/s of thermal and turbulent motion
_FAINTEST = 0.002  # Å, equivalent width of a line that is put in
_DAMPING = 0.03  # of the Doppler width, a metal line in the Sun


def minnaert(edges: Floats, centre: float, width: Floats, core: float | Floats) -> Floats:
    """Means over pixels of the depth 1 / (1/core + (x/w)^2) with this equivalent width.

    Parameters
    ----------
    edges : ndarray, shape (n, k + 1)
        Of the pixels, Å.
    centre : float
        Å.
    width : ndarray, shape (n,)
        Equivalent width, Å.
    core : float or ndarray of shape (n, 1)
        Depth at the centre, in (0, 1).

    Returns
    -------
    ndarray, shape (n, k)
    """
    w = np.maximum(width, 1e-5)[:, None] / (np.pi * np.sqrt(core))
    turned = np.arctan(np.sqrt(core) * (edges - centre) / w)
    return np.asarray(w * np.sqrt(core) * np.diff(turned, axis=1) / np.diff(edges, axis=1))


@dataclass(frozen=True)
class _Pixels:
    """Edges (n, m + 1) of pixels, the reddest and the bluest of each edge (m + 1,), and the pixels' centres (n, m)."""

    edges: Floats
    reddest: Floats
    bluest: Floats
    middle: Floats

    @classmethod
    def of(cls, edges: Floats) -> _Pixels:
        middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
        return cls(edges, edges.max(axis=0, initial=0.0), edges.min(axis=0, initial=np.inf), middle)

    def between(self, first: float, last: float) -> slice:
        """Pixels that reach into this range of wavelengths in any row."""
        start = int(np.searchsorted(self.reddest, first)) - 1
        stop = int(np.searchsorted(self.bluest, last)) + 1
        return slice(max(start, 0), max(0, min(stop, self.middle.shape[1])))


def _apply(residual: Floats, pixels: _Pixels, centre: float, width: Floats, core: float | Floats) -> None:
    """Multiply a line into the residual, within 40 half-widths."""
    seen = width >= _FAINTEST
    if not seen.any():
        return
    half = width / (np.pi * np.sqrt(np.broadcast_to(core, (len(width), 1))[:, 0]))
    # Each star's own reach, so that its spectrum does not hang on which others are made with it.
    reach = np.where(seen, np.clip(40.0 * half, 12.0, 600.0), 0.0)
    near = pixels.between(centre - reach.max(), centre + reach.max())
    if near.stop > near.start:
        depth = minnaert(pixels.edges[:, near.start : near.stop + 1], centre, width, core)
        depth *= np.abs(pixels.middle[:, near] - centre) < reach[:, None]
        residual[:, near] *= 1.0 - np.minimum(depth, 0.98)


@cache
def _solar_lines() -> tuple[list[str], npt.NDArray[np.bool_], Floats]:
    """Elements, whether ionised, and (wavelength in vacuum, width in Å, excitation in eV) of all lines."""
    elements: list[str] = []
    ionised: list[bool] = []
    rows = []
    for ion, text in SOLAR_LINES.items():
        element, stage = ion.split()
        for wavelength, width, excitation in np.array(text.split(), dtype=np.float64).reshape(-1, 3):
            elements.append(element)
            ionised.append(stage == "II")
            rows.append((float(air_to_vacuum(wavelength)), 1e-3 * width, excitation))
    return elements, np.array(ionised), np.array(rows)


def _electron_pressure(temperature: Floats, log_g: Floats, feh: Floats) -> Floats:
    """log10 of dyn/cm2: rises as exp(0.0015 T) and g^(1/3) in cool stars (Gray 2008, chapter 9), levels off in hot ones.

    Metals give the electrons below about 5500 K.
    """
    rise = 6.5e-4 * np.minimum(temperature - 5200.0, 3500.0)
    donors = np.clip((5700.0 - temperature) / 1000.0, 0.0, 1.0) * feh / 3.0
    return np.asarray(1.0 + rise + (log_g - 4.44) / 3.0 + donors)


def _continuous_opacity(temperature: Floats, log_pressure: Floats) -> Floats:
    """Per neutral hydrogen atom at 5500 Å, cm2: H minus and hydrogen from n = 3 on (Gray 2008, chapter 8)."""
    theta = 5040.0 / temperature
    minus = 4.158e-10 * 2.9e-17 * 10.0**log_pressure * theta**2.5 * 10.0 ** (0.754 * theta)
    level = np.arange(3, 9)
    excited = 10.0 ** (-theta[:, None] * 13.598 * (1.0 - 1.0 / level**2)) / level**3
    return np.asarray(minus + 1.0449e-26 * 5500.0**3 * excited.sum(axis=1))


def _line_opacity(teff: Floats, log_g: Floats, feh: Floats) -> Floats:
    """log10 of line over continuous absorption (n, lines), up to each line's own constant."""
    elements, ionised, rows = _solar_lines()
    temperature = 0.9 * teff
    theta, pressure = 5040.0 / temperature, _electron_pressure(temperature, log_g, feh)
    opacity = np.log10(_continuous_opacity(temperature, pressure))
    fractions = {}
    for element, (first, second, partition) in IONISATION.items():
        saha = [2.5 * np.log10(temperature) - 0.48 + partition - theta * potential - pressure
                for potential in (first, second)]  # fmt: skip
        singly, doubly = (10.0 ** np.clip(value, -30.0, 30.0) for value in saha)
        whole = 1.0 + singly + singly * doubly
        fractions[element] = np.log10(np.stack([1.0 / whole, np.maximum(singly / whole, 1e-30)], axis=1))
    of_ion = np.stack([fractions[element][:, int(ion)] for element, ion in zip(elements, ionised, strict=True)], axis=1)
    return np.asarray(of_ion + feh[:, None] - theta[:, None] * rows[:, 2] - opacity[:, None])


@cache
def _growth() -> tuple[Floats, Floats]:
    """Curve of growth: log10 of the central depth and of the equivalent width over the Doppler width."""
    from scipy.special import wofz

    x = np.concatenate([np.linspace(0.0, 10.0, 400), np.logspace(1.0, 5.0, 1200)[1:]])
    profile = wofz(x + 1j * _DAMPING).real
    strength = np.linspace(-3.0, 9.0, 121)
    depth = 1.0 - np.exp(-(10.0 ** strength[:, None]) * profile[None] / profile[0])
    return strength, np.log10(2.0 * np.trapezoid(depth, x, axis=1))


def metal_widths(teff: Floats, log_g: Floats, feh: Floats) -> tuple[Floats, Floats]:
    """Equivalent widths of the metal lines.

    Parameters
    ----------
    teff, log_g, feh : ndarray, shape (n,)
        K, dex of cgs, dex.

    Returns
    -------
    wavelength : ndarray, shape (lines,)
        Å, vacuum.
    width : ndarray, shape (n, lines)
        Å.
    """
    _, _, rows = _solar_lines()
    strength, growth = _growth()
    doppler = np.log10(_DOPPLER * rows[:, 0])
    in_sun = np.interp(np.log10(rows[:, 1]) - doppler, growth, strength)
    sun = _line_opacity(*(np.array([value]) for value in _SUN))
    moved = in_sun + _line_opacity(teff, log_g, feh) - sun
    return rows[:, 0], 10.0 ** (np.interp(moved, strength, growth) + doppler)


def hydrogen_strength(teff: Floats) -> Floats:
    """Strength of hydrogen's lines and jump against their greatest (1, at 9200 K), 0 in cool stars."""
    table = np.array(BALMER_WIDTHS)
    width = np.interp(np.log(teff), np.log(table[:, 0]), table[:, 1] / table[:, 1].max())
    return np.asarray(width * np.clip((teff - 6500.0) / 2500.0, 0.0, 1.0))


def _hydrogen_residual(teff: Floats, log_g: Floats, pixels: _Pixels) -> Floats:
    """What the hydrogen lines leave (n, m): Balmer and Paschen series, and the Balmer jump."""
    table = np.array(BALMER_WIDTHS)
    width = np.interp(np.log(teff), np.log(table[:, 0]), table[:, 1])
    # Stark broadening: W goes as g^(1/4) or so in hot stars (Gray 2008, chapter 13), not at all below 7000 K.
    hot = np.clip((teff - 6500.0) / 2500.0, 0.0, 1.0)
    width = width * 10.0 ** (0.25 * hot * (np.clip(log_g, 2.0, 5.0) - 4.0))
    residual = np.ones_like(pixels.middle)
    ratios = np.tile(_BALMER_RATIO, (len(teff), 1))
    ratios[:, 0] = ratios[:, 0] * hot + _SOLAR_RATIO * (1.0 - hot)
    core = np.clip(0.45 + 0.28 * hot, 0.0, 0.75)[:, None]
    for number, centre in enumerate(BALMER):
        _apply(residual, pixels, float(centre), width * ratios[:, number], core)
    for number, centre in enumerate(_PASCHEN):
        _apply(residual, pixels, float(centre), 0.22 * hot * width * 0.88**number, 0.35)
    jump = 1.3 * hydrogen_strength(teff)
    residual *= np.exp(-jump[:, None] / (1.0 + np.exp(np.clip((pixels.middle - 3680.0) / 12.0, -50.0, 50.0))))
    return residual


def star_residual(teff: Floats, log_g: Floats, feh: Floats, edges: Floats) -> Floats:
    """What all features leave of the continuum of ordinary stars.

    Parameters
    ----------
    teff, log_g, feh : ndarray, shape (n,)
        K, dex of cgs, dex.
    edges : ndarray, shape (n, m + 1)
        Edges of the pixels at rest, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        In (0, 1].
    """
    pixels = _Pixels.of(edges)
    residual = _hydrogen_residual(teff, log_g, pixels)
    centres, widths = metal_widths(np.minimum(teff, 25000.0), log_g, feh)
    for centre, width in zip(centres, widths.T, strict=True):
        # In M dwarfs lines of neutral metals are wide, but their continuum is gone.
        _apply(residual, pixels, float(centre), np.minimum(width, 28.0), _CORE)
    helium = np.exp(-((np.log(teff / 20000.0) / 0.38) ** 2))
    for air, width in HELIUM_LINES:
        _apply(residual, pixels, float(air_to_vacuum(air)), helium * width, 0.5)
    depth = np.zeros_like(residual)
    for name, head, length, strength, start, full in MOLECULAR_BANDS:
        grown = np.clip((start - teff) / (start - full), 0.0, 1.3)
        # A molecule of one metal goes as the metal, CH and CN weaker still as carbon is scarce with iron; hydrides of
        # metals hold out in subdwarfs, where TiO fades (Lépine, Rich & Shara 2007, ApJ 669, 1235).
        metals = 10.0 ** ({"TiO": 0.6, "VO": 0.6, "CN": 0.9, "CH": 0.35}.get(name, 0.1) * np.minimum(feh, 0.3))
        # Oxides rob carbon below 3500 K, and what lies on a vanished continuum does not show.
        if name in ("CN", "CH"):
            grown = grown * np.clip((teff - 3200.0) / 700.0, 0.0, 1.0)
        # CaH's many heads between 6750 and 7050 Å run together.
        edge = 25.0 if name == "CaH" else 3.0
        _add_band(depth, pixels, float(air_to_vacuum(head)), length, strength * grown * metals, edge)
    residual *= np.exp(-depth)
    return residual


def carbon_residual(strength: Floats, edges: Floats) -> Floats:
    """What C2 and CN leave of a carbon star's continuum (n, m); strength (n,) 1 for a typical one."""
    pixels = _Pixels.of(edges)
    depth = np.zeros_like(pixels.middle)
    for head, length, deep in SWAN_BANDS:
        _add_band(depth, pixels, float(air_to_vacuum(head)), length, deep * strength)
    return np.exp(-depth)


def _add_band(depth: Floats, pixels: _Pixels, head: float, length: float, strength: Floats, edge: float = 3.0) -> None:
    """Add a band: a head as sharp as `edge` (Å) and an exponential tail to the red, or to the blue where the length is negative."""
    strength = np.where(strength > 1e-3, strength, 0.0)
    if not strength.any():
        return
    sharp, tail = 5.0 * edge, 6.0 * abs(length)
    ends = head + np.sign(length) * np.array([-sharp, tail])
    near = pixels.between(ends.min(), ends.max())
    behind = (pixels.middle[:, near] - head) * np.sign(length)
    band = np.exp(np.where(behind > 0.0, -behind / abs(length), behind / edge))
    band *= (behind > -sharp) & (behind < tail)  # whatever else is made at the same time
    depth[:, near] += strength[:, None] * band
