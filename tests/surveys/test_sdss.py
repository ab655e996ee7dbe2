"""SDSS's, BOSS's and eBOSS's spectra: both schemas in any letters, single exposures, tables of many, hostile values."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

from asterism.errors import BadInputError
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.sdss_spectra import SdssSpectrum, spectrum_rows, write_spectrum
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.sdss import PIXEL_MASK, SdssDoor

GRID = grid_named("sdss")
FIRST, SIZE = 400, 3800
INSIDE = slice(FIRST, FIRST + SIZE)


def spectrum(seed=0):
    rng = np.random.default_rng(seed)
    ivar = np.zeros(GRID.size, np.float32)
    ivar[INSIDE] = rng.uniform(0.1, 2.0, SIZE)
    ivar[FIRST + 100 : FIRST + 110] = 0.0
    mask = np.where(ivar > 0, 0, PIXEL_MASK["NOSKY"]).astype(np.int32)
    flux = rng.normal(10.0, 1.0, GRID.size).astype(np.float32)
    width = np.full(GRID.size, 0.9, np.float32)
    return SdssSpectrum(flux, ivar, mask, width, flux, flux)


LABELS = {
    "PLATE": 266, "MJD": 51602, "FIBERID": 1, "PLUG_RA": 146.7, "PLUG_DEC": -1.04, "CLASS": "GALAXY", "SUBCLASS": "",
    "Z": 0.02, "Z_ERR": 1e-5, "ZWARNING": 4,
}  # fmt: skip


def write(tmp_path, schema="SPECOBJ", seed=0, cards=None, **values):
    extra = {"SURVEY": "sdss"} if schema == "SPECOBJ" else {"CHUNK": "eboss16"}
    row = spectrum_rows(schema, 1, {**LABELS, **extra, **values})
    return write_spectrum(tmp_path, schema, spectrum(seed), row, cards or {})


def ingest(tmp_path, *files, **options):
    made = ingest_files(SdssDoor(**options), files, tmp_path / "c", workers=1)
    return made, made.read().sort_by("object_id").to_pylist()


def check_pixels(row, seed=0):
    given = spectrum(seed)
    assert np.array_equal(np.array(row["spectrum_sdss_ivar"]), given.ivar)
    flux = np.array(row["spectrum_sdss_flux"])
    assert np.array_equal(flux[given.ivar > 0], given.flux[given.ivar > 0])
    assert np.isnan(flux[given.ivar == 0]).all()


def test_a_lite_file_of_sdss(tmp_path):
    made, (row,) = ingest(tmp_path, write(tmp_path))
    check_pixels(row)
    assert row["object_id"] == "sdss-0266-51602-0001"
    names = ("ra", "dec", "survey", "release", "mjd", "class", "subclass", "label_source", "label_warning")
    assert [row[name] for name in names] == [146.7, -1.04, "sdss", "26", 51602.0, "GALAXY", None, "sdss", 4]
    assert row["redshift"] == pytest.approx(0.02)
    assert row["redshift_err"] == pytest.approx(1e-5)
    mask = np.array(row["spectrum_sdss_mask"])
    assert (mask[INSIDE] == spectrum().mask[INSIDE]).all()
    assert mask[0] == PIXEL_MASK["NODATA"]
    lsf = np.array(row["spectrum_sdss_lsf"])
    assert lsf[FIRST + 5] == pytest.approx(0.9 * GRID.wavelength[FIRST + 5] * np.log(10) * 1e-4)
    assert np.isnan(lsf[0])
    assert "photometry_sdss" not in made.groups
    group = made.groups["spectrum_sdss"]
    assert (group.meta("unit"), group.meta("medium"), group.meta("frame")) == (
        "1e-17 erg / (s cm2 Angstrom)", "vacuum", "heliocentric",
    )  # fmt: skip


def relabel(path, change, primary=None):
    """Write a file anew with HDUs changed."""
    with fits.open(path) as hdus:
        made = [hdus[0].copy()] + [change(k, hdu) for k, hdu in enumerate(hdus[1:], 1)]
        for key, value in (primary or {}).items():
            made[0].header[key] = value
        fits.HDUList(made).writeto(path, overwrite=True)
    return path


def renamed(case):
    def change(_, hdu):
        columns = [
            fits.Column(case(c.name), c.format, dim=c.dim, bzero=c.bzero, array=hdu.data[c.name]) for c in hdu.columns
        ]
        return fits.BinTableHDU.from_columns(columns)  # without a name

    return change


@pytest.mark.parametrize("case", [str.upper, str.lower])
@pytest.mark.parametrize("schema", ["SPECOBJ", "SPALL"])
def test_names_in_any_letters_and_hdus_without_names(tmp_path, case, schema):
    _, (row,) = ingest(tmp_path, relabel(write(tmp_path, schema), renamed(case), {"VACUUM": "T"}))
    check_pixels(row)
    assert (row["class"], row["label_warning"]) == ("GALAXY", 4)
    assert row["survey"] == {"SPECOBJ": "sdss", "SPALL": "eboss"}[schema]


def test_photometry_of_boss_files_beside_those_without(tmp_path):
    values = {
        "MODELFLUX": [1.0, 2.0, -50.0, 4.0, 5.0], "MODELFLUX_IVAR": [1.0, 4.0, 1.0, 0.0, 9.0],
        "EXTINCTION": [0.4, 0.3, 0.2, 0.1, 0.05], "PSF_FWHM": [1.4, 1.3, 1.2, 1.1, 0.0], "OBJC_PROB_PSF": 1.0,
        "PSFMAG": [20.0] * 5, "MODELMAG": [19.5] * 5, "FIBERID": 2, "PLUG_DEC": 3.0,
    }  # fmt: skip
    made, (bare, row) = ingest(tmp_path, write(tmp_path), write(tmp_path, "SPALL", 1, **values))
    assert bare["photometry_sdss_flux"] is None
    check_pixels(row, 1)
    flux = np.array(row["photometry_sdss_flux"])
    assert np.array_equal(flux, [1.0, 2.0, np.nan, np.nan, 5.0], equal_nan=True)
    assert row["photometry_sdss_ivar"] == pytest.approx([1.0, 4.0, 0.0, 0.0, 9.0])
    assert row["photometry_sdss_extinction"] == pytest.approx(values["EXTINCTION"])
    assert np.isnan(row["photometry_sdss_psf_fwhm"][4])
    assert row["photometry_sdss_psf_minus_model"] == pytest.approx([0.5] * 5)
    assert row["photometry_sdss_psf_probability"] == 1.0
    (line,) = made.quarantine().to_pylist()
    assert "r is corrupt" in line["reason"]


def test_two_observations_of_a_source_and_a_repeated_file(tmp_path):
    first, second = write(tmp_path), write(tmp_path, "SPALL", 1, PLATE=9367, MJD=57758, PLUG_RA=146.70005)
    again = tmp_path / "again"
    made, rows = ingest(tmp_path, first, second, write(again))
    assert len(rows) == 2
    assert len({row["source_id"] for row in rows}) == 1
    (line,) = made.quarantine().to_pylist()
    assert "is there already" in line["reason"]


def exposure(name, position, flux, seed=0):
    columns = {"flux": flux, "loglam": position, "ivar": np.full(len(flux), 2.0), "wdisp": np.full(len(flux), 1.1)}
    table = fits.BinTableHDU.from_columns(
        [fits.Column(n, "E", array=np.asarray(v, np.float32)) for n, v in columns.items()]
        + [fits.Column("mask", "J", array=np.where(np.arange(len(flux)) == 1000, 1 << 17, 0))]
        + [fits.Column("sky", "E", array=np.full(len(flux), 3.0, np.float32))],
        name=f"{name}-00002591-00002595",
    )
    table.header.update({"CAMERAS": name.lower(), "EXPOSURE": 2591, "TAI-BEG": 4458433925.0, "TAI-END": 4458434834.0})
    return table


def test_single_exposures_from_red_to_blue_and_from_blue_to_red(tmp_path):
    path = write(tmp_path)
    blue = 3.5804 + 1.015e-4 * np.arange(2044) + 4e-9 * np.arange(2044) ** 1.5
    red = 3.7649 + 0.975e-4 * np.arange(2043)
    with fits.open(path) as hdus:
        made = [hdu.copy() for hdu in hdus]
    made += [exposure("B1", blue[::-1], 50.0 + 0.01 * np.arange(2044)[::-1]), exposure("R1", red, np.full(2043, 80.0))]
    fits.HDUList(made).writeto(path, overwrite=True)
    _, rows = ingest(tmp_path, path, exposures=True)
    assert [row["object_id"] for row in rows] == [f"sdss-0266-51602-0001-{camera}-00002591" for camera in ("B1", "R1")]
    assert rows[0]["mjd"] == pytest.approx(51602.25, abs=0.01)
    assert rows[0]["class"] == "GALAXY"
    for row, position in zip(rows, (blue, red), strict=True):
        flux, ivar = np.array(row["spectrum_sdss_flux"]), np.array(row["spectrum_sdss_ivar"])
        seen = ivar > 0
        assert GRID.position[seen][[0, -1]] == pytest.approx(position[[0, -1]], abs=2e-4)
        assert seen[np.argmax(seen) : GRID.size - np.argmax(seen[::-1])].all()
        expected = np.interp(
            GRID.position[seen], position, 50.0 + 0.01 * np.arange(2044) if row is rows[0] else np.full(2043, 80.0)
        )
        assert np.allclose(flux[seen][2:-2], expected[2:-2], atol=0.02)
        assert np.allclose(np.array(row["spectrum_sdss_sky"])[seen], 3.0, atol=1e-5)
        assert (np.array(row["spectrum_sdss_mask"]) == 1 << 17).sum() == 1
        assert np.nanmedian(np.array(row["spectrum_sdss_lsf"])[seen] / GRID.wavelength[seen]) == pytest.approx(
            1.1 * np.log(10) * 1e-4, rel=1e-4
        )


def test_files_without_exposures_are_told(tmp_path):
    with pytest.raises(BadInputError, match="take the full file"):
        ingest(tmp_path, write(tmp_path), exposures=True)


def write_many(path, rows=30, **more):
    wave = np.logspace(np.log10(3600.0), np.log10(9200.0), 4076)  # up to 0.12 pixels from SDSS's
    rng = np.random.default_rng(2)
    ivar = rng.uniform(0.0, 1.0, (rows, 4076)) * (rng.uniform(size=(rows, 4076)) > 0.1)
    columns = [
        fits.Column("CLASS", "6A", array=np.array(["STAR", "QSO", "GALAXY"] * (rows // 3))),
        fits.Column("PLATE", "J", array=np.arange(rows) + 100), fits.Column("MJD", "J", array=np.full(rows, 52000)),
        fits.Column("FIBERID", "J", array=np.arange(rows) + 1), fits.Column("Z", "E", array=np.linspace(0, 1, rows)),
        fits.Column("flux", "4076E", array=rng.normal(5.0, 1.0, (rows, 4076))),
        fits.Column("ivar", "4076E", array=ivar),
        *(fits.Column(name, "D", array=values) for name, values in more.items()),
    ]  # fmt: skip
    grid = fits.BinTableHDU.from_columns([fits.Column("input_grid", "4076D", array=np.log10(wave)[None])])
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns), grid]).writeto(path)
    return path


def test_tables_of_many_spectra_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("asterism.surveys.sdss._ROWS_BYTES", 7 * 33_000)
    path = write_many(tmp_path / "many.fits")
    parts = SdssDoor().plan([path]).parts
    assert len(parts) > 3
    assert parts[0].rows[0] == 0
    assert parts[-1].rows[1] == 30
    made, rows = ingest(tmp_path, path)
    assert len(rows) == 30
    assert "ra" not in made.schema.names
    with fits.open(path) as hdus:
        table = hdus[1].data
        for k, row in enumerate(rows):
            assert row["object_id"] == f"sdss-{100 + k:04d}-52000-{k + 1:04d}"
            assert row["class"] == table["CLASS"][k]
            good = table["ivar"][k] > 0
            seen = np.array(row["spectrum_sdss_ivar"]) > 0
            assert np.array_equal(np.array(row["spectrum_sdss_flux"])[seen], table["flux"][k][good])
            assert GRID.position[seen][0] == pytest.approx(hdus[2].data["input_grid"][0][good][0], abs=2e-5)


def test_tables_without_positions_beside_files_with_positions(tmp_path):
    made, rows = ingest(tmp_path, write_many(tmp_path / "many.fits", 3), write(tmp_path))
    assert [row["object_id"] for row in rows] == ["sdss-0266-51602-0001"]
    lines = made.quarantine().to_pylist()
    assert len(lines) == 3
    assert "ingest tables without positions by themselves" in lines[0]["reason"]
    ra, dec = np.arange(3.0), np.zeros(3)
    _placed, rows = ingest(tmp_path / "p", write_many(tmp_path / "placed.fits", 3, RA=ra, DEC=dec))
    assert sorted(row["ra"] for row in rows) == [0.0, 1.0, 2.0]


def test_files_in_air_are_converted_and_it_is_recorded(tmp_path):
    made, (row,) = ingest(tmp_path, relabel(write(tmp_path), lambda _, hdu: hdu, {"VACUUM": False}))
    (line,) = made.quarantine().to_pylist()
    assert "in air" in line["reason"]
    seen = np.array(row["spectrum_sdss_ivar"]) > 0
    shift = np.argmax(seen) - FIRST
    assert 0 < shift <= 2  # 1.1 Å of 0.9
    assert np.nanmean(row["spectrum_sdss_flux"]) == pytest.approx(10.0, abs=0.1)


def test_packed_files_and_simulated_ones(tmp_path):
    path = write(tmp_path, cards={"ORIGIN": "Asterism", "SIMSURV": "sdss-spectro"})
    packed = tmp_path / "spec-x.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    _, (row,) = ingest(tmp_path, packed)
    check_pixels(row)
    assert (row["survey"], row["release"], row["label_source"]) == ("simulated", "sdss-spectro", "simulated")


@pytest.mark.parametrize(
    ("values", "cards", "reason"),
    [
        ({}, {"BUNIT": "Jy"}, "has fluxes in Jy"),
        ({"PLUG_RA": np.nan}, {"PLUG_RA": 1.0}, "no position"),
        ({"PLUG_DEC": 95.0}, {}, "no position"),
    ],
)
def test_what_can_not_be_used_says_why(tmp_path, values, cards, reason):
    good = write(tmp_path)
    bad = write(tmp_path, PLATE=267, cards=cards, **values)
    made, rows = ingest(tmp_path, good, bad)
    assert len(rows) == 1
    (line,) = made.quarantine().to_pylist()
    assert reason in line["reason"]
    assert line["file"] == bad.name


def test_damaged_files_and_others_are_quarantined_or_refused(tmp_path):
    good, cut, empty = write(tmp_path), write(tmp_path, PLATE=267), write(tmp_path, PLATE=268)
    cut.write_bytes(cut.read_bytes()[:60_000])
    empty.write_bytes(b"")
    fits.PrimaryHDU(np.zeros((51, 51))).writeto(tmp_path / "stamp-g.fits")
    made, rows = ingest(tmp_path, tmp_path)
    assert [row["object_id"] for row in rows] == ["sdss-0266-51602-0001"]
    assert {line["file"] for line in made.quarantine().to_pylist()} == {cut.name, empty.name, "stamp-g.fits"}
    with pytest.raises(BadInputError, match="none of 1 files is a spectrum of SDSS"):
        ingest(tmp_path / "x", tmp_path / "stamp-g.fits")
    assert good.exists()


def test_strange_labels_are_unknown(tmp_path):
    _, (row,) = ingest(tmp_path, write(tmp_path, CLASS="COW", Z=np.nan, Z_ERR=-1.0, MJD=51603))
    assert [row[name] for name in ("class", "redshift", "redshift_err")] == [None] * 3
