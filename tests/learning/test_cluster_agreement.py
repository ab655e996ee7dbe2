import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from asterism.errors import BadInputError
from asterism.learning.cluster_agreement import NOISE, cluster_agreement, single_targets

LABELS = np.repeat(["STAR", "GALAXY", "QSO"], 40)


def test_clusters_that_are_the_labels_agree_fully_under_any_number():
    clusters = np.repeat([7, 0, 3], 40)
    found = cluster_agreement(clusters, LABELS)
    assert found["ami"] == pytest.approx(1)
    assert found["ami_interval"] == pytest.approx([1, 1])
    assert found["clusters"] == 3
    assert found["noise_share"] == 0


def test_clusters_at_random_do_not_agree_however_many():
    clusters = np.random.default_rng(0).integers(0, 30, 120)
    found = cluster_agreement(clusters, LABELS)
    assert abs(found["ami"]) < 0.1
    assert found["clusters"] == 30


def test_noise_is_a_cluster_of_its_own():
    clusters = np.repeat([0, 1, 2], 40)
    clusters[::2] = NOISE
    found = cluster_agreement(clusters, LABELS)
    assert found["noise_share"] == 0.5
    assert found["clusters"] == 3
    assert found["ami_without_noise"] == pytest.approx(1)
    assert found["ami"] < 0.7
    assert found["ami"] == pytest.approx(adjusted_mutual_info_score(LABELS, clusters))
    low, high = found["ami_interval"]
    assert low < found["ami"] < high


def test_only_labelled_objects_count():
    labels = [None if i % 3 == 0 else name for i, name in enumerate(LABELS)]
    found = cluster_agreement(np.repeat([0, 1, 2], 40), labels, sources=np.arange(120) // 2)
    assert found["n"] == 80
    assert found["ami"] == pytest.approx(1)
    assert cluster_agreement([NOISE] * 120, labels)["ami_without_noise"] is None
    with pytest.raises(BadInputError, match="no object of the clusters is labelled"):
        cluster_agreement([0, 1], [None, None])
    with pytest.raises(BadInputError, match="same objects"):
        cluster_agreement([0, 1], ["STAR"])


def test_an_object_of_several_targets_has_none_of_its_own():
    assert single_targets([["LRG"], ["LRG", "ELG"], [], None]) == ["LRG", None, None, None]
