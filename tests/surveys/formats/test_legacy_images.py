"""Legacy cutouts: a cube, its inverse variance, and where it is."""

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from asterism.surveys.formats.legacy_images import PIXEL_SCALE, image_bands, write_cutout
from asterism.surveys.stamps.stamps import StampOptions, index_file, read_plane


def test_a_cutout_reads_back(tmp_path):
    rng = np.random.default_rng(3)
    flux = rng.normal(size=(3, 20, 20)).astype(np.float32)
    ivar = np.full((3, 20, 20), 4.0, np.float32)
    path = write_cutout(tmp_path, flux, ivar, ("g", "r", "z"), 150.12346, -1.5, {"ORIGIN": "simulated"})
    assert path.name == "cutout_150.1235_-1.5000.fits"
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.header["IMAGETYP"] for hdu in hdus] == ["IMAGE", "INVVAR"]
        assert np.array_equal(hdus[0].data, flux)
        assert np.array_equal(hdus[1].data, ivar)
        head = hdus[0].header
        assert (head["BANDS"], head["BAND0"], head["BAND2"], head["ORIGIN"]) == ("grz", "g", "z", "simulated")
        wcs = WCS(head, naxis=2)
    assert np.allclose(wcs.all_world2pix(150.12346, -1.5, 0), 9.5, atol=1e-6)
    x, y = wcs.all_world2pix(150.12346, -1.5 + PIXEL_SCALE / 3600.0, 0)
    assert np.allclose([x, y], [9.5, 10.5], atol=1e-4)  # north up


def test_images_have_no_bands_of_wise():
    assert image_bands("legacy") == ("g", "r", "i", "z")
    assert image_bands("sdss") == ("u", "g", "r", "i", "z")


def test_the_doors_of_images_take_it(tmp_path):
    flux = np.arange(3 * 64, dtype=np.float32).reshape(3, 8, 8)
    path = write_cutout(tmp_path, flux, np.ones_like(flux), ("g", "r", "z"), 150.0, 2.0, {})
    planes = index_file(path, StampOptions(("g", "r", "z"), unit="nanomaggy"))
    assert [plane.band for plane in planes] == ["g", "r", "z"]
    assert all(plane.weight_hdu == 1 and plane.weight_kind == "ivar" for plane in planes)
    found = read_plane(planes[1])
    assert np.array_equal(found[0], flux[1])
