"""Which simulated objects a survey's cuts let pass: beforehand by their true light, and in the end by what was measured.

A cut may take one drawn galaxy in twenty, and a spectrum costs more than the rest of drawing it. So galaxies are looked at
twice beforehand: by magnitudes interpolated in a table of type and redshift, then by those of their own spectra.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RegularGridInterpolator

from asterism.catalogs.bands import depth_sigma, nanomaggy_to_asinh
from asterism.simulate.cameras import SDSS, Camera
from asterism.simulate.constants import constant
from asterism.simulate.galaxy_seds import galaxy_seds
from asterism.simulate.measurement import Measurement
from asterism.simulate.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.population import Population
from asterism.simulate.selection import Survey
from asterism.simulate.targeting import Magnitudes, cut_named, is_deep

__all__ = ["could_pass", "is_kept", "is_worth_a_spectrum", "passes"]

Floats = npt.NDArray[np.float64]
Margin = Callable[[str, npt.NDArray[np.intp]], Floats]

# Standard deviations of noise that may carry an object into a cut; what would need more is too rare to be looked for.
# Extended light is measured worse than the point source for which depths are given.
_SLACK, _EXTENDED = 2.5, 2.0
# What the table may be wrong by, mag: interpolation, emission lines, and how far libraries' galaxies lie from the embedded.
_TABLE_SLACK = 0.2
_TABLE_TYPES = np.linspace(0.0, 3.0, 10)
_TABLE_REDSHIFTS = np.concatenate([np.arange(0.0, 1.2, 0.02), np.arange(1.2, 2.31, 0.1)])


def _softening(camera: Camera) -> Floats:
    """Of asinh magnitudes, maggies; where a survey has none, its own noise, which changes no magnitude that is measured."""
    noise = depth_sigma(_depth(camera)) * 1e-9
    return np.array(
        [info.softening or sigma for info, sigma in zip(camera.infos, noise, strict=True)], dtype=np.float64
    )


def _depth(camera: Camera) -> Floats:
    return np.array([channel.depth_5sigma for channel in camera.channels]) - camera.ab_offset


def could_pass(
    rng: np.random.Generator, survey: Survey, objects: Population, fluxes: Floats, camera: Camera = SDSS
) -> npt.NDArray[np.bool_]:
    """Whether objects may be measured to lie inside of their sample's cut.

    Cuts that a survey made on photometry much deeper than the simulated are made here once and for all, on true
    magnitudes with that photometry's noise.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    survey : Survey
        Whose samples these are.
    objects : Population
        n objects.
    fluxes : ndarray, shape (n, bands)
        True fluxes as observed, nanomaggy.
    camera : Camera
        Whose bands.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    dereddened = fluxes * 10.0 ** (0.4 * objects.ebv[:, None] * camera.extinction_coefficient)
    deep = dereddened + rng.standard_normal(dereddened.shape) * constant("decals_noise")
    softening = _softening(camera)
    error, slack = _expected(objects, fluxes, camera)

    def margin(name: str, rows: npt.NDArray[np.intp]) -> Floats:
        light = deep if is_deep(name) else dereddened
        true = Magnitudes.true(nanomaggy_to_asinh(light[rows], softening), error[rows])
        return cut_named(name)(true) + (0.0 if is_deep(name) else slack[rows])

    return _by_sample(survey, objects, margin)


