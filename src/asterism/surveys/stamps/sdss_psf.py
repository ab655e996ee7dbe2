"""SDSS's point spread functions, ``psField-RUN-CAMCOL-FIELD.fit``: how wide and how round a star is at a place of a field.

HDUs 1 to 5 hold, for ugriz, images whose weighted sum is the PSF at a place (Karhunen-Loeve; Lupton et al. 2001, ASP Conf.
Ser. 238, 269); the weights are polynomials ``sum_ij c_ij (0.001 row)^i (0.001 column)^j`` (psField data model). HDU 6 has one
row with the field's means. The survey's seeing, ``psf_width``, is 0.663 times the pixel times the square root of the PSF's
effective area in pixels (DR7 algorithms page on image quality), and so it is computed here, at each place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.surveys.fits.fits_reading import column, open_fits
from asterism.surveys.formats.sdss_frames import BANDS

__all__ = ["BandPsf", "read_psf"]

Floats = npt.NDArray[np.float64]

_WIDTH_OF_AREA = 0.663  # arcsec of psf_width per arcsec of the square root of the effective area
_PIXEL = 0.396
_PLACE = 0.001  # unit of the polynomials, pixels^-1
_LARGEST = 8  # images and powers that are believed
_WEIGHT = 1.5  # pixels: round Gaussian under which the shape is measured; about the PSF's own width
_CHUNK = 512  # places at once


@dataclass(frozen=True)
class BandPsf:
    """PSF of one band of one field.

    Attributes
    ----------
    width : float
        The field's mean seeing, arcsec.
    images : ndarray, shape (k, y, x)
        What the PSF is a sum of; k may be 0.
    weights : ndarray, shape (k, i, j)
        Coefficients for powers of row and column.
    """

    width: float
    images: Floats
    weights: Floats

    def at(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
        """Images of the PSF, shape (n, y, x), of unit light, at n places (column and row, the first pixel's middle is 0)."""
        row, across = (_PLACE * np.atleast_1d(np.asarray(v, np.float64)) for v in (y, x))
        up = row[:, None] ** np.arange(self.weights.shape[1])
        along = across[:, None] ** np.arange(self.weights.shape[2])
        share = np.einsum("kij,ni,nj->nk", self.weights, up, along)
        made = np.einsum("nk,kyx->nyx", share, self.images)
        return np.asarray(made / made.sum(axis=(1, 2), keepdims=True))

    def shape(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Seeing and ellipticity at n places.

        Returns
        -------
        fwhm : ndarray, shape (n,)
            arcsec, as the survey defines it.
        ellipticity : ndarray, shape (n, 2)
            e1, e2 of the light under a Gaussian weight, whose own roundness is corrected for.
        """
        x, y = np.atleast_1d(np.asarray(x, np.float64)), np.atleast_1d(np.asarray(y, np.float64))
        fwhm, ellipticity = np.full(len(x), self.width), np.zeros((len(x), 2))
        if not len(self.images):
            return fwhm, ellipticity
        side = self.images.shape[1:]
        v, u = np.indices(side) - 0.5 * (np.array(side)[:, None, None] - 1)
        weight = np.exp(-0.5 * (u**2 + v**2) / _WEIGHT**2)
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            psf = self.at(x[rows], y[rows])
            area = 1.0 / (psf**2).sum(axis=(1, 2))
            fwhm[rows] = _WIDTH_OF_AREA * _PIXEL * np.sqrt(area)
            uu, vv, uv = (np.einsum("nyx,yx->n", psf, weight * m) for m in (u * u, v * v, u * v))
            # Under a weight of the PSF's own width, shapes look half as large as they are (Bernstein & Jarvis 2002).
            ellipticity[rows] = 2.0 * np.stack([(uu - vv) / (uu + vv), 2.0 * uv / (uu + vv)], axis=1)
        # Where the sum is no star (damaged numbers) the field's mean stands.
        bad = ~(np.abs(np.log(np.where(fwhm > 0, fwhm, 1e-9) / self.width)) < 1.0)
        fwhm[bad] = self.width
        ellipticity[bad | ~np.isfinite(ellipticity).all(axis=1)] = 0.0
        return fwhm, np.clip(ellipticity, -0.5, 0.5)


def read_psf(path: Path) -> Mapping[str, BandPsf]:
    """Read the PSFs of a field, by band.

    Parameters
    ----------
    path : Path
        ``psField-*.fit``, packed or not.

    Returns
    -------
    mapping of str to BandPsf

    Raises
    ------
    BadInputError
        The file is damaged or no psField.
    """
    found = {}
    with open_fits(path) as hdus:
        if len(hdus) < 7:
            raise BadInputError(f"{path} has {len(hdus)} HDUs, a psField file has seven or more; fetch it again")
        widths = np.asarray(column(hdus[6], path, "psf_width"), np.float64).reshape(-1)
        if len(widths) < len(BANDS):
            raise BadInputError(f"{path} has the seeing of {len(widths)} bands, not of five; fetch it again")
        for k, band in enumerate(BANDS):
            if not 0.3 < widths[k] < 10.0:
                continue  # -9999: the band was not measured
            images, weights = _decomposition(hdus[k + 1], path)
            found[band] = BandPsf(float(widths[k]), images, weights)
    return found


def _decomposition(hdu: Any, path: Path) -> tuple[Floats, Floats]:
    """Images and coefficients of one band."""
    rows, columns = (int(column(hdu, path, name)[0]) for name in ("RNROW", "RNCOL"))
    powers = [int(np.max(column(hdu, path, name))) for name in ("nrow_b", "ncol_b")]
    count = min(len(hdu.data), _LARGEST)
    if not (0 < rows < 200 and 0 < columns < 200 and all(0 < p <= 5 for p in powers)):
        raise BadInputError(
            f"the PSF in {path} is {rows} x {columns} pixels, which no field's is; fetch the file again"
        )
    cells = column(hdu, path, "RROWS")
    images = np.stack([np.asarray(cells[k], np.float64).reshape(rows, columns) for k in range(count)])
    weights = np.asarray(column(hdu, path, "c"), np.float64)[:count, : powers[0], : powers[1]]
    for k in range(count):  # an image may use fewer powers than the others
        own = [int(column(hdu, path, name)[k]) for name in ("nrow_b", "ncol_b")]
        weights[k, own[0] :] = 0.0
        weights[k, :, own[1] :] = 0.0
    return images, weights
