import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.learning.whitening import Whitening


def spread(n=600, width=8, seed=0):
    """Directions whose scatter falls from 1 to 0.02."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(7).normal(size=(width, width)))[0]
    return 3 + (rng.normal(size=(n, width)) * np.geomspace(1, 0.02, width)) @ turn


def test_white_coordinates_scatter_alike_and_are_not_correlated():
    x = spread(5000)
    whitening = Whitening.fit(x)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(np.cov(((unit - whitening.mean) @ whitening.matrix).T), np.eye(8), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(whitening(x), axis=1), 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_turn_changes_no_distance(seed):
    x = spread(300, seed=seed)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(8, 8)))[0]
    one, other = (Whitening.fit(values)(values[:50]) for values in (x, x @ turn))
    np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-6)


def test_coordinates_keep_their_length_where_it_means_something():
    x = np.random.default_rng(1).normal(size=(400, 3)) * [1, 10, 100]
    whitening = Whitening.fit(x, directions=False)
    np.testing.assert_allclose(np.cov(((x - whitening.mean) @ whitening.matrix).T), np.eye(3), atol=1e-9)
    assert not np.allclose(whitening(x), whitening(2 * x))
    white = Whitening.fit(x)
    np.testing.assert_allclose(white(x), white(2 * x))


def test_what_differs_between_views_of_one_object_counts_less():
    rng = np.random.default_rng(3)
    x = spread(4000)
    noise = [rng.normal(size=(4000, 8)) * np.geomspace(0.001, 0.3, 8) for _ in range(2)]
    plain, by_views = (
        Whitening.fit(x, directions=False),
        Whitening.fit(x, directions=False, views=tuple(x + n for n in noise)),
    )
    seen = [(x[:500] + n[:500] - w.mean) @ w.matrix for w in (plain, by_views) for n in noise]
    lost = [np.square(a - b).sum() / np.square(a - a.mean(0)).sum() for a, b in (seen[:2], seen[2:])]
    assert lost[1] < 0.5 * lost[0]
    # Views without any difference leave the scatter of objects to decide.
    same = Whitening.fit(x, directions=False, views=(x, x))
    one, other = (w(x[:50]) for w in (plain, same))
    np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-6)


def test_directions_without_scatter_or_objects_are_left_out():
    x = np.column_stack([spread(600), np.zeros(600), spread(600)[:, 0]])
    assert Whitening.fit(x).matrix.shape == (10, 8)
    assert Whitening.fit(spread(40)).matrix.shape == (8, 4)


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (spread(19), "19 embeddings don't tell how they scatter; give 20 or more"),
        (np.ones((50, 4)), "all embeddings are the same"),
        (np.zeros((50, 4)), "50 of 50 embeddings are zero"),
    ],
)
def test_what_tells_nothing_is_one_sentence(vectors, says):
    with pytest.raises(BadInputError, match=says):
        Whitening.fit(vectors)
