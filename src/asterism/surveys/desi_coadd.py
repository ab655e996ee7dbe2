"""Spectra of a DESI file on the survey's grid: arms coadded by inverse variance, masks, width of lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.surveys.estimated_noise import estimate_ivar
from asterism.surveys.fits.fits_reading import card
from asterism.surveys.formats.desi_spectra import STEP
from asterism.surveys.formats.spectral_grids import grid_named

__all__ = ["ESTIMATED", "SPECMASK", "Spectra", "arms_of", "read_arms", "read_columns"]

SPECMASK = {
    "SOMEBADPIX": 1 << 0, "ALLBADPIX": 1 << 1, "COSMIC": 1 << 2, "LOWFLAT": 1 << 3, "BADFIBERFLAT": 1 << 4,
    "BRIGHTSKY": 1 << 5, "BADSKY": 1 << 6, "BAD2DFIT": 1 << 7, "NODATA": 1 << 8, "BADFIBER": 1 << 9,
    "ESTIMATED_IVAR": 1 << 16,
}  # fmt: skip
"""Bits of the mask: desispec's specmask, and one of ours: the inverse variance was estimated from the spectrum."""

ESTIMATED = SPECMASK["ESTIMATED_IVAR"]

_LARGEST = 1e30  # of a flux that a 32-bit float can be computed with; beyond is damage

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spectra:
    """Spectra on DESI's grid of 7,781 pixels.

    Attributes
    ----------
    flux, ivar : ndarray of float32, shape (n, 7781)
        1e-17 erg/s/cm2/Å; NaN and 0 where not observed.
    mask : ndarray of int32, shape (n, 7781)
        Bits of `SPECMASK`.
    lsf : ndarray of float32, shape (n, 7781), or None
        Standard deviation of the line-spread function, Å; NaN where it is not known.
    """

    flux: Singles
    ivar: Singles
    mask: npt.NDArray[np.int32]
    lsf: Singles | None = None


def arms_of(hdus: Any) -> list[str]:
    """Arms that a file has, by the names of its HDUs, e.g. B, R, Z."""
    names = {str(hdu.name).strip().upper() for hdu in hdus}
    return [
        name.removesuffix("_FLUX")
        for name in (str(hdu.name).strip().upper() for hdu in hdus)
        if name.endswith("_FLUX") and f"{name.removesuffix('_FLUX')}_WAVELENGTH" in names
    ]


def read_arms(hdus: Any, path: Path, start: int, stop: int) -> Spectra:
    """Rows of a file with an image per arm and quantity.

    Where arms overlap, a pixel is the mean weighted by inverse variance. Its mask has the bits of all arms that
    contribute, or of all arms where none does: what one arm could not see is no fault of a pixel that the other saw.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The open file.
    path : Path
        Its name, for the sentence.
    start, stop : int
        First row and the one after the last.

    Returns
    -------
    Spectra

    Raises
    ------
    BadInputError
        Pixels that are not of the grid, shapes that do not fit, or another unit.
    """
    grid = grid_named("desi")
    by_name = {str(hdu.name).strip().upper(): hdu for hdu in hdus}
    n = stop - start
    total, weight, spread, known = (np.zeros((n, grid.size)) for _ in range(4))
    seen_bits, all_bits = (np.zeros((n, grid.size), np.int32) for _ in range(2))
    estimated = False
    for arm in arms_of(hdus):
        wave = np.asarray(by_name[f"{arm}_WAVELENGTH"].data, np.float64).reshape(-1)
        place = _span(grid.pixels(wave, f"arm {arm} of {path}"), grid.size, f"arm {arm} of {path}")

        def rows(quantity: str, arm: str = arm, size: int = len(wave)) -> np.ndarray | None:
            hdu = by_name.get(f"{arm}_{quantity}")
            if hdu is None:
                return None
            shape = tuple(hdu.shape)
            if len(shape) < 2 or shape[-1] != size or shape[0] < stop:
                raise BadInputError(
                    f"{arm}_{quantity} of {path} has shape {shape} beside {size} wavelengths; fetch it again"
                )
            return np.asarray(hdu.section[start:stop])

        _check_unit(by_name[f"{arm}_FLUX"].header, f"{arm}_FLUX of {path}")
        flux = np.asarray(rows("FLUX"), np.float64)
        given = rows("IVAR")
        if given is None:
            ivar, estimated = estimate_ivar(flux), True
        else:
            ivar = np.asarray(given, np.float64)
        with np.errstate(invalid="ignore"):
            good = (ivar > 0) & (ivar < _LARGEST) & (np.abs(flux) < _LARGEST)
        ivar = np.where(good, ivar, 0.0)
        weight[:, place] += ivar
        total[:, place] += np.where(good, flux, 0.0) * ivar
        bits = rows("MASK")
        if bits is not None:
            bits = bits.astype(np.int64).astype(np.int32) & ~ESTIMATED
            all_bits[:, place] |= bits
            seen_bits[:, place] |= np.where(good, bits, 0)
        matrix = rows("RESOLUTION")
        if matrix is not None and matrix.ndim == 3:
            sigma = _line_width(matrix)
            there = np.isfinite(sigma)
            share = np.where(there, np.where(good, ivar, 0.0) + 1e-12, 0.0)  # where no arm sees, they count alike
            known[:, place] += share
            spread[:, place] += np.where(there, sigma, 0.0) * share
    made = _finished(total, weight, np.where(weight > 0, seen_bits, all_bits), estimated)
    if not known.any():
        return made
    with np.errstate(invalid="ignore", divide="ignore"):
        lsf = np.where(known > 0, spread / known, np.nan).astype(np.float32)
    return Spectra(made.flux, made.ivar, made.mask, lsf)


