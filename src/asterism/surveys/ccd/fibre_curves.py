"""A quantity of every fibre that varies smoothly along it, the same way for neighbours: centres, wavelengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError

__all__ = ["FibreCurves", "fit_curves", "legendre"]

Floats = npt.NDArray[np.float64]

_CLIP = 4.0  # sigma beyond which a measurement is left out
_ROUNDS = 6


def legendre(x: npt.ArrayLike, degree: int) -> Floats:
    """Legendre polynomials P_0 to P_degree at x (in -1..1), shape (degree + 1, *x.shape)."""
    x = np.asarray(x, dtype=np.float64)
    out = np.ones((degree + 1, *x.shape))
    if degree:
        out[1] = x
    for n in range(1, degree):
        out[n + 1] = ((2 * n + 1) * x * out[n] - n * out[n - 1]) / (n + 1)
    return out


@dataclass(frozen=True)
class FibreCurves:
    """y(fibre, row) = offset[fibre] + sum over j, k > 0 of shape[j, k - 1] P_j(slit) P_k(row).

    Every fibre has its own offset; how it bends is shared and varies smoothly along the slit, so that a faint fibre is
    known from its neighbours.

    Attributes
    ----------
    offsets : ndarray of float64, shape (fibres,)
    shape : ndarray of float64, shape (J, K)
    rows : int
        Rows of the frame; they map to -1..1.
    """

    offsets: Floats
    shape: Floats
    rows: int

    def __call__(self, rows: npt.ArrayLike | None = None) -> Floats:
        """Values at rows (all by default), shape (fibres, rows)."""
        rows = np.arange(self.rows) if rows is None else np.asarray(rows)
        along = legendre(_unit(rows, self.rows), self.shape.shape[1])[1:]
        across = legendre(np.linspace(-1.0, 1.0, len(self.offsets)), self.shape.shape[0] - 1)
        # Elementwise sums, so that the result does not depend on how many threads a matrix product takes.
        bends = np.einsum("jf,jk->fk", across, self.shape)
        return self.offsets[:, None] + np.einsum("fk,kr->fr", bends, along)


def _unit(rows: npt.ArrayLike, total: int) -> Floats:
    return 2.0 * np.asarray(rows, dtype=np.float64) / max(total - 1, 1) - 1.0


def _bridge(offsets: Floats, measured: npt.NDArray[np.bool_]) -> Floats:
    """Offsets with those of fibres that were not measured put where their neighbours' go."""
    index, known = np.arange(len(offsets)), np.flatnonzero(measured)
    degree = min(2, len(known) - 1)
    smooth = np.polynomial.Polynomial.fit(known, offsets[known], degree, domain=[0, len(offsets) - 1])(index)
    return smooth + np.interp(index, known, (offsets - smooth)[known])


def fit_curves(
    values: Floats,
    at: npt.ArrayLike,
    weights: Floats,
    rows: int,
    degrees: tuple[int, int] = (3, 4),
    floor: float = 1e-4,
    what: str = "fibres",
) -> tuple[FibreCurves, npt.NDArray[np.bool_]]:
    """Fit curves to measurements, leaving out those that stand apart.

    Parameters
    ----------
    values : ndarray, shape (fibres, n)
        What was measured; anything where the weight is 0.
    at : array_like, shape (n,) or (fibres, n)
        Rows where it was measured, fractions allowed.
    weights : ndarray, shape (fibres, n)
        Inverse variances; 0: not measured.
    rows : int
        Rows of the frame.
    degrees : (int, int)
        Highest polynomials along the slit and along the rows.
    floor : float
        Scatter that is never clipped, in units of the values.
    what : str
        For the error.

    Returns
    -------
    FibreCurves
    ndarray of bool, shape (fibres, n)
        Measurements that were kept.

    Raises
    ------
    BadInputError
        Fewer measurements than the curves have coefficients.
    """
    fibres, n = values.shape
    u = np.linspace(-1.0, 1.0, fibres)
    v = np.broadcast_to(_unit(at, rows), values.shape)
    across = legendre(u, degrees[0])
    along = legendre(v, degrees[1])[1:]
    design = (across[:, None, :, None] * along[None]).reshape(-1, fibres, n)
    keep = weights > 0
    values = np.where(keep, values, 0.0)
    offsets, shape = np.zeros(fibres), np.zeros(len(design))
    for _ in range(_ROUNDS):
        w = np.where(keep, weights, 0.0)
        total = w.sum(axis=1)
        measured = total > 0
        if keep.sum() < len(design) + measured.sum() or measured.sum() < 2:
            raise BadInputError(f"only {int(keep.sum())} measurements of {what} are left, too few to fit their curves")
        safe = np.where(measured, total, 1.0)
        # Offsets are eliminated: each fibre's weighted means are taken out of values and polynomials.
        mean_design = np.einsum("cfn,fn->cf", design, w) / safe
        mean_value = (w * values).sum(axis=1) / safe
        centred = design - mean_design[:, :, None]
        residual = np.where(keep, values - mean_value[:, None], 0.0)
        normal = np.einsum("afn,bfn,fn->ab", centred, centred, w)
        right = np.einsum("afn,fn,fn->a", centred, residual, w)
        ridge = 1e-12 * np.trace(normal) / len(design) * np.eye(len(design))
        shape = np.linalg.solve(normal + ridge, right)
        offsets = mean_value - np.einsum("c,cf->f", shape, mean_design)
        if not measured.all():
            offsets = _bridge(offsets, measured)
        error = values - offsets[:, None] - np.einsum("c,cfn->fn", shape, design)
        pulls = error * np.sqrt(weights)
        scale = max(1.4826 * float(np.median(np.abs(pulls[keep]))), 1e-12)
        kept = (weights > 0) & ((np.abs(pulls) < _CLIP * scale) | (np.abs(error) < floor))
        if (kept == keep).all():
            break
        keep = kept
    return FibreCurves(offsets, shape.reshape(degrees[0] + 1, degrees[1]), rows), keep
