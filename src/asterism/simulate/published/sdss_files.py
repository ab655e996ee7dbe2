"""A block of a simulated SDSS survey as files: spectra of two plates (SDSS and BOSS), and one field in five bands."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from asterism.simulate.frames.plates import generator, sdss_field, sdss_plate
from asterism.simulate.imaging.field_images import expose_field
from asterism.simulate.light.photometry import grid_wavelength
from asterism.simulate.light.seds import SedProvider
from asterism.simulate.spectroscopy.spectra import MASK_BITS
from asterism.simulate.spectroscopy.spectral_response import response_of
from asterism.surveys.fits.fits_files import Cards
from asterism.surveys.formats import sdss_frames, sdss_spectra
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.stamps.cameras import SDSS

if TYPE_CHECKING:
    from asterism.simulate.published.survey_files import Block

__all__ = ["write_fields", "write_spectra"]

Singles = npt.NDArray[np.float32]

_SCHEMAS = {"sdss": "SPECOBJ", "boss": "SPALL"}


@cache
def _median_sky(spectrograph: str) -> Singles:
    """Dark sky in a fibre on SDSS's grid, 1e-17 erg/s/cm2/Å: files have a sky, and single ones are not kept."""
    response = response_of(spectrograph)
    total, count = np.zeros(response.spectrograph.grid.size), np.zeros(response.spectrograph.grid.size)
    for arm in response.arms:
        total[arm.pixels] += arm.continuum + arm.lines
        count[arm.pixels] += 1.0
    area = np.pi * (0.5 * response.spectrograph.fibre) ** 2
    return np.asarray(area * response.spectrograph.sky * total / np.maximum(count, 1.0), np.float32)


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
    for name in sorted(set(block.spectrographs.tolist())):
        rows = np.flatnonzero(block.spectrographs == name)
        plate, mjd = sdss_plate(block.number, name)
        fibres = np.arange(1, len(rows) + 1)
        spectra = block.spectra["sdss"]
        table = sdss_spectra.spectrum_rows(
            _SCHEMAS[name], len(rows), _row_values(block, name, rows, plate, mjd, fibres)
        )
        wavelength = grid_named("sdss").wavelength
        for k, row in enumerate(rows.tolist()):
            observed = spectra.ivar[row] > 0
            if not observed.any():
                continue
            mask = np.zeros(len(wavelength), np.int32)
            for what, bit in sdss_spectra.MASK_BITS.items():
                mask |= np.where(spectra.mask[row] & MASK_BITS[what], bit, 0).astype(np.int32)
            one = sdss_spectra.SdssSpectrum(
                np.where(observed, spectra.flux[row], 0.0).astype(np.float32),
                spectra.ivar[row],
                mask,
                np.nan_to_num(spectra.lsf[row] / (wavelength * np.log(10.0) * 1e-4)).astype(np.float32),
                _median_sky(name),
                np.nan_to_num(spectra.noiseless[row]),
            )
            more = {
                "EXPTIME": (float(spectra.exposure[row]), "[s] of all exposures together"),
                "RA": (block.place.centre[0], "[deg] RA of the plate"),
                "DEC": (block.place.centre[1], "[deg] Dec of the plate"),
            }
            folder = directory / sdss_spectra.lite_directory(plate)
            sdss_spectra.write_spectrum(
                folder, _SCHEMAS[name], one, table[k : k + 1], {**more, **cards, **block.name(row)}
            )


