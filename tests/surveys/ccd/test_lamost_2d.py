"""The whole way from raw frames, with and without flats and arcs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.ccd.lamost_2d import calibrate_camera, reduce_frame
from asterism.surveys.ccd.lamost_frames import read_frame, write_frame


def test_through_files_it_is_the_same_to_the_byte(small, tmp_path) -> None:
    frames = {kind: read_frame(write_frame(tmp_path, f), f.geometry) for kind, f in small.frames.items()}
    again = reduce_frame(frames["OBJ"], calibrate_camera(frames["FLAT"], frames["ARC"]))
    assert again.spectra.flux.tobytes() == small.reduced.spectra.flux.tobytes()
    assert again.wavelength.tobytes() == small.reduced.wavelength.tobytes()


def test_a_science_frame_alone_will_do(small) -> None:
    alone = reduce_frame(small.frames["OBJ"])
    truth = small.truth["OBJ"].electrons
    assert np.abs(np.nanmean(alone.spectra.flux / truth, axis=1) - 1.0).max() < 0.03
    assert np.abs(alone.wavelength - small.truth["OBJ"].wavelength).max() < 15.0
    assert alone.strips([3]).flux.shape == (1, 15, 1200)


def test_frames_of_two_cameras_are_refused(small) -> None:
    with pytest.raises(BadInputError, match="give frames of one camera"):
        calibrate_camera(small.frames["FLAT"], replace(small.frames["ARC"], spid=4))
    with pytest.raises(BadInputError, match="arc without a flat"):
        calibrate_camera(None, small.frames["ARC"])
