import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from typer.testing import CliRunner

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.leaks import SourceSet
from asterism.catalogs.roles import bind_roles
from asterism.catalogs.selection import select_rows
from asterism.catalogs.splits import make_split
from asterism.catalogs.stream import Stream
from asterism.errors import BadInputError, ConfigurationError, LeakError
from asterism.inference.evaluate import evaluate
from asterism.inference.evaluate_alignment import find_reference
from asterism.models.inputs import ModelInputs
from asterism.models.model import create_model

FRACTIONS = {"train": 0.5, "validation": 0.15, "test": 0.35}


@pytest.fixture(scope="module")
def aligned(make_spectra, tmp_path_factory):
    """An AVIS without training and the catalog of its split ``s``: what its page says does not matter here."""
    catalog = make_spectra(rows=260)
    make_split(catalog, "s", fractions=FRACTIONS)
    catalog = open_catalog(catalog.path)
    bindings = bind_roles(catalog.schema, "image,spectrum")
    torch.manual_seed(0)
    model = create_model("avis", ModelInputs.from_bindings(bindings), None, {"size": "tiny"})
    rows = select_rows(catalog, split="s", part="train")
    model.standardise(Stream(catalog, bindings, batch_size=64, rows=rows, labels=()))
    run = tmp_path_factory.mktemp("aligned") / "run"
    model.save_pretrained(run)
    SourceSet.from_catalog(catalog, rows=rows, role="unlabelled").save(run / "seen.parquet")
    return run, catalog


@pytest.fixture(scope="module")
def scored(aligned, tmp_path_factory):
    run, catalog = aligned
    out = tmp_path_factory.mktemp("scored") / "report"
    return evaluate(run, catalog, out, split="s", baselines=True), out


def test_figures_tables_and_page_are_there(scored, aligned):
    metrics, out = scored
    assert metrics == json.loads((out / "metrics.json").read_text())
    test = select_rows(aligned[1], split="s", part="test")
    assert metrics["n"] == len(test)
    assert metrics["part"] == "test"
    for key in (
        "recall_at_1",
        "recall_at_5",
        "recall_at_10",
        "median_rank",
        "knn_r2",
        "knn_sigma_nmad",
        "image_knn_r2",
    ):
        assert metrics[key] is not None
    assert set(metrics["probes"]) == {"image", "spectrum", "joint"}
    assert set(metrics["baselines"]) == {"untrained", "pca", "lightgbm", "mean"}
    assert metrics["baselines"]["mean"]["class_mean_r2"] == pytest.approx(0, abs=0.1)
    assert metrics["baselines"]["lightgbm"]["difference"]["image_r2"]["interval"][0] < 1
    for name in ("probes", "retrieval", "methods"):
        assert len((out / "tables" / f"{name}.csv").read_text().splitlines()) > 1
    page = (out / "report.html").read_text()
    for text in (
        "Does an image find its spectrum?",
        "Redshifts of galaxies",
        "Beside the baselines",
        "split &#39;s&#39;",
    ):
        assert text in page


def test_retrieval_can_be_computed_again_from_the_scored_objects(scored):
    metrics, out = scored
    there = pq.read_table(out / "scored.parquet").to_pandas()
    ranks = there["rank_image_to_spectrum"].dropna()
    assert len(ranks) == metrics["pool"] == metrics["retrieval"]["image_to_spectrum"]["random"]["n"]
    assert (ranks <= 10).mean() == pytest.approx(metrics["recall_at_10"])
    assert len(there) == metrics["n"]


def test_labels_of_the_objects_scored_have_no_say(scored, aligned):
    """Probes learn from the other parts: a reference of the test part is refused."""
    run, catalog = aligned
    test = select_rows(catalog, split="s", part="test")
    train = select_rows(catalog, split="s", part="train")
    reference, notes = find_reference(run, catalog, "s", SourceSet.from_catalog(catalog, rows=test))
    assert not notes
    assert not np.isin(np.union1d(*reference.rows.values()), test).any()
    with pytest.raises(LeakError):
        find_reference(run, catalog, "s", SourceSet.from_catalog(catalog, rows=train[:3]))
    with pytest.raises(LeakError, match="seen in training"):
        evaluate(run, catalog, run.parent / "all")


def test_without_a_split_labels_come_from_what_the_run_was_trained_on(aligned, make_spectra, tmp_path):
    run, catalog = aligned
    other = make_spectra(rows=90, seed=9)
    bare = evaluate(run, other, tmp_path / "bare")
    assert bare["probes"] == {}
    assert "Name a split" in (tmp_path / "bare" / "report.html").read_text()
    trained = tmp_path / "run"
    shutil.copytree(run, trained)
    record = {"catalog": {"path": str(catalog.path), "fingerprint": catalog.fingerprint}, "split": {"name": "s"}}
    (trained / "train.json").write_text(json.dumps(record))
    found = evaluate(trained, other, tmp_path / "report")
    assert "split 's'" in found["reference"]
    assert "knn_r2" in found
    assert found["n"] == 90


def test_pools_larger_than_the_objects_are_refused(aligned, small_run, tmp_path):
    run, catalog = aligned
    with pytest.raises(BadInputError, match="pools of 2,000 need as many pairs"):
        evaluate(run, catalog, tmp_path / "report", split="s", pool=2000)
    assert not (tmp_path / "report").exists()
    with pytest.raises(ConfigurationError, match="leave --pool out"):
        evaluate(small_run.path, small_run.catalog, tmp_path / "other", split="default", pool=50)


def test_the_command_prints_what_counts(aligned, tmp_path):
    from asterism.cli.main import app

    run, catalog = aligned
    out = str(tmp_path / "report")
    told = CliRunner().invoke(
        app, ["evaluate", str(run), "--catalog", str(catalog.path), "--split", "s", "--out", out, "--pool", "40"]
    )
    assert told.exit_code == 0, told.output
    assert "recall@10" in told.output
    assert "kNN" in told.output
