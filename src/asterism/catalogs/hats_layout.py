"""Where rows lie on the disk: HATS partitions for catalogs on the sky, numbered parts for those without positions.

HATS is the layout of https://www.ivoa.net/documents/Notes/HATS/ that LSDB reads: one Parquet file per HEALPix pixel
(nested), pixels as fine as the number of rows asks for, rows sorted by their pixel of order 29.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from asterism.catalogs.outputs import atomic_write
from asterism.catalogs.quantization import is_quantized
from asterism.errors import BadInputError

__all__ = [
    "HEALPIX_COLUMN",
    "HEALPIX_FIELD",
    "Cell",
    "cells_by_number",
    "cells_on_the_sky",
    "open_data_file",
    "row_bytes",
    "spatial_index",
    "write_data_file",
    "write_dataset_files",
]

HEALPIX_COLUMN = "_healpix_29"
"""First column of every data file of a placed catalog: the HEALPix pixel of order 29, nested."""

HEALPIX_FIELD = pa.field(HEALPIX_COLUMN, pa.int64())

_INDEX_ORDER = 29
_FINEST_ORDER = 12
"""Partitions are no finer than this (52 arcsec): more rows at one place stay in one file."""

_ROW_GROUP_BYTES = 32 << 20


@dataclass(frozen=True)
class Cell:
    """A partition to be: its file, and the rows (of the sorted catalog) that go there."""

    relative_path: str
    start: int
    stop: int


def spatial_index(ra: npt.ArrayLike, dec: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """HEALPix pixel of order 29 (nested) of positions in degrees.

    Returns
    -------
    ndarray of int64, as the positions' shape
    """
    from hats.pixel_math.spatial_index import compute_spatial_index

    index = compute_spatial_index(np.asarray(ra, np.float64), np.asarray(dec, np.float64))
    return np.asarray(index, dtype=np.int64)


def cells_on_the_sky(index: npt.NDArray[np.int64], limit: int) -> list[Cell]:
    """Cut sorted spatial indices into HEALPix pixels of at most `limit` rows each.

    Parameters
    ----------
    index : ndarray of int64, shape (rows,)
        Sorted.
    limit : int
        Rows per partition.

    Returns
    -------
    list of Cell
        In order of the index; pixels without rows have no file.
    """

    def cut(order: int, pixel: int) -> Iterator[Cell]:
        width = 1 << (2 * (_INDEX_ORDER - order))
        start, stop = np.searchsorted(index, [pixel * width, (pixel + 1) * width])
        if start == stop:
            return
        if stop - start <= limit or order == _FINEST_ORDER:
            folder = pixel // 10_000 * 10_000
            yield Cell(f"dataset/Norder={order}/Dir={folder}/Npix={pixel}.parquet", int(start), int(stop))
        else:
            for child in range(4 * pixel, 4 * pixel + 4):
                yield from cut(order + 1, child)

    return [cell for pixel in range(12) for cell in cut(0, pixel)]


def cells_by_number(rows: int, limit: int) -> list[Cell]:
    """Cut rows without positions into numbered parts of at most `limit` rows each."""
    starts = range(0, rows, limit)
    return [Cell(f"dataset/part-{n:05d}.parquet", start, min(start + limit, rows)) for n, start in enumerate(starts)]


def row_bytes(schema: pa.Schema) -> int:
    """About how many bytes a row takes; from the types alone, so that the same columns are always cut alike."""
    return sum(_width(field.type) for field in schema)


def _width(kind: pa.DataType) -> int:
    if pa.types.is_fixed_size_list(kind):
        return kind.list_size * _width(kind.value_type)
    if pa.types.is_primitive(kind):
        return max(kind.bit_width // 8, 1)
    return 32


def write_data_file(table: pa.Table, path: Path) -> None:
    """Write one partition; the same table gives the same bytes.

    Parameters
    ----------
    table : pyarrow.Table
        Its schema's field metadata go into the file.
    path : pathlib.Path
        The file; it appears when it is whole.
    """
    # Page and row-group boundaries follow the chunks of a table: one chunk, whatever batches the rows came in.
    table = table.combine_chunks()
    texts = [field.name for field in table.schema if _holds_text(field.type)]
    # Bytes of equal weight side by side: the last two of a rounded number are mostly 0, and take no place then.
    split = [f"{field.name}.list.element" for field in table.schema if is_quantized(field)]
    rows = int(np.clip(_ROW_GROUP_BYTES // max(row_bytes(table.schema), 1), 1_000, 100_000))
    with (
        atomic_write(path) as file,
        pq.ParquetWriter(
            file, table.schema, compression="zstd", use_dictionary=texts, use_byte_stream_split=split
        ) as writer,
    ):
        writer.write_table(table, row_group_size=rows)


def _holds_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or (pa.types.is_list(kind) and pa.types.is_string(kind.value_type))


def write_dataset_files(directory: Path, name: str, schema: pa.Schema, paths: Sequence[str], placed: bool) -> None:
    """Write what stands beside the data files: ``_common_metadata``, and for HATS its properties and indices.

    Parameters
    ----------
    directory : pathlib.Path
        Root of the catalog; its data files are there.
    name : str
        The catalog's name in the HATS properties.
    schema : pyarrow.Schema
        Of the data files.
    paths : sequence of str
        Data files, relative to the root, in their order.
    placed : bool
        HATS, or numbered parts.
    """
    with atomic_write(directory / "dataset" / "_common_metadata") as file:
        pq.write_metadata(schema, file)
    if not placed:
        return
    from hats.catalog import CatalogType, PartitionInfo, TableProperties
    from hats.io import paths as hats_paths
    from hats.io.parquet_metadata import write_parquet_metadata

    rows = write_parquet_metadata(directory)
    pixels = [hats_paths.get_healpix_from_path(path) for path in paths]
    info = PartitionInfo.from_healpix(pixels)
    info.write_to_file(catalog_path=directory)
    properties = TableProperties.model_validate(
        {
            "obs_collection": name,
            "dataproduct_type": CatalogType.OBJECT,
            "hats_nrows": rows,
            "hats_col_ra": "ra",
            "hats_col_dec": "dec",
            "hats_col_healpix": HEALPIX_COLUMN,
            "hats_col_healpix_order": _INDEX_ORDER,
            "hats_order": max(pixel.order for pixel in pixels),
        }
    )
    properties.to_properties_file(directory)


@contextlib.contextmanager
def open_data_file(path: Path) -> Iterator[pq.ParquetFile]:
    """A data file by itself (a dataset would take ``Norder=`` in its path for a column).

    Raises
    ------
    BadInputError
        It is missing or damaged; so where reading it inside the block fails.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInputError(f"can't read {path} ({str(error).splitlines()[0]}); copy or make the catalog again") from (
            error
        )
