"""How a fibre's light falls across the slit: a core that varies smoothly over the frame, and faint wings.

The core is a Gram-Charlier series, a Gaussian times Hermite polynomials, whose centre, width and coefficients are
polynomials of the place on the frame; it is measured on a frame without any knowledge of the optics. The wings are those of
a Moffat profile with beta = 2 seen along the slit, which DESI's spectrographs have much alike (Guy et al. 2023, AJ 165,
144, section 4.2: power-law tails). They are told from the core by the dark edges of the chip beside the slit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import fft

from asterism.surveys.ccd.fibre_curves import FibreCurves, legendre

__all__ = ["REACH", "FibreProfile", "hermite", "moffat_wing"]

Floats = npt.NDArray[np.float64]

REACH = 13
"""Pixels either side of a fibre that its core covers; less than the distance between fibres."""


def hermite(x: npt.NDArray, highest: int) -> list[npt.NDArray]:
    """Hermite polynomials He_0 to He_highest as probability has them, in the dtype of x."""
    values = [np.ones_like(x), x]
    for n in range(1, highest):
        values.append(x * values[n] - n * values[n - 1])
    return values[: highest + 1]


def moffat_wing(distance: npt.ArrayLike, radius: float) -> Floats:
    """Share of a Moffat profile's light (beta = 2) in pixels at these distances along the slit, the other axis summed.

    Examples
    --------
    >>> float(moffat_wing(np.arange(-4000, 4001), 6.0).sum().round(5))
    1.0
    """
    x = np.asarray(distance, dtype=np.float64)
    low, high = x - 0.5, x + 0.5
    return 0.5 * (high / np.hypot(high, radius) - low / np.hypot(low, radius))


@dataclass(frozen=True)
class FibreProfile:
    """Profiles of all fibres of a frame.

    Attributes
    ----------
    centres : FibreCurves
        Columns of the fibres.
    width : ndarray of float64, shape (J, K)
        Legendre coefficients, along slit and rows, of the core's sigma in pixels.
    series : dict of int to ndarray of float64, shape (J, K)
        The same of the Hermite coefficients by order (3 and above).
    wing_share : ndarray of float64, shape (J, K)
        The same of the share of light in the wings.
    wing_radius : float
        Pixels.
    columns : int
        Of the frame.
    """

    centres: FibreCurves
    width: Floats
    series: dict[int, Floats] = field(default_factory=dict)
    wing_share: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    wing_radius: float = 6.0
    columns: int = 4096

    def at(self, coefficients: Floats, rows: npt.NDArray) -> Floats:
        """A quantity with these Legendre coefficients at rows of all fibres, (r, fibres)."""
        v = 2.0 * rows / max(self.centres.rows - 1, 1) - 1.0
        along = legendre(v, coefficients.shape[1] - 1)
        across = legendre(np.linspace(-1.0, 1.0, len(self.centres.offsets)), coefficients.shape[0] - 1)
        return np.einsum("jk,kr,jf->rf", coefficients, along, across)

    def sigma(self, rows: npt.NDArray) -> Floats:
        """Width of the cores, (r, fibres), pixels."""
        return self.at(self.width, rows)

    def arguments(self, rows: npt.NDArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32], Floats]:
        """Window middles (r, fibres), distances in sigma (r, fibres, 2 * REACH + 1), and sigma (r, fibres)."""
        centre = self.centres(rows).T
        base = np.clip(np.round(centre).astype(np.intp), 0, self.columns - 1)
        sigma = self.sigma(rows)
        x = (base - centre)[:, :, None] + np.arange(-REACH, REACH + 1)
        return base, (x / sigma[:, :, None]).astype(np.float32), sigma

    def windows(self, rows: slice | npt.NDArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Where each fibre's core falls in some rows.

        Parameters
        ----------
        rows : slice or ndarray of int

        Returns
        -------
        base : ndarray of intp, shape (r, fibres)
            Column of the window's middle.
        share : ndarray of float32, shape (r, fibres, 2 * REACH + 1)
            Share of the fibre's light per pixel; it sums to one less the wings' share.
        """
        at = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else np.asarray(rows)
        base, x, sigma = self.arguments(at)
        shape = np.ones_like(x)
        if self.series:
            polynomials = hermite(x, max(self.series))
            for order, coefficients in self.series.items():
                shape += self.at(coefficients, at).astype(np.float32)[:, :, None] * polynomials[order]
        norm = (1.0 - self.at(self.wing_share, at)) / (np.sqrt(2.0 * np.pi) * sigma)
        shape *= np.exp(-0.5 * x**2) * norm.astype(np.float32)[:, :, None]
        return base, shape

    def wings(self, flux: Floats, rows: npt.NDArray | None = None) -> npt.NDArray[np.float32]:
        """Light in the wings of all fibres.

        Parameters
        ----------
        flux : ndarray, shape (r, fibres)
            Electrons of each fibre.
        rows : ndarray of int, optional
            Their rows; all rows by default.

        Returns
        -------
        ndarray of float32, shape (r, columns)
        """
        at = np.arange(self.centres.rows) if rows is None else rows
        if not self.wing_share.any():
            return np.zeros((len(at), self.columns), dtype=np.float32)
        light = flux * self.at(self.wing_share, at)
        return spread_wings(light, self.centres(at).T, self.columns, self.wing_radius)

    def moved(self, shift: Floats) -> FibreProfile:
        """The same profiles with their centres moved by Legendre coefficients (J, K) over the frame, pixels."""
        u = np.linspace(-1.0, 1.0, len(self.centres.offsets))
        offsets = self.centres.offsets + np.einsum("j,jf->f", shift[:, 0], legendre(u, shift.shape[0] - 1))
        size = tuple(np.maximum(self.centres.shape.shape, (shift.shape[0], shift.shape[1] - 1)))
        shape = np.zeros(size)
        shape[: self.centres.shape.shape[0], : self.centres.shape.shape[1]] = self.centres.shape
        shape[: shift.shape[0], : shift.shape[1] - 1] += shift[:, 1:]
        return replace(self, centres=FibreCurves(offsets, shape, self.centres.rows))


def spread_wings(light: Floats, centres: Floats, columns: int, radius: float) -> npt.NDArray[np.float32]:
    """Wings of many fibres in many rows, by convolution along the columns.

    Parameters
    ----------
    light, centres : ndarray, shape (r, fibres)
        Electrons in each wing, and its column.
    columns : int
    radius : float
        Of the Moffat profile, pixels.

    Returns
    -------
    ndarray of float32, shape (r, columns)
    """
    size = fft.next_fast_len(2 * columns, real=True)
    distance = np.arange(size)
    kernel = moffat_wing(np.minimum(distance, size - distance), radius)
    transform = fft.rfft(kernel.astype(np.float32))
    out = np.empty((len(light), columns), dtype=np.float32)
    for start in range(0, len(light), 128):
        part = slice(start, start + 128)
        place = np.clip(centres[part], 0.0, columns - 1.001)
        left = place.astype(np.intp)
        share = place - left
        impulses = np.zeros((len(left), size), dtype=np.float32)
        row = np.arange(len(left))[:, None]
        # Fibres stand many pixels apart, so that no two fall on one pixel.
        impulses[row, left] += (light[part] * (1.0 - share)).astype(np.float32)
        impulses[row, left + 1] += (light[part] * share).astype(np.float32)
        out[part] = fft.irfft(fft.rfft(impulses, axis=1) * transform, n=size, axis=1)[:, :columns]
    return out
