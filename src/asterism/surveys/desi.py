"""``ingest desi``: coadds and single exposures of DESI with their redshifts, tables without errors, and AVIS's HDF5.

``coadd-X.fits`` or ``spectra-X.fits`` belongs to ``redrock-X.fits`` (or the older ``zbest-X.fits``) in the same folder.
Tables with a TARGETID and a redshift but no spectra (a ``zcatalog``, a catalogue of quasars) speak for all files that are
read with them. What a quantity is called, and who has the word where several tables know it: the fibre map beside the
spectra first, then redrock, then catalogues; for the redshift, a catalogue's Z_BEST, then redrock's Z, then a catalogue's Z.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asterism.errors import BadInputError
from asterism.surveys.desi_coadd import Spectra, arms_of, read_arms, read_columns
from asterism.surveys.desi_hdf5 import read_targets, target_names_of
from asterism.surveys.desi_quantities import REDSHIFT_TABLES, desi_fields, labels, measurements, or_null
from asterism.surveys.desi_tables import Records, TargetTable, cards_of, target_tables
from asterism.surveys.desi_targets import phase_of
from asterism.surveys.doors import Observation, Part, Plan
from asterism.surveys.fits.fits_reading import column, find_column, open_fits

__all__ = ["DesiDoor"]

_ROWS = 64  # of a file that are read at once: 30 MB with their resolution
_TARGETS = 256  # of an HDF5 file that are read at once: 32 MB
_RELEASES = {"fuji": "EDR", "iron": "DR1", "loa": "DR2"}  # public names of productions
_HDF5 = (".h5", ".hdf5")
_NAME = re.compile(r"(?:(coadd|spectra|redrock|zbest)-)?(.*?)\.(?:fits(?:\.gz)?|fit|h5|hdf5)", re.IGNORECASE)


@dataclass(frozen=True)
class _Look:
    """What a file is, by its headers: its layout, its rows, and the columns of its tables of targets."""

    layout: str
    rows: int = 0
    columns: frozenset[str] = frozenset()
    lsf: bool = False
    measured: bool = True


@dataclass(frozen=True)
class DesiDoor:
    """Reads DESI's files.

    Parameters
    ----------
    min_deltachi2 : float
        Least DELTACHI2 of a clean label; 9 is what redrock itself asks for, and samples of galaxies ask for more (the
        BGS 40).
    """

    min_deltachi2: float = 9.0

    @property
    def survey(self) -> str:
        """As in ``ingest desi``."""
        return "desi"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """FITS, packed or not, and HDF5."""
        return (".fits", ".fits.gz", ".fit", *_HDF5)

    def plan(self, files: Sequence[Path]) -> Plan:
        """Find out what each file is, and which belong together."""
        looks: dict[Path, _Look] = {}
        complaints: list[tuple[str, str]] = []
        for file in files:
            _columns(file, looks, complaints)
        tables = [file for file, look in looks.items() if look.layout == "redshifts"]
        catalogues = tuple(file for file in tables if _kind(file) not in ("redrock", "zbest"))
        companions: dict[Path, tuple[Path, ...]] = {}
        columns: dict[Path, frozenset[str]] = {}
        for file, look in list(looks.items()):
            if look.layout in ("redshifts", "damaged"):
                continue
            if _kind(file) == "spectra" and file.with_name(file.name.replace("spectra-", "coadd-", 1)) in looks:
                reason = "single exposures of what the coadd beside them holds; give this file by itself to read them"
                complaints.append((file.name, reason))
                continue
            beside = (*_redshifts_of(file), *catalogues)
            if look.layout == "arms" and "TARGETID" not in look.columns:
                beside = ()  # nobody can say whose they are
            columns[file] = look.columns.union(*(_columns(one, looks, complaints) for one in beside))
            companions[file] = tuple(one for one in beside if looks[one].layout == "redshifts")
        used = {one for own in companions.values() for one in own}
        complaints += [
            (file.name, "redshifts without their spectra; put the coadd of the same name beside it")
            for file in tables
            if file not in used
        ]
        placed = any("TARGET_RA" in names for names in columns.values())
        if placed:
            for file in [file for file, names in columns.items() if "TARGET_RA" not in names]:
                reason = (
                    "has no positions, while other files have; read it by itself, or with a catalogue that has them"
                )
                complaints.append((file.name, reason))
                del companions[file]
        parts = tuple(part for file in companions for part in _parts(file, looks[file], companions[file]))
        kept = [looks[file] for file in companions]
        names: frozenset[str] = frozenset().union(*(columns[file] for file in companions))
        lsf, measured = any(look.lsf for look in kept), {look.measured for look in kept}
        return Plan(desi_fields(names, placed, lsf=lsf, measured=measured), placed, parts, tuple(complaints))

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Read some rows of a file."""
        if part.layout == "hdf5":
            yield from self._read_hdf5(part)
            return
        start, stop = part.rows or (0, 0)
        with open_fits(part.path) as hdus:
            if part.layout == "columns":
                table = next(hdu for hdu in hdus if find_column(hdu, "WAVELENGTH") is not None)
                names = _target_columns(table)[start:stop]
                flux = np.stack([column(table, part.path, name).astype(np.float64) for name in names])
                spectra = read_columns(column(table, part.path, "WAVELENGTH"), flux, part.path)
                targets = np.array([int(name[len("TARGET") :]) for name in names], np.int64)
                yield from self._rows(part, spectra, targets, _companions(part, targets), names, names, {})
                return
            header = cards_of(hdus[0].header)
            tables = {table.name: table for table in target_tables(part.path)}
            fibres = tables.get("FIBERMAP")
            keep = np.arange(start, stop)
            if fibres is not None:
                if len(fibres) < stop:
                    raise BadInputError(
                        f"{part.path} has {len(fibres)} rows in FIBERMAP and more spectra; fetch it again"
                    )
                header = {**fibres.header, **header, **_software(fibres.header), **_software(header)}
                if "OBJTYPE" in fibres.columns:
                    kinds = np.char.strip(fibres.values("OBJTYPE", keep).astype(str))
                    others = kinds != "TGT"
                    for kind in sorted(set(kinds[others].tolist())):
                        reason = (
                            f"{int((kinds == kind).sum())} fibres of OBJTYPE {kind or 'unknown'}, not TGT; left out"
                        )
                        yield Observation(f"{start} to {stop - 1}", complaints=(reason,))
                    keep = keep[~others]
            if not len(keep):
                return
            spectra = _take(read_arms(hdus, part.path, start, stop), keep - start)
        if fibres is not None:
            ids = fibres.ids[keep]
            known = Records([(fibres, keep)], len(keep)) + _companions(part, ids)
            mjd = _mean_mjd(tables.get("EXP_FIBERMAP"), ids)
            yield from self._rows(part, spectra, ids, known, keep.tolist(), _names(part, fibres, keep), header, mjd)
        else:
            yield from self._rows(part, spectra, None, None, keep.tolist(), [f"{row}" for row in keep], header)

    def _read_hdf5(self, part: Part) -> Iterator[Observation]:
        for target, name, spectrum, complaint in read_targets(part.path, *(part.rows or (0, 0))):
            row = f"{target}/{name}"
            if spectrum is None or not re.fullmatch(r"-?\d{1,19}", target):
                yield Observation(row, complaints=(complaint or f"{target!r} is no TARGETID; left out",))
                continue
            ids = np.array([int(target)], np.int64)
            header = {"SPECPROD": name.partition("-coadd-")[0]} if "-coadd-" in name else {}
            yield from self._rows(part, spectrum, ids, _companions(part, ids), [row], [name], header)

    def _rows(
        self,
        part: Part,
        spectra: Spectra,
        ids: np.ndarray | None,
        known: Records | None,
        rows: Sequence[int | str],
        names: Sequence[str],
        header: dict[str, Any],
        mjd: np.ndarray | None = None,
    ) -> Iterator[Observation]:
        """Observations of spectra and what the tables say of their targets."""
        n = len(spectra.flux)
        values: dict[str, Any] = {
            "release": [_release(header)] * n,
            "spectrum_desi_flux": spectra.flux, "spectrum_desi_ivar": spectra.ivar, "spectrum_desi_mask": spectra.mask,
        }  # fmt: skip
        if spectra.lsf is not None:
            values["spectrum_desi_lsf"] = spectra.lsf
        stem = _stem(part.path)
        phase = str(header.get("SURVEY") or "")
        if ids is None or known is None:
            values["object_id"] = [f"desi-{stem}-{name}" for name in names]
        else:
            alike = part.layout == "hdf5" or part.layout == "columns"
            values["object_id"] = [
                f"desi-{id_}-{stem if part.layout == 'columns' else name}" if alike else f"desi-{id_}-{stem}{name}"
                for id_, name in zip(ids.tolist(), names, strict=True)
            ]
            values["source_id"] = [f"desi-{id_}" for id_ in ids.tolist()]
            values |= labels(known, self.min_deltachi2) | measurements(known)
            values["spectrum_desi_deltachi2"] = or_null(known.numbers("DELTACHI2"))
            if mjd is None:
                mjd = known.numbers("MEAN_MJD", "MJD")
            values["mjd"] = or_null(np.where(np.isfinite(mjd), mjd, known.numbers("MEAN_MJD", "MJD")))
            phase = phase or phase_of(known.integers)
        about = [word for word in (phase, str(header.get("PROGRAM") or "")) if word] if phase else []
        values["survey"] = ["-".join(["desi", *(word.strip().lower() for word in about)])] * n
        observed = np.asarray((spectra.ivar > 0).any(axis=1))
        for k in range(n):
            if not observed[k]:
                yield Observation(rows[k], complaints=("no pixel of the spectrum was observed; left out",))
                continue
            yield Observation(rows[k], {name: column[k] for name, column in values.items()})


