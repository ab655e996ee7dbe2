"""Small images read at once: the same as astropy reads, or left to it."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.fits.fits_images import quick_images


@pytest.fixture
def path(tmp_path):
    header = fits.Header(
        [
            ("CLASS", "STAR"),
            ("NAME", "O'Neill / x"),
            ("Z", -1.5e-4, "redshift / of it"),
            ("N", 12),
            ("GOOD", True),
            ("NONE", None),
        ]
    )
    file = tmp_path / "a.fits"
    fits.PrimaryHDU(np.arange(12, dtype=np.float32).reshape(3, 4), header).writeto(file)
    return file


def test_header_and_image_are_those_of_astropy(path):
    ((header, image),) = quick_images(path)
    theirs = fits.getheader(path)
    assert np.array_equal(image, fits.getdata(path))
    for key in theirs:
        if key:
            assert header.get(key) == theirs[key] or key == "NONE"
    assert header.get("MISSING", 3) == 3
    assert "CLASS" in header
    assert "MISSING" not in header


def test_what_is_not_so_simple_is_left_alone(path, tmp_path):
    body = path.read_bytes()
    for changed in (
        body[:2900],
        body.replace(b"BITPIX  =                  -32", b"BITPIX  =                   16"),
        body.replace(b"NAXIS1  =                    4", b"NAXIS1  =         999999999999"),
        body.replace(b"NAXIS1  =                    4", b"NAXIS1  =                   -4"),
        body.replace(b"NAXIS1  =                    4", b"NAXIS1  =                    T"),
        body.replace(b"N       =                   12", b"BSCALE  =                   12"),
        b"SIMPLE" + body[7:],
        b"",
    ):
        assert changed != body
        (tmp_path / "b.fits").write_bytes(changed)
        assert quick_images(tmp_path / "b.fits") is None


def test_several_images(path):
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.ones((2, 5)), name="INVVAR"))
    (_, first), (header, second) = quick_images(path)
    assert first.shape == (3, 4)
    assert np.array_equal(second, np.ones((2, 5)))
    assert header["EXTNAME"] == "INVVAR"
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.BinTableHDU(np.zeros(2, [("a", ">i4")])))
    assert quick_images(path) is None
