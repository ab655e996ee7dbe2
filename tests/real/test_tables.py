"""Every preset on its real table, against numbers computed here with pandas and numpy from the files themselves."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from asterism.errors import BadInputError
from asterism.surveys.table import ingest_table

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real tables are not beside the project")

BANDS = "ugriz"
B = dict(zip(BANDS, np.array([1.4, 0.9, 1.2, 1.8, 7.4]) * 1e-10, strict=True))
AB = dict(zip(BANDS, [-0.04, 0.0, 0.0, 0.0, 0.02], strict=True))
DEPTH = dict(zip(BANDS, [22.15, 23.13, 22.70, 22.20, 20.71], strict=True))
SIGMA = {band: 10 ** (-0.4 * (DEPTH[band] - AB[band] - 22.5)) / 5 for band in BANDS}


def contract_flux(m, band):
    """CONTRACT.md's formula, in nanomaggies."""
    return 1e9 * 2 * B[band] * np.sinh(-m * np.log(10) / 2.5 - np.log(B[band]))


def contract_sigma(m, error, band):
    x = contract_flux(m, band) / 1e9 / (2 * B[band])
    return 1e9 * error * np.log(10) / 2.5 * 2 * B[band] * np.sqrt(1 + x**2)


def expected(frame, names, errors=None):
    """Flux, sigma, and which cells are blank and corrupt, all (n, 5)."""
    mags = np.stack([frame[name].to_numpy(float) for name in names], axis=1)
    blank = mags < -100
    safe = np.where(blank, 20.0, mags)
    flux = np.stack([contract_flux(safe[:, k], band) for k, band in enumerate(BANDS)], axis=1)
    if errors is None:
        sigma = np.broadcast_to([SIGMA[band] for band in BANDS], flux.shape)
    else:
        sigma = np.stack(
            [
                contract_sigma(safe[:, k], frame[e].to_numpy(float), b)
                for k, (e, b) in enumerate(zip(errors, BANDS, strict=True))
            ],
            axis=1,
        )
    return flux, sigma, blank, ~blank & (flux < -5 * sigma)


def frame_of(catalog):
    table = catalog.read()
    plain = [name for name in table.column_names if not str(table.schema.field(name).type).startswith("fixed")]
    frame = table.select(plain).to_pandas()
    for quantity in ("flux", "ivar"):
        frame[[f"{quantity}_{band}" for band in BANDS]] = np.array(table[f"photometry_sdss_{quantity}"].to_pylist())
    return frame


def quarantine(catalog):
    return pq.read_table(catalog.path / "quarantine.parquet").to_pandas()


