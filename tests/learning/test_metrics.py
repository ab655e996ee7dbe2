import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error, multiclass_f1_score

from asterism.learning.metrics import (
    bin_edges,
    classification_metrics,
    completeness_purity,
    confusion_matrix,
    expected_calibration_error,
    log_loss_values,
    metrics_by_magnitude,
    null_calibration_error,
    reliability,
)

CLASSES = ("STAR", "GALAXY", "QSO")


def sample(n=2000, sharpness=2.0, seed=0):
    """Probabilities and labels drawn from them: a perfectly calibrated model."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.standard_normal((n, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return p, y


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 200))
def test_figures_agree_with_torchmetrics(seed, n):
    p, y = sample(n, seed=seed)
    ours = classification_metrics(p, y, CLASSES, resamples=10)
    tp, ty = torch.tensor(p), torch.tensor(y)
    # torchmetrics closes its bins on the left; the two agree unless a confidence lies on an edge, which none here does.
    assert ours["ece"] == pytest.approx(float(multiclass_calibration_error(tp, ty, 3, n_bins=15)), abs=1e-6)
    present = np.isin(range(3), y)
    per_class = multiclass_f1_score(tp, ty, 3, average="none").numpy()
    assert ours["macro_f1"] == pytest.approx(per_class[present].mean(), abs=1e-6)
    assert ours["log_loss"] == pytest.approx(float(torch.nn.functional.nll_loss(tp.log(), ty)), abs=1e-9)


def test_a_calibrated_model_stays_in_its_null_band_and_an_overconfident_one_does_not():
    p, y = sample(8000, seed=1)
    assert expected_calibration_error(p, y) <= null_calibration_error(p)
    sharp = p**2 / (p**2).sum(axis=1, keepdims=True)
    assert expected_calibration_error(sharp, y) > null_calibration_error(sharp)


def test_the_null_band_is_exceeded_in_one_of_twenty_samples():
    exceed = [
        expected_calibration_error(*sample(400, seed=s)) > null_calibration_error(sample(400, seed=s)[0], draws=300)
        for s in range(200)
    ]
    assert 0.01 <= np.mean(exceed) <= 0.10


def test_a_hand_made_case():
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]])
    y = np.array([0, 1, 1, 2])
    m = classification_metrics(p, y, CLASSES, sets=p > 0.25)
    assert m["accuracy"] == 0.75
    assert m["recall"] == {"STAR": 1.0, "GALAXY": 0.5, "QSO": 1.0}
    assert m["precision"] == {"STAR": 0.5, "GALAXY": 1.0, "QSO": 1.0}
    assert m["macro_f1"] == pytest.approx(np.mean([2 / 3, 2 / 3, 1]))
    assert m["log_loss"] == pytest.approx(-np.log([0.8, 0.3, 0.7, 0.7]).mean())
    assert m["coverage"] == 1.0
    assert m["set_size"] == 1.25
    assert m["confusion"]["counts"] == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    json.dumps(m, allow_nan=False)


def test_a_class_nobody_belongs_to_has_no_recall_and_does_not_pull_the_macro_f1():
    p, _ = sample(10)
    y = np.zeros(10, dtype=int)
    m = classification_metrics(np.eye(3)[y] * 0.97 + 0.01, y, CLASSES)
    assert m["recall"]["QSO"] is None
    assert m["macro_f1"] == 1.0
    assert p.shape == (10, 3)


def test_an_empty_set_covers_nothing_and_an_object_without_a_set_is_not_counted():
    p = np.array([[0.9, 0.05, 0.05]] * 4)
    sets = [[True, False, False], [False] * 3, [True, True, True], [False] * 3]
    m = classification_metrics(p, [0] * 4, CLASSES, sets=sets, abstained=[False, False, True, True])
    assert m["coverage"] == 0.5
    assert m["set_size"] == 0.5
    assert m["abstained"] == 0.5


def test_confusion_has_true_classes_along_rows():
    assert confusion_matrix([1, 1, 0], [0, 1, 0], 2).tolist() == [[1, 1], [0, 1]]


def test_reliability_counts_every_object_once():
    p, y = sample(500)
    r = reliability(p, y)
    assert r["n"].sum() == 500
    filled = r["n"] > 0
    assert (np.abs(r["accuracy"] - r["confidence"])[filled] * r["n"][filled]).sum() / 500 == pytest.approx(
        expected_calibration_error(p, y)
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_completeness_and_purity_agree_with_counting(seed, thresholds):
    p, y = sample(60, seed=seed)
    curves = completeness_purity(p, y, thresholds)
    for c in range(3):
        for t, cut in enumerate(thresholds):
            chosen = p[:, c] >= cut
            if (y == c).any():
                assert curves["completeness"][c, t] == pytest.approx((chosen & (y == c)).sum() / (y == c).sum())
            if chosen.any():
                assert curves["purity"][c, t] == pytest.approx((y[chosen] == c).mean())
            else:
                assert np.isnan(curves["purity"][c, t])


def test_magnitude_bins_partition_the_objects():
    p, y = sample(1000)
    magnitudes = np.random.default_rng(3).uniform(17.2, 20.9, 1000)
    magnitudes[:5] = np.nan
    bins = metrics_by_magnitude(p, y, CLASSES, magnitudes)
    assert [(b["lo"], b["hi"]) for b in bins] == [(17, 18), (18, 19), (19, 20), (20, 21)]
    assert sum(b["n"] for b in bins) == 995
    assert len(bin_edges([np.nan])) == 0


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([[0.5, 0.6]], [0], "sum to 1"),
        ([[0.5, 0.5]], [2], "class indices"),
        ([[0.5, 0.5]], [0, 1], "don't fit"),
        ([[np.nan, 0.5]], [0], "finite"),
    ],
)
def test_what_can_not_be_scored_is_refused(p, y, message):
    with pytest.raises(ValueError, match=message):
        log_loss_values(p, y)


def test_no_objects_is_an_error():
    with pytest.raises(ValueError, match="no objects"):
        classification_metrics(np.empty((0, 3)), [], CLASSES)
