"""Galaxies of the libraries."""

import numpy as np

from asterism.simulate.light.galaxy_templates import read_galaxy_templates
from asterism.simulate.light.libraries import choose_libraries
from asterism.simulate.light.sampling import pixel_edges


def test_the_eigenspectra_follow_a_model(templates_directory):
    library = read_galaxy_templates(choose_libraries(templates_directory, {})["galaxies"])
    wavelength = np.arange(3700.0, 9000.0, 2.0)

    def model(rest):
        return np.stack([(rest / 5000) ** -2.0, (rest / 5000) ** 0.5])

    found = library.spectra(np.tile(pixel_edges(wavelength), (2, 1)), model)
    blueness = found[:, :300].mean(axis=1) / found[:, -300:].mean(axis=1)
    assert blueness[0] > 3 > 1 > blueness[1]
    assert library.name == "56436"
