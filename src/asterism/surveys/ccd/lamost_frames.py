"""Raw CCD frames of LAMOST's low-resolution spectrographs and the star catalogue that names each fibre's object.

A frame has 4136 rows (along the dispersion) of 4096 pixels (along the slit) and 32 overscan pixels for each of the two
amplifiers, 4160 columns in all; the left half of every row is read by the first amplifier, the right half by the
second. Files are called as LAMOST calls them, ``ro-03b-20130914210500-GAC061N46V3-81430865.fit``: ``r`` for raw, the
kind (``o`` object, ``f`` flat, ``a`` arc, ``b`` bias), spectrograph and arm, local time of the start, plan, and local
modified Julian minute.

No raw science frame is public, so where LAMOST's published products fix a keyword it is theirs (TELESCOP, OBS_TYPE,
PLANID, SPID, LMJD, LMJM, EXPTIME, SLIT_MOD, LAMPLIST); ``ARM``, ``GAIN1``, ``GAIN2``, ``RDNOISE1``, ``RDNOISE2``,
``DATASEC1``, ``DATASEC2``, ``BIASSEC1``, ``BIASSEC2`` (IRAF's convention) are choices. A frame without them is read by its
file name, `GAIN`, and overscan at the sides; ``Geometry(overscan_at="end")`` serves frames that have both overscan
regions after the image, as published work on LAMOST's bias frames describes them.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from asterism.catalogs.outputs import atomic_write
from asterism.errors import BadInputError, ConfigurationError, unknown_name
from asterism.surveys.fits.fits_files import Cards, put_cards

__all__ = [
    "ARMS",
    "GAIN",
    "KINDS",
    "LAMOST",
    "Amplifier",
    "Geometry",
    "RawFrame",
    "local_day",
    "nominal_wavelength",
    "read_frame",
    "write_frame",
]

ARMS = ("blue", "red")
"""The two cameras of a spectrograph."""

KINDS = {"OBJ": "o", "FLAT": "f", "ARC": "a", "BIAS": "b"}
"""What OBS_TYPE may be, and its letter in a file's name."""

GAIN = 1.1
"""Electrons per ADU of a frame that does not say. choice: near unity, as the 16-bit converter and the chip's well ask."""

_NAME = re.compile(r"r([ofab])-(\d\d)([br])-(\d{14})-(.+)-(\d+)\.fits?(\.gz)?")
# Rows where the paper's two windows begin and end, and their wavelengths in Å (MAC-Net, RASTI 2, 408, section 2.4); the last
# number bends the dispersion between them, Å per pixel squared. choice: 5 per cent from end to end, as gratings do.
_ANCHORS = {
    "blue": ((1000.0, 4100.0), (3000.0, 5300.0), 8e-6),
    "red": ((1500.0, 6590.0), (3500.0, 8120.0), 1.2e-5),
}


@dataclass(frozen=True)
class Amplifier:
    """Where one amplifier's pixels lie in a raw frame, and where its image goes.

    Attributes
    ----------
    data, overscan : slice
        Columns of the raw frame.
    image : slice
        Columns of the frame without overscan.
    """

    data: slice
    overscan: slice
    image: slice


