"""Simulated survey files have the structure of real ones: HDUs, columns, types, keywords and units."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.fits.fits_files import column_names
from asterism.surveys.formats import desi_spectra, lamost_spectra, sdss_frames, sdss_spectra
from asterism.surveys.formats.desi_spectra import ARMS, ArmSpectra, arm_wavelength, resolution_data
from asterism.surveys.formats.sdss_columns import COADD
from asterism.surveys.formats.spectral_grids import grid_named

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
pytestmark = pytest.mark.skipif(not (DATA / "spectra").is_dir(), reason="the real files are not beside the project")


def structure(hdu):
    """Names and types of a table's columns, texts of any length alike; numbers per cell."""
    letters = {}
    for column in hdu.columns:
        dim = column.dim.replace(" ", "") if column.dim and "," in column.dim else None  # lists need none
        count, letter = column.format[:-1] or "1", column.format[-1]
        letters[column.name.upper()] = ("A", "") if letter == "A" else (letter, count, dim)
    return letters


@pytest.mark.parametrize(
    ("name", "schema"),
    [("spec-0266-51602-0013", "SPECOBJ"), ("spec-2295-53734-0017", "SPECOBJ"), ("spec-7338-57859-0739", "SPALL")],
)
def test_sdss_spectra(tmp_path, name, schema):
    size = grid_named("sdss").size
    one = np.ones(size, np.float32)
    spectrum = sdss_spectra.SdssSpectrum(one, one, np.zeros(size, np.int32), one, one, one)
    row = sdss_spectra.spectrum_rows(schema, 1, {"PLATE": 1, "MJD": 50001, "FIBERID": 1})
    written = sdss_spectra.write_spectrum(tmp_path, schema, spectrum, row, {})
    with fits.open(DATA / "spectra" / "sdss" / "full_spec" / f"{name}.fits") as real, fits.open(written) as ours:
        assert [hdu.name for hdu in ours] == [hdu.name for hdu in real[:4]]
        for number in (1, 2, 3):
            assert structure(ours[number]) == structure(real[number])
            assert [c.name for c in ours[number].columns] == [c.name for c in real[number].columns]
        for key in ("TELESCOP", "COEFF1", "VACUUM", "BUNIT", "WFITTYPE", "DC-FLAG", "NWORDER", "FLAVOR"):
            assert ours[0].header[key] == real[0].header[key]
        missing = {"PLATEID", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC", "COEFF0"} - set(ours[0].header)
        assert not missing
        loglam = real[1].data["loglam"].astype(np.float64)
        assert grid_named("sdss").pixels(loglam).min() >= 0


def test_other_boss_files_differ_in_case_and_order():
    file = next((DATA / "spectra" / "sdss" / "picca_boss").rglob("spec-3655*.fits"))
    ours = set(sdss_spectra.spectrum_rows("SPALL", 1, {}).dtype.names)
    with fits.open(file) as real:
        assert {c.name for c in real[2].columns} == ours
        assert [c.name for c in real[1].columns] == [name.upper() for name in column_names(COADD)]


def test_desi_files(tmp_path):
    arms = {}
    for arm in ARMS:
        shape = (1, len(arm_wavelength(arm)))
        one = np.ones(shape, np.float32)
        arms[arm] = ArmSpectra(one, one, np.zeros(shape, np.int32), np.full(shape[1], 0.7))
    target = {"TARGETID": [1]}
    folder = DATA / "spectra" / "desi" / "fastspecfit"
    written = desi_spectra.write_coadd(tmp_path / "c.fits", arms, target, target, {})
    with fits.open(folder / "coadd-4-80613-thru20210324.fits") as real, fits.open(written) as ours:
        assert [hdu.name for hdu in ours] == [hdu.name for hdu in real]
        for one, other in zip(ours, real, strict=True):
            if one.is_image:
                assert (one.shape, one.header["BITPIX"]) == (other.shape, other.header["BITPIX"])
                assert one.header.get("BUNIT") == other.header.get("BUNIT")
                if one.name.endswith("WAVELENGTH"):
                    assert np.allclose(one.data, other.data, atol=1e-6)
            else:
                # That tile was observed in the first survey validation, which has targets of its own.
                expected = {k: v for k, v in structure(other).items() if not k.startswith("SV1_")}
                if one.name == "FIBERMAP":
                    expected["SCND_TARGET"] = ("K", "1", None)
                assert structure(one) == expected
        # The real resolution, blue arm, sums to 1 as ours does, and is as wide.
        matrix = real["B_RESOLUTION"].data[0]
        assert np.median(matrix.sum(axis=0)) == pytest.approx(1.0, abs=0.01)
        offset = np.arange(5, -6, -1)[:, None]
        middle = slice(1300, 1400)
        width = np.sqrt((matrix * offset**2).sum(axis=0) / matrix.sum(axis=0))[middle].mean()
        assert resolution_data(np.full(10, 0.8 * width))[5].mean() == pytest.approx(matrix[5, middle].mean(), abs=0.08)
    written = desi_spectra.write_redrock(tmp_path / "r.fits", target, target, target, {})
    with fits.open(folder / "redrock-4-80613-thru20210324.fits") as real, fits.open(written) as ours:
        assert [hdu.name for hdu in ours] == [hdu.name for hdu in real]
        for name in ("REDSHIFTS", "TSNR2", "EXP_FIBERMAP"):
            assert structure(ours[name]) == structure(real[name])


def test_lamost_spectra(tmp_path):
    size = grid_named("lamost").size
    one = np.ones(size, np.float32)
    cards = {"LMJD": 58575, "PLANID": "P", "SPID": 3, "FIBERID": 2}
    written = lamost_spectra.write_spectrum(tmp_path, one, one, np.zeros(size, np.int32), cards)
    file = sorted((DATA / "spectra" / "lamost" / "lamost_sbc").glob("*.fits"))[0]
    with fits.open(file) as real, fits.open(written) as ours:
        assert len(ours) == len(real) == 1
        assert (ours[0].name, ours[0].shape, ours[0].data.dtype) == (real[0].name, real[0].shape, real[0].data.dtype)
        keys = (
            "EXTEN0",
            "COEFF0",
            "COEFF1",
            "CRVAL1",
            "CD1_1",
            "CTYPE1",
            "TELESCOP",
            "OBS_TYPE",
            "VACUUM",
            "HELIO",
            "DC-FLAG",
        )
        assert {key: ours[0].header[key] for key in keys} == {key: real[0].header[key] for key in keys}
        assert np.allclose(ours[0].data[2], real[0].data[2], atol=0.003)
        head = real[0].header
        assert file.name == lamost_spectra.file_name(head["LMJD"], head["PLANID"], head["SPID"], head["FIBERID"])
        assert lamost_spectra.designation(head["RA"], head["DEC"]) == head["DESIG"]


def test_lamost_headers_of_the_simulator_are_keywords_of_real_ones():
    from asterism.simulate.published import lamost_files

    source = Path(lamost_files.__file__).read_text("utf-8")
    file = sorted((DATA / "spectra" / "lamost" / "lamost_sbc").glob("*.fits"))[0]
    with fits.open(file) as real:
        keys = [line.split('"')[1] for line in source.splitlines() if line.strip().startswith('"') and '": (' in line]
        assert {"OBSID", "PLANID", "CLASS", "Z_ERR"} <= set(keys)
        assert set(keys) <= set(real[0].header)


def test_the_solution_of_frames_has_the_columns_of_astrans(tmp_path):
    image = np.zeros((8, 10), np.float32)
    pointing = sdss_frames.Pointing(10.0, 1.0, 90.0, 0.396)
    field = sdss_frames.Field(4192, 4, 300)
    written = sdss_frames.write_frame(tmp_path, image, "r", field, pointing, 0.005, 150.0, {})
    folder = DATA / "images" / "lsst_demo" / "4192" / "40"
    with fits.open(folder / "astrom" / "asTrans-004192.fit.gz") as real, fits.open(written) as ours:
        expected = {name: kind for name, kind in structure(real[1]).items() if name != "FIELD"}
        expected |= {name: ("D", "1", None) for name in ("NODE", "INCL")}
        assert structure(ours[3]) == expected
    with fits.open(next((folder / "corr" / "4").glob("fpC-*r4*"))) as real, fits.open(written) as ours:
        for key in ("CTYPE1", "CTYPE2", "RADECSYS", "FILTER", "RUN", "CAMCOL", "FRAME", "TELESCOP"):
            assert ours[0].header[key] == real[0].header[key]
        shape = real[0].shape
    assert shape == sdss_frames.FIELD_SHAPE
