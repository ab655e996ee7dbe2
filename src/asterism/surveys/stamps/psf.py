"""Point spread functions as mixtures of Gaussians: what a camera's seeing does to a point of light.

A Moffat profile is, exactly, a continuous mixture of Gaussians whose inverse variances follow a gamma distribution;
generalised Gauss-Laguerre quadrature makes it a few. The power-law wing that SDSS's pipeline adds to its double Gaussian
(Lupton et al. 2001, ASP Conf. Ser. 238, 269) is a Moffat profile under another name. So one form serves all cameras, in
pixels and in Fourier space alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import roots_genlaguerre

__all__ = [
    "Psf",
    "adaptive_width",
    "double_gaussian_with_wing",
    "effective_width",
    "full_width",
    "moffat",
    "psf_images",
    "shape_matrix",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_ROUND_BEYOND = 1.0  # times the seeing; what is wider is scattered light, and round
_NEGLIGIBLE = 2e-3  # share of the light of a Gaussian that is left out


@dataclass(frozen=True)
class Psf:
    """A round profile of unit light, in units of the seeing as the camera's survey quotes it.

    Attributes
    ----------
    widths : tuple of float
        Standard deviations of the Gaussians, in units of the seeing, rising.
    shares : tuple of float
        Their shares of the light.
    """

    widths: tuple[float, ...]
    shares: tuple[float, ...]

    @cached_property
    def elliptical(self) -> int:
        """How many of the Gaussians, from the narrowest, take the ellipticity; the wider ones stay round."""
        return int(np.searchsorted(self.widths, _ROUND_BEYOND))

    def sigma(self, fwhm: npt.ArrayLike) -> Floats:
        """Standard deviations (..., k), in the unit of `fwhm`."""
        return np.asarray(fwhm, np.float64)[..., None] * np.array(self.widths)

    def norm(self, fwhm: npt.ArrayLike) -> Floats:
        """Integral of PSF^2, per area in the unit of `fwhm`; its inverse is the area that shares the noise."""
        sigma, share = self.sigma(fwhm), np.array(self.shares)
        both = sigma[..., :, None] ** 2 + sigma[..., None, :] ** 2
        return np.asarray((share[:, None] * share / (2.0 * np.pi * both)).sum(axis=(-1, -2)))

    def cube(self, fwhm: npt.ArrayLike) -> Floats:
        """Integral of PSF^3, per area squared."""
        tight, share = self.sigma(fwhm) ** -2.0, np.array(self.shares)
        p, q, r = tight[..., :, None, None], tight[..., None, :, None], tight[..., None, None, :]
        triple = p * q * r / ((2.0 * np.pi) ** 2 * (p + q + r))
        return np.asarray((triple * share[:, None, None] * share[:, None] * share).sum(axis=(-1, -2, -3)))

    def profile(self, radius: npt.ArrayLike) -> Floats:
        """Surface brightness at radii in units of the seeing."""
        r, sigma = np.asarray(radius, np.float64)[..., None], np.array(self.widths)
        return np.asarray((np.array(self.shares) / (2 * np.pi * sigma**2) * np.exp(-0.5 * (r / sigma) ** 2)).sum(-1))


def _sorted(sigma: Floats, light: Floats) -> Psf:
    order = np.argsort(sigma)
    order = order[light[order] > _NEGLIGIBLE * light.sum()]
    return Psf(tuple(sigma[order].tolist()), tuple((light[order] / light[order].sum()).tolist()))


def full_width(psf: Psf) -> float:
    """Full width at half maximum, in the unit of the widths."""
    low, high = 0.0, 10.0 * float(np.dot(psf.widths, psf.shares))
    half = 0.5 * psf.profile(0.0)
    for _ in range(60):  # bisection: a mixture of centred Gaussians falls monotonically
        middle = 0.5 * (low + high)
        low, high = (middle, high) if psf.profile(middle) > half else (low, middle)
    return low + high


def effective_width(psf: Psf) -> float:
    """Full width at half maximum of the Gaussian that shares the noise over as many pixels: SDSS's psfWidth."""
    return float(np.sqrt(8.0 * np.log(2.0) / (4.0 * np.pi * psf.norm(1.0))))


def adaptive_width(psf: Psf) -> float:
    """Full width at half maximum of the Gaussian with the PSF's adaptive moments: SDSS's psffwhm.

    These moments are weighted by the Gaussian that has them itself (Bernstein & Jarvis 2002, AJ 123, 583, section 3.1); SDSS
    tables their sum as mRrCcPSF, and the width is 2 sqrt(2 ln 2) sqrt(mRrCcPSF / 2).
    """
    variance, share = np.array(psf.widths) ** 2, np.array(psf.shares)
    found = float(variance @ share)
    for _ in range(200):  # each step more than halves the error
        seen = share / (found + variance)
        # Light of variance v under a weight of variance w has v w / (v + w); a Gaussian's own is half of it.
        found = float(2.0 * (seen * found * variance / (found + variance)).sum() / seen.sum())
    return float(np.sqrt(8.0 * np.log(2.0) * found))


