"""1D spectra as a survey's pipeline gives them: an object's light through a fibre, a spectrograph and an extraction.

Light of the object, reddened by the Galaxy, enters the fibre by the share that `fibres` gives; the atmosphere, the
spectrograph and its detector make electrons of it, with those of the sky, the dark and the read-out beside; the pipeline
subtracts a sky that is nearly right, divides by a sensitivity that is nearly right, and states the variance that it can
know. Like those of SDSS (Adelman-McCarthy et al. 2008, ApJS 175, 297, section 4), BOSS and DESI, fluxes are scaled such
that a point source in the middle of a fibre has its total flux; what a fibre misses of a galaxy stays missing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.extinction import galactic_extinction
from asterism.simulate.light.photometry import BAND_NAMES, grid_wavelength, synthetic_magnitudes
from asterism.simulate.light.seds import SedProvider
from asterism.simulate.objects.population import Population
from asterism.simulate.spectroscopy.fibres import fibre_fraction, point_fraction, seeing_at
from asterism.simulate.spectroscopy.night_sky import telluric_transmission
from asterism.simulate.spectroscopy.spectral_response import ArmResponse, Response, response_of
from asterism.simulate.spectroscopy.spectrographs import Spectrograph, in_bright_time, spectrographs_of

__all__ = [
    "MASK_BITS", "Exposures", "Spectra", "calibration_error", "draw_exposures", "flux_densities", "observe_spectra",
    "survey_spectra",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

MASK_BITS = {"bad pixel": 1, "telluric band": 2, "bright sky line": 4, "outside": 8}
"""Bits of the mask; pixels that are bad, outside, or too deep in a band have inverse variance 0."""

_CHUNK = 32  # objects at once; memory is some 40 arrays of that many spectra
_SMOOTHING = 9  # pixels over which the pipeline averages an object's counts to know their noise
_DEEPEST = 0.3  # transmission below which a band is not corrected: choice
_TELLURIC = 0.97  # transmission below which the mask says so: choice
_BRIGHT_LINE = 3.0  # sky over its continuum above which the mask says so: choice
_LINE_SCATTER, _CONTINUUM_SCATTER = 0.35, 0.12  # of ln brightness: choice
_SEEING_REFERENCES = np.array([3800.0, 6166.0, 9500.0])  # Å, between which a fibre's share is interpolated
_PATCH = 40.0  # pixels over which what is left of the sky changes: choice, some tens of Å, a few lines of an OH band
_RUN = 3  # pixels that a cosmic ray takes at most


@dataclass
class Exposures:
    """How each spectrum was taken; arrays of length n.

    Attributes
    ----------
    count : ndarray
        Exposures.
    seeing : ndarray
        FWHM in r, arcsec.
    offset : ndarray, shape (n, 2)
        Fibre against object, arcsec.
    airmass, water : ndarray
        Airmass; precipitable water, mm.
    transparency : ndarray
        Light that arrives against that of a median night and fibre.
    continuum, lines, moon : ndarray
        Brightness of the sky's parts: factors of a dark sky, and moonlight (1e-17 erg/s/cm2/Å/arcsec2 at 5000 Å).
    """

    count: Floats
    seeing: Floats
    offset: Floats
    airmass: Floats
    water: Floats
    transparency: Floats
    continuum: Floats
    lines: Floats
    moon: Floats

    def take(self, rows: npt.NDArray[np.intp]) -> Exposures:
        """Those of these rows."""
        return Exposures(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass
class Spectra:
    """Spectra of n objects on a grid of m pixels.

    Attributes
    ----------
    flux, ivar : ndarray of float32, shape (n, m)
        1e-17 erg/s/cm2/Å (relative for LAMOST) and its inverse variance as the pipeline states it; NaN and 0 where not
        observed.
    mask : ndarray of int32, shape (n, m)
        See `MASK_BITS`.
    lsf : ndarray of float32, shape (n, m)
        Standard deviation of the line-spread function, Å; NaN outside.
    noiseless : ndarray of float32, shape (n, m)
        What a perfect measurement would have given, in the same convention; NaN outside.
    expected : ndarray of float32, shape (n, m)
        The same with the error of the flux calibration: flux - expected is noise, of inverse variance `ivar`.
    fibre_fraction : ndarray, shape (n,)
        Share of the object's light that the fibre took, in r.
    exposure : ndarray, shape (n,)
        s, of all exposures together.
    """

    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]
    mask: npt.NDArray[np.int32]
    lsf: npt.NDArray[np.float32]
    noiseless: npt.NDArray[np.float32]
    expected: npt.NDArray[np.float32]
    fibre_fraction: Floats
    exposure: Floats

    @classmethod
    def empty(cls, n: int, size: int) -> Spectra:
        """n spectra of which nothing was observed."""
        none = np.full((n, size), np.nan, np.float32)
        mask = np.full((n, size), MASK_BITS["outside"], np.int32)
        ivar = np.zeros((n, size), np.float32)
        return cls(none, ivar, mask, none.copy(), none.copy(), none.copy(), np.full(n, np.nan), np.full(n, np.nan))

    def put(self, rows: npt.NDArray[np.intp], other: Spectra) -> None:
        """Set these rows to `other`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)


