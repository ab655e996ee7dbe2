"""Light of sources onto pixels: points straight from the PSF's Gaussians, galaxies through Fourier space.

A galaxy is a de Vaucouleurs bulge and an exponential disc, each with its ellipticity. Its transform is evaluated once
(the disc's in closed form, the bulge's from a table that GalSim makes), times the PSF's for each band, so that one
inverse transform per band is all that is left. Sources of like size are drawn together in a box of their own and added to
their stamps, so that a stamp full of small neighbours costs no large transforms. A test holds this to GalSim's drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.surveys.stamps.cameras import Camera
from asterism.surveys.stamps.psf import psf_images, shape_matrix

__all__ = ["Sources", "add_sources"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

_SIDES = (32, 48, 64, 96, 128, 192, 256)  # of periodic boxes, pixels: products of small primes
# A box spans so many half-light radii plus so many arcsec, around bright sources and faint ones.
_BRIGHT_REACH, _FAINT_REACH = (10.0, 10.0), (4.0, 5.0)
_BRIGHT = 100.0  # flux over a pixel's noise, above which the wings matter
_CHUNK = 2**18  # pixels (of all bands) that are worked on at a time: they stay in the processor's cache
_RADIUS_SCALE = 1.6783469900166605  # half-light radius over scale length of an exponential disc
_TABLE = np.linspace(-6.0, 7.0, 2601)  # ln(k r) of the bulge's transform


@dataclass
class Sources:
    """m sources on n stamps.

    Attributes
    ----------
    stamp : ndarray of int, shape (m,)
        The stamp that each stands on.
    x, y : ndarray, shape (m,)
        Place against the stamp's centre, pixels.
    flux : ndarray, shape (m, bands)
        Total, nanomaggy.
    radius : ndarray, shape (m,)
        Half-light radius along the major axis, arcsec; 0 for points.
    bulge_radius : ndarray, shape (m,)
        The same of the bulge.
    bulge_fraction, bulge_axis_ratio, disc_axis_ratio, angle : ndarray, shape (m,)
        Share of light; ratios; deg from x towards y.
    """

    stamp: Rows
    x: Floats
    y: Floats
    flux: Floats
    radius: Floats
    bulge_radius: Floats
    bulge_fraction: Floats
    bulge_axis_ratio: Floats
    disc_axis_ratio: Floats
    angle: Floats

    def __len__(self) -> int:
        return len(self.stamp)

    def take(self, rows: Rows) -> Sources:
        """Those of these rows."""
        return Sources(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def points(cls, stamp: Rows, x: Floats, y: Floats, flux: Floats) -> Sources:
        """Point sources."""
        zero, one = np.zeros(len(stamp)), np.ones(len(stamp))
        return cls(stamp, x, y, flux, zero, zero, zero, one, one, zero)

    @classmethod
    def galaxies(
        cls, stamp: Rows, x: Floats, y: Floats, flux: Floats, radius: Floats, bulge: Floats, bulge_axis_ratio: Floats,
        disc_axis_ratio: Floats, angle: Floats,
    ) -> Sources:  # fmt: skip
        """Galaxies; in spheroids (one axis ratio) the bulge has the galaxy's radius."""
        early = disc_axis_ratio == bulge_axis_ratio
        bulge_radius = np.where(early, radius, constant("bulge_size") * radius)
        return cls(stamp, x, y, flux, radius, bulge_radius, bulge, bulge_axis_ratio, disc_axis_ratio, angle)

    @classmethod
    def concatenate(cls, parts: list[Sources]) -> Sources:
        """All of them, in this order."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def add_sources(stamps: Singles, sources: Sources, fwhm: Floats, ellipticity: Floats, camera: Camera) -> None:
    """Add the expected light of sources to stamps, in place.

    Parameters
    ----------
    stamps : ndarray of float32, shape (n, bands, size, size)
        Nanomaggy per pixel; axes band, y, x.
    sources : Sources
        Their light outside of a stamp is lost.
    fwhm : ndarray, shape (n, bands)
        Seeing of each stamp, arcsec.
    ellipticity : ndarray, shape (n, bands, 2)
        Of the PSF.
    camera : Camera
        PSF and pixels.
    """
    size = stamps.shape[-1]
    if not len(sources):
        return
    # A source in the middle needs the whole stamp, or its wings would end within it.
    far = np.maximum(np.abs(sources.x), np.abs(sources.y)) >= 1.0
    over_noise = (sources.flux / camera.pixel_noise).max(axis=1)
    radii, seeing = np.where((far & (over_noise < _BRIGHT))[:, None], _FAINT_REACH, _BRIGHT_REACH).T
    reach = (radii * sources.radius + seeing) / camera.pixel_scale
    largest = max(_SIDES[-1], 2 * (size // 2 + 8))
    sides = np.array([*_SIDES, largest])
    box = sides[np.minimum(np.searchsorted(sides, np.where(far, reach, np.maximum(reach, size + 1))), len(_SIDES))]
    # Points are drawn as far as they can be told from the noise.
    window = sides[np.minimum(np.searchsorted(sides, 2.0 * _seen_to(camera, over_noise)), len(_SIDES))]
    window = np.where(far, np.minimum(window, 2 * size), size)
    extended = sources.radius > 0
    for points, side in sorted(
        {(not e, int(w if not e else b)) for e, w, b in zip(extended, window, box, strict=True)}
    ):
        of_kind = ~extended & (window == side) if points else extended & (box == side)
        rows = np.flatnonzero(of_kind)
        step = max(1, _CHUNK // (stamps.shape[1] * side * side))
        for start in range(0, len(rows), step):
            part = sources.take(rows[start : start + step])
            draw = _point_boxes if points else _galaxy_boxes
            # Sources are drawn about the pixel grid's point nearest to them; what is left is less than half a pixel.
            half = 0.5 * ((size - side) % 2)
            whole = np.rint(np.stack([part.x, part.y], axis=1) + half) - half
            boxes = draw(part, np.stack([part.x, part.y], axis=1) - whole, side, fwhm, ellipticity, camera)
            _paste(stamps, boxes, part.stamp, (whole + 0.5 * (size - side)).astype(np.intp))


def _seen_to(camera: Camera, over_noise: Floats) -> Floats:
    """Distance (pixels) at which a point of this flux over a pixel's noise falls to a twentieth of that noise."""
    radius = np.linspace(0.0, 12.0, 121)  # of the seeing
    seen = float(camera.fwhm.max()) / camera.pixel_scale
    faintest = np.log(camera.psf.profile(radius) / seen**2)
    wanted = np.log(0.05 / np.maximum(over_noise, 1e-6))
    return np.asarray(np.interp(-wanted, -faintest, radius) * seen)


