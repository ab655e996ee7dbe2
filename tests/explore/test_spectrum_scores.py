import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.explore.spectrum_from_image import Spectra
from asterism.explore.spectrum_scores import chi_square, compare_predictions, line_pixels, spectrum_scores

WAVELENGTH = np.arange(4000.0, 8000.0, 4.0)
PIXELS = len(WAVELENGTH)


def observed(n=60, line=0.0, seed=0):
    rng = np.random.default_rng(seed)
    model = np.ones((n, PIXELS)) + line * np.exp(-0.5 * ((WAVELENGTH - 6564.61 * 1.1) / 8) ** 2)
    sigma = 0.2
    flux = 5 * model + sigma * rng.normal(size=(n, PIXELS))
    lines = np.tile(line_pixels(WAVELENGTH, "GALAXY", 0.1), (n, 1))
    return Spectra(WAVELENGTH, flux, np.full((n, PIXELS), sigma**-2)), model, lines


def test_a_right_prediction_has_a_chi_square_of_one_whatever_its_level():
    true, model, lines = observed(line=3.0)
    chi = chi_square(0.01 * model, true, lines)
    for name in ("all", "lines", "continuum"):
        assert np.mean(chi[name]) == pytest.approx(1, abs=0.05)
    assert chi["level"] == pytest.approx(500, rel=0.01)
    found = spectrum_scores(chi)
    assert found["n"] == 60
    assert found["chi2"] == pytest.approx(1, abs=0.02)
    low, high = found["log_chi2_interval"]
    assert low < found["log_chi2"] < high


def test_a_line_that_is_missed_is_seen_in_the_lines():
    true, model, lines = observed(line=1.0)
    flat = chi_square(np.ones_like(model), true, lines)
    right = chi_square(model, true, lines)
    assert np.median(flat["lines"]) > 3 * np.median(flat["continuum"])
    found = compare_predictions(right, flat)
    assert found["log_chi2_lines"].high < 0
    assert found["log_chi2_lines"].mean < found["log_chi2_continuum"].mean
    assert not compare_predictions(right, right)["log_chi2"].excludes_zero


def test_lines_are_where_they_are_observed():
    inside = line_pixels(WAVELENGTH, "GALAXY", 0.1)
    assert inside[np.abs(WAVELENGTH - 6564.61 * 1.1).argmin()]
    assert not inside[np.abs(WAVELENGTH - 6564.61).argmin()]
    assert line_pixels(WAVELENGTH, "QSO", 1.5).sum() > line_pixels(WAVELENGTH, "QSO", 1.5, velocity=500).sum() > 0
    assert not line_pixels(WAVELENGTH, "GALAXY", None).any()


def test_what_was_not_observed_or_predicted_does_not_count():
    true, model, lines = observed(4)
    model[:, 10] = np.nan
    true.flux[:, 20], true.ivar[:, 20] = 1e9, 0
    true.ivar[3] = 0
    chi = chi_square(model, true, lines)
    assert chi["all"][:3] == pytest.approx(1, abs=0.2)
    assert np.isnan(chi["all"][3])
    assert spectrum_scores(chi)["n"] == 3
    with pytest.raises(BadInputError, match="nothing was observed"):
        spectrum_scores({name: values[3:] for name, values in chi.items()})
    with pytest.raises(BadInputError, match="same objects and pixels"):
        chi_square(model[:2], true, lines)
    no_lines = chi_square(model, true, np.zeros_like(lines))
    assert "chi2_lines" not in spectrum_scores(no_lines)
