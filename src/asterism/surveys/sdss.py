"""``ingest sdss``: spectra of SDSS, BOSS and eBOSS, one file each or many in a table, one row per observation.

What is a spectrum is known by its columns, in any case of their letters, since HDUs are called otherwise in each release or
not at all: pixels are the table with ``flux`` and ``loglam``, the pipeline's results the one with ``CLASS`` and ``Z``. Full
files have the single exposures behind, each on its own pixels: they are read where they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.schema import CLASSES, identity_fields, label_fields
from asterism.catalogs.spectral_schema import spectrum_fields
from asterism.errors import BadInputError
from asterism.surveys.doors import Observation, Part, Plan
from asterism.surveys.fits.fits_reading import TableRow, card, column, find_column, open_fits, table_rows, text_cell
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.formats.spectrum_placing import CONVERTED, is_vacuum, on_grid, rebinned, values_by_column
from asterism.surveys.sdss_photometry import file_has_photometry, sdss_photometry, sdss_photometry_fields

__all__ = ["PIXEL_MASK", "SdssDoor", "observation_id"]

PIXEL_MASK = {
    "NOPLUG": 1, "BADTRACE": 2, "BADFLAT": 4, "BADARC": 8, "MANYBADCOLUMNS": 16, "MANYREJECTED": 32, "LARGESHIFT": 64,
    "BADSKYFIBER": 128, "NEARWHOPPER": 256, "WHOPPER": 512, "SMEARIMAGE": 1 << 10, "SMEARHIGHSN": 1 << 11,
    "SMEARMEDSN": 1 << 12, "NEARBADPIXEL": 1 << 16, "LOWFLAT": 1 << 17, "FULLREJECT": 1 << 18, "PARTIALREJECT": 1 << 19,
    "SCATTEREDLIGHT": 1 << 20, "CROSSTALK": 1 << 21, "NOSKY": 1 << 22, "BRIGHTSKY": 1 << 23, "NODATA": 1 << 24,
    "COMBINEREJ": 1 << 25, "BADFLUXFACTOR": 1 << 26, "BADSKYCHI": 1 << 27, "REDMONSTER": 1 << 28,
}  # fmt: skip
"""SPPIXMASK: bits of ``and_mask``, as SDSS's bitmask page has them."""

_NAME = re.compile(r"spec-[^/]*\.fits?(\.gz)?", re.IGNORECASE)
_UNIT = "1e-17erg/cm^2/s/ang"
_ROWS_BYTES = 8 << 20  # of a table of many spectra that are read at once
_NEAR = 0.25  # pixels that a table's grid may be off, 17 km/s: a tenth of the resolution. choice
_LARGEST = 1 << 12  # HDUs of a full file that are looked at; the fullest has some 50
_ABOUT = {
    "spec": "coadded spectrum of spec-PLATE-MJD-FIBER.fits, on its own pixels",
    "table": "tables of coadded spectra on grids of their own, put on the nearest pixels",
    "exposures": "single exposures of spec-PLATE-MJD-FIBER.fits, each camera for itself, rebinned onto the grid",
}


def observation_id(plate: int, mjd: int, fibre: int) -> str:
    """Name of an observation.

    Examples
    --------
    >>> observation_id(266, 51602, 1)
    'sdss-0266-51602-0001'
    """
    return f"sdss-{plate:04d}-{mjd:05d}-{fibre:04d}"


