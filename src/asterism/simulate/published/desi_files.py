"""A block of a simulated DESI survey as files: coadd and redrock of a petal, and a Legacy Surveys cutout of each target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from asterism.simulate.frames.plates import desi_tile, generator, night_of
from asterism.simulate.spectroscopy.desi_arms import split_arms
from asterism.simulate.spectroscopy.spectrographs import spectrograph_named
from asterism.surveys.fits.fits_files import Cards
from asterism.surveys.formats import desi_spectra, legacy_images
from asterism.surveys.stamps.cameras import camera_of_survey

if TYPE_CHECKING:
    from asterism.simulate.published.survey_files import Block

__all__ = ["write_cutouts", "write_petal"]

Values = dict[str, Any]

_RELEASE = 9010  # of the Legacy Surveys' DR9, south
_FIBRES = 500  # of a petal


def write_petal(directory: Path, block: Block, cards: Cards) -> None:
    """Write ``coadd-*.fits`` and ``redrock-*.fits`` of a block's objects.

    No templates are fitted: redshift and class are the catalog's labels, CHI2 is that of the expected spectrum, and
    DELTACHI2 what it is better than nothing.

    Parameters
    ----------
    directory : Path
        Of the survey.
    block : Block
    cards : mapping
        Of all headers.
    """
    tile, petal, mjd = desi_tile(block.number)
    night, spectra = night_of(mjd), block.spectra["desi"]
    targets = desi_spectra.target_id(_RELEASE, block.number, np.arange(1, len(block) + 1))
    fibermap = _fibermap(block, targets, tile, petal)
    exposures = _exposures(block, targets, tile, petal, mjd)
    seen = spectra.ivar > 0
    flux, expected = (np.where(seen, values, 0.0).astype(np.float64) for values in (spectra.flux, spectra.expected))
    redshifts: Values = {
        "TARGETID": targets, "Z": block.numbers("redshift"), "ZERR": block.numbers("redshift_err"),
        "ZWARN": block.numbers("label_warning").astype(np.int64), "SPECTYPE": block.texts("class"),
        "SUBTYPE": block.texts("subclass"), "CHI2": ((flux - expected) ** 2 * spectra.ivar).sum(axis=1),
        "DELTACHI2": (expected**2 * spectra.ivar).sum(axis=1), "NPIXELS": seen.sum(axis=1), "NCOEFF": 0,
    }  # fmt: skip
    head = {
        "SPGRP": "cumulative", "SPGRPVAL": night, "TILEID": tile, "PETAL": petal, "NIGHT": night, "SURVEY": "main",
        "PROGRAM": "simulated",
    }  # fmt: skip
    folder = directory / desi_spectra.directory(tile, night)
    arms = split_arms(generator(block.survey, block.seed, block.number, 5), spectra)
    names = {kind: folder / desi_spectra.file_name(kind, petal, tile, night) for kind in ("coadd", "redrock")}
    desi_spectra.write_coadd(names["coadd"], arms, fibermap, exposures, {**head, **cards})
    desi_spectra.write_redrock(names["redrock"], redshifts, fibermap, exposures, cards)


def _fibermap(block: Block, targets: npt.NDArray[np.int64], tile: int, petal: int) -> Values:
    n = len(block)
    device = np.arange(n)
    ra, dec = block.numbers("ra"), block.numbers("dec")
    counts = np.rint(block.spectra["desi"].exposure / spectrograph_named("desi").exposure).astype(np.int16)
    values: Values = {
        "TARGETID": targets, "PETAL_LOC": petal, "DEVICE_LOC": device, "LOCATION": 1000 * petal + device,
        "FIBER": _FIBRES * petal + device, "TARGET_RA": ra, "TARGET_DEC": dec, "REF_EPOCH": 2015.5,
        "LAMBDA_REF": 5400.0, "FA_TYPE": 1, "OBJTYPE": "TGT", "RELEASE": _RELEASE, "BRICKNAME": "simulate",
        "BRICKID": block.number, "BRICK_OBJID": np.arange(1, n + 1), "PHOTSYS": "S", "NUMOBS_INIT": 1,
        **_target_bits(block.targets()), "PLATE_RA": ra, "PLATE_DEC": dec, "TILEID": tile, "COADD_NUMEXP": counts,
        "COADD_EXPTIME": block.spectra["desi"].exposure, "COADD_NUMNIGHT": 1, "COADD_NUMTILE": 1,
        "MEAN_FIBER_RA": ra, "MEAN_FIBER_DEC": dec, "MEAN_PSF_TO_FIBER_SPECFLUX": 0.79,
    }  # fmt: skip
    values["FA_TARGET"] = values["DESI_TARGET"]
    if not block.has("photometry_legacy_flux"):
        return values
    camera = camera_of_survey(block.survey)
    flux, ivar = block.lists("photometry_legacy_flux"), block.lists("photometry_legacy_ivar")
    fraction = block.spectra["desi"].fibre_fraction
    for k, band in enumerate(camera.bands):
        if band in "grz":
            values |= {f"FLUX_{band.upper()}": flux[:, k], f"FLUX_IVAR_{band.upper()}": ivar[:, k]}
            values |= {f"{name}_{band.upper()}": flux[:, k] * fraction for name in ("FIBERFLUX", "FIBERTOTFLUX")}
    point = block.numbers("photometry_legacy_psf_probability") > 0.5
    reference = camera.reference
    coefficient = camera.extinction_coefficient[reference]
    return values | {
        "EBV": block.lists("photometry_legacy_extinction")[:, reference] / coefficient,
        "MORPHTYPE": np.where(point, "PSF", "REX"),
        "SHAPE_R": np.where(point, 0.0, block.lists("photometry_legacy_radius")[:, reference]),
    }


def _target_bits(targets: list[list[str]]) -> Values:
    """Bits of the programmes; names of samples begin as their class of targets does."""
    bits = {name: np.zeros(len(targets), np.int64) for name in ("DESI_TARGET", "BGS_TARGET", "MWS_TARGET")}
    for row, names in enumerate(targets):
        for name in map(str.lower, names):
            if name.startswith("bgs"):
                bits["DESI_TARGET"][row] |= desi_spectra.DESI_BITS["BGS_ANY"]
                bits["BGS_TARGET"][row] |= desi_spectra.BGS_BITS["BGS_FAINT" if "faint" in name else "BGS_BRIGHT"]
            elif name.startswith("mws"):
                bits["DESI_TARGET"][row] |= desi_spectra.DESI_BITS["MWS_ANY"]
                bits["MWS_TARGET"][row] |= desi_spectra.MWS_BITS["MWS_WD" if "white" in name else "MWS_BROAD"]
            else:
                bits["DESI_TARGET"][row] |= desi_spectra.DESI_BITS.get(name[:3].upper(), 0)
    return dict(bits)


def _exposures(block: Block, targets: npt.NDArray[np.int64], tile: int, petal: int, mjd: int) -> Values:
    """One row per target and exposure."""
    seconds = spectrograph_named("desi").exposure
    counts = np.rint(block.spectra["desi"].exposure / seconds).astype(np.intp)
    row = np.repeat(np.arange(len(block)), counts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    ra, dec = block.numbers("ra")[row], block.numbers("dec")[row]
    return {
        "TARGETID": targets[row], "NIGHT": night_of(mjd), "EXPID": 10 * (tile % 100000) + number,
        "MJD": mjd + 0.25 + number * 1.2 * seconds / 86400.0, "TILEID": tile, "EXPTIME": seconds, "PETAL_LOC": petal,
        "DEVICE_LOC": row, "LOCATION": 1000 * petal + row, "FIBER": _FIBRES * petal + row, "LAMBDA_REF": 5400.0,
        "PLATE_RA": ra, "PLATE_DEC": dec, "FIBER_RA": ra, "FIBER_DEC": dec, "PSF_TO_FIBER_SPECFLUX": 0.79,
    }  # fmt: skip


def write_cutouts(directory: Path, block: Block, cards: Cards) -> None:
    """Write the stamps of the catalog as Legacy Surveys cutouts, one file per object.

    Parameters
    ----------
    directory : Path
        Of the survey.
    block : Block
    cards : mapping
        Of all headers.
    """
    camera = camera_of_survey(block.survey)
    side = round((block.lists("image_legacy_flux").shape[1] / len(camera.bands)) ** 0.5)
    flux = block.lists("image_legacy_flux").reshape(len(block), len(camera.bands), side, side)
    ivar = np.broadcast_to(block.lists("image_legacy_ivar")[:, :, None, None], flux.shape)
    ra, dec = block.numbers("image_legacy_ra"), block.numbers("image_legacy_dec")
    tile, petal, _ = desi_tile(block.number)
    for row in range(len(block)):
        legacy_images.write_cutout(
            directory / "cutouts" / f"{tile}-{petal}", flux[row], ivar[row], camera.bands, float(ra[row]),
            float(dec[row]), {**cards, **block.name(row)}, camera.pixel_scale,
        )  # fmt: skip
