"""Spectra from eigenvectors without coefficients: those that come nearest to what an object should look like.

The surveys' eigenspectra say how galaxies and quasars vary, not which mixtures occur. An object's mixture is the one
that fits, in relative least squares and bins of 0.004 dex, the embedded model of this object (its type, slope, lines and
dust): broad shape and strengths are then the object's, and what the model leaves out (blends, line profiles, iron, the
thousand small features of stars) is the survey's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.sampling import pixel_edges, pixel_means, running_integral

__all__ = ["Eigenspectra"]

Floats = npt.NDArray[np.float64]

_BIN = 0.004  # dex
_FLOOR = 0.02  # of the model: eigenvectors may mix to nothing where an object has next to no light


@dataclass(frozen=True)
class Eigenspectra:
    """Eigenvectors over the range in which they hold.

    Attributes
    ----------
    name : str
        Of the template, for ``template_id``.
    grid : ndarray, shape (g,)
        Å, vacuum, at rest.
    vectors : ndarray, shape (c, g)
        Flux densities.
    low, high : float
        Range that holds, Å.
    """

    name: str
    grid: Floats
    vectors: Floats
    low: float
    high: float

    def spectra(self, rest_edges: Floats, model: Callable[[Floats], Floats]) -> Floats:
        """Mixtures that come nearest to models, on pixels.

        Parameters
        ----------
        rest_edges : ndarray, shape (n, m + 1)
            Edges of the pixels at rest, Å.
        model : callable
            Gives the models' flux densities (n, k) at wavelengths at rest (k,), positive.

        Returns
        -------
        ndarray, shape (n, m)
            Flux densities in the models' scale; beyond `low` to `high` of no meaning.
        """
        centres = 10.0 ** np.arange(np.log10(self.low) + _BIN, np.log10(self.high) - _BIN, _BIN)
        edges = pixel_edges(centres)
        binned = np.stack([pixel_means(edges, self.grid, running_integral(self.grid, v)) for v in self.vectors])
        wanted = np.maximum(model(centres), 1e-300)
        # Relative residuals: each object's vectors are divided by its model, which is to be 1.
        relative = binned[None] / wanted[:, None]
        normal = np.einsum("nib,njb->nij", relative, relative)
        mixture = np.linalg.solve(normal, relative.sum(axis=2)[..., None])[..., 0]
        floor = _FLOOR * np.stack([np.interp(self.grid, centres, row) for row in wanted])
        flux = np.maximum(np.einsum("nc,cg->ng", mixture, self.vectors), floor)
        integrals = running_integral(self.grid, flux)
        return np.stack(
            [pixel_means(edge, self.grid, integral) for edge, integral in zip(rest_edges, integrals, strict=True)]
        )
