"""Redrock on spectra of a catalog: the template fits that a survey runs, for benchmarks to stand beside.

Redrock (https://github.com/desihub/redrock, on PyPI; it needs fitsio) is asked with its own QSO and STAR templates and, since
its galaxy templates are no part of the data at hand, with a GALAXY template made from idlspec2d's eigenspectra of BOSS galaxies
(``spEigenGal-56436.fits``, four vectors, 1183 to 10502 Å at rest).
"""

from __future__ import annotations

import contextlib
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from scipy.sparse import dia_matrix

GALAXIES = "idlspec2d/spEigenGal-56436.fits"
QUASARS = ("QSO-LOZ-v1.1", "QSO-HIZ-v1.1")
STARS = tuple(f"STAR-{kind}-v0.1" for kind in ("A", "B", "CV", "F", "G", "K", "M", "WD"))

_REACH = 4.0  # of the line spread's standard deviation
_RANGE = (
    3560.0,
    10000.0,
)  # Å; beyond it the quasars' templates end, and Redrock refuses (its own reader of BOSS cuts there too)


def templates_for(libraries: Path, folder: Path) -> list[str]:
    """Files for Redrock: those at hand, and the galaxies'.

    Parameters
    ----------
    libraries : Path
        Directory with ``redrock/`` and ``idlspec2d/`` in it.
    folder : Path
        Where the galaxies' is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    galaxy = folder / "rrtemplate-GALAXY-spEigenGal.fits"
    with fits.open(libraries / GALAXIES) as hdus:
        first, step = hdus[0].header["COEFF0"], hdus[0].header["COEFF1"]
        vectors = np.asarray(hdus[0].data, np.float64)
    table = fits.ImageHDU(vectors, name="BASIS_VECTORS")
    table.header.update(
        CRVAL1=first, CDELT1=step, LOGLAM=1, RRTYPE="GALAXY", RRSUBTYP="", RRIGM="None", VERSION="spEigenGal-56436"
    )
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(galaxy, overwrite=True)
    rest = [str(libraries / "redrock" / f"rrtemplate-{name}.fits") for name in (*QUASARS, *STARS)]
    return [str(galaxy), *rest]


def resolution(wavelength: np.ndarray, sigma: np.ndarray) -> dia_matrix:
    """Gaussian line spread as the banded matrix that Redrock multiplies models by; the identity where `sigma` is not known."""
    step = np.gradient(wavelength)
    width = np.where(np.isfinite(sigma) & (sigma > 0), sigma, 0.0)
    reach = max(1, int(np.ceil(_REACH * float(np.max(width / step)))))
    offsets = np.arange(-reach, reach + 1)
    n = len(wavelength)
    kernel = np.zeros((len(offsets), n))  # [offset, row]
    for k, offset in enumerate(offsets):
        rows = np.arange(max(0, -offset), min(n, n - offset))
        apart = wavelength[rows + offset] - wavelength[rows]
        known = width[rows] > 0
        gauss = np.exp(-0.5 * np.square(apart / np.where(known, width[rows], 1.0)))
        kernel[k, rows] = np.where(known, gauss, float(offset == 0))
    kernel /= kernel.sum(axis=0)
    banded = np.zeros_like(kernel)  # scipy keeps the element of row i and offset k at column i + k
    for k, offset in enumerate(offsets):
        rows = np.arange(max(0, -offset), min(n, n - offset))
        banded[k, rows + offset] = kernel[k, rows]
    return dia_matrix((banded, offsets), shape=(n, n))


def fitted(
    wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray, sigma: np.ndarray, templates: list[str]
) -> dict[str, Any]:
    """Redrock's best fit of every spectrum.

    Parameters
    ----------
    wavelength : ndarray, shape (L,)
        Å, vacuum.
    flux, ivar : ndarray, shape (n, L)
        Any unit, and its inverse square; ``ivar`` 0 where there is nothing.
    sigma : ndarray, shape (n, L)
        Of the line spread, Å.
    templates : list of str
        As `templates_for` gives them.

    Returns
    -------
    dict
        ``z``, ``spectype``, ``zwarn`` (n,) and ``seconds`` of processor time, loading and rebinning of templates left out.
    """
    from redrock.targets import DistTargetsCopy, Spectrum, Target
    from redrock.templates import load_dist_templates
    from redrock.zfind import zfind

    inside = (wavelength > _RANGE[0]) & (wavelength < _RANGE[1])
    wavelength, flux, ivar, sigma = wavelength[inside], flux[:, inside], ivar[:, inside], sigma[:, inside]
    targets = []
    for i in range(len(flux)):
        seen = (ivar[i] > 0) & np.isfinite(flux[i])
        spectrum = Spectrum(
            wavelength,
            np.where(seen, flux[i], 0.0).astype(float),
            np.where(seen, ivar[i], 0.0).astype(float),
            resolution(wavelength, sigma[i]),
            band="all",
        )
        targets.append(Target(i, [spectrum]))
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does, line by line
        loaded = load_dist_templates({"all": wavelength}, templates=templates, comm=None, mp_procs=1)
        many = DistTargetsCopy(targets, comm=None)
        started = time.process_time()
        _, best = zfind(many, loaded, mp_procs=1, nminima=3)
        seconds = time.process_time() - started
    first = best[best["znum"] == 0]
    first.sort("targetid")
    kinds = np.array([str(one).strip() for one in first["spectype"]])
    assert list(first["targetid"]) == list(range(len(flux)))
    return {
        "z": np.asarray(first["z"], float),
        "spectype": kinds,
        "zwarn": np.asarray(first["zwarn"], int),
        "seconds": seconds,
    }
