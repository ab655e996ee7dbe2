"""LAMOST's 1D spectra of all releases: wavelengths, rows, unknown labels, times, air."""

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.formats.wavelength import vacuum_to_air
from asterism.surveys.lamost import LamostDoor

GRID = grid_named("lamost")
FIRST, SIZE = 12, 3800
HEADER = {
    "LMJD": 55862, "PLANID": "B6212", "SPID": 6, "FIBERID": 3, "RA": 99.3, "DEC": 27.2, "CLASS": "STAR", "SUBCLASS": "G5",
    "Z": 1e-4, "Z_ERR": 2e-5, "VACUUM": True, "COEFF0": round(GRID.position[FIRST], 4), "COEFF1": 1e-4,
    "DATE-OBS": "2011-10-27T20:02:34.19", "MJD": 55863, "DATA_V": "LAMOST DR3",
    "EXTEN0": "Flux, Inverse, Wavelength, Andmask, Ormask",
}  # fmt: skip


def pixels():
    flux = 100.0 + np.arange(SIZE) % 17
    ivar = np.where(np.arange(SIZE) % 50 == 7, 0.0, 0.25)
    mask = np.where(np.arange(SIZE) % 50 == 7, 1.0, 0.0)
    return flux, ivar, mask


def write_image(path, third=None, **cards):
    flux, ivar, mask = pixels()
    wave = GRID.wavelength[FIRST : FIRST + SIZE]
    image = np.stack([flux, ivar, wave if third is None else third, mask, mask]).astype(np.float32)
    fits.PrimaryHDU(image, fits.Header({**HEADER, **cards})).writeto(path)
    return path


def write_table(path, **cards):
    """As DR8 and later describe it: one row, a list in each cell, keywords in the primary header."""
    flux, ivar, mask = pixels()
    wave = GRID.wavelength[FIRST : FIRST + SIZE]
    columns = {"FLUX": flux, "IVAR": ivar, "WAVELENGTH": wave, "ANDMASK": mask, "ORMASK": mask}
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, f"{SIZE}E", array=values[None].astype(np.float32)) for name, values in columns.items()],
        name="COADD",
    )
    header = {k: v for k, v in HEADER.items() if k not in ("COEFF0", "COEFF1", "EXTEN0")}
    fits.HDUList([fits.PrimaryHDU(None, fits.Header({**header, "DATA_V": "LAMOST DR8", **cards})), table]).writeto(path)
    return path


def ingest(tmp_path, *files):
    made = ingest_files(LamostDoor(), files, tmp_path / "c", workers=1)
    return made, made.read().sort_by("object_id").to_pylist()


def check_pixels(row):
    flux, ivar, mask = pixels()
    there = slice(FIRST, FIRST + SIZE)
    assert np.array_equal(np.array(row["spectrum_lamost_ivar"])[there], ivar.astype(np.float32))
    seen = np.array(row["spectrum_lamost_flux"])[there]
    assert np.array_equal(seen[ivar > 0], flux[ivar > 0])
    assert np.isnan(seen[ivar == 0]).all()
    assert np.array_equal(np.array(row["spectrum_lamost_mask"])[there], mask)
    assert row["spectrum_lamost_mask"][0] == 32  # the file has no such pixel


def test_an_image_of_five_rows(tmp_path):
    made, (row,) = ingest(tmp_path, write_image(tmp_path / "spec-a.fits"))
    check_pixels(row)
    assert row["object_id"] == "55862-B6212_sp06-003"
    assert (row["class"], row["subclass"], row["label_warning"], row["release"]) == ("STAR", "G5", 0, "DR3")
    assert row["redshift"] == pytest.approx(1e-4)
    assert row["redshift_err"] == pytest.approx(2e-5)
    assert row["mjd"] == pytest.approx(55861.8351, abs=1e-4)  # the header's MJD is a day late
    assert made.groups["spectrum_lamost"].meta("calibration") == "relative"
    assert made.groups["spectrum_lamost"].meta("medium") == "vacuum"


def test_the_third_row_is_not_trusted_and_rows_go_by_their_names(tmp_path):
    junk = np.full(SIZE, 0.01)
    early = "Flux Inverse Subcontinuum Andmask Ormask"
    check_pixels(ingest(tmp_path, write_image(tmp_path / "spec-a.fits", junk, EXTEN0=early))[1][0])
    flux, ivar, mask = pixels()
    swapped = np.stack([ivar, flux, junk, mask, mask]).astype(np.float32)
    path = tmp_path / "spec-b.fits"
    fits.PrimaryHDU(swapped, fits.Header({**HEADER, "EXTEN0": "Inverse Flux Subcontinuum Andmask Ormask"})).writeto(
        path
    )
    check_pixels(next(iter(LamostDoor().read(LamostDoor().plan([path]).parts[0], ()))).values | {})


