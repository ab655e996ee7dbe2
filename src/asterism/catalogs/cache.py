"""The local cache that training streams from: one memory-mapped Arrow IPC file per modality group.

Parquet is made for rest, not for reading single rows in random order. So the first stream over a group writes its
columns once, ready for tensors (see `asterism.catalogs.modalities`), as one uncompressed Arrow record batch: mapped
into memory, every quantity is then one contiguous numpy array of all objects, and a batch is one `numpy.take`.

Pixels that the catalog holds rounded to their noise (`asterism.catalogs.quantization`) are kept in half precision, which has no
fewer digits than they have: inverse variances and resolutions to the bit, fluxes to one part in 2048 where they are more
than 100 times the noise of an empty pixel. What does not fit half precision so (too large, too small) is kept in single precision.

Files stand in ``CATALOG/.cache/``, or in the user's cache directory (``$XDG_CACHE_HOME/asterism`` or
``~/.cache/asterism``) where the catalog can't be written to. A file's name is a hash of the catalog's fingerprint and
the columns, so a stale one is never found. It is made under a temporary name by one process at a time and renamed when
whole. Above a limit of bytes per directory, the files that were not used for longest are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from asterism.catalogs.blocks import Progress
from asterism.catalogs.modalities import PRESENT, Layout, layouts, ready_arrays
from asterism.catalogs.quantization import is_quantized
from asterism.catalogs.roles import check_bindings
from asterism.catalogs.schema import Group
from asterism.errors import OutputError

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog

__all__ = ["LIMIT_BYTES", "CachedGroup", "open_cache"]

LIMIT_BYTES = 64 * 2**30
"""Bytes that a cache directory may hold before old files are removed; the files in use are never removed."""

_FORMAT = "1"
_SLICE_BYTES = 32 * 2**20  # worked on at a time while a file is built
_KEY = b"asterism_cache"
_HALF, _SINGLE = np.dtype(np.float16), np.dtype(np.float32)
_HALF_ERROR = np.float32(2.0**-11)  # of rounding to half precision, relative


class _DoesNotFit(Exception):
    """A quantity can't be kept in half precision; its name is the argument."""


class CachedGroup:
    """One group's arrays for every object of a catalog, mapped from a file and read when touched.

    Copies made for other processes carry the path only and map the file again.

    Parameters
    ----------
    path : Path
        The cache file.
    group : Group
        What it holds.
    """

    def __init__(self, path: Path, group: Group) -> None:
        self.path = path
        self._layouts = layouts(group)
        self._parts = dict(group.parts)
        self._arrays: dict[str, np.ndarray] | None = None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Quantity → read-only (n, *shape) view of the file; ``present`` → (n,) bool."""
        if self._arrays is None:
            self._arrays = _views(self.path, self._layouts)
        return self._arrays

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Copy some objects out of the file.

        Parameters
        ----------
        rows : numpy.ndarray
            (B,) int64 row numbers in the catalog; quickest when ascending.

        Returns
        -------
        dict of str to numpy.ndarray
            Quantity → (B, *shape) float32, of quantities with a part wanted that part; ``present`` → (B,) bool.
        """
        taken = {}
        for name, view in self.arrays.items():
            # Only the pages of the parts are read. (`take` would first copy a view that is not contiguous whole.)
            part: tuple[Any, ...] = self._parts.get(name, ())
            values = view[(rows, *part)] if part else view.take(rows, axis=0)
            taken[name] = values.astype(np.float32) if values.dtype == np.float16 else values
        return taken

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": None}


