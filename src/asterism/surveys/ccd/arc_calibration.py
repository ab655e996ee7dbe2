"""Wavelength of every pixel of every fibre, from an exposure of arc lamps.

LAMOST's lamps are mercury, cadmium and neon (LAMPLIST lamphgcdne.dat in its spectra). Lines are looked for where the
nominal solution has them, after each fibre's spectrum has been slid along until most lines fall on peaks, and
wavelengths are fitted as curves that neighbouring fibres share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import signal

from asterism.errors import BadInputError
from asterism.surveys.ccd.extraction import Extracted
from asterism.surveys.ccd.fibre_curves import FibreCurves, fit_curves
from asterism.surveys.ccd.lamost_frames import nominal_wavelength

__all__ = ["ARC_LINES", "ArcSolution", "arc_lines", "solve_wavelengths"]

Floats = npt.NDArray[np.float64]

# Å in vacuum of the air wavelengths of NIST's Atomic Spectra Database, and strength in a lamp relative to others.
# choice of the strengths: round numbers in the order of the database's. Lines that others blend with are not listed.
ARC_LINES: tuple[tuple[str, float, float], ...] = (
    ("Cd I", 3611.538, 0.15), ("Hg I", 3651.198, 0.20), ("Hg I", 4047.708, 0.35), ("Hg I", 4359.560, 0.80),
    ("Cd I", 4679.458, 0.40), ("Cd I", 4801.254, 0.55), ("Cd I", 5087.240, 0.70), ("Hg I", 5462.268, 1.00),
    ("Hg I", 5771.210, 0.25), ("Hg I", 5792.276, 0.25), ("Ne I", 5854.110, 0.80), ("Ne I", 5883.525, 0.25),
    ("Ne I", 5946.481, 0.35), ("Ne I", 5977.190, 0.20), ("Ne I", 6031.667, 0.25), ("Ne I", 6076.019, 0.35),
    ("Ne I", 6097.851, 0.40), ("Ne I", 6144.763, 0.70), ("Ne I", 6165.299, 0.30), ("Ne I", 6219.001, 0.35),
    ("Ne I", 6268.229, 0.45), ("Ne I", 6306.533, 0.25), ("Ne I", 6336.179, 0.60), ("Ne I", 6384.756, 0.75),
    ("Ne I", 6404.018, 1.00), ("Cd I", 6440.250, 0.80), ("Ne I", 6508.326, 0.75), ("Ne I", 6534.687, 0.40),
    ("Ne I", 6600.776, 0.45), ("Ne I", 6680.121, 0.60), ("Ne I", 6718.897, 0.35), ("Ne I", 6931.379, 0.80),
    ("Ne I", 7034.352, 1.00), ("Ne I", 7175.916, 0.40), ("Ne I", 7247.163, 0.70), ("Ne I", 7440.947, 0.50),
    ("Ne I", 7490.934, 0.30), ("Ne I", 7537.849, 0.25), ("Ne I", 7945.366, 0.15), ("Ne I", 8138.643, 0.20),
    ("Ne I", 8302.606, 0.30), ("Ne I", 8379.909, 0.60), ("Ne I", 8497.693, 0.40),
)  # fmt: skip
"""Element, vacuum wavelength in Å, and relative strength of the arc lamps' isolated lines."""

_DEGREES = (3, 4)
_SLIDE = 60  # rows by which the nominal solution may be off; choice: three times the smile
_WIDTH, _REACH = 2.0, 4  # weight's sigma and window with which a line is centred, rows; choice: near the lines' own


def arc_lines(low: float, high: float) -> tuple[Floats, Floats]:
    """Wavelengths and relative strengths of the lines between two wavelengths.

    Examples
    --------
    >>> arc_lines(4000, 4400)[0].tolist()
    [4047.708, 4359.56]
    """
    chosen = [(line, strength) for _, line, strength in ARC_LINES if low < line < high]
    return np.array([line for line, _ in chosen]), np.array([strength for _, strength in chosen])


@dataclass
class ArcSolution:
    """Wavelengths of a camera.

    Attributes
    ----------
    curves : FibreCurves
        Å in vacuum of each fibre at each row.
    scatter : float
        Standard deviation of the lines about the curves, Å.
    lines : int
        Lines used, over all fibres.
    """

    curves: FibreCurves
    scatter: float
    lines: int

    def tilt(self) -> Floats:
        """Å per column at fixed row that the shared part of the solution has between neighbours, (fibres, rows).

        A fibre's own offset in the slit is its own; how the slit's image bends goes on across the fibre's image.
        """
        smooth = self.curves()
        offsets = self.curves.offsets
        index = np.arange(len(offsets))
        # Offsets hold the bend of the middle row and each fibre's own stand: what is smooth along the slit is the bend.
        degree = min(2 if len(offsets) < 100 else 4, len(offsets) - 1)
        bend = np.polynomial.Polynomial.fit(index, offsets, degree)(index)
        return np.gradient(smooth - (offsets - bend)[:, None], axis=0)


