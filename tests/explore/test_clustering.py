import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from asterism.errors import BadInputError
from asterism.explore.clustering import cluster_embedding, cluster_points, cluster_settings, stability


def groups(rows, seed=0, width=0.2, length=16):
    """Three groups of half, a third and a sixth of the rows."""
    centres = np.random.default_rng(9).normal(size=(3, length))
    kinds = np.searchsorted([0.5, 0.83], np.random.default_rng(seed).uniform(size=rows))
    values = centres[kinds] + width * np.random.default_rng(seed + 1).normal(size=(rows, length))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32), kinds


@pytest.mark.parametrize("space", ["map", "embedding"])
def test_groups_are_found_and_numbered_by_their_size(space):
    values, kinds = groups(400)
    found = cluster_embedding(values, space=space, repeats=1)
    assert adjusted_rand_score(kinds, found.labels) > 0.85
    assert (np.diff(np.bincount(found.labels[found.labels >= 0])) <= 0).all()
    assert found.dimensions == 2 or space == "embedding"
    assert found.noise < 0.1
    assert found.stability[0] > 0.8
    assert ((found.probabilities > 0) == (found.labels >= 0)).all()


def test_settings_follow_from_the_number_of_objects_alone():
    assert cluster_settings(20_000) == (200, 10)
    assert cluster_settings(400) == (10, 6)
    assert cluster_settings(2) == (10, 2)


def test_what_has_no_groups_is_unstable_beside_what_has():
    rng = np.random.default_rng(4)
    cloud = rng.normal(size=(400, 16)).astype(np.float32)
    cloud /= np.linalg.norm(cloud, axis=1, keepdims=True)
    labels, _ = cluster_points(cloud)
    # One group or none is to be found in an even cloud; a partition of it would not come again.
    if labels.max() > 0:
        assert np.mean(stability(cloud, space="embedding", repeats=2)) < 0.5
    else:
        assert (labels < 0).mean() > 0.9
    assert np.mean(stability(groups(400)[0], space="embedding", repeats=2)) > 0.9


def test_the_same_seed_gives_the_same_and_the_stability_another_with_another_seed():
    values, _ = groups(120, width=1.5)
    one, two = (cluster_embedding(values, space="embedding", seed=3, repeats=2) for _ in range(2))
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.stability == two.stability
    assert cluster_embedding(values, space="embedding", seed=4, repeats=2).stability != one.stability


def test_progress_and_too_few_objects():
    told = []
    values, _ = groups(60)
    cluster_embedding(values, space="embedding", repeats=2, progress=lambda *done: told.append(done))
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert cluster_embedding(values, space="embedding", repeats=0).stability == []
    with pytest.raises(BadInputError, match="25 objects"):
        cluster_embedding(values[:24])
