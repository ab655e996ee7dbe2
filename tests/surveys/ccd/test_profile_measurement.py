"""Profiles measured on a frame are the camera's, which the measurement does not know."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.simulate.frames.ccd import expose
from asterism.surveys.ccd.ccd_calibration import calibrate
from asterism.surveys.ccd.fibre_profiles import REACH, moffat_wing
from asterism.surveys.ccd.profile_measurement import align_profile


def test_the_measured_core_is_the_true_one(small) -> None:
    profile = small.calibration.profile
    rows = np.arange(50, 1200, 100)
    base, share = profile.windows(rows)
    true_base, core = small.camera.core(rows, 0.0, REACH)
    core = core * (1.0 - small.camera.wing_share(rows)).T[:, :, None]
    same = base == true_base
    assert same.mean() > 0.8
    error = np.abs(share - core)[same]
    assert error.max() < 0.02 * core.max()
    assert np.median(error) < 0.001 * core.max()


def test_wings_are_found_at_the_dark_edges(small) -> None:
    profile = small.calibration.profile
    share, true = profile.wing_share[0, 0], small.camera.wing_share(np.array([600])).mean()
    for distance in (12, 16, 31):
        found = share * moffat_wing(distance, profile.wing_radius)
        assert found == pytest.approx(true * moffat_wing(distance, small.camera.wing_radius), rel=0.06)


def test_a_frame_that_moved_is_followed(small) -> None:
    frame, truth = expose(
        small.camera, small.truth["OBJ"].electrons, np.random.default_rng(8), cosmic_rays=1.0, shift=0.6
    )
    flat = small.calibration.profile
    aligned = align_profile(calibrate(frame), flat)
    assert np.allclose(aligned.centres() - flat.centres(), 0.6, atol=0.03)
    assert np.allclose(aligned.sigma(np.arange(0, 1200, 100)), flat.sigma(np.arange(0, 1200, 100)), rtol=0.01)
    assert truth.centres.shape == aligned.centres().shape
