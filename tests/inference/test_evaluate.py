import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError, LeakError, OutputError
from asterism.inference.evaluate import evaluate


@pytest.fixture(scope="module")
def scored(small_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("scored") / "report"
    return evaluate(small_run.path, small_run.catalog, out, split="default", baselines=True), out


def test_metrics_hold_the_contracts_keys(scored, small_run):
    metrics, out = scored
    assert metrics == json.loads((out / "metrics.json").read_text())
    for key in ("accuracy", "macro_f1", "log_loss", "ece", "ece_null95", "coverage", "set_size", "n", "split"):
        assert metrics[key] is not None
    assert metrics["split"] == "default"
    assert set(metrics["recall"]) == set(metrics["precision"]) == {"STAR", "GALAXY", "QSO"}
    assert metrics["accuracy_interval"][0] <= metrics["accuracy"] <= metrics["accuracy_interval"][1]
    assert set(metrics["baselines"]) == {"lightgbm", "xgboost", "mlp"}
    for theirs in metrics["baselines"].values():
        assert {"accuracy", "log_loss", "ece", "recall"} <= set(theirs)
    assert sum(b["n"] for b in metrics["bins"]["r_mag"]) <= metrics["n"]
    assert metrics["bins"]["r_mag"][0]["lo"] < metrics["bins"]["r_mag"][0]["hi"]


def test_only_the_test_part_with_a_class_is_scored(scored, small_run):
    metrics, out = scored
    test = small_run.catalog.read(["object_id", "class"], split="default", part="test")
    labelled = {i for i, c in zip(*(test[n].to_pylist() for n in ("object_id", "class")), strict=True) if c}
    there = pq.read_table(out / "scored.parquet")
    assert set(there["object_id"].to_pylist()) == labelled
    assert metrics["n"] == len(labelled)
    truth = dict(zip(test["object_id"].to_pylist(), test["class"].to_pylist(), strict=True))
    assert all(truth[i] == c for i, c in zip(*(there[n].to_pylist() for n in ("object_id", "class")), strict=True))


def test_figures_can_be_computed_again_from_the_scored_objects(scored):
    metrics, out = scored
    there = pq.read_table(out / "scored.parquet").to_pandas()
    assert (there["class"] == there["class_predicted"]).mean() == pytest.approx(metrics["accuracy"])
    p = np.array([row[f"p_{row['class'].lower()}"] for _, row in there.iterrows()])
    assert -np.log(p).mean() == pytest.approx(metrics["log_loss"], abs=1e-9)
    names = ["lightgbm_p_star", "lightgbm_p_galaxy", "lightgbm_p_qso"]
    theirs = np.array(["STAR", "GALAXY", "QSO"])[there[names].to_numpy().argmax(axis=1)]
    assert (theirs == there["class"]).mean() == pytest.approx(metrics["baselines"]["lightgbm"]["accuracy"])


def test_the_tables_are_there(scored):
    _, out = scored
    for name in ("methods.csv", "by_magnitude.csv", "confusion.csv"):
        assert len((out / "tables" / name).read_text().splitlines()) > 1
    assert "margformer" in (out / "tables" / "methods.csv").read_text()


def test_scoring_what_was_seen_is_refused(small_run, tmp_path):
    with pytest.raises(LeakError, match="seen in training"):
        evaluate(small_run.path, small_run.catalog, tmp_path / "all")
    assert not (tmp_path / "all").exists()
    make_split(small_run.catalog, "other", seed=5)
    with pytest.raises(LeakError):
        evaluate(small_run.path, small_run.catalog, tmp_path / "other", split="other")
    with pytest.raises(LeakError):  # transductive forgives what was seen without labels, and that only
        evaluate(small_run.path, small_run.catalog, tmp_path / "other", split="other", transductive=True)


def test_another_catalog_is_scored_whole(small_run, tmp_path, make_sky):
    other = make_sky("other", rows=120, seed=9, image=False)
    metrics = evaluate(small_run.path, other, tmp_path / "report", where="r_mag < 25")
    assert metrics["split"] is None
    assert metrics["part"] == "all"
    assert metrics["baselines"] == {}
    assert "left out" in (tmp_path / "report" / "report.html").read_text()


def test_baselines_are_fitted_when_the_run_has_none(small_run, scored, tmp_path):
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(small_run.path, bare)
    shutil.rmtree(bare / "baselines")
    metrics = evaluate(bare, small_run.catalog, tmp_path / "report", split="default", baselines=True)
    assert metrics["baselines"]["lightgbm"]["accuracy"] == scored[0]["baselines"]["lightgbm"]["accuracy"]


def test_a_model_directory_without_a_record_of_what_was_seen_says_so(small_run, tmp_path):
    import shutil

    bare = tmp_path / "model"
    shutil.copytree(small_run.path, bare)
    (bare / "seen.parquet").unlink()
    evaluate(bare, small_run.catalog, tmp_path / "report")
    assert "no record of what the model has seen" in (tmp_path / "report" / "report.html").read_text()


def test_results_of_other_inputs_are_not_overwritten(scored, small_run):
    _, out = scored
    with pytest.raises(OutputError, match="other inputs"):
        evaluate(small_run.path, small_run.catalog, out, split="default", where="r_mag < 19")


def test_a_split_made_anew_is_other_objects(small_run, tmp_path, make_sky):
    sky = make_sky("elsewhere", rows=300, seed=11, image=False)
    make_split(sky, "s", seed=1)
    evaluate(small_run.path, sky, tmp_path / "report", split="s")
    make_split(sky, "s", seed=2, overwrite=True)
    with pytest.raises(OutputError, match="objects: "):
        evaluate(small_run.path, sky, tmp_path / "report", split="s")


def test_a_catalog_without_classes_is_refused(small_run, tmp_path, make_sky, make_rows):
    unlabelled = make_sky("u", make_rows(rows=40, seed=3, image=False).drop_columns(["class"]))
    with pytest.raises(BadInputError, match="no column 'class'"):
        evaluate(small_run.path, unlabelled, tmp_path / "report")


@pytest.fixture(scope="module")
def both(small_run, tmp_path_factory):
    """A run for classes and redshifts of the small sky, scored with its baselines."""
    from asterism.learning.config import parse_settings
    from asterism.learning.train import train

    folder = tmp_path_factory.mktemp("both")
    settings = parse_settings({"fit.epochs": 4, "model.members": 2, "model.width": 32})
    tasks = "classification,redshift"
    train(small_run.catalog, folder / "run", task=tasks, inputs="photometry", config=settings, baselines=True)
    out = folder / "report"
    return evaluate(folder / "run", small_run.catalog, out, split="default", baselines=True), out, folder / "run"


def test_both_tasks_stand_in_one_set_of_metrics(both):
    metrics, out, _ = both
    assert metrics == json.loads((out / "metrics.json").read_text())
    for key in ("accuracy", "ece", "sigma_nmad", "sigma_nmad_interval", "bias", "cde_loss", "pit_ks"):
        assert metrics[key] is not None
    assert metrics["n_redshift"] < metrics["n"]  # stars and objects without a redshift
    assert set(metrics["baselines"]) == {"lightgbm", "xgboost", "mlp", "random_forest"}
    assert {"accuracy", "sigma_nmad"} <= set(metrics["baselines"]["lightgbm"])
    assert {"accuracy", "log_loss", "sigma_nmad"} <= set(metrics["baselines"]["lightgbm"]["difference"])
    assert "accuracy" not in metrics["baselines"]["random_forest"]
    row = metrics["bins"]["r_mag"][0]
    assert {"accuracy", "sigma_nmad", "n_redshift"} <= set(row)
    assert row["n_redshift"] <= row["n"]
    assert set(metrics["redshift_by_class"]) == {"GALAXY", "QSO"}


def test_redshift_figures_can_be_computed_again_from_the_scored_objects(both, small_run):
    from asterism.learning.redshift_metrics import pit_ks, point_metrics

    metrics, out, _ = both
    there = pq.read_table(out / "scored.parquet").to_pandas()
    assert len(there) == metrics["n"]
    scored = there[there["redshift"].notna()]
    assert len(scored) == metrics["n_redshift"]
    assert "STAR" not in set(scored["class"])
    test = small_run.catalog.read(["object_id", "redshift"], split="default", part="test").to_pylist()
    truth = {row["object_id"]: row["redshift"] for row in test}
    assert np.allclose(scored["redshift"], [truth[i] for i in scored["object_id"]])
    ours = point_metrics(scored["z_median"].to_numpy(), scored["redshift"].to_numpy(), resamples=10)
    assert ours["sigma_nmad"] == pytest.approx(metrics["sigma_nmad"])
    assert pit_ks(scored["z_pit"]) == pytest.approx(metrics["pit_ks"])
    forest = point_metrics(scored["random_forest_z"].to_numpy(), scored["redshift"].to_numpy(), resamples=10)
    assert forest["sigma_nmad"] == pytest.approx(metrics["baselines"]["random_forest"]["sigma_nmad"])


def test_densities_are_scored_without_the_stars_share(both, small_run):
    from asterism.catalogs.stream import Stream
    from asterism.inference.predictor import Predictor

    predictor = Predictor.from_pretrained(both[2])
    catalog = small_run.catalog
    batch = next(
        iter(
            Stream(catalog, predictor.bindings(catalog), batch_size=200, rows=np.arange(200), classes=predictor.classes)
        )
    )
    whole, given = (predictor.answer(batch, given_redshift=given) for given in (False, True))
    assert np.array_equal(whole.probabilities, given.probabilities)
    star = whole.probabilities[:, predictor.classes.index("STAR"), None]
    spike = np.zeros_like(whole.redshift.pdf)
    spike[:, 0] = 2 / (whole.redshift.grid[1] - whole.redshift.grid[0])
    assert np.allclose(whole.redshift.pdf, (1 - star) * given.redshift.pdf + star * spike, atol=1e-6)
    # With the spike of a third of the mass, the loss of any object would be of the order of its height.
    assert both[0]["cde_loss"] < 2


def test_the_report_and_tables_hold_both_tasks(both):
    _, out, _ = both
    html = (out / "report.html").read_text()
    for text in (
        "classification and redshift",
        "Confusion matrix",
        "Redshifts beside the baselines",
        "1.4826",
        "random_forest",
    ):
        assert text in html
    assert "sigma_nmad" in (out / "tables" / "methods.csv").read_text()
    assert len((out / "tables" / "by_redshift.csv").read_text().splitlines()) > 2


def test_a_catalog_without_redshifts_is_scored_by_class_and_says_so(both, make_sky, make_rows, tmp_path):
    other = make_sky("other", make_rows(rows=80, seed=9, image=False).drop_columns(["redshift"]))
    metrics = evaluate(both[2], other, tmp_path / "report")
    assert "accuracy" in metrics
    assert "sigma_nmad" not in metrics
    assert "no column &#39;redshift&#39;" in (tmp_path / "report" / "report.html").read_text()
