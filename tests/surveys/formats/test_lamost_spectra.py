"""LAMOST's 1D files: five rows, names, and what reads back."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.formats.lamost_spectra import ROWS, designation, file_name, write_spectrum
from asterism.surveys.formats.spectral_grids import grid_named

CARDS = {
    "LMJD": (58575, "day"), "PLANID": "HD103621N361936B01", "SPID": 3, "FIBERID": (2, "fibre"), "CLASS": "STAR", "Z": -2e-4,
}  # fmt: skip


def test_a_spectrum_reads_back(tmp_path):
    grid, rng = grid_named("lamost"), np.random.default_rng(2)
    flux = rng.normal(100.0, 5.0, grid.size).astype(np.float32)
    ivar = np.full(grid.size, 0.04, np.float32)
    ivar[:5], ivar[3700:], ivar[50] = 0.0, 0.0, 0.0
    mask = np.zeros(grid.size, np.int32)
    mask[50] = 1 << 18
    path = write_spectrum(tmp_path, flux, ivar, mask, CARDS)
    assert path.name == "spec-58575-HD103621N361936B01_sp03-002.fits"
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert len(hdus) == 1
        head, data = hdus[0].header, hdus[0].data
    assert data.shape == (5, 3695)
    assert head["EXTEN0"] == "Flux, Inverse, Wavelength, Andmask, Ormask" == ", ".join(ROWS)
    wavelength = 10.0 ** (head["COEFF0"] + head["COEFF1"] * np.arange(3695))
    assert np.allclose(wavelength, grid.wavelength[5:3700], rtol=1e-9)
    assert np.allclose(data[2], wavelength, atol=1e-3)
    good = ivar[5:3700] > 0
    assert np.array_equal(data[0][good], flux[5:3700][good])
    assert np.array_equal(data[1], ivar[5:3700])
    assert (data[0][45], data[3][45]) == (0.0, 1 << 18)
    assert (head["CLASS"], head["Z"], head["FIBERID"]) == ("STAR", -2e-4, 2)


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        (158.209454, 35.693413, "LAMOST J103250.26+354136.2"),  # as in real headers
        (99.316263, 27.23237, "LAMOST J063715.90+271356.5"),
        (0.0, -0.5, "LAMOST J000000.00-003000.0"),
    ],
)
def test_designations(ra, dec, name):
    assert designation(ra, dec) == name


def test_names():
    assert file_name(55862, "B6212", 6, 3) == "spec-55862-B6212_sp06-003.fits"
