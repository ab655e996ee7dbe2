"""Columns of DESI's tables are columns, each once."""

import pytest

from asterism.surveys.fits.fits_files import column_names, records
from asterism.surveys.formats import desi_columns


@pytest.mark.parametrize("name", desi_columns.__all__)
def test_every_table_can_be_made(name):
    text = getattr(desi_columns, name)
    names = column_names(text)
    assert len(names) == len(set(names))
    assert len(records(text, 2, {})) == 2


def test_both_files_name_their_targets():
    for text in (desi_columns.FIBERMAP, desi_columns.REDSHIFTS, desi_columns.EXP_FIBERMAP):
        assert column_names(text)[0] == "TARGETID"
