"""DESI's coadds and redshifts: layout, values, resolution, names."""

import numpy as np
import pytest
from astropy.io import fits
from scipy.sparse import dia_matrix

from asterism.surveys.formats.desi_spectra import (
    ARMS,
    MOCK_BIT,
    ArmSpectra,
    arm_wavelength,
    directory,
    file_name,
    resolution_data,
    target_id,
    write_coadd,
    write_redrock,
)  # fmt: skip
from asterism.surveys.formats.spectral_grids import grid_named

TARGETS = target_id(9010, 7, [1, 2])
FIBERMAP = {"TARGETID": TARGETS, "TARGET_RA": [10.0, 11.0], "TARGET_DEC": [1.0, 2.0], "OBJTYPE": "TGT"}
EXPOSURES = {"TARGETID": np.repeat(TARGETS, 2), "EXPID": [1, 2, 1, 2]}


def arms():
    rng, found = np.random.default_rng(5), {}
    for arm in ARMS:
        shape = (2, len(arm_wavelength(arm)))
        flux = rng.normal(size=shape).astype(np.float32)
        ivar = rng.uniform(0.0, 2.0, shape).astype(np.float32)
        found[arm] = ArmSpectra(flux, ivar, np.zeros(shape, np.int32), np.full(shape[1], 0.7))
    return found


def test_a_coadd_reads_back(tmp_path):
    given = arms()
    path = write_coadd(tmp_path / "c.fits", given, FIBERMAP, EXPOSURES, {"ORIGIN": "simulated"})
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert hdus[0].header["ORIGIN"] == "simulated"
        for arm, spectra in given.items():
            assert np.array_equal(hdus[f"{arm}_FLUX"].data, spectra.flux)
            assert np.array_equal(hdus[f"{arm}_IVAR"].data, spectra.ivar)
            assert hdus[f"{arm}_RESOLUTION"].data.shape == (2, 11, spectra.flux.shape[1])
            assert "erg" in hdus[f"{arm}_FLUX"].header["BUNIT"]
        assert hdus["FIBERMAP"].data["TARGETID"].tolist() == TARGETS.tolist()
        assert len(hdus["EXP_FIBERMAP"].data) == 4
        expected = np.sum(given["B"].flux[0][given["B"].ivar[0] > 0]) * 0.8
        assert hdus["SCORES"].data["INTEG_COADD_FLUX_B"][0] == pytest.approx(expected, rel=1e-3)


def test_redshifts_read_back(tmp_path):
    values = {"TARGETID": TARGETS, "Z": [0.1, 2.0], "SPECTYPE": ["GALAXY", "QSO"], "ZWARN": [0, 4], "DELTACHI2": 50.0}
    with fits.open(write_redrock(tmp_path / "r.fits", values, FIBERMAP, EXPOSURES, {})) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus[1:]] == ["REDSHIFTS", "FIBERMAP", "EXP_FIBERMAP", "TSNR2"]
        table = hdus["REDSHIFTS"].data
        assert table["SPECTYPE"].tolist() == ["GALAXY", "QSO"]
        assert table["Z"].tolist() == [0.1, 2.0]
        assert table["COEFF"].shape == (2, 10)


def test_arms_are_pixels_of_the_grid_and_overlap():
    grid = grid_named("desi")
    pixels = {arm: grid.pixels(arm_wavelength(arm)) for arm in ARMS}
    assert [len(p) for p in pixels.values()] == [2751, 2326, 2881]
    assert len(np.intersect1d(pixels["B"], pixels["R"])) == 51
    assert len(np.intersect1d(pixels["R"], pixels["Z"])) == 126
    assert pixels["B"][0] == 0
    assert pixels["Z"][-1] == grid.size - 1


def test_the_resolution_matrix_spreads_and_keeps_light():
    data = resolution_data(np.full(60, 0.8))
    matrix = dia_matrix((data, range(5, -6, -1)), (60, 60))
    line = np.zeros(60)
    line[30] = 1.0
    seen = matrix @ line
    assert seen.sum() == pytest.approx(1.0, abs=1e-6)
    at = np.arange(60)
    mean = (seen * at).sum()
    assert mean == pytest.approx(30.0, abs=1e-5)
    # A Gaussian of one pixel, and the pixel's own twelfth.
    assert ((at - mean) ** 2 * seen).sum() == pytest.approx(1.0 + 1.0 / 12.0, rel=1e-2)


def test_names():
    assert file_name("coadd", 4, 80613, 20210324) == "coadd-4-80613-thru20210324.fits"
    assert directory(80613, 20210324) == "tiles/cumulative/80613/20210324"
    assert (TARGETS & MOCK_BIT).all()
    assert (TARGETS >> 42 & 0xFFFF).tolist() == [9010, 9010]
    assert (TARGETS & 0x3FFFFF).tolist() == [1, 2]
