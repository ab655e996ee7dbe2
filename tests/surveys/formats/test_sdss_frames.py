"""SDSS's fields: image, calibration, sky, astrometry and the variance that follows from them."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord, SkyOffsetFrame
from astropy.io import fits
from astropy.wcs import WCS

from asterism.surveys.formats.sdss_frames import (
    BANDS,
    DARK_VARIANCE,
    GAIN,
    Field,
    Pointing,
    directory,
    electronics,
    file_name,
    object_id,
    pixel_variance,
    write_frame,
)  # fmt: skip

FIELD, POINTING = Field(4192, 4, 300), Pointing(351.65, 0.1, 88.0, 0.396)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    image = np.random.default_rng(4).normal(0.0, 0.02, (50, 80)).astype(np.float32)
    path = write_frame(tmp_path_factory.mktemp("f"), image, "r", FIELD, POINTING, 0.005, 150.0, {"ORIGIN": "simulated"})
    return image, path


def test_what_is_written_reads_back(frame):
    image, path = frame
    assert path.name == file_name("r", FIELD) == "frame-r-004192-4-0300.fits"
    assert directory(FIELD) == "frames/301/4192/4"
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert np.array_equal(hdus[0].data, image)
        assert hdus[1].data.tolist() == pytest.approx([0.005] * 80)
        sky = hdus[2].data
        assert sky["ALLSKY"].shape == (1, 192, 256)
        assert (sky["XINTERP"].shape, sky["YINTERP"].shape) == ((1, 80), (1, 50))
        assert sky["ALLSKY"][0, 0, 0] == 150.0
        head = hdus[0].header
        assert (head["FILTER"], head["RUN"], head["CAMCOL"], head["FRAME"]) == ("r", 4192, 4, 300)
        assert (head["BUNIT"], head["ORIGIN"]) == ("nanomaggy", "simulated")
        # As in the real field of this run: rows go east, columns north.
        assert head["CD1_2"] == pytest.approx(1.1e-4, rel=1e-2)
        assert head["CD2_1"] == pytest.approx(1.1e-4, rel=1e-2)


@pytest.mark.filterwarnings("ignore:.*RADECSYS")  # as real frames have it
def test_both_astrometric_solutions_agree(frame):
    _, path = frame
    with fits.open(path) as hdus:
        wcs, row = WCS(hdus[0].header), hdus[3].data[0]
    x, y = np.array([0.0, 79.0, 20.0]), np.array([0.0, 49.0, 49.0])
    ra, dec = wcs.all_pix2world(x, y, 0)
    mu = row["a"] + row["b"] * (y + 0.5) + row["c"] * (x + 0.5)
    nu = row["d"] + row["e"] * (y + 0.5) + row["f"] * (x + 0.5)
    # Great circle (Stoughton et al. 2002): node and inclination, deg.
    mu, nu, inclination = (np.radians(angle) for angle in (mu - row["NODE"], nu, row["INCL"]))
    found = np.degrees(np.arcsin(np.sin(mu) * np.cos(nu) * np.sin(inclination) + np.sin(nu) * np.cos(inclination)))
    across = np.sin(mu) * np.cos(nu) * np.cos(inclination) - np.sin(nu) * np.sin(inclination)
    right = np.degrees(np.arctan2(across, np.cos(mu) * np.cos(nu))) + row["NODE"]
    assert np.allclose(found, dec, atol=0.01 / 3600.0)
    assert np.allclose((right - ra + 180.0) % 360.0 - 180.0, 0.0, atol=0.01 / 3600.0)
    middle = SkyCoord(POINTING.ra, POINTING.dec, unit="deg")
    corner = SkyCoord(ra[0], dec[0], unit="deg").transform_to(SkyOffsetFrame(origin=middle))
    assert corner.separation(middle.transform_to(corner)).arcsec == pytest.approx(
        np.hypot(39.5, 24.5) * 0.396, rel=1e-4
    )


def test_the_variance_is_that_of_the_data_model():
    # 150 counts of sky in r of column 4: electrons 150 x 4.76, and what is read out.
    variance = pixel_variance(np.zeros((2, 3)), np.full(3, 0.005), 150.0, 4, "r")
    assert np.allclose(variance, (150.0 / 4.76 + 1.3225) * 0.005**2)
    assert pixel_variance(np.ones((1, 1)), np.full(1, 0.005), 150.0, 4, "r")[0, 0] > variance[0, 0]
    assert all(len(GAIN[n]) == len(DARK_VARIANCE[n]) == len(BANDS) for n in range(1, 7))


def test_electronics_changed_early():
    assert electronics(4, "z", 1500)[1] == 9.61
    assert electronics(4, "z", 1501)[1] == 12.6025
    assert electronics(2, "u", 1000) == (1.595, 12.6025)
    early = pixel_variance(np.zeros((1, 1)), np.ones(1), 0.0, 4, "z", 94)
    assert early[0, 0] == pytest.approx(9.61)


def test_names_of_objects_hold_the_field():
    real = 1237650795146576091
    field = Field(real >> 32 & 0xFFFF, real >> 29 & 7, real >> 16 & 0xFFF)
    assert object_id(field, real & 0xFFFF) == real
