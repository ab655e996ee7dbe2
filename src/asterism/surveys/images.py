"""``ingest images``: FITS cutouts are attached to the objects of a catalog, by name or by position.

An object is found, in this order, by the file's name (a pattern with ``{object_id}`` and ``{band}``; without one, the
name's parts, any of which may be an object_id of the catalog), by a name in the header (OBJECT_ID, OBJID, BESTOBJID,
TARGETID, OBJECT), or by the position of the image's middle within a radius. Images are cut or padded around their
middle, never resampled; pixels outside are not observed (ivar 0). Without a noise extension, the inverse variance comes
from the sky in the stamp's border, and the metadata say ``ivar_source`` ``sky``.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from asterism.catalogs.blocks import Progress
from asterism.catalogs.catalog import Catalog, Partition, open_catalog
from asterism.catalogs.narrow import NarrowWriter
from asterism.catalogs.schema import image_fields
from asterism.catalogs.sources import unit_vectors
from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.formats.legacy_images import image_bands
from asterism.surveys.stamps.sky import sky_sigma
from asterism.surveys.stamps.stamps import Plane, StampOptions, band_in, index_file, read_plane

__all__ = ["find_files", "fit_image", "ingest_images", "name_of_files"]

_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.fz")
_SCALE_TOLERANCE = 0.01

Report = Callable[[Path, str], None]


def ingest_images(
    paths: Sequence[str | Path],
    to: Catalog | str | Path,
    out: str | Path,
    *,
    survey: str = "sdss",
    bands: Sequence[str] | None = None,
    pattern: str | None = None,
    radius: float = 1.0,
    size: int | None = None,
    unit: str | None = None,
    pixel_scale: float | None = None,
    ivar_hdu: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Attach FITS cutouts to a catalog.

    Parameters
    ----------
    paths : sequence of path
        FITS files, or directories that are searched for them.
    to : Catalog or path
        The catalog of the objects.
    out : path
        The new narrow catalog: `to`'s rows with ``image_SURVEY_flux``, ``_ivar`` (band, y, x) and ``_psf_fwhm``; null
        for objects without a stamp, ivar 0 for bands without one.
    survey : str
        Survey of the images.
    bands : sequence of str, optional
        Bands in order; all that are known of the survey by default.
    pattern : str, optional
        Pattern of file names, e.g. ``"{object_id}-{band}.fits"`` (``{band}`` may be absent).
    radius : float
        Largest distance of an object from the image's middle, arcsec.
    size : int, optional
        Pixels along x and y; the first image's by default.
    unit : str, optional
        Unit of the pixels where the header has none: ``nanomaggy``, ``uJy``, ``count`` (with NMGY or MAGZERO), …
    pixel_scale : float, optional
        arcsec per pixel of files without WCS.
    ivar_hdu : int, optional
        Number of the HDU that is the inverse variance, where it is not named so.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        Called with files read (twice: headers, then pixels) and twice their number.

    Returns
    -------
    Catalog
        ``quarantine.parquet`` lists files that can't be used, that belong to no object, or that come second.

    Raises
    ------
    BadInputError
        No file can be used (the commonest reason is told).
    ConfigurationError
        An option does not fit.
    """
    catalog = to if isinstance(to, Catalog) else open_catalog(to)
    chosen = tuple(bands) if bands else image_bands(survey)
    if not chosen:
        raise ConfigurationError(f"the bands of survey {survey!r} are not known; name them with --bands")
    if not radius > 0 or (size is not None and size < 1) or (pixel_scale is not None and not pixel_scale > 0):
        raise ConfigurationError("--radius, --size and --pixel-scale must be positive")
    files = find_files(paths)
    lines: list[tuple[str, str]] = []

    def report(path: Path, reason: str) -> None:
        # A sentence that names its own file need not do so beside it.
        lines.append((path.name, reason.replace(str(path), path.name)))

    album = _Album.of(
        files, StampOptions(chosen, unit, pixel_scale, ivar_hdu), catalog, pattern, radius, report, progress
    )
    stamp = album.geometry(size, report, lines)
    fields = image_fields(
        survey,
        chosen,
        stamp.shape,
        stamp.scale,
        psf_fwhm=stamp.seeing,
        zero_point="sdss" if survey == "sdss" else "ab",
        provenance=f"{len(files)} FITS files",
    )
    source = {b"ivar_source": b"measured" if stamp.noise else b"sky"}
    fields = [f.with_metadata({**(f.metadata or {}), **source}) for f in fields]
    options = {"survey": survey, "bands": list(chosen), "pattern": pattern, "radius": radius, "size": size}
    options |= {"unit": unit, "pixel_scale": pixel_scale, "ivar_hdu": ivar_hdu}
    inputs = {"command": "ingest images", **options, "files": name_of_files(files)}
    made_by = {"command": "ingest images", **options, "files": len(files)}
    done = len(files)
    with NarrowWriter(catalog, out, fields, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:
        for partition in [] if writer.complete else catalog.partitions:
            if partition.index not in writer.done:
                table, used = album.columns(partition, catalog, stamp, fields, writer.quarantine)
                writer.write(partition, table)
                done += used
            if progress is not None:
                progress(min(done, 2 * len(files)), 2 * len(files))
        for name, reason in lines:
            writer.quarantine("", name, reason)
    return open_catalog(writer.path)


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """List FITS files: those named, and those anywhere in directories that are named; sorted, each once.

    Raises
    ------
    BadInputError
        A path does not exist, or there is no FITS file at all.
    """
    found: set[Path] = set()
    for path in map(Path, paths):
        if path.is_dir():
            found |= {p for p in path.rglob("*") if p.name.casefold().endswith(_SUFFIXES) and p.is_file()}
        elif path.exists():
            found.add(path)
        else:
            raise BadInputError(f"{path} does not exist; check the path")
    if not found:
        raise BadInputError(f"no FITS file is in {', '.join(map(str, paths)) or 'no path'}; check the path")
    return sorted(found)


def name_of_files(files: Sequence[Path]) -> str:
    """Name for a set of files by name, size and time: reading all pixels once more would take as long as the work."""
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        stat = path.stat()
        digest.update(f"{path.name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Stamp:
    """What all stamps of the catalog have in common."""

    shape: tuple[int, int]
    scale: float
    seeing: bool
    noise: bool


@dataclass
class _Album:
    """Planes by the object and band that they show."""

    bands: tuple[str, ...]
    planes: dict[str, dict[str, Plane]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        files: Sequence[Path],
        options: StampOptions,
        catalog: Catalog,
        pattern: str | None,
        radius: float,
        report: Report,
        progress: Progress | None,
    ) -> _Album:
        """Read all headers and find each image's object; what fits nowhere is reported."""
        album = cls(options.bands)
        finder = _Finder(catalog, pattern, radius, options.bands)
        for k, path in enumerate(files):
            try:
                found = index_file(path, options)
            except BadInputError as error:
                report(path, str(error))
                found = []
            for plane in found:
                album._put(plane, finder, report)
            if progress is not None:
                progress(k + 1, 2 * len(files))
        return album

    def _put(self, plane: Plane, finder: _Finder, report: Report) -> None:
        name, band = finder.find(plane)
        if name is None:
            report(plane.path, f"it belongs to no object of the catalog ({finder.told(plane)})")
        elif band is None:
            report(plane.path, f"its band is unknown: neither header nor file name has one of {', '.join(self.bands)}")
        elif band in self.planes.setdefault(name, {}):
            report(plane.path, f"object {name} has a {band} image already, {self.planes[name][band].path.name}")
        else:
            self.planes[name][band] = plane

    def geometry(self, size: int | None, report: Report, lines: list[tuple[str, str]]) -> _Stamp:
        """Fix size and scale by the first image; images that differ are reported and taken out."""
        everything = [plane for planes in self.planes.values() for plane in planes.values()]
        if not everything:
            reasons = Counter(reason for _, reason in lines).most_common(1)
            raise BadInputError(
                f"no image can be used; of most is said: {reasons[0][0]!r}" if reasons else "no image can be used"
            )
        first = min(everything, key=lambda plane: (plane.path, plane.hdu, plane.index or 0))
        shape = first.shape if size is None else (size, size)
        for name in list(self.planes):
            for band, plane in list(self.planes[name].items()):
                if abs(plane.pixel_scale / first.pixel_scale - 1) > _SCALE_TOLERANCE:
                    why = f"its pixels are {plane.pixel_scale:.4g} arcsec, the first image's {first.pixel_scale:.4g}"
                elif size is None and plane.shape != shape:
                    why = f"it has {plane.shape} pixels, the first image {shape}: give --size to cut or pad them"
                else:
                    continue
                report(plane.path, why)
                del self.planes[name][band]
            if not self.planes[name]:
                del self.planes[name]
        kept = [plane for planes in self.planes.values() for plane in planes.values()]
        return _Stamp(
            shape=shape,
            scale=first.pixel_scale,
            seeing=any(np.isfinite(plane.seeing) for plane in kept),
            noise=all(plane.weight_hdu is not None for plane in kept),
        )

    def columns(
        self,
        partition: Partition,
        catalog: Catalog,
        stamp: _Stamp,
        fields: list[pa.Field],
        quarantine: Callable[[int | str, str, str], None],
    ) -> tuple[pa.Table, int]:
        """Image columns for the rows of a partition, and the number of images read."""
        ids = catalog.read_partition(partition, ["object_id"])["object_id"].to_pylist()
        n, bands = len(ids), len(self.bands)
        flux = np.full((n, bands, *stamp.shape), np.nan, np.float32)
        ivar = np.zeros((n, bands, *stamp.shape), np.float32)
        seeing = np.full((n, bands), np.nan, np.float32)
        read = 0
        for row, name in enumerate(ids):
            for band, plane in self.planes.get(name, {}).items():
                read += 1
                b = self.bands.index(band)
                try:
                    pixels = _measured(plane)
                except BadInputError as error:
                    quarantine(name, plane.path.name, str(error))
                    continue
                flux[row, b], ivar[row, b] = (fit_image(image, stamp.shape, fill) for image, fill in pixels)
                seeing[row, b] = plane.seeing
        absent = pa.array(~(ivar > 0).any(axis=(1, 2, 3)))
        arrays = {"flux": flux, "ivar": ivar, "psf_fwhm": seeing}
        columns = []
        for f in fields:
            values = arrays[next(key for key in arrays if f.name.endswith(f"_{key}"))].reshape(n, -1)
            columns.append(pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1], mask=absent))
        return pa.table([pa.array(ids, pa.string()), *columns], names=["object_id", *(f.name for f in fields)]), read


