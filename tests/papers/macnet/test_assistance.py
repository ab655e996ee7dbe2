import json

import numpy as np
import pyarrow as pa
import pytest

from asterism.learning.redshift_metrics import sigma_nmad
from asterism.papers.macnet.assistance import REDSHIFT_FIGURES, redshift_difference, redshift_figures
from asterism.papers.macnet.fitting import settings_of
from asterism.papers.macnet.rows import Fit, Row
from asterism.papers.row_records import read_record, read_scored

FEW = Fit("few", "images-taught", 0)


def table(error, loss, n=300):
    ids = [str(k) for k in range(n)]
    z = np.linspace(0.1, 2, n)
    columns = {"object_id": ids, "source_id": ids, "class": ["QSO"] * n, "redshift": z}
    return pa.table({**columns, "z_phot": z + error * (1 + z), "cde_loss": np.full(n, loss)})


def test_figures_are_means_over_seeds():
    rng = np.random.default_rng(0)
    wide, narrow = rng.normal(0, 0.05, 300), rng.normal(0, 0.01, 300)
    narrow[:30] = 0.5
    told = redshift_figures([table(wide, -1.0), table(narrow, -2.0)])
    assert told["seeds"] == 2
    assert told["sigma_nmad"] == pytest.approx((sigma_nmad(wide) + sigma_nmad(narrow)) / 2)
    assert told["outlier_rate_0.15"] == pytest.approx(((np.abs(wide) > 0.15).mean() + 0.1) / 2)
    assert told["cde_loss"] == pytest.approx(-1.5)
    assert told["cde_loss_interval"] == pytest.approx([-1.5, -1.5])
    low, high = told["sigma_nmad_interval"]
    assert low < told["sigma_nmad"] < high


def test_differences_are_paired():
    rng = np.random.default_rng(1)
    error = rng.normal(0, 0.05, 300)
    told = redshift_difference([table(error / 2, -2.0)], [table(error, -1.0), table(error, -1.0)])
    assert told["cde_loss"] == {"difference": pytest.approx(-1.0), "interval": pytest.approx([-1.0, -1.0])}
    assert told["sigma_nmad"]["difference"] == pytest.approx(-sigma_nmad(error) / 2)
    assert told["sigma_nmad"]["interval"][1] < 0
    same = redshift_difference([table(error, -1.0)], [table(error, -1.0)])
    assert all(same[name] == {"difference": 0.0, "interval": [0.0, 0.0]} for name in REDSHIFT_FIGURES)
    with pytest.raises(ValueError, match="different objects"):
        redshift_difference([table(error, 0.0)], [table(error[:200], 0.0, 200)])


def test_what_one_of_the_two_does_not_have_is_not_compared():
    points = table(0.01, 0.0).drop_columns(["cde_loss"])
    assert redshift_figures([points])["cde_loss"] is None
    assert np.isnan(redshift_figures([table(0.01, np.nan)])["cde_loss"])  # a network's that went wrong is not hidden
    assert set(redshift_difference([table(0.02, -1.0)], [points])) == {"sigma_nmad", "outlier_rate_0.15"}


def test_the_student_was_taught_what_it_has_no_label_of(place, paper):
    record = read_record(Row("assist-class", "few", "images-taught", 0).folder(place))
    teacher = settings_of(Fit("few", "spectra-teacher", 0), paper, "tiny")
    assert record["settings"]["teacher"] == teacher
    assert teacher["inputs"] == "spectrum"
    assert record["settings"]["inputs"] == "image"
    run = json.loads((FEW.folder(place) / "run" / "train.json").read_text())
    assert set(run["inputs"]) == {"image"}
    # Half of the training part has no label; the teacher speaks of none that it was trained on.
    assert 50 <= record["taught"]["unlabelled"] <= 64
    assert record["taught"]["objects"] == record["taught"]["unlabelled"]
    assert sum(record["trained_on"].values()) == 63
    alone = read_record(Row("assist-class", "few", "images-alone", 0).folder(place))
    assert "taught" not in alone
    assert "teacher" not in alone["settings"]


def test_redshifts_are_of_galaxies_and_quasars(place):
    scored = read_scored(Row("assist-redshift", "few", "images-alone", 0).folder(place))
    assert set(scored["class"].to_pylist()) == {"GALAXY", "QSO"}
    assert len(scored) == 27


def test_results_compare_the_two_students(place):
    (entry,) = json.loads((place / "results.json").read_text())["assist"]
    methods = {"spectra-teacher", "images-alone", "images-taught", "images-lightgbm"}
    assert set(entry["classes"]) == set(entry["redshifts"]) == methods
    assert set(entry["redshift_differences"]["images-alone"]) == set(REDSHIFT_FIGURES)
    assert set(entry["class_differences"]) == {"images-alone", "images-lightgbm"}
    for other, told in entry["class_differences"].items():
        gap = entry["classes"]["images-taught"]["log_loss"] - entry["classes"][other]["log_loss"]
        assert told["log_loss"]["difference"] == pytest.approx(gap)


def test_trees_have_redshifts_and_no_density(place):
    (entry,) = json.loads((place / "results.json").read_text())["assist"]
    told = entry["redshifts"]["images-lightgbm"]
    assert told["sigma_nmad"] >= 0
    assert told["cde_loss"] is told["cde_loss_interval"] is None
    assert set(entry["redshift_differences"]["images-lightgbm"]) == {"sigma_nmad", "outlier_rate_0.15"}
    settings = read_record(Row("assist-redshift", "few", "images-lightgbm", 0).folder(place))["settings"]
    assert (settings["inputs"], settings["task"]) == ("image", "classification,redshift")
