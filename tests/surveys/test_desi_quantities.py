"""What DESI's tables say, as columns."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from asterism.catalogs.columns import metadata_of
from asterism.surveys.desi_quantities import FIBRE_WARNING, LOW_DELTACHI2, desi_fields, labels, measurements, or_null
from asterism.surveys.desi_tables import Records, TargetTable

IDS = np.array([1, 2, 3])


def table(tmp_path, name, **columns):
    hdu = fits.table_to_hdu(Table({"TARGETID": columns.pop("ids", IDS), **columns}))
    hdu.name = name
    path = tmp_path / f"{name}.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    with fits.open(path, memmap=False) as hdus:
        return TargetTable(hdus[1], path)


def test_redshifts_of_redrock_and_of_a_catalogue(tmp_path):
    redrock = table(
        tmp_path, "REDSHIFTS", Z=[0.1, 2.0, np.nan], ZERR=[1e-4, 1e-3, 0.0], ZWARN=[0, 4, 0],
        SPECTYPE=["GALAXY", "QSO", "??"], SUBTYPE=["", "LOZ", ""], DELTACHI2=[50.0, 8.0, np.nan],
    )  # fmt: skip
    fibres = table(tmp_path, "FIBERMAP", COADD_FIBERSTATUS=[0, 1 << 3, 1 << 10], DESI_TARGET=[1 << 60, 4, 0])
    best = table(tmp_path, "ZCATALOG", ids=np.array([2]), Z=[3.0], Z_BEST=[2.1], SPECTYPE=["STAR"])
    found = labels(Records.of([fibres, redrock], IDS), 9.0)
    assert found["class"] == ["GALAXY", "QSO", None]
    assert found["redshift"] == [0.1, 2.0, None]
    assert found["redshift_err"] == [1e-4, 1e-3, None]
    assert found["subclass"] == [None, "LOZ", None]
    assert found["label_source"] == ["redrock"] * 3
    assert found["label_warning"] == [0, 4 | LOW_DELTACHI2, FIBRE_WARNING]
    assert found["targets"] == [["BGS_ANY"], ["QSO"], []]
    assert labels(Records.of([redrock], IDS), 100.0)["label_warning"][0] == LOW_DELTACHI2
    both = labels(Records.of([fibres, redrock, best], IDS), 9.0)
    assert both["redshift"] == [0.1, 2.1, None]
    assert both["label_source"][:2] == ["redrock", "Z_BEST"]
    assert both["redshift_err"][1] is None  # redrock's error is of another redshift
    assert both["class"][1] == "QSO"
    nobody = labels(Records.of([], IDS), 9.0)
    assert nobody["class"] == nobody["redshift"] == nobody["label_warning"] == nobody["targets"] == [None] * 3


def test_a_catalogue_of_quasars_says_quasar(tmp_path):
    found = labels(Records.of([table(tmp_path, "QSO_CAT", ids=np.array([1, 3]), Z=[2.0, 3.0])], IDS), 9.0)
    assert found["class"] == ["QSO", None, "QSO"]
    assert found["label_source"] == ["QSO_CAT", None, "QSO_CAT"]


def test_photometry_and_astrometry(tmp_path):
    columns = {"EBV": [0.1, 0.1, 0.1], "PMRA": [0.0, -20.0, 0.0], "PMDEC": [0.0, 5.0, 0.0]}
    columns |= {"PARALLAX": [0.0, 2.0, 0.0], "PARALLAX_IVAR": [0.0, 4.0, 0.0]}
    columns |= {"TARGET_RA": [1.0, 2.0, 3.0], "TARGET_DEC": [4.0, 5.0, 6.0]}
    for band in ("G", "R", "Z", "W1", "W2"):
        columns |= {f"FLUX_{band}": [2.0, -0.1, 0.0], f"FLUX_IVAR_{band}": [4.0, 100.0, 0.0]}
    columns["FLUX_IVAR_W2"] = [0.0, np.nan, 0.0]
    found = measurements(Records.of([table(tmp_path, "FIBERMAP", **columns)], IDS))
    flux, ivar = found["photometry_legacy_flux"], found["photometry_legacy_ivar"]
    assert flux[0] == pytest.approx([2, 2, 2, 2, np.nan], nan_ok=True)
    assert ivar[1] == pytest.approx([100, 100, 100, 100, 0])
    assert flux[1][0] == pytest.approx(-0.1)  # measured, not detected
    assert flux[2] is ivar[2] is found["photometry_legacy_extinction"][2] is None
    assert found["photometry_legacy_extinction"][0] == pytest.approx([0.3214, 0.2165, 0.1211, 0.0184, 0.0113])
    assert found["pm_ra"] == [None, -20.0, None]
    assert found["parallax"] == [None, 2.0, None]
    assert found["parallax_err"] == [None, 0.5, None]
    assert found["pm_ra_err"] == [None] * 3
    assert found["ra"] == [1.0, 2.0, 3.0]


def test_fields_are_what_the_files_can_fill():
    every = desi_fields({"FLUX_IVAR_G", "PARALLAX"}, True, lsf=True, measured={True})
    names = [field.name for field in every]
    assert {"ra", "photometry_legacy_flux", "pm_ra", "spectrum_desi_lsf", "targets"} <= set(names)
    few = {field.name: metadata_of(field) for field in desi_fields(set(), False, lsf=False, measured={False})}
    assert not {"ra", "photometry_legacy_flux", "pm_ra", "spectrum_desi_lsf"} & set(few)
    assert few["spectrum_desi_flux"]["ivar_source"] == "estimated"
    assert few["spectrum_desi_flux"]["grid"] == "linear,3600,0.8,7781"
    assert "ESTIMATED_IVAR=65536" in few["spectrum_desi_mask"]["bits"]
    mixed = desi_fields(set(), False, lsf=False, measured={False, True})
    assert metadata_of(next(f for f in mixed if f.name == "spectrum_desi_ivar"))["ivar_source"] == "mixed"
    assert or_null(np.array([1.0, np.inf])) == [1.0, None]
