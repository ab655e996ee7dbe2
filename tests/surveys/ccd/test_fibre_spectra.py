"""Flats and sky of 1D spectra."""

from __future__ import annotations

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.surveys.ccd.fibre_spectra import Spectra, flatten, subtract_sky


def test_the_flat_gives_the_fibres_throughputs(small) -> None:
    found = np.nanmedian(small.calibration.flat.fibre, axis=1)
    expected = small.camera.efficiency / np.median(small.camera.efficiency)
    assert np.allclose(found, expected, rtol=0.01)
    assert 0.001 < np.nanstd(small.calibration.flat.pixel) < 0.01  # one per cent of a pixel, averaged over a dozen


def test_the_sky_goes_and_the_objects_stay(small) -> None:
    left = small.reduced.without_sky(small.sky)
    truth = small.truth["OBJ"].electrons / small.camera.efficiency[:, None]
    sky = truth[small.sky].mean(axis=0)
    inner = slice(50, -50)
    for fibre in np.flatnonzero(small.sky):
        assert abs(np.nanmedian(left.flux[fibre, inner])) < 0.01 * np.median(sky)
    for fibre in (0, 2, 4, 6):
        own = np.nanmedian(truth[fibre] - sky)
        assert np.nanmedian(left.flux[fibre, inner]) == pytest.approx(own, rel=0.05)
    assert ((left.ivar > 0) == np.isfinite(left.flux)).all()


def test_without_a_flat_spectra_stay_as_they_are(small) -> None:
    plain = flatten(small.reduced.extracted, small.reduced.wavelength)
    assert np.array_equal(plain.flux, small.reduced.extracted.flux, equal_nan=True)


def test_two_sky_fibres_are_too_few(small) -> None:
    spectra = Spectra(np.ones((4, 50)), np.ones((4, 50)), np.tile(np.arange(50.0), (4, 1)))
    with pytest.raises(BadInputError, match="2 sky fibres with light, but a median sky needs 3"):
        subtract_sky(spectra, np.array([True, True, False, False]))
