"""Exported files keep rows, units and the four states; astropy reads them back."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable, Table

from asterism.catalogs.astropy_tables import as_unit, from_astropy
from asterism.catalogs.catalog import Catalog
from asterism.catalogs.export import SUFFIXES, export
from asterism.catalogs.fingerprint import content_hash
from asterism.catalogs.narrow import NarrowWriter
from asterism.catalogs.schema import prediction_fields
from asterism.errors import BadInputError, ConfigurationError, OutputError


def states(values: np.ndarray) -> np.ndarray:
    """Numbers of a column that may be masked, NaN where masked."""
    return np.asarray(np.ma.filled(np.ma.asarray(values), np.nan), np.float64)


def test_fits_keeps_units_ucds_and_states(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = export(tiny_sky, tmp_path / "sky.fits")
    assert (done.rows, done.left_out) == (60, ())
    with fits.open(tmp_path / "sky.fits") as hdus:
        header, columns = hdus[1].header, hdus[1].columns
        units = dict(zip(columns.names, columns.units, strict=True))
        number = columns.names.index("ra") + 1
        assert header[f"TUCD{number}"] == "pos.eq.ra;meta.main"
        assert header[f"TCOMM{number}"] == "Right ascension, ICRS"
        data = hdus[1].data
        assert data["image_sdss_flux"].shape == (60, 5, 8, 8)
        flux, ivar = data["photometry_sdss_flux"], data["photometry_sdss_ivar"]
    assert units["photometry_sdss_flux"] == "nanomaggy"
    assert as_unit(units["photometry_sdss_ivar"]) == as_unit("nanomaggy") ** -2
    assert units["ra"] == "deg"
    assert units["mjd"] == "d"
    ours = tiny_sky.table(["photometry_sdss_flux", "photometry_sdss_ivar"])
    np.testing.assert_array_equal(flux, ours["photometry_sdss_flux"].unmasked.value)
    # Not observed is ivar 0; an absent modality is NaN in both.
    assert (ivar[np.isnan(flux) & ~np.isnan(ivar)] == 0).all()
    assert np.isnan(ivar).all(axis=1).sum() == 3

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'nanomaggy.*' did not parse as fits unit")
        table = Table.read(tmp_path / "sky.fits")
    again = from_astropy(table, [tiny_sky.schema.field(name) for name in ("object_id", "ra", "photometry_sdss_flux")])
    assert again["object_id"].equals(tiny_sky.read(["object_id"])["object_id"])


@pytest.mark.parametrize("suffix", [".vot", ".xml"])
def test_votable_keeps_units_and_ucds(tmp_path: Path, tiny_sky: Catalog, suffix: str) -> None:
    export(tiny_sky, tmp_path / f"sky{suffix}")
    table = QTable.read(tmp_path / f"sky{suffix}", format="votable")
    ours = tiny_sky.table()
    assert table["ra"].unit == u.deg
    assert str(table["photometry_sdss_flux"].unit) == "nanomaggy"
    assert table["dec"].info.meta["ucd"] == "pos.eq.dec;meta.main"
    assert table["image_sdss_flux"].shape == (60, 5, 8, 8)
    np.testing.assert_array_equal(
        states(table["image_sdss_ivar"].value.unmasked), states(ours["image_sdss_ivar"].value.unmasked)
    )
    assert table["object_id"].tolist() == ours["object_id"].tolist()


def test_voparquet_keeps_our_columns_and_has_the_header(tmp_path: Path, tiny_table_sky: Catalog) -> None:
    export(tiny_table_sky, tmp_path / "sky.parquet")
    table = pq.ParquetFile(tmp_path / "sky.parquet").read()
    assert content_hash(table) == content_hash(tiny_table_sky.read())
    assert table.schema.field("photometry_sdss_flux").metadata[b"unit"] == b"nanomaggy"
    scalars = ["object_id", "class", "redshift", "label_warning"]
    export(tiny_table_sky, tmp_path / "scalars.parquet", scalars)
    read = Table.read(tmp_path / "scalars.parquet", format="parquet.votable")
    assert read.colnames == scalars
    assert read["redshift"].meta["ucd"] == "src.redshift"
    assert read["object_id"].tolist() == tiny_table_sky.read(["object_id"])["object_id"].to_pylist()


def test_ecsv_keeps_units_and_arrays(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = export(tiny_sky, tmp_path / "sky.ecsv")
    assert done.left_out == ("image_sdss_flux", "image_sdss_ivar")
    table = QTable.read(tmp_path / "sky.ecsv")
    assert table["photometry_sdss_flux"].unit == as_unit("nanomaggy")
    assert table["ra"].unit == u.deg
    fields = [tiny_sky.schema.field(name) for name in done.columns]
    assert content_hash(from_astropy(table, fields)) == content_hash(tiny_sky.read(list(done.columns)))


def test_csv_spreads_bands_and_says_units_beside(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = export(tiny_sky, tmp_path / "sky.csv")
    assert done.left_out == ("image_sdss_flux", "image_sdss_ivar")
    with (tmp_path / "sky.csv").open() as file:
        rows = list(csv.DictReader(file))
    ours = tiny_sky.read().to_pylist()
    assert len(rows) == 60
    for row, our in zip(rows, ours, strict=True):
        assert row["object_id"] == our["object_id"]
        cells = [row[f"photometry_sdss_flux_{band}"] for band in "ugriz"]
        if our["photometry_sdss_flux"] is None:
            assert cells == [""] * 5
        else:
            np.testing.assert_allclose([float(c) for c in cells], our["photometry_sdss_flux"], rtol=1e-6)
    told = json.loads((tmp_path / "sky.csv-metadata.json").read_text())
    assert told["url"] == "sky.csv"
    columns = {column["name"]: column for column in told["tableSchema"]["columns"]}
    assert list(columns) == list(rows[0])
    assert columns["photometry_sdss_flux_u"]["unit"] == "nanomaggy"
    assert columns["ra"]["ucd"] == "pos.eq.ra;meta.main"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_joined_rows_of_predictions_export(tmp_path: Path, make_sky: Callable[..., Catalog], suffix: str) -> None:
    sky = make_sky(rows=12, image=False)
    fields = prediction_fields("classification")
    with NarrowWriter(sky, tmp_path / "narrow", fields, made_by={}, inputs={}) as writer:
        for partition in sky.partitions:
            n = partition.rows
            values = {
                "p_star": [0.5] * n, "p_galaxy": [0.5] * n, "p_qso": [None] * n, "class_predicted": ["STAR"] * n,
                "class_set": [["STAR", "GALAXY"]] * (n - 1) + [None], "in_domain": [True] * (n - 1) + [False],
                "domain_score": [1.0] * n, "model_fingerprint": ["abc"] * n,
            }  # fmt: skip
            writer.write(partition, pa.table({f.name: pa.array(values[f.name], f.type) for f in fields}))
        narrow = writer.close()
    names = ["object_id", "class", "p_star", "p_qso", "class_set", "in_domain"]
    done = export(narrow, tmp_path / f"out{suffix}", names)
    assert done.columns == tuple(names)
    if suffix in (".fits", ".vot", ".ecsv"):
        table = Table.read(tmp_path / f"out{suffix}", format="votable" if suffix == ".vot" else None)
        assert str(table["class_set"][0]) == "STAR,GALAXY"
        assert list(table["in_domain"]).count(True) == 12 - len(sky.partitions)


def test_selections_and_refusals(tmp_path: Path, tiny_sky: Catalog) -> None:
    done = export(tiny_sky, tmp_path / "a.csv", ["object_id", "redshift"], where="redshift > 1")
    assert 0 < done.rows < 60
    with pytest.raises(OutputError, match="exists"):
        export(tiny_sky, tmp_path / "a.csv")
    assert export(tiny_sky, tmp_path / "a.csv", ["object_id"], overwrite=True).rows == 60
    with pytest.raises(BadInputError, match="no row of"):
        export(tiny_sky, tmp_path / "b.csv", where="redshift > 99")
    with pytest.raises(BadInputError, match="did you mean 'redshift'"):
        export(tiny_sky, tmp_path / "b.csv", ["redshft"])
    with pytest.raises(ConfigurationError, match="must end with"):
        export(tiny_sky, tmp_path / "b.xlsx")
    with pytest.raises(ConfigurationError, match="too long an array"):
        export(tiny_sky, tmp_path / "b.csv", ["image_sdss_flux"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.csv-metadata.json"]
