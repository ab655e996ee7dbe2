"""``ingest legacy``: the Legacy Surveys' cutouts and Tractor tables as a catalog.

A cutout is a cube (band, y, x) of ``BANDS`` in nanomaggy, with its inverse variance in the second HDU where that was asked for;
its row stands at the middle of the image. Bands are griz, whichever a file has: the others have inverse variance 0 (the north
has no i, nor has the south before DR10). Tables are rows of photometry (`asterism.surveys.tractor`). Where both are
given, each keeps its rows, and rows within an arcsecond share their ``source_id``. Coadded bricks are frames:
``ingest images --frames`` cuts them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.schema import identity_fields, image_fields
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.doors import Observation, Part, Plan
from asterism.surveys.fits.fits_images import quick_images
from asterism.surveys.fits.fits_reading import DAMAGE, card, open_fits
from asterism.surveys.formats.legacy_images import BANDS
from asterism.surveys.images import fit_image
from asterism.surveys.stamps.sky import sky_sigma
from asterism.surveys.stamps.stamps import WCS_KEY
from asterism.surveys.tractor import is_tractor, read_tractor, tractor_fields

__all__ = ["LegacyDoor"]

Floats = npt.NDArray[np.floating[Any]]

_SCALE_TOLERANCE = 0.01
_NAMES = ("SIMID", "OBJECT_ID", "OBJID", "TARGETID", "BESTOBJID", "OBJECT")
_BRICK = "legacysurvey-"


@dataclass(frozen=True)
class _Cutout:
    """What a file holds."""

    header: Any
    bands: tuple[str, ...]
    flux: Floats
    ivar: Floats | None
    ra: float
    dec: float
    pixel_scale: float


@dataclass(frozen=True)
class LegacyDoor:
    """Reads the Legacy Surveys' cutouts and Tractor tables.

    Attributes
    ----------
    size : int or None
        Pixels that cutouts are cut or padded to about their middle; the first file's by default.
    """

    size: int | None = None

    @property
    def survey(self) -> str:
        """As in ``ingest legacy``."""
        return "legacy"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of files."""
        return (".fits", ".fits.gz", ".fits.bz2", ".fits.fz")

    def plan(self, files: Sequence[Path]) -> Plan:
        """Cutouts and tables, by name; the first cutout that can be read says what all are like.

        Raises
        ------
        BadInputError
            There is neither a cutout nor a table.
        ConfigurationError
            The size is none.
        """
        if self.size is not None and self.size < 1:
            raise ConfigurationError("--size must be positive")
        bricks = tuple(
            (path.name, "a coadded brick; cut stamps from it with ingest images --frames")
            for path in files
            if path.name.startswith(_BRICK)
        )
        tables = [path for path in files if is_tractor(path)]
        cutouts = [path for path in files if not is_tractor(path) and not path.name.startswith(_BRICK)]
        fields, layout = [f for f in identity_fields(placed=True) if f.name != "source_id"], ""
        if tables:
            fields += tractor_fields()
        if cutouts:
            first, reason = _first(cutouts)
            if first is not None:
                side = (self.size, self.size) if self.size else first.flux.shape[-2:]
                source = "measured" if first.ivar is not None else "sky"
                stamps = image_fields(
                    "legacy", BANDS, side, first.pixel_scale, psf_fwhm=False, zero_point="ab", provenance="cutouts"
                )
                fields += [f.with_metadata({**(f.metadata or {}), b"ivar_source": source.encode()}) for f in stamps]
                layout = f"{side[0]},{side[1]},{first.pixel_scale!r},{source}"
            elif not tables:
                raise BadInputError(
                    f"none of {len(cutouts)} files is a cutout of the Legacy Surveys; of the first is said: {reason}"
                )
        elif not tables:
            raise BadInputError(f"none of {len(files)} files is a cutout or a Tractor table of the Legacy Surveys")
        parts = [Part(path, size=path.stat().st_size, layout="tractor") for path in tables]
        parts += [Part(path, size=path.stat().st_size, layout=layout) for path in cutouts if layout]
        lost = tuple((path.name, "no cutout can be read; this one neither") for path in cutouts if not layout)
        return Plan(tuple(fields), True, tuple(sorted(parts, key=lambda part: str(part.path))), bricks + lost)

    def read(self, part: Part, fields: tuple[pa.Field, ...]) -> Iterable[Observation]:
        """Read a table or a cutout.

        Raises
        ------
        BadInputError
            The file is damaged, or a cutout differs from the first.
        """
        if part.layout == "tractor":
            return read_tractor(part)
        return [self._observation(part)]

    def _observation(self, part: Part) -> Observation:
        height, width, scale, source = part.layout.split(",")
        shape = (int(height), int(width))
        cutout = _read(part.path)
        if abs(cutout.pixel_scale / float(scale) - 1) > _SCALE_TOLERANCE:
            raise BadInputError(
                f"{part.path.name} has pixels of {cutout.pixel_scale:.4g} arcsec, the first {float(scale):.4g}"
            )
        if self.size is None and cutout.flux.shape[-2:] != shape:
            raise BadInputError(
                f"{part.path.name} has {cutout.flux.shape[-2:]} pixels, the first file {shape}: give --size to cut or pad them"
            )
        if (cutout.ivar is None) != (source == "sky"):
            raise BadInputError(
                f"{part.path.name} has {'no' if cutout.ivar is None else 'an'} inverse variance, unlike the first file"
            )
        weights = _of_sky(cutout) if cutout.ivar is None else cutout.ivar
        flux = np.full((len(BANDS), *shape), np.nan, np.float32)
        ivar = np.zeros((len(BANDS), *shape), np.float32)
        for band, light, weight in zip(cutout.bands, cutout.flux, weights, strict=True):
            b = BANDS.index(band)
            flux[b], ivar[b] = fit_image(light, shape, np.nan), fit_image(weight, shape, 0.0)
        ivar[~(np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0))] = 0.0
        flux[ivar == 0] = np.nan
        if not ivar.any():
            raise BadInputError(f"{part.path.name} has no good pixel; there may be no image of this place")
        said = card(cutout.header, *_NAMES)
        return Observation(
            0,
            {
                "object_id": str(said) if said is not None else part.path.name.split(".fits")[0],
                "ra": cutout.ra, "dec": cutout.dec, "survey": "legacy",
                "release": str(card(cutout.header, "VERSION", "SURVEYV") or "") or None,
                "image_legacy_flux": flux, "image_legacy_ivar": ivar,
            },
        )  # fmt: skip


