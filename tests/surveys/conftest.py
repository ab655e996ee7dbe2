"""One small observation with a spectrograph of 8 fibres, reduced once for all the tests that look at it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from asterism.simulate.frame_defaults import PLANS
from asterism.simulate.spectrograph_frames import observe_spectrograph, star_catalogue
from asterism.surveys.lamost_2d import calibrate_camera, reduce_frame
from asterism.surveys.lamost_frames import Geometry

SMALL = Geometry(rows=1200, columns=224, fibres=8, first_row=1450)
MAGNITUDES = np.array([16.0, np.nan, 18.0, 13.0, 18.0, np.nan, 17.0, np.nan])  # nan: sky


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    """Frames of the red arm with truth, the star catalogue, and what the reduction makes of them."""
    wavelength = np.arange(6300.0, 7700.0, 0.5)
    light = np.nan_to_num(17.9 * 10.0 ** (-0.4 * (MAGNITUDES - 18.0)))
    f_lambda = light[:, None] * (wavelength / 6200.0) ** -1.0
    plan, sky = PLANS["A"], np.isnan(MAGNITUDES)
    stars = star_catalogue(
        plan,
        3,
        ra=150.0 + 0.01 * np.arange(8),
        dec=np.full(8, 20.0),
        fibertype=np.where(sky, "Sky", "Obj"),
        classes=["STAR", "", "GALAXY", "STAR", "QSO", "", "Unknown", ""],
        mag=MAGNITUDES,
        redshift=[0.0001, -9999, 0.2, 0.0, 1.5, -9999, -9999, -9999],
    )
    made = observe_spectrograph(wavelength, f_lambda, plan, 3, seed=1, stars=stars, geometry=SMALL, arms=("red",))
    frames = {kind: made.frames["red", kind] for kind in ("FLAT", "ARC", "OBJ")}
    truth = {kind: made.truth["red", kind] for kind in ("FLAT", "ARC", "OBJ")}
    calibration = calibrate_camera(frames["FLAT"], frames["ARC"])
    return SimpleNamespace(
        frames=frames,
        truth=truth,
        camera=made.cameras["red"],
        stars=stars,
        sky=sky,
        plan=plan,
        calibration=calibration,
        reduced=reduce_frame(frames["OBJ"], calibration),
        wavelength=wavelength,
        f_lambda=f_lambda,
    )
