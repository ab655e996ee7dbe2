"""Single cards are read as astropy reads them, and counts that FITS can't have are refused at once."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.surveys.fits.fits_headers import QuickHeader
from asterism.surveys.fits.fits_reading import open_fits


@given(value=st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False), st.booleans(),
                       st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)))  # fmt: skip
def test_values_of_all_kinds(value):
    card = fits.Card("KEY", value, "a comment")
    found = QuickHeader(card.image.encode())["KEY"]
    expected = fits.Card.fromstring(card.image).value
    assert found == expected
    assert type(found) is type(expected) or isinstance(expected, np.generic)


def test_a_value_that_is_none():
    header = QuickHeader(b"KEY     = 12 34".ljust(80))
    with pytest.raises(BadInputError, match="keyword KEY"):
        header["KEY"]


@pytest.fixture
def body(tmp_path):
    table = fits.BinTableHDU(np.zeros(3, [("a", ">i4"), ("b", ">f4", (2,))]))
    fits.HDUList([fits.PrimaryHDU(np.zeros((4, 5), np.float32)), table]).writeto(tmp_path / "a.fits")
    return (tmp_path / "a.fits").read_bytes()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"NAXIS   =                    2", b"NAXIS   =            999999999"),
        (b"TFIELDS =                    2", b"TFIELDS =            999999999"),
        # The next header would stand before this one.
        (b"PCOUNT  =                    0", b"PCOUNT  =          -2147483648"),
    ],
)
def test_counts_beyond_all_measure_are_refused_at_once(body, tmp_path, before, after, packed):
    path = tmp_path / "b.fits"
    changed = body.replace(before, after)
    assert changed != body
    path.write_bytes(gzip.compress(changed) if packed else changed)
    with pytest.raises(BadInputError, match="where FITS has 0"), open_fits(path):
        pass


def test_what_is_sound_is_read(body, tmp_path):
    (tmp_path / "c.fits.gz").write_bytes(gzip.compress(body))
    with open_fits(tmp_path / "c.fits.gz") as hdus:
        assert len(hdus[1].data) == 3
