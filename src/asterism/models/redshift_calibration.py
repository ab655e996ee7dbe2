"""What makes redshift densities honest: their width and place, fitted on the calibration part, saved with the weights."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from asterism.errors import BadInputError

__all__ = ["RedshiftCalibration", "cumulative", "density_at"]


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
    """Three numbers for each density of a head: a power, and a Beta distribution of its cumulative probabilities.

    First p' ∝ p^α, which narrows (α > 1) or widens a density and its peaks, as a temperature does with classes. Then
    p'' = p' · beta(F'; a, b) with the Beta density at the cumulative probability F': where the truth lies low in its
    densities too often (b > a), they are moved down. This is the beta-transformed linear pool of Ranjan & Gneiting
    (2010, JRSS B 72, 71; eq. 8), which is for what a mean over members is: a pool that is too wide although each
    member is right. All three are those of maximum likelihood on the calibration part.

    Parameters
    ----------
    grid : Tensor
        (G,) float64, increasing.
    densities : int
        C.

    Attributes
    ----------
    power : Tensor
        (C,) α; 1 until fitted.
    shape : Tensor
        (C, 2) a and b; 1 until fitted.
    """

    grid: Tensor
    power: Tensor
    shape: Tensor

    def __init__(self, grid: Tensor, densities: int) -> None:
        super().__init__()
        self.register_buffer("grid", grid.clone(), persistent=False)
        self.register_buffer("power", torch.ones(densities))
        self.register_buffer("shape", torch.ones(densities, 2))

    def forward(self, density: Tensor) -> Tensor:
        """Calibrated densities (B, C, G) of densities (B, C, G)."""
        return _calibrated(density, self.grid.to(density), self.power[:, None], self.shape[:, None, :])

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

        if not len(z):
            raise BadInputError(
                "no object of the calibration part has a redshift; calibrate on a catalog with redshifts"
            )
        density, z, grid = density.double(), z.double(), self.grid

        def loss(parameters: np.ndarray) -> float:
            power, a, b = (math.exp(value) for value in parameters)
            told = _calibrated(density, grid, torch.tensor(power), torch.tensor([a, b]))
            return float(-density_at(told, grid, z)[0].clamp_min(1e-9).log().mean())

        best = minimize(loss, np.zeros(3), method="Nelder-Mead", bounds=[(-2.0, 2.0)] * 3, options={"xatol": 1e-3})
        self.power[index] = math.exp(best.x[0])
        self.shape[index] = torch.tensor(np.exp(best.x[1:]), dtype=self.shape.dtype)
        return self


def _calibrated(density: Tensor, grid: Tensor, power: Tensor, shape: Tensor) -> Tensor:
    """Densities (..., G) to a power (..., 1), then through a Beta distribution with shape (..., 2)."""
    peak = density.amax(-1, keepdim=True).clamp_min(1e-30)
    sharpened = (density / peak).clamp_min(1e-30).log().mul(power).exp()
    sharpened = sharpened / torch.trapezoid(sharpened, grid)[..., None]
    below = cumulative(sharpened, grid).clamp(1e-6, 1 - 1e-6)
    a, b = shape[..., :1], shape[..., 1:]
    moved = sharpened * torch.exp((a - 1) * below.log() + (b - 1) * torch.log1p(-below))
    return moved / torch.trapezoid(moved, grid)[..., None]
