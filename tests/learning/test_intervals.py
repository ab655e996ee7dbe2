import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.learning.intervals import bootstrap_mean, paired_difference, resampled_means


def test_interval_of_a_share_matches_the_binomial_one():
    values = np.r_[np.ones(800), np.zeros(200)]
    low, high = bootstrap_mean(values)
    sigma = np.sqrt(0.8 * 0.2 / 1000)
    assert low == pytest.approx(0.8 - 1.96 * sigma, abs=0.004)
    assert high == pytest.approx(0.8 + 1.96 * sigma, abs=0.004)


def test_repeated_observations_do_not_narrow_the_interval():
    rng = np.random.default_rng(1)
    values = rng.random(300) < 0.7
    once = bootstrap_mean(values)
    thrice = bootstrap_mean(np.repeat(values, 3), np.repeat(np.arange(300), 3))
    assert np.allclose(once, thrice)


def test_a_paired_comparison_sees_what_two_separate_intervals_do_not():
    rng = np.random.default_rng(2)
    theirs = rng.random(2000)
    ours = theirs - 0.01 + 0.01 * rng.standard_normal(2000)
    difference = paired_difference(ours, theirs)
    assert difference.excludes_zero
    assert difference.high < 0
    assert bootstrap_mean(ours)[1] > bootstrap_mean(theirs)[0]


def test_equal_methods_are_not_told_apart():
    values = np.arange(10.0)
    assert not paired_difference(values, values).excludes_zero


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        paired_difference(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="no objects"):
        resampled_means(np.ones(0))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.integers(0, 10))
def test_resampled_means_stay_inside_the_data_and_repeat_under_a_seed(values, seed):
    means = resampled_means(values, resamples=50, seed=seed)
    assert means.min() >= min(values) - 1e-9
    assert means.max() <= max(values) + 1e-9
    assert (means == resampled_means(values, resamples=50, seed=seed)).all()
