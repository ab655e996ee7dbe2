"""How much of an object's light goes down a fibre, for its profile, the seeing, and how far off centre the fibre stands.

Profiles and PSF are mixtures of Gaussians: a galaxy seen through the PSF is a sum of elliptical Gaussians, each integrated
over the fibre's disc by quadrature. The profile is the one that the stamps are drawn with, so that a spectrum's flux is the
flux inside a circle on the object's noiseless image in the spectrograph's seeing.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.objects.population import Population
from asterism.surveys.stamps.light_profiles import mixture

__all__ = ["SEEING_SLOPE", "SEEING_WAVELENGTH", "fibre_fraction", "point_fraction", "seeing_at"]

Floats = npt.NDArray[np.float64]

SEEING_WAVELENGTH = 6166.0
"""Å, at which seeing is stated: the r band."""

SEEING_SLOPE = -0.2
"""Of ln FWHM against ln wavelength, for Kolmogorov turbulence (Fried 1966, JOSA 56, 1372)."""

# The mixtures end at 8 and 4 half-light radii (Hogg & Lang 2013); what they hold of the endless profiles that the stamps
# are drawn with: sum of amplitudes over the analytic total (Graham & Driver 2005, PASA 22, 118, equation 4).
_HELD = {"de Vaucouleurs": 21.12 / 22.67, "exponential": 11.77 / 11.95}
# The PSF: two Gaussians, widths 1 : 2.5 and peaks 1 : 0.1, as SDSS's imaging has it (Stoughton et al. 2002, AJ 123, 485,
# section 4.3); taken for all telescopes, which is a choice.
_WIDTHS, _PEAKS = np.array([1.0, 2.5]), np.array([1.0, 0.1])
_RINGS, _SPOKES = 12, 16  # of the quadrature over the fibre; a test holds it to GalSim's drawing


def seeing_at(wavelength: npt.ArrayLike, fwhm: Floats) -> Floats:
    """Seeing (arcsec) at wavelengths (k,) of observations whose seeing in r is `fwhm` (n,): (n, k)."""
    ratio = np.asarray(wavelength, dtype=np.float64) / SEEING_WAVELENGTH
    return np.asarray(fwhm[:, None] * ratio[None, :] ** SEEING_SLOPE)


@cache
def _full_width() -> float:
    """FWHM of the PSF whose core has a standard deviation of 1."""
    r = np.linspace(0.5, 3.0, 250001)
    profile = (_PEAKS * np.exp(-0.5 * (r[:, None] / _WIDTHS) ** 2)).sum(axis=1) / _PEAKS.sum()
    return float(2.0 * r[np.argmax(profile < 0.5)])


def _psf(fwhm: Floats) -> tuple[Floats, Floats]:
    """Variances (..., 2) in arcsec^2 and shares (2,) of the PSF's Gaussians."""
    light = _PEAKS * _WIDTHS**2
    sigma = np.asarray(fwhm, dtype=np.float64)[..., None] / _full_width() * _WIDTHS
    return sigma**2, light / light.sum()


def point_fraction(diameter: float, fwhm: Floats, jitter: float = 0.0) -> Floats:
    """Share of a point source's light in a fibre that is centred on it, or is so but for a jitter, on average.

    Parameters
    ----------
    diameter : float
        Of the fibre, arcsec.
    fwhm : ndarray
        Seeing, arcsec, any shape.
    jitter : float
        Standard deviation of the fibre's place along each axis, arcsec. The mean over places is the share of the PSF
        convolved with them.

    Returns
    -------
    ndarray
        In (0, 1), of that shape.

    Examples
    --------
    >>> bool(0.75 < point_fraction(3.0, np.array(1.5)) < 0.85)
    True
    """
    variance, weight = _psf(np.asarray(fwhm, dtype=np.float64))
    return np.asarray(((1.0 - np.exp(-0.125 * diameter**2 / (variance + jitter**2))) * weight).sum(axis=-1))


