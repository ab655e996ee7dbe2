"""What DESI's tables say of a target, as columns of a catalog: labels, photometry, astrometry."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.bands import band_info
from asterism.catalogs.columns import ASTROMETRY, CLASSES, metadata_of
from asterism.catalogs.schema import identity_fields, label_fields, photometry_fields
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.surveys.desi_coadd import SPECMASK
from asterism.surveys.desi_tables import Records
from asterism.surveys.desi_targets import TARGET_COLUMNS, target_names
from asterism.surveys.formats.spectral_grids import grid_named

__all__ = [
    "BANDS",
    "FIBRE_WARNING",
    "LOW_DELTACHI2",
    "REDSHIFT_TABLES",
    "desi_fields",
    "labels",
    "measurements",
    "or_null",
]

BANDS = ("g", "r", "z", "W1", "W2")
"""Of the fluxes in a fibre map, which are the Legacy Surveys': AB nanomaggies, W1 and W2 too."""

FIBRE_WARNING, LOW_DELTACHI2 = 1 << 24, 1 << 25
"""Bits of ``label_warning`` besides those of ZWARN: COADD_FIBERSTATUS says more than that the positioner was stuck or held
back; DELTACHI2 is below what is asked for."""

EPOCH = "J2015.5"
"""Of TARGET_RA and TARGET_DEC of targets with a proper motion: REF_EPOCH of Gaia DR2."""

REDSHIFT_TABLES = ("REDSHIFTS", "ZBEST")
"""HDUs of redrock, now and before 2021."""

_ZWARN = (1 << 24) - 1
_HARMLESS = 1 << 1 | 1 << 3  # of FIBERSTATUS: STUCKPOSITIONER and RESTRICTED are for information (desispec's fibermask)


def desi_fields(columns: Set[str], placed: bool, *, lsf: bool, measured: Set[bool]) -> tuple[pa.Field, ...]:
    """Fields of a catalog: those that one of the files can fill.

    Parameters
    ----------
    columns : set of str
        Of the tables of targets, in upper case.
    placed : bool
        Targets have positions.
    lsf : bool
        A file has resolutions.
    measured : set of bool
        Whether files have inverse variances; where some have not, the metadata ``ivar_source`` of the spectra is
        ``mixed`` and the mask tells which, where none has, ``estimated``.

    Returns
    -------
    tuple of pyarrow.Field
    """
    moving = bool(columns & {"PARALLAX", "PMRA"})
    fields = [*identity_fields(placed), *label_fields()]
    if moving:  # positions are those of Gaia's epoch, whenever the spectrum was taken
        fields = [
            field.with_metadata({**metadata_of(field), "epoch": EPOCH}) if field.name in ("ra", "dec") else field
            for field in fields
        ]
    if "FLUX_IVAR_G" in columns:
        fields += photometry_fields(
            "legacy", BANDS, ("flux", "ivar", "extinction"), dereddened=False, zero_point="ab", magnitude_type="model",
            provenance="fibre map: Legacy Surveys, Tractor; extinction from EBV",
        )  # fmt: skip
    if moving:
        fields += ASTROMETRY
    grid = grid_named("desi")
    spectrum = spectrum_fields(
        "desi", grid.size, grid.text, mask_bits=SPECMASK, lsf=lsf, deltachi2=True,
        provenance="arms coadded by inverse variance",
    )  # fmt: skip
    source = "mixed" if len(measured) > 1 else "measured" if measured <= {True} else "estimated"
    for field in spectrum:
        if field.name.endswith(("_flux", "_ivar")):
            field = field.with_metadata({**metadata_of(field), "ivar_source": source})
        fields.append(field)
    return tuple(fields)


