"""An SDSS field with simulated objects on it: one image per band, one seeing and one sky, one realisation of the noise.

Objects stand at places of the field, other stars and galaxies between them as published counts have them; what is rendered
is the expected light, and the noise comes on the whole field at once. Gain, read-out and dark are those of the camera's
column, so that the variance that SDSS's data model derives from the file is the one that the pixels have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from asterism.simulate.imaging.images import add_noise, draw_conditions, target_sources
from asterism.simulate.imaging.neighbours import draw_neighbours
from asterism.simulate.imaging.rendering import add_sources
from asterism.simulate.objects.hosts import nuclear_fractions
from asterism.simulate.objects.population import Population
from asterism.surveys.formats.sdss_frames import DARK_VARIANCE, FIELD_SHAPE, GAIN
from asterism.surveys.stamps.cameras import SDSS
from asterism.surveys.stamps.conditions import Conditions

__all__ = ["FieldImages", "expose_field"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FieldImages:
    """Images of one field in ugriz.

    Attributes
    ----------
    flux : ndarray of float32, shape (bands, y, x)
        nanomaggy per pixel, sky-subtracted.
    expected : ndarray of float32, shape (bands, y, x)
        The same without noise.
    fwhm : ndarray, shape (bands,)
        Seeing, arcsec.
    calibration : ndarray, shape (bands,)
        nanomaggy per count.
    sky : ndarray, shape (bands,)
        Counts per pixel.
    """

    flux: npt.NDArray[np.float32]
    expected: npt.NDArray[np.float32]
    fwhm: Floats
    calibration: Floats
    sky: Floats


def expose_field(
    rng: np.random.Generator,
    objects: Population,
    fluxes: Floats,
    flux_density: Floats,
    pixels: Floats,
    camcol: int,
    shape: tuple[int, int] = FIELD_SHAPE,
) -> FieldImages:
    """Expose a field.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    objects : Population
        n objects.
    fluxes : ndarray, shape (n, 5)
        Total fluxes as observed, nanomaggy.
    flux_density : ndarray, shape (n, m)
        Their spectra on the camera's wavelengths, any scale, which part nuclei from hosts.
    pixels : ndarray, shape (n, 2)
        x, y against the field's middle, pixels.
    camcol : int
        Column of the camera, 1 to 6.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    FieldImages
    """
    # Rendering knows square stamps: one that holds the field, whose rows beyond it are cut off.
    side = max(shape) + max(shape) % 2
    nuclear = nuclear_fractions(rng, objects, flux_density, SDSS)
    seen = draw_conditions(rng, 1, SDSS)
    gain, dark = np.array(GAIN[camcol]), np.array(DARK_VARIANCE[camcol])
    sky_electrons = np.maximum(seen.sky_sigma[0] ** 2 * SDSS.electrons**2 - SDSS.read_variance, 1.0)
    seen.sky_sigma[0] = np.sqrt(sky_electrons + gain**2 * dark) / SDSS.electrons
    low, left = (side - shape[0]) // 2, (side - shape[1]) // 2
    # The middle of the field against that of the square.
    shift = np.array([left + 0.5 * (shape[1] - side), low + 0.5 * (shape[0] - side)])
    targets = target_sources(objects, fluxes, _at(objects, pixels + shift), nuclear)
    expected = np.zeros((1, len(SDSS.bands), side, side), np.float32)
    for sources in (
        replace(targets, stamp=np.zeros_like(targets.stamp)),
        draw_neighbours(rng, np.array([float(np.median(objects.ebv))]), SDSS, side),
    ):
        add_sources(expected, sources, seen.fwhm, seen.ellipticity, SDSS)
    flux = add_noise(rng, expected, seen)
    inside = (0, slice(None), slice(low, low + shape[0]), slice(left, left + shape[1]))
    calibration = gain / SDSS.electrons
    return FieldImages(flux[inside], expected[inside], seen.fwhm[0], calibration, sky_electrons / gain)


def _at(objects: Population, pixels: Floats) -> Conditions:
    """Conditions that hold the objects' places only."""
    seen = Conditions.empty(len(objects), SDSS)
    seen.offset[:] = pixels
    return seen
