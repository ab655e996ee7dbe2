"""Curves that fibres share."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.ccd.fibre_curves import fit_curves, legendre


def test_legendre_is_numpys() -> None:
    x = np.linspace(-1, 1, 7)
    ours = legendre(x, 5)
    theirs = [np.polynomial.legendre.Legendre.basis(n)(x) for n in range(6)]
    assert np.allclose(ours, theirs)


def test_outliers_and_dark_fibres_are_bridged() -> None:
    rng = np.random.default_rng(0)
    u, v = np.linspace(-1, 1, 30)[:, None], np.linspace(-1, 1, 40)[None]
    truth = 15.6 * np.arange(30)[:, None] + 4.0 * u * v**2 + 2.0 * v + 0.5 * u**2 * v
    values = truth + 0.01 * rng.standard_normal(truth.shape)
    weights = np.full(truth.shape, 1e4)
    values[rng.random(truth.shape) < 0.05] += 3.0
    weights[11] = 0.0
    curves, kept = fit_curves(values, np.arange(40), weights, 40)
    assert np.abs(curves() - truth).max() < 0.02
    assert 0.9 < kept[weights > 0].mean() < 0.97
    assert np.allclose(curves([0, 39]), curves()[:, [0, 39]])


def test_too_few_measurements_are_refused() -> None:
    with pytest.raises(BadInputError, match="too few to fit"):
        fit_curves(np.zeros((4, 3)), np.arange(3), np.zeros((4, 3)), 10)
