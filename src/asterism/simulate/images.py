"""Stamps: an object's light through seeing onto pixels, with the noise of sky and photons.

The point spread function is SDSS's double Gaussian (Stoughton et al. 2002, section 4.3) and includes the pixel, so an
image is the profile times the PSF in Fourier space, sampled at pixel centres. GalSim gives the galaxies' profiles (a de
Vaucouleurs bulge and an exponential disc, each with its ellipticity) once per object on a Fourier grid; the five bands
share it and differ by PSF and flux, so that one inverse transform per band is all that is left. A test holds this to
GalSim's own drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.catalogs.bands import depth_sigma
from asterism.simulate.constants import constant
from asterism.simulate.photometry import BANDS
from asterism.simulate.population import Population

__all__ = [
    "STAMP_SIZE",
    "Conditions",
    "add_noise",
    "double_gaussian",
    "draw_conditions",
    "noiseless_stamps",
    "psf_norms",
]

Floats = npt.NDArray[np.float64]

STAMP_SIZE = 32
"""Pixels along each side; the catalogued position is within half a pixel of the centre."""

_SMALL, _LARGE = 64, 128  # sides of the periodic boxes in which galaxies are convolved, pixels
_SMALL_RADIUS = 0.8  # arcsec; light of larger galaxies would come back through the small box's other side


@dataclass
class Conditions:
    """How each object was observed.

    Attributes
    ----------
    fwhm : ndarray, shape (n, 5)
        Seeing, full width at half maximum of the effective PSF, arcsec.
    sky_sigma : ndarray, shape (n, 5)
        Standard deviation of a pixel's sky and read noise, nanomaggy.
    gain : ndarray, shape (n, 5)
        Electrons per nanomaggy: the photon variance of a flux f is f / gain.
    offset : ndarray, shape (n, 2)
        Position against the stamp's centre (x, y), pixels, within half a pixel.
    """

    fwhm: Floats
    sky_sigma: Floats
    gain: Floats
    offset: Floats

    def take(self, rows: npt.NDArray[np.intp]) -> Conditions:
        """Those of these rows."""
        return Conditions(self.fwhm[rows], self.sky_sigma[rows], self.gain[rows], self.offset[rows])

    def put(self, rows: npt.NDArray[np.intp], other: Conditions, chosen: npt.NDArray[np.intp]) -> None:
        """Set these rows to the chosen ones of `other`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)[chosen]


@cache
def _core_width() -> float:
    """FWHM of the double Gaussian over the sigma of its core."""
    ratio, peak = constant("psf_wing")
    r = np.linspace(0.5, 3.0, 250001)
    profile = (np.exp(-0.5 * r**2) + peak * np.exp(-0.5 * (r / ratio) ** 2)) / (1.0 + peak)
    return float(2.0 * r[np.argmax(profile < 0.5)])


def double_gaussian(fwhm: Floats) -> tuple[Floats, Floats]:
    """The two Gaussians of the PSF.

    Parameters
    ----------
    fwhm : ndarray
        Full width at half maximum, arcsec, any shape.

    Returns
    -------
    sigma : ndarray, shape (..., 2)
        Widths of core and wing, pixels.
    weight : ndarray, shape (2,)
        Their shares of the light.
    """
    ratio, peak = constant("psf_wing")
    core = np.asarray(fwhm, dtype=np.float64) / _core_width() / constant("pixel_scale")
    light = np.array([1.0, peak * ratio**2])
    return np.stack([core, ratio * core], axis=-1), light / light.sum()


def psf_norms(fwhm: Floats) -> Floats:
    """Sum over pixels of PSF^2, of the shape of `fwhm`; its inverse is the number of pixels that share the noise."""
    sigma, weight = double_gaussian(fwhm)
    variance = sigma[..., :, None] ** 2 + sigma[..., None, :] ** 2
    return np.asarray((weight[:, None] * weight[None, :] / (2.0 * np.pi * variance)).sum(axis=(-1, -2)))


def draw_conditions(rng: np.random.Generator, n: int) -> Conditions:
    """Seeing, noise and sub-pixel position of n observations.

    Noise per pixel is such that a point source in median seeing has the survey's published 5-sigma depth; the gain
    follows from that noise and the sky's brightness, if the sky's photons are its cause. A brighter sky is noisier,
    worse seeing spreads a source over more of it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n : int
        Number of observations.

    Returns
    -------
    Conditions
    """
    median = np.array(constant("psf_fwhm"))
    common = constant("psf_scatter") * rng.standard_normal((n, 1))
    own = constant("psf_band_scatter") * rng.standard_normal((n, len(BANDS)))
    # SDSS took no science images in seeing much worse than 2 arcsec; better than 0.8 the telescope does not get.
    fwhm = median * np.exp(np.clip(common + own, np.log(0.62), np.log(1.7)))
    depth = np.array([band.depth_5sigma for band in BANDS], dtype=np.float64)
    offsets = np.array([band.ab_offset for band in BANDS])
    pixel_sigma = depth_sigma(depth - offsets) * np.sqrt(psf_norms(median))
    sky = 10.0 ** (0.4 * (22.5 - np.array(constant("sky_brightness")))) * constant("pixel_scale") ** 2
    brighter = np.exp(
        constant("sky_scatter") * rng.standard_normal((n, 1)) + 0.05 * rng.standard_normal((n, len(BANDS)))
    )
    gain = np.broadcast_to(sky / pixel_sigma**2, fwhm.shape).copy()
    return Conditions(fwhm, pixel_sigma * np.sqrt(brighter), gain, rng.uniform(-0.5, 0.5, (n, 2)))