def open_cache(
    catalog: Catalog,
    bindings: Mapping[str, Group],
    *,
    limit_bytes: int = LIMIT_BYTES,
    progress: Progress | None = None,
) -> dict[str, CachedGroup]:
    """Open the cached arrays of every bound group, building those that are not there.

    Parameters
    ----------
    catalog : Catalog
    bindings : mapping of str to Group
        Role → group.
    limit_bytes : int
        Limit of the directory that a file is written to.
    progress : callable, optional
        Called with (rows done, rows in all) while a file is built.

    Returns
    -------
    dict of str to CachedGroup
        By role.

    Raises
    ------
    OutputError
        If there is nowhere to write, or not enough room.
    """
    check_bindings(bindings)
    keys = {role: _key(catalog, group) for role, group in bindings.items()}
    in_use = {f"{bindings[role].name}-{key}.arrow" for role, key in keys.items()}
    opened = {}
    for role, group in bindings.items():
        name = f"{group.name}-{keys[role]}.arrow"
        found = next((d / name for d in _directories(catalog) if _is_whole(d / name, keys[role], len(catalog))), None)
        path = found or _build_somewhere(catalog, group, keys[role], name, in_use, limit_bytes, progress)
        with contextlib.suppress(OSError):
            os.utime(path)  # when it was last used, for eviction; a read-only file keeps its time
        opened[role] = CachedGroup(path, group)
    return opened


