"""FITS tables from columns that are given as text, and files that astropy reads back."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import ConfigurationError
from asterism.surveys.fits.fits_files import column_names, image_part, records, table_part, write_fits

COLUMNS = "PLATE:J CLASS:6A FLUX:5E CURVE:15D(3,5) ID:U WORD:A N:I B:B"


def test_a_table_reads_back_as_it_was_given(tmp_path):
    values = {
        "PLATE": [266, 267],
        "CLASS": ["STAR", "BROADLINE"],
        "FLUX": np.arange(10.0).reshape(2, 5),
        "CURVE": np.arange(30.0).reshape(2, 3, 5),
        "ID": np.array([1, 15762599071337938944], np.uint64),
    }
    parts = [image_part(None, {"ORIGIN": "here"}, primary=True), table_part("T", records(COLUMNS, 2, values))]
    with fits.open(write_fits(tmp_path / "a" / "t.fits", parts)) as hdus:
        hdus.verify("exception")
        assert hdus[0].header["ORIGIN"] == "here"
        table = hdus["T"].data
        assert tuple(table.dtype.names) == column_names(COLUMNS)
        assert table["CLASS"].tolist() == ["STAR", "BROADLINE"]  # the column is wider than asked for
        assert table["ID"].tolist() == [1, 15762599071337938944]
        assert table["CURVE"].shape == (2, 3, 5)
        assert np.array_equal(table["CURVE"], values["CURVE"])
        assert table["N"].tolist() == [0, 0]


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_tables_of_any_length(tmp_path, rows):
    parts = [image_part(None, primary=True), table_part("", records("A:D B:3A", rows, {"A": np.arange(rows)}))]
    with fits.open(write_fits(tmp_path / "t.fits", parts)) as hdus:
        hdus.verify("exception")
        assert hdus[1].data["A"].tolist() == list(range(rows))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_images_keep_type_and_values(tmp_path, dtype):
    image = np.arange(12).reshape(3, 4).astype(dtype)
    parts = [image_part(image, {"COMMENT": ["one", "two"]}, primary=True), image_part(image, name="AGAIN")]
    with fits.open(write_fits(tmp_path / "i.fits", parts)) as hdus:
        hdus.verify("exception")
        assert list(hdus[0].header["COMMENT"]) == ["one", "two"]
        for hdu in (hdus[0], hdus["AGAIN"]):
            assert hdu.data.dtype.newbyteorder("=") == image.dtype
            assert np.array_equal(hdu.data, image)


def test_the_same_values_give_the_same_bytes_and_nothing_half_is_left(tmp_path):
    one, other = (
        write_fits(tmp_path / name, [image_part(np.ones(3), primary=True)]).read_bytes()
        for name in ("a.fits", "b.fits")
    )
    assert one == other
    with pytest.raises(TypeError):
        write_fits(tmp_path / "c.fits", [b"start", None])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.fits", "b.fits"]


def test_columns_that_can_not_be_are_refused():
    with pytest.raises(ConfigurationError, match="'FLUX:5Q' is no column"):
        records("FLUX:5Q", 1, {})
    with pytest.raises(ConfigurationError, match="no column 'Z'"):
        records("PLATE:J", 1, {"Z": 1.0})
