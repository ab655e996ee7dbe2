"""The public MargNet arrays of experiment 3, star and galaxy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from asterism.surveys.margnet import FEATURES, ingest_margnet

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real tables are not beside the project")

B = np.array([1.4, 0.9, 1.2, 1.8, 7.4]) * 1e-10


def test_experiment_3(tmp_path):
    place = DATA / "photometry/margnet_exp3_sg"
    x = np.load(place / "dnnx_sg_exp3.npy")
    names = (place / "columns.txt").read_text().split()
    assert tuple(names) == FEATURES
    x = pd.DataFrame(x, columns=names)
    observed = np.stack([x[f"dered_{b}"] + x[f"extinction_{b}"] for b in "ugriz"], axis=1)
    # The four colours are of the magnitudes without extinction correction.
    np.testing.assert_allclose(x[["u_g", "g_r", "r_i", "i_z"]], observed[:, :4] - observed[:, 1:], atol=2e-5)
    flux = 1e9 * 2 * B * np.sinh(-observed * np.log(10) / 2.5 - np.log(B))
    catalog = ingest_margnet(place, tmp_path / "c")
    assert not catalog.placed
    assert len(catalog) == 14_000
    table = catalog.read()
    got, ivar = (np.array(table[f"photometry_sdss_{q}"].to_pylist()) for q in ("flux", "ivar"))
    sigma = np.array([10 ** (-0.4 * (d - 22.5)) / 5 for d in (22.19, 23.13, 22.70, 22.20, 20.69)])
    corrupt = flux < -5 * sigma
    np.testing.assert_allclose(got[~corrupt], flux[~corrupt], rtol=2e-6, atol=1e-6)
    assert (ivar[corrupt] == 0).all()
    np.testing.assert_allclose(ivar[~corrupt], np.broadcast_to(sigma**-2, flux.shape)[~corrupt], rtol=2e-6)
    assert len(pq.read_table(tmp_path / "c" / "quarantine.parquet")) == corrupt.sum()
    for quantity, name in (("extinction", "extinction"), ("radius", "deVRad"), ("psf_fwhm", "psffwhm")):
        expected = x[[f"{name}_{b}" for b in "ugriz"]]
        np.testing.assert_allclose(np.array(table[f"photometry_sdss_{quantity}"].to_pylist()), expected, rtol=1e-6)
    ids = np.load(place / "objlist_sg_exp3.npy")
    assert table["object_id"].to_pylist() == [str(i) for i in ids]
    assert table["source_id"].to_pylist() == [str(i) for i in ids]
    onehot = np.load(place / "y_sg_exp3.npy")
    assert table["class"].to_pylist() == [("GALAXY", "STAR")[k] for k in onehot.argmax(axis=1)]
    # The order of the columns agrees with the objects that another table has.
    other = pd.concat(
        pd.read_csv(DATA / f"photometry/sdss_balanced/sdss_{c}.csv", comment="#", dtype={"objid": str})
        for c in ("galaxy", "quasar", "star")
    ).set_index("objid")["class"]
    common = {
        i: c
        for i, c in zip(table["object_id"].to_pylist(), table["class"].to_pylist(), strict=True)
        if i in other.index
    }
    assert len(common) == 128
    assert all(other[i] == c for i, c in common.items())