def draw_exposures(rng: np.random.Generator, spectrograph: Spectrograph, bright: npt.NDArray[np.bool_]) -> Exposures:
    """How n spectra are taken.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    spectrograph : Spectrograph
        Which.
    bright : ndarray of bool, shape (n,)
        Whether the moon is up.

    Returns
    -------
    Exposures
    """
    n = len(bright)
    median, scatter = spectrograph.seeing
    return Exposures(
        count=rng.choice(np.array(spectrograph.exposures, dtype=np.float64), n),
        seeing=median * np.exp(np.clip(scatter * rng.standard_normal(n), -0.5, 0.5)),
        offset=spectrograph.offset * rng.standard_normal((n, 2)),
        airmass=rng.uniform(*spectrograph.airmass, n),
        water=spectrograph.water * np.exp(0.4 * rng.standard_normal(n)),
        transparency=np.exp(spectrograph.transparency * rng.standard_normal(n)),
        continuum=spectrograph.sky * np.exp(_CONTINUUM_SCATTER * rng.standard_normal(n)),
        lines=np.exp(_LINE_SCATTER * rng.standard_normal(n)),
        moon=np.where(bright, spectrograph.moon * np.exp(0.5 * rng.standard_normal(n)), 0.0),
    )


def flux_densities(objects: Population, provider: SedProvider, wavelength: Floats) -> Floats:
    """Total flux densities that reach the atmosphere: scaled to the object's r magnitude, reddened by the Galaxy.

    Parameters
    ----------
    objects : Population
        n objects.
    provider : SedProvider
        Spectra.
    wavelength : ndarray, shape (m,)
        Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        1e-17 erg/s/cm2/Å.
    """
    r = synthetic_magnitudes(provider.seds(objects, grid_wavelength()))[:, BAND_NAMES.index("r")]
    scale = 1e17 * 10.0 ** (-0.4 * (objects.r_mag - r))
    dust = 10.0 ** (-0.4 * objects.ebv[:, None] * galactic_extinction(wavelength)[None, :])
    return np.asarray(scale[:, None] * provider.seds(objects, wavelength) * dust)


def survey_spectra(
    rng: np.random.Generator, objects: Population, provider: SedProvider, survey: str
) -> tuple[dict[str, Spectra], npt.NDArray[np.str_]]:
    """Spectra of objects by the spectrographs of their survey.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    objects : Population
        n objects.
    provider : SedProvider
        Spectra.
    survey : str
        Name of the survey.

    Returns
    -------
    spectra : dict of str to Spectra
        By survey of the grid (``sdss``); objects that another survey's spectrograph took have none there.
    names : ndarray of str, shape (n,)
        Spectrograph of each object.

    Raises
    ------
    ConfigurationError
        The survey has no spectrograph.
    """
    names = spectrographs_of(survey, objects.target)
    found: dict[str, Spectra] = {}
    for name in sorted(set(names.tolist())):
        rows = np.flatnonzero(names == name)
        grid = response_of(name).spectrograph.grid
        whole = found.setdefault(grid.survey, Spectra.empty(len(objects), grid.size))
        whole.put(rows, observe_spectra(rng, objects.take(rows), provider, name))
    return found, names


def observe_spectra(rng: np.random.Generator, objects: Population, provider: SedProvider, spectrograph: str) -> Spectra:
    """Spectra of objects as one spectrograph takes them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance; the same state gives the same spectra.
    objects : Population
        n objects.
    provider : SedProvider
        Spectra; a library's own resolution is not taken out, so that its spectra come out broader than the objects'.
    spectrograph : str
        Of `asterism.simulate.spectroscopy.spectrographs.SPECTROGRAPHS`.

    Returns
    -------
    Spectra
        On the grid of the spectrograph's survey.

    Raises
    ------
    ConfigurationError
        No such spectrograph, or wavelengths that the provider has no spectra for.
    """
    response = response_of(spectrograph)
    n, size = len(objects), response.spectrograph.grid.size
    found = Spectra.empty(n, size)
    seen = draw_exposures(rng, response.spectrograph, in_bright_time(objects.target))
    for first in range(0, n, _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, n))
        light = flux_densities(objects.take(rows), provider, response.wavelength)
        found.put(rows, _observe(rng, response, objects.take(rows), light, seen.take(rows)))
    return found