def _gaussians_of_moffat(beta: float, terms: int) -> tuple[Floats, Floats]:
    """Widths in units of the scale a, and shares, of the Gaussians that make (1 + r^2/a^2)^-beta."""
    # Light of the Gaussian of inverse variance 2t/a^2 is t^(beta-2) exp(-t) dt / Gamma(beta-1).
    nodes, weights = roots_genlaguerre(terms, beta - 2.0)
    return np.asarray(np.sqrt(0.5 / nodes)), np.asarray(weights / weights.sum())


def moffat(beta: float, terms: int = 6) -> Psf:
    """Moffat profile (1 + r^2/a^2)^-beta as a mixture, in units of its full width at half maximum.

    Parameters
    ----------
    beta : float
        Exponent, above 1.
    terms : int
        Gaussians.

    Returns
    -------
    Psf

    Examples
    --------
    >>> round(float(moffat(3.0).profile(0.5) / moffat(3.0).profile(0.0)), 3)
    0.5
    """
    sigma, light = _gaussians_of_moffat(beta, terms)
    return _sorted(sigma / full_width(_sorted(sigma, light)), light)


def double_gaussian_with_wing(
    ratio: float, peak: float, wing_share: float, wing_exponent: float, wing_scale: float, terms: int = 3
) -> Psf:
    """SDSS's PSF: two Gaussians and a power-law wing, in units of the effective width of the two Gaussians.

    That is what SDSS calls the seeing (psfWidth of its fields, Stoughton et al. 2002, section 4.3); the profile itself falls
    to half at a smaller width, and so do the Gaussians that `adaptive_width` stands for (psffwhm of its objects).

    Parameters
    ----------
    ratio, peak : float
        Width of the second Gaussian over the first one's, and its height.
    wing_share : float
        Light in the wing.
    wing_exponent : float
        The wing falls as r^-exponent, above 2.
    wing_scale : float
        Its scale over the width of the first Gaussian.
    terms : int
        Gaussians for the wing.

    Returns
    -------
    Psf
    """
    light = np.array([1.0, peak * ratio**2])
    wing, shares = _gaussians_of_moffat(0.5 * wing_exponent, terms)
    sigma = np.concatenate([[1.0, ratio], wing_scale * np.sqrt(wing_exponent) * wing])
    sigma = sigma / effective_width(_sorted(np.array([1.0, ratio]), light))
    return _sorted(sigma, np.concatenate([(1.0 - wing_share) * light / light.sum(), wing_share * shares]))


def shape_matrix(ellipticity: npt.NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
    """xx, xy, yy of the matrix (unit determinant) that makes a round covariance elliptical.

    Parameters
    ----------
    ellipticity : ndarray, shape (..., 2)
        e1 = (xx - yy) / (xx + yy) and e2 = 2 xy / (xx + yy) of the second moments.
    """
    e1, e2 = ellipticity[..., 0].astype(np.float64), ellipticity[..., 1].astype(np.float64)
    scale = 1.0 / np.sqrt(1.0 - e1**2 - e2**2)
    return (1.0 + e1) * scale, e2 * scale, (1.0 - e1) * scale


def psf_images(
    psf: Psf, fwhm: npt.NDArray[np.floating], ellipticity: npt.NDArray[np.floating], place: Floats, size: int
) -> Singles:
    """PSFs of unit light at sub-pixel places.

    Parameters
    ----------
    psf : Psf
        Profile, the pixel included.
    fwhm : ndarray, shape (n, b)
        Seeing, pixels.
    ellipticity : ndarray, shape (n, b, 2)
        e1, e2 of the core.
    place : ndarray, shape (n, 2)
        x, y against the image's centre, pixels.
    size : int
        Pixels along each side.

    Returns
    -------
    ndarray of float32, shape (n, b, size, size)
        Light per pixel; axes band, y, x.
    """
    along = np.arange(size) - 0.5 * (size - 1)
    x, y = along - place[:, :1], along - place[:, 1:]
    sigma, share = psf.sigma(fwhm), np.array(psf.shares)
    height = (share / (2.0 * np.pi * sigma**2)).astype(np.float32)
    xx, xy, yy = shape_matrix(ellipticity)
    # Inverse of a matrix of unit determinant: the diagonal changes places.
    x2, y2 = (x**2).astype(np.float32)[:, None, None, :], (y**2).astype(np.float32)[:, None, :, None]
    square = yy.astype(np.float32)[..., None, None] * x2 + xx.astype(np.float32)[..., None, None] * y2
    cross = (-2.0 * xy[:, :, None] * y[:, None, :]).astype(np.float32)
    square += cross[..., None] * x.astype(np.float32)[:, None, None, :]
    total = np.zeros_like(square)
    work = np.empty_like(square)
    narrow = psf.elliptical
    for k in range(narrow):
        np.multiply(square, (-0.5 / sigma[:, :, k] ** 2).astype(np.float32)[..., None, None], out=work)
        np.exp(work, out=work)
        work *= height[:, :, k, None, None]
        total += work
    if narrow < len(share):
        wide = sigma[:, :, narrow:, None]
        across = np.exp(-0.5 * (x[:, None, None, :] / wide) ** 2).astype(np.float32)
        up = np.exp(-0.5 * (y[:, None, None, :] / wide) ** 2).astype(np.float32) * height[:, :, narrow:, None]
        total += up.swapaxes(-1, -2) @ across
    return np.asarray(total)
