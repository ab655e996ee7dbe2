"""``ingest images --frames``: stamps cut from whole fields at the places of a catalog's objects.

Stamps are whole pixels of the frame, never resampled: of an even-sized stamp the object is within half a pixel of the
middle. Bands of an SDSS field are not registered to each other, so each is cut about its own position. At a frame's edge a
stamp is padded with pixels that are not observed (``pad``), or moved inwards until it fits (``shift``, as AVIS crops its
bricks; the object is then off its middle). Each frame is opened once and no two at a time in one process; what is cut waits
in files beside the output, so that an interrupted run goes on with the frames that are left.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asterism.catalogs.blocks import Progress, check_workers, make_blocks
from asterism.catalogs.catalog import Catalog, Partition, open_catalog
from asterism.catalogs.narrow import NarrowWriter
from asterism.catalogs.outputs import atomic_write
from asterism.catalogs.schema import image_fields
from asterism.errors import AsterismError, BadInputError, ConfigurationError
from asterism.surveys.doors import find_files
from asterism.surveys.formats.legacy_images import BANDS as LEGACY_BANDS
from asterism.surveys.formats.sdss_frames import BANDS as SDSS_BANDS
from asterism.surveys.images import name_of_files
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.frame_choice import FrameJob, choose_frames
from asterism.surveys.stamps.frame_files import SUFFIXES, FrameFile, find_frames
from asterism.surveys.stamps.frame_images import Frame, read_frame

__all__ = ["EDGES", "SIZES", "cut_stamps", "ingest_frames"]

Singles = npt.NDArray[np.float32]

EDGES = ("pad", "shift")
"""What is done at the edge of a frame."""

_FAR = 1e9  # pixels
_AT_ONCE = 512  # stamps
_BANDS = {"sdss": SDSS_BANDS, "legacy": LEGACY_BANDS}

SIZES = {"sdss": 32, "legacy": 152}
"""Pixels of a stamp where the user does not say: MargNet's (Chaini et al. 2023) and AVIS's."""


def cut_stamps(
    frame: Frame, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], size: int, edge: str = "pad"
) -> tuple[Singles, Singles]:
    """Cut stamps about places.

    Parameters
    ----------
    frame : Frame
    x, y : ndarray, shape (n,)
        Pixels.
    size : int
        Along each side.
    edge : {"pad", "shift"}
        At the frame's edge.

    Returns
    -------
    flux, ivar : ndarray of float32, shape (n, size, size)
        Outside of the frame NaN and 0.
    """
    height, width = frame.flux.shape
    flux = np.full((len(x), size, size), np.nan, np.float32)
    ivar = np.zeros((len(x), size, size), np.float32)
    # What is nowhere, by a solution that a hostile file has, is far outside.
    x, y = (np.clip(np.nan_to_num(v, nan=-_FAR), -_FAR, _FAR) for v in (x, y))
    left, low = (np.floor(v - 0.5 * (size - 1) + 0.5).astype(np.intp) for v in (x, y))
    outside = (left + size <= 0) | (left >= width) | (low + size <= 0) | (low >= height)
    if edge == "shift":
        # What is not on the frame is not on a stamp that was moved there.
        outside |= (x < -1) | (x > width) | (y < -1) | (y > height)
        left, low = np.clip(left, 0, max(width - size, 0)), np.clip(low, 0, max(height - size, 0))
    for k in np.flatnonzero(~outside).tolist():
        column, row = int(left[k]), int(low[k])
        top, right = min(row + size, height), min(column + size, width)
        bottom, start = max(row, 0), max(column, 0)
        into = np.s_[k, bottom - row : top - row, start - column : right - column]
        flux[into] = frame.flux[bottom:top, start:right]
        ivar[into] = frame.ivar[bottom:top, start:right]
    return flux, ivar


def ingest_frames(
    paths: Sequence[str | Path],
    to: Catalog | str | Path,
    out: str | Path,
    *,
    survey: str | None = None,
    bands: Sequence[str] | None = None,
    size: int | None = None,
    edge: str = "pad",
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Catalog:
    """Cut stamps at a catalog's positions from survey fields.

    Parameters
    ----------
    paths : sequence of path
        ``frame-*``, ``fpC-*`` with ``tsField-*`` (and ``psField-*``, for the seeing), or the Legacy Surveys' coadds
        ``legacysurvey-BRICK-image-BAND`` with ``-invvar-``; or directories of them.
    to : Catalog or path
        The objects; the catalog has positions.
    out : path
        The new narrow catalog: `to`'s rows with ``image_SURVEY_flux``, ``_ivar`` and ``_psf_fwhm``; null where no frame
        shows the object.
    survey : str, optional
        In the columns' names; that of the frames by default.
    bands : sequence of str, optional
        Bands in order; all that are known of the survey by default.
    size : int, optional
        Pixels along each side; see `SIZES`.
    edge : {"pad", "shift"}
        At a frame's edge: pixels that are not observed, or the stamp moved inwards.
    workers : int, optional
        Processes; all cores by default.
    overwrite : bool
        Replace an earlier output.
    progress : callable, optional
        Called with frames done (twice: headers, then pixels) and twice their number.

    Returns
    -------
    Catalog
        ``quarantine.parquet`` lists frames that can't be used.

    Raises
    ------
    BadInputError
        There is no frame, or none of them shows an object.
    ConfigurationError
        An option does not fit, or sep is needed and not installed.
    """
    check_workers(workers)
    catalog = to if isinstance(to, Catalog) else open_catalog(to)
    if not catalog.placed:
        raise BadInputError(f"{catalog.path} has no positions to cut stamps at; give a catalog with ra and dec")
    if edge not in EDGES:
        raise ConfigurationError(f"--edge {edge!r} is none of {', '.join(EDGES)}")
    if size is not None and size < 1:
        raise ConfigurationError("--size must be positive")
    files = find_files(paths, SUFFIXES)
    frames, complaints = find_frames(files)
    lines = list(complaints)
    name, chosen, frames = _choose_survey(frames, survey, bands, files)
    side = size or SIZES.get(frames[0].survey, 64)
    table = catalog.read(["object_id", "ra", "dec"])
    jobs, scale = choose_frames(
        frames, table["ra"].to_numpy(), table["dec"].to_numpy(), lambda file, reason: _tell(lines, file, reason),
        None if progress is None else lambda done: progress(done, 2 * len(frames)),
    )  # fmt: skip
    if not jobs:
        why = f"; of the first that can't be read is said: {lines[0][1]!r}" if lines else ""
        raise BadInputError(f"none of {len(frames)} frames shows an object of {catalog.path}{why}")
    provenance = f"{len(frames)} frames; edge: {edge}"
    zero_point = "sdss" if frames[0].survey == "sdss" else "ab"
    fields = image_fields(name, chosen, side, scale, zero_point=zero_point, provenance=provenance)
    fields = [f.with_metadata({**(f.metadata or {}), b"ivar_source": b"measured"}) for f in fields]
    options = {"survey": name, "bands": list(chosen), "size": side, "edge": edge}
    used = [path for frame in frames for path in (frame.path, *(path for _, path in frame.beside))]
    inputs = {"command": "ingest images --frames", **options, "files": name_of_files(list(dict.fromkeys(used)))}
    made_by = {"command": "ingest images --frames", **options, "files": len(frames)}
    with NarrowWriter(catalog, out, fields, made_by=made_by, inputs=inputs, overwrite=overwrite) as writer:
        left = [] if writer.complete else [p for p in catalog.partitions if p.index not in writer.done]
        if left:
            stage = _Stage(writer.workspace / "stamps", len(chosen), side, len(table))
            told = stage.begin()
            ra, dec = (table[axis].to_numpy() for axis in ("ra", "dec"))
            work = {
                k: (job, ra[job.rows], dec[job.rows], stage, chosen, edge, k)
                for k, job in enumerate(jobs)
                if k not in told
            }
            for count, (k, reasons) in enumerate(make_blocks(cut_job, work, workers)):
                told[k] = reasons
                if progress is not None:
                    progress(len(frames) + count + 1, len(frames) + len(work))
            if left[0] is catalog.partitions[0]:
                # Lines belong to the partition that is written next: told with the first one, they outlive any cut.
                lines += [(jobs[k].file.path.name, reason) for k in sorted(told) for reason in told[k]]
                for file, reason in lines:
                    writer.quarantine("", file, reason)
            for partition in left:
                ids = table["object_id"].slice(partition.start, partition.rows)
                writer.write(partition, _columns(stage, partition, ids, fields))
        if not writer.complete:
            shutil.rmtree(writer.workspace / "stamps", ignore_errors=True)
    return open_catalog(writer.path)


def _tell(lines: list[tuple[str, str]], file: FrameFile, reason: str) -> None:
    lines.append((file.path.name, reason.replace(str(file.path), "the file")))


def _choose_survey(
    frames: list[FrameFile], survey: str | None, bands: Sequence[str] | None, files: Sequence[Path]
) -> tuple[str, tuple[str, ...], list[FrameFile]]:
    """The survey's name, bands, and the frames that are of them."""
    if not frames:
        raise BadInputError(
            f"none of {len(files)} files is a frame: they are called frame-r-004192-4-0300.fits, fpC-004192-r4-0300.fit.gz or "
            "legacysurvey-0001m002-image-r.fits.fz; cutouts of single objects need no --frames"
        )
    kinds = {frame.survey for frame in frames}
    if len(kinds) > 1:
        raise BadInputError("there are frames of SDSS and of the Legacy Surveys; ingest them one after the other")
    name = survey or kinds.pop()
    chosen = tuple(bands) if bands else _BANDS[frames[0].survey]
    kept = [frame for frame in frames if frame.band in chosen]
    if not kept:
        raise ConfigurationError(f"no frame is of the bands {', '.join(chosen)}; give other --bands")
    return name, chosen, kept


