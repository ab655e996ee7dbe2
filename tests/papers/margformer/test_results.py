import json

import numpy as np
import pytest

from asterism.papers.margformer.results import macro_precision_recall


def entry(place, experiment, class_set):
    results = json.loads((place / "results.json").read_text())
    return next(e for e in results["experiments"] if (e["experiment"], e["class_set"]) == (experiment, class_set))


def test_macro_averages():
    precision, recall = macro_precision_recall(np.array([[8.0, 2.0, 0.0], [0.0, 10.0, 0.0], [0.0, 4.0, 0.0]]))
    assert precision == pytest.approx((1 + 10 / 16 + 0) / 3)
    assert recall == pytest.approx((0.8 + 1 + 0) / 3)


def test_figures_stand_beside_the_published_ones(place):
    found = entry(place, "experiment1", "sg")
    assert found["published"]["margformer-published"]["accuracy"] == 0.981
    ours = found["methods"]["lightgbm"]
    counts = np.array(ours["confusion"]["counts"])
    assert ours["accuracy"] == pytest.approx(np.trace(counts) / counts.sum())
    low, high = ours["accuracy_interval"]
    assert low <= ours["accuracy"] <= high
    assert ours["accuracy_std"] is None  # one seed


def test_differences_are_paired_on_the_same_objects(place):
    found = entry(place, "experiment1", "sg")
    (pair,) = [d for d in found["differences"] if d["theirs"] == "lightgbm"]
    expected = found["methods"]["margformer"]["accuracy"] - found["methods"]["lightgbm"]["accuracy"]
    assert pair["accuracy"]["difference"] == pytest.approx(expected)


def test_what_is_not_run_is_named(place):
    missing = json.loads((place / "results.json").read_text())["missing"]
    assert "experiment2-sg+margformer+seed0" in missing
    assert "experiment1-sg+lightgbm+seed0" not in missing
