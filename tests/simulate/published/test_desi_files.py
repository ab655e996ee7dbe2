"""Files of a DESI survey hold what the catalog holds."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.desi import DesiDoor
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.desi_spectra import ARMS, DESI_BITS, MOCK_BIT
from asterism.surveys.formats.spectral_grids import grid_named


def test_arms_coadd_to_the_catalogs_spectra(desi_survey, values):
    table, files = desi_survey
    (file,) = files.rglob("coadd-*.fits")
    flux, ivar = (values(table, f"spectrum_desi_{name}") for name in ("flux", "ivar"))
    total, weight = np.zeros((2, *flux.shape))
    with fits.open(file) as hdus:
        hdus.verify("exception")
        for arm in ARMS:
            pixels = grid_named("desi").pixels(hdus[f"{arm}_WAVELENGTH"].data)
            total[:, pixels] += hdus[f"{arm}_FLUX"].data.astype(np.float64) * hdus[f"{arm}_IVAR"].data
            weight[:, pixels] += hdus[f"{arm}_IVAR"].data
        fibermap = hdus["FIBERMAP"].data
        assert hdus[0].header["ORIGIN"] == "Asterism"
    assert np.allclose(weight, ivar, rtol=1e-5)
    seen = ivar > 0
    assert np.allclose(total[seen] / weight[seen], flux[seen], rtol=1e-4, atol=1e-4)
    assert (fibermap["TARGETID"] & MOCK_BIT).all()
    assert np.allclose(fibermap["TARGET_RA"], table["ra"].to_numpy())
    assert np.allclose(fibermap["FLUX_R"], values(table, "photometry_legacy_flux")[:, 1])
    assert np.allclose(fibermap["COADD_EXPTIME"], table["truth_exposure"].to_numpy())


def test_redshifts_are_the_catalogs(desi_survey):
    table, files = desi_survey
    (file,) = files.rglob("redrock-*.fits")
    with fits.open(file) as hdus:
        hdus.verify("exception")
        found, fibermap = hdus["REDSHIFTS"].data, hdus["FIBERMAP"].data
        assert found["TARGETID"].tolist() == fibermap["TARGETID"].tolist()
        assert found["SPECTYPE"].tolist() == table["class"].to_pylist()
        assert np.allclose(found["Z"], table["redshift"].to_numpy())
        assert (found["ZWARN"] == 0).all()
        assert (found["DELTACHI2"] > 0).all()
        exposures = hdus["EXP_FIBERMAP"].data
        assert len(exposures) == fibermap["COADD_NUMEXP"].sum()


def test_cutouts_are_the_catalogs_stamps(desi_survey, values):
    table, files = desi_survey
    found = list((files / "cutouts").rglob("cutout_*.fits"))
    names = table["object_id"].to_pylist()
    stamps, noise = values(table, "image_legacy_flux"), values(table, "image_legacy_ivar")
    assert len(found) == len(table)
    for file in found:
        with fits.open(file) as hdus:
            hdus.verify("exception")
            row = names.index(hdus[0].header["SIMID"])
            assert hdus[0].header["BANDS"] == "grz"
            assert np.array_equal(hdus[0].data.ravel(), stamps[row])
            assert np.array_equal(hdus[1].data[:, 0, 0], noise[row])
            assert hdus[0].header["CRVAL1"] == pytest.approx(table["image_legacy_ra"][row].as_py())


def test_programmes_become_bits():
    from asterism.simulate.published.desi_files import _target_bits

    bits = _target_bits([["BGS_FAINT"], ["lrg"], ["qso", "elg-low"], ["mws-white-dwarf"], []])
    assert bits["DESI_TARGET"].tolist() == [
        DESI_BITS["BGS_ANY"], DESI_BITS["LRG"], DESI_BITS["QSO"] | DESI_BITS["ELG"], DESI_BITS["MWS_ANY"], 0,
    ]  # fmt: skip
    assert bits["BGS_TARGET"].tolist() == [1, 0, 0, 0, 0]
    assert bits["MWS_TARGET"].tolist() == [0, 0, 0, 2, 0]


def test_what_is_written_is_read_back(desi_survey, values, tmp_path):
    table, files = desi_survey
    read = ingest_files(DesiDoor(), [files / "tiles"], tmp_path / "c", workers=1)
    found = read.read()
    # Names of files are invented; an object is told by its place.
    order = [int(np.argmin(np.abs(table["ra"].to_numpy() - ra))) for ra in found["ra"].to_pylist()]
    assert sorted(order) == list(range(len(table)))
    truth = table.take(order)
    for name in ("ra", "dec", "redshift"):
        assert np.allclose(found[name].to_numpy(), truth[name].to_numpy(), rtol=1e-6)
    for name in ("class", "subclass"):
        assert [value or None for value in truth[name].to_pylist()] == found[name].to_pylist(), name
    assert set(found["label_warning"].to_pylist()) == {0}
    ivar, wanted = values(found, "spectrum_desi_ivar"), values(truth, "spectrum_desi_ivar")
    assert np.allclose(ivar, wanted, rtol=1e-5)
    seen = ivar > 0
    flux, expected = values(found, "spectrum_desi_flux"), values(truth, "spectrum_desi_flux")
    assert np.allclose(flux[seen], expected[seen], rtol=1e-4, atol=1e-4)
    # The resolution matrix spreads light over whole pixels of 0.8 Å besides.
    width = np.sqrt(values(truth, "spectrum_desi_lsf").astype(float) ** 2 + 0.8**2 / 12)
    assert np.nanmedian(np.abs(values(found, "spectrum_desi_lsf") / width - 1)) < 0.01
    light, depth = values(found, "photometry_legacy_flux"), values(found, "photometry_legacy_ivar")
    bands = truth.schema.field("photometry_legacy_flux").metadata[b"bands"].decode().split(",")
    pick = [bands.index(band) for band in "grz"]
    assert np.allclose(light[:, :3], values(truth, "photometry_legacy_flux")[:, pick], rtol=1e-6)
    assert np.allclose(depth[:, :3], values(truth, "photometry_legacy_ivar")[:, pick], rtol=1e-6)
    assert (depth[:, 3:] == 0).all()
    assert len(read.quarantine()) == 0