class _Stage:
    """Stamps that are cut, on the disk: arrays over all objects that processes write into, and notes of frames done.

    The arrays are sparse files; of the same frame the same numbers are written however often it is cut.
    """

    def __init__(self, path: Path, bands: int, size: int, rows: int) -> None:
        self.path, self.shape = path, (rows, bands, size, size)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the arrays."""
        return tuple(self._arrays())

    def _arrays(self) -> dict[str, tuple[int, ...]]:
        return {"flux": self.shape, "ivar": self.shape, "psf_fwhm": self.shape[:2]}

    def begin(self) -> dict[int, list[str]]:
        """Make the arrays, where an earlier run has not; returns the frames that are done and what was told of them."""
        self.path.mkdir(exist_ok=True)
        for name, shape in self._arrays().items():
            if not (self.path / f"{name}.npy").exists():
                with atomic_write(self.path / f"{name}.npy") as file:
                    np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape).flush()
        return {int(p.stem): json.loads(p.read_text("utf-8")) for p in sorted(self.path.glob("[0-9]*.json"))}

    def array(self, name: str, mode: Any = "r") -> Any:
        """One of the arrays, mapped."""
        return np.load(self.path / f"{name}.npy", mmap_mode=mode)

    def note(self, number: int, reasons: Sequence[str]) -> None:
        """Remember that a frame is done, and what is to be told of it."""
        with atomic_write(self.path / f"{number:08d}.json") as file:
            file.write_text(json.dumps(list(reasons)), "utf-8")


def cut_job(
    job: FrameJob,
    ra: npt.NDArray[Any],
    dec: npt.NDArray[Any],
    stage: _Stage,
    bands: Sequence[str],
    edge: str,
    number: int,
) -> list[str]:
    """Cut all stamps of one frame into the stage; returns what is to be told of it."""
    reasons = []
    try:
        frame = read_frame(job.file)
    except ConfigurationError:
        raise
    except AsterismError as error:
        reasons.append(str(error).replace(str(job.file.path), "the file"))
    else:
        band = bands.index(job.file.band)
        x, y = frame.place.to_pixel(ra, dec)
        flux, ivar, seeing = (stage.array(name, "r+") for name in ("flux", "ivar", "psf_fwhm"))
        flux[job.rows, band], ivar[job.rows, band] = cut_stamps(frame, x, y, stage.shape[-1], edge)
        # Fields tell SDSS's seeing as the effective width; a column holds what tables of objects have.
        ratio = SDSS.fwhm_ratio if job.file.survey == "sdss" else 1.0
        seeing[job.rows, band] = ratio * frame.seeing(x, y)[0]
        for array in (flux, ivar, seeing):
            array.flush()
    stage.note(number, reasons)
    return reasons


def _columns(stage: _Stage, partition: Partition, ids: pa.ChunkedArray, fields: Sequence[pa.Field]) -> pa.Table:
    """Image columns for the rows of a partition, which stay on the disk until they are written."""
    arrays = {name: stage.array(name, "r+")[partition.start : partition.start + partition.rows] for name in stage.names}
    absent = np.zeros(partition.rows, bool)
    for start in range(0, partition.rows, _AT_ONCE):
        flux, ivar, seeing = (arrays[name][start : start + _AT_ONCE] for name in ("flux", "ivar", "psf_fwhm"))
        unseen = ivar == 0
        flux[unseen] = np.nan
        seeing[unseen.all(axis=(2, 3)) | ~(seeing > 0)] = np.nan
        absent[start : start + _AT_ONCE] = unseen.all(axis=(1, 2, 3))
    columns = []
    for one in fields:
        values = np.asarray(arrays[next(key for key in arrays if one.name.endswith(f"_{key}"))]).reshape(-1)
        kind = pa.list_(pa.float32(), len(values) // partition.rows)
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(values), type=kind, mask=pa.array(absent)))
    return pa.table([ids, *columns], names=["object_id", *(one.name for one in fields)])
