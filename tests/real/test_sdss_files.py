"""Every real spectrum of SDSS, BOSS and eBOSS through `ingest sdss`, against what astropy reads from the files."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.sdss import SdssDoor

SDSS = (Path(__file__).parents[2] / ".." / "shared" / "data" / "spectra" / "sdss").resolve()
pytestmark = pytest.mark.skipif(not SDSS.is_dir(), reason="the real spectra are not beside the project")

FOLDERS = {"full_spec": 14, "gsiemon/spectra": 5, "hips": 20, "picca_boss": 30}
FULL = ("0266-51602-0001", "0332-52367-0639", "1230-52672-0233", "1325-52762-0133")  # with exposures, of SDSS-I/II
GRID = grid_named("sdss")


def spectra():
    return sorted(file for folder in FOLDERS for file in (SDSS / folder).rglob("spec-*.fits"))


def column(table, name):
    return table.field([one.lower() for one in table.names].index(name))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return ingest_files(SdssDoor(), spectra(), tmp_path_factory.mktemp("sdss") / "c", workers=1)


@pytest.fixture(scope="module")
def rows(catalog):
    return {row["object_id"]: row for row in catalog.read().to_pylist()}


def test_every_file_is_one_row(catalog, rows):
    assert len(spectra()) == sum(FOLDERS.values()) == len(catalog) == len(rows) == 69
    assert not len(catalog.quarantine())
    assert Counter(row["class"] for row in rows.values()) == {"STAR": 22, "GALAXY": 12, "QSO": 35}


def test_labels_pixels_wavelengths_and_photometry_are_the_files(rows):
    surveys = set()
    for file in spectra():
        with fits.open(file) as hdus:
            pixels, label = hdus[1].data, hdus[2].data
            numbers = [int(column(label, name)[0]) for name in ("plate", "mjd", "fiberid")]
            row = rows["sdss-{:04d}-{:05d}-{:04d}".format(*numbers)]
            for name, ours in (("class", "class"), ("subclass", "subclass")):
                assert column(label, name)[0] == (row[ours] or "")
            for name, ours in (
                ("z", "redshift"), ("z_err", "redshift_err"), ("zwarning", "label_warning"), ("plug_ra", "ra"),
                ("plug_dec", "dec"), ("mjd", "mjd"),
            ):  # fmt: skip
                assert float(column(label, name)[0]) == row[ours], (file.name, name)
            assert column(label, "run2d")[0] == row["release"]
            loglam, flux, ivar = (column(pixels, name).astype(np.float64) for name in ("loglam", "flux", "ivar"))
            seen = np.array(row["spectrum_sdss_ivar"]) > 0
            assert seen.sum() == (ivar > 0).sum()
            assert np.array_equal(np.array(row["spectrum_sdss_flux"])[seen], flux[ivar > 0])
            assert np.array_equal(np.array(row["spectrum_sdss_ivar"])[seen], ivar[ivar > 0])
            assert np.allclose(GRID.wavelength[seen], 10.0 ** loglam[ivar > 0], atol=0.01)
            assert np.array_equal(np.array(row["spectrum_sdss_mask"])[seen], column(pixels, "and_mask")[ivar > 0])
            width = column(pixels, "wdisp")[ivar > 0] * 1e-4 * np.log(10.0) * 10.0 ** loglam[ivar > 0]
            known = width > 0
            assert np.allclose(np.array(row["spectrum_sdss_lsf"])[seen][known], width[known], rtol=1e-4)
            if "modelflux" in [name.lower() for name in label.names]:
                observed = np.array(row["photometry_sdss_ivar"]) > 0
                assert observed.all()
                assert np.array_equal(np.float32(row["photometry_sdss_flux"]), column(label, "modelflux")[0])
                assert np.allclose(row["photometry_sdss_extinction"], column(label, "extinction")[0])
            else:
                assert row["photometry_sdss_flux"] is None
            surveys.add(row["survey"])
    assert surveys == {"sdss", "segue1", "segue2", "boss", "eboss"}


def test_units_and_ranges(catalog, rows):
    group = catalog.groups["spectrum_sdss"]
    assert group.meta("unit") == "1e-17 erg / (s cm2 Angstrom)"
    assert group.meta("medium") == "vacuum"
    with fits.open(spectra()[0]) as hdus:
        assert hdus[0].header["BUNIT"] == "1E-17 erg/cm^2/s/Ang"
        assert hdus[0].header["VACUUM"]
    for row in rows.values():
        ends = GRID.wavelength[np.flatnonzero(np.array(row["spectrum_sdss_ivar"]) > 0)[[0, -1]]]
        boss = row["survey"] in ("boss", "eboss")
        assert (
            (3540 < ends[0] < 3700 and 10300 < ends[1] < 10450)
            if boss
            else (3780 < ends[0] < 3850 and 8600 < ends[1] < 9230)
        )


def test_observations_of_one_source_share_its_name(rows):
    sources = Counter(row["source_id"] for row in rows.values())
    places = Counter()
    for file in spectra():
        with fits.open(file) as hdus:
            label = hdus[2].data
            places[round(float(column(label, "plug_ra")[0]), 3), round(float(column(label, "plug_dec")[0]), 3)] += 1
    assert sorted(sources.values()) == sorted(places.values())
    assert max(sources.values()) == 2
    assert rows["sdss-1325-52762-0133"]["source_id"] == rows["sdss-7338-57859-0739"]["source_id"]


def test_single_exposures_with_blue_ones_from_red_to_blue(tmp_path):
    files = [SDSS / "full_spec" / f"spec-{name}.fits" for name in FULL]
    made = ingest_files(SdssDoor(exposures=True), files, tmp_path / "c", workers=1)
    rows = {row["object_id"]: row for row in made.read().to_pylist()}
    count = 0
    for file, name in zip(files, FULL, strict=True):
        with fits.open(file) as hdus:
            assert (np.diff(hdus[4].data["loglam"]) < 0).all()
            coadd = hdus[1].data
            for hdu in hdus[4:]:
                row = rows[f"sdss-{name}-{hdu.header['CAMERAS'].upper()}-{hdu.header['EXPOSURE']:08d}"]
                seen = np.array(row["spectrum_sdss_ivar"]) > 0
                known = hdu.data["loglam"][hdu.data["ivar"] > 0]
                ends = np.log10(GRID.wavelength[np.flatnonzero(seen)[[0, -1]]])
                assert np.allclose(ends, [known.min(), known.max()], atol=2e-4)
                # The exposure agrees with the coadd of all of them.
                window = GRID.wavelength[seen]
                low, high = np.quantile(window, [0.3, 0.7])
                inside = seen & (GRID.wavelength > low) & (GRID.wavelength < high)
                beside = (10.0 ** coadd["loglam"] > low) & (10.0 ** coadd["loglam"] < high) & (coadd["ivar"] > 0)
                ratio = np.median(np.array(row["spectrum_sdss_flux"])[inside]) / np.median(coadd["flux"][beside])
                assert ratio == pytest.approx(1.0, abs=0.1)
                own = (10.0 ** hdu.data["loglam"] > low) & (10.0 ** hdu.data["loglam"] < high)
                sky = np.array(row["spectrum_sdss_sky"])[inside]
                assert np.nanmedian(sky) == pytest.approx(np.median(hdu.data["sky"][own]), rel=0.03)
                assert abs(row["mjd"] - hdu.header["MJD"]) <= 1.5
                count += 1
    assert count == len(rows) > 20


def test_tables_of_many_spectra(tmp_path):
    files = sorted((SDSS / "gasnet3").glob("*.fits"))
    made = ingest_files(SdssDoor(), files, tmp_path / "c", workers=1)
    rows = {row["object_id"]: row for row in made.read().to_pylist()}
    seen, repeats = {}, 0
    for file in files:
        with fits.open(file) as hdus:
            table, grid = hdus[1].data, hdus[2].data["input_grid"][0]
            for one in table:
                name = f"sdss-{one['PLATE']:04d}-{one['MJD']:05d}-{one['FIBERID']:04d}"
                repeats += name in seen
                if name in seen:
                    continue
                seen[name] = one["CLASS"]
                row, good = rows[name], one["ivar"] > 0
                there = np.array(row["spectrum_sdss_ivar"]) > 0
                assert np.array_equal(np.array(row["spectrum_sdss_flux"])[there], one["flux"][good])
                assert np.abs(np.log10(GRID.wavelength[there]) - grid[good]).max() < 1.3e-5  # 0.13 pixels
                assert (row["class"], row["redshift"]) == (one["CLASS"], one["Z"])
    assert len(made) == len(seen) == 60
    assert repeats == 20
    assert Counter(seen.values()) == Counter({"QSO": 26, "STAR": 20, "GALAXY": 14})
    told = made.quarantine()["reason"].to_pylist()
    assert len(told) == 20
    assert all("is there already" in reason for reason in told)
    assert "ra" not in made.schema.names


def test_everything_at_once_leaves_what_is_no_spectrum_in_quarantine(tmp_path):
    made = ingest_files(SdssDoor(), [SDSS], tmp_path / "c", workers=1)
    assert len(made) == 69
    reasons = Counter(reason[:20] for reason in made.quarantine()["reason"].to_pylist())
    others = len([file for file in (SDSS / "hips").glob("*.fits") if not file.name.startswith("spec-")])
    assert reasons == {"has no position, and": 80, "the file has no colu": others}