def _observe(
    rng: np.random.Generator, response: Response, objects: Population, light: Floats, seen: Exposures
) -> Spectra:
    """Every arm's spectrum, put together by inverse variance."""
    spectrograph, n = response.spectrograph, len(objects)
    found = Spectra.empty(n, spectrograph.grid.size)
    fwhm = seeing_at(_SEEING_REFERENCES, seen.seeing)
    ratio = fibre_fraction(objects, spectrograph.fibre, fwhm, seen.offset)
    found.fibre_fraction[:] = ratio[:, 1]
    found.exposure[:] = seen.count * spectrograph.exposure
    # Standard stars, which the calibration comes from, are as badly centred as everything else.
    point = point_fraction(spectrograph.fibre, fwhm, spectrograph.offset)
    # Calibration errors belong to the fibre, but for a step between the arms.
    warp = rng.standard_normal((n, 4))
    totals = np.zeros((3, *found.flux.shape))  # weight times flux, noiseless, expected
    weight = np.zeros(found.flux.shape)
    for arm in response.arms:
        quadratic = _parabola(np.log(_SEEING_REFERENCES), np.log(arm.wavelength))
        # einsum, not a BLAS product: its sums do not depend on the number of threads.
        taken, nominal = (np.einsum("nk,kp->np", share, quadratic) for share in (ratio, point))
        noiseless = (arm.matrix @ light.T).T * taken / nominal
        error = calibration_error(rng, spectrograph, warp, arm.wavelength)
        noise, variance, band, bright = _noise(rng, spectrograph, arm, noiseless * nominal, seen)
        scale = error / nominal
        ivar = 1.0 / (variance * scale**2)
        bad = _bad_pixels(rng, spectrograph, ivar.shape)
        mask = MASK_BITS["bad pixel"] * bad + MASK_BITS["telluric band"] * (band < _TELLURIC)
        mask = mask + MASK_BITS["bright sky line"] * bright
        ivar[bad | (band < _DEEPEST)] = 0.0
        here = (slice(None), arm.pixels)
        overlap = weight[here] > 0
        weight[here] += ivar
        for total, value in zip(totals, (noiseless * error + noise * scale, noiseless, noiseless * error), strict=True):
            total[here] += ivar * value
        # A pixel that one of two arms lost is not lost.
        found.mask[here] = np.where(overlap, found.mask[here] | (mask & ~MASK_BITS["bad pixel"]), mask)
        found.noiseless[here], found.expected[here] = noiseless, noiseless * error
    return _finish(rng, response, found, totals, weight)


def _finish(rng: np.random.Generator, response: Response, found: Spectra, totals: Floats, weight: Floats) -> Spectra:
    """Ragged ends, and the laws of what is not observed."""
    spectrograph = response.spectrograph
    n, wavelength = len(found.flux), spectrograph.grid.wavelength
    first = spectrograph.arms[0].low + spectrograph.ragged[0] * rng.uniform(size=n)
    last = spectrograph.arms[-1].high - spectrograph.ragged[1] * rng.uniform(size=n)
    outside = (wavelength < first[:, None] - 1e-6) | (wavelength > last[:, None] + 1e-6)
    weight[outside] = 0.0
    observed = weight > 0
    for values, total in zip((found.flux, found.noiseless, found.expected), totals, strict=True):
        np.divide(total, weight, out=values, where=observed, casting="unsafe")
    found.flux[~observed] = np.nan
    found.noiseless[outside], found.expected[outside] = np.nan, np.nan
    found.ivar[:] = weight
    found.mask[outside] = MASK_BITS["outside"]
    found.lsf[:] = response.lsf
    found.lsf[outside] = np.nan
    return found


def _parabola(nodes: Floats, at: Floats) -> Floats:
    """Lagrange's weights (3, p) of a parabola through three nodes."""
    a, b, c = nodes
    x = np.clip(at, a - 0.1, c + 0.1)
    return np.stack(
        [
            (x - b) * (x - c) / ((a - b) * (a - c)),
            (x - a) * (x - c) / ((b - a) * (b - c)),
            (x - a) * (x - b) / ((c - a) * (c - b)),
        ]
    )