def check_photometry(found, flux, sigma, blank, corrupt):
    """`found` has the rows of `flux` in the same order."""
    got, ivar = (found[[f"{q}_{band}" for band in BANDS]].to_numpy() for q in ("flux", "ivar"))
    good = ~blank & ~corrupt
    np.testing.assert_allclose(got[good], flux[good], rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(ivar[good], sigma[good] ** -2, rtol=2e-6)
    assert np.isnan(got[~good]).all()
    assert (ivar[~good] == 0).all()


def photometry_of(catalog):
    group = catalog.groups["photometry_sdss"]
    assert group.bands == tuple(BANDS)
    assert group.zero_point == "sdss"
    assert group.meta("unit") == "nanomaggy"
    return group


def test_sdss17(tmp_path):
    path = DATA / "photometry/sdss17/StellarObjs.csv"
    raw = pd.read_csv(path)
    catalog = ingest_table([path], tmp_path / "c", preset="sdss17")
    assert catalog.placed
    assert len(catalog) == len(raw) == 80_000
    group = photometry_of(catalog)
    assert (group.dereddened, group.meta("ivar_source")) == (False, "depth")
    found = frame_of(catalog)
    assert Counter(found["class"]) == {"GALAXY": 47_557, "STAR": 17_278, "QSO": 15_165} == Counter(raw["class"])
    assert found["object_id"].is_unique
    raw["ra"], raw["dec"] = raw["right_ascension_angle"], raw["declination_angle"]
    assert not raw.duplicated(["ra", "dec"]).any()
    both = raw.reset_index(names="row").merge(found, on=["ra", "dec"], suffixes=("", "_found"), validate="1:1")
    assert len(both) == 80_000
    assert (both["class"] == both["class_found"]).all()
    # The redshift is the spectrum's, and 319 galaxies have none.
    blank = (raw["class"] == "GALAXY") & (raw["redshift"] == 0)
    assert blank.sum() == 319
    lost = both["redshift_found"].isna()
    assert (lost == ((both["class"] == "GALAXY") & (both["redshift"] == 0))).all()
    np.testing.assert_allclose(both["redshift_found"][~lost], both["redshift"][~lost], rtol=1e-6)
    days = (pd.to_datetime(both["date"]) - pd.Timestamp("1858-11-17")).dt.days
    assert (both["mjd"] == days).all()
    names = [f"{name}_filter" for name in ("ultraviolet", "green", "red", "near_infrared", "infrared")]
    flux, sigma, none, corrupt = expected(both, names)
    check_photometry(both, flux, sigma, none, corrupt)
    # The six magnitudes beyond 30 are among the corrupt ones; most of the 14 % beyond u = 24.63 are non-detections.
    mags = both[names].to_numpy()
    assert (mags > 30).sum() == 6
    assert corrupt[mags > 30].all()
    silent = (both["flux_u"] <= 0) & (both["ivar_u"] > 0)
    assert 0.13 < silent.mean() < 0.15
    told = quarantine(catalog)
    assert len(told) == corrupt.sum() + 319
    assert told["reason"].str.contains("is corrupt").sum() == corrupt.sum()
    assert set(told["row"][told["reason"].str.contains("exactly 0")].astype(int)) == set(np.flatnonzero(blank) + 1)
    wanted = {(str(both["row"][k] + 1), names[b]) for k, b in zip(*np.nonzero(corrupt), strict=True)}
    lines = told[told["reason"].str.contains("is corrupt")]
    assert {(row, reason.split(" ")[0]) for row, reason in zip(lines["row"], lines["reason"], strict=True)} == wanted


def test_sdss_balanced(tmp_path):
    paths = [DATA / f"photometry/sdss_balanced/sdss_{name}.csv" for name in ("galaxy", "quasar", "star")]
    raw = pd.concat([pd.read_csv(p, comment="#", dtype={"objid": str}).assign(file=p.name) for p in paths])
    catalog = ingest_table(paths, tmp_path / "c", preset="sdss_balanced")
    group = photometry_of(catalog)
    assert (group.dereddened, group.meta("magnitude_type"), group.meta("ivar_source")) == (True, "model", "depth")
    names = [f"dered_{band}" for band in BANDS]
    whole = raw[(raw[names] > -100).any(axis=1)]
    assert (len(raw), len(whole)) == (24_000, 23_998)
    found = frame_of(catalog)
    assert len(found) == len(whole)
    both = whole.merge(found, left_on="objid", right_on="object_id", suffixes=("", "_found"), validate="1:1")
    assert len(both) == len(whole)  # ids of 19 digits, whole
    assert (both["source_id"] == both["objid"]).all()
    assert (both["release"] == both["file"]).all()
    assert (both["class"] == both["class_found"]).all()
    assert Counter(found["class"]) == {"GALAXY": 8000, "STAR": 8000, "QSO": 7998}
    np.testing.assert_allclose(both["redshift_found"], both["redshift"], rtol=1e-6)
    check_photometry(both, *expected(both, names))
    point = both["photometry_sdss_psf_probability"]
    known = both["probPSF"] >= 0
    assert (point[known] == both["probPSF"][known]).all()
    assert point[~known].isna().all()
    told = quarantine(catalog)
    left = told[told["reason"].str.startswith("nothing was observed")]
    dropped = raw[(raw[names] < -100).all(axis=1)]
    assert set(zip(left["row"].astype(int), left["file"], strict=True)) == set(
        zip(dropped.index + 1, dropped["file"], strict=True)
    )
    assert len(told) == 2 + expected(whole, names)[3].sum()


def test_ast596_and_that_both_magnitudes_are_corrected(tmp_path):
    paths = [DATA / f"photometry/ast596/{name}.csv" for name in ("galaxy1000", "star1000", "qso10000")]
    raw = pd.concat([pd.read_csv(p, dtype={"objid": str}) for p in paths])
    names = [f"dered_{band}" for band in BANDS]
    other = [f"mag_{band}" for band in BANDS]
    lost = raw[(raw[names] == -9999).all(axis=1)]
    assert len(lost) == 8
    # Where there is no magnitude, mag_* is -9999 minus the extinction: it was corrected as dered_* was, by the
    # coefficients that SDSS used before DR13.
    taken_off = -9999 - lost[other].to_numpy()
    np.testing.assert_allclose(
        taken_off / taken_off[:, 2:3],
        np.broadcast_to(np.array([5.155, 3.793, 2.751, 2.086, 1.479]) / 2.751, taken_off.shape),
        rtol=0.03,
    )
    stars = raw[raw["class"] == "STAR"]
    assert abs((stars["mag_r"] - stars["dered_r"]).median()) < 0.01
    galaxies = raw[raw["class"] == "GALAXY"]
    assert (galaxies["mag_r"] - galaxies["dered_r"]).median() > 1.5
    catalog = ingest_table(paths, tmp_path / "c", preset="ast596")
    group = photometry_of(catalog)
    assert (group.dereddened, group.meta("magnitude_type")) == (True, "model")
    found = frame_of(catalog)
    assert Counter(found["class"]) == {"GALAXY": 800, "STAR": 800, "QSO": 7992}
    whole = raw[(raw[names] > -100).any(axis=1)]
    found["psf"] = np.array(catalog.read()["photometry_sdss_psf_minus_model"].to_pylist())[:, 2]
    both = whole.merge(found, left_on="objid", right_on="object_id", suffixes=("", "_found"), validate="1:1")
    np.testing.assert_allclose(both["psf"], both["mag_r"] - both["dered_r"], atol=1e-5)
    np.testing.assert_allclose(both["redshift"], both["spec_z"], rtol=1e-6)
    check_photometry(both, *expected(both, names))
    assert len(quarantine(catalog)) == 8 + expected(whole, names)[3].sum()


def test_mlz(tmp_path):
    paths = [DATA / f"photoz/mlz/SDSS_MGS.{part}" for part in ("train", "test")]
    columns = [
        "zs",
        "u",
        "g",
        "r",
        "i",
        "z",
        "u-g",
        "g-r",
        "r-i",
        "i-z",
        "eu",
        "eg",
        "er",
        "ei",
        "ez",
        "eu-g",
        "eg-r",
        "er-i",
        "ei-z",
    ]
    raw = pd.concat(
        [pd.DataFrame(np.loadtxt(p), columns=columns).assign(file=p.name) for p in paths], ignore_index=True
    )
    catalog = ingest_table(paths, tmp_path / "c", preset="mlz")
    assert not catalog.placed
    assert photometry_of(catalog).meta("ivar_source") == "measured"
    found = frame_of(catalog)  # unplaced: the order of the files
    assert Counter(found["release"]) == {"SDSS_MGS.train": 5000, "SDSS_MGS.test": 2500}
    assert (found["release"].to_numpy() == raw["file"].to_numpy()).all()
    assert set(found["class"]) == {"GALAXY"}
    np.testing.assert_allclose(found["redshift"], raw["zs"], rtol=1e-6)
    check_photometry(found, *expected(raw, list(BANDS), [f"e{band}" for band in BANDS]))
    train = catalog.read(["redshift"], where="release = 'SDSS_MGS.train'")
    assert len(train) == 5000
    assert quarantine(catalog).empty


def test_cosmophotoz(tmp_path):
    paths = [DATA / f"photoz/cosmophotoz/sdss-ugriz-{part}.dat" for part in ("train", "test")]
    columns = [*BANDS, *(f"e_{band}" for band in BANDS), "redshift"]
    raw = pd.concat(
        [pd.DataFrame(np.loadtxt(p), columns=columns).assign(file=p.name) for p in paths], ignore_index=True
    )
    catalog = ingest_table(paths, tmp_path / "c", preset="cosmophotoz")
    found = frame_of(catalog)
    assert Counter(found["release"]) == {"sdss-ugriz-train.dat": 5000, "sdss-ugriz-test.dat": 3000}
    np.testing.assert_allclose(found["redshift"], raw["redshift"], rtol=1e-6)
    flux, sigma, blank, corrupt = expected(raw, list(BANDS), [f"e_{band}" for band in BANDS])
    check_photometry(found, flux, sigma, blank, corrupt)
    assert corrupt[(raw["g"] > 36).to_numpy(), 1].all()
    told = quarantine(catalog)
    assert len(told) == corrupt.sum()
    # The twelve test objects that are in the training file too are two rows of one source.
    train, test = (found[found["release"] == f"sdss-ugriz-{part}.dat"] for part in ("train", "test"))
    assert test["source_id"].isin(train["source_id"]).sum() == 12
    first, second = (raw[raw["file"] == p.name] for p in paths)
    assert len(second.merge(first, on=list(BANDS))) == 12


def test_2slaq(tmp_path):
    path = DATA / "photoz/2slaq/2slaq_small.csv"
    raw = pd.read_csv(path)
    catalog = ingest_table([path], tmp_path / "c", preset="2slaq")
    names = [f"mag_{band}" for band in BANDS]
    whole = raw[(raw[names] > -100).any(axis=1)].reset_index(drop=True)
    assert (len(raw), len(whole)) == (11_323, 11_319)
    found = frame_of(catalog)
    np.testing.assert_allclose(found["redshift"], whole["redshift"], rtol=1e-6)
    check_photometry(found, *expected(whole, names))
    told = quarantine(catalog)
    left = told[told["reason"].str.startswith("nothing was observed")]
    assert set(left["row"].astype(int)) == set(np.flatnonzero((raw[names] == -666).all(axis=1)) + 1)
    assert len(told) == 4 + expected(whole, names)[3].sum()


def test_the_wrong_preset_is_one_sentence(tmp_path):
    with pytest.raises(BadInputError, match="StellarObjs.csv: unknown column 'objid'"):
        ingest_table([DATA / "photometry/sdss17/StellarObjs.csv"], tmp_path / "c", preset="ast596")
    assert not (tmp_path / "c").exists()
