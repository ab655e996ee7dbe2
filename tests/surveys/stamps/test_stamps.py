import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.stamps.stamps import StampOptions, band_in, index_file, read_plane

OPTIONS = StampOptions(("g", "r", "z"), pixel_scale=0.262)


def image(shape=(8, 8), name=None, value=2.0, **keys):
    hdu = fits.ImageHDU(np.full(shape, value, np.float32), name=name)
    hdu.header.update(keys)
    return hdu


def write(tmp_path, *hdus, name="s.fits"):
    first = hdus[0]
    primary = fits.PrimaryHDU() if first.name not in ("", "PRIMARY") else fits.PrimaryHDU(first.data, first.header)
    rest = list(hdus) if first.name not in ("", "PRIMARY") else list(hdus[1:])
    fits.HDUList([primary, *rest]).writeto(tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("r", "r"),
        ("SDSS r", "r"),
        ("stamp-R-12", "r"),
        ("g DECam SDSS c0001", "g"),
        ("grz", None),
        ("g_r", None),
        (None, None),
    ],
)
def test_bands_in_names(text, band):
    assert band_in(text, ["g", "r", "z"]) == band


def test_one_image_with_its_noise(tmp_path):
    for name, value, ivar in [("IVAR", 4.0, 4.0), ("VARIANCE", 4.0, 0.25), ("ERR", 4.0, 1 / 16), ("WHT", 4.0, 4.0)]:
        noise = image(name=name, value=value)
        noise.data[0, 0] = 0
        file = write(tmp_path, image(BUNIT="nanomaggy", BAND="r", OBJID=12), noise, name=f"{name}.fits")
        (plane,) = index_file(file, OPTIONS)
        assert (plane.band, plane.shape, plane.ids) == ("r", (8, 8), ("12",))
        flux, found = read_plane(plane)
        assert found[1, 1] == pytest.approx(ivar)
        assert found[0, 0] == 0
        assert np.isnan(flux[0, 0])
        assert flux[1, 1] == 2.0


def test_a_cube_and_an_image_per_extension(tmp_path):
    cube = image((3, 8, 8), BUNIT="nanomaggy", BANDS="grz")
    cube.data[1] = 7
    planes = index_file(write(tmp_path, cube, image((3, 8, 8), "INVVAR")), OPTIONS)
    assert [p.band for p in planes] == ["g", "r", "z"]
    assert read_plane(planes[1])[0][0, 0] == 7
    assert read_plane(planes[1])[1] is not None
    names = [image(name=n, BUNIT="nmgy") for n in ("G", "IVAR_G", "R", "IVAR_R", "MASK", "PSF_R")]
    planes = index_file(write(tmp_path, *names, name="many.fits"), OPTIONS)
    assert [(p.band, p.hdu, p.weight_hdu) for p in planes] == [("g", 1, 2), ("r", 3, 4)]
    two = image((2, 8, 8), BUNIT="nanomaggy")
    with pytest.raises(BadInputError, match="has 2 planes and does not say their bands"):
        index_file(write(tmp_path, two, name="two.fits"), OPTIONS)
    numbered = image((2, 8, 8), BUNIT="nanomaggy", BAND0="z", BAND1="g")
    assert [p.band for p in index_file(write(tmp_path, numbered, name="n.fits"), OPTIONS)] == ["z", "g"]


@pytest.mark.parametrize(
    ("keys", "unit", "expected"),
    [
        ({"BUNIT": "nanomaggies"}, None, 1.0),
        ({"BUNIT": "nanomaggy/pixel"}, None, 1.0),
        ({"BUNIT": "uJy"}, "nanomaggy", 1 / 3.6308),
        ({"NMGY": 0.005}, "nanomaggy", 1.0),
        ({"NMGY": 0.005}, "count", 0.005),
        ({"BUNIT": "adu", "NMGY": 0.005}, None, 0.005),
        ({"BUNIT": "electron", "MAGZERO": 25.0}, None, 0.1),
        ({"BUNIT": "what?"}, "nanomaggy", 1.0),
    ],
)
def test_units(tmp_path, keys, unit, expected):
    file = write(tmp_path, image(**keys))
    (plane,) = index_file(file, StampOptions(("r",), unit=unit, pixel_scale=0.4))
    assert plane.to_nanomaggy == pytest.approx(expected, rel=1e-4)
    assert read_plane(plane)[0][0, 0] == pytest.approx(2 * expected, rel=1e-4)


@pytest.mark.parametrize(
    ("keys", "unit", "kind", "sentence"),
    [
        ({}, None, BadInputError, "there is no BUNIT.*give --unit"),
        ({"NMGY": 0.005}, None, BadInputError, "there is no BUNIT"),
        ({"BUNIT": "what?"}, None, BadInputError, "'what.' is no unit"),
        ({"BUNIT": "count"}, None, BadInputError, "neither NMGY nor MAGZERO"),
        ({"BUNIT": "s"}, None, BadInputError, "can't be converted into nanomaggy"),
        ({}, "what", ConfigurationError, "--unit 'what' is no unit"),
    ],
)
def test_units_that_are_not_known(tmp_path, keys, unit, kind, sentence):
    with pytest.raises(kind, match=sentence):
        index_file(write(tmp_path, image(**keys)), StampOptions(("r",), unit=unit, pixel_scale=0.4))


def test_scale_and_position_come_from_the_wcs(tmp_path):
    keys = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 359.9999,
        "CRVAL2": 10.0,
        "CRPIX1": 1.0,
        "CRPIX2": 1.0,
    }
    keys |= {"CD1_1": -0.396 / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.396 / 3600, "BUNIT": "nanomaggy", "RA": 1.0}
    (plane,) = index_file(write(tmp_path, image((9, 9), **keys, PSF_FWHM=1.3)), OPTIONS)
    assert plane.pixel_scale == pytest.approx(0.396)
    assert plane.seeing == 1.3
    assert plane.centre[1] == pytest.approx(10.0 + 4 * 0.396 / 3600, abs=1e-6)
    assert plane.centre[0] == pytest.approx(359.9999 - 4 * 0.396 / 3600 / np.cos(np.radians(10)), abs=1e-6)
    (plane,) = index_file(write(tmp_path, image(BUNIT="nanomaggy", RA=10.0, DEC=-5.0), name="k.fits"), OPTIONS)
    assert plane.centre == (10.0, -5.0)
    with pytest.raises(BadInputError, match="--pixel-scale"):
        index_file(tmp_path / "k.fits", StampOptions(("r",)))


def test_damaged_files(tmp_path):
    file = write(tmp_path, image((300, 300), BUNIT="nanomaggy"))
    file.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(BadInputError, match="truncated"):
        index_file(file, OPTIONS)
    (tmp_path / "text.fits").write_text("x")
    with pytest.raises(BadInputError, match="can't read"):
        index_file(tmp_path / "text.fits", OPTIONS)
    with pytest.raises(BadInputError, match="no image"):
        index_file(write(tmp_path, image((5,), BUNIT="nanomaggy"), name="line.fits"), OPTIONS)


def test_an_unnamed_noise_extension_by_number(tmp_path):
    file = write(tmp_path, image(BUNIT="nanomaggy", BAND="r"), image(value=9.0))
    (plane,) = index_file(file, OPTIONS)
    assert read_plane(plane)[1] is None
    (plane,) = index_file(file, StampOptions(("r",), pixel_scale=0.4, ivar_hdu=1))
    assert read_plane(plane)[1][0, 0] == 9.0