def calibration_error(rng: np.random.Generator, spectrograph: Spectrograph, warp: Floats, wavelength: Floats) -> Floats:
    """Factor (n, p) by which the flux calibration is wrong: grey, tilt, bend and wave, smooth over all arms, and a step."""
    grey, colour, step = spectrograph.flux_error
    middle = np.sqrt(spectrograph.arms[0].low * spectrograph.arms[-1].high)
    x = np.log(wavelength / middle) / np.log(spectrograph.arms[-1].high / middle)  # -1 to 1
    half = 0.5 * colour
    shapes = np.stack(
        [np.full_like(x, grey), half * x, 0.5 * half * (x**2 - 1.0 / 3.0), 0.3 * half * np.sin(np.pi * x)]
    )
    return np.exp(np.einsum("nk,kp->np", warp, shapes) + step * rng.standard_normal((len(warp), 1)))


def _noise(
    rng: np.random.Generator,
    spectrograph: Spectrograph,
    arm: ArmResponse,
    entering: Floats,
    seen: Exposures,
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """Noise of a flux that enters the fibre: the noise (n, p), its stated variance, the bands, and where lines are bright.

    All in the units of `entering`, 1e-17 erg/s/cm2/Å above the atmosphere.
    """
    seconds = (seen.count * spectrograph.exposure)[:, None]
    airmass = seen.airmass[:, None]
    band = telluric_transmission(arm.wavelength, arm.sigma, seen.airmass, seen.water)
    air = 10.0 ** (-0.4 * arm.extinction * (airmass - 1.0)) * band
    electrons = arm.sensitivity * seconds * air * seen.transparency[:, None]  # per unit of flux above the atmosphere
    fibre = np.pi * (0.5 * spectrograph.fibre) ** 2
    dark_sky = seen.continuum[:, None] * arm.continuum + seen.moon[:, None] * arm.moon
    glow = fibre * (dark_sky + seen.lines[:, None] * arm.lines) * arm.sensitivity * seconds
    detector = arm.cells * (arm.arm.read_noise**2 * seen.count[:, None] + arm.arm.dark * seconds / 3600.0)
    from_sky_model = (glow + detector) / spectrograph.sky_fibres
    counts = entering * electrons
    flat = spectrograph.flat_error**2 / seen.count[:, None]
    variance = np.maximum(counts, 0.0) + flat * counts**2 + glow + detector + from_sky_model
    noise = np.sqrt(variance) * rng.standard_normal(variance.shape)
    shift = fibre * seen.lines[:, None] * arm.slope * arm.sensitivity * seconds
    sky_share, sky_shift = spectrograph.sky_error
    left = sky_share * _patches(rng, glow.shape) * glow + sky_shift * _patches(rng, glow.shape) * shift
    # What the pipeline states: its own counts, smoothed, and the mean square of what it leaves of the sky.
    own = np.maximum(_smooth(counts + noise), 0.0)
    known = own + flat * own**2 + glow + detector + from_sky_model
    stated = known + (sky_share * glow) ** 2 + (sky_shift * shift) ** 2
    bright = fibre * seen.lines[:, None] * arm.lines > (_BRIGHT_LINE - 1.0) * fibre * dark_sky
    return (noise + left) / electrons, stated / electrons**2, band, bright


def _patches(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Normal numbers that are shared by neighbouring pixels: bands of OH differ over the field, as does the focus."""
    n, size = shape
    node = np.arange(size) / _PATCH
    left = node.astype(np.intp)
    share = node - left
    drawn = rng.standard_normal((n, int(left[-1]) + 2))
    mixed = drawn[:, left] * (1.0 - share) + drawn[:, left + 1] * share
    return np.asarray(mixed / np.hypot(share, 1.0 - share))


def _smooth(counts: Floats) -> Floats:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(counts, _SMOOTHING, axis=-1, mode="nearest"))


def _bad_pixels(rng: np.random.Generator, spectrograph: Spectrograph, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels that cosmic rays, columns and edges take, in runs of one to three."""
    starts = rng.uniform(size=shape) < spectrograph.bad / (0.5 * (1 + _RUN))
    length = rng.integers(1, _RUN + 1, shape)
    bad = starts.copy()
    for step in range(1, _RUN):
        bad[:, step:] |= (starts & (length > step))[:, :-step]
    return bad
