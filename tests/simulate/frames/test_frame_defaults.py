"""Sky, throughput and lamps that stand in where nothing better is given."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.frames.frame_defaults import PLANS, default_sky, default_throughput, flat_lamp, plan_named

WAVE = np.arange(3500.0, 8700.0, 0.5)


def test_the_sky_has_the_brightness_of_its_magnitude() -> None:
    dark, moon = (default_sky(WAVE, PLANS[name]) for name in "BA")
    at = np.searchsorted(WAVE, 5500.0)
    # V = 21.0 per arcsec2 over 8.55 arcsec2.
    assert dark[at] == pytest.approx(3.631e8 * 10 ** (-0.4 * 21.0) * 8.55, rel=0.02)
    assert moon[at] > 2.0 * dark[at]
    assert (moon / dark)[np.searchsorted(WAVE, 4500.0)] > (moon / dark)[
        np.searchsorted(WAVE, 7000.0)
    ]  # moonlight is blue


def test_lines_hold_their_rayleighs_on_any_grid() -> None:
    plan = PLANS["B"]
    powers = []
    for step in (0.2, 0.5, 1.0):
        wave = np.arange(5500.0, 5650.0, step)
        sky = default_sky(wave, plan)
        powers.append((sky - np.median(sky)).sum() * step)
    assert np.allclose(powers, powers[0], rtol=0.03)
    # 250 Rayleigh of 5579 Å, times the plan's airglow: a Rayleigh is 6.66e-18 erg/s/cm2/arcsec2 there.
    assert powers[0] == pytest.approx(250.0 * 0.7 * 0.666 * 8.55, rel=0.03)


def test_plans_differ_in_lines_and_moon() -> None:
    a, b = (plan_named(name) for name in "AB")
    assert a.moon > b.moon
    assert a.airglow != b.airglow
    # 2013-09-14 21:05 and 2013-11-03 21:10, local time.
    assert [divmod(p.lmjm, 1440) for p in (a, b)] == [(56549, 1265), (56599, 1270)]
    with pytest.raises(ConfigurationError, match="unknown observation plan"):
        plan_named("C")


def test_throughput_and_lamp_are_smooth_and_positive() -> None:
    share, lamp = default_throughput(WAVE), flat_lamp(WAVE)
    assert share.min() > 0.0
    assert share.max() < 0.15
    assert (np.diff(lamp) > 0).all()  # a lamp of 3200 K rises to 9000 Å
