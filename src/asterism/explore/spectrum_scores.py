"""How near a predicted spectrum is to the observed one: χ² per pixel, in and out of lines, and two ways to predict compared.

Predictions are of relative flux (`asterism.explore.spectrum_from_image`). The true redshift and class are used here and
nowhere before: they say which pixels are in lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asterism.errors import BadInputError
from asterism.explore.spectral_lines import lines_of
from asterism.explore.spectrum_from_image import Spectra
from asterism.learning.intervals import PairedDifference, bootstrap_mean, paired_difference

__all__ = ["chi_square", "compare_predictions", "line_pixels", "spectrum_scores"]

Floats = NDArray[np.float64]
_LIGHT = 299792.458  # km/s


def line_pixels(
    wavelength: ArrayLike, class_name: str | None, redshift: float | None, *, velocity: float | None = None
) -> NDArray[np.bool_]:
    """Pixels (P,) within `velocity` of a line that an object of this class has at this redshift.

    Parameters
    ----------
    wavelength : array_like, shape (P,)
        Å, vacuum.
    class_name : str or None
        STAR, GALAXY or QSO; see `asterism.explore.spectral_lines.lines_of`.
    redshift : float or None
        The true one; without it no pixel is in a line. Lines are for scoring only, no prediction knows of them.
    velocity : float, optional
        km/s; by default 500, for quasars' broad lines 3,000.
    """
    grid = np.asarray(wavelength, dtype=float)
    reach = velocity if velocity is not None else (3000.0 if class_name == "QSO" else 500.0)
    inside = np.zeros(len(grid), bool)
    for _, centre in lines_of(class_name, redshift):
        inside |= np.abs(grid / centre - 1) <= reach / _LIGHT
    return inside


def chi_square(predicted: ArrayLike, true: Spectra, lines: ArrayLike) -> dict[str, Floats]:
    """χ² per pixel of predictions against observed spectra, in lines and out of them.

    The level of a prediction is free: it is fitted to each spectrum by least squares, the same for lines and continuum. χ² is
    1 where a prediction is right to the noise.

    Parameters
    ----------
    predicted : array_like, shape (q, P)
        Relative flux; NaN where nothing is predicted.
    true : Spectra
        q spectra.
    lines : array_like of bool, shape (q, P)
        As `line_pixels` gives them.

    Returns
    -------
    dict of str to ndarray, shape (q,)
        ``all``, ``lines``, ``continuum`` (out of lines): χ² per pixel, NaN where there is no pixel; and ``level``.

    Raises
    ------
    BadInputError
        The shapes don't fit.
    """
    model, inside = np.asarray(predicted, dtype=float), np.asarray(lines, dtype=bool)
    if model.shape != true.flux.shape or inside.shape != model.shape:
        raise BadInputError(
            f"predictions {model.shape} and spectra {true.flux.shape} must be of the same objects and pixels"
        )
    result = {name: np.full(len(model), np.nan) for name in ("all", "lines", "continuum", "level")}
    for row in range(len(model)):
        seen = (true.ivar[row] > 0) & np.isfinite(model[row])
        m, f, w = model[row, seen], true.flux[row, seen].astype(float), true.ivar[row, seen].astype(float)
        power = (w * m * m).sum()
        if not power > 0:
            continue
        level = (w * f * m).sum() / power
        chi = w * (f - level * m) ** 2
        result["level"][row] = level
        for name, chosen in (
            ("all", np.ones(len(m), bool)),
            ("lines", inside[row, seen]),
            ("continuum", ~inside[row, seen]),
        ):
            if chosen.any():
                result[name][row] = chi[chosen].mean()
    return result


def spectrum_scores(
    chi: dict[str, Floats], *, sources: ArrayLike | None = None, resamples: int = 2000
) -> dict[str, Any]:
    """Figures of one way to predict.

    Returns
    -------
    dict
        JSON-able: ``n``; of all pixels, those in lines (``_lines``) and out of them (``_continuum``) the median over objects
        ``chi2…`` and the mean of log10 χ² ``log_chi2…`` with its 95 % interval: a few bright objects, of which no prediction is right
        to the noise, would be the whole of a mean of χ².
    """
    result: dict[str, Any] = {"n": int(np.isfinite(chi["all"]).sum())}
    if not result["n"]:
        raise BadInputError("no predicted spectrum can be scored: nothing was observed where something is predicted")
    for name, key in (("all", ""), ("lines", "_lines"), ("continuum", "_continuum")):
        there = np.isfinite(chi[name])
        if not there.any():
            continue
        values = np.log10(np.maximum(chi[name][there], 1e-6))
        of = None if sources is None else np.asarray(sources)[there]
        result[f"chi2{key}"] = float(np.median(chi[name][there]))
        result[f"log_chi2{key}"] = float(values.mean())
        result[f"log_chi2{key}_interval"] = list(bootstrap_mean(values, of, resamples=resamples))
    return result


def compare_predictions(
    ours: dict[str, Floats], theirs: dict[str, Floats], sources: ArrayLike | None = None, *, resamples: int = 2000
) -> dict[str, PairedDifference]:
    """Mean of log10 χ² of ours less theirs on the objects that both score: below 0 where ours is nearer the truth."""
    result = {}
    for name, key in (("all", ""), ("lines", "_lines"), ("continuum", "_continuum")):
        both = np.isfinite(ours[name]) & np.isfinite(theirs[name])
        if both.any():
            a, b = (np.log10(np.maximum(chi[name][both], 1e-6)) for chi in (ours, theirs))
            of = None if sources is None else np.asarray(sources)[both]
            result[f"log_chi2{key}"] = paired_difference(a, b, of, resamples=resamples)
    return result
