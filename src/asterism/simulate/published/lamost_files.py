"""A block of a simulated LAMOST survey as files: 1D spectra of one spectrograph, and the star catalogue of its raw frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asterism.simulate.frames.plates import assign_fibres, frame_geometry, generator, place_block, plan_of
from asterism.simulate.frames.spectrograph_frames import star_catalogue
from asterism.simulate.spectroscopy.spectra import MASK_BITS
from asterism.surveys.ccd.lamost_stars import write_star_catalogue
from asterism.surveys.fits.fits_files import Cards
from asterism.surveys.formats import lamost_spectra
from asterism.surveys.formats.spectral_grids import grid_named

if TYPE_CHECKING:
    from asterism.simulate.published.survey_files import Block

__all__ = ["raw_directory", "write_spectra", "write_stars"]

# Where the S/N of a band is measured, Å: where SDSS's responses are above a tenth of their peaks.
_BANDS = {"U": (3180, 3980), "G": (3880, 5460), "R": (5520, 6970), "I": (6770, 8430), "Z": (8190, 10400)}


def raw_directory(directory: Path, planid: str) -> Path:
    """Folder of a plan's raw frames and star catalogues."""
    return directory / "LAMOST" / planid / "raw"


def write_spectra(directory: Path, block: Block, cards: Cards) -> None:
    """Write ``spec-*.fits`` of a block's objects.

    Parameters
    ----------
    directory : Path
        Of the survey.
    block : Block
    cards : mapping
        Of all headers.
    """
    plan, spid, seen = plan_of(block.survey, block.seed, block.number)
    fibres = _fibres(block)
    spectra, wavelength = block.spectra["lamost"], grid_named("lamost").wavelength
    ra, dec, z, z_error = (block.numbers(name) for name in ("ra", "dec", "redshift", "redshift_err"))
    classes, subclasses, magnitude = block.texts("class"), block.texts("subclass"), _magnitudes(block)
    day = plan.lmjm // 1440
    for row in range(len(block)):
        observed = spectra.ivar[row] > 0
        if not observed.any():
            continue
        noise = np.where(observed, spectra.flux[row] * np.sqrt(spectra.ivar[row]), np.nan)
        mask = np.zeros(len(wavelength), np.int32)
        for what, bit in lamost_spectra.MASK_BITS.items():
            mask |= np.where(spectra.mask[row] & MASK_BITS[what], bit, 0).astype(np.int32)
        more = {
            "OBSID": ((day % 100000 * 100 + spid) * 1000 + int(fibres[row]) + 1, "Unique number ID of this spectrum"),
            "LMJD": (day, "Local Modified Julian Day"),
            "MJD": (day - 1, "Modified Julian Day"),
            "LMJMLIST": (str(plan.lmjm), "Local Modified Julian Minute list"),
            "PLANID": (plan.name, "Plan ID in use"),
            "RA": (float(ra[row]), "[deg] Right ascension of object"),
            "DEC": (float(dec[row]), "[deg] Declination of object"),
            "DESIG": (lamost_spectra.designation(float(ra[row]), float(dec[row])), "Designation of LAMOST target"),
            "FIBERID": (int(fibres[row]) + 1, "Fiber ID of Object"),
            "OBJTYPE": (classes[row].capitalize(), "Object type from input catalog"),
            "FIBERTYP": ("Obj", "Fiber type of object"),
            "MAGTYPE": ("ugriz", "Magnitude type of object"),
            **{f"MAG{k + 1}": (float(magnitude[row, k]), f"[mag] Mag{k + 1} of object") for k in range(5)},
            "NEXP": (round(float(spectra.exposure[row]) / plan.exptime), "Number of valid exposures"),
            "EXPTIME": (float(spectra.exposure[row]), "[s] exposure time"),
            "SPID": (spid, "Spectrograph ID"),
            "CLASS": (classes[row], "Class of object"),
            "SUBCLASS": (subclasses[row], "Subclass of object"),
            "Z": (float(z[row]), "Redshift of object"),
            "Z_ERR": (float(z_error[row]), "Redshift error of object"),
            **{
                f"SNR{band}": (_snr(noise, wavelength, ends), f"SNR of {band.lower()} filter")
                for band, ends in _BANDS.items()
            },
        }
        if block.plate is not None:  # else every spectrum had a seeing of its own
            more["SEEING"] = (round(float(seen.seeing[0]), 2), "[arcsec] Seeing during exposure")
        folder = directory / "LAMOST" / plan.name
        flux = np.where(observed, spectra.flux[row], 0.0).astype(np.float32)
        lamost_spectra.write_spectrum(folder, flux, spectra.ivar[row], mask, {**more, **cards, **block.name(row)})


def _fibres(block: Block) -> npt.NDArray[np.intp]:
    """From 0: those on the frames, where there are frames."""
    if block.plate is not None:
        return block.plate.fibres
    return assign_fibres(generator(block.survey, block.seed, block.number, 6), len(block))[0]


def _magnitudes(block: Block) -> npt.NDArray[np.float64]:
    """ugriz; 99 where nothing was measured, as LAMOST writes it."""
    if not block.has("photometry_sdss_flux"):
        return np.full((len(block), 5), 99.0)
    flux = block.lists("photometry_sdss_flux").astype(np.float64)
    return np.where(flux > 1e-3, 22.5 - 2.5 * np.log10(np.maximum(flux, 1e-3)), 99.0).round(2)


def _snr(noise: npt.NDArray, wavelength: npt.NDArray, ends: tuple[int, int]) -> float:
    inside = noise[(wavelength > ends[0]) & (wavelength < ends[1])]
    return round(float(np.nanmedian(inside)), 2) if np.isfinite(inside).any() else 0.0


def write_stars(directory: Path, block: Block, cards: Cards) -> None:
    """Write the star catalogue of a block's frames.

    Parameters
    ----------
    directory : Path
        Of the survey.
    block : Block
        With its plate.
    cards : mapping
        Of the header.
    """
    plate = block.plate
    if plate is None:
        return
    total = frame_geometry().fibres
    blank = place_block(block.survey, block.seed, block.number, total, False)  # blank places of the same patch
    ra, dec = blank.ra.copy(), blank.dec.copy()
    ra[plate.fibres], dec[plate.fibres] = block.numbers("ra"), block.numbers("dec")
    columns = {
        "classes": np.full(total, "", "U16"), "subclass": np.full(total, "", "U32"),
        "mag": np.full(total, np.nan), "redshift": np.full(total, lamost_spectra.UNKNOWN),
    }  # fmt: skip
    found = {
        "classes": block.texts("class"), "subclass": block.texts("subclass"), "mag": _magnitudes(block)[:, 2],
        "redshift": block.numbers("redshift"),
    }  # fmt: skip
    for name, values in found.items():
        columns[name][plate.fibres] = values
    stars = star_catalogue(plate.plan, plate.spid, ra, dec, plate.kinds, **columns)
    stars.meta.update({key: value for key, value in cards.items() if key != "COMMENT"})
    stars.meta["comments"] = list(cards.get("COMMENT", ()))
    name = f"stars-{plate.plan.name}-sp{plate.spid:02d}.fits"
    write_star_catalogue(raw_directory(directory, plate.plan.name) / name, stars)
