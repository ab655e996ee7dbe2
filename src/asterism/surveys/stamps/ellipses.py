"""Elliptical de Vaucouleurs models, for measuring: the semi-major half-light radius with axis ratio and angle free.

SDSS fits its models with an arbitrary axis ratio and position angle (Stoughton et al. 2002, section 4.4.5.5; DR7's page on
model magnitudes), and a point source with noise always looks longer one way than the other: its radius is rarely zero.

An elliptical Gaussian, expanded in the angle, has a round part and one in cos 2 phi. By the integrals of the modified Bessel
functions I0 and I1 these are exact mixtures of round Gaussians, and of those times x^2 - y^2. So a fit needs of the data its
products with both for a few widths, and every model's product is interpolated, as in `asterism.surveys.stamps.light_profiles`. Terms in
cos 4 phi and beyond are left out of model and norm alike: they are orthogonal to what is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.surveys.stamps.cameras import CAMERAS, SDSS, Camera
from asterism.surveys.stamps.light_profiles import FWHM_GRID, WIDTHS, cubic_weights, mixture

__all__ = ["AXIS_RATIOS", "MAJOR_RADII", "AngularProducts", "best_major_radius"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

MAJOR_RADII: Floats = np.geomspace(0.01, 12.0, 37)
"""Semi-major half-light radii (arcsec) that are tried; the best is refined between them."""

AXIS_RATIOS: Floats = np.array([1.0, 0.8, 0.6, 0.4, 0.25, 0.12, 0.05])
"""Axis ratios that are tried (choice: seven, down to a twentieth)."""

_NODES = 8  # of the quadrature over the angle of the Bessel functions' integrals
_FINE = 0.05  # pixels, of the integrals over the stamp
_SPAN = len(AXIS_RATIOS) * len(MAJOR_RADII)


def _powers(place: Floats) -> list[Singles]:
    """Gaussians of `WIDTHS` at places (n, size), times powers 0, 1, 2 and 4 of place over width: (n, 1, size, widths)."""
    scaled = (place[:, None, :, None] / WIDTHS).astype(np.float32)
    square = scaled * scaled
    gaussian = np.exp(np.float32(-0.5) * square)
    gaussian *= (1.0 / (np.sqrt(2.0 * np.pi) * WIDTHS)).astype(np.float32)
    second = gaussian * square
    return [gaussian, np.asarray(gaussian * scaled), second, second * square]


@dataclass(frozen=True)
class AngularProducts:
    """Products of stamps with round Gaussians of unit light and the widths w of `WIDTHS`, all of shape (n, bands, widths).

    Attributes
    ----------
    flat : ndarray of float32
        With the Gaussians themselves.
    across, along : ndarray of float32
        With them times (x^2 - y^2) / w^2, and times 2 x y / w^2.
    gain : ndarray of float32
        With them times r^4 / (4 w^4) - r^2 / w^2.
    """

    flat: Singles
    across: Singles
    along: Singles
    gain: Singles

    @classmethod
    def of(cls, data: Singles, x: Floats, y: Floats) -> AngularProducts:
        """Products of stamps (n, bands, size, size; axes band, y, x) whose pixels lie at `x` and `y` (n, size)."""
        of_x, of_y = _powers(x), _powers(y)
        half = [data @ part for part in of_x]  # (n, band, y, width)

        def total(power_x: int, power_y: int) -> Singles:
            return np.asarray((half[power_x] * of_y[power_y]).sum(axis=2))

        xx, yy = total(2, 0), total(0, 2)
        fourth = total(3, 0) + 2.0 * total(2, 2) + total(0, 3)
        return cls(total(0, 0), xx - yy, 2.0 * total(1, 1), 0.25 * fourth - (xx + yy))

    def in_frame(self, ellipticity: npt.NDArray[np.floating]) -> tuple[Singles, Singles, Singles]:
        """`flat`, `across` and `along` in the frame in which a PSF of this ellipticity (n, bands, 2) is round.

        To first order: seen from there, a round Gaussian is one on the sky times 1 + e (x^2 - y^2) / (2 w^2), and one in
        cos 2 phi has a round part, e times that of `gain`. Its part in cos 4 phi is left out.
        """
        e1, e2 = (ellipticity[..., k : k + 1].astype(np.float32) for k in (0, 1))
        flat = self.flat + np.float32(0.5) * (e1 * self.across + e2 * self.along)
        return np.asarray(flat), np.asarray(self.across + e1 * self.gain), np.asarray(self.along + e2 * self.gain)


def _parts(camera: Camera) -> tuple[Floats, Floats]:
    """Coefficients of the round Gaussians and of those in cos 2 phi that make each model: (fwhm, model, width) each.

    Models run over axis ratios, within each over radii.
    """
    share, variance = mixture("de Vaucouleurs")
    blur = camera.psf.sigma(FWHM_GRID / camera.pixel_scale) ** 2  # (fwhm, psf)
    light = (share[:, None] * np.array(camera.psf.shares)).ravel()
    angle = np.pi * (np.arange(_NODES) + 0.5) / _NODES
    pixels = MAJOR_RADII / camera.pixel_scale
    tables = np.empty((2, len(FWHM_GRID), _SPAN, len(WIDTHS)))
    for number, ratio in enumerate(AXIS_RATIOS):
        major, minor = (
            (variance[:, None] * (pixels[:, None, None] * side) ** 2 + blur[:, None, None, :]).reshape(
                len(FWHM_GRID), len(pixels), -1, 1
            )
            for side in (1.0, ratio)
        )
        mean, half = 0.5 * (1.0 / minor + 1.0 / major), 0.5 * (1.0 / minor - 1.0 / major)
        wide = 1.0 / (mean - half * np.cos(angle))  # variances of the round Gaussians
        scale = light[:, None] * wide / np.sqrt(major * minor) / _NODES
        first, shares = cubic_weights(wide)
        row = np.arange(len(FWHM_GRID) * len(pixels)).reshape(len(FWHM_GRID), len(pixels), 1, 1) * len(WIDTHS)
        for table, weight in zip(tables, (scale, scale * half * wide * np.sin(angle) ** 2), strict=True):
            total = np.zeros(len(FWHM_GRID) * len(pixels) * len(WIDTHS))
            for step, part in enumerate(shares):
                total += np.bincount((row + first + step).ravel(), (part * weight).ravel(), len(total))
            table[:, number * len(pixels) : (number + 1) * len(pixels)] = total.reshape(table.shape[0], len(pixels), -1)
    return tables[0], tables[1]


def _overlaps(camera: Camera) -> tuple[Floats, Floats]:
    """Integrals over the measured pixels of products of two of the round Gaussians, and of two in cos 2 phi."""
    edge = 0.5 * camera.measured
    x = np.arange(-edge + 0.5 * _FINE, edge, _FINE)
    along = np.exp(-0.5 * (x / WIDTHS[:, None]) ** 2) / (np.sqrt(2.0 * np.pi) * WIDTHS[:, None])
    moment = [_FINE * np.einsum("ix,jx,x->ij", along, along, x**power) for power in (0, 2, 4)]
    widths = (WIDTHS[:, None] * WIDTHS) ** 2
    # Along the pixels and across them; in the corners of a square they differ a little.
    straight, turned = 2.0 * (moment[2] * moment[0] - moment[1] ** 2), 4.0 * moment[1] ** 2
    return moment[0] ** 2, 0.5 * (straight + turned) / widths


@cache
def _tables(camera: str) -> tuple[Singles, Singles, Singles]:
    """What products are multiplied with, (fwhm, width, model) each, and the norms of the models (fwhm, model)."""
    chosen = CAMERAS[camera]
    parts = _parts(chosen)
    norm = np.zeros((len(FWHM_GRID), _SPAN))
    for part, overlap in zip(parts, _overlaps(chosen), strict=True):
        # einsum, not a BLAS product: its sums do not depend on the number of threads.
        norm += (np.einsum("fmi,ij->fmj", part, overlap) * part).sum(axis=-1)
    of_round, of_angle = (np.ascontiguousarray(part.swapaxes(1, 2), np.float32) for part in parts)
    return of_round, of_angle, norm.astype(np.float32)


def _climb(quality: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row and column of the maximum of each (m, row, column) that is reached by steps up from the best of row 1."""
    width = quality.shape[-1]
    flat = quality.reshape(len(quality), -1)
    place = width + np.argmax(quality[:, 1], axis=-1)
    around = np.array([up * width + side for up in (0, -1, 1) for side in (0, -1, 1)])
    going = np.arange(len(quality))
    while len(going):
        near = place[going, None] + around
        step = around[np.argmax(flat[going[:, None], near], axis=1)]
        going, step = going[step != 0], step[step != 0]
        place[going] += step
    return np.divmod(place, width)


