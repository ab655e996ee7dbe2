"""A qp ensemble holds the densities of the catalog, and qp reads it as we do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.export import export
from asterism.catalogs.narrow import NarrowWriter
from asterism.catalogs.qp_ensemble import density_grid, export_qp
from asterism.catalogs.schema import prediction_fields
from asterism.errors import BadInputError, ConfigurationError, OutputError
from asterism.models import densities

qp = pytest.importorskip("qp")
GRID = np.array([0, 0.1, 0.25, 0.5, 0.8, 1.2, 2.0, 3.0])


@pytest.fixture
def predicted(tmp_path: Path, make_sky: Callable[..., Catalog]) -> Catalog:
    """60 objects of which every seventh has no density."""
    sky = make_sky("sky", rows=60, image=False, rows_per_partition=25)
    fields = [f for f in prediction_fields("redshift", grid=GRID) if f.name in ("z_median", "z_mode", "z_pdf")]
    rng = np.random.default_rng(0)
    with NarrowWriter(sky, tmp_path / "predicted", fields, made_by={}, inputs={}) as writer:
        for partition in sky.partitions:
            pdf = densities.normalise(GRID, rng.random((partition.rows, len(GRID))) ** 3)
            lost = np.arange(partition.rows) % 7 == 3
            columns = {
                "z_median": pa.array(densities.median(GRID, pdf), pa.float32(), mask=lost),
                "z_mode": pa.array(densities.mode(GRID, pdf), pa.float32(), mask=lost),
                "z_pdf": pa.FixedSizeListArray.from_arrays(
                    pa.array(pdf.astype(np.float32).ravel()), len(GRID), mask=pa.array(lost)
                ),
            }
            writer.write(partition, pa.table([columns[f.name] for f in fields], schema=pa.schema(fields)))
        return writer.close()


def test_qp_reads_the_densities_that_the_catalog_has(predicted: Catalog, tmp_path: Path) -> None:
    done = export_qp(predicted, tmp_path / "p.hdf5")
    table = predicted.read(["object_id", "redshift", "z_median", "z_mode", "z_pdf"])
    there = table.filter(table["z_pdf"].is_valid())
    assert (done.rows, done.rows_left_out) == (len(there), 60 - len(there))
    assert done.rows_left_out > 5
    ensemble = qp.read(str(tmp_path / "p.hdf5"))
    assert ensemble.npdf == len(there)
    assert list(ensemble.ancil["object_id"].astype(str)) == there["object_id"].to_pylist()
    pdf = np.array(there["z_pdf"].to_pylist())
    z = np.linspace(0.03, 2.9, 23)
    ours = np.stack([densities.density(GRID, pdf, at) for at in z], axis=1)
    assert np.allclose(ensemble.pdf(z), ours, rtol=1e-5)
    # At the grid's points: between them qp's cumulative distribution is linear and ours, exact, is not, and at the first
    # qp 1.1 has half a cell of mass already.
    cumulative = np.stack([densities.cdf(GRID, pdf, at) for at in GRID[1:]], axis=1)
    assert np.allclose(ensemble.cdf(GRID[1:]), cumulative, atol=1e-6)
    assert np.allclose(ensemble.ancil["z_mode"], there["z_mode"].to_numpy())
    assert np.array_equal(ensemble.ancil["zmode"], ensemble.ancil["z_mode"])
    assert np.allclose(ensemble.ancil["z_median"], densities.median(GRID, pdf), rtol=1e-5)
    known = [value is not None for value in there["redshift"].to_pylist()]
    assert np.array_equal(np.isfinite(ensemble.ancil["redshift"]), known)
    assert not all(known)


def test_rows_can_be_chosen(predicted: Catalog, tmp_path: Path) -> None:
    export_qp(predicted, tmp_path / "p.hdf5", where="redshift > 1")
    assert qp.read(str(tmp_path / "p.hdf5")).ancil["redshift"].min() > 1
    with pytest.raises(BadInputError, match="nothing was written"):
        export_qp(predicted, tmp_path / "none.hdf5", where="redshift > 99")
    assert not (tmp_path / "none.hdf5").exists()


def test_an_existing_file_stays_unless_told(predicted: Catalog, tmp_path: Path) -> None:
    export_qp(predicted, tmp_path / "p.hdf5")
    with pytest.raises(OutputError, match="--overwrite"):
        export_qp(predicted, tmp_path / "p.hdf5")
    export_qp(predicted, tmp_path / "p.hdf5", where="redshift > 1", overwrite=True)
    assert qp.read(str(tmp_path / "p.hdf5")).npdf < 50
    assert [p.name for p in tmp_path.glob("*.hdf5")] == ["p.hdf5"]
    assert not list(tmp_path.glob(".*tmp*"))


def test_each_mistake_is_one_sentence(
    predicted: Catalog, tiny_sky: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInputError, match="no column 'z_pdf'; predict with a redshift model first"):
        export_qp(tiny_sky, tmp_path / "p.hdf5")
    with pytest.raises(ConfigurationError, match=r"must end with .hdf5"):
        export_qp(predicted, tmp_path / "p.fits")
    with pytest.raises(ConfigurationError, match="add --qp"):
        export(predicted, tmp_path / "p.hdf5")
    monkeypatch.setitem(sys.modules, "qp", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'asterism\[photoz\]'"):
        export_qp(predicted, tmp_path / "p.hdf5")


@pytest.mark.parametrize("grid", [None, "no JSON", "[0, 1, 2]", "[0, 1, 1, 2, 3, 4, 5, 6]", "7"])
def test_a_density_without_its_grid_is_refused(grid: str | None) -> None:
    metadata = None if grid is None else {"grid": grid}
    field = pa.field("z_pdf", pa.list_(pa.float32(), 8), metadata=metadata)
    with pytest.raises(BadInputError, match=r"z_pdf.* of C .*grid"):
        density_grid(field, "C")
