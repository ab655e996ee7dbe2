import numpy as np
import pyarrow as pa
import pytest

from asterism.errors import BadInputError
from asterism.surveys.tables.table_files import open_table
from asterism.surveys.tables.table_map import read_map
from asterism.surveys.tables.table_rows import RowMaker, fixed_lists, with_null_as_nan

MAP = """
survey = "sdss"
release = "{file}"
missing = [-9999]
[identity]
object_id = "id"
ra = "ra"
dec = "dec"
mjd = "day"
[labels]
class = "kind"
class_names = { quasar = "QSO" }
redshift = "zz"
redshift_err = "ze"
label_warning = "w"
label_source = "me"
blank_zero_redshift = ["GALAXY"]
[[photometry]]
bands = ["r"]
magnitude = "r"
error = "e"
system = "asinh"
dereddened = false
flags = "flags"
"""
HEADER = "id,ra,dec,day,kind,zz,ze,w,r,e,flags"
FLAGS = 2**62 + 1


def make(tmp_path, lines, text=MAP):
    (tmp_path / "m.toml").write_text(text)
    (tmp_path / "t.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    maker = RowMaker(read_map(tmp_path / "m.toml"))
    table = open_table(tmp_path / "t.csv")
    maker.begin(table)
    told = []
    page = next(iter(table.pages(maker.columns, lambda *a: told.append(a))))
    rows, numbers = maker.rows(page, table, lambda *a: told.append(a))
    return rows, numbers, told


def test_a_row_of_everything(tmp_path):
    rows, numbers, told = make(tmp_path, [f"1237648720142401611,-10.5,2,2013-03-03,Quasar,1.5,0.001,4,20,0.1,{FLAGS}"])
    row = rows.to_pylist()[0]
    assert row["object_id"] == "1237648720142401611"
    assert row["ra"] == 349.5
    assert row["mjd"] == 56354.0
    assert (row["class"], row["redshift"], row["label_warning"], row["label_source"]) == ("QSO", 1.5, 4, "me")
    assert (row["survey"], row["release"]) == ("sdss", "t.csv")
    assert row["photometry_sdss_flags"] == FLAGS
    assert row["source_id"] is None
    assert numbers.tolist() == [1]
    assert told == []


def test_right_ascensions_in_other_ranges_are_the_same_places(tmp_path):
    lines = [f"{k},{ra},2,,STAR,0,0,0,20,0.1,1" for k, ra in enumerate([-180, -1e-17, 0, 360, 400])]
    rows, *_ = make(tmp_path, lines)
    assert rows["ra"].to_pylist() == [180.0, 0.0, 0.0, 0.0, 400.0]  # the last one goes to quarantine in the writer


def test_what_is_left_out_is_told_by_row(tmp_path):
    rows, numbers, told = make(
        tmp_path,
        [
            "a,1,2,,GALAXY,0,-1,0,20,0.1,1",
            "b,1,2,,comet,-9999,0,0,20,0.1,1",
            "c,1,2,,STAR,-7,0,0,-9999,-9999,1",
            "d,1,2,never,STAR,0,0,0,2o,0.1,1",
            "e,1,2,,STAR,0,0,0,20,0.1,1",
        ],
    )
    assert numbers.tolist() == [1, 2, 5]
    assert rows["class"].to_pylist() == ["GALAXY", None, "STAR"]
    assert rows["redshift"].to_pylist() == [None, None, 0.0]
    assert rows["redshift_err"].to_pylist() == [None] * 3
    by_row = {}
    for row, why in told:
        by_row.setdefault(row, []).append(why)
    assert by_row[1] == ["zz is exactly 0 for a GALAXY: left out, the row stays"]
    assert by_row[2] == ["class 'comet' is not STAR, GALAXY, QSO: the row stays, without a class"]
    assert by_row[3] == ["zz is -7, no redshift: left out", "nothing was observed in any band: the row is left out"]
    assert by_row[4] == [
        "r is '2o', not a number: the cell is taken as missing",
        "day is 'never', not a date: the cell is taken as missing",
        "nothing was observed in any band: the row is left out",
    ]


def test_ids_are_hashes_of_content_where_there_are_none(tmp_path):
    text = MAP.replace('object_id = "id"\n', "")
    lines = ["x,1,2,,STAR,0,0,0,20,0.1,1", "y,1,2,,STAR,0,0,0,21,0.1,1", "z,1,2,,STAR,0,0,0,20,0.1,1"]
    first, *_ = make(tmp_path, lines, text)
    second, *_ = make(tmp_path, lines[::-1], text)
    ids = first["object_id"].to_pylist()
    assert ids[0] == ids[2] != ids[1]
    assert second["object_id"].to_pylist() == ids[::-1]
    blank, *_ = make(tmp_path, [",1,2,,STAR,0,0,0,20,0.1,1"])
    assert len(blank["object_id"][0].as_py()) == 24


def test_a_column_of_unknown_classes(tmp_path):
    with pytest.raises(BadInputError, match=r"t.csv: column 'kind' holds no class that is known \(row 1: '3'\)"):
        make(tmp_path, ["a,1,2,,3,0,0,0,20,0.1,1", "b,1,2,,4,0,0,0,20,0.1,1"])


def test_arrow_helpers():
    lists = fixed_lists(np.arange(8.0).reshape(2, 2, 2))
    assert lists.type == pa.list_(pa.float32(), 4)
    assert lists.to_pylist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert with_null_as_nan(np.array([1.0, np.nan]), pa.float32()).to_pylist() == [1.0, None]