def noiseless_stamps(objects: Population, fluxes: Floats, conditions: Conditions) -> Floats:
    """Expected stamps, without sky and noise.

    Parameters
    ----------
    objects : Population
        n objects; galaxies are drawn with their profile, stars and quasars as points.
    fluxes : ndarray, shape (n, 5)
        Total flux, nanomaggy.
    conditions : Conditions
        Of the n observations.

    Returns
    -------
    ndarray, shape (n, 5, 32, 32)
        Nanomaggy per pixel; axes band, y, x.
    """
    stamps = np.empty((len(objects), len(BANDS), STAMP_SIZE, STAMP_SIZE))
    galaxies = objects.kind == "GALAXY"
    points = np.flatnonzero(~galaxies)
    if len(points):
        stamps[points] = _points(fluxes[points], conditions.take(points))
    large = np.nan_to_num(objects.half_light_radius) > _SMALL_RADIUS
    for rows, side in ((np.flatnonzero(galaxies & ~large), _SMALL), (np.flatnonzero(galaxies & large), _LARGE)):
        if len(rows):
            stamps[rows] = _galaxies(objects.take(rows), fluxes[rows], conditions.take(rows), side)
    return stamps


def _points(fluxes: Floats, conditions: Conditions) -> Floats:
    """PSFs at sub-pixel positions: a double Gaussian is a sum of two outer products."""
    sigma, weight = double_gaussian(conditions.fwhm)
    place = np.arange(STAMP_SIZE) - 0.5 * (STAMP_SIZE - 1)
    distance = place[None, None, :] - conditions.offset[:, :, None]  # (n, xy, pixel)
    profile = np.exp(
        -0.5 * (distance[:, None, None] / sigma[:, :, :, None, None]) ** 2
    )  # (n, band, gaussian, xy, pixel)
    profile /= np.sqrt(2.0 * np.pi) * sigma[:, :, :, None, None]
    scaled = fluxes[:, :, None] * weight
    return np.einsum("nbg,nbgy,nbgx->nbyx", scaled, profile[:, :, :, 1], profile[:, :, :, 0], optimize=True)


def _galaxies(objects: Population, fluxes: Floats, conditions: Conditions, side: int) -> Floats:
    from scipy.fft import irfft2

    scale = constant("pixel_scale")
    frequency = 2.0 * np.pi * np.fft.fftfreq(side)  # radians per pixel
    half = 2.0 * np.pi * np.fft.rfftfreq(side)
    ky, kx = frequency[:, None], half[None, :]
    k2 = ky**2 + kx**2
    # First pixel of the stamp inside the box whose origin is the stamp's centre, half a pixel off the grid.
    first = side // 2 - STAMP_SIZE // 2
    shift = side // 2 - 0.5
    stamps = np.empty((len(objects), len(BANDS), STAMP_SIZE, STAMP_SIZE))
    sigma, weight = double_gaussian(conditions.fwhm)
    for row in range(len(objects)):
        profile = _fourier_profile(objects, row, side, scale)
        x, y = conditions.offset[row] + shift
        placed = profile * np.exp(-1j * ky * y) * np.exp(-1j * kx * x)
        blur = (weight[:, None, None] * np.exp(-0.5 * k2 * sigma[row][:, :, None, None] ** 2)).sum(axis=1)
        box = irfft2(placed[None] * blur, s=(side, side), axes=(-2, -1))
        stamps[row] = box[:, first : first + STAMP_SIZE, first : first + STAMP_SIZE]
    return stamps * fluxes[:, :, None, None]


def _fourier_profile(objects: Population, row: int, side: int, scale: float) -> npt.NDArray[np.complex128]:
    """Transform of a galaxy of unit flux on the half plane (side, side/2 + 1) of frequencies per pixel."""
    import galsim

    bulge_share = float(objects.bulge_fraction[row])
    radius = float(objects.half_light_radius[row])
    angle = float(objects.position_angle[row]) * galsim.degrees
    disc_ratio, bulge_ratio = float(objects.disc_axis_ratio[row]), float(objects.bulge_axis_ratio[row])
    # Sheared so that the semi-major axis keeps its length; in spheroids both parts have the galaxy's radius.
    early = disc_ratio == bulge_ratio
    bulge_radius = radius if early else constant("bulge_size") * radius
    bulge = galsim.DeVaucouleurs(half_light_radius=bulge_radius * np.sqrt(bulge_ratio), flux=bulge_share)
    disc = galsim.Exponential(half_light_radius=radius * np.sqrt(disc_ratio), flux=1.0 - bulge_share)
    whole = galsim.Add(bulge.shear(q=bulge_ratio, beta=angle), disc.shear(q=disc_ratio, beta=angle))
    image = whole.drawKImage(nx=side, ny=side, scale=2.0 * np.pi / (side * scale)).array
    # GalSim's centre is at [side/2, side/2]; the inverse real transform wants frequency 0 first.
    ordered = np.fft.ifftshift(image)
    return np.asarray(ordered[:, : side // 2 + 1])


def add_noise(rng: np.random.Generator, stamps: Floats, conditions: Conditions) -> npt.NDArray[np.float32]:
    """Stamps as a camera gives them: sky-subtracted, with the noise of the sky and of the object's own photons.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    stamps : ndarray, shape (n, 5, 32, 32)
        Expected flux per pixel, nanomaggy.
    conditions : Conditions
        Of the n observations.

    Returns
    -------
    ndarray of float32, shape (n, 5, 32, 32)
        The one noisy image that catalogs keep and that `asterism.simulate.measurement` measures.
    """
    variance = conditions.sky_sigma[:, :, None, None] ** 2
    variance = variance + np.maximum(stamps, 0.0) / conditions.gain[:, :, None, None]
    return (stamps + np.sqrt(variance) * rng.standard_normal(stamps.shape)).astype(np.float32)
