"""Real image files: a raw SDSS field, its stars and stamps; colour pictures; arrays of magnitudes.

What is expected is told by other files of the survey or by astropy and pillow directly, not by our own readers.
"""

import csv
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from asterism.catalogs.schema import identity_fields
from asterism.catalogs.write import CatalogWriter
from asterism.surveys.detection import FieldDoor
from asterism.surveys.doors import ingest_files
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.frame_stamps import ingest_frames
from asterism.surveys.stamps.pictures import PictureDoor, attach_pictures
from asterism.surveys.stamps.stamp_arrays import ArrayDoor

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
FIELD, STARS = DATA / "images" / "lsst_demo" / "4192", DATA / "images" / "lsst_demo" / "ref_cat" / "stars.fits.gz"
pytestmark = pytest.mark.skipif(not FIELD.is_dir(), reason="the real images are not beside the project")
BANDS = "ugriz"


@pytest.fixture(scope="module")
def stars():
    """Reference stars on the field in all bands, 30 px from its edge, by the WCS of the r frame's header."""
    table = fits.getdata(STARS)
    ra, dec = np.asarray(table["ra"], float) % 360.0, np.asarray(table["dec"], float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(fits.getheader(next(FIELD.rglob("fpC-004192-r4-0300.fit.gz"))))
        x, y = wcs.all_world2pix(ra, dec, 0)
    inside = (x > 30) & (x < 2017) & (y > 30) & (y < 1458)
    mag = np.stack([np.asarray(table[band], float) for band in BANDS], axis=1)
    return ra[inside], dec[inside], mag[inside], np.stack([x, y], axis=1)[inside], np.asarray(table["id"])[inside]


def test_the_fields_own_stars_are_found(tmp_path, stars):
    ra, dec, mag, _, _ = stars
    catalog = ingest_files(FieldDoor(), [FIELD], tmp_path / "out", workers=1)
    assert not len(catalog.quarantine())
    table = catalog.read()
    rows, apart, _ = SkyCoord(ra, dec, unit="deg").match_to_catalog_sky(
        SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")
    )
    bright = mag[:, 2] < 20
    assert bright.sum() > 50
    assert (apart.arcsec[bright] < 0.5).mean() > 0.97
    found = bright & (apart.arcsec < 0.5)
    assert np.median(apart.arcsec[found]) < 0.1
    flux, ivar, seeing, difference = (
        np.array(table[f"photometry_sdss_{q}"].to_pylist(), float)[rows[found]]
        for q in ("flux", "ivar", "psf_fwhm", "psf_minus_model")
    )
    measured = 22.5 - 2.5 * np.log10(np.where(flux > 0, flux, np.nan))
    off = measured - mag[found]
    # u of red stars is below the sky; everywhere else the field's own zero points give the reference's magnitudes.
    for band in range(1, 5):
        assert abs(np.nanmedian(off[:, band])) < 0.03, BANDS[band]
    assert (np.abs(off[:, 2]) < 0.1).mean() > 0.9
    assert (ivar > 0).all()
    # They are stars: points, seen through the seeing that psField tells.
    assert (difference[:, 2] < 0.145).mean() > 0.95
    with fits.open(next(FIELD.rglob("psField-*.fit.gz"))) as hdus:
        wide = hdus[6].data["psf_width"][0]
        assert np.allclose(np.median(seeing, axis=0), SDSS.fwhm_ratio * wide, rtol=0.07)
    assert (
        300 < len(catalog) < 900
    )  # the survey's own pipeline counts 957 to fainter limits, parts of galaxies among them


def test_stamps_of_the_raw_field(tmp_path, stars):
    ra, dec, mag, pixels, names = stars
    fields = [f for f in identity_fields(True) if f.name in ("object_id", "ra", "dec")]
    chosen = np.flatnonzero((mag[:, 2] > 15.5) & (mag[:, 2] < 18.5))
    with CatalogWriter(tmp_path / "sky", fields, placed=True, made_by={}, inputs={}) as writer:
        writer.add(
            pa.table([[str(names[k]) for k in chosen], ra[chosen], dec[chosen]], names=["object_id", "ra", "dec"])
        )
    catalog = ingest_frames([FIELD], tmp_path / "sky", tmp_path / "out", workers=1)
    table = catalog.read()
    assert table["image_sdss_flux"].null_count == 0
    order = [table["object_id"].to_pylist().index(str(names[k])) for k in chosen]
    flux, ivar = (
        np.array(table[f"image_sdss_{q}"].to_pylist()).reshape(-1, 5, 32, 32)[order] for q in ("flux", "ivar")
    )
    raw = fits.getdata(next(FIELD.rglob("fpC-004192-r4-0300.fit.gz"))).astype(float)
    with fits.open(next(FIELD.rglob("tsField-*.fit.gz"))) as hdus:
        row = hdus[1].data[0]
        aa, kk, airmass, gain, dark = (float(row[name][2]) for name in ("aa", "kk", "airmass", "gain", "dark_variance"))
    scale = 1e9 / 53.907456 * 10 ** (0.4 * (aa + kk * airmass))
    for k, (x, y) in enumerate(pixels[chosen]):
        left, low = int(np.floor(x - 15)), int(np.floor(y - 15))
        # Whole pixels of the frame, but for the sky that was taken off: the same numbers at one of the neighbouring places.
        cuts = [raw[low + b : low + b + 32, left + a : left + a + 32] - 1000.0 for a in (-1, 0, 1) for b in (-1, 0, 1)]
        rest = [np.ptp((cut - 145.0) * scale - flux[k, 2]) for cut in cuts]
        assert min(rest) < 0.02
        cut = cuts[int(np.argmin(rest))]
        assert np.allclose(1.0 / ivar[k, 2], (cut / gain + dark) * scale**2, rtol=1e-4)
    y, x = np.indices((32, 32)) - 15.5
    light = np.where(np.hypot(x, y) < 12, flux, 0.0).sum(axis=(2, 3))
    off = 22.5 - 2.5 * np.log10(np.maximum(light, 1e-3)) - mag[chosen]
    assert (np.abs(np.median(off[:, 1:], axis=0)) < 0.06).all()  # neighbours in the aperture, and what is beyond it


def test_sdss_pictures_and_their_spectra(tmp_path):
    folder = DATA / "spectra" / "sdss" / "gsiemon"
    names, places = [], []
    for path in sorted((folder / "spectra").glob("*.fits")):
        row = fits.getdata(path, 2)[0]
        names.append(str(row["BESTOBJID"]).strip())
        places.append((float(row["PLUG_RA"]), float(row["PLUG_DEC"])))
    fields = [f for f in identity_fields(True) if f.name in ("object_id", "source_id", "ra", "dec")]
    with CatalogWriter(tmp_path / "sky", fields, placed=True, made_by={}, inputs={}) as writer:
        ra, dec = zip(*places, strict=True)
        writer.add(
            pa.table([[f"s{k}" for k in range(5)], names, ra, dec], names=["object_id", "source_id", "ra", "dec"])
        )
    made = attach_pictures([folder / "images"], tmp_path / "sky", tmp_path / "out")
    table = made.read(["source_id", "image_sdssrgb_flux"])
    assert table["image_sdssrgb_flux"].null_count == 0
    for row in table.to_pylist():
        with Image.open(folder / "images" / f"{row['source_id']}.jpeg") as picture:
            expected = np.asarray(picture)
        assert np.array_equal(np.array(row["image_sdssrgb_flux"]).reshape(3, 256, 256).transpose(1, 2, 0), expected)


def test_galaxy_zoo_pictures(tmp_path):
    folder = DATA / "images" / "galaxyzoo_small"
    with (folder / "smallCSV_class.csv").open() as file:
        listed = {row["OBJID"] for row in csv.DictReader(file)}
    files = sorted((folder / "images").iterdir())
    assert len(files) == 600
    catalog = ingest_files(PictureDoor(size=64), files[:60], tmp_path / "out", workers=1)
    ids = catalog.read(["object_id"])["object_id"].to_pylist()
    assert len(ids) == 60
    assert set(ids) <= listed
    assert not len(catalog.quarantine())


def test_stamps_in_luptitudes(tmp_path):
    folder = DATA / "images" / "dl4astro"
    door = ArrayDoor(
        unit="asinh", labels=str(folder / "sdss_test_labels.npy"), class_names=(("1", "STAR"), ("-1", "GALAXY"))
    )
    catalog = ingest_files(door, [folder / "sdss_test_images.npy"], tmp_path / "out", workers=1)
    table = catalog.read()
    assert sorted(set(table["class"].to_pylist())) == ["GALAXY", "STAR"]
    assert table["class"].to_pylist().count("STAR") == 5
    flux, ivar = (np.array(table[f"image_sdss_{q}"].to_pylist()).reshape(-1, 5, 48, 48) for q in ("flux", "ivar"))
    raw = np.load(folder / "sdss_test_images.npy").astype(float)
    b = np.array([1.4, 0.9, 1.2, 1.8, 7.4])[:, None, None] * 1e-10
    expected = 1e9 * 2 * b * np.sinh(-raw * np.log(10) / 2.5 - np.log(b))
    seen = ivar > 0
    assert seen.mean() > 0.95
    assert np.allclose(flux[seen], expected[seen], rtol=1e-4, atol=1e-5)
    # Noise of the sky near that of the survey: 22.7 mag in r at five standard deviations of a star.
    sigma = np.median(1.0 / np.sqrt(ivar[:, 2].reshape(len(raw), -1).max(axis=1)))
    assert 0.01 < sigma < 0.1
