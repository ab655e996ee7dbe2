"""Profiles: light adds up, and moves when it is told to."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.surveys.ccd.fibre_curves import FibreCurves
from asterism.surveys.ccd.fibre_profiles import REACH, FibreProfile, hermite, moffat_wing, spread_wings

CURVES = FibreCurves(np.array([60.2, 75.9, 91.4]), np.array([[0.3, -0.2], [0.1, 0.0]]), 50)


def profile(**more) -> FibreProfile:
    return FibreProfile(CURVES, np.array([[2.4, 0.1]]), columns=160, **more)


def test_hermite_is_numpys() -> None:
    x = np.linspace(-3, 3, 9)
    assert np.allclose(hermite(x, 6)[6], np.polynomial.hermite_e.HermiteE.basis(6)(x))


def test_core_and_wings_hold_all_the_light() -> None:
    shape = profile(series={4: np.array([[-0.01]]), 3: np.array([[0.02]])}, wing_share=np.array([[0.03]]))
    base, share = shape.windows(slice(0, 50))
    assert share.shape == (50, 3, 2 * REACH + 1)
    assert np.allclose(share.sum(axis=2), 0.97, atol=1e-3)
    centre = ((base[:, :, None] + np.arange(-REACH, REACH + 1)) * share).sum(axis=2) / share.sum(axis=2)
    assert np.allclose(centre, CURVES().T, atol=0.01)
    wings = shape.wings(np.full((50, 3), 100.0))
    assert 0.8 * 9.0 < wings.sum(axis=1).mean() < 9.0  # some of it falls off the chip


def test_moved_profiles_stand_where_they_were_sent() -> None:
    shift = np.array([[0.5, 0.2], [0.1, 0.0]])
    moved = profile().moved(shift)
    v, u = np.linspace(-1, 1, 50), np.array([-1.0, 0.0, 1.0])
    assert np.allclose(moved.centres() - CURVES(), 0.5 + 0.2 * v + 0.1 * u[:, None])


@pytest.mark.parametrize("centre", [80.0, 80.25, 79.6])
def test_wings_are_a_moffat_about_the_fibre(centre) -> None:
    wings = spread_wings(np.array([[1000.0]]), np.array([[centre]]), 160, 5.0)[0]
    expected = 1000.0 * moffat_wing(np.arange(160) - centre, 5.0)
    assert np.abs(wings - expected).max() < 0.02 * expected.max()
    assert np.allclose(wings[100:], expected[100:], rtol=0.01)
