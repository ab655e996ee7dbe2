"""Columns of SDSS's tables are columns, each once."""

import pytest

from asterism.surveys.fits.fits_files import column_names, records
from asterism.surveys.formats import sdss_columns


@pytest.mark.parametrize("name", sdss_columns.__all__)
def test_every_table_can_be_made(name):
    text = getattr(sdss_columns, name)
    names = column_names(text)
    assert len(names) == len(set(names))
    assert len(records(text, 2, {})) == 2


def test_both_schemas_hold_what_a_reader_needs():
    for text in (sdss_columns.SPECOBJ, sdss_columns.SPALL):
        needed = {"PLATE", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC", "CLASS", "SUBCLASS", "Z", "Z_ERR", "ZWARNING"}
        assert needed <= set(column_names(text))
