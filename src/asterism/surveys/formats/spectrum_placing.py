"""A file's spectrum on its survey's grid, with mask and line-spread function; and the one way in for wavelengths in air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.surveys.formats.rebinning import rebin
from asterism.surveys.formats.spectral_grids import SpectralGrid
from asterism.surveys.formats.wavelength import air_to_vacuum

__all__ = ["CONVERTED", "is_vacuum", "on_grid", "rebinned", "values_by_column"]

Singles = npt.NDArray[np.float32]

CONVERTED = (
    "wavelengths were in air; they were converted to vacuum and the flux rebinned onto the grid, light conserved: "
    "the row stays, with neighbouring pixels whose noise is shared"
)
"""Line of the quarantine beside a row whose file was in air."""


def is_vacuum(card: Any) -> bool:
    """What a header's VACUUM says: a logical, a text such as ``T``, or nothing, which is yes as these surveys have it.

    Examples
    --------
    >>> is_vacuum(True), is_vacuum("T"), is_vacuum(None), is_vacuum("F")
    (True, True, True, False)
    """
    return str(card).strip().upper() not in ("F", "FALSE", "0", "NO")


def on_grid(
    grid: SpectralGrid,
    position: npt.ArrayLike,
    flux: npt.ArrayLike,
    ivar: npt.ArrayLike,
    where: str,
    *,
    mask: npt.ArrayLike | None = None,
    lsf: npt.ArrayLike | None = None,
    outside: int = 0,
) -> dict[str, npt.NDArray[Any]]:
    """A file's pixels on the grid, by whole pixels.

    Parameters
    ----------
    grid : SpectralGrid
    position : array_like, shape (k,)
        As the grid has it, rising or falling.
    flux, ivar : array_like, shape (k,)
    where : str
        The file, for the sentence.
    mask : array_like, shape (k,), optional
        Bits.
    lsf : array_like, shape (k,), optional
        Standard deviation of the line-spread function, pixels of the grid.
    outside : int
        Bits of pixels that the file does not have.

    Returns
    -------
    dict of str to ndarray, shape (size,)
        ``flux`` (NaN where not observed), ``ivar``, and where given ``mask`` (int32) and ``lsf`` (Å; NaN: unknown).

    Raises
    ------
    BadInputError
        As `SpectralGrid.place`, or arrays of unlike length.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    found["flux"], found["ivar"] = grid.place(position, flux, ivar, where)
    if mask is None and lsf is None:
        return found
    at = np.rint(np.asarray(position, np.float64) / grid.step).astype(np.intp) - grid.first
    inside = (at >= 0) & (at < grid.size)
    if mask is not None:
        bits = np.asarray(mask)
        if bits.shape != at.shape:
            raise BadInputError(f"{where} has a mask of shape {bits.shape} for {len(at)} pixels; fetch the file again")
        if bits.dtype.kind == "f":
            bits = np.where(np.abs(bits) < 2.0**31, bits, 0)
        on = np.full(grid.size, outside, np.int32)
        on[at[inside]] = bits[inside].astype(np.int32)
        found["mask"] = on
    if lsf is not None:
        width = np.asarray(lsf, np.float64)
        if width.shape != at.shape:
            raise BadInputError(f"{where} has an LSF of shape {width.shape} for {len(at)} pixels; fetch the file again")
        with np.errstate(invalid="ignore"):
            width = np.where(np.isfinite(width) & (width > 0) & (width < grid.size), width, np.nan)
        wide = np.full(grid.size, np.nan, np.float32)
        wide[at[inside]] = width[inside] * _pixel_widths(grid)[at[inside]]
        found["lsf"] = wide
    return found


def _pixel_widths(grid: SpectralGrid) -> npt.NDArray[np.float64]:
    """Å."""
    if grid.scale == "linear":
        return np.full(grid.size, grid.step)
    return np.asarray(grid.wavelength * np.log(10.0) * grid.step)


