import numpy as np
import pytest
from astropy.table import Table

from asterism.errors import BadInputError
from asterism.surveys.tables.table_files import open_table
from asterism.surveys.tables.table_map import FileLayout


def cells(table, names):
    return next(iter(table.pages(names, print))).columns


def test_columns_are_found_by_the_maps_names(tmp_path):
    Table({"RA": [1.0], "FLUX": np.array([[1.0, 2.0, 3.0]])}).write(tmp_path / "t.fits")
    table = open_table(tmp_path / "t.fits")
    found = cells(table, ["ra", "flux[2]", "FLUX[0]"])
    assert found["ra"].tolist() == [1.0]
    assert found["flux[2]"].tolist() == [3.0]
    assert found["FLUX[0]"].tolist() == [1.0]
    with pytest.raises(BadInputError, match="is a vector of 3"):
        cells(table, ["FLUX"])
    with pytest.raises(BadInputError, match="beyond the column"):
        cells(table, ["FLUX[3]"])
    with pytest.raises(BadInputError, match="not a vector"):
        cells(table, ["RA[0]"])
    with pytest.raises(BadInputError, match=r"unknown column 'FLUXX'; did you mean 'FLUX'"):
        table.check(["FLUXX"])


def test_a_csv_column_named_otherwise_is_told_with_the_nearest(tmp_path):
    (tmp_path / "t.csv").write_text("Ra,dec\n1,2\n")
    with pytest.raises(BadInputError, match=r"t.csv: unknown column 'ra'; did you mean 'Ra'"):
        open_table(tmp_path / "t.csv").check(["ra"])


def test_ecsv_may_be_called_csv(tmp_path):
    table = Table({"x": [1.0]}, units={"x": "uJy"})
    table.write(tmp_path / "t.csv", format="ascii.ecsv")
    assert open_table(tmp_path / "t.csv").unit("x") == "uJy"


def test_wrong_places_and_suffixes(tmp_path):
    (tmp_path / "d.csv").mkdir()
    (tmp_path / "t.weird").write_text("a,b\n1,2\n")
    (tmp_path / "text.fits").write_text("a,b\n1,2\n")
    (tmp_path / "binary.csv").write_bytes(b"\x89PNG\r\n\0\0\0" * 20)
    Table({"x": [1.0]}).write(tmp_path / "t.fits")
    (tmp_path / "fits.csv").write_bytes((tmp_path / "t.fits").read_bytes())
    for name, sentence in [
        ("d.csv", "is a directory"),
        ("nothing.csv", "does not exist"),
        ("t.weird", "can't tell the format"),
        ("text.fits", "is not a fits file by its content"),
        ("binary.csv", "not a text table"),
        ("fits.csv", "is a fits file by its content, not csv"),
    ]:
        with pytest.raises(BadInputError, match=sentence) as caught:
            open_table(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert cells(open_table(tmp_path / "t.weird", FileLayout(format="csv")), ["a"])["a"].to_pylist() == ["1"]
