import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.learning.probe_scores import (
    class_scores,
    paired_class_difference,
    paired_redshift_probe_differences,
    paired_value_difference,
    r_squared,
    redshift_probe_scores,
    value_scores,
)
from asterism.learning.redshift_metrics import point_metrics

Z = np.random.default_rng(0).uniform(0.1, 1.5, 800)


def test_r_squared_of_the_mean_is_nothing_and_of_the_truth_is_all():
    assert r_squared(Z, Z) == 1
    assert r_squared(np.full(800, Z.mean()), Z) == pytest.approx(0, abs=1e-12)
    assert r_squared(-Z, Z) < 0
    noisy = Z + np.random.default_rng(1).normal(0, 0.5 * Z.std(), 800)
    found = value_scores(noisy, Z)
    assert found["r2"] == pytest.approx(0.75, abs=0.05)
    assert found["r2_interval"][0] < 0.75 < found["r2_interval"][1]
    assert found["rmse"] == pytest.approx(0.5 * Z.std(), rel=0.1)


def test_r_squared_of_one_truth_is_none():
    found = value_scores([1.0, 2.0], [3.0, 3.0])
    assert found["r2"] is None
    assert "r2_interval" not in found
    assert found["rmse"] > 0


def test_redshift_figures_are_those_of_the_photo_z_metrics():
    guess = Z + np.random.default_rng(2).normal(0, 0.03, 800)
    guess[:80] += 0.25 * (1 + Z[:80])
    found = redshift_probe_scores(guess, Z)
    theirs = point_metrics(guess, Z)
    for key in ("sigma_nmad", "bias", "outlier_rate_0.05", "outlier_rate_0.15"):
        assert found[key] == theirs[key]
    assert found["outlier_rate_0.1"] == pytest.approx(0.1, abs=0.002)
    assert found["median_absolute_error"] == pytest.approx(np.median(np.abs(guess - Z) / (1 + Z)))
    low, high = found["outlier_rate_0.1_interval"]
    assert low < 0.1 < high


def test_a_line_that_runs_below_zero_answers_zero():
    found = redshift_probe_scores([-3.0, 0.5], [0.0, 0.5])
    assert found["r2"] == 1
    assert found["median_absolute_error"] == 0


def test_macro_recall_counts_every_class_alike():
    true = np.array(["STAR"] * 90 + ["QSO"] * 10)
    found = class_scores(["STAR"] * 100, true)
    assert found["accuracy"] == 0.9
    assert found["macro_recall"] == 0.5
    assert found["recall"] == {"QSO": 0.0, "STAR": 1.0}
    assert found["n_by_class"] == {"QSO": 10, "STAR": 90}
    half = np.where(np.arange(100) % 2 == 0, true, "other")
    found = class_scores(half, true)
    assert found["macro_recall"] == 0.5
    assert found["macro_recall_interval"][0] < 0.5 < found["macro_recall_interval"][1]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30))
def test_order_of_the_objects_is_nothing(seed, n):
    rng = np.random.default_rng(seed)
    true, guess = rng.uniform(0, 2, n), rng.uniform(0, 2, n)
    order = rng.permutation(n)
    assert r_squared(guess[order], true[order]) == pytest.approx(r_squared(guess, true))
    names = np.array(["a", "b", "c"])
    a, b = names[rng.integers(0, 3, n)], names[rng.integers(0, 3, n)]
    kept = class_scores(a, b, resamples=2)
    found = class_scores(a[order], b[order], resamples=2)
    assert found["macro_recall"] == pytest.approx(kept["macro_recall"])
    assert found["accuracy"] == pytest.approx(kept["accuracy"])
    assert 0 <= found["macro_recall"] <= 1


def test_the_better_of_two_is_told_on_the_same_objects():
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 0.2, 800)
    ours, theirs = Z + shared, Z + 1.2 * shared
    found = paired_redshift_probe_differences(ours, theirs, Z)
    assert found["r2"].low > 0
    assert found["sigma_nmad"].high < 0
    assert found["outlier_rate_0.1"].mean < 0
    assert found["r2"].mean == pytest.approx(r_squared(np.maximum(ours, 0), Z) - r_squared(np.maximum(theirs, 0), Z))
    assert not paired_value_difference(ours, ours, Z)["r2"].excludes_zero


def test_classes_are_compared_too():
    true = np.array(["a", "b"] * 100)
    worse = np.where(np.arange(200) < 60, "a", true)
    found = paired_class_difference(true, worse, true)["macro_recall"]
    assert found.mean == pytest.approx(0.15)
    assert found.low > 0
    sources = np.repeat(np.arange(10), 20)
    wide = paired_class_difference(true, worse, true, sources)["macro_recall"]
    assert wide.high - wide.low > found.high - found.low


def test_nothing_to_score_is_said():
    with pytest.raises(BadInputError, match="no labelled object to score"):
        value_scores([], [])
    with pytest.raises(BadInputError, match="no labelled object to score"):
        class_scores([], [])
    with pytest.raises(ValueError, match="one length"):
        value_scores([1.0], [1.0, 2.0])
