"""Where the fibres lie on a frame: found across its middle, followed along the dispersion, fitted as smooth curves.

Works on a flat, where every fibre is bright, and on a science frame, where sky lights every fibre a little. A fibre too
faint to be seen is placed by its neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

from asterism.errors import BadInputError
from asterism.surveys.ccd.ccd_calibration import Exposure
from asterism.surveys.ccd.fibre_curves import FibreCurves, fit_curves
from asterism.surveys.ccd.lamost_frames import Geometry

__all__ = ["find_fibres", "trace_fibres"]

Floats = npt.NDArray[np.float64]

_BINS = 64  # places along the rows where centres are measured. choice: enough for curves of degree 5
_WIDTH = 2.6  # sigma of the weight with which a centre is measured, pixels. choice: near the fibre image's own
_REACH = 5  # pixels either side that count in it: neighbours' cores stay out
_CONTRAST = 0.25  # natural log by which a peak must stand over its valleys. choice: equal neighbours make it 2


def find_fibres(across: Floats, noise: float, geometry: Geometry, place: str = "the frame") -> Floats:
    """Centres of the fibres in one cut across the slit.

    Parameters
    ----------
    across : ndarray, shape (columns,)
        Electrons per pixel, averaged over some rows.
    noise : float
        Standard deviation of one of its pixels in the dark.
    geometry : Geometry
        How many fibres, and how far apart.
    place : str
        For the error.

    Returns
    -------
    ndarray of float64, shape (fibres,)
        Columns; a fibre without light is put between its neighbours.

    Raises
    ------
    BadInputError
        Fewer than half of the fibres are seen, or more than there are.
    """
    smooth = ndimage.gaussian_filter1d(np.asarray(across, dtype=np.float64), 1.5)
    # In logarithm a faint fibre beside a bright one stands out as well as the bright one does.
    level = np.log(np.maximum(smooth, 0.0) + 8.0 * noise)
    peaks, _ = signal.find_peaks(level, distance=max(1, int(0.6 * geometry.pitch)), prominence=_CONTRAST)
    if len(peaks) < max(2, geometry.fibres // 2):
        raise BadInputError(
            f"{place} shows {len(peaks)} fibres where there are {geometry.fibres}; give a flat, or a deeper exposure"
        )
    # Vertex of the parabola through each peak's three points.
    left, top, right = level[peaks - 1], level[peaks], level[peaks + 1]
    centres = peaks + 0.5 * (left - right) / np.minimum(left - 2.0 * top + right, -1e-9)
    steps = np.diff(centres)
    local = ndimage.median_filter(steps, size=min(11, len(steps)), mode="nearest")
    numbers = np.concatenate([[0], np.cumsum(np.maximum(np.round(steps / local), 1.0))]).astype(int)
    spare = geometry.fibres - 1 - numbers[-1]
    if spare < 0:
        raise BadInputError(
            f"{place} shows light at {numbers[-1] + 1} places of the slit, but there are {geometry.fibres} fibres"
        )
    nominal = geometry.nominal_centres
    # Where outer fibres are dark, the slit's nominal place tells which are missing.
    misfits = [float(np.abs(np.median(centres - nominal[numbers + shift]))) for shift in range(spare + 1)]
    numbers = numbers + int(np.argmin(misfits))
    straight = np.interp(np.arange(geometry.fibres), numbers, centres)
    first, last = numbers[0], numbers[-1]
    pitch = float(np.median(local))
    index = np.arange(geometry.fibres)
    straight[:first] = centres[0] + pitch * (index[:first] - first)
    straight[last + 1 :] = centres[-1] + pitch * (index[last + 1 :] - last)
    return straight


def trace_fibres(exposure: Exposure, degrees: tuple[int, int] = (4, 5)) -> FibreCurves:
    """Trace every fibre along the dispersion.

    Parameters
    ----------
    exposure : Exposure
        A flat, or a science frame.
    degrees : (int, int)
        Of the curves, along the slit and along the rows.

    Returns
    -------
    FibreCurves
        Centres in columns.

    Raises
    ------
    BadInputError
        As `find_fibres`.
    """
    frame = exposure.frame
    geometry = frame.geometry
    height = max(4, min(24, geometry.rows // 16))
    n = min(_BINS, geometry.rows // height)
    middles = np.linspace(height / 2, geometry.rows - height / 2, n)
    cuts, variances = np.empty((n, geometry.columns)), np.empty((n, geometry.columns))
    for i, middle in enumerate(middles):
        rows = slice(int(middle - height / 2), int(middle - height / 2) + height)
        good = exposure.ivar[rows] > 0
        counts = np.maximum(good.sum(axis=0), 1)
        cuts[i] = np.where(good, exposure.electrons[rows], 0.0).sum(axis=0) / counts
        with np.errstate(divide="ignore"):
            variances[i] = np.where(good, 1.0 / exposure.ivar[rows], 0.0).sum(axis=0) / counts**2
    noise = float(np.mean(exposure.read_noise)) / np.sqrt(height)
    middle = n // 2
    start = find_fibres(cuts[middle], noise, geometry, frame.place)
    centres = np.empty((n, geometry.fibres))
    weights = np.empty_like(centres)
    centres[middle], weights[middle] = _centroids(cuts[middle], variances[middle], start)
    for order, step in ((range(middle + 1, n), -1), (range(middle - 1, -1, -1), 1)):
        for i in order:
            # The whole comb moves together from cut to cut; a fibre that lost itself in noise must not drift away.
            guess = centres[i + step]
            if abs(i + step - middle) > 0:
                guess = 2.0 * guess - centres[i + 2 * step]
            guess = start + ndimage.median_filter(guess - start, size=9, mode="mirror")
            centres[i], weights[i] = _centroids(cuts[i], variances[i], guess)
    for _ in range(2):
        curves, _ = fit_curves(
            centres.T,
            middles - 0.5,
            weights.T,
            geometry.rows,
            degrees,
            floor=0.02,
            what=f"fibre centres of {frame.place}",
        )
        guess = curves(middles - 0.5).T
        for i in range(n):
            centres[i], weights[i] = _centroids(cuts[i], variances[i], guess[i])
    return curves


def _centroids(cut: Floats, variance: Floats, guess: Floats) -> tuple[Floats, Floats]:
    """Centres and their inverse variances by moments with a Gaussian weight that moves along; (fibres,) each."""
    columns = len(cut)
    padded = np.pad(cut, _REACH + 1)
    noise = np.pad(variance, _REACH + 1)
    offsets = np.arange(-_REACH, _REACH + 1)
    centre = np.clip(guess, 0, columns - 1)
    for _ in range(4):
        base = np.clip(np.round(centre).astype(int), 0, columns - 1)
        x = base[:, None] + offsets - centre[:, None]
        weight = np.exp(-0.5 * (x / _WIDTH) ** 2)
        light = padded[base[:, None] + offsets + _REACH + 1]
        total = (weight * light).sum(axis=1)
        # A weight as wide as the image halves the shift that it sees, hence the 2.
        shift = 2.0 * (weight * x * light).sum(axis=1) / np.where(total > 0, total, np.inf)
        centre = np.clip(centre + np.clip(shift, -1.0, 1.0), guess - 3.0, guess + 3.0)
    spread = (weight**2 * x**2 * noise[base[:, None] + offsets + _REACH + 1]).sum(axis=1)
    quality = np.where(total > 0, total**2 / np.maximum(4.0 * spread, 1e-9), 0.0)
    # Light of a fibre falls off to either side; where it does not, it is a neighbour's and the fibre is dark.
    ends, middle = light[:, [1, -2]].max(axis=1), light[:, _REACH - 1 : _REACH + 2].mean(axis=1)
    quality = np.where(middle > ends, quality, 0.0)
    # Below a signal of five sigma a centre is a guess; above that, unevenness of the pixels limits it to 0.01 pixel.
    quality = np.where(quality * _WIDTH**2 > 25.0, quality, 0.0)
    return centre, 1.0 / (1.0 / np.maximum(quality, 1e-12) + 1e-4) * (quality > 0)
