"""Light that comes from no fibre is found at the dark edges."""

from __future__ import annotations

import numpy as np

from asterism.simulate.frames.ccd import expose
from asterism.surveys.ccd.ccd_calibration import calibrate
from asterism.surveys.ccd.extraction import extract
from asterism.surveys.ccd.scattered_light import dark_edges, scattered_light


def test_edges_are_dark(small) -> None:
    left, right = dark_edges(small.calibration.profile)
    centres = small.truth["FLAT"].centres
    assert 16 < left < centres.min() - 12
    assert centres.max() + 12 < right < 224 - 16


def test_scattered_light_is_taken_off_before_it_counts_as_fibres(small) -> None:
    electrons = np.full((8, 1200), 500.0)
    frame, _ = expose(
        small.camera, electrons, np.random.default_rng(4), exptime=1.0, scattered=0.3, shift=0.0, kind="OBJ"
    )
    exposure = calibrate(frame)
    expected = 0.3 * electrons.sum() / (1200 * 224)
    profile = small.calibration.profile
    wings = profile.wings(electrons.T)
    found = scattered_light(exposure, profile, wings)
    assert np.allclose(found, expected, rtol=0.1)
    flux = extract(exposure, profile).flux / small.calibration.flat.pixel
    assert np.allclose(np.nanmean(flux, axis=1), 500.0, rtol=0.02)
