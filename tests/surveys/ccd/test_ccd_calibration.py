"""Electrons, noise and flags of a raw frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.simulate.frames.camera_optics import OPTICS, make_camera
from asterism.simulate.frames.ccd import expose
from asterism.surveys.ccd.ccd_calibration import BAD, COSMIC, SATURATED, calibrate
from asterism.surveys.ccd.lamost_frames import Geometry

GEOMETRY = Geometry(rows=300, columns=200, fibres=8)


def bias_frame(place: str = "sides"):
    camera = make_camera("blue", 1, replace(GEOMETRY, overscan_at=place), 0)
    return expose(camera, np.zeros((8, 300)), np.random.default_rng(2), kind="BIAS", exptime=0.0)[0]


@pytest.mark.parametrize("place", ["sides", "end"])
def test_bias_and_read_noise_come_from_the_overscan(place) -> None:
    exposure = calibrate(bias_frame(place))
    assert np.allclose(exposure.read_noise, OPTICS["read_noise"].value[0], rtol=0.05)
    for half in (slice(0, 100), slice(100, 200)):
        assert abs(exposure.electrons[:, half].mean()) < 0.15
    pulls = exposure.electrons[exposure.ivar > 0] * np.sqrt(exposure.ivar[exposure.ivar > 0])
    assert 0.7 < pulls.std() < 1.05  # positive noise counts as light here, so that pulls are a little small
    assert (exposure.flags > 0).mean() < 1e-4


def test_saturation_is_flagged_with_what_is_beside_it() -> None:
    frame = bias_frame()
    frame.data[150, 32 + 60] = 65535
    exposure = calibrate(frame, cosmic_rays=False)
    flagged = np.argwhere(exposure.flags & SATURATED)
    assert flagged.min(axis=0).tolist() == [149, 59]
    assert flagged.max(axis=0).tolist() == [151, 61]
    assert (exposure.ivar[149:152, 59:62] == 0).all()


def test_cosmic_rays_are_found_and_light_is_not(small) -> None:
    exposure, truth = calibrate(small.frames["OBJ"]), small.truth["OBJ"]
    hit = (exposure.flags & COSMIC) > 0
    assert truth.cosmic_rays.sum() > 50
    assert hit[truth.cosmic_rays].mean() > 0.3  # faint ends of tracks are left to the extraction
    assert (hit & ~truth.cosmic_rays).mean() < 1e-4
    found = (small.reduced.extracted.exposure.flags & COSMIC) > 0
    assert found[truth.cosmic_rays].mean() > 0.5
    assert (found & ~truth.cosmic_rays).mean() < 3e-4


def test_frames_whose_noise_can_not_be_told_are_refused() -> None:
    frame = bias_frame()
    with pytest.raises(BadInputError, match="overscan of amplifier 1 .* constant"):
        calibrate(replace(frame, data=np.full(GEOMETRY.shape, 2200, dtype=np.uint16)))
    broken = frame.data.astype(np.float32)
    broken[3, 5] = np.nan
    with pytest.raises(BadInputError, match="no number"):
        calibrate(replace(frame, data=broken))


def test_a_pixel_that_is_no_number_is_not_observed() -> None:
    frame = bias_frame()
    data = frame.data.astype(np.float32)
    data[3, 50] = np.nan
    exposure = calibrate(replace(frame, data=data))
    assert exposure.flags[3, 18] & BAD
    assert exposure.ivar[3, 18] == 0.0
    assert np.isfinite(exposure.electrons).all()
    assert (exposure.flags & BAD > 0).sum() == 1
