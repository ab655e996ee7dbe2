"""Fibres are found and followed on flats and on science frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.simulate.frames.ccd import expose
from asterism.surveys.ccd.ccd_calibration import calibrate
from asterism.surveys.ccd.fibre_tracing import find_fibres, trace_fibres
from asterism.surveys.ccd.lamost_frames import Geometry


def test_a_flat_is_traced(small) -> None:
    error = trace_fibres(calibrate(small.frames["FLAT"]))() - small.truth["FLAT"].centres
    assert np.abs(error).max() < 0.15


def test_a_science_frame_is_traced_without_a_flat(small) -> None:
    # Its fibres differ by a factor of forty, and the brightest stands between two of the faintest.
    error = trace_fibres(calibrate(small.frames["OBJ"]))() - small.truth["OBJ"].centres
    assert np.abs(error).max() < 0.3


@pytest.mark.parametrize("dark", [[0], [4], [7], [2, 3]])
def test_dark_fibres_are_placed_by_their_neighbours(small, dark) -> None:
    electrons = small.truth["FLAT"].electrons.copy()
    electrons[dark] = 0.0
    frame, truth = expose(small.camera, electrons, np.random.default_rng(1), kind="FLAT", exptime=1.0)
    error = trace_fibres(calibrate(frame))() - truth.centres
    lit = np.setdiff1d(np.arange(8), dark)
    assert np.abs(error[lit]).max() < 0.15
    assert np.abs(error[dark]).max() < 2.0


def test_what_shows_no_fibres_is_refused(small) -> None:
    geometry = Geometry(rows=300, columns=224, fibres=8)
    with pytest.raises(BadInputError, match="shows 0 fibres where there are 8"):
        find_fibres(np.zeros(224), 1.0, geometry)
    many = np.tile(np.exp(-0.5 * ((np.arange(16) - 8) / 2.5) ** 2) * 1000.0, 14)
    with pytest.raises(BadInputError, match="light at 14 places"):
        find_fibres(many, 1.0, replace(geometry, fibres=12, pitch=16.0))