def _first(files: Sequence[Path]) -> tuple[_Cutout | None, str]:
    """The first cutout that can be read, and what is said of the first that can't."""
    reason = ""
    for path in files:
        try:
            return _read(path), reason
        except (BadInputError, *DAMAGE) as error:
            reason = reason or str(error)
    return None, reason


def _read(path: Path) -> _Cutout:
    quick = quick_images(path)
    if quick is not None and (place := _plain_place(quick[0][0], quick[0][1].shape)) is not None:
        return _cutout(quick, place, path)
    with open_fits(path) as hdus:
        images = [
            (hdu.header, hdu.data)
            for hdu in hdus
            if getattr(hdu, "is_image", False) and len(getattr(hdu, "shape", ())) in (2, 3) and 0 not in hdu.shape
        ]
        if not images:
            raise BadInputError(f"{path} holds no image; there may be none of this place")
        return _cutout(images, _place(images[0][0], images[0][1].shape, path), path)


def _cutout(images: Sequence[tuple[Any, np.ndarray]], place: tuple[float, float, float], path: Path) -> _Cutout:
    """Image and inverse variance among a file's images."""
    header, flux = images[0]
    flux = np.atleast_3d(np.asarray(flux, np.float32).T).T
    bands = _bands(header, len(flux), path)
    ivar = None
    for other, data in images[1:]:
        if str(card(other, "IMAGETYP", "EXTNAME") or "").upper() in ("INVVAR", "IVAR"):
            ivar = np.atleast_3d(np.asarray(data, np.float32).T).T
    if ivar is not None and ivar.shape != flux.shape:
        raise BadInputError(
            f"{path} has an image of {flux.shape} and inverse variances of {ivar.shape}; fetch it again"
        )
    return _Cutout(header, bands, flux, ivar, *place)


def _plain_place(header: Any, shape: tuple[int, ...]) -> tuple[float, float, float] | None:
    """Middle (deg) and arcsec per pixel where the reference point is the middle, as the cutout service makes it; else None."""
    keys = ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CD1_1", "CD2_2", "CD1_2", "CD2_1")
    values = [header.get(key, 0.0) for key in keys]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return None
    ra, dec, x, y, right, up, *crossed = values
    plain = header.get("CTYPE1") == "RA---TAN" and header.get("CTYPE2") == "DEC--TAN" and not any(crossed)
    scale = 3600.0 * math.sqrt(abs(right * up))
    if not plain or x != 0.5 * (shape[-1] + 1) or y != 0.5 * (shape[-2] + 1) or not 0.01 < scale < 100.0:
        return None
    return (ra % 360.0, dec, scale) if abs(dec) <= 90.0 else None


def _place(header: Any, shape: tuple[int, ...], path: Path) -> tuple[float, float, float]:
    """Middle (deg) and arcsec per pixel by the WCS."""
    from astropy.io import fits
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cubes have an axis that the WCS knows nothing of
        wcs = WCS(fits.Header([c for c in header.cards if WCS_KEY.fullmatch(c.keyword)]), naxis=2)
        if not wcs.has_celestial:
            raise BadInputError(f"{path} has no WCS; is it a cutout of the Legacy Surveys?")
        middle = wcs.all_pix2world(0.5 * (shape[-1] - 1), 0.5 * (shape[-2] - 1), 0)
        scale = 3600.0 * float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs))))
    if not (np.isfinite(middle).all() and 0.01 < scale < 100.0):
        raise BadInputError(f"the WCS of {path} leads nowhere; fetch the file again")
    return float(middle[0]) % 360.0, float(middle[1]), scale


def _bands(header: Any, n: int, path: Path) -> tuple[str, ...]:
    """BANDS, or BAND0, BAND1, …, or BAND."""
    text = str(card(header, "BANDS") or "").replace(",", "").strip()
    listed = list(text) if len(text) == n else [str(card(header, f"BAND{k}") or "").strip() for k in range(n)]
    if n == 1 and listed == [""]:
        listed = [str(card(header, "BAND", "FILTER") or "").strip()[:1]]
    if len(set(listed)) != n or not set(listed) <= set(BANDS):
        raise BadInputError(
            f"{path} has {n} planes and says that its bands are {text or listed}; they are of {''.join(BANDS)}"
        )
    return tuple(listed)


def _of_sky(cutout: _Cutout) -> Floats:
    """Inverse variances from the sky in the border, where a cutout has none."""
    sigma = sky_sigma(np.where(cutout.flux == 0, np.nan, cutout.flux))  # 0 exactly: not observed
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(np.isfinite(sigma), sigma**-2.0, 0.0)
    return np.where(np.isfinite(cutout.flux) & (cutout.flux != 0), weight[:, None, None], 0.0)
