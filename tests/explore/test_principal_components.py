import numpy as np

from asterism.explore.principal_components import principal_components


def test_directions_are_those_of_the_variance():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    values = (rng.normal(size=(4000, 5)) * [5, 3, 1, 0.01, 0.01] @ turn + 2).astype(np.float32)
    found = principal_components(values, share=0.9999)
    assert found.directions.shape == (3, 5)
    np.testing.assert_allclose(np.abs(found.directions @ turn[:3].T), np.eye(3), atol=0.05)
    np.testing.assert_allclose(found.of(values).std(axis=0), [5, 3, 1], rtol=0.05)
    np.testing.assert_allclose(found.of(values).mean(axis=0), 0, atol=1e-4)


def test_how_many_are_kept():
    values = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)
    assert len(principal_components(values).directions) == 6
    assert len(principal_components(values, most=4).directions) == 4
    assert len(principal_components(values, share=1.0).directions) == 6
    assert len(principal_components(np.ones((10, 3), np.float32), share=0.9).directions) >= 1


def test_all_numbers_of_a_large_array_count():
    values = np.random.default_rng(2).normal(size=(70_000, 2)).astype(np.float32)
    values[66_000:, 0] *= 100
    assert abs(principal_components(values).directions[0, 0]) > 0.999
