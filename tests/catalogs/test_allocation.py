"""Dealing out: whole numbers that follow fractions, folds that differ by one at most."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.allocation import deal_folds, deal_fractions, deal_tiles, generator, shares

WEIGHTS = st.lists(st.integers(1, 50), min_size=1, max_size=4)


def fractions_of(weights):
    return {name: w / sum(weights) for name, w in zip("abcd", weights, strict=False)}


@given(n=st.integers(0, 500), weights=WEIGHTS)
@settings(deadline=None)
def test_shares_are_within_one_of_the_fractions(n, weights):
    fractions = fractions_of(weights)
    counts = shares(n, fractions, 0)
    assert sum(counts.values()) == n
    assert all(abs(counts[part] - n * fraction) < 1 + 1e-6 for part, fraction in fractions.items())
    if n >= len(fractions):
        assert min(shares(n, fractions, 1).values()) >= 1
        assert sum(shares(n, fractions, 1).values()) == n


def test_exact_fractions_are_exact():
    assert shares(10, {"a": 0.7, "b": 0.1, "c": 0.1, "d": 0.1}, 1) == {"a": 7, "b": 1, "c": 1, "d": 1}
    assert shares(4, {"a": 0.7, "b": 0.1, "c": 0.1, "d": 0.1}, 1) == {"a": 1, "b": 1, "c": 1, "d": 1}


@given(n=st.integers(4, 200), weights=WEIGHTS, seed=st.integers(0, 99))
@settings(deadline=None)
def test_every_member_gets_a_part(n, weights, seed):
    fractions = fractions_of(weights)
    parts = deal_fractions(np.random.default_rng(seed).permutation(n), fractions, 1)
    assert {name: int((parts == name).sum()) for name in fractions} == shares(n, fractions, 1)


@given(n=st.integers(1, 300), folds=st.integers(2, 10), weights=WEIGHTS, seed=st.integers(0, 99))
@settings(deadline=None)
def test_folds_are_equal_and_the_rest_follows_the_fractions_outside_each(n, folds, weights, seed):
    fractions = fractions_of(weights)
    fold, otherwise = deal_folds(np.random.default_rng(seed).permutation(n), folds, fractions)
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for tested in range(folds):
        outside = otherwise[fold != tested]
        for part, fraction in fractions.items():
            assert abs((outside == part).sum() - fraction * len(outside)) <= 5


@given(weights=st.lists(st.integers(1, 20), min_size=4, max_size=60), seed=st.integers(0, 99))
@settings(deadline=None)
def test_tiles_fill_every_part_near_its_fraction(weights, seed):
    fractions = {"train": 0.7, "validation": 0.1, "calibration": 0.1, "test": 0.1}
    parts = deal_tiles(np.random.default_rng(seed).permutation(len(weights)), np.array(weights), fractions)
    assert set(parts) == set(fractions)
    total = sum(weights)
    for part, fraction in fractions.items():
        assert np.array(weights)[parts == part].sum() <= fraction * total + 2 * max(weights) + 20 * (len(weights) < 12)


def test_generators_differ_by_purpose_only():
    draw = generator(1, "a").random(4)
    assert (generator(1, "a").random(4) == draw).all()
    assert not (generator(1, "b").random(4) == draw).any()
    assert not (generator(2, "a").random(4) == draw).any()
    assert generator(-1, "a").random() == pytest.approx(generator(-1, "a").random())
