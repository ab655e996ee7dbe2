"""DESI's coadded spectra and redshifts, ``coadd-PETAL-TILE-thruNIGHT.fits`` and ``redrock-…``, and how they are written.

A coadd file has for each arm (B, R, Z) the wavelengths (vacuum, 0.8 Å apart, arms overlap), fluxes in 1e-17 erg/s/cm2/Å,
inverse variances, masks, and the diagonals of the resolution matrix, with one row per target as in its FIBERMAP; redrock's
file has REDSHIFTS with the same TARGETIDs. Layout and columns (`asterism.surveys.formats.desi_columns`) are those of its public
reductions (desidatamodel), bits those of desispec's specmask and of desitarget's masks of the main survey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.surveys.fits.fits_files import Cards, image_part, records, table_part, write_fits
from asterism.surveys.formats.desi_columns import EXP_FIBERMAP, FIBERMAP, REDSHIFTS, SCORES, TSNR2

__all__ = [
    "ARMS", "BGS_BITS", "DESI_BITS", "DIAGONALS", "FLUX_UNIT", "IVAR_UNIT", "MASK_BITS", "MOCK_BIT", "MWS_BITS",
    "ArmSpectra", "arm_wavelength", "directory", "file_name", "resolution_data", "target_id", "write_coadd",
    "write_redrock",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Values = Mapping[str, Any]

ARMS: dict[str, tuple[float, float]] = {"B": (3600.0, 5800.0), "R": (5760.0, 7620.0), "Z": (7520.0, 9824.0)}
"""First and last wavelength of each arm, Å; 2751, 2326 and 2881 pixels."""

STEP = 0.8
"""Å from pixel to pixel, in all arms."""

FLUX_UNIT, IVAR_UNIT = "10**-17 erg/(s cm2 Angstrom)", "10**+34 (s2 cm4 Angstrom2) / erg2"
"""BUNIT of fluxes and inverse variances."""

DIAGONALS = 11
"""Of the resolution matrix: offsets from +5 to -5, as scipy's dia_matrix has them."""

MASK_BITS = {"bad pixel": 1 << 1, "bright sky line": 1 << 5, "outside": 1 << 8}
"""What we call a pixel, and its bit in MASK: ALLBADPIX, BRIGHTSKY, NODATA of specmask."""

DESI_BITS = {"LRG": 1 << 0, "ELG": 1 << 1, "QSO": 1 << 2, "SKY": 1 << 32, "BGS_ANY": 1 << 60, "MWS_ANY": 1 << 61}
"""Bits of DESI_TARGET, main survey."""

BGS_BITS = {"BGS_FAINT": 1 << 0, "BGS_BRIGHT": 1 << 1}
"""Bits of BGS_TARGET, main survey."""

MWS_BITS = {"MWS_BROAD": 1 << 0, "MWS_WD": 1 << 1}
"""Bits of MWS_TARGET, main survey."""

MOCK_BIT = 1 << 58
"""Of TARGETID: the target is simulated (desitarget's encoding: OBJID from bit 0, BRICKID 22, RELEASE 42, MOCK 58)."""


@dataclass(frozen=True)
class ArmSpectra:
    """Spectra of n targets by one arm of p pixels.

    Attributes
    ----------
    flux, ivar : ndarray of float32, shape (n, p)
        1e-17 erg/s/cm2/Å and its inverse variance; 0 where not observed.
    mask : ndarray of int32, shape (n, p)
        Bits of specmask.
    sigma : ndarray, shape (p,)
        Standard deviation of the line-spread function, Å.
    """

    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]
    mask: npt.NDArray[np.int32]
    sigma: Floats


def arm_wavelength(arm: str) -> Floats:
    """Wavelengths of an arm's pixels, Å, vacuum.

    Examples
    --------
    >>> len(arm_wavelength("R")), float(arm_wavelength("R")[-1])
    (2326, 7620.0)
    """
    low, high = ARMS[arm]
    count = round((high - low) / STEP) + 1
    return np.asarray(np.round(low + STEP * np.arange(count), 4))


