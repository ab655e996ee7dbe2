"""Galactic reddening E(B-V) from a dust map that the user has.

Two kinds of file are read:

* the maps of Schlegel, Finkbeiner & Davis (1998, ApJ 500, 525) as they distributed them: two FITS images in Lambert's
  zenithal equal-area projection, one for each Galactic hemisphere (``SFD_dust_4096_ngp.fits``, ``…_sgp.fits``), with
  the keywords LAM_NSGP (+1 north, -1 south) and LAM_SCAL (pixels from the pole to 90° latitude);
* a whole-sky HEALPix map in a FITS table, RING or NESTED, Galactic or equatorial.

Both are interpolated linearly between the four nearest pixels.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from asterism.catalogs.outputs import file_identity
from asterism.errors import BadInputError

__all__ = ["DustMap"]

_HEMISPHERES = {"ngp": 1, "sgp": -1}


class DustMap(ABC):
    """A map of E(B-V); `open` chooses the kind by what the file holds."""

    @staticmethod
    def open(path: str | Path) -> DustMap:
        """Open a map.

        Parameters
        ----------
        path : path
            One of the two SFD files (the other is looked for beside it), a directory with both, or a HEALPix map.

        Returns
        -------
        DustMap

        Raises
        ------
        BadInputError
            The file is missing, damaged or no dust map, or the other hemisphere is missing.
        """
        path = Path(path)
        if path.is_dir():
            return LambertMap(_pair_in(path))
        header = _read(path)[0]
        if "LAM_NSGP" in header:
            return LambertMap(_pair_of(path))
        if str(header.get("PIXTYPE", "")).strip().upper() == "HEALPIX":
            return HealpixMap(path)
        raise BadInputError(
            f"{path} is no dust map that is known: it has neither LAM_NSGP (SFD) nor PIXTYPE = HEALPIX in its header"
        )

    @staticmethod
    def identity(path: str | Path) -> list[dict[str, Any]]:
        """Names, sizes and hashes of a map's files, for the record of an output's inputs."""
        path = Path(path)
        if path.is_dir():
            return [file_identity(file) for file in _pair_in(path)]
        files = _pair_of(path) if "LAM_NSGP" in _read(path)[0] else (path,)
        return [file_identity(file) for file in files]

    def reddening(self, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """E(B-V) at positions.

        Parameters
        ----------
        ra, dec : ndarray of float64, shape (n,)
            Degrees, ICRS; NaN where unknown.

        Returns
        -------
        ndarray of float64, shape (n,)
            mag, on the scale of the map; NaN where the position is unknown or the map is blank.
        """
        from astropy import units as u
        from astropy.coordinates import SkyCoord

        known = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
        out = np.full(len(ra), np.nan)
        if known.any():
            sky = SkyCoord(ra[known] * u.deg, dec[known] * u.deg, frame="icrs").galactic
            out[known] = self.at_galactic(sky.l.rad, sky.b.rad)
        return out

    @abstractmethod
    def at_galactic(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """E(B-V) at Galactic coordinates in radians, shape (n,) each."""


class LambertMap(DustMap):
    """The two polar images of SFD.

    Pixel (x, y), counted from 0, of Galactic (l, b) on the hemisphere n = +1 (north) or -1 (south)::

        x =  LAM_SCAL sqrt(1 - n sin b) cos l + CRPIX1 - 1
        y = -n LAM_SCAL sqrt(1 - n sin b) sin l + CRPIX2 - 1

    (SFD 1998, appendix C; as in their program ``dust_getval``).
    """

    def __init__(self, files: tuple[Path, Path]) -> None:
        self._images: dict[int, tuple[np.ndarray, float, float, float]] = {}
        for file in files:
            header, image = _read(file)
            try:
                side, scale = int(header["LAM_NSGP"]), float(header["LAM_SCAL"])
                centre = float(header["CRPIX1"]) - 1, float(header["CRPIX2"]) - 1
            except (KeyError, TypeError, ValueError) as error:
                raise BadInputError(f"{file} is no SFD map: its header lacks {error}; fetch the file again") from error
            if image is None or image.ndim != 2:
                raise BadInputError(f"{file} is no SFD map: it holds no image; fetch the file again")
            self._images[side] = (image, scale, *centre)
        if set(self._images) != {1, -1}:
            raise BadInputError(f"{files[0]} and {files[1]} are of one hemisphere; both hemispheres are needed")

    def at_galactic(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """E(B-V) at Galactic coordinates in radians, shape (n,) each."""
        out = np.full(len(longitude), np.nan)
        north = np.where(latitude >= 0, 1, -1)
        for side, (image, scale, x0, y0) in self._images.items():
            here = north == side
            angle = longitude[here]
            radius = scale * np.sqrt(np.maximum(1.0 - side * np.sin(latitude[here]), 0.0))
            out[here] = _bilinear(image, radius * np.cos(angle) + x0, -side * radius * np.sin(angle) + y0)
        return out


class HealpixMap(DustMap):
    """A whole-sky HEALPix map: the first column of the table, RING or NESTED."""

    def __init__(self, path: Path) -> None:
        header, table = _read(path)
        explicit = str(header.get("INDXSCHM", "IMPLICIT")).strip().upper() == "EXPLICIT"
        if explicit or table is None or table.dtype.names is None:
            raise BadInputError(f"{path} is no whole-sky map with implicit pixel order; give one that is")
        values = np.asarray(table[table.dtype.names[0]], dtype=np.float64).ravel()
        nside = round(np.sqrt(len(values) / 12))
        if 12 * nside**2 != len(values) or nside & (nside - 1) or nside == 0:
            raise BadInputError(f"{path} holds {len(values)} pixels, which is no whole HEALPix map; fetch it again")
        ordering = str(header.get("ORDERING", "")).strip().upper()
        if ordering not in ("RING", "NESTED", "NEST"):
            raise BadInputError(f"{path} does not say ORDERING = RING or NESTED in its header; add it")
        frame = str(header.get("COORDSYS", "G")).strip().upper()[:1]
        if frame not in ("G", "C", "Q", "E") or frame == "E":
            raise BadInputError(f"{path} has COORDSYS {frame!r}; Galactic (G) and equatorial (C) maps can be used")
        # -1.6375e30 is HEALPix's blank.
        self._values = np.where(values > -1e30, values, np.nan)
        self._depth = nside.bit_length() - 1
        self._ring = ordering == "RING"
        self._galactic = frame == "G"

    def at_galactic(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """E(B-V) at Galactic coordinates in radians, shape (n,) each."""
        from astropy import units as u
        from astropy.coordinates import Latitude, Longitude, SkyCoord
        from cdshealpix import nested, to_ring

        if not self._galactic:
            sky = SkyCoord(longitude * u.rad, latitude * u.rad, frame="galactic").icrs
            longitude, latitude = sky.ra.rad, sky.dec.rad
        pixels, weights = nested.bilinear_interpolation(
            Longitude(longitude, u.rad), Latitude(latitude, u.rad), np.uint8(self._depth)
        )
        pixels = np.ma.getdata(pixels).astype(np.uint64)
        if self._ring:
            pixels = to_ring(pixels, self._depth)
        return np.asarray((self._values[pixels] * np.ma.getdata(weights)).sum(axis=1))


def _bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Interpolate between the four nearest pixel centres; the edge pixel goes on for half a pixel."""
    ny, nx = image.shape
    x, y = np.clip(x, 0, nx - 1), np.clip(y, 0, ny - 1)
    i, j = np.minimum(x.astype(int), max(nx - 2, 0)), np.minimum(y.astype(int), max(ny - 2, 0))
    i1, j1 = np.minimum(i + 1, nx - 1), np.minimum(j + 1, ny - 1)
    fx, fy = x - i, y - j
    low = image[j, i] * (1 - fx) + image[j, i1] * fx
    high = image[j1, i] * (1 - fx) + image[j1, i1] * fx
    return np.asarray(low * (1 - fy) + high * fy, dtype=np.float64)


