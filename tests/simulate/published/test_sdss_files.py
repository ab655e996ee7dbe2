"""Files of an SDSS survey hold what the catalog holds."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from asterism.catalogs.sources import unit_vectors
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.sdss_frames import pixel_variance
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.sdss import SdssDoor


def test_spectra_are_the_catalogs(sdss_survey, values):
    table, files = sdss_survey
    names = table["object_id"].to_pylist()
    found = sorted((files / "spectra" / "lite").rglob("spec-*.fits"))
    assert len(found) == len(table)
    flux, ivar = (values(table, f"spectrum_sdss_{name}") for name in ("flux", "ivar"))
    schemas = set()
    for file in found:
        with fits.open(file) as hdus:
            hdus.verify("exception")
            row = names.index(hdus[0].header["SIMID"])
            pixels = hdus[1].data
            on_grid = grid_named("sdss").place(pixels["loglam"], pixels["flux"], pixels["ivar"])
            assert np.array_equal(on_grid[0], flux[row], equal_nan=True)
            assert np.array_equal(on_grid[1], ivar[row])
            label, schema = hdus[2].data[0], hdus[2].name
            schemas.add((schema, table["truth_spectrograph"][row].as_py()))
            for column, name in (("CLASS", "class"), ("SUBCLASS", "subclass")):
                assert label[column] == table[name][row].as_py()
            for column, name in (("Z", "redshift"), ("PLUG_RA", "ra"), ("PLUG_DEC", "dec"), ("MJD", "mjd")):
                assert label[column] == pytest.approx(table[name][row].as_py(), rel=1e-6)
            assert file.name == f"spec-{label['PLATE']:04d}-{label['MJD']}-{label['FIBERID']:04d}.fits"
            assert hdus[0].header["ORIGIN"] == "Asterism"
            assert "SIMULATED" in str(hdus[0].header["COMMENT"])
    assert schemas <= {("SPECOBJ", "sdss"), ("SPALL", "boss")}


@pytest.mark.filterwarnings("ignore:.*RADECSYS")
def test_the_field_shows_the_objects_where_the_catalog_says(sdss_survey, values):
    table, files = sdss_survey
    truth = values(table, "truth_flux")
    found = sorted((files / "frames").rglob("frame-*.fits"))
    assert len(found) == 5
    seen = 0
    for file in found:
        with fits.open(file) as hdus:
            hdus.verify("exception")
            band, image, head = "ugriz".index(hdus[0].header["FILTER"]), hdus[0].data, hdus[0].header
            x, y = WCS(head).all_world2pix(table["ra"].to_numpy(), table["dec"].to_numpy(), 0)
            sky = hdus[2].data["ALLSKY"].mean()
            sigma = np.sqrt(pixel_variance(image, hdus[1].data, sky, head["CAMCOL"], "ugriz"[band]))
        assert image.shape == (256, 320)
        yy, xx = np.mgrid[: image.shape[0], : image.shape[1]]
        for row in range(len(table)):
            near = np.hypot(xx - x[row], yy - y[row]) < 7.0
            noise = np.sqrt((sigma[near] ** 2).sum())
            # Galaxies reach farther than the aperture.
            if truth[row, band] > 30.0 * noise and table["class"][row].as_py() != "GALAXY":
                seen += 1
                assert image[near].sum() == pytest.approx(truth[row, band], rel=0.25)
    assert seen > 3


def test_objects_stand_together(sdss_survey):
    table, _ = sdss_survey
    dec = table["dec"].to_numpy()
    assert dec.max() - dec.min() < 0.04


def test_what_is_read_back_is_the_catalog(sdss_survey, values, tmp_path):
    table, files = sdss_survey
    made = ingest_files(SdssDoor(), [files / "spectra"], tmp_path / "c", workers=1)
    assert len(made) == len(table)
    assert not len(made.quarantine())
    back, place = made.read(), unit_vectors(table["ra"], table["dec"])
    rows = np.argmax(unit_vectors(back["ra"], back["dec"]) @ place.T, axis=1)
    assert sorted(rows.tolist()) == list(range(len(table)))
    truth = table.take(rows)
    for name in ("flux", "ivar"):
        column = f"spectrum_sdss_{name}"
        assert np.array_equal(values(back, column), values(truth, column), equal_nan=True)
    inside = values(back, "spectrum_sdss_ivar") > 0
    lsf = [values(one, "spectrum_sdss_lsf")[inside] for one in (back, truth)]
    assert np.allclose(lsf[0], lsf[1], rtol=1e-5)
    for name in ("class", "label_warning", "survey", "release", "label_source"):
        assert back[name].to_pylist() == truth[name].to_pylist()
    assert [text or "" for text in back["subclass"].to_pylist()] == [t or "" for t in truth["subclass"].to_pylist()]
    for name in ("redshift", "redshift_err", "mjd", "ra", "dec"):
        assert np.allclose(back[name].to_numpy(), truth[name].to_numpy(), rtol=1e-6, atol=1e-9)
    boss = np.array([name == "boss" for name in truth["truth_spectrograph"].to_pylist()])
    if boss.any():
        flux = np.array([row or [np.nan] * 5 for row in back["photometry_sdss_flux"].to_pylist()])[boss]
        assert np.array_equal(flux, values(truth, "photometry_sdss_flux")[boss], equal_nan=True)