def _measured(plane: Plane) -> tuple[tuple[np.ndarray, float], tuple[np.ndarray, float]]:
    """Flux and inverse variance of an image, each with what stands for "outside"; from the sky where none is given."""
    flux, ivar = read_plane(plane)
    if ivar is None:
        sigma = float(sky_sigma(flux))
        if not np.isfinite(sigma):
            raise BadInputError(f"{plane.path.name} ({plane.band}) has no sky in its border to take the noise from")
        ivar = np.where(np.isfinite(flux), sigma**-2.0, 0.0)
    # Single precision must hold both, or the pixel counts as bad.
    good = (ivar > 0) & np.isfinite(flux.astype(np.float32)) & np.isfinite(ivar.astype(np.float32))
    if not good.any():
        raise BadInputError(f"{plane.path.name} ({plane.band}) has no good pixel")
    return (np.where(good, flux, np.nan), np.nan), (np.where(good, ivar, 0.0), 0.0)


def fit_image(image: np.ndarray, shape: tuple[int, int], fill: float) -> np.ndarray:
    """Cut or pad an image around its middle (pixel n // 2, where an odd-sized stamp is centred)."""
    out = np.full(shape, fill)
    inner, outer = [], []
    for have, want in zip(image.shape, shape, strict=True):
        shift = want // 2 - have // 2
        start, stop = max(shift, 0), min(shift + have, want)
        outer.append(slice(start, stop))
        inner.append(slice(start - shift, stop - shift))
    out[tuple(outer)] = image[tuple(inner)]
    return out


