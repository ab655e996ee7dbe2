"""DESI's real files: counts, classes, redshifts, wavelengths and units against what astropy says of them directly."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from asterism.catalogs.columns import metadata_of
from asterism.surveys.desi import DesiDoor
from asterism.surveys.desi_coadd import ESTIMATED
from asterism.surveys.doors import ingest_files

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve() / "spectra" / "desi"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real spectra are not beside the project")
WAVE = 3600.0 + 0.8 * np.arange(7781)
ARMS = "BRZ"


def read(paths, out):
    made = ingest_files(DesiDoor(), paths, out, workers=1)
    rows = {row["object_id"]: row for row in made.read().to_pylist()}
    return made, rows


def by_hand(hdus, row):
    """Coadd of the arms of one row, pixel by pixel of the wavelengths that the file gives."""
    flux, weight = np.zeros(7781), np.zeros(7781)
    for arm in ARMS:
        at = np.rint((hdus[f"{arm}_WAVELENGTH"].data - 3600.0) / 0.8).astype(int)
        ivar = hdus[f"{arm}_IVAR"].data[row].astype(float)
        flux[at] += hdus[f"{arm}_FLUX"].data[row] * ivar
        weight[at] += ivar
    seen = weight > 0
    return np.divide(flux, weight, out=np.full(7781, np.nan), where=seen), weight


def check_spectrum(row, flux, ivar):
    assert np.allclose(row["spectrum_desi_ivar"], ivar, rtol=1e-5)
    assert np.allclose(row["spectrum_desi_flux"], flux, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_units_and_wavelengths(tmp_path):
    made, _ = read([DATA / "fastspecfit"], tmp_path / "c")
    table = made.table(["spectrum_desi_flux", "spectrum_desi_ivar", "spectrum_desi_lsf"])
    with fits.open(DATA / "fastspecfit" / "coadd-special-dark-27247.fits") as hdus:
        assert table["spectrum_desi_flux"].unit == u.Unit(hdus["B_FLUX"].header["BUNIT"])
        assert table["spectrum_desi_ivar"].unit.is_equivalent(u.Unit(hdus["B_FLUX"].header["BUNIT"]) ** -2)
        assert u.Unit(hdus["B_WAVELENGTH"].header["BUNIT"]) == table["spectrum_desi_lsf"].unit == u.AA
        ends = hdus["B_WAVELENGTH"].data[0], hdus["Z_WAVELENGTH"].data[-1]
    grid = metadata_of(made.schema.field("spectrum_desi_flux"))["grid"].split(",")
    first, step, size = float(grid[1]), float(grid[2]), int(grid[3])
    assert (grid[0], first, first + step * (size - 1)) == ("linear", pytest.approx(ends[0]), pytest.approx(ends[1]))
    lsf = np.array(table["spectrum_desi_lsf"].value)
    resolution = WAVE / (2.3548 * lsf)
    # Guy et al. 2023, figure 25: about 2,000 at the blue end to 5,500 at the red one
    assert 1500 < np.nanmedian(resolution[:, :200]) < 2700
    assert 4000 < np.nanmedian(resolution[:, -1000:]) < 6500


@pytest.mark.parametrize("name", ["4-80613-thru20210324", "special-dark-27247"])
def test_coadds_and_redrock(tmp_path, name):
    made, rows = read([DATA / "fastspecfit" / f"coadd-{name}.fits"], tmp_path / "c")
    with fits.open(DATA / "fastspecfit" / f"coadd-{name}.fits") as hdus:
        fibres = hdus["FIBERMAP"].data[0]
        with fits.open(DATA / "fastspecfit" / f"redrock-{name}.fits") as other:
            redshift = other["REDSHIFTS"].data[0]
        assert len(made) == len(hdus["FIBERMAP"].data) == 1
        row = rows[f"desi-{fibres['TARGETID']}-{name}"]
        check_spectrum(row, *by_hand(hdus, 0))
        assert row["mjd"] == pytest.approx(hdus["EXP_FIBERMAP"].data["MJD"].mean())
        wanted = [fibres[f"FLUX_{band}"] for band in ("G", "R", "Z", "W1", "W2")]
        if any(wanted):
            assert row["photometry_legacy_flux"] == pytest.approx(wanted)
            assert row["photometry_legacy_ivar"][4] == pytest.approx(fibres["FLUX_IVAR_W2"])
            assert row["photometry_legacy_extinction"][0] == pytest.approx(3.214 * fibres["EBV"])
        else:
            assert row["photometry_legacy_flux"] is None
    assert row["redshift"] == pytest.approx(redshift["Z"])
    assert row["class"] == redshift["SPECTYPE"] == "GALAXY"
    assert row["label_warning"] == redshift["ZWARN"] == 0
    assert (row["ra"], row["dec"]) == (fibres["TARGET_RA"], fibres["TARGET_DEC"])
    assert row["targets"] == (["BGS_ANY", "BGS_FIBMAG"] if name.startswith("4") else ["SCND_ANY"])
    assert len(made.quarantine()) == 0


def test_quasars_of_a_catalogue(tmp_path):
    made, rows = read([DATA / "picca_tile"], tmp_path / "c")
    with (
        fits.open(next((DATA / "picca_tile").rglob("coadd-*.fits"))) as hdus,
        fits.open(DATA / "picca_tile" / "QSO_cat_fuji_dark_tile.fits.gz") as other,
    ):
        catalogue = {int(row["TARGETID"]): row for row in other[1].data}
        assert len(made) == len(hdus["FIBERMAP"].data) == 5
        for k, target in enumerate(hdus["FIBERMAP"].data["TARGETID"].tolist()):
            row = rows[f"desi-{target}-1-80693-thru20210204"]
            check_spectrum(row, *by_hand(hdus, k))
            assert row["redshift"] == pytest.approx(catalogue[target]["Z"])
            assert row["class"] == "QSO"
            assert "QSO" in row["targets"]
    assert 2.0 < min(row["redshift"] for row in rows.values()) < max(row["redshift"] for row in rows.values()) < 3.1


def test_spectra_without_labels_and_positions(tmp_path):
    made, rows = read([DATA / "quasarnp"], tmp_path / "c")
    with fits.open(DATA / "quasarnp" / "test_coadd.fits") as hdus:
        observed = [k for k in range(25) if any((hdus[f"{arm}_IVAR"].data[k] > 0).any() for arm in ARMS)]
        assert len(observed) == 24  # row 11 is zeros from end to end
        assert set(rows) == {f"desi-test_coadd-{k}" for k in observed}
        for k in observed:
            check_spectrum(rows[f"desi-test_coadd-{k}"], *by_hand(hdus, k))
    assert not made.placed
    assert {row["class"] for row in rows.values()} == {None}
    assert made.quarantine()["row"].to_pylist() == ["11"]


def test_spectra_without_errors(tmp_path):
    made, rows = read([DATA / "student_andes"], tmp_path / "c")
    counted = 0
    for file in sorted((DATA / "student_andes").glob("coadd-*.fits")):
        with fits.open(file) as hdus, fits.open(file.with_name(file.name.replace("coadd", "zbest"))) as other:
            table, zbest = hdus[1].data, {int(row["TARGETID"]): row for row in other[1].data}
            wave = table["WAVELENGTH"]
            assert (wave.min(), wave.max()) == (pytest.approx(3600.0), pytest.approx(9824.0))
            for name in hdus[1].columns.names[1:]:
                counted += 1
                target = int(name.removeprefix("TARGET"))
                row, best = rows[f"desi-{target}-{file.stem.removeprefix('coadd-')}"], zbest[target]
                single = np.searchsorted(wave, [4000.0, 6600.0, 9000.0])  # where one arm sees
                ours = np.array(row["spectrum_desi_flux"])[np.rint((wave[single] - 3600.0) / 0.8).astype(int)]
                assert ours == pytest.approx(table[name][single], rel=1e-5)
                assert row["redshift"] == pytest.approx(best["Z"], rel=1e-6)
                assert row["spectrum_desi_deltachi2"] == pytest.approx(best["DELTACHI2"], rel=1e-6)
                assert row["class"] == best["SPECTYPE"]
                assert row["ra"] == best["TARGET_RA"]
                assert set(row["spectrum_desi_mask"]) == {ESTIMATED}
                if "wd" in file.name:
                    assert row["photometry_legacy_flux"][:3] == pytest.approx([best[f"FLUX_{b}"] for b in "GRZ"])
                    assert row["parallax"] == pytest.approx(best["PARALLAX"])
                    assert row["pm_ra"] == pytest.approx(best["PMRA"])
                    assert row["mjd"] == pytest.approx(best["MJD"])
                    assert "SV0_WD" in row["targets"]
    assert len(made) == counted == 13
    classes = [row["class"] for row in rows.values()]
    assert {name: classes.count(name) for name in set(classes)} == {"GALAXY": 8, "STAR": 3, "QSO": 2}
    assert made.groups["spectrum_desi"].meta("ivar_source") == "estimated"


def test_all_files_together(tmp_path):
    made, rows = read([DATA], tmp_path / "c")
    assert made.placed
    assert len(made) == 2 + 5 + 13
    assert made.groups["spectrum_desi"].meta("ivar_source") == "mixed"
    assert sum(bool(row["spectrum_desi_mask"][0] & ESTIMATED) for row in rows.values()) == 13
    ((line),) = made.quarantine().to_pylist()
    assert (line["file"], line["reason"][:16]) == ("test_coadd.fits", "has no positions")
