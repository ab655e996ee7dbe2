"""FITS cutouts: which HDU is which band's image, what its pixels mean, and how it is read.

A file holds one image, one image per HDU, or a cube (band, y, x); beside each there may be an extension with an inverse
variance (named IVAR, INVVAR, WEIGHT), a variance (VAR, VARIANCE) or a standard deviation (ERR, SIGMA, RMS, STD).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.fits.fits_reading import open_fits
from asterism.surveys.tables.table_units import factor, parse_unit

__all__ = ["WCS_KEY", "Plane", "StampOptions", "band_in", "index_file", "read_plane"]

_WEIGHTS = {
    **dict.fromkeys(("ivar", "invvar", "weight", "weights", "wht", "wt"), "ivar"),
    **dict.fromkeys(("var", "variance"), "variance"),
    **dict.fromkeys(("err", "error", "sigma", "rms", "std", "uncert", "uncertainty"), "sigma"),
}
_NO_IMAGE = {"mask", "dq", "flag", "flags", "psf", "segmentation", "seg", "model", "resid", "residual"}
_SCIENCE = {"sci", "science", "image", "coadd", "data", "flux", "primary"}
_BAND_KEYS = ("BAND", "FILTER", "FILTNAM", "FILTER1")
_ID_KEYS = ("OBJECT_ID", "OBJID", "BESTOBJID", "TARGETID", "OBJECT")
_SEEING_KEYS = ("PSF_FWHM", "SEEING")
_ZERO_POINT_KEYS = ("MAGZERO", "MAGZPT", "ZEROPNT")
WCS_KEY = re.compile(
    r"CTYPE\d|CRVAL\d|CRPIX\d|CDELT\d|CUNIT\d|CROTA\d|(CD|PC)\d_\d|PV\d_\d+|(A|B|AP|BP)_(ORDER|\d_\d)|"
    r"LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX"
)
"""Keywords that a WCS is made of: wcslib takes most of its time to read the other ones."""
_COUNTS = ("count", "counts", "adu", "dn", "electron", "electrons", "ct", "e-")


@dataclass(frozen=True)
class StampOptions:
    """What the user says of files that do not say it themselves.

    Attributes
    ----------
    bands : tuple of str
        Bands of the catalog's image group, in order.
    unit : str or None
        Unit of pixels without a usable BUNIT: ``nanomaggy``, ``uJy``, …, or ``count``.
    pixel_scale : float or None
        arcsec per pixel, where there is no WCS.
    ivar_hdu : int or None
        HDU that is the inverse variance of the image before it, where it is not named so.
    """

    bands: tuple[str, ...]
    unit: str | None = None
    pixel_scale: float | None = None
    ivar_hdu: int | None = None


@dataclass(frozen=True)
class Plane:
    """One band's image in a file.

    Attributes
    ----------
    path : Path
    band : str or None
        None where the file does not tell.
    hdu, index : int, int or None
        HDU, and plane of a cube.
    weight_hdu, weight_kind : int or None, str
        HDU of the noise, and what it holds: ``ivar``, ``variance``, ``sigma``.
    shape : (int, int)
        Pixels along y and x.
    to_nanomaggy : float
        Number by which pixels are multiplied.
    pixel_scale : float
        arcsec per pixel.
    centre : (float, float) or None
        ra, dec (deg) of the middle of the image, or of the object by the header where there is no WCS.
    ids : tuple of str
        Names of the object in the header.
    seeing : float
        PSF's full width at half maximum, arcsec; NaN where the header has none.
    """

    path: Path
    band: str | None
    hdu: int
    index: int | None
    weight_hdu: int | None
    weight_kind: str
    shape: tuple[int, int]
    to_nanomaggy: float
    pixel_scale: float
    centre: tuple[float, float] | None
    ids: tuple[str, ...]
    seeing: float


def _tokens(name: Any) -> list[str]:
    return [token for token in re.split(r"[^A-Za-z0-9]+", str(name or "")) if token]


def band_in(text: Any, bands: Sequence[str]) -> str | None:
    """Find the one band that a name speaks of, e.g. r in ``SDSS r`` or ``stamp_r``; None where none or several are."""
    tokens = _tokens(text)
    found = {token for token in tokens if token in bands}
    if not found:
        found = {band for band in bands for token in tokens if token.casefold() == band.casefold()}
    return found.pop() if len(found) == 1 else None


def index_file(path: Path, options: StampOptions) -> list[Plane]:
    """List the images in a file; only headers count.

    Parameters
    ----------
    path : Path
        A FITS file.
    options : StampOptions
        What the files do not say themselves.

    Returns
    -------
    list of Plane

    Raises
    ------
    BadInputError
        The file is damaged, holds no image, or its unit or pixel scale is unknown.
    """
    with open_fits(path) as hdus:
        images: list[tuple[int, Any]] = []
        weights: list[tuple[int, str, str | None]] = []
        for k, hdu in enumerate(hdus):
            # A shape, and not a table's: images only, compressed ones too.
            shape = getattr(hdu, "shape", ())
            if not getattr(hdu, "is_image", False) or len(shape) not in (2, 3) or 0 in shape:
                continue
            names = {
                token.casefold() for key in ("EXTNAME", "IMTYPE", "IMAGETYP") for token in _tokens(hdu.header.get(key))
            }
            kind = next((_WEIGHTS[name] for name in names if name in _WEIGHTS), None)
            if k == options.ivar_hdu:
                kind = "ivar"
            if kind is not None:
                weights.append((k, kind, band_in(hdu.header.get("EXTNAME"), options.bands)))
            elif not names & _NO_IMAGE and _is_image(hdu, k, len(images), names, options.bands):
                images.append((k, hdu))
        if not images:
            raise BadInputError(f"{path} holds no image of two or three dimensions; give cutouts")
        planes: list[Plane] = []
        for k, hdu in images:
            band = _band_of_hdu(hdu, options.bands)
            weight = _weight_of(k, hdu, band, weights, hdus, [n for n, _ in images])
            planes += _planes(path, k, hdu, band, weight, hdus[0].header, options)
        return planes


def _is_image(hdu: Any, k: int, before: int, names: set[str], bands: Sequence[str]) -> bool:
    """Whether an HDU that is no weight is an image of the sky: the first one, or one that says so or names its band."""
    return before == 0 or bool(names & _SCIENCE) or _band_of_hdu(hdu, bands) is not None


def _band_of_hdu(hdu: Any, bands: Sequence[str]) -> str | None:
    if (band := band_in(hdu.header.get("EXTNAME"), bands)) is not None:
        return band
    for key in _BAND_KEYS:
        if (band := band_in(hdu.header.get(key), bands)) is not None:
            return band
    return None


def _weight_of(
    k: int, hdu: Any, band: str | None, weights: list[tuple[int, str, str | None]], hdus: Any, images: list[int]
) -> tuple[int | None, str]:
    """The noise of an image: that of its band by name, else the next noise HDU before the next image; of its shape."""
    fitting = [w for w in weights if hdus[w[0]].shape == hdu.shape]
    for n, kind, of in fitting:
        if of is not None and of == band:
            return n, kind
    following = min([n for n in images if n > k], default=len(hdus))
    for n, kind, of in fitting:
        if of is None and (k < n < following or len(images) == 1):
            return n, kind
    return None, "ivar"


def _planes(
    path: Path,
    k: int,
    hdu: Any,
    band: str | None,
    weight: tuple[int | None, str],
    primary: Any,
    options: StampOptions,
) -> list[Plane]:
    header = hdu.header

    def get(*keys: str) -> Any:
        return next((h[key] for h in (header, primary) for key in keys if key in h), None)

    scale, centre = _geometry(header, primary, options)
    if scale is None:
        raise BadInputError(f"{path} has no WCS to take the pixel scale from; give it with --pixel-scale")
    seeing = get(*_SEEING_KEYS)
    bands: list[str | None] = [band]
    indices: list[int | None] = [None]
    if len(hdu.shape) == 3:
        n = hdu.shape[0]
        indices = list(range(n))
        bands = _cube_bands(n, header, primary, options.bands) or ([band] if n == 1 else [None] * n)
        if n > 1 and None in bands:
            raise BadInputError(f"{path} has {n} planes and does not say their bands; give {n} names with --bands")
    return [
        Plane(
            path=path,
            band=name,
            hdu=k,
            index=index,
            weight_hdu=weight[0],
            weight_kind=weight[1],
            shape=tuple(hdu.shape[-2:]),
            to_nanomaggy=_to_nanomaggy(path, get, options.unit),
            pixel_scale=scale,
            centre=centre,
            ids=tuple(dict.fromkeys(str(h[key]).strip() for h in (header, primary) for key in _ID_KEYS if key in h)),
            seeing=float(seeing) if isinstance(seeing, int | float) and seeing > 0 else float("nan"),
        )
        for index, name in zip(indices, bands, strict=True)
    ]


def _cube_bands(n: int, header: Any, primary: Any, bands: Sequence[str]) -> list[str | None] | None:
    """Bands of a cube's planes: BANDS ("grz" or "g,r,z"), BAND0 BAND1 …, or the bands asked for if as many."""
    for h in (header, primary):
        if text := str(h.get("BANDS", "")).strip():
            named = _tokens(text)
            named = list(text) if len(named) == 1 and len(text) == n and n > 1 else named
            if len(named) == n:
                return [name if name in bands else None for name in named]
        if all(f"BAND{k}" in h for k in range(n)):
            return [band_in(h[f"BAND{k}"], bands) for k in range(n)]
    return list(bands) if len(bands) == n else None