def _paste(stamps: Singles, boxes: Singles, stamp: Rows, corner: Rows) -> None:
    """Add boxes at their lower left corners (x, y), as far as they lie on the stamps."""
    size, side = stamps.shape[-1], boxes.shape[-1]
    if (corner == 0).all() and side == size and len(np.unique(stamp)) == len(stamp):
        stamps[stamp] += boxes
        return
    for box, number, (x, y) in zip(boxes, stamp.tolist(), corner.tolist(), strict=True):
        left, right, low, high = max(x, 0), min(x + side, size), max(y, 0), min(y + side, size)
        if left < right and low < high:
            stamps[number, :, low:high, left:right] += box[:, low - y : high - y, left - x : right - x]


def _point_boxes(part: Sources, place: Floats, side: int, fwhm: Floats, ellipticity: Floats, camera: Camera) -> Singles:
    seen = fwhm[part.stamp] / camera.pixel_scale
    boxes = psf_images(camera.psf, seen, ellipticity[part.stamp], place, side)
    boxes *= part.flux.astype(np.float32)[:, :, None, None]
    return boxes


def _galaxy_boxes(
    part: Sources, place: Floats, side: int, fwhm: Floats, ellipticity: Floats, camera: Camera
) -> Singles:
    from scipy.fft import irfft2

    ky = (2.0 * np.pi * np.fft.fftfreq(side)).astype(np.float32)  # radians per pixel
    kx = (2.0 * np.pi * np.fft.rfftfreq(side)).astype(np.float32)
    transform = _transforms(part, kx, ky, camera.pixel_scale)  # (m, y, x), real
    # The box's middle is half a pixel off its grid.
    shift = place + 0.5 * (side - 1)
    turn_y = np.exp(-1j * np.outer(shift[:, 1], ky)).astype(np.complex64)
    turn_x = np.exp(-1j * np.outer(shift[:, 0], kx)).astype(np.complex64)
    placed = (transform * turn_y[:, :, None]) * turn_x[:, None, :]
    seen = camera.psf.sigma(fwhm[part.stamp] / camera.pixel_scale)
    shape = ellipticity[part.stamp]
    product = np.empty((len(part), fwhm.shape[1], side, side // 2 + 1), np.complex64)
    for band in range(fwhm.shape[1]):
        blur = _psf_transform(seen[:, band], shape[:, band], camera, kx, ky)
        blur *= part.flux[:, band].astype(np.float32)[:, None, None]
        np.multiply(placed, blur, out=product[:, band])
    return np.asarray(irfft2(product, s=(side, side), axes=(-2, -1), overwrite_x=True))


def _psf_transform(sigma: Floats, ellipticity: Floats, camera: Camera, kx: Singles, ky: Singles) -> Singles:
    """(m, y, x) of one band."""
    narrow, share = camera.psf.elliptical, np.array(camera.psf.shares, np.float32)
    xx, xy, yy = (part.astype(np.float32)[:, None, None] for part in shape_matrix(ellipticity))
    square = xx * kx**2 + yy * (ky**2)[:, None]
    square += (2.0 * xy) * (ky[:, None] * kx)
    total, work = np.zeros_like(square), np.empty_like(square)
    for k in range(narrow):
        np.multiply(square, (-0.5 * sigma[:, k] ** 2).astype(np.float32)[:, None, None], out=work)
        np.exp(work, out=work)
        work *= share[k]
        total += work
    if narrow < len(share):
        wide = (-0.5 * sigma[:, narrow:] ** 2).astype(np.float32)[:, :, None]
        total += (np.exp(wide * ky**2) * share[narrow:, None]).swapaxes(-1, -2) @ np.exp(wide * kx**2)
    return np.asarray(total)


@cache
def _bulge_table() -> Singles:
    """Transform of a de Vaucouleurs profile of unit half-light radius on `_TABLE`."""
    import galsim

    profile = galsim.DeVaucouleurs(half_light_radius=1.0)
    return np.array([profile.kValue(float(k), 0.0).real for k in np.exp(_TABLE)], np.float32)


def _transforms(part: Sources, kx: Singles, ky: Singles, scale: float) -> Singles:
    """Transform of galaxies of unit light about their middle: (m, y, x)."""
    disc = _squares(part.radius / (_RADIUS_SCALE * scale), part.disc_axis_ratio, part.angle, kx, ky)
    disc += 1.0
    disc *= np.sqrt(disc)  # (1 + k^2 h^2)^(3/2)
    np.divide((1.0 - part.bulge_fraction).astype(np.float32)[:, None, None], disc, out=disc)
    with_bulge = np.flatnonzero(part.bulge_fraction > 0)
    if len(with_bulge):
        radius, ratio = part.bulge_radius[with_bulge] / scale, part.bulge_axis_ratio[with_bulge]
        place = _squares(radius, ratio, part.angle[with_bulge], kx, ky)
        # ln(k r) on the table's even steps; frequency 0 lands on its first entry, which is 1 to a millionth.
        np.maximum(place, 1e-12, out=place)
        np.log(place, out=place)
        step = float(_TABLE[1] - _TABLE[0])
        place *= 0.5 / step
        place -= _TABLE[0] / step
        np.clip(place, 0.0, len(_TABLE) - 1.001, out=place)
        left = place.astype(np.int32)
        place -= left
        table = _bulge_table()
        value, following = np.take(table, left), np.take(table, left + 1)
        following -= value
        following *= place
        value += following
        value *= part.bulge_fraction[with_bulge].astype(np.float32)[:, None, None]
        disc[with_bulge] += value
    return disc


def _squares(radius: Floats, ratio: Floats, angle: Floats, kx: Singles, ky: Singles) -> Singles:
    """(k r)^2 of ellipses of semi-major axis `radius` (pixels): (m, y, x)."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    xx = radius**2 * (cosine**2 + (ratio * sine) ** 2)
    yy = radius**2 * (sine**2 + (ratio * cosine) ** 2)
    xy = radius**2 * (1.0 - ratio**2) * sine * cosine
    x2, y2, cross = (part.astype(np.float32)[:, None, None] for part in (xx, yy, 2.0 * xy))
    total = x2 * kx**2 + y2 * (ky**2)[:, None]
    total += cross * (ky[:, None] * kx)
    return np.asarray(total)