def _look(file: Path) -> _Look:
    """What a file is."""
    if file.suffix.lower() in _HDF5:
        return _Look("hdf5", len(target_names_of(file)))
    with open_fits(file) as hdus:
        arms = arms_of(hdus)
        names = {str(hdu.name).upper(): hdu for hdu in hdus}
        columns = frozenset(
            str(name).upper()
            for hdu in hdus
            if find_column(hdu, "TARGETID") is not None and str(hdu.name).upper() != "EXP_FIBERMAP"
            for name in hdu.columns.names
        )
        if arms:
            rows = int(names[f"{arms[0]}_FLUX"].shape[0]) if names[f"{arms[0]}_FLUX"].shape else 0
            measured = all(f"{arm}_IVAR" in names for arm in arms)
            return _Look("arms", rows, columns, any(f"{arm}_RESOLUTION" in names for arm in arms), measured)
        for hdu in hdus:
            if find_column(hdu, "WAVELENGTH") is not None and _target_columns(hdu):
                return _Look("columns", len(_target_columns(hdu)), measured=False)
        if columns & {"Z", "Z_BEST", "TARGET_RA"}:
            return _Look("redshifts", columns=columns)
    raise BadInputError(f"{file} has neither spectra of DESI nor redshifts by TARGETID; leave it out")