def fibre_fraction(objects: Population, diameter: float, fwhm: Floats, offset: Floats) -> Floats:
    """Share of objects' light in a fibre.

    Parameters
    ----------
    objects : Population
        n objects: galaxies with their bulge and disc; nuclei with the share of their host, where it is known, in one;
        all others points.
    diameter : float
        Of the fibre, arcsec.
    fwhm : ndarray, shape (n, k)
        Seeing, arcsec, at k wavelengths.
    offset : ndarray, shape (n, 2)
        Fibre against object, x and y, arcsec.

    Returns
    -------
    ndarray, shape (n, k)
        In (0, 1).
    """
    found = np.empty(fwhm.shape)
    extended = _extended_share(objects)
    points, rows = np.flatnonzero(extended < 1.0), np.flatnonzero(extended > 0.0)
    if len(points):
        zero = np.zeros(len(points))
        found[points] = _through(diameter, fwhm[points], offset[points], [(np.ones(1), np.zeros(1), zero, zero + 1.0)])
    if len(rows):
        share = extended[rows, None]
        spread = _galaxies(objects.take(rows), diameter, fwhm[rows], offset[rows])
        found[rows] = share * spread + (1.0 - share) * np.where(share < 1.0, found[rows], 0.0)
    return found


def _extended_share(objects: Population) -> Floats:
    """Share of the light that is a galaxy's: all of a galaxy's, the host's of a nucleus, none of a star's."""
    share = (objects.kind == "GALAXY").astype(np.float64)
    host = getattr(objects, "host_fraction", None)
    if host is not None:
        known = (objects.kind == "QSO") & (np.nan_to_num(host) > 0.0) & np.isfinite(objects.half_light_radius)
        share[known] = host[known]
    return share


def _galaxies(objects: Population, diameter: float, fwhm: Floats, offset: Floats) -> Floats:
    angle = np.radians(objects.position_angle)
    # Into the axes of the galaxy.
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([cos * offset[:, 0] + sin * offset[:, 1], cos * offset[:, 1] - sin * offset[:, 0]], axis=1)
    radius = objects.half_light_radius
    # In spheroids both parts have the galaxy's radius, as on the stamps.
    early = objects.disc_axis_ratio == objects.bulge_axis_ratio
    bulge_radius = np.where(early, radius, constant("bulge_size") * radius)
    bulge = (*mixture("de Vaucouleurs"), bulge_radius, objects.bulge_axis_ratio)
    disc = (*mixture("exponential"), radius, objects.disc_axis_ratio)
    share = objects.bulge_fraction[:, None]
    both = [_through(diameter, fwhm, turned, [part]) for part in (bulge, disc)]
    return np.asarray(share * _HELD["de Vaucouleurs"] * both[0] + (1.0 - share) * _HELD["exponential"] * both[1])


def _through(
    diameter: float, fwhm: Floats, offset: Floats, parts: list[tuple[Floats, Floats, Floats, Floats]]
) -> Floats:
    """Share in the fibre of mixtures (shares, variances in radii squared, radius (n,), axis ratio (n,)): (n, k)."""
    nodes, weights = np.polynomial.legendre.leggauss(_RINGS)
    r = 0.25 * diameter * (nodes + 1.0)
    spoke = 2.0 * np.pi * (np.arange(_SPOKES) + 0.5) / _SPOKES
    x = offset[:, 0, None] + (r[:, None] * np.cos(spoke)).ravel()  # (n, node)
    y = offset[:, 1, None] + (r[:, None] * np.sin(spoke)).ravel()
    area = np.repeat(0.25 * diameter * weights * r * (2.0 * np.pi / _SPOKES), _SPOKES)
    psf, psf_share = _psf(fwhm)  # (n, k, 2)
    total = np.zeros(fwhm.shape)
    for share, variance, radius, ratio in parts:
        for one, spread in zip(share, variance, strict=True):
            for number, of_psf in enumerate(psf_share):
                along = spread * radius[:, None] ** 2 + psf[:, :, number]
                across = spread * (radius * ratio)[:, None] ** 2 + psf[:, :, number]
                density = np.exp(-0.5 * (x[:, None] ** 2 / along[..., None] + y[:, None] ** 2 / across[..., None]))
                total += one * of_psf * (density * area).sum(axis=-1) / (2.0 * np.pi * np.sqrt(along * across))
    return total