def _read(path: Path) -> tuple[Any, Any]:
    """Header and data of the first HDU that has data; keywords of the primary HDU stand in for absent ones."""
    import warnings

    from astropy.io import fits

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(path, memmap=False, lazy_load_hdus=False) as hdus:
                hdu = next((h for h in hdus if h.data is not None), hdus[0])
                header, data = hdu.header.copy(), hdu.data
        except FileNotFoundError as error:
            raise BadInputError(f"the dust map {path} does not exist; check the path") from error
        except (OSError, EOFError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise BadInputError(f"can't read the dust map {path}: {reason}; fetch the file again") from error
    if any("truncated" in str(w.message) for w in caught):
        raise BadInputError(f"can't read the dust map {path}: it is truncated; fetch the file again")
    return header, data


def _pair_in(directory: Path) -> tuple[Path, Path]:
    """Find the two hemispheres in a directory: one file with ngp in its name and one with sgp, of E(B-V)."""
    found = [
        [f for f in sorted(directory.glob("*.fits*")) if re.search(rf"dust.*{side}", f.name.lower())]
        for side in _HEMISPHERES
    ]
    if [len(files) for files in found] != [1, 1]:
        raise BadInputError(
            f"{directory} must hold one …dust…ngp.fits and one …dust…sgp.fits, and holds "
            f"{len(found[0])} and {len(found[1])}; name one of the two files instead"
        )
    return found[0][0], found[1][0]


def _pair_of(path: Path) -> tuple[Path, Path]:
    """The other hemisphere's file beside this one."""
    for side, other in (("ngp", "sgp"), ("sgp", "ngp")):
        if side in path.name:
            partner = path.with_name(path.name.replace(side, other))
            if not partner.exists():
                raise BadInputError(f"{path} is one hemisphere, and {partner.name} is not beside it; put it there")
            return path, partner
    raise BadInputError(f"{path} has neither ngp nor sgp in its name, so its other half can't be found; rename both")
