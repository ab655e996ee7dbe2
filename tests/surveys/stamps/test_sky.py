import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.surveys.stamps.sky import sky_sigma


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_the_noise_is_found_beside_an_object_and_a_neighbour(seed, sigma):
    rng = np.random.default_rng(seed)
    stamps = rng.normal(0, sigma, (3, 5, 32, 32))
    stamps[..., 12:20, 12:20] += 1000 * sigma
    stamps[..., 0:3, 5:9] += 50 * sigma
    assert np.allclose(sky_sigma(stamps), sigma, rtol=0.3)


def test_no_sky_no_noise():
    assert np.isnan(sky_sigma(np.zeros((16, 16))))
    assert np.isnan(sky_sigma(np.full((16, 16), np.nan)))
    assert np.isnan(sky_sigma(np.ones((4, 4))))
