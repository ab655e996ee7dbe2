"""`asterism crossmatch`: what it says."""

import numpy as np
import pyarrow as pa
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.schema import identity_fields, photometry_fields
from asterism.catalogs.write import CatalogWriter
from asterism.cli.main import app


def test_it_counts_and_warns(make_sky, tmp_path):
    first = make_sky("first", rows=30, image=False)
    sky = first.read(["ra", "dec"])
    ra, dec = sky["ra"].to_numpy()[:10], sky["dec"].to_numpy()[:10]
    ra, dec = np.append(ra, ra[0]), np.append(dec, dec[0] + 0.5 / 3600)
    fields = [*identity_fields(True), *photometry_fields("wise", ["W1"], dereddened=False, zero_point="ab")]
    with CatalogWriter(tmp_path / "second", fields, placed=True, made_by={}, inputs={}) as writer:
        one = pa.array([[1.0]] * 11, pa.list_(pa.float32(), 1))
        writer.add(pa.table({
            "object_id": [str(k) for k in range(11)], "ra": ra, "dec": dec, "survey": ["x"] * 11, "release": ["y"] * 11,
            "mjd": pa.nulls(11, pa.float64()), "photometry_wise_flux": one, "photometry_wise_ivar": one,
        }))  # fmt: skip
    words = ["crossmatch", str(first.path), str(tmp_path / "second"), "--radius", "1", "--out", str(tmp_path / "e")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "10 matched, 20 of" in done.output
    assert "left out" in done.output
    assert "warning: 1 pairs are ambiguous" in done.output
    assert len(open_catalog(tmp_path / "e")) == 10
    done = CliRunner().invoke(app, [*words, "--quiet"])
    assert (done.exit_code, done.output) == (0, "")
