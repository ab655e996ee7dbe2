"""Photometry in BOSS's and eBOSS's spectrum files: the imaging catalogue's row of the object, which HDU 2 has beside the results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.schema import photometry_fields
from asterism.surveys.tables.photometry import reject_corrupt

__all__ = ["file_has_photometry", "sdss_photometry", "sdss_photometry_fields"]

BANDS = ("u", "g", "r", "i", "z")

# quantity: column, and values that can be (others are unknown).
_LISTS = {
    "extinction": ("EXTINCTION", 0.0, 100.0),
    "psf_fwhm": ("PSF_FWHM", 1e-3, 100.0),
    "radius": ("THETA_DEV", 0.0, 1e3),
}
_LOOK = 4 << 20  # bytes of a file in which the column's name would stand


def sdss_photometry_fields() -> list[pa.Field]:
    """Fields of the group ``photometry_sdss``: observed model fluxes and what goes with them."""
    return photometry_fields(
        "sdss", BANDS, ("flux", "ivar", *_LISTS, "psf_minus_model", "psf_probability"), dereddened=False,
        zero_point="sdss", magnitude_type="model", provenance="SPALL of the spectrum's file: MODELFLUX of the imaging",
    )  # fmt: skip


def file_has_photometry(path: Path) -> bool:
    """Whether a spectrum's file names a column MODELFLUX, without reading it as FITS.

    Parameters
    ----------
    path : Path
        Packed files are not looked into and are taken to have it.

    Returns
    -------
    bool
    """
    with path.open("rb") as file:
        content = file.read(_LOOK)
    return content[:2] == b"\x1f\x8b" or b"'MODELFLUX'" in content or b"'modelflux'" in content


def sdss_photometry(row: Mapping[str, Any], complaints: list[str]) -> dict[str, Any]:
    """Photometry of one object.

    Parameters
    ----------
    row : mapping
        HDU 2 by column in capitals.
    complaints : list of str
        Gets a sentence for each flux that is corrupt.

    Returns
    -------
    dict of str to values
        Columns of `sdss_photometry_fields`; empty where no band was observed.
    """
    flux, weight = _list(row, "MODELFLUX"), _list(row, "MODELFLUX_IVAR")
    if flux is None or weight is None:
        return {}
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = np.isfinite(flux) & np.isfinite(weight) & (weight > 0)
        sigma = np.where(seen, 1.0 / np.sqrt(np.where(seen, weight, 1.0)), np.nan)
    clean, ivar = reject_corrupt(
        np.where(seen, flux, np.nan)[None], sigma[None], list(BANDS), np.zeros(1, np.int64),
        lambda _, reason: complaints.append(f"photometry: {reason}"),
    )  # fmt: skip
    if not (ivar > 0).any():
        return {}
    found: dict[str, Any] = {"flux": clean[0], "ivar": ivar[0]}
    for quantity, (name, low, high) in _LISTS.items():
        values = _list(row, name)
        if values is not None:
            with np.errstate(invalid="ignore"):
                found[quantity] = np.where((values >= low) & (values <= high), values, np.nan)
    point, model = _list(row, "PSFMAG"), _list(row, "MODELMAG")
    if point is not None and model is not None:
        with np.errstate(invalid="ignore"):
            known = (point > 0) & (point < 90) & (model > 0) & (model < 90)
            found["psf_minus_model"] = np.where(known, point - model, np.nan)
    if "OBJC_PROB_PSF" in row:
        chance = float(row["OBJC_PROB_PSF"])
        found["psf_probability"] = chance if 0.0 <= chance <= 1.0 else None
    return {f"photometry_sdss_{quantity}": values for quantity, values in found.items()}


def _list(row: Mapping[str, Any], name: str) -> npt.NDArray[np.float64] | None:
    """A column of five bands; None where it is not there."""
    if name not in row:
        return None
    values = np.asarray(row[name], np.float64)
    return values if values.shape == (len(BANDS),) else None
