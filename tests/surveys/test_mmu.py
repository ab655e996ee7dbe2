"""Multimodal Universe rows and HATS catalogs through the door."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asterism.surveys.doors import ingest_files
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.mmu import MmuDoor

GRID = grid_named("desi")


def rows(n=6, start=0, **more):
    wave = GRID.wavelength.astype(np.float32)
    spectra = [
        {"flux": wave * 0 + k, "ivar": np.ones_like(wave), "lsf_sigma": wave * 0, "lambda": wave, "mask": wave < 3601}
        for k in range(start, start + n)
    ]
    spectra[0] = None
    columns = {
        "object_id": [str(k) for k in range(start, start + n)], "ra": np.linspace(1, 2, n), "dec": np.zeros(n), "Z": [0.5] * n,
        "ZERR": [1e-4] * n, "ZWARN": [True] * (n - 1) + [False], "spectrum": spectra, "SPECTYPE": [b"GALAXY"] * n,
        "FLUX_G": [1.0] * n, "FLUX_IVAR_G": [4.0] * n, **more,
    }  # fmt: skip
    return pa.table({name: column for name, column in columns.items() if column is not None})


def reasons(made):
    return {(line["file"], line["row"]): line["reason"] for line in made.quarantine().to_pylist()}


def test_rows_of_the_multimodal_universe(tmp_path):
    folder = tmp_path / "mmu_desi"
    folder.mkdir()
    pq.write_table(rows(6), folder / "a.parquet", row_group_size=4)
    pq.write_table(rows(3, 10), folder / "b.parquet")
    (folder / "bad.parquet").write_bytes(b"PAR1 no")
    pq.write_table(pa.table({"x": [1]}), folder / "other.parquet")
    assert len(MmuDoor().plan(sorted(folder.glob("[ab].parquet"))).parts) == 3
    made = ingest_files(MmuDoor(), [folder], tmp_path / "c", workers=1)
    found = {row["object_id"]: row for row in made.read().to_pylist()}
    assert set(found) == {*map(str, range(6)), "10", "11", "12"}
    assert made.placed
    one = found["3"]
    assert one["spectrum_desi_flux"][0] == 3
    assert one["spectrum_desi_mask"][:3] == [1, 1, 0]
    assert one["redshift"] == pytest.approx(0.5)
    assert (one["class"], one["label_warning"], found["5"]["label_warning"]) == ("GALAXY", 0, 1)
    assert one["photometry_legacy_flux"] == [1.0]
    assert one["survey"] == "mmu-desi-legacy"
    assert found["0"]["spectrum_desi_flux"] is None
    assert found["0"]["photometry_legacy_ivar"] == [4.0]
    assert set(reasons(made)) == {("bad.parquet", ""), ("other.parquet", "")}


def test_one_bad_row_leaves_the_others(tmp_path):
    table = rows(4, FLUX_G=None, FLUX_IVAR_G=None)
    spectra = table["spectrum"].to_pylist()
    spectra[2]["lambda"] = [x + 0.3 for x in spectra[2]["lambda"]]
    pq.write_table(
        table.set_column(table.column_names.index("spectrum"), "spectrum", pa.array(spectra)), tmp_path / "a.parquet"
    )
    made = ingest_files(MmuDoor(), [tmp_path / "a.parquet"], tmp_path / "c", workers=1)
    assert sorted(made.read(["object_id"])["object_id"].to_pylist()) == ["1", "3"]
    assert "not on the pixels" in reasons(made)["a.parquet", "2"]
    assert "no modality" in reasons(made)["a.parquet", "0"]


def test_our_catalog_after_lsdb_rewrote_it(make_sky, tmp_path):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lsdb

        before = make_sky("before", rows=40, image=False)
        lsdb.open_catalog(before.path).write_catalog(tmp_path / "rewritten", progress_bar=False)
    made = ingest_files(MmuDoor(), [tmp_path / "rewritten"], tmp_path / "c", workers=1)
    names = ["object_id", "photometry_sdss_flux", "photometry_sdss_ivar", "class", "redshift", "ra"]
    wanted = {row["object_id"]: row for row in before.read(names).to_pylist() if row["photometry_sdss_flux"]}
    found = {row["object_id"]: row for row in made.read(names).to_pylist()}
    assert set(found) == set(wanted)
    for name, row in found.items():
        assert row["photometry_sdss_flux"] == pytest.approx(wanted[name]["photometry_sdss_flux"], nan_ok=True)
        assert {k: row[k] for k in ("class", "ra")} == {k: wanted[name][k] for k in ("class", "ra")}
    assert made.groups["photometry_sdss"].bands == ("u", "g", "r", "i", "z")
    assert made.placed


def test_our_own_catalog_as_it_is(make_sky, tmp_path):
    before = make_sky("before", rows=20)
    made = ingest_files(MmuDoor(), [before.path], tmp_path / "c", workers=1)
    assert set(made.groups) == {"photometry_sdss", "image_sdss"}
    assert made.groups["image_sdss"].shape == before.groups["image_sdss"].shape
    assert len(made) == 20 or len(made.quarantine())


def test_files_without_positions(tmp_path):
    pq.write_table(rows(3, ra=None, dec=None), tmp_path / "a.parquet")
    made = ingest_files(MmuDoor(), [tmp_path / "a.parquet"], tmp_path / "c", workers=1)
    assert not made.placed
    pq.write_table(rows(3, 10), tmp_path / "b.parquet")
    made = ingest_files(MmuDoor(), [tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "d", workers=1)
    assert len(made) == 3
    assert "has no positions" in reasons(made)["a.parquet", ""]
