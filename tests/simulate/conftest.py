"""Small libraries in the layout of the real ones, and small surveys as catalogs and files."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from asterism.simulate.frames import plates
from asterism.simulate.objects import selection
from asterism.simulate.sky import simulate
from asterism.surveys.ccd.lamost_frames import Geometry
from asterism.surveys.formats import sdss_frames

LOG = np.arange(3.2, 4.03, 1e-4)


def black_body(wavelength, teff):
    return 1e3 * (wavelength / 5000) ** -5 / np.expm1(1.438777e8 / (wavelength * teff))


def line(wavelength, centre, depth, sigma=6.0):
    return 1 - depth * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)


def write_redrock(folder):
    folder.mkdir()
    wavelength = np.arange(3000.0, 11000.05, 1.0)
    for kind, teff in {"B": 14000, "A": 9000, "F": 6700, "G": 5700, "K": 4700, "M": 3400, "WD": 15000}.items():
        depth = 0.5 if kind == "WD" else 0.3
        middle = black_body(wavelength, teff) * line(wavelength, 4862.69, depth)
        hotter = black_body(wavelength, 1.05 * teff)
        scale = np.sqrt((middle**2).sum())
        rows = np.stack([np.full(7, 1.0), np.linspace(-0.6, 0.6, 7)], axis=1)
        vectors = np.stack([middle, hotter - middle]) / scale
        head = fits.Header({"CRVAL1": 3000.0, "CDELT1": 1.0, "RRSUBTYP": kind, "RRTYPE": "STAR"})
        hdus = [fits.PrimaryHDU(vectors, head), fits.ImageHDU(rows, name="ARCHETYPE_COEFF")]
        fits.HDUList(hdus).writeto(folder / f"rrtemplate-STAR-{kind}-v0.1.fits")
    flat = np.stack([(wavelength / 5000) ** -1.5 * (2 - line(wavelength, 6564.6, 0.8)), 0 * wavelength + 1e-3])
    head = fits.Header({"CRVAL1": 3000.0, "CDELT1": 1.0, "RRSUBTYP": "CV", "RRTYPE": "STAR"})
    fits.PrimaryHDU(np.vstack([flat, flat[1:]]), head).writeto(folder / "rrtemplate-STAR-CV-v0.1.fits")
    for kind, start, stop in (("LOZ", 3.1236, 3.98), ("HIZ", 2.95, 3.65)):
        log = np.arange(start, stop, 1e-4)
        head = fits.Header({"CRVAL1": start, "CDELT1": 1e-4, "RRSUBTYP": kind, "LOGLAM": 1})
        fits.PrimaryHDU(quasar_vectors(10**log), head).writeto(folder / f"rrtemplate-QSO-{kind}-v1.1.fits")


def quasar_vectors(wavelength):
    power = (wavelength / 3000) ** -1.5
    lines = sum(np.exp(-0.5 * ((wavelength - centre) / 25) ** 2) for centre in (1549, 1909, 2799, 4862, 6565))
    return np.stack([power, power * np.log(wavelength / 3000), power * lines, power * (wavelength > 4000)])


def write_desisim(folder):
    folder.mkdir()
    wavelength = np.arange(1300.0, 15000.0, 2.0)
    teff = np.array([3500, 5000, 5800, 6500, 9000, 15000, 30000.0])
    flux = np.stack([black_body(wavelength, t) * line(wavelength, 4862.69, 0.4) for t in teff]).astype("f4")
    vacuum = fits.Header({"AIRORVAC": "vac"})
    table = Table({"TEMPLATEID": np.arange(7), "LOGG": np.full(7, 4.5), "TEFF": teff, "FEH": np.linspace(-2, 0.5, 7)})
    for name, extra in (
        ("star_templates_v2.0-lite", {}),
        ("wd_templates_v2.2-lite", {"WDTYPE": ["DA"] * 5 + ["DB"] * 2}),
    ):
        rows = Table(
            {**{column: table[column] for column in table.columns if not (extra and column == "FEH")}, **extra}
        )
        hdus = [fits.PrimaryHDU(flux), fits.BinTableHDU(rows, name="METADATA"), fits.ImageHDU(wavelength, vacuum)]
        fits.HDUList(hdus).writeto(folder / f"{name}.fits")
    wave = 10 ** np.arange(2.66, 4.01, 1e-3)
    rng = np.random.default_rng(0)
    hdus = [fits.PrimaryHDU()]
    for survey, low, high in (("BOSS", 2.0, 4.0), ("SDSS", 0.1, 2.2)):
        rows = np.stack([np.full(600, 1.0), rng.normal(0, 0.1, 600), rng.uniform(0.2, 1, 600), np.zeros(600)])
        hdus.append(fits.BinTableHDU(Table(rows.T, names=[f"PCA{k}" for k in range(4)]), name=f"{survey}_PCA"))
        hdus.append(fits.ImageHDU(rng.uniform(low, high, 600).astype("f4"), name=f"{survey}_Z"))
    hdus += [fits.ImageHDU(quasar_vectors(wave), name="SDSS_EIGEN"), fits.ImageHDU(wave, name="SDSS_EIGEN_WAVE")]
    fits.HDUList(hdus).writeto(folder / "qso_templates_v2.0-lite.fits")


def write_eigen(folder):
    folder.mkdir()
    wavelength = 10**LOG
    for name, types in {"53724": ["G2", "Carbon", "M4", "WD"], "55734": ["A0V (1)", "G5III (2)", "K0V (3)"]}.items():
        teff = {"G": 5700, "C": 3500, "M": 3200, "W": 12000, "A": 9700, "K": 5270}
        flux = np.stack([black_body(wavelength, teff[kind[0]]) for kind in types])
        if name == "53724":
            flux[:, (wavelength < 3805) | (wavelength > 9205)] = 0.0
        head = fits.Header({"COEFF0": LOG[0], "COEFF1": 1e-4, **{f"NAME{k}": kind for k, kind in enumerate(types)}})
        fits.PrimaryHDU(flux, head).writeto(folder / f"spEigenStar-{name}.fits")
    head = fits.Header({"COEFF0": LOG[0], "COEFF1": 1e-4})
    old = black_body(wavelength, 4500) * line(wavelength, 3934.78, 0.4, 10)
    young = black_body(wavelength, 9000) * (2 - line(wavelength, 6564.6, 0.9, 2))
    galaxies = np.stack([old, young, old * np.log(wavelength / 5000), young * np.log(wavelength / 5000)])
    fits.PrimaryHDU(galaxies, head).writeto(folder / "spEigenGal-56436.fits")
    head = fits.Header({"COEFF0": 2.66, "COEFF1": 1e-4})
    vectors = quasar_vectors(10 ** (2.66 + 1e-4 * np.arange(13371)))
    fits.PrimaryHDU(vectors, head).writeto(folder / "spEigenQSO-58596.fits")


def write_miles(folder):
    folder.mkdir()
    air = 3540.5 + 0.9 * np.arange(4300)
    lines = ["Name", "", " -"]
    for number, (teff, gravity, metals) in enumerate([(3300, "4.90", "-0.10"), (4800, "2.50", "-0.30"),
        (4800, "4.50", "-0.30"), (5800, "4.40", "-1.50"), (9500, "4.00", "--"), (20000, "4.00", "0.10")], 1):  # fmt: skip
        spectrum = black_body(air, teff) * line(air, 5889.95, 0.5, 1.5)
        spectrum[-3:] = 0.0
        head = fits.Header({"CRVAL1": 3540.5, "CDELT1": 0.9, "CRPIX1": 1})
        fits.PrimaryHDU(spectrum, head).writeto(folder / f"MILES_res2.50_star_m{number:04d}V.fits")
        lines.append(f"{'HD':23}{number:04d}{'':9}{'K0':15}{teff:5d} {gravity:>6}{metals:>9}   111")
    (folder / "paramsMILES_v9.1.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def templates_directory(tmp_path_factory):
    """A directory with a small copy of every library."""
    directory = tmp_path_factory.mktemp("templates")
    write_redrock(directory / "redrock")
    write_desisim(directory / "desisim")
    write_eigen(directory / "idlspec2d")
    write_miles(directory / "miles")
    return directory


SMALL_FIELD = (256, 320)
SMALL_FRAMES = Geometry(rows=1400, columns=344, fibres=20, first_row=1450)


def small_instruments(patch):
    """Surveys of every kind, on fields and CCDs that take no time."""
    for name in ("desi-main", "lamost"):
        survey = replace(selection.SURVEYS["sdss-spectro"], name=name)
        patch.setitem(selection.SURVEYS, name, selection.SURVEYS.get(name, survey))
    patch.setattr(sdss_frames, "FIELD_SHAPE", SMALL_FIELD)
    patch.setattr(plates, "FIELD_SHAPE", SMALL_FIELD)
    patch.setattr(plates, "_GEOMETRY", SMALL_FRAMES)


@pytest.fixture(scope="session")
def published_survey(tmp_path_factory):
    """A function that simulates a survey as catalog and files, each survey once: catalog's table by object_id, directory."""
    made = {}

    def of(survey, modalities, size=10):
        if survey not in made:
            directory = tmp_path_factory.mktemp(survey)
            with pytest.MonkeyPatch.context() as patch:
                small_instruments(patch)
                catalog = simulate(
                    size, directory / "sky", survey=survey, seed=4, modalities=modalities, workers=1,
                    as_survey=directory / "files",
                )  # fmt: skip
                made[survey] = catalog.read().sort_by("object_id"), directory / "files"
        return made[survey]

    return of


@pytest.fixture(scope="session")
def sdss_survey(published_survey):
    """Catalog and files of an SDSS survey."""
    return published_survey("sdss-spectro", ("photometry", "image", "spectrum"))


@pytest.fixture(scope="session")
def desi_survey(published_survey):
    """Catalog and files of a DESI survey."""
    return published_survey("desi-main", ("photometry", "image", "spectrum"))


@pytest.fixture(scope="session")
def lamost_survey(published_survey):
    """Catalog and files of a LAMOST survey with raw frames of 20 fibres."""
    return published_survey("lamost", ("photometry", "spectrum", "spectrum2d"), 14)


@pytest.fixture(scope="session")
def values():
    """A function that gives a column of lists as an array (rows, length)."""
    return lambda table, name: np.array(table[name].combine_chunks().flatten()).reshape(len(table), -1)