class _Finder:
    """Finds the object that an image shows."""

    def __init__(self, catalog: Catalog, pattern: str | None, radius: float, bands: Sequence[str]) -> None:
        from scipy.spatial import cKDTree

        names = ["object_id", "ra", "dec"] if catalog.placed else ["object_id"]
        table = catalog.read(names)
        self._ids: list[str] = table["object_id"].to_pylist()
        self._known = set(self._ids)
        self._bands = bands
        self._pattern = _expression(pattern, bands) if pattern is not None else None
        self._radius = radius
        self._tree = None
        if catalog.placed:
            self._tree = cKDTree(unit_vectors(table["ra"].to_numpy(), table["dec"].to_numpy()))

    def find(self, plane: Plane) -> tuple[str | None, str | None]:
        """Name of the object and band, None for what is unknown."""
        band = plane.band
        if self._pattern is not None:
            match = self._pattern.fullmatch(plane.path.name)
            if match is None or match["object_id"] not in self._known:
                return None, band
            return match["object_id"], band or match.groupdict().get("band")
        stem = plane.path.name.split(".fit")[0].split(".fts")[0]
        band = band or band_in(stem, self._bands)
        return self._by_name(stem) or self._by_header(plane) or self._by_position(plane), band

    def _by_name(self, stem: str) -> str | None:
        """The longest part of a name, between any of its marks, that is an object's."""
        starts = [0, *(m.end() for m in re.finditer(r"[-_.]", stem))]
        ends = [*(m.start() for m in re.finditer(r"[-_.]", stem)), len(stem)]
        parts = {stem[a:b] for a in starts for b in ends if a < b}
        # An id such as -17 may begin with the mark itself.
        parts |= {stem[a - 1 : b] for a in starts[1:] for b in ends if a < b}
        return next((part for part in sorted(parts, key=lambda p: (-len(p), p)) if part in self._known), None)

    def _by_header(self, plane: Plane) -> str | None:
        return next((name for name in plane.ids if name in self._known), None)

    def _by_position(self, plane: Plane) -> str | None:
        if plane.centre is None or self._tree is None:
            return None
        chord = 2.0 * np.sin(np.radians(self._radius / 3600.0) / 2.0)
        distance, row = self._tree.query(unit_vectors([plane.centre[0]], [plane.centre[1]])[0])
        return self._ids[int(row)] if distance <= chord else None

    def told(self, plane: Plane) -> str:
        """Say how it was looked for."""
        if self._pattern is not None:
            return "by the pattern of the file's name"
        if plane.centre is None:
            return "by name; its header has no position"
        if self._tree is None:
            return "by name; the catalog has no positions"
        return f"by name, and within {self._radius:g} arcsec of {plane.centre[0]:.5f} {plane.centre[1]:+.5f}"


def _expression(pattern: str, bands: Sequence[str]) -> re.Pattern[str]:
    """A pattern of file names as a regular expression."""
    if pattern.count("{object_id}") != 1 or pattern.count("{band}") > 1:
        raise ConfigurationError(
            f"--pattern {pattern!r} must hold {{object_id}} once, and {{band}} at most once, e.g. "
            "'{object_id}-{band}.fits'"
        )
    text = re.escape(pattern).replace(r"\{object_id\}", "(?P<object_id>.+)")
    return re.compile(text.replace(r"\{band\}", f"(?P<band>{'|'.join(map(re.escape, bands))})"))