def _parts(file: Path, look: _Look, companions: tuple[Path, ...]) -> Iterator[Part]:
    """A file in pieces; what is packed is unpacked at once anyway."""
    step = _TARGETS if look.layout == "hdf5" else look.rows if file.suffix.lower() == ".gz" else _ROWS
    size = file.stat().st_size
    for start in range(0, look.rows, max(step, 1)):
        stop = min(start + step, look.rows)
        yield Part(file, companions, (start, stop), size * (stop - start) // look.rows, look.layout)


def _companions(part: Part, ids: np.ndarray) -> Records:
    """What the files beside say: redrock's redshifts before its copy of the fibre map, catalogues last."""
    tables: list[TargetTable] = []
    for path in part.companions:
        found = [table for table in target_tables(path) if table.name != "EXP_FIBERMAP"]
        tables += sorted(found, key=lambda table: table.name not in REDSHIFT_TABLES)
    return Records.of(tables, ids)


def _columns(path: Path, looks: dict[Path, _Look], complaints: list[tuple[str, str]]) -> frozenset[str]:
    """Columns of a file's tables of targets; a file that can't be read is told once."""
    if path not in looks:
        try:
            looks[path] = _look(path)
        except BadInputError as error:
            complaints.append((path.name, str(error)))
            looks[path] = _Look("damaged")
        except Exception as error:  # astropy and h5py raise what they happen on
            reason = (
                f"can't be read ({type(error).__name__}: {' '.join(str(error).split())[:120]}); fetch the file again"
            )
            complaints.append((path.name, reason))
            looks[path] = _Look("damaged")
    return looks[path].columns


def _redshifts_of(file: Path) -> tuple[Path, ...]:
    """Files with the redshifts of a file of spectra."""
    named = _NAME.fullmatch(file.name)
    if named is None or named[1] is None or named[1].lower() not in ("coadd", "spectra"):
        return ()
    names = [f"{kind}-{named[2]}{suffix}" for kind in ("redrock", "zbest") for suffix in (".fits", ".fits.gz")]
    return tuple(file.with_name(name) for name in names if file.with_name(name).is_file())


def _kind(file: Path) -> str:
    named = _NAME.fullmatch(file.name)
    return (named[1] or "").lower() if named else ""


def _stem(file: Path) -> str:
    named = _NAME.fullmatch(file.name)
    return named[2] if named else file.stem


def _target_columns(hdu: Any) -> list[str]:
    names = [] if getattr(hdu, "columns", None) is None else [str(name) for name in hdu.columns.names]
    return [name for name in names if re.fullmatch(r"TARGET-?\d{1,19}", name)]


def _names(part: Part, fibres: TargetTable, rows: np.ndarray) -> list[str]:
    """What of an observation's name tells it from others of the same target in the same file."""
    if _kind(part.path) != "spectra" or "EXPID" not in fibres.columns:
        return [""] * len(rows)
    return [f"-{number}" for number in fibres.values("EXPID", rows).tolist()]


def _mean_mjd(exposures: TargetTable | None, ids: np.ndarray) -> np.ndarray | None:
    """Mean date of the exposures of each target."""
    if exposures is None or "MJD" not in exposures.columns or not len(exposures):
        return None
    dates = exposures.values("MJD", slice(None)).astype(np.float64)
    names, which = np.unique(exposures.ids, return_inverse=True)
    good = np.isfinite(dates) & (dates > 0)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(which, np.where(good, dates, 0.0), len(names)) / np.bincount(which, good, len(names))
    place = np.minimum(np.searchsorted(names, ids), len(names) - 1)
    return np.where(names[place] == ids, mean[place], np.nan)


def _software(header: dict[str, Any]) -> dict[str, Any]:
    """Versions that a header tells as DEPNAMnn and DEPVERnn."""
    return {
        str(value): header.get(f"DEPVER{key[6:]}")
        for key, value in header.items()
        if key.startswith("DEPNAM") and value
    }


def _release(header: dict[str, Any]) -> str | None:
    name = str(header.get("SPECPROD") or "").strip()
    return _RELEASES.get(name, name) or None


def _take(spectra: Spectra, rows: np.ndarray) -> Spectra:
    lsf = None if spectra.lsf is None else spectra.lsf[rows]
    return Spectra(spectra.flux[rows], spectra.ivar[rows], spectra.mask[rows], lsf)
