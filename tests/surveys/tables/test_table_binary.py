import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyarrow import parquet

from asterism.errors import BadInputError
from asterism.surveys.tables.table_binary import AstropyTable, FitsTable, ParquetTable
from asterism.surveys.tables.table_map import FileLayout

ID = 1237648720142401611


def no_complaint(row, reason):
    raise AssertionError((row, reason))


def one_page(table, columns):
    pages = list(table.pages(columns, no_complaint))
    assert len(pages) == 1
    return pages[0].columns


@settings(deadline=None, max_examples=20)
@given(
    hnp.arrays(np.float64, 7, elements=st.floats(width=64)),
    hnp.arrays(np.int64, 7, elements=st.integers(-(2**62), 2**62)),
)
def test_all_formats_give_the_same_numbers(tmp_path_factory, x, k):
    place = tmp_path_factory.mktemp("t")
    table = Table({"x": x, "k": k, "name": [f"n{i}" for i in range(7)]})
    table.write(place / "t.fits")
    table.write(place / "t.ecsv")
    table.write(place / "t.vot", format="votable")
    parquet.write_table(pa.table({name: table[name].tolist() for name in table.colnames}), place / "t.parquet")
    for reader in (
        FitsTable(place / "t.fits", FileLayout()),
        AstropyTable(place / "t.ecsv", "ecsv"),
        AstropyTable(place / "t.vot", "votable"),
        ParquetTable(place / "t.parquet"),
    ):
        cells = one_page(reader, ["x", "k", "name"])
        np.testing.assert_array_equal(np.ma.filled(np.ma.asarray(cells["x"]).astype(float), np.nan), x)
        np.testing.assert_array_equal(cells["k"], k)
        assert cells["name"].to_pylist() == [f"n{i}" for i in range(7)]
        assert reader.names == ["x", "k", "name"]


def test_units_blanks_and_vectors(tmp_path):
    table = Table(
        {
            "f": u.Quantity([1.0, 2.0], "uJy"),
            "v": np.arange(6.0).reshape(2, 3),
            "m": MaskedColumn([5, 6], mask=[False, True]),
        }
    )
    table.write(tmp_path / "t.fits")
    reader = FitsTable(tmp_path / "t.fits", FileLayout())
    assert reader.units == {"f": "uJy"}
    cells = one_page(reader, ["f", "v", "m"])
    assert cells["v"].shape == (2, 3)
    assert np.ma.getmaskarray(cells["m"]).tolist() == [False, True]
    arrow = pa.table(
        {
            "v": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
            "m": pa.array([1, None], pa.int64()),
            "s": pa.array(["a", None]).dictionary_encode(),
        }
    )
    field = pa.field("f", pa.float64(), metadata={"unit": "nanomaggy"})
    parquet.write_table(arrow.append_column(field, pa.array([1.0, 2.0])), tmp_path / "t.parquet")
    reader = ParquetTable(tmp_path / "t.parquet")
    assert reader.units == {"f": "nanomaggy"}
    cells = one_page(reader, ["v", "m", "s"])
    assert cells["v"].shape == (2, 2)
    assert np.ma.getmaskarray(cells["v"])[1].all()
    assert cells["s"].to_pylist() == ["a", None]


def test_a_truncated_or_empty_fits_file(tmp_path):
    Table({"x": np.arange(5000.0)}).write(tmp_path / "t.fits")
    whole = (tmp_path / "t.fits").read_bytes()
    (tmp_path / "cut.fits").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="truncated"):
        FitsTable(tmp_path / "cut.fits", FileLayout())
    (tmp_path / "head.fits").write_bytes(whole[:1000])
    with pytest.raises(BadInputError, match="head.fits"):
        FitsTable(tmp_path / "head.fits", FileLayout())
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
    with pytest.raises(BadInputError, match="holds no table"):
        FitsTable(tmp_path / "image.fits", FileLayout())
    with pytest.raises(BadInputError, match="HDU 3 of .* is not a table"):
        FitsTable(tmp_path / "t.fits", FileLayout(hdu=3))


def test_damaged_files_of_other_formats(tmp_path):
    parquet.write_table(pa.table({"x": list(range(1000))}), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:-50])
    with pytest.raises(BadInputError, match="as Parquet"):
        ParquetTable(tmp_path / "t.parquet")
    (tmp_path / "t.vot").write_text("<VOTABLE><RESOURCE>")
    with pytest.raises(BadInputError, match="as VOTABLE"):
        AstropyTable(tmp_path / "t.vot", "votable")
    (tmp_path / "t.ecsv").write_text("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: float64}\na\nx\n")
    with pytest.raises(BadInputError, match="as ECSV"):
        AstropyTable(tmp_path / "t.ecsv", "ecsv")
