"""Cosmic rays: as many as there should be, of all lengths, as bright as silicon makes them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from asterism.simulate.frames.cosmic_rays import COSMIC_RAYS, add_cosmic_rays


def test_tracks_are_as_many_long_and_bright_as_they_should() -> None:
    image = np.zeros((1000, 1000), dtype=np.float32)
    hit = add_cosmic_rays(image, 3600.0, np.random.default_rng(0))
    assert (image[hit] > 10).all()
    labels, n = ndimage.label(hit, structure=np.ones((3, 3)))
    expected = 1.2**2 * 60.0 * (COSMIC_RAYS["muon_rate"].value + COSMIC_RAYS["electron_rate"].value)
    assert 0.7 * expected < n < 1.3 * expected
    sizes = ndimage.sum_labels(hit, labels, np.arange(1, n + 1))
    assert np.percentile(sizes, 10) <= 8
    assert sizes.max() > 25
    charge = ndimage.sum_labels(image, labels, np.arange(1, n + 1))
    assert 500 < np.median(charge) < 20000  # a muon leaves some 80 electrons per micron of 16 and more


def test_none_without_time_and_the_same_for_the_same_seed() -> None:
    image = np.zeros((50, 50), dtype=np.float32)
    assert not add_cosmic_rays(image, 0.0, np.random.default_rng(0)).any()
    one, two = np.zeros((2, 300, 300), dtype=np.float32)
    add_cosmic_rays(one, 3600.0, np.random.default_rng(3))
    add_cosmic_rays(two, 3600.0, np.random.default_rng(3))
    assert one.tobytes() == two.tobytes()
    assert one.any()
