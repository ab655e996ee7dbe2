"""FITS files from outside: nothing beyond their own bytes is believed."""

import bz2
import gzip

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.fits import fits_reading
from asterism.surveys.fits.fits_reading import (
    TableRow,
    card,
    column,
    find_column,
    open_fits,
    table_rows,
    text_cell,
)


@pytest.fixture
def file(tmp_path):
    table = fits.BinTableHDU(np.array([(1.5, b"STAR")], [("Flux", ">f4"), ("CLASS", "S6")]), name="coadd")
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(np.arange(6.0).reshape(2, 3)), table]).writeto(path)
    return path


def test_columns_and_hdus_in_any_case(file):
    with open_fits(file) as hdus:
        table = hdus["COADD"]
        assert find_column(table, "flux") == "Flux"
        values = column(table, file, "FLUX")
        assert values.dtype == np.dtype("=f4")
        assert values[0] == 1.5
        assert text_cell(table.data["CLASS"][0]) == "STAR"
        with pytest.raises(BadInputError, match="no column ivar"):
            column(table, file, "ivar")


def test_packed_files(file, tmp_path, monkeypatch):
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    with open_fits(packed) as hdus:
        assert hdus[0].data[1, 2] == 5.0
    harder = tmp_path / "a.fits.bz2"
    harder.write_bytes(bz2.compress(file.read_bytes()))
    with open_fits(harder) as hdus:
        assert hdus[0].data[1, 2] == 5.0
    harder.write_bytes(harder.read_bytes()[:-20])
    with pytest.raises(BadInputError, match="can't read"), open_fits(harder):
        pass
    monkeypatch.setattr(fits_reading, "_LARGEST_UNPACKED", 1000)
    with pytest.raises(BadInputError, match="unpacks to more"), open_fits(packed):
        pass


def test_an_image_that_is_compressed_well(tmp_path):
    path = tmp_path / "a.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((300, 300), np.float32))]).writeto(path)
    assert path.stat().st_size < 300 * 300 * 4
    with open_fits(path) as hdus:
        assert hdus[1].data.sum() == 90000


@pytest.mark.parametrize("keep", [0, 1, 100, 2879, 2880, 2900, 5760, 5800])
def test_truncated_files_are_one_sentence(file, tmp_path, keep):
    short = tmp_path / "short.fits"
    short.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(BadInputError, match=r"short\.fits") as caught, open_fits(short) as hdus:
        [hdu.data for hdu in hdus]
        column(hdus["COADD"], short, "flux")
    assert "\n" not in str(caught.value)


def test_a_header_that_promises_too_much(file, tmp_path):
    liar = tmp_path / "liar.fits"
    liar.write_bytes(file.read_bytes().replace(b"NAXIS1  =                    3", b"NAXIS1  =         300000000000"))
    with pytest.raises(BadInputError, match="truncated|more than the file"), open_fits(liar):
        pass


def test_cards():
    header = fits.Header([("EMPTY", "  "), ("SN_G", 12.5)])
    assert card(header, "SNRG", "EMPTY", "SN_G") == 12.5
    assert card(header, "EMPTY") is None
    assert text_cell(b"A0\0\0") == "A0"


def table_file(path, rows=5, text=6):
    names = np.array([f"{k:0{text}d}" for k in range(rows)])
    columns = [
        fits.Column("Name", f"{text}A", array=names), fits.Column("x", "3E", array=np.arange(3.0 * rows).reshape(rows, 3)),
        fits.Column("id", "K", bzero=2**63, array=np.arange(rows).astype(np.uint64) + np.uint64(2**63)),
        fits.Column("on", "L", array=np.arange(rows) % 2 == 0), fits.Column("m", "6J", dim="(3,2)", array=np.arange(6 * rows).reshape(rows, 2, 3)),
    ]  # fmt: skip
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    return path


@pytest.mark.parametrize(("rows", "text"), [(5, 6), (9, 6), (5, 11), (60_000, 8), (1, 1)])
def test_columns_are_what_astropy_reads_whatever_the_rows_and_texts(tmp_path, rows, text):
    path = table_file(tmp_path / "t.fits", rows, text)
    with fits.open(path) as real, open_fits(path, 2) as hdus:
        for name in ("NAME", "X", "ID", "ON", "M"):
            ours = column(hdus[1], path, name)
            if name == "NAME":
                ours = np.array([text_cell(one) for one in ours])
            assert np.array_equal(ours, real[1].data[name]), name
            assert ours.dtype.isnative or name == "NAME"
        assert find_column(hdus[1], "nothing", "x") == "x"


@pytest.mark.parametrize("first", [None, 2])
def test_rows_of_a_table_one_by_one(tmp_path, first):
    path = table_file(tmp_path / "t.fits", 40)
    with fits.open(path) as real, open_fits(path, first) as hdus:
        found = list(table_rows(hdus[1], 10, 13))
        assert len(found) == 3
        assert set(found[0]) == {"NAME", "X", "ID", "ON", "M"}
        assert len(found[0]) == 5
        for k, row in enumerate(found, 10):
            assert text_cell(row["NAME"]) == f"{k:06d}"
            assert np.array_equal(row["X"], real[1].data["x"][k])
            assert row["ID"] == real[1].data["id"][k]
            assert row["ON"] == (k % 2 == 0)
        assert TableRow(hdus[1], 3)["M"].tolist() == [[18, 19, 20], [21, 22, 23]]


def test_only_the_first_hdus_are_looked_at(tmp_path):
    path = table_file(tmp_path / "t.fits")
    with path.open("ab") as file:
        file.write(b"\x00" * 100)
    with open_fits(path, 2) as hdus:
        assert len(hdus) == 2
    with open_fits(path, 9) as hdus:
        assert len(hdus) == 2