@dataclass(frozen=True)
class SdssDoor:
    """Reads spectra of SDSS, BOSS and eBOSS.

    Attributes
    ----------
    exposures : bool
        Read the single exposures of full files instead of their coadds.
    """

    exposures: bool = False

    survey = "sdss"
    suffixes = (".fits", ".fit", ".fits.gz", ".fit.gz")

    def plan(self, files: Sequence[Path]) -> Plan:
        """Spectra by their name or columns; a catalog is placed unless all that there is has no positions."""
        parts: list[Part] = []
        complaints: list[tuple[str, str]] = []
        placed = unplaced = False
        for path in files:
            size = path.stat().st_size
            if _NAME.fullmatch(path.name):
                parts.append(Part(path, size=size, layout="spec"))
                placed = True
                continue
            try:
                kind, rows, positions = _kind(path)
            except BadInputError as error:
                complaints.append((path.name, str(error).replace(str(path), "the file")))
                continue
            if kind == "spec":
                parts.append(Part(path, size=size, layout="spec"))
                placed = True
            elif self.exposures:
                complaints.append((path.name, "a table of spectra has no single exposures; leave --exposures out"))
            else:
                step = max(1, int(_ROWS_BYTES / max(size / max(rows, 1), 1)))
                for start in range(0, rows, step):
                    stop = min(start + step, rows)
                    parts.append(Part(path, rows=(start, stop), size=size * (stop - start) // rows, layout="table"))
                placed, unplaced = placed or positions, unplaced or not positions
        if not parts and complaints:
            raise BadInputError(
                f"none of {len(files):,} files is a spectrum of SDSS: {complaints[0][0]}: {complaints[0][1]}"
            )
        fields = [*identity_fields(placed), *label_fields([f.name for f in label_fields() if f.name != "targets"])]
        if any(file_has_photometry(part.path) for part in parts if part.layout == "spec"):
            fields += sdss_photometry_fields()
        grid = grid_named("sdss")
        kinds = ("exposures",) if self.exposures else [k for k in _ABOUT if any(part.layout == k for part in parts)]
        fields += spectrum_fields(
            "sdss", grid.size, grid.text, frame="heliocentric", mask_bits=PIXEL_MASK, sky=self.exposures,
            provenance="; ".join(_ABOUT[kind] for kind in kinds),
        )  # fmt: skip
        return Plan(tuple(fields), placed, tuple(parts), tuple(complaints))

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterator[Observation]:
        """Rows of a part."""
        names = {field.name for field in fields}
        if part.layout == "table":
            yield from _read_table(part, placed="ra" in names)
        elif self.exposures:
            yield from _read_exposures(part.path, names)
        else:
            yield _read_coadd(part.path, names)


def _kind(path: Path) -> tuple[str, int, bool]:
    """``spec`` or ``table``, the table's rows, and whether it has positions."""
    with open_fits(path, 3) as hdus:
        for hdu in hdus:
            if find_column(hdu, "LOGLAM") and find_column(hdu, "FLUX"):
                return "spec", 0, True
            if all(find_column(hdu, name) for name in ("PLATE", "MJD", "FIBERID", "FLUX", "IVAR")):
                positions = bool(find_column(hdu, "PLUG_RA", "RA") and find_column(hdu, "PLUG_DEC", "DEC"))
                return "table", int(hdu.header["NAXIS2"]), positions
    raise BadInputError(f"{path} has no columns flux and loglam, so it is no spectrum of SDSS; leave it out")


def _pixels(hdus: Sequence[Any], path: Path) -> int:
    for number, hdu in enumerate(hdus):
        if find_column(hdu, "LOGLAM") and find_column(hdu, "FLUX"):
            return number
    raise BadInputError(f"{path} has no table with columns flux and loglam; fetch the file again")


def _results(hdus: Sequence[Any], path: Path) -> Mapping[str, Any]:
    """The pipeline's results by column in capitals, read as they are asked for."""
    for hdu in hdus:
        if find_column(hdu, "CLASS") and find_column(hdu, "Z") and len(column(hdu, path, "Z")):
            return TableRow(hdu)
    return {}


def _identity(row: Mapping[str, Any], header: Any, path: Path) -> dict[str, Any]:
    """Who and where."""
    numbers = [_whole(row.get(name), card(header, *keys)) for name, *keys in _NUMBERS]
    named = None if any(n is None for n in numbers) else observation_id(*(n for n in numbers if n is not None))
    ra = _real(row.get("PLUG_RA", card(header, "PLUG_RA")))
    dec = _real(row.get("PLUG_DEC", card(header, "PLUG_DEC")))
    simulated = card(header, "ORIGIN") == "Asterism"
    release = text_cell(row.get("RUN2D", card(header, "RUN2D") or ""))
    return {
        "object_id": named,
        "ra": None if ra is None else ra % 360.0,
        "dec": dec,
        "survey": "simulated" if simulated else _survey(row),
        "release": (str(card(header, "SIMSURV") or "") if simulated else release) or None,
        "mjd": None if numbers[1] is None else float(numbers[1]),
    }


_NUMBERS = (("PLATE", "PLATEID"), ("MJD", "MJD"), ("FIBERID", "FIBERID"))


def _survey(row: Mapping[str, Any]) -> str:
    """``sdss``, ``segue1``, … where the file says so; else by the chunk of plates that it was observed in."""
    told = text_cell(row.get("SURVEY", "")).lower()
    if told:
        return told
    chunk = text_cell(row.get("CHUNK", "")).lower()
    return "eboss" if chunk.startswith("eboss") else "boss" if chunk.startswith("boss") else "sdss"


def _labels(row: Mapping[str, Any], simulated: bool) -> dict[str, Any]:
    """What the pipeline says that it is."""
    if not row:
        return {}
    name = text_cell(row.get("CLASS", "")).upper()
    error = _real(row.get("Z_ERR"))
    return {
        "class": name if name in CLASSES else None,
        "subclass": text_cell(row.get("SUBCLASS", "")) or None,
        "redshift": _real(row.get("Z")),
        "redshift_err": error if error is not None and error > 0 else None,
        "label_source": "simulated" if simulated else "sdss",
        "label_warning": _whole(row.get("ZWARNING")),
    }


def _real(value: Any) -> float | None:
    """A finite number or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _whole(*values: Any) -> int | None:
    for value in values:
        number = _real(value)
        if number is not None and abs(number) < 2**31:
            return int(number)
    return None


def _check_unit(header: Any, path: Path) -> None:
    unit = card(header, "BUNIT")
    if unit is not None and str(unit).lower().replace(" ", "") != _UNIT:
        raise BadInputError(f"{path} has fluxes in {unit}, not in 1E-17 erg/cm^2/s/Ang; convert them")


def _open(hdus: Sequence[Any], path: Path, names: set[str]) -> tuple[dict[str, Any], list[str]]:
    """Columns that coadd and exposures of a file share, and complaints."""
    header = hdus[0].header
    _check_unit(header, path)
    row = _results(hdus, path)
    values = _identity(row, header, path)
    values |= _labels(row, values["survey"] == "simulated")
    complaints: list[str] = []
    if "photometry_sdss_flux" in names:
        values |= sdss_photometry(row, complaints)
    return values, complaints


def _read_coadd(path: Path, names: set[str]) -> Observation:
    grid = grid_named("sdss")
    with open_fits(path, 3) as hdus:
        values, complaints = _open(hdus, path, names)
        pixels = hdus[_pixels(hdus, path)]
        loglam, flux, ivar = (column(pixels, path, name) for name in ("LOGLAM", "FLUX", "IVAR"))
        more: dict[str, Any] = {
            "mask": column(pixels, path, "AND_MASK") if find_column(pixels, "AND_MASK") else None,
            "lsf": column(pixels, path, "WDISP") if find_column(pixels, "WDISP") else None,
            "outside": PIXEL_MASK["NODATA"],
        }
        if is_vacuum(card(hdus[0].header, "VACUUM")):
            found = on_grid(grid, loglam, flux, ivar, path.name, **more)
        else:
            complaints.append(CONVERTED)
            wave = 10.0 ** np.asarray(loglam, np.float64)
            if more["lsf"] is not None:
                more["lsf"] = _angstrom(more["lsf"], wave)
            found = rebinned(grid, wave, flux, ivar, path.name, **more, air=True)
    _check_seen(found, path)
    return Observation(values["object_id"] or "", values | values_by_column("sdss", found), tuple(complaints))


def _angstrom(wdisp: Any, wave: Any) -> Any:
    """``wdisp`` counts pixels of 1e-4 dex, in single exposures too."""
    return np.asarray(wdisp, np.float64) * wave * np.log(10.0) * 1e-4


def _check_seen(found: Mapping[str, Any], path: Path) -> None:
    if not (found["ivar"] > 0).any():
        raise BadInputError(f"{path} has no good pixel: ivar is 0 throughout; leave it out")


def _read_exposures(path: Path, names: set[str]) -> Iterator[Observation]:
    """One row per exposure and camera; blue ones of SDSS-I/II stand from red to blue."""
    grid = grid_named("sdss")
    with open_fits(path, _LARGEST) as hdus:
        shared, complaints = _open(hdus[:3], path, names)
        behind = [
            hdu for hdu in hdus[_pixels(hdus, path) + 1 :] if find_column(hdu, "LOGLAM") and find_column(hdu, "FLUX")
        ]
        if not behind:
            raise BadInputError(f"{path} has no single exposures; take the full file, or leave --exposures out")
        vacuum = is_vacuum(card(hdus[0].header, "VACUUM"))
        for number, hdu in enumerate(behind):
            name = _exposure_name(hdu, number)
            try:
                wave = 10.0 ** np.asarray(column(hdu, path, "LOGLAM"), np.float64)
                flux, ivar = column(hdu, path, "FLUX"), column(hdu, path, "IVAR")
                found = rebinned(
                    grid, wave, flux, ivar, path.name, air=not vacuum, outside=PIXEL_MASK["NODATA"],
                    mask=column(hdu, path, "MASK", "AND_MASK") if find_column(hdu, "MASK", "AND_MASK") else None,
                    lsf=_angstrom(column(hdu, path, "WDISP"), wave) if find_column(hdu, "WDISP") else None,
                )  # fmt: skip
                if find_column(hdu, "SKY"):
                    sky = column(hdu, path, "SKY")
                    found["sky"] = rebinned(
                        grid, wave, sky, np.isfinite(sky).astype(np.float64), path.name, air=not vacuum
                    )["flux"]
                _check_seen(found, path)
            except BadInputError as error:
                yield Observation(name, complaints=(str(error),))
                continue
            start, end = (_real(card(hdu.header, key)) for key in ("TAI-BEG", "TAI-END"))
            middle = None if start is None else 0.5 * (start + (end or start)) / 86400.0  # TAI, 32 to 37 s from UTC
            values = shared | values_by_column("sdss", found)
            values["object_id"] = f"{shared['object_id']}-{name}" if shared["object_id"] else None
            values["mjd"] = middle if middle is not None and 3e4 < middle < 1e5 else shared["mjd"]
            yield Observation(name, values, tuple(complaints) + (() if vacuum else (CONVERTED,)))
            complaints = []


def _exposure_name(hdu: Any, number: int) -> str:
    """Camera and exposure, e.g. ``B1-00002591``."""
    camera, exposure = card(hdu.header, "CAMERAS"), _whole(card(hdu.header, "EXPOSURE"))
    if camera is not None and exposure is not None:
        return f"{str(camera).upper()}-{exposure:08d}"
    named = re.match(r"[BR][12]-\d+", str(hdu.name).upper())
    return named[0] if named else f"{number + 1:03d}"


def _read_table(part: Part, placed: bool) -> Iterator[Observation]:
    """Rows of a table of many spectra, which all have the pixels of one column of the HDU behind."""
    assert part.rows is not None
    grid, path = grid_named("sdss"), part.path
    with open_fits(path, 3) as hdus:
        header = hdus[0].header
        _check_unit(header, path)
        number = next(k for k, hdu in enumerate(hdus) if find_column(hdu, "FLUX"))
        position = _shared_positions(hdus[number + 1 :], path)
        for k, row in enumerate(table_rows(hdus[number], *part.rows), part.rows[0]):
            values = _identity({"PLUG_RA": row.get("RA"), "PLUG_DEC": row.get("DEC")} | _some(row), header, path)
            if placed and (values["ra"] is None or values["dec"] is None):
                reason = "has no position, and other files here have; ingest tables without positions by themselves"
                yield Observation(k, complaints=(reason,))
                continue
            if not placed:
                del values["ra"], values["dec"]
            try:
                found = on_grid(grid, position, row["FLUX"], row["IVAR"], f"row {k}")
                _check_seen(found, path)
            except BadInputError as error:
                yield Observation(k, complaints=(str(error).replace(str(path), "the row"),))
                continue
            values |= _labels(row, values["survey"] == "simulated")
            yield Observation(k, values | values_by_column("sdss", found))


def _some(row: Mapping[str, Any]) -> dict[str, Any]:
    """What identity is made of."""
    names = ("PLATE", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC", "SURVEY", "CHUNK", "RUN2D")
    return {name: row[name] for name in names if name in row}


def _shared_positions(behind: Sequence[Any], path: Path) -> Any:
    """log10 of the wavelengths of a table's spectra."""
    for one in behind:
        name = find_column(one, "INPUT_GRID", "LOGLAM", "WAVELENGTH", "WAVE")
        if name is not None:
            values = np.asarray(one.data[name], np.float64)
            values = values[0] if values.ndim > 1 else values
            return _near_pixels(np.log10(values) if np.nanmax(values) > 100.0 else values)
    raise BadInputError(f"{path} has no column input_grid with the wavelengths of its spectra; add it")


def _near_pixels(position: Any) -> Any:
    """Pixels of tables whose makers had put spectra on a grid of their own, a little off SDSS's: the nearest ones of it."""
    step = grid_named("sdss").step
    whole = np.rint(position / step)
    return whole * step if (np.abs(position / step - whole) < _NEAR).all() else position
