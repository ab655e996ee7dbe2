"""The spectrographs' published numbers hang together, and each survey knows its spectrographs."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.spectroscopy.spectrographs import (
    PROGRAMMES,
    SPECTROGRAPHS,
    grids_of,
    in_bright_time,
    spectrograph_named,
    spectrographs_of,
)


def test_fibres_are_the_surveys():
    assert {name: one.fibre for name, one in SPECTROGRAPHS.items()} == {
        "sdss": 3.0,
        "boss": 2.0,
        "desi": 1.5,
        "lamost": 3.3,
    }
    assert [name for name, one in SPECTROGRAPHS.items() if one.grid.relative] == ["lamost"]


@pytest.mark.parametrize("name", sorted(SPECTROGRAPHS))
def test_arms_meet_and_stand_on_the_grid(name):
    one = SPECTROGRAPHS[name]
    assert one.grid.wavelength[0] <= one.arms[0].low + 0.5
    assert one.grid.wavelength[-1] >= one.arms[-1].high - 0.5
    for left, right in zip(one.arms[:-1], one.arms[1:], strict=True):
        assert left.low < right.low < left.high < right.high
    for arm in one.arms:
        for table in (arm.resolution, arm.throughput):
            assert np.all(np.diff([at for at, _ in table]) > 0)
        assert 0 < max(value for _, value in arm.throughput) < 0.5
        assert {arm.throughput[0][0], arm.throughput[-1][0]} == {arm.low, arm.high}


def test_programmes_choose_the_spectrograph():
    targets = ["main", "boss-cmass", "eboss", "field", "tdss-star", "legacy-lrg"]
    assert spectrographs_of("sdss-spectro", targets).tolist() == ["sdss", "boss", "boss", "sdss", "boss", "sdss"]
    assert [grid.survey for grid in grids_of("sdss-spectro")] == ["sdss"]
    for survey, programmes in PROGRAMMES.items():
        assert set(programmes.values()) <= set(SPECTROGRAPHS)
        assert len(grids_of(survey)) == 1
    assert in_bright_time(["bgs-bright", "lrg", "mws"]).tolist() == [True, False, True]


def test_unknown_names_are_one_sentence():
    with pytest.raises(ConfigurationError, match="did you mean 'boss'"):
        spectrograph_named("bos")
    with pytest.raises(ConfigurationError, match="'lsst' takes no spectra"):
        spectrographs_of("lsst", ["field"])
