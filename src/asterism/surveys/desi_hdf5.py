"""DESI's spectra in one HDF5 file, as AVIS keeps them: ``targetid_spec/TARGETID/PRODUCTION-coadd-…``.

Each dataset is one observation: four rows (wavelength in Å, flux in 1e-17 erg/s/cm2/Å, inverse variance, mask) of 7,781
pixels, arms coadded. Nothing else is known of it: labels and positions come from a catalogue of redshifts beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from asterism.errors import BadInputError
from asterism.surveys.desi_coadd import ESTIMATED, Spectra
from asterism.surveys.formats.spectral_grids import grid_named

__all__ = ["GROUP", "open_hdf5", "read_targets", "target_names_of"]

GROUP = "targetid_spec"
"""The group of the targets."""

_ROWS = 4  # wavelength, flux, inverse variance, mask


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open a file for reading.

    Raises
    ------
    BadInputError
        h5py is not there, or the file can't be read.
    """
    try:
        import h5py
    except ImportError as error:
        raise BadInputError(
            f"{path} is HDF5, and h5py is not installed; run 'pip install asterism[surveys]'"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"can't read {path} as HDF5 ({reason}); fetch the file again") from error


def target_names_of(path: Path) -> tuple[str, ...]:
    """TARGETIDs of a file, in the order of the file; kept for the next call.

    Raises
    ------
    BadInputError
        The file has no group of targets.
    """
    seen = path.stat()
    return _names(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=4)
def _names(path: Path, time: int, size: int) -> tuple[str, ...]:
    with open_hdf5(path) as file:
        group = file.get(GROUP)
        if group is None or not hasattr(group, "keys"):
            raise BadInputError(f"{path} has no group {GROUP!r}: it is no HDF5 file of DESI spectra; leave it out")
        return tuple(group.keys())


def read_targets(path: Path, start: int, stop: int) -> Iterator[tuple[str, str, Spectra | None, str]]:
    """Observations of some targets.

    Parameters
    ----------
    path : Path
        The file.
    start, stop : int
        First target (in `target_names_of`) and the one after the last.

    Yields
    ------
    (target, dataset, spectrum, complaint)
        A spectrum of one row; or None, and what is wrong.
    """
    with open_hdf5(path) as file:
        for target in target_names_of(path)[start:stop]:
            group = file[GROUP][target]
            for name in group:
                try:
                    yield target, name, _spectrum(group[name], f"{target}/{name}"), ""
                except BadInputError as error:
                    yield target, name, None, str(error)


def _spectrum(dataset: Any, where: str) -> Spectra:
    grid = grid_named("desi")
    shape = tuple(getattr(dataset, "shape", ()))
    if len(shape) != 2 or shape[0] != _ROWS or not 0 < shape[1] <= grid.size or dataset.dtype.kind not in "fiu":
        raise BadInputError(
            f"{where} has shape {shape}, not {_ROWS} rows of up to {grid.size} pixels; leave it out or write it again"
        )
    wave, flux, ivar, bits = np.asarray(dataset[()], np.float64)
    on_flux, on_ivar = grid.place(wave, flux, ivar, where)
    mask = np.zeros(grid.size, np.int32)
    mask[grid.pixels(wave, where)] = np.where(np.isfinite(bits) & (bits >= 0) & (bits < 1 << 30), bits, 0)
    mask &= ~ESTIMATED
    return Spectra(on_flux[None], on_ivar[None], mask[None])
