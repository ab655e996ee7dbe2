import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.explore.anomaly import anomaly_scores


def sphere(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def injected():
    """Two groups, one ten times as wide as the other, and ten outliers of which five lie just off the narrow one."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(2, 12))
    narrow = centres[0] + 0.03 * rng.normal(size=(300, 12))
    wide = centres[1] + 0.3 * rng.normal(size=(300, 12))
    near = centres[0] + sphere(rng.normal(size=(5, 12))) * 0.5
    far = rng.normal(size=(5, 12))
    return sphere(np.concatenate([narrow, wide, near, far])), np.arange(610) >= 600


def best(score, truth):
    """Share of the true outliers among as many objects with the highest scores."""
    return truth[np.argsort(-score)[: truth.sum()]].mean()


def test_injected_outliers_have_the_highest_density_score(injected):
    values, truth = injected
    found = anomaly_scores(values)
    assert best(found.density, truth) >= 0.9
    assert 0.9 < np.median(found.density[~truth]) < 1.2


def test_the_distance_finds_what_is_far_from_all_and_density_what_is_off_a_dense_group(injected):
    values, truth = injected
    found = anomaly_scores(values)
    far = np.arange(610) >= 605
    assert found.knn[far].min() > np.quantile(found.knn[~truth], 0.99)
    # Off the narrow group, but no farther from it than members of the wide group are from each other.
    near = truth & ~far
    assert np.median(found.knn[near]) < np.quantile(found.knn[300:600], 0.9)
    assert found.density[near].min() > np.quantile(found.density[~truth], 0.99)


def test_the_distance_is_the_mean_over_the_nearest():
    values = sphere(np.random.default_rng(1).normal(size=(30, 4)))
    apart = np.sort(np.linalg.norm(values[:, None] - values[None], axis=2), axis=1)[:, 1:6]
    np.testing.assert_allclose(anomaly_scores(values, neighbours=5).knn, apart.mean(axis=1), atol=1e-3)


def test_a_reference_stands_for_all(injected):
    values, truth = injected
    rows = np.sort(np.random.default_rng(2).choice(600, 300, replace=False))
    found = anomaly_scores(values, reference=rows)
    assert best(found.density, truth) >= 0.8
    alone = anomaly_scores(values[rows])
    np.testing.assert_allclose(found.knn[rows], alone.knn, atol=1e-4)


def test_small_and_repeated_sets():
    values = sphere(np.random.default_rng(3).normal(size=(4, 3)))
    assert anomaly_scores(values).neighbours == 3
    with pytest.raises(BadInputError, match="3 objects"):
        anomaly_scores(values[:2])
    same = np.concatenate([np.repeat(values[:1], 30, axis=0), values])
    assert np.isfinite(anomaly_scores(same).knn).all()