@dataclass(frozen=True)
class Geometry:
    """Size of a frame and how its fibres lie; the defaults are LAMOST's.

    Attributes
    ----------
    rows, columns : int
        Pixels along the dispersion and along the slit, without overscan.
    overscan : int
        Overscan columns per amplifier.
    overscan_at : {"sides", "end"}
        Left and right of the image, or both after it.
    fibres : int
        Fibres of the slit; fibre 1 is at the left.
    pitch : float
        Mean distance between fibres, pixels. choice: 250 fibres that fill the chip and leave its edges dark.
    strip : int
        Pixels across a fibre's strip.
    first_row : int
        Row of the whole chip that is the first here: a window of it has the whole chip's wavelengths.
    """

    rows: int = 4136
    columns: int = 4096
    overscan: int = 32
    overscan_at: Literal["sides", "end"] = "sides"
    fibres: int = 250
    pitch: float = 15.6
    strip: int = 15
    first_row: int = 0

    def __post_init__(self) -> None:
        if self.columns % 2 or self.strip % 2 == 0 or self.overscan_at not in ("sides", "end"):
            raise ConfigurationError(
                f"{self} can't be: columns must be even, strip odd, and overscan_at 'sides' or 'end'"
            )
        if self.fibres * self.pitch > self.columns:
            raise ConfigurationError(
                f"{self.fibres} fibres {self.pitch} pixels apart don't fit in {self.columns} columns; ask for fewer"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a raw frame."""
        return self.rows, self.columns + 2 * self.overscan

    @property
    def amplifiers(self) -> tuple[Amplifier, Amplifier]:
        """The left and the right amplifier."""
        half, n = self.columns // 2, self.overscan
        start = n if self.overscan_at == "sides" else 0
        left = slice(0, n) if self.overscan_at == "sides" else slice(self.columns, self.columns + n)
        right = slice(self.columns + n, self.columns + 2 * n)
        return (
            Amplifier(slice(start, start + half), left, slice(0, half)),
            Amplifier(slice(start + half, start + 2 * half), right, slice(half, 2 * half)),
        )

    @property
    def slit(self) -> npt.NDArray[np.float64]:
        """Position of each fibre along the slit, from -1 to 1."""
        return np.linspace(-1.0, 1.0, self.fibres)

    @property
    def nominal_centres(self) -> npt.NDArray[np.float64]:
        """Columns of the fibres, (fibres,), were they straight and evenly spaced."""
        return (self.columns - 1) / 2.0 + self.pitch * (
            np.arange(self.fibres, dtype=np.float64) - (self.fibres - 1) / 2.0
        )


LAMOST = Geometry()
"""The frames of LAMOST's low-resolution spectrographs."""


@dataclass(frozen=True)
class RawFrame:
    """One exposure of one camera as it comes from the telescope.

    Attributes
    ----------
    data : ndarray, shape geometry.shape
        ADU, uint16 or float32.
    arm : {"blue", "red"}
    spid : int
        Spectrograph, 1 to 16.
    kind : {"OBJ", "FLAT", "ARC", "BIAS"}
    planid : str
        Observation plan.
    lmjm : int
        Local modified Julian minute of the start.
    exptime : float
        Seconds.
    gain : (float, float)
        Electrons per ADU of the two amplifiers.
    geometry : Geometry
    start : str
        Local time of the start, YYYYMMDDhhmmss.
    place : str
        File or origin, for error messages.
    """

    data: npt.NDArray[Any]
    arm: str
    spid: int
    kind: str
    planid: str
    lmjm: int
    exptime: float
    gain: tuple[float, float] = (GAIN, GAIN)
    geometry: Geometry = LAMOST
    start: str = "20130914200000"
    place: str = "the frame"

    @property
    def file_name(self) -> str:
        """Name after LAMOST's manner."""
        plan = re.sub(r"[^A-Za-z0-9_]", "", self.planid) or "0"
        return f"r{KINDS[self.kind]}-{self.spid:02d}{self.arm[0]}-{self.start}-{plan}-{self.lmjm}.fit"

    @property
    def lmjd(self) -> int:
        """Local modified Julian day that LAMOST names the night by: from noon to noon, the morning's."""
        return local_day(self.lmjm)


def nominal_wavelength(arm: str, rows: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Vacuum wavelength in the middle of the slit, from the paper's windows.

    Blue rows 1000 to 3000 cover 4100-5300 Å, red rows 1500 to 3500 cover 6590-8120 Å.

    Parameters
    ----------
    arm : {"blue", "red"}
    rows : array_like
        Rows of the whole chip, fractions allowed.

    Returns
    -------
    ndarray of float64
        Å, the shape of `rows`.

    Raises
    ------
    ConfigurationError
        Another arm.

    Examples
    --------
    >>> nominal_wavelength("red", [1500, 3500]).tolist()
    [6590.0, 8120.0]
    """
    if arm not in _ANCHORS:
        raise ConfigurationError(unknown_name("arm", arm, ARMS))
    (row0, wave0), (row1, wave1), bend = _ANCHORS[arm]
    row = np.asarray(rows, dtype=np.float64)
    return wave0 + (wave1 - wave0) / (row1 - row0) * (row - row0) + bend * (row - row0) * (row - row1)


def local_day(lmjm: int) -> int:
    """LMJD of a local modified Julian minute: LAMOST names a night from noon to noon by its morning.

    Examples
    --------
    >>> local_day(84347843)  # of spec-58575-HD103621N361936B01, begun at 21:23 local time
    58575
    """
    return (lmjm + 720) // 1440


def _section(columns: slice, rows: int) -> str:
    """IRAF's way to say which pixels: from 1, both ends included."""
    return f"[{columns.start + 1}:{columns.stop},1:{rows}]"


def write_frame(directory: Path, frame: RawFrame, cards: Cards | None = None) -> Path:
    """Write a raw frame as FITS: uint16 with BZERO, under LAMOST's name, whole or not at all.

    Parameters
    ----------
    directory : Path
        Made where missing.
    frame : RawFrame
    cards : mapping, optional
        More of the header, e.g. that the frame is simulated.

    Returns
    -------
    Path
        The file.
    """
    from astropy.io import fits

    hdu = fits.PrimaryHDU(np.asarray(frame.data))
    clock = frame.start
    own: dict[str, tuple[Any, str]] = {
        "TELESCOP": ("LAMOST", "GuoShouJing Telescope"),
        "OBS_TYPE": (frame.kind, "OBJ, FLAT, ARC or BIAS"),
        "DATE-BEG": (
            f"{clock[:4]}-{clock[4:6]}-{clock[6:8]}T{clock[8:10]}:{clock[10:12]}:{clock[12:14]}",
            "The observation start local time",
        ),
        "LMJD": (frame.lmjd, "Local Modified Julian Day"),
        "LMJM": (frame.lmjm, "Local Modified Julian Minute"),
        "PLANID": (frame.planid, "Plan ID in use"),
        "SPID": (frame.spid, "Spectrograph ID"),
        "ARM": (frame.arm, "Camera: blue or red"),
        "SLIT_MOD": ("x2/3", "Slit mode, x1, x2/3 or x1/2"),
        "LAMPLIST": ("lamphgcdne.dat", "Arc lamp emission line list"),
        "EXPTIME": (frame.exptime, "[s] Exposure duration"),
        "BUNIT": ("adu", "Unit of the pixels"),
    }
    for i, (amplifier, gain) in enumerate(zip(frame.geometry.amplifiers, frame.gain, strict=True), start=1):
        own[f"GAIN{i}"] = (gain, f"[electron/adu] Gain of amplifier {i}")
        own[f"DATASEC{i}"] = (_section(amplifier.data, frame.geometry.rows), f"Image of amplifier {i}")
        own[f"BIASSEC{i}"] = (_section(amplifier.overscan, frame.geometry.rows), f"Overscan of amplifier {i}")
    put_cards(hdu.header, {**own, **(cards or {})})
    path = directory / frame.file_name
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        hdu.writeto(file)
    return path


def read_frame(path: Path, geometry: Geometry = LAMOST) -> RawFrame:
    """Read a raw frame.

    Parameters
    ----------
    path : Path
        FITS with the image in its first HDU: uint16 with BZERO, other integers, or floats.
    geometry : Geometry
        What the frame must be; where the header has BIASSEC1, that says where the overscan is.

    Returns
    -------
    RawFrame

    Raises
    ------
    BadInputError
        The file is no FITS, is truncated, has another size, or neither header nor name tells arm and spectrograph.
    """
    from astropy.io import fits

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(path, memmap=False) as hdus:
                header, data = hdus[0].header, hdus[0].data
        except (OSError, EOFError, ValueError, TypeError, IndexError, KeyError) as error:
            reason = " ".join(str(error).split())[:160]
            raise BadInputError(f"can't read {path} as FITS ({reason}); fetch the file again") from error
    if any("truncated" in str(w.message) for w in caught):
        raise BadInputError(f"{path} is truncated; fetch the file again")
    if data is None or data.shape != geometry.shape:
        size = "no image" if data is None else " × ".join(str(n) for n in data.shape)
        raise BadInputError(
            f"{path} has {size} where a frame of {geometry.shape[0]} × {geometry.shape[1]} pixels (rows × columns with "
            "overscan) is expected; give the geometry it has"
        )
    if "BIASSEC1" in header:
        first = re.match(r"\[(\d+):", str(header["BIASSEC1"]))
        geometry = replace(geometry, overscan_at="sides" if first and first[1] == "1" else "end")
    kind, spid, arm, start, plan, minute = _identity(path, header)
    if data.dtype.kind == "f":
        data = data.astype(np.float32)
    elif data.min() < 0 or data.max() > 65535:
        raise BadInputError(f"{path} has counts outside 0..65535, which no 16-bit converter gives; check its BZERO")
    else:
        data = data.astype(np.uint16)
    try:
        gain = (float(header.get("GAIN1", GAIN)), float(header.get("GAIN2", GAIN)))
        exptime = float(header.get("EXPTIME", 0.0))
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{path} has a GAIN1, GAIN2 or EXPTIME that is no number; mend the header") from error
    if not (np.isfinite(gain).all() and min(gain) > 0):
        raise BadInputError(f"{path} says gains of {gain}, which must be positive; mend the header")
    return RawFrame(data, arm, spid, kind, plan, minute, exptime, gain, geometry, start, str(path))


def _identity(path: Path, header: Any) -> tuple[str, int, str, str, str, int]:
    """Kind, spectrograph, arm, start, plan and minute: the header's where it has them, the file name's otherwise."""
    named = _NAME.fullmatch(Path(path).name)
    letters = {letter: kind for kind, letter in KINDS.items()}
    kind = str(header.get("OBS_TYPE", letters[named[1]] if named else "")).strip().upper()
    arm = str(header.get("ARM", {"b": "blue", "r": "red"}[named[3]] if named else "")).strip().lower()
    spid = header.get("SPID", int(named[2]) if named else 0)
    if kind not in KINDS or arm not in ARMS or not isinstance(spid, int) or not 1 <= spid <= 32:
        raise BadInputError(
            f"neither header nor name of {path} tells what it is: OBS_TYPE {kind!r}, ARM {arm!r}, SPID {spid!r}; "
            "name it like ro-03b-20130914210500-PLAN-81430865.fit"
        )
    minute = header.get("LMJM", int(named[6]) if named else 0)
    start = re.sub(r"\D", "", str(header.get("DATE-BEG", named[4] if named else "")))[:14].ljust(14, "0")
    plan = str(header.get("PLANID", named[5] if named else "")).strip()
    return kind, spid, arm, start, plan, int(minute) if isinstance(minute, int | float) else 0
