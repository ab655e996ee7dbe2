"""Fields of surveys on the disk: which files are frames, of what band and field, and what lies beside them.

Known are SDSS's calibrated ``frame-BAND-RUN-CAMCOL-FIELD.fits``, its older ``fpC-RUN-BANDCAMCOL-FIELD.fit`` with
``tsField-*`` (calibration) and ``psField-*`` (PSF), and the Legacy Surveys' coadds ``legacysurvey-BRICK-image-BAND.fits.fz``
with ``-invvar-`` and ``-psfsize-``. Everything may be packed by gzip or bzip2, as archives have them.
"""

from __future__ import annotations

import bz2
import gzip
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterism.errors import BadInputError

__all__ = ["SUFFIXES", "FrameFile", "find_frames", "read_headers"]

SUFFIXES = tuple(f"{end}{packed}" for end in (".fits", ".fit", ".fits.fz") for packed in ("", ".gz", ".bz2"))
"""Endings of frames and of the files beside them."""

_END = r"\.fits?(?:\.fz)?(?:\.gz|\.bz2)?"
_FRAMES = {
    "frame": re.compile(r"frame-(?P<band>[ugriz])-(?P<run>\d{1,6})-(?P<camcol>[1-6])-(?P<field>\d{1,4})" + _END),
    "fpC": re.compile(r"fpC-(?P<run>\d{1,6})-(?P<band>[ugriz])(?P<camcol>[1-6])-(?P<field>\d{1,4})" + _END),
    "coadd": re.compile(r"legacysurvey-(?P<brick>\d{4}[pm]\d{3})-image-(?P<band>[griz])" + _END),
}
_BESIDE = {
    "calibration": re.compile(r"tsField-(?P<run>\d+)-(?P<camcol>[1-6])-(?P<rerun>\d+)-(?P<field>\d+)" + _END),
    "psf": re.compile(r"psField-(?P<run>\d+)-(?P<camcol>[1-6])-(?P<field>\d+)" + _END),
    "invvar": re.compile(r"legacysurvey-(?P<brick>\d{4}[pm]\d{3})-invvar-(?P<band>[griz])" + _END),
    "psfsize": re.compile(r"legacysurvey-(?P<brick>\d{4}[pm]\d{3})-psfsize-(?P<band>[griz])" + _END),
}
_WANTS = {"frame": ("psf",), "fpC": ("calibration", "psf"), "coadd": ("invvar", "psfsize")}
_HEADER_BYTES = 2 << 20  # that are read to find two headers' ends


@dataclass(frozen=True)
class FrameFile:
    """One band of one field.

    Attributes
    ----------
    path : Path
    kind : {"frame", "fpC", "coadd"}
    band : str
    field : str
        RUN-CAMCOL-FIELD, or the brick.
    beside : tuple of (str, Path)
        Files that say more, by what they are.
    """

    path: Path
    kind: str
    band: str
    field: str
    beside: tuple[tuple[str, Path], ...] = ()

    @property
    def survey(self) -> str:
        """``sdss`` or ``legacy``."""
        return "legacy" if self.kind == "coadd" else "sdss"

    @property
    def of(self) -> tuple[str, str]:
        """Kind and field: what the bands of one exposure share."""
        return self.kind, self.field

    def companion(self, what: str) -> Path | None:
        """The file beside it that is called so."""
        return dict(self.beside).get(what)


def _numbers(match: re.Match[str]) -> str:
    parts = match.groupdict()
    if "brick" in parts:
        return str(parts["brick"])
    return "-".join(str(int(parts[name])) for name in ("run", "camcol", "field"))


def find_frames(files: Iterable[Path]) -> tuple[list[FrameFile], list[tuple[str, str]]]:
    """Frames among files, by their names.

    Parameters
    ----------
    files : iterable of Path
        Other files are passed over.

    Returns
    -------
    frames : list of FrameFile
        In order of kind, field and name.
    complaints : list of (str, str)
        Frames that are there twice, and why they are not read.
    """
    named: list[tuple[str, re.Match[str], Path]] = []
    beside: dict[tuple[str, str, str], Path] = {}
    for path in sorted(files, key=lambda path: (path.name, str(path))):
        for kind, pattern in _FRAMES.items():
            if match := pattern.fullmatch(path.name):
                named.append((kind, match, path))
        for what, pattern in _BESIDE.items():
            if match := pattern.fullmatch(path.name):
                # Of several reductions the last one counts.
                beside[what, _numbers(match), match.groupdict().get("band", "")] = path
    found: dict[tuple[str, str, str], FrameFile] = {}
    complaints = []
    for kind, match, path in named:
        key = (kind, _numbers(match), match["band"])
        if key in found:
            complaints.append((path.name, f"the same field and band is there already, {found[key].path.name}"))
            continue
        with_it = []
        for what in _WANTS[kind]:
            other = beside.get((what, key[1], key[2])) or beside.get((what, key[1], ""))
            if other is not None:
                with_it.append((what, other))
        found[key] = FrameFile(path, kind, key[2], key[1], tuple(with_it))
    return [found[key] for key in sorted(found)], complaints


def read_headers(path: Path) -> Sequence[Any]:
    """The first headers of a file, up to the first that has data; the data stay unread, also in packed files.

    Parameters
    ----------
    path : Path
        A FITS file, packed by gzip or bzip2 or not.

    Returns
    -------
    sequence of astropy.io.fits.Header

    Raises
    ------
    BadInputError
        They can't be read.
    """
    from astropy.io import fits

    opener: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
    found = []
    try:
        with warnings.catch_warnings(), opener(path, "rb") as stream:
            warnings.simplefilter("ignore")
            body = stream.read(2880)
            if not body.startswith(b"SIMPLE"):
                raise BadInputError(f"{path} is no FITS file; fetch it again")
            while len(body) < _HEADER_BYTES:
                end = _header_end(body)
                while end < 0 and len(body) < _HEADER_BYTES and (more := stream.read(2880)):
                    body += more
                    end = _header_end(body)
                if end < 0:
                    break
                header = fits.Header.fromstring(body[:end].decode("ascii", "replace"))
                found.append(header)
                if header.get("NAXIS", 0):
                    return found
                body = body[end:] or stream.read(2880)
                if not body:
                    break
    except (OSError, EOFError, ValueError, TypeError, fits.VerifyError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"can't read {path} as FITS ({reason}); fetch the file again") from error
    raise BadInputError(f"{path} has no image; fetch the file again")


def _header_end(body: bytes) -> int:
    """Bytes of the header that a text begins with, in whole blocks; -1 where it has no end yet."""
    for card in range(0, len(body) - 79, 80):
        if body[card : card + 80].rstrip() == b"END":
            return -(-(card + 80) // 2880) * 2880
    return -1