def _geometry(header: Any, primary: Any, options: StampOptions) -> tuple[float | None, tuple[float, float] | None]:
    """Pixel scale and position of the middle: by the WCS, else by option and keywords."""
    from astropy.io import fits
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    for h in (header, primary):
        if "CTYPE1" not in h:
            continue
        # Only what a WCS is made of: wcslib takes most of its time to read the other keywords.
        wcs = WCS(fits.Header([card for card in h.cards if WCS_KEY.fullmatch(card.keyword)]), naxis=2)
        if not wcs.has_celestial:
            continue
        scales = proj_plane_pixel_scales(wcs) * 3600.0
        middle = (header.get("NAXIS1", 1) - 1) / 2.0, (header.get("NAXIS2", 1) - 1) / 2.0
        if wcs.wcs.ctype[0].startswith("RA") and wcs.wcs.radesys.strip() in ("", "ICRS", "FK5"):
            # FK5 (J2000) and ICRS agree within 0.03 arcsec.
            ra, dec = (float(v) for v in wcs.all_pix2world(*middle, 0))
        else:
            sky = wcs.pixel_to_world(*middle).icrs
            ra, dec = float(sky.ra.deg), float(sky.dec.deg)
        return float(np.sqrt(scales[0] * scales[1])), (ra % 360.0, dec)
    centre = None
    for h in (header, primary):
        ra, dec = h.get("RA"), h.get("DEC")
        if centre is None and isinstance(ra, int | float) and isinstance(dec, int | float):
            centre = (float(ra), float(dec))
    return options.pixel_scale, centre


