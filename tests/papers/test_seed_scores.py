import numpy as np
import pyarrow as pa
import pytest

from asterism.papers.seed_scores import SeedScores, difference, macro_precision_recall, mean_and_std

CLASSES = ("STAR", "GALAXY")


def table(p_star, ids="abcd", classes=("STAR", "STAR", "GALAXY", "GALAXY")):
    p = np.array(p_star)
    return pa.table(
        {
            "object_id": list(ids),
            "source_id": list(ids),
            "class": list(classes),
            "p_star": p,
            "p_galaxy": 1 - p,
        }
    )


def test_figures_are_means_over_seeds():
    scores = SeedScores([table([0.9, 0.9, 0.1, 0.1]), table([0.9, 0.1, 0.9, 0.1])], CLASSES)
    np.testing.assert_allclose(scores.right, [1, 0.5, 0.5, 1])
    told = scores.figures()
    assert told["accuracy"] == pytest.approx(0.75)
    assert told["accuracy_std"] == pytest.approx(np.std([1, 0.5], ddof=1))
    assert told["confusion"]["counts"] == [[1.5, 0.5], [0.5, 1.5]]
    assert told["accuracy_interval"][0] <= 0.75 <= told["accuracy_interval"][1]
    assert told["log_loss"] == pytest.approx(scores.losses.mean())
    assert mean_and_std([2.0]) == (2.0, None)


def test_accuracy_of_some_objects():
    scores = SeedScores([table([0.9, 0.9, 0.1, 0.1]), table([0.9, 0.1, 0.9, 0.1])], CLASSES)
    told = scores.accuracy(np.array([True, True, False, False]))
    assert told["accuracy"] == pytest.approx(0.75)
    assert told["accuracy_std"] == pytest.approx(np.std([1, 0.5], ddof=1))
    assert 0.5 <= told["interval"][0] <= 0.75 <= told["interval"][1] <= 1
    assert scores.accuracy()["interval"] == scores.figures()["accuracy_interval"]


def test_differences_are_paired_and_their_sign_is_ours_less_theirs():
    good, poor = (SeedScores([table(p)], CLASSES) for p in ([0.9, 0.9, 0.1, 0.1], [0.9, 0.1, 0.9, 0.1]))
    told = difference(good, poor)
    assert told["accuracy"]["difference"] == 0.5
    assert told["log_loss"]["difference"] < 0
    with pytest.raises(ValueError, match="different objects"):
        difference(good, SeedScores([table([0.9] * 4, ids="abcx")], CLASSES))
    with pytest.raises(ValueError, match="different objects"):
        SeedScores([table([0.9] * 4), table([0.9] * 4, ids="abcx")], CLASSES)


def test_macro_averages():
    precision, recall = macro_precision_recall(np.array([[8.0, 2.0, 0.0], [0.0, 10.0, 0.0], [0.0, 4.0, 0.0]]))
    assert precision == pytest.approx((1 + 10 / 16 + 0) / 3)
    assert recall == pytest.approx((0.8 + 1 + 0) / 3)
