"""Extraction gives each fibre its own light, within its noise, whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.surveys.ccd.extraction import fit_rows, solve_tridiagonal, spread_rows
from asterism.surveys.ccd.fibre_profiles import REACH


def test_tridiagonal_systems_are_solved_as_dense_ones() -> None:
    rng = np.random.default_rng(1)
    diagonal, beside = 2.0 + rng.random((6, 4)), 0.5 * rng.standard_normal((5, 4))
    right = rng.standard_normal((6, 4))
    x, variance = solve_tridiagonal(diagonal, beside, right)
    for m in range(4):
        dense = np.diag(diagonal[:, m]) + np.diag(beside[:, m], 1) + np.diag(beside[:, m], -1)
        assert np.allclose(x[:, m], np.linalg.solve(dense, right[:, m]))
        assert np.allclose(variance[:, m], np.diag(np.linalg.inv(dense)))


@pytest.mark.parametrize("fibres", [5, 6])
def test_blended_fibres_come_out_exactly_where_there_is_no_noise(fibres) -> None:
    rng = np.random.default_rng(2)
    base = np.array([30 + 15 * np.arange(fibres), 31 + 16 * np.arange(fibres)])
    x = np.arange(-REACH, REACH + 1)
    shape = np.exp(-0.5 * (x / 4.0) ** 2).astype(np.float32)
    shape = np.broadcast_to(shape / shape.sum(), (2, fibres, len(x))).copy()
    flux = 10.0 ** rng.uniform(1, 5, (2, fibres))
    image = spread_rows(base, shape * flux[:, :, None].astype(np.float32), 160)
    got, variance, seen = fit_rows(base, shape, image, np.ones_like(image))
    assert seen.all()
    assert np.allclose(got, flux, rtol=1e-3, atol=flux.max() * 1e-6)
    assert (variance > 1.0 / (shape**2).sum(axis=2)).all()  # neighbours left free cost something


def test_a_fibre_without_good_pixels_is_not_observed() -> None:
    base = np.array([[30, 46, 62]])
    x = np.arange(-REACH, REACH + 1)
    shape = np.exp(-0.5 * (x / 2.5) ** 2).astype(np.float32)
    shape = np.broadcast_to(shape / shape.sum(), (1, 3, len(x))).copy()
    image = spread_rows(base, shape * 100.0, 100)
    weight = np.ones_like(image)
    weight[0, 40:53] = 0.0
    flux, _, seen = fit_rows(base, shape, image, weight)
    assert seen.tolist() == [[True, False, True]]
    assert np.allclose(flux[0, [0, 2]], 100.0, rtol=1e-2)


def test_every_fibre_is_recovered_within_its_noise(small) -> None:
    spectra, truth = small.reduced.spectra, small.truth["OBJ"].electrons
    good = spectra.ivar > 0
    assert good.mean() > 0.98
    pulls = np.where(good, (spectra.flux - truth) * np.sqrt(spectra.ivar), np.nan)
    chi2 = np.nanmean(pulls**2, axis=1)
    assert (chi2 > 0.85).all()
    assert (chi2 < 1.35).all()
    error = np.where(good, spectra.flux - truth, 0.0).sum(axis=1)
    sigma = np.sqrt(np.where(good, 1.0 / np.where(good, spectra.ivar, 1.0), 0.0).sum(axis=1))
    assert (np.abs(error) < 3.0 * sigma + 0.005 * truth.sum(axis=1)).all()


def test_a_neighbour_five_magnitudes_brighter_spoils_nothing(small) -> None:
    # Fibres 2 and 4 are of magnitude 18, fibre 3 between them of 13.
    spectra, truth = small.reduced.spectra, small.truth["OBJ"].electrons
    sky = truth[small.sky] / small.camera.efficiency[small.sky, None]
    for fibre in (2, 4):
        own = truth[fibre] - small.camera.efficiency[fibre] * sky.mean(axis=0)
        error = np.nanmean(spectra.flux[fibre] - truth[fibre])
        sigma = np.sqrt(np.nanmean(1.0 / spectra.ivar[fibre][spectra.ivar[fibre] > 0]) / 1200)
        assert abs(error) < 3.0 * sigma + 0.01 * own.mean()