def _row_values(
    block: Block, name: str, rows: npt.NDArray[np.intp], plate: int, mjd: int, fibres: npt.NDArray[np.intp]
) -> dict[str, Any]:
    """Of HDU 2."""
    spectra, field = block.spectra["sdss"], sdss_field(block.number)
    flux, ivar = np.nan_to_num(spectra.flux[rows]), spectra.ivar[rows]
    expected = np.nan_to_num(spectra.expected[rows])
    wavelength, seen = grid_named("sdss").wavelength, ivar > 0
    ra, dec = block.numbers("ra")[rows], block.numbers("dec")[rows]
    run2d = {"sdss": 26, "boss": 0}[name]
    best = [str(sdss_frames.object_id(field, row + 1)) for row in rows.tolist()]
    spectrum_ids = [sdss_spectra.spectrum_id(plate, mjd, fibre, run2d) for fibre in fibres.tolist()]
    noise = np.where(seen, flux * np.sqrt(ivar), np.nan)
    low, high = np.argmax(seen, axis=1), seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    values: dict[str, Any] = {
        "PLATE": plate, "MJD": mjd, "TILE": plate, "FIBERID": fibres, "CHUNK": "simulated", "PLATEQUALITY": "good",
        "LAMBDA_EFF": 5400.0, "BLUEFIBER": 0, "SPECPRIMARY": 1, "NSPECOBS": 1,
        "PLUG_RA": ra, "PLUG_DEC": dec,
        "CX": np.cos(np.radians(dec)) * np.cos(np.radians(ra)), "CY": np.cos(np.radians(dec)) * np.sin(np.radians(ra)),
        "CZ": np.sin(np.radians(dec)),
        "CLASS": block.texts("class")[rows], "SUBCLASS": block.texts("subclass")[rows],
        "Z": block.numbers("redshift")[rows], "Z_ERR": block.numbers("redshift_err")[rows],
        "ZWARNING": block.numbers("label_warning")[rows].astype(np.int32),
        "RCHI2": ((flux - expected) ** 2 * ivar).sum(axis=1) / np.maximum(seen.sum(axis=1), 1),
        "DOF": seen.sum(axis=1), "WAVEMIN": wavelength[low], "WAVEMAX": wavelength[high],
        "WCOVERAGE": 1e-4 * seen.sum(axis=1), "SN_MEDIAN_ALL": np.nanmedian(noise, axis=1),
    }  # fmt: skip
    if name == "sdss":
        programme = {"SURVEY": "sdss", "INSTRUMENT": "SDSS", "PROGRAMNAME": "legacy", "SPECLEGACY": 1, "RUN1D": "26"}
        return values | programme | {"SPECOBJID": [str(n) for n in spectrum_ids], "BESTOBJID": best, "FLUXOBJID": best}
    photometry = {
        "MODELFLUX": block.lists("photometry_sdss_flux")[rows],
        "MODELFLUX_IVAR": block.lists("photometry_sdss_ivar")[rows],
        "EXTINCTION": block.lists("photometry_sdss_extinction")[rows],
        "PSF_FWHM": block.lists("photometry_sdss_psf_fwhm")[rows],
    } if block.has("photometry_sdss_flux") else {}  # fmt: skip
    return values | photometry | {
        "PROGRAMNAME": "simulated", "OBJTYPE": "NA", "SPECBOSS": 1, "RUN1D": "v5_13_2",
        "SPECOBJID": np.array(spectrum_ids, np.uint64), "OBJID": best, "RA": ra, "DEC": dec, "RUN": field.run,
        "RERUN": field.rerun, "CAMCOL": field.camcol, "FIELD": field.field, "ID": rows + 1, "THING_ID": rows + 1,
    }  # fmt: skip


def write_fields(directory: Path, block: Block, provider: SedProvider, cards: Cards) -> None:
    """Write ``frame-*.fits`` of the field on which a block's objects stand.

    The field is a further exposure of the objects, with seeing, sky and noise of its own: the stamps of the catalog are
    not cut from it.

    Parameters
    ----------
    directory : Path
        Of the survey.
    block : Block
    provider : SedProvider
        Spectra, which part nuclei from hosts.
    cards : mapping
        Of all headers.
    """
    place = block.place
    if place.pixels is None:
        return
    field = sdss_field(block.number)
    rng = generator(block.survey, block.seed, block.number, 4)
    light = provider.seds(block.objects, grid_wavelength(SDSS))
    shape = sdss_frames.FIELD_SHAPE
    images = expose_field(rng, block.objects, block.fluxes, light, place.pixels, field.camcol, shape)
    pointing = sdss_frames.Pointing(*place.centre, place.rotation, SDSS.pixel_scale)
    for k, band in enumerate(sdss_frames.BANDS):
        more = {"PSF_FWHM": (float(images.fwhm[k]), "[arcsec] seeing, the same all over the field"), **cards}
        sdss_frames.write_frame(
            directory / sdss_frames.directory(field), images.flux[k], band, field, pointing,
            float(images.calibration[k]), float(images.sky[k]), more,
        )  # fmt: skip