def labels(known: Records, least: float) -> dict[str, Sequence[Any]]:
    """Class, redshift, warnings and targets.

    Parameters
    ----------
    known : Records
        Tables of the targets, the fibre map first.
    least : float
        Least DELTACHI2 without a warning.

    Returns
    -------
    dict of str to sequence
        Columns of labels; None where nothing is known.
    """
    best, z, source = known.numbers("Z_BEST"), known.numbers("Z"), known.where_known("Z")
    redshift = np.where(np.isfinite(best), best, z)
    error = np.where(np.isfinite(best) & (best != z), np.nan, known.numbers("ZERR"))
    kind = [
        text.upper() or ("QSO" if table == "QSO_CAT" else "")
        for text, table in zip(known.texts("SPECTYPE"), source, strict=True)
    ]
    said = ["Z_BEST" if np.isfinite(b) else _SOURCES.get(name, name) for b, name in zip(best, source, strict=True)]
    zwarn, fibre = known.integers("ZWARN"), known.integers("COADD_FIBERSTATUS", "FIBERSTATUS")
    warning = np.zeros(len(best), np.int64) if zwarn is None else zwarn & _ZWARN
    if fibre is not None:
        warning |= np.where(fibre & ~_HARMLESS, FIBRE_WARNING, 0)
    with np.errstate(invalid="ignore"):
        warning |= np.where(known.numbers("DELTACHI2") < least, LOW_DELTACHI2, 0)
    masks = {name: values for name in TARGET_COLUMNS if (values := known.integers(name)) is not None}
    there = np.isfinite(redshift) | np.array([bool(text) for text in kind], bool)
    targets = [target_names({name: column[k] for name, column in masks.items()}) for k in range(len(best))]
    return {
        "class": [text if text in CLASSES else None for text in kind],
        "subclass": [text or None for text in known.texts("SUBTYPE")],
        "redshift": or_null(redshift),
        "redshift_err": or_null(np.where(error > 0, error, np.nan)),
        "label_source": [text or None if seen else None for text, seen in zip(said, there, strict=True)],
        "label_warning": [int(bits) if seen else None for bits, seen in zip(warning, there, strict=True)],
        "targets": targets if masks else [None] * len(best),
    }


_SOURCES = {"REDSHIFTS": "redrock", "ZBEST": "redrock"}


def measurements(known: Records) -> dict[str, Sequence[Any]]:
    """Columns of positions, photometry and astrometry; None where nothing is known."""
    values: dict[str, Sequence[Any]] = {
        "ra": or_null(known.numbers("TARGET_RA")), "dec": or_null(known.numbers("TARGET_DEC"))
    }  # fmt: skip
    flux, ivar = (
        np.stack([known.numbers(f"{stem}_{band.upper()}") for band in BANDS], axis=1) for stem in ("FLUX", "FLUX_IVAR")
    )
    with np.errstate(invalid="ignore", over="ignore"):
        single = ivar.astype(np.float32)
        seen = (single > 0) & np.isfinite(single) & np.isfinite(flux.astype(np.float32))
    coefficients = [band_info("legacy", band).extinction_coefficient or np.nan for band in BANDS]
    extinction = known.numbers("EBV")[:, None] * coefficients
    some = np.asarray(seen.any(axis=1))
    for name, numbers in (
        ("flux", np.where(seen, flux, np.nan)), ("ivar", np.where(seen, ivar, 0.0)), ("extinction", extinction)
    ):  # fmt: skip
        values[f"photometry_legacy_{name}"] = [row if there else None for row, there in zip(numbers, some, strict=True)]
    motion = {
        name: known.numbers(own) for name, own in (("pm_ra", "PMRA"), ("pm_dec", "PMDEC"), ("parallax", "PARALLAX"))
    }
    # A target that Gaia does not have is told by zeros.
    blank = (np.nan_to_num(motion["pm_ra"]) == 0) & (np.nan_to_num(motion["pm_dec"]) == 0)
    for name, own in (("pm_ra", "PMRA"), ("pm_dec", "PMDEC"), ("parallax", "PARALLAX")):
        weight = known.numbers(f"{own}_IVAR")
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.where(weight > 0, 1.0 / np.sqrt(weight), np.nan)
        values[name] = or_null(np.where(blank, np.nan, motion[name]))
        values[f"{name}_err"] = or_null(np.where(blank, np.nan, error))
    return values


def or_null(values: np.ndarray) -> list[float | None]:
    """Numbers, with None for what is not finite."""
    return [float(value) if np.isfinite(value) else None for value in values]