def rebinned(
    grid: SpectralGrid,
    wavelength: npt.ArrayLike,
    flux: npt.ArrayLike,
    ivar: npt.ArrayLike,
    where: str,
    *,
    mask: npt.ArrayLike | None = None,
    lsf: npt.ArrayLike | None = None,
    outside: int = 0,
    air: bool = False,
) -> dict[str, npt.NDArray[Any]]:
    """Pixels that are not the grid's, put there by the light that they share with each of its pixels.

    Parameters
    ----------
    grid : SpectralGrid
    wavelength : array_like, shape (k,)
        Å, rising or falling.
    flux, ivar : array_like, shape (k,)
        Flux density and its inverse variance.
    where : str
        The file, for the sentence.
    mask : array_like, shape (k,), optional
        Bits: a pixel has those of all of the file's pixels whose middles lie in it.
    lsf : array_like, shape (k,), optional
        Standard deviation of the line-spread function, Å.
    outside : int
        Bits of pixels that the file does not reach.
    air : bool
        Wavelengths are in air.

    Returns
    -------
    dict of str to ndarray, shape (size,)
        As `on_grid`.

    Raises
    ------
    BadInputError
        Wavelengths neither rise nor fall, or arrays are of unlike length.
    """
    wave = np.asarray(wavelength, np.float64)
    columns = [np.asarray(flux, np.float64), np.asarray(ivar, np.float64)]
    columns += [np.asarray(extra) for extra in (mask, lsf) if extra is not None]
    if wave.ndim != 1 or wave.size < 2 or any(values.shape != wave.shape for values in columns):
        raise BadInputError(f"{where} has wavelengths, fluxes and errors of unlike length; fetch the file again")
    if wave[0] > wave[-1]:
        wave, columns = wave[::-1], [values[::-1] for values in columns]
    if not (np.isfinite(wave).all() and wave[0] > 0 and (np.diff(wave) > 0).all()):
        raise BadInputError(f"{where} has wavelengths that neither rise nor fall throughout; fetch the file again")
    if air:
        wave = air_to_vacuum(wave)
    f, w = columns[:2]
    good = np.isfinite(f) & np.isfinite(w) & (w > 0)
    flux_there, ivar_there = rebin(wave[None], np.where(good, f, 0.0)[None], np.where(good, w, 0.0)[None], grid)
    with np.errstate(over="ignore"):
        found: dict[str, npt.NDArray[Any]] = {
            "flux": flux_there[0].astype(np.float32),
            "ivar": ivar_there[0].astype(np.float32),
        }
    # What underflows or overflows as a 32-bit number is not observed.
    usable = np.isfinite(found["flux"]) & np.isfinite(found["ivar"]) & (found["ivar"] > 0)
    found["flux"][~usable], found["ivar"][~usable] = np.nan, 0.0
    at = np.rint(grid.fractional_pixel(wave)).astype(np.intp)
    reached = np.zeros(grid.size, bool)
    reached[max(int(at[0]), 0) : max(int(at[-1]) + 1, 0)] = True
    reached |= usable
    inside = (at >= 0) & (at < grid.size)
    rest = iter(columns[2:])
    if mask is not None:
        bits = next(rest)
        on = np.where(reached, 0, outside).astype(np.int32)
        np.bitwise_or.at(on, at[inside], bits[inside].astype(np.int32))
        found["mask"] = on
    if lsf is not None:
        width = np.asarray(next(rest), np.float64)
        known = np.isfinite(width) & (width > 0)
        wide = np.full(grid.size, np.nan, np.float32)
        if known.any():
            wide[reached] = np.interp(grid.wavelength[reached], wave[known], width[known])
        found["lsf"] = wide
    return found


def values_by_column(survey: str, spectrum: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Quantities of a spectrum under their columns' names.

    Examples
    --------
    >>> list(values_by_column("sdss", {"flux": np.zeros(1)}))
    ['spectrum_sdss_flux']
    """
    return {f"spectrum_{survey}_{quantity}": values for quantity, values in spectrum.items()}
