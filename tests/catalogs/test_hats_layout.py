"""Where rows lie: pixels fine enough for the limit, files that are the same for the same rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.hats_layout import (
    cells_by_number,
    cells_on_the_sky,
    open_data_file,
    row_bytes,
    spatial_index,
    write_data_file,
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 12 * 4**29 - 1), max_size=60), st.integers(1, 20))
def test_pixels_hold_all_rows_once_and_no_more_than_the_limit(index: list[int], limit: int) -> None:
    rows = np.sort(np.array(index, np.int64))
    cells = cells_on_the_sky(rows, limit)
    assert [cell.start for cell in cells] == [0, *(cell.stop for cell in cells[:-1])][: len(cells)]
    assert sum(cell.stop - cell.start for cell in cells) == len(rows)
    for cell in cells:
        order, folder, pixel = (int(part.split("=")[1].split(".")[0]) for part in cell.relative_path.split("/")[1:])
        assert folder == pixel // 10_000 * 10_000
        assert set(rows[cell.start : cell.stop] >> (2 * (29 - order))) == {pixel}
        assert cell.stop - cell.start <= limit or order == 12


def test_parts_by_number() -> None:
    cells = cells_by_number(25, 10)
    assert [cell.relative_path for cell in cells] == [f"dataset/part-0000{n}.parquet" for n in range(3)]
    assert [(cell.start, cell.stop) for cell in cells] == [(0, 10), (10, 20), (20, 25)]
    assert cells_by_number(0, 10) == []


def test_spatial_index_is_nested_healpix_of_order_29() -> None:
    index = spatial_index([45.0, 0.0, 225.0], [60.0, 0.0, -60.0])
    assert index.dtype == np.int64
    assert (index >> 58).tolist() == [0, 4, 10]


def test_the_same_rows_in_other_batches_are_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"n{v}" for v in rng.integers(0, 50, 5000)]
    table = pa.table({"name": names, "x": rng.normal(size=5000), "tags": [[n] for n in names]})
    parts = pa.concat_tables([table.slice(start, 7) for start in range(0, 5000, 7)])
    for name, rows in (("a", table), ("b", parts)):
        write_data_file(rows, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pq.read_metadata(tmp_path / "a").num_rows == 5000


def test_a_data_file_is_read_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "Norder=0" / "Npix=3.parquet"
    write_data_file(pa.table({"x": [1, 2]}), path)
    with open_data_file(path) as file:
        assert file.read().column_names == ["x"]


def test_row_bytes_come_from_types() -> None:
    schema = pa.schema([("a", pa.list_(pa.float32(), 10)), ("b", pa.float64()), ("c", pa.string()), ("d", pa.bool_())])
    assert row_bytes(schema) == 40 + 8 + 32 + 1
