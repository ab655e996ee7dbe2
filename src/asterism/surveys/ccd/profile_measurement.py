"""Measure the fibres' profiles on a frame: width, shape and wings, with every flux left free.

Fluxes enter linearly and there are very many, so they are eliminated (variable projection, Golub & Pereyra 1973, in
Kaufman's approximation): the steps in centre, width and shape are fitted to what the fluxes can't take up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import optimize

from asterism.surveys.ccd.ccd_calibration import Exposure, Image
from asterism.surveys.ccd.extraction import fit_rows, spread_rows
from asterism.surveys.ccd.fibre_curves import FibreCurves, legendre
from asterism.surveys.ccd.fibre_profiles import REACH, FibreProfile, hermite, spread_wings
from asterism.surveys.ccd.scattered_light import EDGE, dark_edges

__all__ = ["align_profile", "measure_profile"]

Floats = npt.NDArray[np.float64]

_SAMPLE = 48  # rows on which the profile is measured. choice: thousands of fibre images, in seconds
# Gaussian with which the fit starts, pixels. choice: images of 7 to 9 pixels (lamost.org, CCD page) have moments of about
# 2.8, and the series of a flat-topped image converges fastest about a Gaussian that is narrower by a fifth; the second
# order, which makes up for that, is held, and the width is free instead.
_START_WIDTH, _SECOND = 2.2, 0.28
_SERIES = (3, 4, 5, 6, 8)  # Hermite orders of the core. choice: a blurred disc to 0.05 per cent of its peak
_DEGREES = (2, 2)  # of the polynomials over the frame
_RADII = (2.0, 15.0)  # between which the wings' radius is looked for, pixels
_DARK = 11.5  # pixels from a fibre where its core has ended; choice: images of 7 to 9 pixels
_DEAD = 0.02  # of the median fibre's light below which a fibre is dark, and its place shows its neighbours' wings
_SUBROWS = 4  # rows of a stretch at which its wings are modelled
_BLOCKS = 16  # stretches of rows over which light at the dark edges is averaged


def measure_profile(exposure: Exposure, centres: FibreCurves, rounds: int = 4) -> FibreProfile:
    """Profiles of all fibres from a frame in which they shine.

    Parameters
    ----------
    exposure : Exposure
        Best a flat.
    centres : FibreCurves
        Where the fibres are.
    rounds : int
        Steps of the fit.

    Returns
    -------
    FibreProfile
    """
    profile = FibreProfile(
        centres=centres,
        width=np.array([[_START_WIDTH]]),
        series={2: np.array([[_SECOND]])},
        columns=exposure.frame.geometry.columns,
    )
    for turn in range(rounds):
        orders = (1, 2, 4) if turn == 0 else (1, 2, *_SERIES)
        profile = _step(exposure, profile, orders, _DEGREES)
        if turn > 0:
            profile = _shift_fibres(exposure, profile)
        profile = _measure_wings(exposure, profile)
    return profile


def align_profile(exposure: Exposure, profile: FibreProfile, rounds: int = 2) -> FibreProfile:
    """The profile of another frame of the same camera, moved and focused to this one.

    Between exposures the camera bends a little: centres move and widths change by polynomials of first degree over the frame;
    shape and wings stay.

    Parameters
    ----------
    exposure : Exposure
    profile : FibreProfile
    rounds : int
        Steps of the fit.

    Returns
    -------
    FibreProfile
    """
    for _ in range(rounds):
        profile = _step(exposure, profile, (1, 2), (1, 1))
    return profile


def _sample(rows: int) -> npt.NDArray[np.intp]:
    return np.unique(np.round(np.linspace(0.01, 0.99, min(_SAMPLE, rows)) * (rows - 1)).astype(np.intp))


def _residual(
    exposure: Exposure, profile: FibreProfile
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Image, Floats, Image, Image]:
    """Sampled rows, window middles, profiles, fluxes, what the model leaves of the data, and its weight."""
    rows = _sample(exposure.frame.geometry.rows)
    columns = profile.columns
    data, weight = exposure.electrons[rows], exposure.ivar[rows]
    base, shape = profile.windows(rows)
    read = exposure.read_variance()
    wings = np.zeros_like(data)
    for turn in range(3):
        flux, _, seen = fit_rows(base, shape, data - wings, weight)
        flux = np.where(seen, flux, 0.0)
        model = spread_rows(base, shape * flux.astype(np.float32)[:, :, None], columns)
        residual = data - wings - model
        if turn == 2:
            break
        # The model's own noise, as that of the data would favour pixels that came out low; one per cent for the pixels'
        # response; and nothing where a cosmic ray was missed, far beyond what a profile not yet right explains.
        noise = np.maximum(model + wings, 0.0) + read + (0.01 * model) ** 2
        stray = np.abs(residual) > 8.0 * np.sqrt(noise) + 0.2 * np.abs(model)
        weight = np.where((weight > 0) & ~stray, 1.0 / noise, 0.0).astype(np.float32)
        wings = profile.wings(flux, rows)
    return rows, base, shape, flux, residual, weight


def _step(exposure: Exposure, profile: FibreProfile, orders: Sequence[int], degrees: tuple[int, int]) -> FibreProfile:
    """One Gauss-Newton step in the coefficients of these Hermite orders; 1 moves centres, 2 widens."""
    rows, base, shape, flux, residual, weight = _residual(exposure, profile)
    columns = profile.columns
    # How the model changes with each coefficient, less what the fluxes take up of it.
    tangents = _tangents(profile, rows, flux, orders)
    across = legendre(np.linspace(-1.0, 1.0, len(profile.centres.offsets)), degrees[0])
    along = legendre(2.0 * rows / max(profile.centres.rows - 1, 1) - 1.0, degrees[1])
    changes = []
    for order in orders:
        term = tangents[order]
        for j in range(degrees[0] + 1):
            for k in range(degrees[1] + 1):
                scale = (along[k][:, None] * across[j]).astype(np.float32)
                change = spread_rows(base, term * scale[:, :, None], columns)
                taken, _, fitted = fit_rows(base, shape, change, weight)
                known = np.where(fitted, taken, 0.0).astype(np.float32)
                changes.append(change - spread_rows(base, shape * known[:, :, None], columns))
    step = _least_squares(changes, residual, weight).reshape(len(orders), degrees[0] + 1, degrees[1] + 1)
    return _apply(profile, dict(zip(orders, step, strict=True)))


def _tangents(
    profile: FibreProfile, rows: npt.NDArray[np.intp], flux: Floats, orders: Sequence[int]
) -> dict[int, Image]:
    """Change of each fibre's light per step, (r, fibres, 2 * REACH + 1).

    Order 1 is a shift of the centre by one sigma, 2 a growth of the width by a factor e, higher ones a Hermite coefficient.
    """
    _, x, sigma = profile.arguments(rows)
    polynomials = hermite(x, max(*orders, *(n + 2 for n in profile.series), 2))
    gauss = np.exp(-0.5 * x**2) * (flux / (np.sqrt(2.0 * np.pi) * sigma)).astype(np.float32)[:, :, None]
    series = {0: np.ones((1, 1)), **profile.series}
    out = {}
    for order in orders:
        if order > 2:
            out[order] = gauss * polynomials[order]
            continue
        total = np.zeros_like(x)
        for n, coefficients in series.items():
            g = profile.at(coefficients, rows).astype(np.float32)[:, :, None]
            # d/dx of He_n times the Gaussian is minus He_(n+1) times it.
            total += g * (polynomials[n + 1] if order == 1 else polynomials[n + 2] + np.float32(n) * polynomials[n])
        out[order] = gauss * total
    return out


def _shift_fibres(exposure: Exposure, profile: FibreProfile) -> FibreProfile:
    """Each fibre moved to where its own residual asks for, all rows together."""
    rows, base, _, flux, residual, weight = _residual(exposure, profile)
    change = _tangents(profile, rows, flux, (1,))[1]
    index = (base[:, :, None] + np.arange(2 * REACH + 1)).reshape(len(rows), -1)
    around = [
        np.take_along_axis(np.pad(image, ((0, 0), (REACH, REACH))), index, axis=1) for image in (residual, weight)
    ]
    left, w = (image.reshape(change.shape) for image in around)
    push = np.einsum("rfx,rfx,rfx->f", change, left, w, dtype=np.float64)
    stiff = np.einsum("rfx,rfx,rfx->f", change, change, w, dtype=np.float64)
    # What is common to all fibres is the global step's to find.
    sigma = profile.sigma(rows).mean(axis=0)
    shift = sigma * np.clip(push / np.maximum(stiff, 1e-12 * stiff.max() + 1e-300), -0.1, 0.1)
    curves = profile.centres
    return replace(profile, centres=FibreCurves(curves.offsets + shift, curves.shape, curves.rows))


def _least_squares(changes: Sequence[npt.NDArray], residual: npt.NDArray, weight: npt.NDArray) -> Floats:
    """Weighted least squares by normal equations, summed without threads."""
    n = len(changes)
    design = np.stack([change.ravel() for change in changes]).astype(np.float64)
    weighted = design * weight.ravel().astype(np.float64)
    normal, right = np.empty((n, n)), np.einsum("ap,p->a", weighted, residual.ravel().astype(np.float64))
    for a in range(n):
        normal[a, : a + 1] = np.einsum("p,bp->b", weighted[a], design[: a + 1])
        normal[: a + 1, a] = normal[a, : a + 1]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal * scale[:, None] * scale[None] + 1e-9 * np.eye(n)
    return scale * np.linalg.solve(scaled, right * scale)


def _add(one: Floats, other: Floats) -> Floats:
    """Sum of two coefficient tables of unlike degrees."""
    total = np.zeros(tuple(np.maximum(one.shape, other.shape)))
    total[: one.shape[0], : one.shape[1]] += one
    total[: other.shape[0], : other.shape[1]] += other
    return total


def _apply(profile: FibreProfile, step: dict[int, Floats]) -> FibreProfile:
    """A profile with its coefficients stepped; first and second moments go to centres and widths."""
    size = step[1].shape
    nodes = [np.polynomial.legendre.leggauss(n + 2) for n in size]
    across, along = (legendre(x, n - 1) for (x, _), n in zip(nodes, size, strict=True))
    mean_width = _values(profile.width, nodes)
    shift = mean_width * np.einsum("jk,ja,kb->ab", step[1], across, along)
    # A step of a half is far enough in one go: beyond it the series is no small change.
    wider = mean_width * np.clip(np.einsum("jk,ja,kb->ab", step[2], across, along), -0.3, 0.3)

    def project(values: Floats) -> Floats:
        """Legendre coefficients of values at Gauss's nodes."""
        norm = [(2.0 * np.arange(n) + 1.0) / 2.0 for n in size]
        return np.einsum(
            "ab,ja,kb,a,b,j,k->jk", values, across, along, nodes[0][1], nodes[1][1], norm[0], norm[1], optimize=False
        )

    moved = profile.moved(project(np.clip(shift, -1.0, 1.0)))
    series = dict(profile.series)
    for order, change in step.items():
        if order > 2:
            series[order] = _add(series.get(order, np.zeros((1, 1))), change)
    return replace(moved, width=_add(profile.width, project(wider)), series=series)


