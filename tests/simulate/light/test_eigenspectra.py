"""Mixtures of eigenvectors that come nearest to a model."""

import numpy as np

from asterism.simulate.light.eigenspectra import Eigenspectra
from asterism.simulate.light.sampling import pixel_edges

GRID = 10 ** np.arange(3.3, 3.98, 1e-4)


def make():
    x = np.log(GRID / 5000)
    line = np.exp(-0.5 * ((GRID - 5008) / 2) ** 2)
    return Eigenspectra("test", GRID, np.stack([np.ones_like(x), x, x**2, line]), 2100.0, 9000.0)


def test_what_the_vectors_span_is_found_again():
    wanted = [np.array([3.0, -1.0, 0.5]), np.array([1.0, 0.4, 0.1])]

    def model(wavelength):
        return np.stack([np.polynomial.polynomial.polyval(np.log(wavelength / 5000), c) for c in wanted])

    wavelength = np.arange(3000.0, 8000.0, 2.0)
    found = make().spectra(np.tile(pixel_edges(wavelength), (2, 1)), model)
    np.testing.assert_allclose(found, model(wavelength), rtol=2e-3)


def test_a_spectrum_is_never_negative():
    def model(wavelength):
        return np.exp(-(((wavelength - 6000) / 400.0) ** 2))[None] + 1e-3

    wavelength = np.arange(3000.0, 8000.0, 2.0)
    assert (make().spectra(pixel_edges(wavelength)[None], model) > 0).all()
