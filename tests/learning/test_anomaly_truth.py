import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.anomaly_truth import anomaly_scores, rarities

SUBCLASSES = ["G0"] * 480 + ["DA"] * 6 + ["DB"] * 3 + ["CV"] * 5 + ["carbon"] * 6
RARE = rarities(SUBCLASSES)


def test_rare_kinds_are_told_by_their_subclass():
    assert RARE.count("WD") == 9
    assert RARE.count("CV") == 5
    assert RARE.count("carbon") == 6
    assert RARE.count(None) == 480
    # Half of a catalog of white dwarfs is not rare there.
    assert rarities(["DA"] * 50 + ["CV"] + ["K5"] * 49) == [None] * 50 + ["CV"] + [None] * 49
    assert rarities([None, "G0"]) == [None, None]


def test_a_score_that_knows_finds_them_all_first():
    scores = np.array([kind is not None for kind in RARE]) + np.linspace(0, 0.1, 500)
    found = anomaly_scores(scores, RARE, top=(10, 20, 40))
    assert found["roc_auc"] == 1
    assert found["average_precision"] == pytest.approx(1)
    assert (found["precision_at_10"], found["precision_at_20"], found["precision_at_40"]) == (1, 1, 0.5)
    assert found["by_kind"]["carbon"] == {"n": 6, "roc_auc": 1, "found_at_10": 1, "found_at_20": 1, "found_at_40": 1}
    assert found["by_kind"]["WD"]["found_at_20"] == 1
    assert found["rare_share"] == 0.04


def test_a_score_that_knows_nothing_is_chance():
    scores = np.random.default_rng(1).random(500)
    found = anomaly_scores(scores, RARE)
    low, high = found["roc_auc_interval"]
    assert low < 0.5 < high
    assert found["precision_at_100"] < 0.15


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500))
def test_only_the_order_of_scores_counts(seed):
    scores = np.random.default_rng(seed).normal(size=500)
    one = anomaly_scores(scores, RARE, resamples=3)
    two = anomaly_scores(np.exp(scores), RARE, resamples=3)
    turned = anomaly_scores(-scores, RARE, resamples=3)
    assert one == two
    assert turned["roc_auc"] == pytest.approx(1 - one["roc_auc"])


def test_objects_without_a_score_are_left_out():
    scores = np.where(np.arange(500) < 100, np.nan, 1.0)
    found = anomaly_scores(scores, RARE, top=(10, 450))
    assert found["n"] == 400
    assert "precision_at_450" not in found
    assert found["roc_auc"] == 0.5


def test_bad_input_is_one_sentence():
    with pytest.raises(BadInputError, match="no object with an anomaly score is of a rare kind"):
        anomaly_scores([1.0, 2.0], [None, None])
    with pytest.raises(BadInputError, match="every object"):
        anomaly_scores([1.0, 2.0], ["CV", "WD"])
    with pytest.raises(BadInputError, match="same objects"):
        anomaly_scores([1.0], RARE)
    with pytest.raises(ConfigurationError, match="top 0"):
        anomaly_scores([1.0, 2.0], [None, "CV"], top=(0,))


def test_the_area_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    scores = np.round(np.random.default_rng(4).normal(size=500) + [kind is not None for kind in RARE], 1)  # with ties
    found = anomaly_scores(scores, RARE, resamples=5)
    assert found["roc_auc"] == pytest.approx(roc_auc_score([kind is not None for kind in RARE], scores))