def _values(coefficients: Floats, nodes: list[tuple[Floats, Floats]]) -> Floats:
    across = legendre(nodes[0][0], coefficients.shape[0] - 1)
    along = legendre(nodes[1][0], coefficients.shape[1] - 1)
    return np.einsum("jk,ja,kb->ab", coefficients, across, along)


def _blocks(exposure: Exposure) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Mean electrons and their inverse variance over stretches of rows, (blocks, columns), and the stretches' bounds."""
    rows = exposure.frame.geometry.rows
    bounds = np.linspace(0, rows, min(_BLOCKS, rows) + 1).astype(np.intp)
    means, weights = [], []
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        good = exposure.ivar[start:stop] > 0
        count = np.maximum(good.sum(axis=0), 1)
        mean = np.where(good, exposure.electrons[start:stop], 0.0).sum(axis=0, dtype=np.float64) / count
        means.append(mean)
        weights.append(count / (np.maximum(mean, 0.0) + exposure.read_variance()))
    return np.array(means), np.array(weights), bounds


def _block_fluxes(exposure: Exposure, profile: FibreProfile, bounds: npt.NDArray[np.intp]) -> Floats:
    """Mean flux of each fibre over each stretch, from every few of its rows, (blocks, fibres)."""
    at = np.arange(0, bounds[-1], max(1, bounds[-1] // 512))
    base, shape = profile.windows(at)
    data, weight = exposure.electrons[at], exposure.ivar[at]
    flux, _, seen = fit_rows(base, shape, data, weight)
    if profile.wing_share.any():
        flux, _, seen = fit_rows(base, shape, data - profile.wings(np.where(seen, flux, 0.0), at), weight)
    flux = np.where(seen, flux, 0.0)
    block = np.searchsorted(bounds, at, side="right") - 1
    return np.array([flux[block == b].mean(axis=0) for b in range(len(bounds) - 1)])


def _dark_columns(centres: Floats, columns: int) -> npt.NDArray[np.bool_]:
    """Columns that are further than a core from every one of these centres, (r, columns)."""
    index = np.arange(columns)
    dark = np.empty((len(centres), columns), dtype=bool)
    for row, at in zip(dark, np.sort(centres, axis=1), strict=True):
        above = np.clip(np.searchsorted(at, index), 1, len(at) - 1)
        np.greater(np.minimum(np.abs(index - at[above - 1]), np.abs(index - at[above])), _DARK, out=row)
    return dark


def _measure_wings(exposure: Exposure, profile: FibreProfile) -> FibreProfile:
    """Share and radius of the wings where no fibre's core is: beside the slit and where fibres are dead.

    Scattered light is left free, linear along the slit.
    """
    left, right = dark_edges(profile)
    columns = profile.columns
    if left < EDGE or columns - right < EDGE:
        return profile
    means, weights, bounds = _blocks(exposure)
    n = len(means)
    # Traces slant: within a stretch, the wings of a few of its rows are averaged as the data are.
    share = (np.arange(_SUBROWS) + 0.5) / _SUBROWS
    rows = (bounds[:-1, None] + share * np.diff(bounds)[:, None]).ravel()
    light = _block_fluxes(exposure, profile, bounds)
    flux = np.repeat(light, _SUBROWS, axis=0)
    across = legendre(np.linspace(-1.0, 1.0, len(profile.centres.offsets)), 1)
    along = legendre(2.0 * rows / max(profile.centres.rows - 1, 1) - 1.0, 1)
    centres = profile.centres(rows).T
    lit = light.mean(axis=0) > _DEAD * np.median(light.mean(axis=0))
    ends = profile.centres(np.r_[bounds[:-1], bounds[1:] - 1]).T[:, lit]
    dark = _dark_columns(ends[:n], columns) & _dark_columns(ends[n:], columns)
    data, weight = means[dark], weights[dark]
    tilt = np.broadcast_to(np.linspace(-1.0, 1.0, columns), means.shape)[dark]

    def fit(radius: float) -> tuple[float, Floats]:
        design = []
        for j in range(2):
            for k in range(2):
                wings = spread_wings(flux * across[j] * along[k][:, None], centres, columns, radius)
                design.append(wings.reshape(n, _SUBROWS, columns).mean(axis=1, dtype=np.float64)[dark])
        design += [np.ones_like(tilt), tilt]
        solution = _least_squares(design, data, weight)
        residual = data - np.einsum("a,ap->p", solution, np.array(design))
        return float((weight * residual**2).sum()), solution[:4].reshape(2, 2)

    best = optimize.minimize_scalar(lambda r: fit(r)[0], bounds=_RADII, method="bounded", options={"xatol": 0.05})
    found = fit(float(best.x))[1]
    if not 0.0 < found[0, 0] < 0.2:  # noise only: the core is all that can be said
        return replace(profile, wing_share=np.zeros((1, 1)))
    return replace(profile, wing_share=found, wing_radius=float(best.x))
