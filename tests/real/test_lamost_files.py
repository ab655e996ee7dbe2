"""Every real spectrum of LAMOST through `ingest lamost`, against what astropy reads from the files."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time

from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.lamost import LamostDoor

LAMOST = (Path(__file__).parents[2] / ".." / "shared" / "data" / "spectra" / "lamost").resolve()
pytestmark = pytest.mark.skipif(not LAMOST.is_dir(), reason="the real spectra are not beside the project")

FOLDERS = {"learninglamost": 110, "lamost_sbc": 60, "lamost_sbc_hist": 9, "bopy": 2}
WAVE = grid_named("lamost").wavelength


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return ingest_files(LamostDoor(), [LAMOST], tmp_path_factory.mktemp("lamost") / "c", workers=1)


def test_every_file_is_one_row(catalog):
    assert {name: len(list((LAMOST / name).glob("*.fits"))) for name in FOLDERS} == FOLDERS
    assert len(catalog) == sum(FOLDERS.values()) == 181
    assert not len(catalog.quarantine())
    classes = Counter(catalog.read(["class"])["class"].to_pylist())
    assert classes == {"STAR": 174, "GALAXY": 5, None: 2}


def test_labels_and_pixels_are_the_files(catalog):
    rows = {row["object_id"]: row for row in catalog.read().to_pylist()}
    subcontinuum = 0
    for file in sorted(LAMOST.rglob("*.fits")):
        with fits.open(file) as hdus:
            head, data = hdus[0].header, hdus[0].data
        row = rows[f"{head['LMJD']}-{head['PLANID']}_sp{int(head['SPID']):02d}-{int(head['FIBERID']):03d}"]
        if head["CLASS"] == "Unknown":
            assert [row[n] for n in ("class", "subclass", "redshift", "redshift_err")] == [None] * 4
            assert row["label_warning"] == 1
            assert head["Z"] == -9999
        else:
            assert (row["class"], row["label_warning"]) == (head["CLASS"], 0)
            assert (row["subclass"] or "Non") == head["SUBCLASS"]
            assert row["redshift"] == np.float32(head["Z"])
            assert row["redshift_err"] == np.float32(head["Z_ERR"])
        assert (row["ra"], row["dec"]) == (float(head["RA"]), float(head["DEC"]))
        assert row["mjd"] == pytest.approx(Time(head["DATE-OBS"]).mjd, abs=1e-6)
        told = [head.get(f"SNR{band}", head.get(f"SN_{band}")) for band in "UGRIZ"]
        assert row["spectrum_lamost_snr"] == pytest.approx(
            [np.nan if x <= -999 else x for x in told], nan_ok=True, rel=1e-6
        )
        good = np.isfinite(data[0]) & (data[1] > 0)
        seen = np.array(row["spectrum_lamost_ivar"]) > 0
        assert np.array_equal(np.array(row["spectrum_lamost_flux"])[seen], data[0][good])
        assert np.array_equal(np.array(row["spectrum_lamost_ivar"])[seen], data[1][good])
        mask = data[3] if "Andmask" in head["EXTEN0"] else None
        assert np.array_equal(np.array(row["spectrum_lamost_mask"])[seen], mask[good])
        assert head["VACUUM"]
        if "Wavelength" in head["EXTEN0"]:
            assert np.allclose(WAVE[seen], data[2][good], atol=0.01)
        else:
            subcontinuum += 1
            assert np.median(np.abs(data[2])) < 100.0  # no wavelength
            assert np.allclose(WAVE[seen], 10.0 ** (head["COEFF0"] + head["COEFF1"] * np.flatnonzero(good)), atol=1e-3)
        assert 3690 < WAVE[seen][0] < WAVE[seen][-1] < 9110
    assert subcontinuum == 110


def test_flux_is_relative_and_of_vacuum(catalog):
    group = catalog.groups["spectrum_lamost"]
    assert (group.meta("calibration"), group.meta("medium"), group.meta("unit")) == ("relative", "vacuum", None)


def test_balmer_lines_of_early_stars_stand_at_their_vacuum_wavelengths(catalog):
    table = catalog.read(["subclass", "redshift", "spectrum_lamost_flux"]).to_pylist()
    found = []
    for row in table:
        if (row["subclass"] or "").startswith("A"):
            window = np.abs(WAVE / (1.0 + row["redshift"]) - 6564.61) < 12.0
            flux = np.array(row["spectrum_lamost_flux"])[window]
            depth = np.nanmax(flux) - flux
            good = np.isfinite(depth)
            found.append(np.average(WAVE[window][good] / (1.0 + row["redshift"]), weights=depth[good] ** 2))
    assert len(found) > 20
    assert np.median(found) == pytest.approx(6564.61, abs=0.3)  # in air it would be 6562.80
