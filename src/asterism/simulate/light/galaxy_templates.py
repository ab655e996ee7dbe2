"""Galaxies of the template libraries: SDSS's eigenspectra, mixed to come nearest to an object's type and dust."""

from __future__ import annotations

import numpy as np

from asterism.simulate.light.eigenspectra import Eigenspectra
from asterism.simulate.light.libraries import LibraryFiles, open_fits

__all__ = ["read_galaxy_templates"]


def read_galaxy_templates(files: LibraryFiles) -> Eigenspectra:
    """Read the galaxies of a library.

    Parameters
    ----------
    files : LibraryFiles
        Of the role ``galaxies``.

    Returns
    -------
    Eigenspectra

    Raises
    ------
    BadInputError
        The file is damaged or is not what its name says.
    """
    path = files.paths[0]
    with open_fits(path) as hdus:
        header, vectors = hdus[0].header, np.asarray(hdus[0].data, np.float64)
        grid = 10.0 ** (header["COEFF0"] + header["COEFF1"] * np.arange(vectors.shape[1]))
    return Eigenspectra(path.stem.removeprefix("spEigenGal-"), grid, vectors, *files.library.wavelength)
