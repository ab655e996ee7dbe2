"""The extinction curve is the one that the photometric coefficients were made with."""

import numpy as np
import pytest

from asterism.simulate.light.extinction import galactic_extinction
from asterism.simulate.light.photometry import BANDS


def test_it_gives_the_coefficients_of_the_bands():
    at_bands = galactic_extinction([band.wavelength for band in BANDS])
    assert at_bands == pytest.approx([band.extinction_coefficient for band in BANDS], rel=0.03)


def test_it_reddens_smoothly():
    wavelength = np.arange(2000.0, 11000.0, 1.0)
    curve = galactic_extinction(wavelength)
    optical = wavelength > 3300
    assert (np.diff(curve[optical]) < 0).all()
    assert np.abs(np.diff(curve)).max() < 0.02  # no step where the ultraviolet begins
    assert 2100 < wavelength[np.argmax(curve)] < 2250  # the bump at 2175 Å