def target_id(release: int, brick: npt.ArrayLike, number: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """TARGETIDs of simulated objects: release of the imaging, brick and number in the brick, with the bit of mocks."""
    return np.asarray(brick, np.int64) << 22 | np.asarray(number, np.int64) | release << 42 | MOCK_BIT


def file_name(kind: str, petal: int, tile: int, night: int) -> str:
    """Name of a cumulative file of one petal of a tile.

    Examples
    --------
    >>> file_name("coadd", 4, 80613, 20210324)
    'coadd-4-80613-thru20210324.fits'
    """
    return f"{kind}-{petal}-{tile}-thru{night}.fits"


def directory(tile: int, night: int) -> str:
    """Folder of a tile, as the archive has it below a reduction."""
    return f"tiles/cumulative/{tile}/{night}"


def resolution_data(sigma: Floats) -> npt.NDArray[np.float32]:
    """Diagonals of the matrix that spreads light over an arm's pixels.

    Parameters
    ----------
    sigma : ndarray, shape (p,)
        Standard deviation of a Gaussian line-spread function, Å.

    Returns
    -------
    ndarray of float32, shape (11, p)
        ``scipy.sparse.dia_matrix((data, range(5, -6, -1)), (p, p))`` is the matrix; the light of a pixel (a column) sums to 1.
    """
    from scipy.special import ndtr

    reach = DIAGONALS // 2
    offset = np.arange(-reach, reach + 1)[:, None]  # row - column = -(5, ..., -5)
    width = sigma[None, :] / STEP
    share = ndtr((offset + 0.5) / width) - ndtr((offset - 0.5) / width)
    return np.asarray(share / share.sum(axis=0), np.float32)


def write_coadd(path: Path, arms: Mapping[str, ArmSpectra], fibermap: Values, exposures: Values, cards: Cards) -> Path:
    """Write a coadd file.

    Parameters
    ----------
    path : Path
        The file.
    arms : mapping of str to ArmSpectra
        B, R, Z.
    fibermap : mapping
        Columns of FIBERMAP, TARGETID among them, n rows.
    exposures : mapping
        Columns of EXP_FIBERMAP, TARGETID among them.
    cards : mapping
        Of the primary header.

    Returns
    -------
    Path
        The file.
    """
    n = len(np.asarray(fibermap["TARGETID"]))
    parts = [
        image_part(None, cards, primary=True),
        table_part("FIBERMAP", records(FIBERMAP, n, fibermap)),
        table_part("EXP_FIBERMAP", records(EXP_FIBERMAP, len(np.asarray(exposures["TARGETID"])), exposures)),
    ]
    for arm in ARMS:
        spectra = arms[arm]
        matrix = np.broadcast_to(resolution_data(spectra.sigma), (n, DIAGONALS, len(spectra.sigma)))
        images: dict[str, tuple[npt.NDArray, str]] = {
            "WAVELENGTH": (arm_wavelength(arm), "Angstrom"),
            "FLUX": (spectra.flux.astype(np.float32), FLUX_UNIT),
            "IVAR": (spectra.ivar.astype(np.float32), IVAR_UNIT),
            "MASK": (spectra.mask.astype(np.int32), ""),
            "RESOLUTION": (np.ascontiguousarray(matrix), ""),
        }
        for name, (values, unit) in images.items():
            parts.append(image_part(values, {"BUNIT": unit} if unit else {}, name=f"{arm}_{name}"))
    parts.append(table_part("SCORES", records(SCORES, n, {"TARGETID": fibermap["TARGETID"], **_scores(arms)})))
    return write_fits(path, parts)


def _scores(arms: Mapping[str, ArmSpectra]) -> dict[str, npt.ArrayLike]:
    found: dict[str, npt.ArrayLike] = {}
    for arm, spectra in arms.items():
        observed = spectra.ivar > 0
        flux = np.where(observed, spectra.flux, 0.0)
        found[f"INTEG_COADD_FLUX_{arm}"] = flux.sum(axis=1) * STEP
        found[f"MEDIAN_COADD_FLUX_{arm}"] = np.median(flux, axis=1)
        found[f"MEDIAN_COADD_SNR_{arm}"] = np.median(flux * np.sqrt(spectra.ivar), axis=1)
    return found


def write_redrock(path: Path, redshifts: Values, fibermap: Values, exposures: Values, cards: Cards) -> Path:
    """Write a file of redshifts.

    Parameters
    ----------
    path : Path
        The file.
    redshifts : mapping
        Columns of REDSHIFTS: TARGETID, Z, ZERR, ZWARN, SPECTYPE (STAR, GALAXY, QSO), SUBTYPE, DELTACHI2, …
    fibermap, exposures, cards
        As for `write_coadd`.

    Returns
    -------
    Path
        The file.
    """
    n = len(np.asarray(redshifts["TARGETID"]))
    tables = {
        "REDSHIFTS": records(REDSHIFTS, n, redshifts),
        "FIBERMAP": records(FIBERMAP, n, fibermap),
        "EXP_FIBERMAP": records(EXP_FIBERMAP, len(np.asarray(exposures["TARGETID"])), exposures),
        "TSNR2": records(TSNR2, n, {"TARGETID": redshifts["TARGETID"]}),
    }
    primary = image_part(None, cards, primary=True)
    return write_fits(path, [primary, *(table_part(name, rows) for name, rows in tables.items())])
