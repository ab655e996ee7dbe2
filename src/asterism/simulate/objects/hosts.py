"""Galaxies around nuclei: how much of a quasar's light is its host's in each band, and how large the host is.

The share of the host at 5100 Å at rest belongs to the population (`host_fraction`, where it is known); its spectrum there is
a galaxy template of the host's type. What is left of the light is a point on the stamp.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.light.galaxy_seds import galaxy_seds
from asterism.simulate.light.photometry import grid_wavelength, synthetic_magnitudes
from asterism.simulate.objects.galaxies import distance_modulus, kiloparsec_per_arcsec, size_early
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import SDSS, Camera

__all__ = ["nuclear_fractions"]

Floats = npt.NDArray[np.float64]

_PIVOT = 5100.0  # Å at rest, where the host's share is given
_LEAST = 0.01  # smaller shares of the host are not seen
_BULGE = 0.7  # of a host's light; choice: hosts of luminous quasars are mostly spheroids (Dunlop et al. 2003, MNRAS 340, 1095)


def nuclear_fractions(
    rng: np.random.Generator, objects: Population, flux_density: Floats, camera: Camera = SDSS
) -> Floats:
    """Share of each object's light in a point, and shapes for the hosts of those that have one.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance for the hosts' sizes and shapes.
    objects : Population
        n objects. Quasars whose ``host_fraction`` is above a per cent are given a half-light radius and the other
        parameters of a galaxy, in place, where they have none.
    flux_density : ndarray, shape (n, m)
        Their whole spectra on `grid_wavelength` of the camera, any scale.
    camera : Camera
        Whose bands.

    Returns
    -------
    ndarray, shape (n, bands)
        1 for stars and quasars without a host, 0 for galaxies.
    """
    share = np.repeat((objects.kind != "GALAXY").astype(np.float64)[:, None], len(camera.bands), axis=1)
    given = getattr(objects, "host_fraction", None)
    if given is None:
        return share
    wavelength = grid_wavelength(camera)
    pivot = _PIVOT * (1.0 + objects.redshift)
    known = (objects.kind == "QSO") & (np.nan_to_num(given) > _LEAST) & (pivot < wavelength[-1])
    rows = np.flatnonzero(known)
    if not len(rows):
        return share
    part = objects.take(rows)
    galaxy_type = np.where(np.isfinite(part.galaxy_type), part.galaxy_type, 0.0)
    host = galaxy_seds(galaxy_type, np.zeros(len(rows)), part.redshift, wavelength)
    place = np.clip(np.searchsorted(wavelength, pivot[rows]), 1, len(wavelength) - 1)
    each = np.arange(len(rows))
    host *= (given[rows] * flux_density[rows, place] / host[each, place])[:, None]
    host_light = synthetic_magnitudes(host, camera=camera)
    whole_light = synthetic_magnitudes(flux_density[rows], camera=camera)
    host_share = np.clip(10.0 ** (-0.4 * (host_light - whole_light)), 0.0, 1.0)
    share[rows] = 1.0 - host_share
    _give_shapes(rng, objects, rows, host_share[:, camera.reference])
    return share


def _give_shapes(rng: np.random.Generator, objects: Population, rows: npt.NDArray[np.intp], share: Floats) -> None:
    """Sizes by luminosity as early types have them (Shen et al. 2003), shapes of spheroids."""
    n = len(rows)
    magnitude = objects.r_mag[rows] - 2.5 * np.log10(share) - distance_modulus(objects.redshift[rows])
    size, scatter = size_early(np.clip(magnitude, -24.5, -17.0))
    radius = size * np.exp(scatter * rng.standard_normal(n)) / kiloparsec_per_arcsec(objects.redshift[rows])
    mean, width = constant("spheroid_axis_ratio")
    ratio = np.clip(mean + width * rng.standard_normal(n), 0.35, 1.0)
    shapes = {
        "half_light_radius": radius,
        "bulge_fraction": np.full(n, _BULGE),
        "bulge_axis_ratio": ratio,
        "disc_axis_ratio": ratio,
        "position_angle": rng.uniform(0.0, 180.0, n),
    }
    lacking = ~np.isfinite(objects.half_light_radius[rows])
    for name, values in shapes.items():
        getattr(objects, name)[rows[lacking]] = values[lacking]
