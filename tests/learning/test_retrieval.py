import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.retrieval import (
    matched_pools,
    paired_recall_differences,
    pool_spread,
    random_pools,
    retrieval_metrics,
    retrieval_ranks,
    unit_length,
)


def pairs(n=300, width=16, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, width))
    return x, x + noise * rng.normal(size=(n, width))


def test_partners_that_are_alike_are_found_first():
    x, y = pairs(noise=0.1)
    ranks = retrieval_ranks(x, 3 * y, random_pools(300, 200))
    assert (ranks == 1).all()
    found = retrieval_metrics(ranks, 200)
    assert found["recall_at_1"] == 1
    assert found["median_rank"] == 1


def test_embeddings_that_know_nothing_of_each_other_give_chance():
    x, y = pairs(1000)[0], pairs(1000, seed=1)[0]
    found = retrieval_metrics(retrieval_ranks(x, y, random_pools(1000, 100)), 100)
    for k in (1, 5, 10):
        low, high = found[f"recall_at_{k}_interval"]
        assert found[f"chance_at_{k}"] == k / 100
        assert low - 0.01 < k / 100 < high + 0.01
    assert found["median_rank"] == pytest.approx(found["chance_median_rank"], rel=0.1)


def test_an_embedding_that_is_the_same_for_all_finds_nothing():
    x = np.ones((50, 7), np.float32) + np.float32(1e-9)
    ranks = retrieval_ranks(x, x, random_pools(50, 40))
    assert (ranks == 20.5).all()


def test_the_rank_counts_those_that_are_nearer():
    # Directions in a plane: candidate 0 is 20 degrees off its query, two others are nearer, one ties.
    angle = np.radians([20, 10, -15, -20, 90.0])
    candidates = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    queries = np.tile([1.0, 0.0], (5, 1))
    ranks = retrieval_ranks(queries, candidates, random_pools(5, 5))
    assert ranks.tolist() == [3.5, 1, 2, 3.5, 5]


def test_an_embedding_of_the_magnitude_is_worth_nothing_in_pools_of_that_magnitude():
    rng = np.random.default_rng(2)
    magnitude = rng.uniform(16, 23, 800)
    angle = (magnitude - 16) / 7 + 0.02 * rng.normal(size=(2, 800))
    image, spectrum = (np.stack([np.cos(a), np.sin(a)], axis=1) for a in angle)
    at_random, matched = random_pools(800, 60), matched_pools(magnitude, 60)
    easy = retrieval_metrics(retrieval_ranks(image, spectrum, at_random), 60)
    hard = retrieval_metrics(retrieval_ranks(image, spectrum, matched), 60)
    assert easy["recall_at_10"] > 0.85
    assert hard["recall_at_10"] == pytest.approx(10 / 60, abs=0.06)
    assert pool_spread(matched, magnitude)[0] < 0.1 * pool_spread(at_random, magnitude)[0]


def test_pools_matched_in_two_quantities_are_near_in_both():
    rng = np.random.default_rng(3)
    both = np.stack([rng.uniform(16, 23, 2000), rng.uniform(0, 1, 2000)], axis=1)
    one = pool_spread(matched_pools(both[:, 0], 50), both)
    two = pool_spread(matched_pools(both, 50), both)
    assert two[1] < 0.4 * one[1]
    assert two[0] < 0.2 * np.median(np.abs(both[:, 0] - np.median(both[:, 0])))


@pytest.mark.parametrize("kind", ["random", "matched"])
def test_a_pool_holds_the_query_once_and_others_of_other_sources(kind):
    rng = np.random.default_rng(4)
    sources = np.sort(rng.integers(0, 300, 700))
    size = 100
    pools = (
        random_pools(700, size, sources=sources)
        if kind == "random"
        else matched_pools(sources * 1.0, size, sources=sources)
    )
    seen = 0
    for rows, chosen in pools.blocks():
        queries = np.arange(700)[rows]
        assert (chosen[:, 0] == queries).all()
        assert chosen.shape == (len(queries), size)
        assert all(len(set(pool)) == size for pool in chosen.tolist())
        assert not (sources[chosen[:, 1:]] == sources[queries][:, None]).any()
        seen += len(queries)
    assert seen == 700


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 40), st.floats(0, 5))
def test_recall_never_falls_with_k_and_order_of_the_objects_is_nothing(seed, n, noise):
    x, y = pairs(n, 5, noise, seed)
    ranks = retrieval_ranks(x, y, random_pools(n, n))
    assert ((ranks >= 1) & (ranks <= n)).all()
    found = retrieval_metrics(ranks, n, at=range(1, n + 1), resamples=5)
    recalls = [found[f"recall_at_{k}"] for k in range(1, n + 1)]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1
    order = np.random.default_rng(seed).permutation(n)
    assert np.array_equal(retrieval_ranks(x[order], y[order], random_pools(n, n)), ranks[order])
    # Matched pools follow their objects too.
    magnitude = np.random.default_rng(seed + 1).normal(size=n)
    size = max(2, n // 2)
    near = retrieval_ranks(x, y, matched_pools(magnitude, size))
    assert np.array_equal(retrieval_ranks(x[order], y[order], matched_pools(magnitude[order], size)), near[order])


def test_two_embeddings_are_compared_on_the_same_pools():
    x, good = pairs(600, 8, 0.3)
    pools = random_pools(600, 300, seed=1)
    ours, theirs = (retrieval_ranks(x, y, pools) for y in (good, pairs(600, 8, 1.0)[1]))
    found = paired_recall_differences(ours, theirs)
    assert found["recall_at_10"].mean == pytest.approx((ours <= 10).mean() - (theirs <= 10).mean())
    assert found["recall_at_10"].low > 0
    assert not paired_recall_differences(ours, ours)["recall_at_1"].excludes_zero


def test_what_does_not_fit_is_said_in_one_sentence():
    x, y = pairs(30)
    with pytest.raises(BadInputError, match="pools of 2,000 need as many pairs and there are 30"):
        random_pools(30, 2000)
    with pytest.raises(BadInputError, match="one source has 29"):
        matched_pools(np.arange(30.0), 20, sources=[0] * 29 + [1])
    with pytest.raises(ConfigurationError, match="nothing to be told apart from"):
        random_pools(30, 1)
    with pytest.raises(BadInputError, match="lack a quantity"):
        matched_pools([1.0, np.nan, 2.0], 2)
    with pytest.raises(BadInputError, match="no pairs"):
        retrieval_ranks(x, y[:, :5], random_pools(30, 10))
    with pytest.raises(BadInputError, match="the pools are of 20 pairs"):
        retrieval_ranks(x, y, random_pools(20, 10))
    with pytest.raises(ConfigurationError, match="recall at 10 means nothing in pools of 5"):
        retrieval_metrics([1.0, 2.0], 5)
    with pytest.raises(BadInputError, match="no pair of both modalities"):
        retrieval_metrics([], 20)


def test_absent_embeddings_are_not_compared():
    with pytest.raises(BadInputError, match="1 of 3 embeddings are zero"):
        unit_length([[1.0, 0], [0, 0], [0, 2]])
    with pytest.raises(BadInputError, match="finite"):
        unit_length([[1.0, np.nan]])
    assert np.allclose(unit_length([[3.0, 4.0]]), [[0.6, 0.8]])
