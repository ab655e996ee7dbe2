"""Which files are frames, and what lies beside them."""

import bz2
import gzip

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.stamps.frame_files import find_frames, read_headers

NAMES = [
    "frame-r-004192-4-0300.fits.bz2", "frame-u-004192-4-0300.fits", "psField-004192-4-0300.fit",
    "fpC-004192-r4-0300.fit.gz", "tsField-004192-4-40-0300.fit.gz", "tsField-004192-4-44-0300.fit", "fpM-004192-r4-0300.fit.gz",
    "legacysurvey-0001m002-image-g.fits.fz", "legacysurvey-0001m002-invvar-g.fits.fz", "legacysurvey-0001m002-invvar-r.fits.fz",
    "legacysurvey-0001m002-psfsize-g.fits.fz", "legacysurvey-0001m002-model-g.fits.fz", "readme.txt",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text("")
    return tmp_path


def test_frames_and_what_is_beside_them(folder):
    frames, complaints = find_frames(folder.iterdir())
    assert not complaints
    by_name = {frame.path.name: frame for frame in frames}
    assert set(by_name) == {NAMES[0], NAMES[1], NAMES[3], NAMES[7]}
    calibrated, raw, coadd = (by_name[NAMES[k]] for k in (0, 3, 7))
    assert (calibrated.kind, calibrated.band, calibrated.field, calibrated.survey) == (
        "frame",
        "r",
        "4192-4-300",
        "sdss",
    )
    assert calibrated.of == by_name[NAMES[1]].of != raw.of
    assert calibrated.companion("psf").name == NAMES[2]
    # The later reduction calibrates.
    assert raw.companion("calibration").name == "tsField-004192-4-44-0300.fit"
    assert (coadd.survey, coadd.field, coadd.companion("invvar").name) == ("legacy", "0001m002", NAMES[8])
    assert coadd.companion("psfsize").name == NAMES[10]
    assert calibrated.companion("calibration") is None


def test_a_field_that_is_there_twice(folder):
    (folder / "other").mkdir()
    (folder / "other" / "frame-u-004192-4-0300.fits.gz").write_text("")
    frames, complaints = find_frames(folder.rglob("*"))
    assert len(frames) == 4
    assert complaints == [
        ("frame-u-004192-4-0300.fits.gz", "the same field and band is there already, frame-u-004192-4-0300.fits")
    ]


@pytest.mark.parametrize(("pack", "end"), [(bytes, ""), (gzip.compress, ".gz"), (bz2.compress, ".bz2")])
def test_headers_without_data(tmp_path, pack, end):
    header = fits.Header([("CRVAL1", 10.0), *((f"KEY{k}", k) for k in range(60))])
    plain = tmp_path / "plain.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((30, 20)), header)]).writeto(plain)
    path = tmp_path / f"a.fits{end}"
    path.write_bytes(pack(plain.read_bytes()))
    headers = read_headers(path)
    assert len(headers) == 2
    assert (headers[-1]["CRVAL1"], headers[-1]["NAXIS1"], headers[-1]["KEY59"]) == (10.0, 20, 59)


@pytest.mark.parametrize("keep", [0, 80, 2880, 3000])
def test_headers_that_end_early(tmp_path, keep):
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((30, 20)))]).writeto(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadInputError, match=r"a\.fits"):
        read_headers(path)
