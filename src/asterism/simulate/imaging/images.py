"""Stamps: an object's light and its neighbours' through seeing onto pixels, with the noise of sky and photons.

The camera (`asterism.surveys.stamps.cameras`) says what pixels, seeing, sky and gain are like; here they are drawn for each
observation, and sources are put together: stars and quasars are points, galaxies have bulge and disc, and what has a
nucleus in a host is both.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.imaging.rendering import Sources, add_sources
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.cameras import SDSS, Camera
from asterism.surveys.stamps.conditions import Conditions

__all__ = [
    "STAMP_SIZE",
    "add_noise",
    "double_gaussian",
    "draw_conditions",
    "noiseless_stamps",
    "target_sources",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

STAMP_SIZE = SDSS.stamps[0]
"""Pixels along each side of an SDSS stamp; the catalogued position is within half a pixel of the centre."""

_WORST_SEEING, _BEST_SEEING = 1.7, 0.62  # over the median: surveys stop in worse, telescopes do not get better


def double_gaussian(fwhm: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The Gaussians of SDSS's PSF: two and those of its wing.

    Parameters
    ----------
    fwhm : array_like
        Seeing, arcsec, any shape.

    Returns
    -------
    sigma : ndarray, shape (..., k)
        Widths, pixels.
    weight : ndarray, shape (k,)
        Their shares of the light.
    """
    return SDSS.psf.sigma(np.asarray(fwhm, np.float64) / SDSS.pixel_scale), np.array(SDSS.psf.shares)


def draw_conditions(rng: np.random.Generator, n: int, camera: Camera = SDSS) -> Conditions:
    """Seeing, sky, shape of the PSF and sub-pixel position of n observations.

    A brighter sky is noisier, worse seeing spreads a source over more of it; read noise stays.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n : int
        Number of observations.
    camera : Camera
        What they are observed with.

    Returns
    -------
    Conditions
    """
    bands = len(camera.bands)
    common, own = camera.seeing_scatter
    spread = common * rng.standard_normal((n, 1)) + own * rng.standard_normal((n, bands))
    fwhm = camera.fwhm * np.exp(np.clip(spread, np.log(_BEST_SEEING), np.log(_WORST_SEEING)))
    brighter = np.exp(camera.sky_scatter * rng.standard_normal((n, 1)) + 0.05 * rng.standard_normal((n, bands)))
    sky_sigma = np.sqrt(camera.sky_electrons * brighter + camera.read_variance) / camera.electrons
    common, own = camera.ellipticity_scatter
    shape = common * rng.standard_normal((n, 1, 2)) + own * rng.standard_normal((n, bands, 2))
    return Conditions(
        fwhm,
        sky_sigma,
        np.broadcast_to(camera.electrons, fwhm.shape).copy(),
        rng.uniform(-0.5, 0.5, (n, 2)),
        np.clip(shape, -0.3, 0.3),
        camera.rotation * rng.standard_normal(n),
    )


def target_sources(
    objects: Population, fluxes: Floats, conditions: Conditions, nuclear_fraction: Floats | None = None
) -> Sources:
    """The objects themselves as sources on their stamps.

    Parameters
    ----------
    objects : Population
        n objects; those with a half-light radius have an extended part.
    fluxes : ndarray, shape (n, bands)
        Total flux, nanomaggy.
    conditions : Conditions
        Of the n observations.
    nuclear_fraction : ndarray, shape (n, bands), optional
        Share of the light in a point-like nucleus; by default 0 for galaxies and 1 for stars and quasars.

    Returns
    -------
    Sources
    """
    if nuclear_fraction is None:
        nuclear_fraction = np.repeat((objects.kind != "GALAXY").astype(np.float64)[:, None], fluxes.shape[1], axis=1)
    x, y = conditions.offset.T
    points = np.flatnonzero((nuclear_fraction > 0).any(axis=1))
    hosts = np.flatnonzero((nuclear_fraction < 1).any(axis=1) & (np.nan_to_num(objects.half_light_radius) > 0))
    # What has no extended part is a point, whatever its share of it.
    share = nuclear_fraction.copy()
    share[~np.isin(np.arange(len(objects)), hosts)] = 1.0
    points = np.union1d(points, np.setdiff1d(np.arange(len(objects)), hosts))
    return Sources.concatenate(
        [
            Sources.points(points, x[points], y[points], (fluxes * share)[points]),
            Sources.galaxies(
                hosts, x[hosts], y[hosts], (fluxes * (1.0 - share))[hosts], objects.half_light_radius[hosts],
                objects.bulge_fraction[hosts], objects.bulge_axis_ratio[hosts], objects.disc_axis_ratio[hosts],
                objects.position_angle[hosts],
            ),
        ]
    )  # fmt: skip


def noiseless_stamps(
    objects: Population,
    fluxes: Floats,
    conditions: Conditions,
    *,
    camera: Camera = SDSS,
    size: int | None = None,
    nuclear_fraction: Floats | None = None,
    neighbours: Sources | None = None,
) -> Singles:
    """Expected stamps, without sky and noise.

    Parameters
    ----------
    objects : Population
        n objects.
    fluxes : ndarray, shape (n, bands)
        Total flux, nanomaggy.
    conditions : Conditions
        Of the n observations.
    camera : Camera
        What they are observed with.
    size : int, optional
        Pixels along each side, even; the camera's first by default.
    nuclear_fraction : ndarray, shape (n, bands), optional
        As for `target_sources`.
    neighbours : Sources, optional
        Other sources on the stamps.

    Returns
    -------
    ndarray of float32, shape (n, bands, size, size)
        Nanomaggy per pixel; axes band, y, x.
    """
    side = size or camera.stamps[0]
    stamps = np.zeros((len(objects), len(camera.bands), side, side), np.float32)
    sources = target_sources(objects, fluxes, conditions, nuclear_fraction)
    for part in (sources, neighbours):
        if part is not None:
            add_sources(stamps, part, conditions.fwhm, conditions.ellipticity, camera)
    return stamps


def add_noise(rng: np.random.Generator, stamps: npt.NDArray[np.floating], conditions: Conditions) -> Singles:
    """Stamps as a camera gives them: sky-subtracted, with the noise of the sky and of the sources' own photons.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    stamps : ndarray, shape (n, bands, size, size)
        Expected flux per pixel, nanomaggy.
    conditions : Conditions
        Of the n observations.

    Returns
    -------
    ndarray of float32, shape (n, bands, size, size)
        The one noisy image that catalogs keep and that `asterism.surveys.stamps.stamp_measurement` measures.
    """
    noise = rng.standard_normal(stamps.shape, dtype=np.float32)
    expected = np.asarray(stamps, np.float32)
    sky = (conditions.sky_sigma**2).astype(np.float32)[:, :, None, None]
    per_electron = (1.0 / conditions.gain).astype(np.float32)[:, :, None, None]
    for row in range(len(expected)):  # one at a time, so that what is worked on stays in the processor's cache
        variance = np.maximum(expected[row], 0.0)
        variance *= per_electron[row]
        variance += sky[row]
        np.sqrt(variance, out=variance)
        noise[row] *= variance
        noise[row] += expected[row]
    return noise