def solve_wavelengths(arc: Extracted, degrees: tuple[int, int] = _DEGREES) -> ArcSolution:
    """Wavelengths from an extracted arc.

    Parameters
    ----------
    arc : Extracted
    degrees : (int, int)
        Of the curves, along the slit and along the rows.

    Returns
    -------
    ArcSolution

    Raises
    ------
    BadInputError
        Too few lines are found to fit.
    """
    frame = arc.exposure.frame
    geometry = frame.geometry
    rows = np.arange(geometry.rows)
    nominal = nominal_wavelength(frame.arm, rows + geometry.first_row)
    lines, _ = arc_lines(nominal[0], nominal[-1])
    degrees = (degrees[0], min(degrees[1], len(lines) - 1))
    if degrees[1] < 1:
        raise BadInputError(f"{frame.place} covers {len(lines)} arc lines, too few to tell wavelengths")
    flux = np.nan_to_num(arc.flux)
    level = np.median(flux, axis=1, keepdims=True)
    flux = flux - level
    places = np.interp(lines, nominal, rows.astype(np.float64))
    slides = np.array([_slide(spectrum, places) for spectrum in flux])
    guess = places[None] + _bend(slides)[:, None]
    values = np.broadcast_to(lines, guess.shape).astype(np.float64)
    step = np.abs(np.gradient(nominal)).mean()
    for turn in range(3):
        centres, quality = _line_centres(flux, arc.ivar, guess)
        quality[np.abs(centres - guess) > (4.0, 2.0, 1.5)[turn]] = 0.0
        curves, kept = fit_curves(
            values,
            np.clip(centres, 0, geometry.rows - 1),
            quality / step**2,
            geometry.rows,
            degrees if turn else (min(2, degrees[0]), min(2, degrees[1])),
            floor=0.05 * step,
            what=f"arc lines of {frame.place}",
        )
        solved = curves(rows)
        guess = np.array([np.interp(lines, wave, rows) for wave in solved])
    error = np.array([np.interp(c, rows, wave) for c, wave in zip(centres, solved, strict=True)]) - lines
    return ArcSolution(curves, float(np.std(error[kept])), int(kept.sum()))


def _slide(spectrum: Floats, places: Floats) -> float:
    """Rows by which a spectrum is off: where most strong peaks stand on lines."""
    peaks, found = signal.find_peaks(spectrum, prominence=0.0, distance=5)
    if not peaks.size:
        return 0.0
    strongest = peaks[np.argsort(found["prominences"])[::-1][: 2 * len(places)]]
    distance = strongest[:, None] - places[None]
    slides = np.arange(-_SLIDE, _SLIDE + 1)
    score = np.exp(-0.5 * ((distance[None] - slides[:, None, None]) / 2.5) ** 2).max(axis=1).sum(axis=1)
    return float(slides[np.argmax(score)])


def _bend(slides: Floats) -> Floats:
    """Slides as a parabola along the slit, as its image bends; fibres that found a wrong one do not count."""
    index = np.linspace(-1.0, 1.0, len(slides))
    good = np.ones(len(slides), dtype=bool)
    for _ in range(5):
        fit = np.polynomial.Polynomial.fit(index[good], slides[good], min(2, good.sum() - 1), domain=[-1, 1])(index)
        error = np.abs(slides - fit)
        good = error <= max(3.0 * float(np.median(error)), 1.5)
    return np.asarray(fit)


def _line_centres(flux: Floats, ivar: Floats, guess: Floats) -> tuple[Floats, Floats]:
    """Rows of lines near the guesses and their inverse variances, (fibres, lines)."""
    rows = flux.shape[1]
    offsets = np.arange(-_REACH, _REACH + 1)
    centre = guess.copy()
    fibre = np.arange(len(flux))[:, None, None]
    for turn in range(6):
        base = np.clip(np.round(centre).astype(int), _REACH, rows - 1 - _REACH)
        index = base[:, :, None] + offsets
        x = index - centre[:, :, None]
        light = flux[fibre, index]
        if turn == 0:  # a first look with no weight finds the peak of a line a few rows away
            centre = base + np.argmax(light, axis=2) - _REACH + 0.0
            continue
        weight = np.exp(-0.5 * (x / _WIDTH) ** 2)
        total = (weight * light).sum(axis=2)
        shift = 2.0 * (weight * x * light).sum(axis=2) / np.where(total > 0, total, np.inf)
        centre = centre + np.clip(shift, -1.0, 1.0)
    w = ivar[fibre, index]
    noise = np.where(w > 0, 1.0 / np.where(w > 0, w, 1.0), 0.0)
    spread = (weight**2 * x**2 * noise).sum(axis=2)
    quality = np.where(total > 0, total**2 / np.maximum(4.0 * spread, 1e-12), 0.0)
    inside = (guess > _REACH) & (guess < rows - 1 - _REACH) & (w > 0).all(axis=2)
    quality = np.where(inside & (quality * _WIDTH**2 > 25.0), quality, 0.0)
    # Light that is not quite symmetric limits a centre to about 0.01 rows.
    return centre, np.where(quality > 0, 1.0 / (1.0 / np.maximum(quality, 1e-12) + 1e-4), 0.0)
