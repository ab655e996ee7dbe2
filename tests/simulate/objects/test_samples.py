"""Samples and their windows of magnitude."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterism.simulate.objects.samples import Sample, Window, shares_of


@given(st.floats(10, 20), st.floats(0.1, 3), st.floats(0.05, 1), st.floats(8, 26))
def test_a_window_takes_a_share_that_falls_towards_the_faint(bright, span, softness, r):
    window = Window(bright, bright + span, softness, bright + span + 2)
    share, fainter = window.weight([r, r + 0.5])
    assert 0 <= share <= 1
    if r < window.bright or r > window.limit:
        assert share == 0
    else:
        assert fainter <= share
    assert np.isclose(window.weight(window.faint), 0.5)
    assert window.holds(window.faint)
    assert not window.holds([window.bright - 0.1, window.faint + 2.1 * window.softness]).any()


def test_published_counts_become_shares():
    window = Window(14.0, 18.0)
    samples = shares_of(Sample("a", "galaxy", 690.0, window), Sample("b", "galaxy", 110.0, window, (0.1, 0.5)))
    assert [sample.share for sample in samples] == pytest.approx([0.8625, 0.1375])
    assert samples[1].redshifts == (0.1, 0.5)
