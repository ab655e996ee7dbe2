"""Wavelengths from an arc."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.ccd.arc_calibration import ARC_LINES, arc_lines, solve_wavelengths
from asterism.surveys.ccd.ccd_calibration import calibrate
from asterism.surveys.ccd.extraction import extract


def test_lines_are_in_vacuum_and_in_order() -> None:
    lines = np.array([line for _, line, _ in ARC_LINES])
    assert (np.diff(lines) > 10.0).all()
    # Air wavelengths of three of them (NIST), against refraction by Ciddor (1996) in round numbers.
    for air, vacuum in ((5460.750, 5462.268), (6402.248, 6404.018), (4678.149, 4679.458)):
        assert np.abs(lines - vacuum).min() < 1e-6
        assert vacuum / air - 1.0 == pytest.approx(2.78e-4, rel=0.02)


def test_wavelengths_are_the_cameras(small) -> None:
    solution = small.calibration.arc
    error = solution.curves() - small.truth["OBJ"].wavelength
    assert np.abs(error).max() < 0.15
    assert np.std(error) < 0.03
    assert solution.scatter < 0.05
    assert solution.lines > 60


def test_tilt_is_the_smiles(small) -> None:
    dispersion = np.gradient(small.truth["ARC"].wavelength, axis=1)[:, 600]
    centres = small.truth["ARC"].centres[:, 600]
    expected = small.camera.tilt() * dispersion * np.gradient(centres)
    found = small.calibration.arc.tilt()[:, 600]
    assert np.corrcoef(found, expected)[0, 1] > 0.95
    assert np.abs(found - expected).max() < 0.15


def test_too_few_lines_are_refused(small) -> None:
    assert arc_lines(4000, 4010)[0].size == 0
    flat = extract(
        calibrate(replace(small.frames["FLAT"], geometry=small.frames["FLAT"].geometry)), small.calibration.profile
    )
    flat.flux[:] = 0.0
    with pytest.raises(BadInputError, match="too few"):
        solve_wavelengths(flat)
