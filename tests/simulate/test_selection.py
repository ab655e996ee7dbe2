"""What surveys take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterism.errors import ConfigurationError
from asterism.simulate.selection import SURVEYS, Window, survey_named


@pytest.mark.parametrize("survey", SURVEYS.values(), ids=lambda survey: survey.name)
def test_shares_are_shares(survey):
    assert sum(survey.fractions.values()) == pytest.approx(1)
    assert set(survey.samples) == set(survey.fractions) == {"STAR", "GALAXY", "QSO"}
    for samples in survey.samples.values():
        assert sum(sample.share for sample in samples) == pytest.approx(1)
        assert len({sample.name for sample in samples}) == len(samples)


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


def test_an_unknown_survey_names_the_nearest():
    with pytest.raises(ConfigurationError, match="unknown survey 'sdss-compct'; did you mean 'sdss-compact'"):
        survey_named("sdss-compct")
