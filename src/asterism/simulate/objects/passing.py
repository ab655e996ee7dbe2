"""Which simulated objects a survey's cuts let pass: beforehand by their true light, and in the end by what was measured.

A cut may take one drawn galaxy in twenty, one star in hundreds, and a spectrum costs more than the rest of drawing it. So
objects are looked at twice beforehand: galaxies by magnitudes interpolated in a table of type and redshift, stars of the main
sequence by those of the locus, then all by those of their own spectra.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RegularGridInterpolator

from asterism.catalogs.bands import depth_sigma, nanomaggy_to_asinh
from asterism.simulate.constants import constant
from asterism.simulate.light.galaxy_seds import galaxy_seds
from asterism.simulate.light.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.light.stellar_seds import locus_magnitudes
from asterism.simulate.objects.population import Population
from asterism.simulate.objects.selection import Survey
from asterism.simulate.objects.targeting import Magnitudes, cut_named, is_deep, is_reached_by_noise
from asterism.surveys.stamps.cameras import SDSS, Camera
from asterism.surveys.stamps.stamp_measurement import Measurement

__all__ = ["are_blended", "could_pass", "is_kept", "is_worth_a_spectrum", "passes"]

Floats = npt.NDArray[np.float64]
Margin = Callable[[str, npt.NDArray[np.intp]], Floats]

# Standard deviations of noise that may carry an object into a cut; what would need more is too rare to be looked for.
# Extended light is measured worse than the point source for which depths are given.
_SLACK, _EXTENDED = 2.5, 2.0
# What the table and the locus may be wrong by, mag: interpolation, emission lines, and how far libraries' galaxies lie from the embedded.
_TABLE_SLACK = 0.2
_LOCUS_SLACK = 0.1
# Draws of an object's noise, of which one must pass a cut that is reached by noise: what passes more rarely is too rare to be
# looked for.
_DRAWS = 32
_BLEND_SLACK = 0.75  # mag: two stars as one
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
    error, slack = _expected(objects, fluxes, camera, are_blended(survey, objects))

    def margin(name: str, rows: npt.NDArray[np.intp]) -> Floats:
        light = deep if is_deep(name) else dereddened
        true = Magnitudes.true(nanomaggy_to_asinh(light[rows], softening), error[rows])
        return cut_named(name)(true) + (0.0 if is_deep(name) else slack[rows])

    return _by_sample(survey, objects, margin)


def are_blended(survey: Survey, objects: Population) -> npt.NDArray[np.bool_]:
    """Whether objects are of samples of which only blends with a neighbour pass."""
    names = [sample.name for samples in survey.samples.values() for sample in samples if sample.blended]
    return np.isin(objects.target, names)


def is_worth_a_spectrum(
    rng: np.random.Generator, survey: Survey, objects: Population, camera: Camera = SDSS
) -> npt.NDArray[np.bool_]:
    """Whether drawn galaxies by the table, and stars of the main sequence by the locus, lie near enough to their sample's cut.

    All other objects are worth it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
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
    softening = _softening(camera)
    # The locus is known in SDSS's bands alone; carbon stars have a colour of it but not its others.
    locus = (objects.kind == "STAR") & np.isfinite(objects.colour) & (objects.subclass != "carbon") & (camera is SDSS)
    for kind, table_slack in (("GALAXY", _TABLE_SLACK), ("STAR", _LOCUS_SLACK)):
        rows = np.flatnonzero(objects.kind == "GALAXY" if kind == "GALAXY" else locus)
        if len(rows) == 0:
            continue
        part = objects.take(rows)
        if kind == "GALAXY":
            light = _light_by_table(part, camera)
        else:
            light = 10.0 ** (-0.4 * (locus_magnitudes(part) + part.r_mag[:, None] - 22.5))
        error, slack = _expected(part, light, camera, are_blended(survey, part))
        asinh = nanomaggy_to_asinh(light, softening)

        def margin(
            name: str,
            some: npt.NDArray[np.intp],
            asinh: Floats = asinh,
            error: Floats = error,
            slack: Floats = slack + table_slack,
            table_slack: float = table_slack,
        ) -> Floats:
            if is_reached_by_noise(name):
                return _by_noise(rng, name, asinh[some], np.hypot(error[some], table_slack / 2.0))
            # Noise in deeper photometry than this camera's is no more than what is allowed for here.
            return cut_named(name)(Magnitudes.true(asinh[some], error[some])) + slack[some]

        good[rows] = _by_sample(survey, part, margin)
    return good


def _by_noise(rng: np.random.Generator, name: str, magnitudes: Floats, error: Floats) -> Floats:
    """The most by which point sources of these true magnitudes (n, bands) lie inside of a cut in some draws of their noise."""
    noise = rng.standard_normal((_DRAWS, *magnitudes.shape)) * error
    noisy = (magnitudes + noise).reshape(-1, magnitudes.shape[1])
    drawn = Magnitudes(noisy, noisy, np.tile(error, (_DRAWS, 1)))
    return np.asarray(cut_named(name)(drawn).reshape(_DRAWS, -1).max(axis=0))


def _expected(
    objects: Population, fluxes: Floats, camera: Camera, blended: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Expected errors (n, bands) of PSF magnitudes, and by how many mag (n,) an object may miss a cut."""
    sky = depth_sigma(_depth(camera))
    error = 2.5 / np.log(10.0) * sky / np.hypot(fluxes, 2e9 * _softening(camera))
    # Galaxies are chosen by their redder bands, point sources by all but the reddest.
    relative = sky / np.maximum(fluxes, 1e-3)
    extended = (objects.kind == "GALAXY") | blended
    noise = np.where(extended, _EXTENDED * relative[:, -2], relative[:, :-1].max(axis=1))
    return error, 0.05 + _SLACK * np.minimum(noise, 1.0) + _BLEND_SLACK * blended


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
