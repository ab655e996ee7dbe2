"""The camera's fibres, as the issue asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.frames.camera_optics import OPTICS, make_camera
from asterism.surveys.ccd.lamost_frames import LAMOST, Geometry

GEOMETRY = Geometry(rows=400, columns=432, fibres=20)


def test_fibres_of_the_whole_chip_are_curved_and_stay_apart_and_on_it() -> None:
    centres = make_camera("red", 5).centres(np.arange(0, 4136, 45))
    gaps = np.diff(centres, axis=0)
    assert 15.0 < gaps.mean() < 16.4
    assert gaps.min() > 13.5
    assert centres.min() > 40
    assert centres.max() < 4096 - 40
    assert np.ptp(centres[0]) > 5


@pytest.mark.parametrize(
    ("arm", "rows", "low", "high"), [("blue", (1000, 3000), 4100, 5300), ("red", (1500, 3500), 6590, 8120)]
)
def test_windows_of_the_paper_hold_for_every_fibre(arm, rows, low, high) -> None:
    wave = make_camera(arm, 2).wavelength(rows)
    assert np.abs(wave - [low, high]).max() < 15.0
    assert np.abs(wave.mean(axis=0) - [low, high]).max() < 1.0
    assert np.ptp(wave[:, 0]) > 5.0  # lines are curved along the slit


def test_a_core_holds_all_of_its_light_about_its_centre() -> None:
    camera = make_camera("blue", 3, GEOMETRY)
    rows = np.arange(0, 400, 50)
    base, share = camera.core(rows, 0.25, 15)
    assert np.allclose(share.sum(axis=2), 1.0, atol=1e-3)
    x = base[:, :, None] + np.arange(-15, 16)
    assert np.allclose((x * share).sum(axis=2), camera.centres(rows).T + 0.25, atol=0.1)
    above = share > 0.5 * share.max(axis=2, keepdims=True)
    assert 6 <= above.sum(axis=2).mean() <= 9  # LAMOST says 7 to 9 pixels
    edge = share[:, [0, -1]].max(axis=(0, 2))
    assert not np.allclose(share[:, 0].max(), share[:, 10].max(), rtol=1e-3)  # varies along the slit
    assert (edge > 0.1).all()


def test_cameras_are_the_same_for_the_same_seed_and_share_their_fibres() -> None:
    one, same, other = (make_camera("blue", n, GEOMETRY, 1) for n in (3, 3, 4))
    assert one.jitter.tobytes() == same.jitter.tobytes()
    assert not np.array_equal(one.efficiency, other.efficiency)
    assert np.array_equal(make_camera("red", 3, GEOMETRY, 1).efficiency, one.efficiency)
    with pytest.raises(ConfigurationError, match="unknown arm"):
        make_camera("green", 1)


def test_every_constant_says_its_source() -> None:
    assert all(entry.source for entry in OPTICS.values())
    assert LAMOST.fibres == 250
