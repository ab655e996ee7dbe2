import json

import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.errors import BadInputError, ConfigurationError, OutputError
from asterism.inference.predict import predict_catalog
from asterism.inference.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(small_run):
    return Predictor.from_pretrained(small_run.path)


def data_bytes(path):
    return {file.name: file.read_bytes() for file in sorted(path.glob("dataset/**/*.parquet"))}


def test_the_output_is_narrow_and_opens_joined_with_its_parent(predictor, small_run, tmp_path):
    told = []
    answers = predict_catalog(
        predictor, small_run.catalog, tmp_path / "d", progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (900, 900)
    assert len(told) == len(small_run.catalog.partitions) > 1
    assert "photometry_sdss_flux" not in answers.own_schema.names
    assert {"object_id", "ra", "dec", "p_qso", "class_set"} <= set(answers.own_schema.names)
    joined = answers.read(["object_id", "photometry_sdss_flux", "class_predicted"])
    assert joined["class_predicted"].null_count == 0
    assert len(joined) == 900


def test_an_interrupted_prediction_goes_on_with_what_lacks_and_ends_with_the_same_bytes(predictor, small_run, tmp_path):
    whole = predict_catalog(predictor, small_run.catalog, tmp_path / "whole")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_catalog(predictor, small_run.catalog, tmp_path / "cut", progress=stop)
    assert not (tmp_path / "cut").exists()
    told = []
    predict_catalog(predictor, small_run.catalog, tmp_path / "cut", progress=lambda done, total: told.append(done))
    assert len(told) == len(small_run.catalog.partitions) - 1
    assert data_bytes(tmp_path / "cut") == data_bytes(tmp_path / "whole")
    assert open_catalog(tmp_path / "cut").fingerprint == whole.fingerprint


def test_a_complete_output_is_left_alone_and_another_model_is_refused(predictor, small_run, tmp_path):
    predict_catalog(predictor, small_run.catalog, tmp_path / "d")
    told = []
    predict_catalog(predictor, small_run.catalog, tmp_path / "d", progress=lambda done, total: told.append(done))
    assert told == []
    prior = tmp_path / "prior.csv"
    prior.write_text("STAR,GALAXY,QSO\n1,1,1\n")
    with pytest.raises(OutputError, match="prior"):
        predict_catalog(predictor, small_run.catalog, tmp_path / "d", prior=prior)


@pytest.mark.slow
def test_two_workers_give_the_same_catalog(predictor, small_run, tmp_path):
    one = predict_catalog(predictor, small_run.catalog, tmp_path / "one")
    same(one, predict_catalog(predictor, small_run.catalog, tmp_path / "two", workers=2))


@pytest.mark.slow
def test_a_dask_scheduler_gives_the_same_catalog(predictor, small_run, tmp_path):
    from distributed import LocalCluster

    one = predict_catalog(predictor, small_run.catalog, tmp_path / "one")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        two = predict_catalog(predictor, small_run.catalog, tmp_path / "two", scheduler=cluster.scheduler_address)
    same(one, two)


def test_a_scheduler_that_does_not_answer_is_named(predictor, small_run, tmp_path, monkeypatch):
    import distributed

    def refuse(*args, **kwargs):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(ConfigurationError, match="no Dask scheduler answers at tcp://127.0.0.1:1"):
        predict_catalog(predictor, small_run.catalog, tmp_path / "d", scheduler="tcp://127.0.0.1:1")


def same(one, two):
    names = ["object_id", "class_predicted", "p_star"]
    a, b = one.read(names).to_pandas(), two.read(names).to_pandas()
    assert (a["object_id"] == b["object_id"]).all()
    assert (a["class_predicted"] == b["class_predicted"]).all()
    assert (a["p_star"] - b["p_star"]).abs().max() < 1e-5


def test_wide_writes_the_joined_rows(predictor, small_run, tmp_path):
    answers = predict_catalog(predictor, small_run.catalog, tmp_path / "d", wide=True)
    assert answers.parent is None
    assert {"photometry_sdss_flux", "p_star"} <= set(answers.own_schema.names)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d"]


def test_a_prior_by_magnitude_reads_the_magnitudes(predictor, small_run, tmp_path):
    prior = tmp_path / "prior.csv"
    prior.write_text("r_mag_lo,r_mag_hi,STAR,GALAXY,QSO\n10,20,1,1e-6,1e-6\n20,30,1e-6,1,1e-6\n")
    answers = predict_catalog(predictor, small_run.catalog, tmp_path / "d", prior=prior)
    bright = answers.table(where="r_mag < 20")["p_star"].mean()
    faint = answers.table(where="r_mag >= 20")["p_star"].mean()
    assert bright > faint + 0.1


def test_a_catalog_that_the_model_can_not_read_is_refused(predictor, tmp_path, make_sky, make_rows):
    rows = make_rows(rows=40, image=False)
    names = [n.replace("photometry_sdss", "photometry_legacy") for n in rows.schema.names]
    import pyarrow as pa

    fields = [f.with_name(n) for f, n in zip(rows.schema, names, strict=True)]
    other = make_sky("other", pa.table(rows.columns, schema=pa.schema(fields)))
    with pytest.raises(BadInputError, match="reads photometry_sdss"):
        predict_catalog(predictor, other, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_workers_and_scheduler_must_fit(predictor, small_run, tmp_path):
    with pytest.raises(ConfigurationError, match="at least 1"):
        predict_catalog(predictor, small_run.catalog, tmp_path / "d", workers=0)
    with pytest.raises(ConfigurationError, match="give one of them"):
        predict_catalog(predictor, small_run.catalog, tmp_path / "d", workers=2, scheduler="tcp://127.0.0.1:1")


@pytest.mark.parametrize("name", ["redshift", "both"])
def test_redshifts_are_columns_whose_density_has_its_grid(redshift_runs, tmp_path, name):
    run = redshift_runs[name]
    predictor = Predictor.from_pretrained(run.path)
    answers = predict_catalog(predictor, run.catalog, tmp_path / "d")
    field = answers.schema.field("z_pdf")
    grid = np.array(json.loads(field.metadata[b"grid"]))
    np.testing.assert_array_equal(grid, predictor.grid)
    table = answers.read(["z_pdf", "z_median", "z_16", "z_84", "redshift", "class", "in_domain"])
    pdf = np.array(table["z_pdf"].to_pylist())
    np.testing.assert_allclose(np.trapezoid(pdf, grid, axis=1), 1, atol=1e-5)
    z, median = (table[n].to_numpy() for n in ("redshift", "z_median"))
    scored = np.isin(table["class"].to_numpy(), ("GALAXY", "QSO")) & table["in_domain"].to_numpy().astype(bool)
    assert np.median(np.abs(median - z)[scored]) < 0.04
    inside = (table["z_16"].to_numpy() <= z) & (z <= table["z_84"].to_numpy())
    assert 0.5 < inside[scored].mean() < 0.85
    assert ("p_star" in answers.schema.names) == (name == "both")
    if name == "both":
        stars = table["class"].to_numpy() == "STAR"
        assert np.median(median[stars]) < grid[1]


def test_with_both_tasks_p_of_z_is_the_sum_over_classes(redshift_runs, tmp_path):
    run = redshift_runs["both"]
    predictor = Predictor.from_pretrained(run.path)
    prior = tmp_path / "prior.csv"
    only = {name: predict_catalog(predictor, run.catalog, tmp_path / name, prior=made(prior, name)) for name in CLASSES}
    plain = predict_catalog(predictor, run.catalog, tmp_path / "plain").read(["z_pdf", *PROBABILITIES])
    p = np.stack([plain[name].to_numpy() for name in PROBABILITIES], 1)
    each = np.stack([np.array(only[name].read(["z_pdf"])["z_pdf"].to_pylist()) for name in CLASSES], 1)
    expected = (p[:, :, None] * each).sum(1)
    np.testing.assert_allclose(np.array(plain["z_pdf"].to_pylist()), expected, rtol=2e-3, atol=2e-3)
    # A star has all of its probability in the first cell.
    assert (each[:, 0, 1:] < 1e-4).all()


CLASSES = ("STAR", "GALAXY", "QSO")
PROBABILITIES = ("p_star", "p_galaxy", "p_qso")


def made(path, certain):
    """A table of class fractions that leaves no doubt."""
    weights = ",".join("1" if name == certain else "1e-12" for name in CLASSES)
    path.write_text(f"STAR,GALAXY,QSO\n{weights}\n")
    return path


def test_a_prior_for_a_model_without_classes_is_refused(redshift_runs, tmp_path):
    run = redshift_runs["redshift"]
    with pytest.raises(ConfigurationError, match="is for classes and the model knows redshifts only"):
        predict_catalog(
            Predictor.from_pretrained(run.path), run.catalog, tmp_path / "d", prior=made(tmp_path / "p.csv", "QSO")
        )


@pytest.mark.slow
def test_two_workers_give_the_same_redshifts(redshift_runs, tmp_path):
    run = redshift_runs["both"]
    predictor = Predictor.from_pretrained(run.path)
    one = predict_catalog(predictor, run.catalog, tmp_path / "one").read(["z_median", "z_pdf"])
    two = predict_catalog(predictor, run.catalog, tmp_path / "two", workers=2).read(["z_median", "z_pdf"])
    np.testing.assert_allclose(one["z_median"].to_numpy(), two["z_median"].to_numpy(), atol=1e-4)
    np.testing.assert_allclose(np.array(one["z_pdf"].to_pylist()), np.array(two["z_pdf"].to_pylist()), atol=1e-3)