def read_columns(wave: npt.ArrayLike, flux: npt.ArrayLike, path: Path) -> Spectra:
    """Spectra that have no errors, with all arms one after the other.

    A pixel that two arms have is their mean. Inverse variances are estimated (`estimate_ivar`), and the mask says so.

    Parameters
    ----------
    wave : array_like, shape (p,)
        Å; pixels where arms overlap come twice.
    flux : array_like, shape (n, p)
    path : Path
        The file, for the sentence.

    Returns
    -------
    Spectra
    """
    grid = grid_named("desi")
    wave = np.asarray(wave, np.float64).reshape(-1)
    distinct, which = np.unique(np.rint(wave / STEP), return_inverse=True)
    if np.abs(wave / STEP - np.rint(wave / STEP)).max(initial=0.0) > 0.05:
        grid.pixels(wave, str(path))  # says what is wrong
    place = _span(grid.pixels(distinct * STEP, str(path)), grid.size, str(path))
    values = np.asarray(flux, np.float64)
    with np.errstate(invalid="ignore"):
        good = np.abs(values) < _LARGEST
    which = which.reshape(-1)
    total = np.stack([np.bincount(which, row, len(distinct)) for row in np.where(good, values, 0.0)])
    count = np.stack([np.bincount(which, row, len(distinct)) for row in good])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    ivar = np.zeros((len(values), grid.size))
    ivar[:, place] = estimate_ivar(mean)
    sums = np.zeros_like(ivar)
    sums[:, place] = np.nan_to_num(mean)
    return _finished(sums * ivar, ivar, np.zeros(ivar.shape, np.int32), True)


def _finished(total: np.ndarray, weight: np.ndarray, mask: np.ndarray, estimated: bool) -> Spectra:
    """Sums as 32-bit columns that keep the laws of the four states."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        flux, ivar = (total / weight).astype(np.float32), weight.astype(np.float32)
    seen = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
    if estimated:
        mask = np.where(seen, mask | ESTIMATED, mask)
    return Spectra(
        np.where(seen, flux, np.float32(np.nan)), np.where(seen, ivar, np.float32(0)), mask.astype(np.int32, copy=False)
    )


def _span(pixels: npt.NDArray[np.intp], size: int, where: str) -> Any:
    """Pixels as a slice where they follow one another, which is quicker than a list."""
    if not len(pixels) or pixels.min() < 0 or pixels.max() >= size:
        raise BadInputError(f"{where} has pixels outside of 3600 to 9824 Å; read it as the survey it comes from")
    if (np.diff(pixels) == 1).all():
        return slice(int(pixels[0]), int(pixels[-1]) + 1)
    return pixels


def _line_width(matrix: np.ndarray) -> np.ndarray:
    """Standard deviation (Å) of each column of the resolution matrix, from its diagonals (n, diagonals, p)."""
    weights = np.asarray(matrix, np.float32)
    half = np.float32((weights.shape[1] - 1) / 2.0)
    offset = np.arange(weights.shape[1], dtype=np.float32) - half  # row - column of each diagonal, in pixels
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        light = weights.sum(axis=1)
        mean = np.einsum("d,ndp->np", offset, weights) / light
        square = np.einsum("d,ndp->np", offset**2, weights) / light - mean**2
        return np.where((light > 0) & (square > 0) & (square < offset[-1] ** 2), np.sqrt(square) * STEP, np.nan)


def _check_unit(header: Any, where: str) -> None:
    unit = str(card(header, "BUNIT") or "")
    if unit and not ("-17" in unit and "erg" in unit.lower()):
        raise BadInputError(f"{where} is in {unit}, not in 1e-17 erg/s/cm2/Angstrom; convert it first")
