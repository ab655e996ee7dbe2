"""What makes redshift densities honest: their width and place, fitted on the calibration part, saved with the weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from asterism.errors import BadInputError

__all__ = ["RedshiftCalibration", "cumulative", "density_at"]

#: Cumulative probabilities closer to 0 and 1 than this count as this: an outlier must not rule the fit.
_EDGE = 1e-4


def cumulative(density: Tensor, grid: Tensor) -> Tensor:
    """Cumulative probabilities (..., G) of densities (..., G) that are linear between the points of a grid (G,)."""
    steps = 0.5 * (density[..., 1:] + density[..., :-1]) * torch.diff(grid)
    return torch.nn.functional.pad(steps.cumsum(-1), (1, 0))


def density_at(density: Tensor, grid: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Density and cumulative probability at a redshift of each object.

    Parameters
    ----------
    density : Tensor
        (N, G), linear between the points of the grid.
    grid : Tensor
        (G,) increasing.
    z : Tensor
        (N,) within the grid.

    Returns
    -------
    density, probability : Tensor
        (N,) each.
    """
    left = (torch.searchsorted(grid, z.contiguous(), right=True) - 1).clamp(0, len(grid) - 2)[:, None]
    low, high = density.gather(1, left)[:, 0], density.gather(1, left + 1)[:, 0]
    start, width = grid[left[:, 0]], grid[left[:, 0] + 1] - grid[left[:, 0]]
    part = (z - start) / width
    here = low + part * (high - low)
    below = cumulative(density, grid).gather(1, left)[:, 0] + 0.5 * (low + here) * (z - start)
    return here, below


class RedshiftCalibration(nn.Module):
    """Two numbers for each density of a head: a Beta distribution of its cumulative probabilities.

    p' ∝ p · beta(F; a, b), with the Beta density at the cumulative probability F. With a = b above 1 it narrows a
    density, below 1 it widens it; where the truth lies low in its densities too often (b > a), they are moved down. This
    is the beta-transformed linear pool of Ranjan & Gneiting (2010, JRSS B 72, 71; section 3.2), which is for what a mean
    over members is: a pool that is too wide although each member is right. a and b are those of maximum likelihood,
    which asks for nothing but the cumulative probabilities at the true redshifts of the calibration part.

    Two other ways were tried by cross-validation within calibration parts: a power of the density (as a temperature)
    leaves it where it is, and power and Beta together share one width between them, which makes them less stable.

    Parameters
    ----------
    grid : Tensor
        (G,) float64, increasing.
    densities : int
        C.

    Attributes
    ----------
    shape : Tensor
        (C, 2) a and b; 1 until fitted.
    """

    grid: Tensor
    shape: Tensor

    def __init__(self, grid: Tensor, densities: int) -> None:
        super().__init__()
        self.register_buffer("grid", grid.clone(), persistent=False)
        self.register_buffer("shape", torch.ones(densities, 2))

    def forward(self, density: Tensor) -> Tensor:
        """Calibrated densities (B, C, G), integral 1, of densities (B, C, G) of integral 1."""
        grid = self.grid.to(density)
        below = cumulative(density, grid).clamp(_EDGE, 1 - _EDGE)
        a, b = self.shape.to(density)[:, :, None].unbind(1)
        moved = density * torch.exp((a - 1) * below.log() + (b - 1) * torch.log1p(-below))
        return moved / torch.trapezoid(moved, grid)[..., None]

    def fit(self, density: Tensor, z: Tensor, index: int = 0) -> RedshiftCalibration:
        """Set the numbers of one density of the head.

        Parameters
        ----------
        density : Tensor
            (N, G) of the calibration part, as the head gives them.
        z : Tensor
            (N,) true redshifts within the grid.
        index : int
            Which of the C densities.

        Raises
        ------
        BadInputError
            When there is no object.
        """
        from scipy.optimize import minimize
        from scipy.special import betaln

        if not len(z):
            raise BadInputError(
                "no object of the calibration part has a redshift; calibrate on a catalog with redshifts"
            )
        below = density_at(density.double(), self.grid, z.double())[1].clamp(_EDGE, 1 - _EDGE).numpy()
        low, high = float(np.log(below).mean()), float(np.log1p(-below).mean())

        def loss(logs: np.ndarray) -> float:
            a, b = np.exp(logs)
            return float(betaln(a, b) - (a - 1) * low - (b - 1) * high)

        best = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-2.0, 3.0)] * 2)
        self.shape[index] = torch.tensor(np.exp(best.x), dtype=self.shape.dtype)
        return self
