"""SDSS's spectrum files: what is written reads back, and only pixels with information."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.formats.sdss_spectra import (
    SdssSpectrum,
    file_name,
    lite_directory,
    spectrum_id,
    spectrum_rows,
    write_spectrum,
)  # fmt: skip
from asterism.surveys.formats.spectral_grids import grid_named

GRID = grid_named("sdss")


def spectrum(first=400, last=4000):
    rng = np.random.default_rng(1)
    size = GRID.size
    ivar = np.zeros(size, np.float32)
    ivar[first:last] = rng.uniform(0.5, 2.0, last - first)
    ivar[first + 10] = 0.0
    flux = np.where(ivar > 0, rng.normal(5.0, 1.0, size), 0.0).astype(np.float32)
    one = np.ones(size, np.float32)
    return SdssSpectrum(flux, ivar, np.arange(size, dtype=np.int32), 1.2 * one, 3.0 * one, 5.0 * one)


@pytest.mark.parametrize("schema", ["SPECOBJ", "SPALL"])
def test_values_and_labels_read_back(tmp_path, schema):
    given = spectrum()
    values = {
        "PLATE": 266,
        "MJD": 51602,
        "FIBERID": 7,
        "CLASS": "QSO",
        "SUBCLASS": "BROADLINE",
        "Z": 1.5,
        "PLUG_RA": 10.5,
    }
    path = write_spectrum(tmp_path, schema, given, spectrum_rows(schema, 1, values), {"ORIGIN": "simulated"})
    assert path.name == file_name(266, 51602, 7) == "spec-0266-51602-0007.fits"
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "COADD", schema, "SPZLINE"]
        table, inside = hdus["COADD"].data, slice(400, 4000)
        assert len(table) == 3600  # what lies beyond is left out, the bad pixel within is not
        assert np.array_equal(table["flux"], given.flux[inside])
        assert np.array_equal(table["ivar"], given.ivar[inside])
        assert table["ivar"][10] == 0
        assert np.array_equal(table["and_mask"], given.mask[inside])
        assert GRID.pixels(table["loglam"]).tolist() == list(range(400, 4000))
        row, head = hdus[schema].data[0], hdus[0].header
        assert (row["CLASS"], row["SUBCLASS"], row["Z"]) == ("QSO", "BROADLINE", 1.5)
        assert (head["PLATEID"], head["FIBERID"], head["ORIGIN"], head["VACUUM"]) == (266, 7, "simulated", True)
        assert head["COEFF0"] == pytest.approx(GRID.position[400], abs=1e-9)


def test_numbers_of_spectra_are_those_of_the_archive():
    assert spectrum_id(266, 51602, 1, 26) == 299489676975171584
    assert spectrum_id(7338, 57859, 739) >> 38 == 8262056783037880320 >> 38
    assert lite_directory(266) == "spectra/lite/0266"
