import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.surveys.tables.table_map import FileLayout
from asterism.surveys.tables.table_text import CsvTable, WhitespaceTable


def read(table, columns):
    complaints = []
    cells = {name: [] for name in columns}
    rows = []
    done = 0.0
    for page in table.pages(columns, lambda row, reason: complaints.append((row, reason))):
        for name in columns:
            cells[name] += page.columns[name].to_pylist()
        rows += page.rows.tolist()
        done = page.done
    assert not rows or 0 < done <= 1
    return cells, rows, complaints


def csv_file(tmp_path, text, name="t.csv"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)), min_size=1, max_size=30))
def test_cells_come_back_as_they_were_written(tmp_path_factory, rows):
    place = tmp_path_factory.mktemp("t")
    csv = csv_file(place, "id,x\n" + "".join(f"{i},{x!r}\n" for i, x in rows))
    blank = csv_file(place, "id x\n" + "".join(f"  {i}   {x!r}\n" for i, x in rows), "t.dat")
    for table in (CsvTable(csv, FileLayout()), WhitespaceTable(blank, FileLayout())):
        cells, numbers, complaints = read(table, ["x", "id"])
        assert [int(i) for i in cells["id"]] == [i for i, _ in rows]
        assert [float(x) for x in cells["x"]] == [x for _, x in rows]
        assert numbers == list(range(1, len(rows) + 1))
        assert not complaints


def test_comments_header_and_names_from_the_map(tmp_path):
    commented = CsvTable(csv_file(tmp_path, "#Table1\na,b\n1,2\n"), FileLayout(comment="#"))
    assert commented.names == ["a", "b"]
    assert read(commented, ["b"])[0] == {"b": ["2"]}
    renamed = CsvTable(csv_file(tmp_path, "a,b\n1,2\n"), FileLayout(columns=["p", "q"]))
    assert read(renamed, ["q"])[0] == {"q": ["2"]}
    bare = CsvTable(csv_file(tmp_path, "1,2\n3,4\n"), FileLayout(columns=["p", "q"], header=False))
    assert read(bare, ["p"])[0] == {"p": ["1", "3"]}
    wrong = WhitespaceTable(
        csv_file(tmp_path, "#x y\n1 2 3\n", "t.dat"), FileLayout(columns=["x", "y", "z"], header=False, comment="#")
    )
    assert read(wrong, ["z", "x"])[0] == {"z": ["3"], "x": ["1"]}


@pytest.mark.parametrize(
    ("name", "text"), [("t.csv", "a,b\n1,2\n3\n4,5\n6,7,8\n9,0\n"), ("t.dat", "a b\n1 2\n3\n4 5\n6 7 8\n9 0\n")]
)
def test_a_broken_line_is_left_out_and_the_others_keep_their_numbers(tmp_path, name, text):
    kind = CsvTable if name.endswith("csv") else WhitespaceTable
    cells, rows, complaints = read(kind(csv_file(tmp_path, text, name), FileLayout()), ["a"])
    assert cells == {"a": ["1", "4", "9"]}
    assert rows == [1, 3, 5]
    assert [row for row, _ in complaints] == [2, 4]
    assert complaints[0][1] == "the line has 1 cells where 2 are expected"


def test_packed_files_and_tabs(tmp_path):
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read(CsvTable(file, FileLayout()), ["a"])[0] == {"a": ["1"]}
    tabs = CsvTable(csv_file(tmp_path, "a\tb\n1\t2\n", "t.tsv"), FileLayout())
    assert read(tabs, ["b"])[0] == {"b": ["2"]}
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 9000)[:40])
    with pytest.raises(BadInputError, match="cut.csv.gz"):
        read(CsvTable(cut, FileLayout()), ["a"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "has no rows"),
        (b"SQLite\0\0\0", "not a text table"),
        (b"a,a\n1,2\n", "two columns named 'a'"),
        (b"a,b\n1,\xff\xfe\n", "as CSV"),
        (b"\xff\xfea,b\n1,2\n", "UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text, sentence):
    with pytest.raises(BadInputError, match=sentence):
        read(CsvTable(csv_file(tmp_path, text), FileLayout()), ["b"])


def test_whitespace_that_is_not_text(tmp_path):
    with pytest.raises(BadInputError, match="UTF-8"):
        read(WhitespaceTable(csv_file(tmp_path, b"a b\n1 \xff\n", "t.dat"), FileLayout()), ["b"])
