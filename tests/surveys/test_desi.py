"""DESI's files through the door: which belong together, what is left out, and what every row says."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from asterism.errors import BadInputError
from asterism.surveys.desi import DesiDoor
from asterism.surveys.desi_coadd import ESTIMATED
from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.desi_spectra import ARMS, ArmSpectra, arm_wavelength, write_coadd, write_redrock
from asterism.surveys.formats.spectral_grids import grid_named

IDS = np.array([39627000000000001, 39627000000000002, -77], np.int64)


def arms(n, seed=5):
    rng, found = np.random.default_rng(seed), {}
    for arm in ARMS:
        shape = (n, len(arm_wavelength(arm)))
        one = np.full(shape, 4.0, np.float32)
        found[arm] = ArmSpectra(
            rng.normal(3.0, 0.5, shape).astype(np.float32), one, np.zeros(shape, np.int32), np.full(shape[1], 0.7)
        )
    return found


def fibermap(ids=IDS, **more):
    k = np.arange(len(ids))
    return {
        "TARGETID": ids, "TARGET_RA": 10.0 + k, "TARGET_DEC": 1.0 + k, "OBJTYPE": "TGT", "EBV": 0.1, "FLUX_R": 5.0 + k,
        "FLUX_IVAR_R": 4.0, "DESI_TARGET": 4, **more,
    }  # fmt: skip


def write(folder, name="4-80613-thru20210324", ids=IDS, kind="redrock", head=None, **more):
    exposures = {"TARGETID": np.repeat(ids, 2), "MJD": 59000.0 + np.arange(2 * len(ids))}
    head = {"SURVEY": "main", "PROGRAM": "dark", **(head or {})}
    fibres = fibermap(ids, **more)
    path = write_coadd(folder / f"coadd-{name}.fits", arms(len(ids)), fibres, exposures, head)
    values = {
        "TARGETID": ids[::-1],
        "Z": 0.1 * (1 + np.arange(len(ids)))[::-1],
        "SPECTYPE": "GALAXY",
        "DELTACHI2": 50.0,
    }
    if kind:
        write_redrock(folder / f"{kind}-{name}.fits", values, fibres, exposures, {})
    return path


def catalog(paths, tmp_path, door=None, **more):
    made = ingest_files(door or DesiDoor(), paths, tmp_path / f"out{len(list(tmp_path.iterdir()))}", workers=1, **more)
    table = made.read().sort_by("object_id")
    return (
        made,
        {name: table[name].to_pylist() for name in table.column_names if not name.startswith("spectrum")},
        table,
    )


def reasons(made):
    return {(line["file"], line["row"]): line["reason"] for line in made.quarantine().to_pylist()}


def test_a_coadd_and_its_redshifts(tmp_path):
    write(tmp_path)
    made, rows, table = catalog([tmp_path], tmp_path)
    assert rows["object_id"] == sorted(f"desi-{id_}-4-80613-thru20210324" for id_ in IDS)
    order = [sorted(map(str, IDS)).index(str(id_)) for id_ in IDS]
    for name, wanted in {
        "source_id": [f"desi-{id_}" for id_ in IDS], "redshift": [0.1, 0.2, 0.3], "class": ["GALAXY"] * 3,
        "ra": [10, 11, 12], "mjd": [59000.5, 59002.5, 59004.5], "survey": ["desi-main-dark"] * 3, "targets": [["QSO"]] * 3,
        "label_source": ["redrock"] * 3, "label_warning": [0] * 3,
    }.items():  # fmt: skip
        found = [rows[name][k] for k in order]
        assert found == (wanted if isinstance(wanted[0], str | list) else pytest.approx(wanted)), name
    assert rows["photometry_legacy_flux"][order[1]] == pytest.approx([np.nan, 6, np.nan, np.nan, np.nan], nan_ok=True)
    assert made.groups["spectrum_desi"].shape == (7781,)
    assert made.groups["photometry_legacy"].bands == ("g", "r", "z", "W1", "W2")
    flux = np.array(table["spectrum_desi_flux"].combine_chunks().flatten()).reshape(3, -1)
    assert flux[order[0], 0] == pytest.approx(arms(3)["B"].flux[0, 0])
    assert reasons(made) == {}


def test_sky_fibres_are_no_objects_and_bad_fibres_warn(tmp_path):
    write(tmp_path, OBJTYPE=np.array(["TGT", "SKY", "TGT"]), COADD_FIBERSTATUS=np.array([0, 0, 1 << 16]), kind="zbest")
    made, rows, _ = catalog([tmp_path], tmp_path)
    assert len(made) == 2
    assert sorted(rows["label_warning"]) == [0, 1 << 24]
    assert reasons(made) == {
        ("coadd-4-80613-thru20210324.fits", "0 to 2"): "1 fibres of OBJTYPE SKY, not TGT; left out"
    }


def test_large_files_are_read_in_pieces(tmp_path, monkeypatch):
    ids = np.arange(1, 8)
    path = write(tmp_path, ids=ids)
    whole, _, _ = catalog([path], tmp_path)
    monkeypatch.setattr("asterism.surveys.desi._ROWS", 3)
    assert [part.rows for part in DesiDoor().plan([path]).parts] == [(0, 3), (3, 6), (6, 7)]
    pieces, _, _ = catalog([path], tmp_path)
    assert pieces.fingerprint == whole.fingerprint
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    (packed / "redrock-4-80613-thru20210324.fits").write_bytes(
        (tmp_path / "redrock-4-80613-thru20210324.fits").read_bytes()
    )
    third, _, _ = catalog([packed], tmp_path)
    assert third.fingerprint == whole.fingerprint


def test_a_catalogue_of_redshifts_speaks_for_all_files(tmp_path):
    write(tmp_path, head={"DEPNAM00": "SPECPROD", "DEPVER00": "iron"})
    Table({"TARGETID": IDS[:1], "Z_BEST": [1.5], "TARGET_RA": [99.0]}).write(tmp_path / "zcatalog.fits")
    _, rows, _ = catalog([tmp_path], tmp_path)
    row = rows["source_id"].index(f"desi-{IDS[0]}")
    assert rows["redshift"][row] == pytest.approx(1.5)
    assert rows["label_source"][row] == "Z_BEST"
    assert rows["ra"][row] == 10.0  # the fibre map has the word on positions
    assert set(rows["release"]) == {"DR1"}


def test_exposures_are_observations_of_one_source(tmp_path):
    ids = np.array([5, 5, 6])
    path = write(tmp_path, ids=ids, kind="")
    with fits.open(path, "update") as hdus:
        columns = hdus["FIBERMAP"].columns + fits.ColDefs([fits.Column("EXPID", "J", array=[31, 32, 31])])
        hdus["FIBERMAP"] = fits.BinTableHDU.from_columns(columns, name="FIBERMAP")
    exposures = path.rename(tmp_path / "spectra-4-80613.fits")
    made, rows, _ = catalog([exposures], tmp_path)
    assert rows["object_id"] == ["desi-5-4-80613-31", "desi-5-4-80613-32", "desi-6-4-80613-31"]
    assert rows["source_id"] == ["desi-5", "desi-5", "desi-6"]
    assert rows["class"] == [None] * 3
    write(tmp_path, name="4-80613", ids=np.array([5, 6]), kind="")
    made, rows, _ = catalog([tmp_path / "spectra-4-80613.fits", tmp_path / "coadd-4-80613.fits"], tmp_path)
    assert len(made) == 2
    assert "give this file by itself" in reasons(made)["spectra-4-80613.fits", ""]


def table_of_spectra(path, targets=(3, 4)):
    wave = np.sort(np.concatenate([arm_wavelength(arm) for arm in ARMS]), kind="stable")
    noise = np.random.default_rng(7)
    Table({"WAVELENGTH": wave, **{f"TARGET{t}": noise.normal(5, 1, len(wave)) for t in targets}}).write(path)


def test_a_table_without_errors(tmp_path):
    table_of_spectra(tmp_path / "coadd-qso-1.fits")
    zbest = Table({"TARGETID": [4, 3], "Z": [2.0, 0.0], "SPECTYPE": ["QSO", "STAR"], "CMX_TARGET": [1 << 12, 0]})
    zbest["TARGET_RA"], zbest["TARGET_DEC"] = [1.0, 2.0], [3.0, 4.0]
    hdu = fits.table_to_hdu(zbest)
    hdu.name = "ZBEST"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "zbest-qso-1.fits")
    made, rows, table = catalog([tmp_path], tmp_path)
    assert made.placed
    assert rows["object_id"] == ["desi-3-qso-1", "desi-4-qso-1"]
    assert rows["class"] == ["STAR", "QSO"]
    assert rows["targets"] == [[], ["SV0_QSO"]]
    assert rows["survey"] == ["desi-cmx"] * 2
    mask = np.array(table["spectrum_desi_mask"].combine_chunks().flatten())
    assert (mask == ESTIMATED).all()
    assert made.groups["spectrum_desi"].meta("ivar_source") == "estimated"


def test_files_without_positions(tmp_path):
    table_of_spectra(tmp_path / "coadd-a.fits")
    made, _, _ = catalog([tmp_path / "coadd-a.fits"], tmp_path)
    assert not made.placed
    write(tmp_path)
    made, _, _ = catalog([tmp_path / "coadd-a.fits", tmp_path / "coadd-4-80613-thru20210324.fits"], tmp_path)
    assert made.placed
    assert len(made) == 3
    assert "has no positions" in reasons(made)["coadd-a.fits", ""]
    assert made.groups["spectrum_desi"].meta("ivar_source") == "measured"


def test_hdf5_of_avis(tmp_path):
    h5py = pytest.importorskip("h5py")
    wave = grid_named("desi").wavelength
    with h5py.File(tmp_path / "avis.hdf5", "w") as file:
        for target in (11, 12):
            file[f"targetid_spec/{target}/fuji-coadd-sv3-dark-1"] = np.stack(
                [wave, wave * 0 + target, wave * 0 + 1, wave * 0]
            )
        file["targetid_spec/13/bad"] = np.zeros(3)
        file["targetid_spec/none/x"] = np.stack([wave, wave, wave, wave * 0])
    made, rows, _ = catalog([tmp_path / "avis.hdf5"], tmp_path)
    assert not made.placed
    assert rows["object_id"] == ["desi-11-fuji-coadd-sv3-dark-1", "desi-12-fuji-coadd-sv3-dark-1"]
    assert rows["source_id"] == ["desi-11", "desi-12"]
    assert rows["release"] == ["EDR"] * 2
    assert set(reasons(made)) == {("avis.hdf5", "13/bad"), ("avis.hdf5", "none/x")}
    Table({"TARGETID": [11, 12], "Z": [0.1, 0.2], "TARGET_RA": [1.0, 2.0], "TARGET_DEC": [1.0, 2.0]}).write(
        tmp_path / "z.fits"
    )
    made, rows, _ = catalog([tmp_path / "avis.hdf5", tmp_path / "z.fits"], tmp_path)
    assert made.placed
    assert rows["redshift"] == pytest.approx([0.1, 0.2])


def test_what_is_nothing_of_desi_is_told(tmp_path):
    write(tmp_path, kind="")
    Table({"a": [1]}).write(tmp_path / "other.fits")
    write_redrock(tmp_path / "redrock-x.fits", {"TARGETID": [1], "Z": 0.1}, {"TARGETID": [1]}, {"TARGETID": [1]}, {})
    (tmp_path / "redrock-4-80613-thru20210324.fits").write_bytes(b"SIMPLE")
    (tmp_path / "coadd-cut.fits").write_bytes((tmp_path / "coadd-4-80613-thru20210324.fits").read_bytes()[:50000])
    made, rows, _ = catalog([tmp_path], tmp_path)
    assert len(made) == 3
    assert rows["class"] == [None] * 3
    found = {file: reason for (file, _), reason in reasons(made).items()}
    assert "neither spectra of DESI" in found["other.fits"]
    assert "without their spectra" in found["redrock-x.fits"]
    assert "as FITS" in found["redrock-4-80613-thru20210324.fits"]
    assert "truncated" in found["coadd-cut.fits"] or "more than the file" in found["coadd-cut.fits"]
    with pytest.raises(BadInputError, match="no row is left"):
        ingest_files(DesiDoor(), [tmp_path / "other.fits"], tmp_path / "none", workers=1)