def is_worth_a_spectrum(survey: Survey, objects: Population, camera: Camera = SDSS) -> npt.NDArray[np.bool_]:
    """Whether drawn galaxies lie near enough to their sample's cut by the table; all others are worth it.

    Parameters
    ----------
    survey : Survey
        Whose samples these are.
    objects : Population
        n objects.
    camera : Camera
        Whose bands.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    good = np.ones(len(objects), bool)
    rows = np.flatnonzero(objects.kind == "GALAXY")
    if len(rows) == 0:
        return good
    galaxies = objects.take(rows)
    light = _light_by_table(galaxies, camera)
    softening = _softening(camera)
    error, slack = _expected(galaxies, light, camera)

    def margin(name: str, some: npt.NDArray[np.intp]) -> Floats:
        true = Magnitudes.true(nanomaggy_to_asinh(light[some], softening), error[some])
        # Noise in deeper photometry than this camera's is no more than what is allowed for here.
        return cut_named(name)(true) + slack[some] + _TABLE_SLACK

    good[rows] = _by_sample(survey, galaxies, margin)
    return good


def _expected(objects: Population, fluxes: Floats, camera: Camera) -> tuple[Floats, Floats]:
    """Expected errors (n, bands) of PSF magnitudes, and by how many mag (n,) an object may miss a cut."""
    sky = depth_sigma(_depth(camera))
    error = 2.5 / np.log(10.0) * sky / np.hypot(fluxes, 2e9 * _softening(camera))
    # Galaxies are chosen by their redder bands, point sources by all but the reddest.
    relative = sky / np.maximum(fluxes, 1e-3)
    noise = np.where(objects.kind == "GALAXY", _EXTENDED * relative[:, -2], relative[:, :-1].max(axis=1))
    return error, 0.05 + _SLACK * np.minimum(noise, 1.0)


@cache
def _table(camera: Camera) -> tuple[RegularGridInterpolator, Floats]:
    """Magnitudes against SDSS's r of embedded galaxies (type, redshift, band), and what a unit of dust adds (redshift, band)."""
    kinds, redshifts = (x.ravel() for x in np.meshgrid(_TABLE_TYPES, _TABLE_REDSHIFTS, indexing="ij"))
    wavelength = grid_wavelength(camera)

    def magnitudes(kind: Floats, dust: Floats, redshift: Floats) -> Floats:
        none = np.zeros(len(kind))
        flux = observed_fluxes(galaxy_seds(kind, dust, redshift, wavelength), none, none, camera)
        return np.asarray(-2.5 * np.log10(flux))

    plain = magnitudes(kinds, np.zeros(len(kinds)), redshifts)
    shape = (len(_TABLE_TYPES), len(_TABLE_REDSHIFTS), len(camera.bands))
    one = np.ones(len(_TABLE_REDSHIFTS))
    dust = (magnitudes(one, 0.2 * one, _TABLE_REDSHIFTS) - magnitudes(one, 0.0 * one, _TABLE_REDSHIFTS)) / 0.2
    return RegularGridInterpolator((_TABLE_TYPES, _TABLE_REDSHIFTS), plain.reshape(shape)), dust


def _light_by_table(galaxies: Population, camera: Camera) -> Floats:
    """Fluxes (n, bands) without the Galaxy's extinction, nanomaggy."""
    against_r, per_dust = _table(camera)
    z = np.clip(galaxies.redshift, _TABLE_REDSHIFTS[0], _TABLE_REDSHIFTS[-1])
    m = against_r(np.stack([np.clip(galaxies.galaxy_type, 0.0, 3.0), z], axis=1))
    dusted = np.stack([np.interp(z, _TABLE_REDSHIFTS, column) for column in per_dust.T], axis=1)
    middle = np.array([info.wavelength for info in camera.infos])
    lever = np.log(middle / 6166.0) / np.log(7480.0 / 4686.0)
    m = m + dusted * galaxies.dust[:, None] - lever * galaxies.tilt[:, None] + galaxies.r_mag[:, None]
    return np.asarray(10.0 ** (-0.4 * m))


def passes(survey: Survey, objects: Population, measured: Measurement, camera: Camera = SDSS) -> npt.NDArray[np.bool_]:
    """Whether objects were measured to lie inside of their sample's cut.

    Parameters
    ----------
    survey : Survey
        Whose samples these are.
    objects : Population
        n objects.
    measured : Measurement
        What was found of them.
    camera : Camera
        Whose bands.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    softening = _softening(camera)
    factor = 10.0 ** (0.4 * objects.ebv[:, None] * camera.extinction_coefficient)
    model = nanomaggy_to_asinh(measured.flux * factor, softening)
    psf = nanomaggy_to_asinh(measured.psf_flux * factor, softening)
    sigma = factor / np.sqrt(measured.psf_ivar)
    # Of an asinh magnitude (Lupton, Gunn & Szalay 1999); softening in maggies.
    error = 2.5 / np.log(10.0) * sigma / np.hypot(measured.psf_flux * factor, 2e9 * softening)

    def margin(name: str, rows: npt.NDArray[np.intp]) -> Floats:
        if is_deep(name):
            return np.ones(len(rows))
        return cut_named(name)(Magnitudes(model[rows], psf[rows], error[rows]))

    return _by_sample(survey, objects, margin)


def is_kept(survey: Survey, measured: Measurement, camera: Camera = SDSS) -> npt.NDArray[np.bool_]:
    """Whether objects pass the cuts on brightness and compactness that hold for all of a survey's samples."""
    r = 22.5 - 2.5 * np.log10(np.maximum(measured.flux[:, camera.reference], 1e-3))
    return survey.keeps(r, measured.compactness)


def _by_sample(survey: Survey, objects: Population, margin: Margin) -> npt.NDArray[np.bool_]:
    good = np.ones(len(objects), bool)
    for samples in survey.samples.values():
        for sample in samples:
            if sample.cut is not None:
                rows = np.flatnonzero(objects.target == sample.name)
                if len(rows):
                    good[rows] = margin(sample.cut, rows) > 0
    return good