def _key(catalog: Catalog, group: Group) -> str:
    """Hash of everything that the file's content depends on."""
    columns = {q: [layout.column, list(layout.shape), layout.dtype.name] for q, layout in _shortest(group).items()}
    content = json.dumps([_FORMAT, catalog.fingerprint, len(catalog), columns], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _shortest(group: Group) -> dict[str, Layout]:
    """Layouts in the file, where all that may be short is."""
    return {
        quantity: replace(layout, dtype=_HALF) if is_quantized(group.quantities[quantity]) else layout
        for quantity, layout in layouts(group).items()
    }


def _directories(catalog: Catalog) -> list[Path]:
    home = os.environ.get("XDG_CACHE_HOME")
    user = Path(home) if home and Path(home).is_absolute() else Path.home() / ".cache"
    return [Path(catalog.path) / ".cache", user / "asterism"]


def _is_whole(path: Path, key: str, rows: int) -> bool:
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            metadata = reader.schema.metadata or {}
            return metadata.get(_KEY) == key.encode() and reader.get_batch(0).num_rows == rows
    except (OSError, pa.ArrowInvalid):
        return False


def _views(path: Path, shapes: Mapping[str, Layout]) -> dict[str, np.ndarray]:
    source = pa.memory_map(str(path))
    batch = pa.ipc.open_file(source).get_batch(0)
    views = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name == PRESENT:
            views[name] = column.to_numpy(zero_copy_only=True).view(np.bool_)
        else:
            shape = shapes[name].shape
            flat = column.values if shape else column
            views[name] = flat.to_numpy(zero_copy_only=True).reshape(batch.num_rows, *shape)
    return views


def _build_somewhere(
    catalog: Catalog,
    group: Group,
    key: str,
    name: str,
    in_use: set[str],
    limit_bytes: int,
    progress: Progress | None,
) -> Path:
    """Build the file in the first directory that can take it."""
    rows, shapes = len(catalog), _shortest(group)
    needed = rows * (1 + sum(math.prod(layout.shape) * layout.dtype.itemsize for layout in shapes.values()))
    reasons = []
    for directory in _directories(catalog):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with _lock(directory):
                path = directory / name
                if _is_whole(path, key, rows):  # another process built it while this one waited
                    return path
                for left in directory.glob("*.partial"):  # of a process that was killed: nobody else builds now
                    left.unlink(missing_ok=True)
                _evict(directory, in_use, limit_bytes - needed)
                if shutil.disk_usage(directory).free < needed * 1.02:
                    reasons.append(f"{directory} has no room")
                    continue
                _build_shortest(catalog, group, shapes, key, path, progress)
                return path
        except OSError as error:
            reasons.append(f"{directory}: {error.strerror or error}")
    raise OutputError(
        f"the training cache of {group.name} needs {needed / 2**30:.2f} GiB and can't be written"
        f" ({'; '.join(reasons)}): free some space or set XDG_CACHE_HOME to a directory that can hold it"
    )


def _build_shortest(
    catalog: Catalog,
    group: Group,
    shapes: dict[str, Layout],
    key: str,
    path: Path,
    progress: Progress | None,
) -> None:
    """Build the file with as much in half precision as fits it."""
    while True:
        try:
            return _build(catalog, group, shapes, key, path, progress)
        except _DoesNotFit as error:
            quantity = str(error)
            shapes = {**shapes, quantity: replace(shapes[quantity], dtype=_SINGLE)}


def _build(
    catalog: Catalog,
    group: Group,
    shapes: Mapping[str, Layout],
    key: str,
    path: Path,
    progress: Progress | None,
) -> None:
    partial = path.with_name(f"{path.name}.partial")
    rows = len(catalog)
    try:
        _write_blank(partial, rows, shapes, key)
        targets = _writable_views(partial, rows, shapes)
        columns = [field.name for field in group.quantities.values()]
        step = max(1, _SLICE_BYTES * rows // max(1, partial.stat().st_size))
        begin = 0
        for partition in catalog.partitions:
            table = catalog.read_partition(partition, columns)
            for first in range(0, len(table), step):
                piece = table.slice(first, step)
                for name, values in ready_arrays(piece, group).items():
                    target = targets[name][begin : begin + len(piece)]
                    with np.errstate(over="ignore"):
                        target[...] = values
                    if target.dtype != values.dtype and not _fits(values, target, exactly=name != "flux"):
                        raise _DoesNotFit(name)
                begin += len(piece)
            if progress is not None:
                progress(begin, rows)
        for target in targets.values():
            target.flush()
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _fits(values: np.ndarray, half: np.ndarray, exactly: bool) -> bool:
    """Whether half precision holds single precision to the bit, or as far as its digits go."""
    with np.errstate(invalid="ignore"):
        error = np.abs(half.astype(np.float32) - values)
        return not (error > (0.0 if exactly else _HALF_ERROR * np.abs(values))).any()


def _write_blank(path: Path, rows: int, shapes: Mapping[str, Layout], key: str) -> None:
    """Write the whole file with zeros for values, taken from a sparse file so that memory stays bounded."""
    fields, sizes = [], []
    for name, layout in shapes.items():
        value, length = pa.from_numpy_dtype(layout.dtype), math.prod(layout.shape)
        fields.append(pa.field(name, pa.list_(value, length) if layout.shape else value))
        sizes.append((rows * length, value))
    fields.append(pa.field(PRESENT, pa.uint8()))
    sizes.append((rows, pa.uint8()))
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial") as zeros:
        zeros.truncate(max(64, *(count * type_.bit_width // 8 for count, type_ in sizes)))
        blank = pa.memory_map(zeros.name).read_buffer()
        columns = []
        for field, (count, type_) in zip(fields, sizes, strict=True):
            values = pa.Array.from_buffers(type_, count, [None, blank])
            flat = not pa.types.is_fixed_size_list(field.type)
            columns.append(values if flat else pa.FixedSizeListArray.from_arrays(values, field.type.list_size))
        schema = pa.schema(fields, metadata={_KEY: key.encode()})
        # More than 2^31 pixels in one column need 64-bit lengths, which Arrow writes on request only.
        options = pa.ipc.IpcWriteOptions(allow_64bit=True)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _writable_views(path: Path, rows: int, shapes: Mapping[str, Layout]) -> dict[str, np.memmap]:
    with pa.memory_map(str(path)) as source:
        start = source.read_buffer().address
        source.seek(0)
        batch = pa.ipc.open_file(source).get_batch(0)
        views = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            layout = shapes.get(name)
            flat = column.values if layout is not None and layout.shape else column
            offset = flat.buffers()[1].address - start
            dtype, shape = (layout.dtype, layout.shape) if layout is not None else (np.dtype(np.bool_), ())
            views[name] = np.memmap(path, dtype, "r+", offset, (rows, *shape))
        return views


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Let one process at a time build in a directory; the system frees the lock of a process that dies."""
    try:
        import fcntl
    except ImportError:  # not there on Windows: two processes may then build the same file, and the last one's stays
        yield
        return
    with (directory / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _evict(directory: Path, in_use: set[str], allowed_bytes: int) -> None:
    """Remove the files that were not used for longest until the rest fits."""
    files = sorted(((f.stat(), f) for f in directory.glob("*.arrow")), key=lambda pair: pair[0].st_mtime)
    total = sum(stat.st_size for stat, _ in files)
    for stat, file in files:
        if total <= allowed_bytes:
            return
        if file.name not in in_use:
            file.unlink(missing_ok=True)
            total -= stat.st_size
