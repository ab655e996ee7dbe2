"""Calibration finds the width and place that draws were given, and leaves honest densities alone."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from asterism.errors import BadInputError
from asterism.models import densities
from asterism.models.redshift_calibration import RedshiftCalibration, cumulative, density_at

GRID = torch.linspace(0, 2, 401, dtype=torch.float64)


def drawn(n, width_told, shift=0.0, seed=0):
    """Gaussian densities of a told width, and truths of width 0.05 (in z) around shifted middles."""
    rng = np.random.default_rng(seed)
    middle = torch.from_numpy(rng.uniform(0.4, 1.6, n))
    z = middle + shift + 0.05 * torch.from_numpy(rng.normal(size=n))
    pdf = torch.exp(-0.5 * ((GRID - middle[:, None]) / width_told) ** 2)
    return pdf / torch.trapezoid(pdf, GRID)[:, None], z


def ks(calibration, pdf, z):
    told = calibration(pdf[:, None].float())[:, 0].double().numpy()
    return kstest(densities.pit(GRID, told, z), "uniform").statistic


@pytest.mark.parametrize(("width", "shift"), [(0.05, 0.0), (0.1, 0.0), (0.03, 0.0), (0.06, 0.03)])
def test_wrong_widths_and_places_are_put_right(width, shift):
    calibration = RedshiftCalibration(GRID, 1).fit(*drawn(1500, width, shift))
    new = drawn(3000, width, shift, seed=1)
    assert ks(calibration, *new) < 0.035
    if width != 0.05:
        assert ks(RedshiftCalibration(GRID, 1), *new) > 0.06


def test_honest_densities_stay_as_they_are():
    calibration = RedshiftCalibration(GRID, 2).fit(*drawn(4000, 0.05), 1)
    pdf = drawn(5, 0.05)[0]
    told = calibration(pdf[:, None].expand(-1, 2, -1))
    assert float((told[:, 1] - pdf).abs().max()) < 0.06 * float(pdf.max())
    # The other density of the head was not fitted.
    torch.testing.assert_close(told[:, 0], pdf)


def test_double_peaks_keep_their_integral_and_their_peaks():
    pdf = 0.7 * torch.exp(-0.5 * ((GRID - 0.5) / 0.05) ** 2) + 0.3 * torch.exp(-0.5 * ((GRID - 1.5) / 0.05) ** 2)
    calibration = RedshiftCalibration(GRID, 1).fit(*drawn(1500, 0.08))
    told = calibration(pdf[None, None])[0, 0]
    assert float(torch.trapezoid(told, GRID)) == pytest.approx(1, abs=1e-6)
    assert float(GRID[(told * (GRID < 1)).argmax()]) == pytest.approx(0.5, abs=0.05)
    assert float(GRID[(told * (GRID > 1)).argmax()]) == pytest.approx(1.5, abs=0.05)
    assert float(torch.trapezoid(told * (GRID > 1), GRID)) > 0.15


def test_reading_a_density_is_what_numpy_reads():
    pdf, z = drawn(50, 0.07)
    here, below = density_at(pdf, GRID, z)
    np.testing.assert_allclose(here, densities.density(GRID, pdf, z), rtol=1e-9)
    np.testing.assert_allclose(below, densities.cdf(GRID, pdf, z), atol=1e-9)
    np.testing.assert_allclose(cumulative(pdf, GRID), densities.cumulative(GRID, pdf), atol=1e-9)


def test_with_nothing_to_calibrate_on_it_is_refused():
    with pytest.raises(BadInputError, match="no object of the calibration part has a redshift"):
        RedshiftCalibration(GRID, 1).fit(torch.zeros(0, 401), torch.zeros(0))
