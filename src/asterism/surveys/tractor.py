"""The Legacy Surveys' source tables: ``tractor-BRICK.fits`` and ``sweep-*.fits`` as rows of photometry.

Columns as the catalogs pages of DR8 to DR10 describe them, in either letter case. Fluxes are total, AB nanomaggies, W1 and W2
too; they are not corrected for extinction, ``mw_transmission`` is what the dust leaves. ``shape_r`` is undefined for PSF. Rows of type DUP
are Gaia's entries for what a galaxy model has taken already, and rows that are not ``brick_primary`` stand in the next brick's
table too: both are left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.bands import band_info
from asterism.catalogs.columns import ASTROMETRY
from asterism.catalogs.schema import photometry_fields
from asterism.errors import BadInputError
from asterism.surveys.doors import Observation, Part
from asterism.surveys.fits.fits_reading import column, find_column, open_fits

__all__ = ["BANDS", "is_tractor", "read_tractor", "tractor_fields"]

BANDS = ("g", "r", "i", "z", "W1", "W2")
"""Of the photometry; i is absent before DR10."""

_NAME = re.compile(r"(tractor|sweep)-[^/]*\.fits?(\.gz|\.bz2)?")
_ABSENT = ("DUP",)
_POINT = "PSF"
_CORRUPT = -5.0  # standard deviations
_WIDTH = "psfsize"
_GAIA = {"parallax": "parallax", "pm_ra": "pmra", "pm_dec": "pmdec"}


def is_tractor(path: Path) -> bool:
    """Whether a file is called as such tables are."""
    return _NAME.fullmatch(path.name) is not None


def tractor_fields() -> list[pa.Field]:
    """Columns of photometry and astrometry."""
    quantities = ("flux", "ivar", "extinction", "psf_fwhm", "radius", "psf_probability", "flags")
    light = photometry_fields(
        "legacy", BANDS, quantities, dereddened=False, zero_point="ab", magnitude_type="model", provenance="Tractor"
    )
    return [*light, *ASTROMETRY]


def read_tractor(part: Part) -> Iterator[Observation]:
    """Read a table.

    Parameters
    ----------
    part : Part
        The file.

    Yields
    ------
    Observation
        One for each row that is kept, and one without values that tells how many are not.

    Raises
    ------
    BadInputError
        The file is damaged or no such table.
    """
    path = part.path
    with open_fits(path) as hdus:
        table = next((hdu for hdu in hdus if find_column(hdu, "brickid") is not None), None)
        if table is None:
            raise BadInputError(f"{path} has no table with a column brickid; is it a Tractor table?")
        names = [column(table, path, name).astype(np.int64) for name in ("release", "brickid", "objid")]
        ra, dec = (column(table, path, name).astype(np.float64) for name in ("ra", "dec"))
        kinds = np.char.strip(np.char.upper(np.asarray(table.data[find_column(table, "type")]).astype("U4")))
        n = len(ra)
        primary = _optional(table, path, "brick_primary", np.ones(n, bool)).astype(bool)
        values = _light(table, path, n)
        radius = _optional(table, path, "shape_r", np.full(n, np.nan)).astype(np.float64)
        flags = _optional(table, path, "maskbits", np.zeros(n, np.int64)).astype(np.int64)
        days = [_optional(table, path, name, np.full(n, np.nan)).astype(np.float64) for name in ("mjd_min", "mjd_max")]
        gaia = {name: _measured(table, path, theirs, n) for name, theirs in _GAIA.items()}
    twice = np.isin(kinds, _ABSENT)
    for rows, why in (
        (twice, "of type DUP are left out: another model has their light"),
        (~primary & ~twice, "are not brick_primary and left out: the next brick has them"),
    ):
        if rows.any():
            yield Observation("", complaints=(f"{int(rows.sum())} rows {why}",))
    point = kinds == _POINT
    radius = np.where(point | ~(radius > 0), np.nan, radius)
    mjd = 0.5 * (days[0] + days[1])
    corrupt = values["flux"] * np.sqrt(values["ivar"]) < _CORRUPT
    values["ivar"][corrupt] = 0.0
    values["flux"][~(values["ivar"] > 0)] = np.nan
    for row in np.flatnonzero(primary & ~twice).tolist():
        bad = [band for band, wrong in zip(BANDS, corrupt[row], strict=True) if wrong]
        complaint = (f"{', '.join(bad)} below -5 standard deviations: not observed",) if bad else ()
        yield Observation(
            row,
            {
                "object_id": "-".join(str(name[row]) for name in names),
                "ra": float(ra[row]), "dec": float(dec[row]), "survey": "legacy", "release": _release(int(names[0][row])),
                "mjd": float(mjd[row]) if mjd[row] > 0 else None,
                **{f"photometry_legacy_{name}": array[row] for name, array in values.items()},
                "photometry_legacy_radius": np.full(len(BANDS), radius[row]),
                "photometry_legacy_psf_probability": 1.0 if point[row] else 0.0,
                "photometry_legacy_flags": int(flags[row]),
                **{key: number for name, pair in gaia.items() for key, number in _pair(name, pair, row)},
            },
            complaint,
        )  # fmt: skip


def _pair(name: str, pair: tuple[Any, Any], row: int) -> list[tuple[str, float]]:
    value, ivar = float(pair[0][row]), float(pair[1][row])
    return [(name, value), (f"{name}_err", ivar**-0.5)] if ivar > 0 and np.isfinite([value, ivar]).all() else []


def _release(number: int) -> str:
    """DR9 of 9010; thousands are the data release."""
    return f"dr{number // 1000}" if number >= 1000 else ""


def _optional(table: Any, path: Path, name: str, otherwise: Any) -> Any:
    return column(table, path, name) if find_column(table, name) is not None else otherwise


def _measured(table: Any, path: Path, name: str, n: int) -> tuple[Any, Any]:
    absent = np.zeros(n)
    return _optional(table, path, name, absent), _optional(table, path, f"{name}_ivar", absent)


def _light(table: Any, path: Path, n: int) -> dict[str, Any]:
    """Fluxes, their inverse variances, extinction and seeing: (n, bands)."""
    shape = (n, len(BANDS))
    found = {"flux": np.full(shape, np.nan), "ivar": np.zeros(shape)}
    found |= {"extinction": np.full(shape, np.nan), "psf_fwhm": np.full(shape, np.nan)}
    reddening = _optional(table, path, "ebv", np.full(n, np.nan)).astype(np.float64)
    for k, band in enumerate(BANDS):
        if find_column(table, f"flux_{band}") is None:
            continue
        flux, ivar = (column(table, path, f"{name}_{band}").astype(np.float64) for name in ("flux", "flux_ivar"))
        good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
        found["flux"][:, k], found["ivar"][:, k] = np.where(good, flux, np.nan), np.where(good, ivar, 0.0)
        if find_column(table, f"mw_transmission_{band}") is not None:
            left = column(table, path, f"mw_transmission_{band}").astype(np.float64)
            found["extinction"][:, k] = -2.5 * np.log10(np.where((left > 0) & (left <= 1), left, np.nan))
        else:
            found["extinction"][:, k] = reddening * (band_info("legacy", band).extinction_coefficient or np.nan)
        if find_column(table, f"{_WIDTH}_{band}") is not None:
            width = column(table, path, f"{_WIDTH}_{band}").astype(np.float64)
            found["psf_fwhm"][:, k] = np.where(width > 0, width, np.nan)
    if not (found["ivar"] > 0).any() and n:
        raise BadInputError(f"no row of {path} has a flux in {', '.join(BANDS)}; is it a Tractor table?")
    return found
