"""One exposure of many objects: conditions, stamps with neighbours and noise, and what is measured on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError
from asterism.simulate.imaging.images import add_noise, draw_conditions, noiseless_stamps
from asterism.simulate.imaging.neighbours import draw_neighbours
from asterism.simulate.objects.hosts import nuclear_fractions
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import SDSS, Camera
from asterism.surveys.stamps.conditions import Conditions
from asterism.surveys.stamps.stamp_measurement import Measurement, measure

__all__ = ["expose", "stamp_size"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


def stamp_size(camera: Camera, size: int | None = None) -> int:
    """Side of a camera's stamps, pixels.

    Parameters
    ----------
    camera : Camera
        Which sizes there are.
    size : int, optional
        One of them; the first by default.

    Raises
    ------
    ConfigurationError
        The camera gives no stamps of this size.

    Examples
    --------
    >>> from asterism.surveys.stamps.cameras import camera_named
    >>> stamp_size(camera_named("legacy-south"))
    152
    """
    if size is None:
        return camera.stamps[0]
    if size not in camera.stamps:
        known = " or ".join(str(known) for known in camera.stamps)
        raise ConfigurationError(
            f"stamps of {camera.name} have {known} pixels along each side, not {size}; give --stamp"
        )
    return size


def expose(
    rng: np.random.Generator,
    objects: Population,
    fluxes: Floats,
    flux_density: Floats | None = None,
    camera: Camera = SDSS,
    size: int | None = None,
    blended: npt.NDArray[np.bool_] | None = None,
) -> tuple[Conditions, Singles, Measurement]:
    """Observe objects once.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    objects : Population
        n objects. Quasars with hosts are given the hosts' shapes, in place.
    fluxes : ndarray, shape (n, bands)
        True total fluxes as observed (with extinction), nanomaggy.
    flux_density : ndarray, shape (n, m), optional
        Their spectra, any scale, which part the light of nuclei from that of their hosts; all of it is the nuclei's
        without.
    camera : Camera
        What they are observed with.
    size : int, optional
        Side of the stamps, pixels; the part that photometry is measured on by default, which costs least.
    blended : ndarray of bool, shape (n,), optional
        Objects that certainly have a close neighbour.

    Returns
    -------
    conditions : Conditions
        How each was observed.
    stamps : ndarray of float32, shape (n, bands, size, size)
        With noise and neighbours, nanomaggy.
    measured : Measurement
        What was found on these stamps.
    """
    side = size or camera.measured
    nuclear = None if flux_density is None else nuclear_fractions(rng, objects, flux_density, camera)
    seen = draw_conditions(rng, len(objects), camera)
    others = draw_neighbours(rng, objects.ebv, camera, side, blended)
    stamps = noiseless_stamps(
        objects, fluxes, seen, camera=camera, size=side, nuclear_fraction=nuclear, neighbours=others
    )
    stamps = add_noise(rng, stamps, seen)
    psf_error = camera.psf_error * rng.standard_normal(seen.fwhm.shape)
    return seen, stamps, measure(stamps, seen, camera, psf_error)