def _to_nanomaggy(path: Path, get: Any, unit: str | None) -> float:
    """Factor from pixels to nanomaggies.

    The NMGY keyword alone does not tell: SDSS writes it into frames whose pixels are nanomaggies already. So it counts
    only where BUNIT or the user say that pixels are counts.
    """
    given = str(get("BUNIT") or "").strip()
    if given.casefold() not in _COUNTS and (not given or parse_unit(given.split("/pix")[0]) is None):
        given = unit or ""
    if not given:
        said = f"BUNIT {get('BUNIT')!r} is no unit" if get("BUNIT") else "there is no BUNIT"
        raise BadInputError(f"the unit of the pixels of {path} is unknown ({said}); give --unit, e.g. nanomaggy")
    if given.casefold() in _COUNTS:
        if isinstance(nmgy := get("NMGY"), int | float) and nmgy > 0:
            return float(nmgy)
        if isinstance(zero := get(*_ZERO_POINT_KEYS), int | float):
            return float(10.0 ** (0.4 * (22.5 - zero)))
        raise BadInputError(f"{path} is in counts and has neither NMGY nor MAGZERO in its header; calibrate it first")
    given = given.split("/pix")[0]
    if parse_unit(given) is None:
        raise ConfigurationError(f"--unit {given!r} is no unit; write e.g. nanomaggy, uJy or count")
    return factor("nanomaggy", file=str(path), column="the image", in_file=given)


def read_plane(plane: Plane) -> tuple[np.ndarray, np.ndarray | None]:
    """Read one image.

    Parameters
    ----------
    plane : Plane
        As `index_file` lists it.

    Returns
    -------
    flux : ndarray of float64, shape (y, x)
        Nanomaggy; NaN where blank.
    ivar : ndarray of float64, shape (y, x), or None
        Nanomaggy^-2, 0 where the pixel is bad; None where the file has no noise.

    Raises
    ------
    BadInputError
        The file is damaged.
    """
    with open_fits(plane.path) as hdus:
        flux = _plane(hdus, plane.hdu, plane.index) * plane.to_nanomaggy
        if plane.weight_hdu is None:
            return flux, None
        weight = _plane(hdus, plane.weight_hdu, plane.index)
    with np.errstate(divide="ignore", invalid="ignore"):
        ivar = {"ivar": lambda w: w, "variance": lambda w: 1.0 / w, "sigma": lambda w: w**-2.0}[plane.weight_kind](
            weight
        )
        ivar = ivar / plane.to_nanomaggy**2
        usable = (weight > 0) & np.isfinite(ivar) & np.isfinite(flux)
    return np.where(usable, flux, np.nan), np.where(usable, ivar, 0.0)


def _plane(hdus: Any, hdu: int, index: int | None) -> np.ndarray:
    data = np.asarray(hdus[hdu].data, dtype=np.float64)
    data = data if index is None else data[index]
    return np.where(np.isfinite(data), data, np.nan)
