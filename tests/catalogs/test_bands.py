"""Bands: constants, and magnitudes to fluxes and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.bands import (
    ab_to_nanomaggy,
    asinh_to_nanomaggy,
    band_info,
    depth_sigma,
    known_bands,
    nanomaggy_to_ab,
    nanomaggy_to_asinh,
)
from asterism.errors import ConfigurationError

SOFTENINGS = [band_info("sdss", band).softening for band in "ugriz"]


@settings(deadline=None)
@given(st.floats(5, 30), st.floats(1e-4, 2), st.sampled_from(SOFTENINGS))
def test_asinh_magnitudes_return_from_fluxes(mag: float, error: float, softening: float) -> None:
    flux, sigma = asinh_to_nanomaggy(mag, error, softening)
    assert nanomaggy_to_asinh(flux, softening) == pytest.approx(mag, abs=1e-9)
    # sigma_f = |df/dm| sigma_m, by a central difference.
    step = 1e-5
    slope = (
        asinh_to_nanomaggy(mag + step, None, softening)[0] - asinh_to_nanomaggy(mag - step, None, softening)[0]
    ) / (2 * step)
    assert sigma == pytest.approx(abs(slope) * error, rel=1e-5)


@settings(deadline=None)
@given(st.floats(-1e4, 1e7), st.sampled_from(SOFTENINGS))
def test_fluxes_of_any_sign_return_from_asinh_magnitudes(flux: float, softening: float) -> None:
    mag = nanomaggy_to_asinh(flux, softening)
    assert asinh_to_nanomaggy(mag, None, softening)[0] == pytest.approx(flux, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.floats(-5, 40), st.floats(0, 5))
def test_logarithmic_magnitudes_return(mag: float, error: float) -> None:
    flux, sigma = ab_to_nanomaggy(mag, error)
    assert nanomaggy_to_ab(flux) == pytest.approx(mag, abs=1e-9)
    assert sigma == pytest.approx(flux * error * np.log(10) / 2.5)


def test_published_values_of_asinh_magnitudes() -> None:
    # A flux of zero is -2.5 log10 b; table 21 of Stoughton et al. (2002) lists 24.63, 25.11, 24.80, 24.36, 22.83.
    zero = [float(nanomaggy_to_asinh(0.0, b)) for b in SOFTENINGS]
    np.testing.assert_allclose(zero, [24.63, 25.11, 24.80, 24.36, 22.83], atol=0.006)
    # Corrupt values that are known from public tables.
    flux, _ = asinh_to_nanomaggy(36.46, 0.0008, band_info("sdss", "g").softening)
    assert flux == pytest.approx(-3100, rel=0.02)


def test_bright_objects_have_the_same_flux_in_both_systems() -> None:
    asinh, _ = asinh_to_nanomaggy(15.0, None, 1.2e-10)
    assert asinh == pytest.approx(float(ab_to_nanomaggy(15.0)[0]), rel=1e-6)


def test_missing_values_stay_missing() -> None:
    flux, sigma = asinh_to_nanomaggy([np.nan, 20.0], [0.1, np.nan], 1e-10)
    assert np.isnan(flux[0])
    assert np.isfinite(flux[1])
    assert sigma is not None
    assert np.isnan(sigma).all()
    assert np.isnan(nanomaggy_to_ab([-1.0, 0.0, np.nan])).all()


def test_depth_is_five_sigma() -> None:
    assert float(nanomaggy_to_ab(5 * depth_sigma(22.7))) == pytest.approx(22.7)


def test_known_bands_have_their_constants() -> None:
    assert known_bands("sdss") == ("u", "g", "r", "i", "z")
    assert [band_info("sdss", b).extinction_coefficient for b in "ugriz"] == [4.239, 3.303, 2.285, 1.698, 1.263]
    assert [band_info("sdss", b).ab_offset for b in "uz"] == [-0.04, 0.02]
    assert band_info("legacy", "g").softening is None
    assert known_bands("nothing") == ()


def test_unknown_bands_and_surveys_name_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'W1'"):
        band_info("wise", "w1")
    with pytest.raises(ConfigurationError, match="did you mean 'sdss'"):
        band_info("sds", "r")
