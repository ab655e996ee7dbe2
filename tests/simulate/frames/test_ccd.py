"""Frames: light that goes in comes out as electrons, with the noise it must have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.simulate.frames.camera_optics import OPTICS, make_camera
from asterism.simulate.frames.ccd import TELESCOPE, arc_electrons, expected_electrons, expected_image, expose
from asterism.surveys.ccd.lamost_frames import Geometry

GEOMETRY = Geometry(rows=400, columns=224, fibres=8, first_row=1400)
CAMERA = make_camera("blue", 3, GEOMETRY, 1)
WAVE = np.arange(4200.0, 4800.0, 0.5)


def test_electrons_are_the_photons_that_are_let_through() -> None:
    electrons = expected_electrons(CAMERA, WAVE, np.full((8, len(WAVE)), 10.0), 0.05, 1800.0)
    wave = CAMERA.wavelength(np.arange(400))
    step = np.gradient(wave, axis=1)
    photons = 1e-16 * wave / 1.98644586e-8 * TELESCOPE["collecting_area"].value * 1800.0 * step * 0.05
    assert np.allclose(electrons[:, 20:-20], (photons * CAMERA.efficiency[:, None])[:, 20:-20], rtol=1e-3)


def test_a_line_is_blurred_to_the_resolution_and_loses_no_light() -> None:
    electrons = arc_electrons(CAMERA, [4500.0], [1e5])
    assert np.allclose(electrons.sum(axis=1), 1e5 * CAMERA.efficiency, rtol=1e-3)
    width = (electrons > 0.5 * electrons.max(axis=1, keepdims=True)).sum(axis=1) * 0.6
    assert 2.0 <= width.mean() <= 4.0  # R = 1800 at 5500 Å
    at = np.take_along_axis(CAMERA.wavelength(np.arange(400)), electrons.argmax(axis=1)[:, None], axis=1)
    assert np.abs(at - 4500.0).max() < 0.5


def test_the_image_holds_the_fibres_light() -> None:
    electrons = np.linspace(100.0, 800.0, 8)[:, None] * np.ones(400)
    image = expected_image(CAMERA, electrons)
    assert image.sum() == pytest.approx(electrons.sum(), rel=0.01)
    centre = np.round(CAMERA.centres([200])[7, 0]).astype(int)
    assert image[200, centre - 7 : centre + 8].sum() == pytest.approx(800.0, rel=0.03)
    assert 0.0 < image[200, centre + 30] < 0.01 * image[200, centre]  # wings


def test_frames_have_the_noise_and_bias_they_must() -> None:
    electrons = np.full((8, 400), 5000.0)
    frames = [
        expose(CAMERA, electrons, np.random.default_rng(n), cosmic_rays=0.0, shift=0.0)[0].data.astype(float)
        for n in (1, 2)
    ]
    expected = expected_image(CAMERA, electrons)
    difference = (frames[0] - frames[1])[:, 32:256] / np.sqrt(2.0)
    gain, noise = OPTICS["gain"].value[0], OPTICS["read_noise"].value[0]
    for half, g, n in ((slice(0, 112), gain[0], noise[0]), (slice(112, 224), gain[1], noise[1])):
        variance = (expected[:, half] + n**2) / g**2 + 1.0 / 12.0
        assert np.mean(difference[:, half] ** 2 / variance) == pytest.approx(1.0, abs=0.03)
    assert frames[0][:, :32].mean() == pytest.approx(OPTICS["bias"].value[0][0], abs=1.0)
    assert frames[0][:, 256:].mean() == pytest.approx(OPTICS["bias"].value[0][1], abs=1.0)


def test_the_same_seed_gives_the_same_bytes_and_light_saturates() -> None:
    electrons = np.full((8, 400), 200.0)
    electrons[4] = 5e6
    one, same, other = (expose(CAMERA, electrons, np.random.default_rng(n))[0].data for n in (5, 5, 6))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()
    assert one.max() == 65535


def test_the_two_arms_pixels_respond_alike_in_every_exposure() -> None:
    bright = np.full((8, 400), 3e5)
    frames = [
        expose(CAMERA, bright, np.random.default_rng(n), kind="FLAT", cosmic_rays=0.0)[0].data.astype(float)
        for n in (1, 2)
    ]
    columns = np.round(CAMERA.centres([200])[:, 0]).astype(int) + 32
    ratio = [f[:, columns] / f[:, columns].mean(axis=0) for f in frames]
    both = np.corrcoef(ratio[0].ravel(), ratio[1].ravel())[0, 1]
    assert both > 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f_lambda": np.zeros((3, len(WAVE)))}, "one row per fibre"),
        ({"wavelength": WAVE[::-1]}, "don't ascend"),
        ({"wavelength": WAVE + 200.0}, "don't cover the blue camera"),
        ({"f_lambda": np.full((8, len(WAVE)), -1.0)}, "not negative"),
        ({"f_lambda": np.full((8, len(WAVE)), np.nan)}, "finite"),
    ],
)
def test_light_that_can_not_be_is_refused(change, message) -> None:
    arguments = {"wavelength": WAVE, "f_lambda": np.ones((8, len(WAVE)))} | change
    with pytest.raises(BadInputError, match=message):
        expected_electrons(CAMERA, throughput=0.05, exptime=10.0, **arguments)


def test_a_window_of_the_chip_has_the_chips_wavelengths() -> None:
    whole = make_camera("blue", 3, replace(GEOMETRY, rows=4136, first_row=0), 1)
    assert np.allclose(whole.wavelength([1400 + 200]), CAMERA.wavelength([200]), atol=1.5)
