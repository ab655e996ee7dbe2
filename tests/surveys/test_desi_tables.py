"""Tables by TARGETID: what several of them say of a target."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from asterism.errors import BadInputError
from asterism.surveys import desi_tables
from asterism.surveys.desi_tables import Records, target_tables


def write(path, name="ZCATALOG", **columns):
    fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(Table(columns)), fits.table_to_hdu(Table({"X": [1]}))]).writeto(
        path
    )
    with fits.open(path, "update") as hdus:
        hdus[1].name = name
    return path


@pytest.fixture
def catalogue(tmp_path):
    return write(
        tmp_path / "z.fits", TARGETID=np.array([7, -3, 5, 7]), z=[0.7, np.nan, 0.5, 9.0],
        SPECTYPE=["QSO  ", "STAR", "", "GALAXY"], ZWARN=np.array([1, 2, 3, 4]),
    )  # fmt: skip


@pytest.mark.parametrize("mapped", [False, True])
def test_targets_are_found_by_their_ids(catalogue, monkeypatch, mapped):
    if mapped:
        monkeypatch.setattr(desi_tables, "_IN_MEMORY", 10)
    desi_tables._target_tables.cache_clear()
    (table,) = target_tables(catalogue)
    assert table.name == "ZCATALOG"
    assert len(table) == 4
    assert table.find([5, 6, -3, 7]).tolist() == [2, -1, 1, 0]
    known = Records.of([table], np.array([5, 6, -3, 7]))
    assert known.numbers("Q", "Z").tolist() == pytest.approx([0.5, np.nan, np.nan, 0.7], nan_ok=True)
    assert known.texts("SPECTYPE") == ["", "", "STAR", "QSO"]
    assert known.integers("ZWARN").tolist() == [3, 0, 2, 1]
    assert known.integers("Z") is None
    assert known.known.tolist() == [True, False, True, True]
    assert known.where_known("Z").tolist() == ["ZCATALOG", "", "ZCATALOG", "ZCATALOG"]
    desi_tables._target_tables.cache_clear()


def test_the_first_table_that_knows_has_the_word(catalogue, tmp_path):
    (other,) = target_tables(write(tmp_path / "r.fits", "REDSHIFTS", TARGETID=np.array([-3, 6]), Z=[0.1, 0.2]))
    ids = np.array([7, 6, -3])
    known = Records.of([*target_tables(catalogue), other], ids)
    assert known.numbers("Z").tolist() == pytest.approx([0.7, 0.2, 0.1])
    assert (Records.of([other], ids) + Records.of(target_tables(catalogue), ids)).numbers("Z")[0] == pytest.approx(0.7)


def test_ids_that_are_no_numbers_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="no whole numbers"):
        target_tables(write(tmp_path / "t.fits", TARGETID=[1.5, 2.5]))


def test_an_empty_table_has_nobody(tmp_path):
    (table,) = target_tables(write(tmp_path / "e.fits", TARGETID=np.empty(0, np.int64), Z=np.empty(0)))
    assert Records.of([table], np.array([1])).numbers("Z").tolist() == pytest.approx([np.nan], nan_ok=True)