def test_a_table_of_lists(tmp_path):
    _, (row,) = ingest(tmp_path, write_table(tmp_path / "spec-a.fits"))
    check_pixels(row)
    assert (row["release"], row["class"]) == ("DR8", "STAR")


def test_unknown_is_no_class_and_minus_9999_no_redshift(tmp_path):
    cards = {"CLASS": "Unknown", "SUBCLASS": "Non", "Z": -9999.0, "Z_ERR": -9999.0}
    _, (row,) = ingest(tmp_path, write_image(tmp_path / "spec-a.fits", **cards))
    assert [row[name] for name in ("class", "subclass", "redshift", "redshift_err")] == [None] * 4
    assert row["label_warning"] == 1
    _, (row,) = ingest(tmp_path / "x", write_image(tmp_path / "spec-b.fits", CLASS="GALAXY", SUBCLASS="Non", Z=0.15))
    assert (row["class"], row["subclass"], row["label_warning"]) == ("GALAXY", None, 0)


def test_air_becomes_vacuum_and_is_recorded(tmp_path):
    made, (row,) = ingest(tmp_path, write_image(tmp_path / "spec-a.fits", VACUUM=False))
    (line,) = made.quarantine().to_pylist()
    assert "in air" in line["reason"]
    assert line["file"] == "spec-a.fits"
    flux, seen = np.array(row["spectrum_lamost_flux"]), np.array(row["spectrum_lamost_ivar"]) > 0
    first = GRID.wavelength[np.flatnonzero(seen)[0]]
    assert vacuum_to_air(first) == pytest.approx(GRID.wavelength[FIRST], abs=1.0)
    assert flux[seen].mean() == pytest.approx(pixels()[0].mean(), rel=1e-3)
    assert np.isnan(flux[~seen]).all()


def test_files_without_lmjd_are_called_by_their_names(tmp_path):
    path = tmp_path / "spec-1-2.fits"
    flux, ivar, mask = pixels()
    header = {k: v for k, v in HEADER.items() if k not in ("PLANID", "DATE-OBS")} | {"LMJMLIST": "80552036-80552051"}
    fits.PrimaryHDU(np.stack([flux, ivar, flux, mask, mask]), fits.Header(header)).writeto(path)
    _, (row,) = ingest(tmp_path, path)
    assert row["object_id"] == "1-2"
    assert row["mjd"] == pytest.approx((80552043.5 - 480) / 1440)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"COEFF0": 3.56825}, "off by up to"),
        ({"COEFF1": "none"}, "no COEFF0 and COEFF1"),
        ({"EXTEN0": "Flux Inverse A B C D E Andmask"}, "says that its rows are"),
        ({"RA": "none"}, "no position"),
        ({"TELESCOP": "SDSS 2.5-M"}, "is of SDSS 2.5-M, not of LAMOST"),
    ],
)
def test_what_can_not_be_used_says_why(tmp_path, change, reason):
    write_image(tmp_path / "spec-a.fits")
    write_image(tmp_path / "spec-b.fits", **{"FIBERID": 4, **change})
    made, rows = ingest(tmp_path, *sorted(tmp_path.glob("*.fits")))
    assert len(rows) == 1
    (line,) = made.quarantine().to_pylist()
    assert reason in line["reason"]
    assert line["file"] == "spec-b.fits"


def test_other_files_are_refused_in_a_sentence(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 3, 2))).writeto(tmp_path / "cube.fits")
    with pytest.raises(BadInputError, match="neither an image of five rows"):
        ingest(tmp_path, tmp_path / "cube.fits")


def test_medium_resolution_is_refused(tmp_path):
    write_table(tmp_path / "med-a.fits")
    with fits.open(tmp_path / "med-a.fits") as hdus:
        made = fits.HDUList([hdu.copy() for hdu in hdus])
    made[1].name = "COADD_B"
    made.writeto(tmp_path / "med-b.fits")
    with pytest.raises(BadInputError, match="medium-resolution"):
        ingest(tmp_path, tmp_path / "med-b.fits")