def best_major_radius(
    products: tuple[Singles, Singles, Singles], fwhm: Floats, camera: Camera = SDSS
) -> tuple[Floats, Floats]:
    """Semi-major half-light radius and axis ratio of the de Vaucouleurs model that fits each band best.

    As fits do, the search goes uphill from the best round model, so that noise is not scanned for streaks.

    Parameters
    ----------
    products : tuple of three ndarrays, shape (n, bands, widths)
        As `AngularProducts.in_frame` gives them.
    fwhm : ndarray, shape (n, bands)
        Seeing of the PSF that models are seen through, arcsec.
    camera : Camera
        PSF and pixels.

    Returns
    -------
    radius : ndarray, shape (n, bands)
        arcsec; within `MAJOR_RADII`.
    axis_ratio : ndarray, shape (n, bands)
        One of `AXIS_RATIOS`.
    """
    of_round, of_angle, norms = _tables(camera.name)
    place = np.interp(np.log(fwhm.ravel()), np.log(FWHM_GRID), np.arange(len(FWHM_GRID)))
    left = np.minimum(place.astype(np.intp), len(FWHM_GRID) - 2)
    t = (place - left).astype(np.float32)[:, None]
    flat, across, along = (part.reshape(-1, 1, len(WIDTHS)) for part in products)
    both = np.concatenate([across, along], axis=1)
    # The table is interpolated, not the products: models are compared with each other to a millionth.
    model = np.zeros((len(flat), _SPAN), np.float32)
    for number, share in ((left, 1.0 - t), (left + 1, t)):
        angle = both @ of_angle[number]
        # Where the long axis points is free: the best direction is that of the data's own elongation.
        model = model + share * ((flat @ of_round[number])[:, 0] + np.hypot(angle[:, 0], angle[:, 1]))
    norm = ((1.0 - t) * norms[left] + t * norms[left + 1]).astype(np.float64)
    # A frame of worthless models around them, so that none is left by a step.
    quality = np.full((len(norm), len(AXIS_RATIOS) + 2, len(MAJOR_RADII) + 2), -1.0)
    gain = np.maximum(np.asarray(model, np.float64), 0.0) ** 2 / norm
    quality[:, 1:-1, 1:-1] = gain.reshape(-1, len(AXIS_RATIOS), len(MAJOR_RADII))
    ratio, best = (place - 1 for place in _climb(quality))
    chosen = quality[np.arange(len(quality)), ratio + 1, 1:-1]
    inner = np.clip(best, 1, len(MAJOR_RADII) - 2)
    low, middle, high = (np.take_along_axis(chosen, (inner + step)[:, None], axis=1)[:, 0] for step in (-1, 0, 1))
    bend = low - 2.0 * middle + high
    shift = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    at = np.where(best == inner, inner + np.clip(shift, -0.5, 0.5), best)
    radius = MAJOR_RADII[0] * np.exp(at * np.log(MAJOR_RADII[1] / MAJOR_RADII[0]))
    return radius.reshape(fwhm.shape), AXIS_RATIOS[ratio].reshape(fwhm.shape)
