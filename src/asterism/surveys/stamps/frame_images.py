"""Frames as nanomaggies with inverse variances and places on the sky, whatever survey and calibration they come from.

SDSS's ``frame-*`` are calibrated; their noise follows from the file by the data model's recipe
(`asterism.surveys.formats.sdss_frames`). In ``fpC-*`` pixels are counts upon a soft bias of 1,000; the calibration is that of Data
Release 7, ``f / f0 = counts / exptime * 10^(0.4 (aa + kk airmass))`` with tsField's numbers, and the sky is taken off here. The
Legacy Surveys' coadds come with maps of inverse variance. Pixels that are not observed have inverse variance 0 and are NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from asterism.errors import AsterismError, BadInputError
from asterism.surveys.fits.fits_reading import card, column, find_column, open_fits
from asterism.surveys.formats.sdss_frames import BANDS, electronics, pixel_variance
from asterism.surveys.stamps.frame_files import FrameFile, read_headers
from asterism.surveys.stamps.sdss_astrometry import solution_of
from asterism.surveys.stamps.sdss_psf import BandPsf, read_psf
from asterism.surveys.stamps.source_extraction import sky_level
from asterism.surveys.stamps.stamps import WCS_KEY

__all__ = ["Footprint", "Frame", "SkyMap", "read_footprint", "read_frame"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Seeing = Callable[[Floats, Floats], tuple[Floats, Floats]]

_SOFT_BIAS = 1000.0  # DN, where the header does not say
_EXPOSURE = 53.907456  # s, likewise (Gunn et al. 1998, AJ 116, 3040)
_LARGEST_SIDE = 20_000  # pixels


class SkyMap(Protocol):
    """The way between pixels (the middle of the first is 0) and the sky (deg)."""

    @property
    def pixel_scale(self) -> float:
        """arcsec."""

    def to_sky(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """ra (0 to 360), dec."""

    def to_pixel(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[Floats, Floats]:
        """x, y."""


@dataclass(frozen=True)
class _HeaderMap:
    """By the World Coordinate System of a header."""

    wcs: Any

    @property
    def pixel_scale(self) -> float:
        return float(3600.0 * np.sqrt(abs(np.linalg.det(self.wcs.pixel_scale_matrix))))

    def to_sky(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        ra, dec = self.wcs.all_pix2world(np.asarray(x, np.float64), np.asarray(y, np.float64), 0)
        return np.asarray(ra) % 360.0, np.asarray(dec)

    def to_pixel(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[Floats, Floats]:
        x, y = self.wcs.all_world2pix(np.asarray(ra, np.float64), np.asarray(dec, np.float64), 0, quiet=True)
        return np.asarray(x), np.asarray(y)


@dataclass(frozen=True)
class Footprint:
    """Where a frame is, by its header alone.

    Attributes
    ----------
    place : SkyMap
    shape : (int, int)
        Pixels along y and x.
    """

    place: SkyMap
    shape: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """One band of one field.

    Attributes
    ----------
    file : FrameFile
    flux, ivar : ndarray of float32, shape (y, x)
        nanomaggy, without sky, NaN where not observed; nanomaggy^-2, 0 where not observed.
    place : SkyMap
    seeing : callable
        x, y -> seeing (n,) in arcsec, NaN where unknown, and the PSF's e1, e2 (n, 2).
    gain : float
        Electrons per nanomaggy; NaN where unknown.
    mjd : float
        NaN where unknown.
    """

    file: FrameFile
    flux: Singles
    ivar: Singles
    place: SkyMap
    seeing: Seeing
    gain: float
    mjd: float

    @property
    def images_of_psf(self) -> Callable[[Floats, Floats], Floats] | None:
        """x, y -> images of the PSF (n, y, x) of unit light; None where no file holds them."""
        psf = getattr(self.seeing, "__self__", None)
        return psf.at if isinstance(psf, BandPsf) and len(psf.images) else None


def read_footprint(file: FrameFile) -> Footprint:
    """Read where a frame is; its pixels stay unread.

    Raises
    ------
    BadInputError
        The header can't be read, or has no WCS.
    """
    with _told(file):
        header = read_headers(file.path)[-1]
        # A compressed image is a table: the image's own axes have a Z before them.
        shape = tuple(int(card(header, f"ZNAXIS{k}", f"NAXIS{k}") or 0) for k in (2, 1))
        return Footprint(_header_map(header, file.path), _checked_shape(shape, file.path))


@contextmanager
def _told(file: FrameFile) -> Iterator[None]:
    """Whatever libraries raise over a hostile file is one sentence."""
    try:
        yield
    except AsterismError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        raise BadInputError(f"can't read {file.path} ({reason}); fetch the file again") from error


def _checked_shape(shape: tuple[int, ...], path: Path) -> tuple[int, int]:
    if len(shape) != 2 or not all(0 < side <= _LARGEST_SIDE for side in shape):
        raise BadInputError(f"{path} has an image of {shape} pixels; a frame has two axes of up to {_LARGEST_SIDE:,}")
    return shape[0], shape[1]


def _header_map(header: Any, path: Path) -> _HeaderMap:
    from astropy.io import fits
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # keywords of their time
        try:
            wcs = WCS(fits.Header([c for c in header.cards if WCS_KEY.fullmatch(c.keyword)]), naxis=2)
            found = _HeaderMap(wcs)
            sound = wcs.has_celestial and np.isfinite(found.to_sky(0.0, 0.0)).all() and 0.01 < found.pixel_scale < 10.0
        except Exception as error:  # wcslib's errors are of many kinds
            raise BadInputError(f"the WCS of {path} can't be used ({' '.join(str(error).split())[:120]})") from error
    if not sound:
        raise BadInputError(f"{path} has no WCS in its header that tells where it is; fetch the file again")
    return found


def read_frame(file: FrameFile) -> Frame:
    """Read a frame.

    Parameters
    ----------
    file : FrameFile
        With the files beside it.

    Returns
    -------
    Frame

    Raises
    ------
    BadInputError
        A file is damaged, or one that is needed is not there.
    """
    reading = {"frame": _read_calibrated, "fpC": _read_raw, "coadd": _read_coadd}[file.kind]
    with _told(file):
        return reading(file)


def _image(hdu: Any, path: Path) -> npt.NDArray[Any]:
    _checked_shape(tuple(hdu.shape or ()), path)
    return np.asarray(hdu.data)


def _seeing_of(file: FrameFile, header: Any) -> Seeing:
    """PSF of an SDSS field: psField's, else the header's seeing."""
    path = file.companion("psf")
    if path is not None and (psf := read_psf(path).get(file.band)) is not None:
        return psf.shape
    said = card(header, "PSF_FWHM", "SEEING")
    return _Constant(float(said) if isinstance(said, int | float) and 0.1 < said < 20.0 else np.nan)


@dataclass(frozen=True)
class _Constant:
    fwhm: float

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        n = np.size(x)
        return np.full(n, self.fwhm), np.zeros((n, 2))


def _finished(
    file: FrameFile,
    flux: npt.NDArray[Any],
    variance: npt.NDArray[Any],
    place: SkyMap,
    seeing: Seeing,
    gain: float,
    mjd: float,
) -> Frame:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ivar = (1.0 / variance).astype(np.float32)
        flux = flux.astype(np.float32)
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    if not good.any():
        raise BadInputError(f"{file.path} has no pixel that was observed; fetch the file again")
    ivar[~good] = 0.0
    flux[~good] = np.nan
    return Frame(file, flux, ivar, place, seeing, gain, mjd)


def _read_calibrated(file: FrameFile) -> Frame:
    """``frame-*``: image, calibration of columns, sky, astrometry."""
    path = file.path
    with open_fits(path) as hdus:
        if len(hdus) < 3:
            raise BadInputError(f"{path} has {len(hdus)} HDUs, a frame has four; fetch the file again")
        header, image = hdus[0].header, _image(hdus[0], path)
        calibration = np.asarray(hdus[1].data, np.float64).ravel()
        if calibration.shape != image.shape[1:] or not (calibration > 0).all():
            raise BadInputError(f"the calibration of {path} is not one positive number per column; fetch it again")
        sky = _sky_of(hdus[2], image.shape, path)
        place: SkyMap = _header_map(header, path)
        mjd = np.nan
        if len(hdus) > 3 and find_column(hdus[3], "NODE") is not None:
            row = {name: hdus[3].data[name][0] for name in hdus[3].columns.names}
            there = {name.lower(): value for name, value in row.items()}
            place = solution_of(row, float(there["node"]), float(there["incl"]), str(path))
            mjd = float(there.get("mjd", 0.0)) or np.nan
        run, camcol = int(file.field.split("-")[0]), int(file.field.split("-")[1])
        variance = pixel_variance(image, calibration, sky, camcol, file.band, run)
        gain = electronics(camcol, file.band, run)[0] / float(np.median(calibration))
        return _finished(file, image, variance, place, _seeing_of(file, header), gain, mjd)


def _sky_of(hdu: Any, shape: tuple[int, ...], path: Path) -> Floats:
    """HDU 2: a coarse sky, bilinearly interpolated at every pixel, counts."""
    coarse = np.asarray(column(hdu, path, "ALLSKY")[0], np.float64)
    places = [np.asarray(column(hdu, path, name)[0], np.float64).ravel() for name in ("YINTERP", "XINTERP")]
    if coarse.ndim != 2 or tuple(len(p) for p in places) != tuple(shape) or not np.isfinite(coarse).all():
        raise BadInputError(f"the sky of {path} does not fit its image; fetch the file again")
    for axis, place in enumerate(places):
        last = coarse.shape[axis] - 1
        place = np.clip(np.nan_to_num(place), 0.0, last)  # beyond the grid its edge holds
        low = np.minimum(place.astype(np.intp), max(last - 1, 0))
        share = (place - low) if axis else (place - low)[:, None]
        near, far = np.take(coarse, low, axis), np.take(coarse, np.minimum(low + 1, last), axis)
        coarse = near + share * (far - near)
    return coarse


def _read_raw(file: FrameFile) -> Frame:
    """``fpC-*``: counts upon a soft bias, with the sky in them."""
    beside = file.companion("calibration")
    if beside is None:
        raise BadInputError(
            f"{file.path} has no tsField of field {file.field} beside it, which calibrates it; fetch that too"
        )
    which = BANDS.index(file.band)
    with open_fits(beside) as hdus:
        table = hdus[1]
        row = {name: np.asarray(table.data[name][0]) for name in table.columns.names}
        there = {name.lower(): value for name, value in row.items()}
        node, inclination = (float(hdus[0].header.get(key, np.nan)) for key in ("NODE", "INCL"))
        missing = [name for name in ("aa", "kk", "airmass", "gain", "dark_variance") if name not in there]
        if missing:
            raise BadInputError(f"{beside} has no column {missing[0]}; fetch the file again")
        zero, slope, airmass, gain, dark = (
            float(there[name].ravel()[which]) for name in ("aa", "kk", "airmass", "gain", "dark_variance")
        )
        saturated = float(there["saturation_level"].ravel()[which]) if "saturation_level" in there else np.inf
        mjd = float(there["mjd"].ravel()[which]) if "mjd" in there else np.nan
        place: SkyMap = solution_of(row, node, inclination, str(beside), which)
    if not (-30.0 < zero < -10.0 and 0.5 < airmass < 5.0 and abs(slope) < 3.0 and gain > 0 and dark >= 0):
        raise BadInputError(
            f"{beside} does not calibrate {file.band} (zero point {zero:g}, gain {gain:g}); leave the field out"
        )
    with open_fits(file.path) as hdus:
        header, image = hdus[0].header, _image(hdus[0], file.path).astype(np.float64)
        if "BZERO" not in header:
            image = np.where(image < 0, image + 65536.0, image)  # unsigned integers in files that do not say so
    counts = image - float(card(header, "SOFTBIAS") or _SOFT_BIAS)
    said = card(header, "EXPTIME")  # a text in these headers
    exposure = float(said) if said is not None else _EXPOSURE
    scale = 1e9 / exposure * 10.0 ** (0.4 * (zero + slope * airmass))
    bad = (counts >= saturated) if saturated > 0 else np.zeros(counts.shape, bool)
    sky, _ = sky_level(counts, bad)
    variance = (np.maximum(counts, 0.0) / gain + dark) * scale**2
    variance[bad] = np.inf
    return _finished(file, (counts - sky) * scale, variance, place, _seeing_of(file, header), gain / scale, mjd)


def _read_coadd(file: FrameFile) -> Frame:
    """A coadd of the Legacy Surveys: nanomaggies, sky-subtracted."""
    beside = file.companion("invvar")
    if beside is None:
        raise BadInputError(
            f"{file.path} has no inverse variance (legacysurvey-{file.field}-invvar-{file.band}) beside it"
        )
    with open_fits(file.path) as hdus:
        hdu = _first_image(hdus, file.path)
        header, flux = hdu.header, _image(hdu, file.path)
        place = _header_map(header, file.path)
        mjd = card(header, "MJD_MEAN", "MJD-OBS")
    with open_fits(beside) as hdus:
        ivar = _image(_first_image(hdus, beside), beside).astype(np.float64)
    if ivar.shape != flux.shape:
        raise BadInputError(f"{beside.name} has {ivar.shape} pixels, the image {flux.shape}; fetch them again")
    seeing: Seeing = _Constant(np.nan)
    if (path := file.companion("psfsize")) is not None:
        with open_fits(path) as hdus:
            sizes = _image(_first_image(hdus, path), path).astype(np.float32)
        if sizes.shape == flux.shape:
            seeing = _Sampled(sizes)
    with np.errstate(divide="ignore"):
        variance = np.where(ivar > 0, 1.0 / ivar, np.inf)
    number = float(mjd) if isinstance(mjd, int | float) else np.nan
    return _finished(file, flux, variance, place, seeing, np.nan, number)


@dataclass(frozen=True)
class _Sampled:
    sizes: Singles

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        row, place = (
            np.clip(np.rint(np.nan_to_num(v)), 0, n - 1).astype(np.intp)
            for v, n in zip((y, x), self.sizes.shape, strict=True)
        )
        fwhm = self.sizes[row, place].astype(np.float64)
        return np.where(fwhm > 0, fwhm, np.nan), np.zeros((len(fwhm), 2))


def _first_image(hdus: Any, path: Path) -> Any:
    for hdu in hdus:
        if getattr(hdu, "is_image", False) and len(hdu.shape) == 2:
            return hdu
    raise BadInputError(f"{path} holds no image; fetch the file again")
