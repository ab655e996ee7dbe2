"""Raw CCD frames of a LAMOST-like spectrograph, from the spectra that enter its fibres.

Photons become electrons per fibre and row (`expected_electrons`), blurred by the slit and the camera; each fibre's image is
laid across its trace with its wings (`expected_image`); and the chip adds its pixels' response, photon noise, cosmic rays,
bias and read noise (`expose`). The sky is part of the fibres' light and stays in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from asterism.errors import BadInputError
from asterism.simulate.constants import Constant
from asterism.simulate.frames.camera_optics import OPTICS, Camera
from asterism.simulate.frames.cosmic_rays import add_cosmic_rays
from asterism.surveys.ccd.fibre_profiles import spread_wings
from asterism.surveys.ccd.lamost_frames import ARMS, RawFrame

__all__ = ["TELESCOPE", "Truth", "arc_electrons", "expected_electrons", "expected_image", "expose"]

Floats = npt.NDArray[np.float64]

_LIST = (
    Constant("collecting_area", 1.26e5, "cm2", "Cui et al. 2012, RAA 12, 1197: 4 m effective aperture"),
    Constant("photon", 1.98644586e-8, "erg Å", "CODATA: Planck's constant times the speed of light"),
)

TELESCOPE: dict[str, Constant] = {entry.name: entry for entry in _LIST}
"""Constants of the telescope, by name, with unit and source."""

_OVERSAMPLE = 3  # samples per row along the dispersion before the blur
_REACH = 15  # pixels either side that a core covers
_CHUNK = 64  # rows at a time


@dataclass
class Truth:
    """What was put into a frame.

    Attributes
    ----------
    electrons : ndarray of float64, shape (fibres, rows)
        Expected electrons of each fibre in each row, sky included, were all pixels alike.
    centres : ndarray of float64, shape (fibres, rows)
        Columns of the fibres.
    wavelength : ndarray of float64, shape (fibres, rows)
        Å, vacuum.
    cosmic_rays : ndarray of bool, shape (rows, columns)
        Pixels that a cosmic ray gave more than 10 electrons.
    """

    electrons: Floats
    centres: Floats
    wavelength: Floats
    cosmic_rays: npt.NDArray[np.bool_]


def expected_electrons(
    camera: Camera, wavelength: Floats, f_lambda: Floats, throughput: npt.ArrayLike, exptime: float
) -> Floats:
    """Electrons per fibre and row that spectra make on the chip.

    Parameters
    ----------
    camera : Camera
    wavelength : ndarray, shape (n,)
        Å, vacuum, ascending; the camera's range must lie inside.
    f_lambda : ndarray, shape (fibres, n)
        1e-17 erg/s/cm2/Å, object and sky as they enter the fibres.
    throughput : array_like, shape (n,) or ()
        Share of photons that become electrons: atmosphere, telescope, fibres, spectrograph, chip. A fibre's own
        efficiency is the camera's.
    exptime : float
        Seconds.

    Returns
    -------
    ndarray of float64, shape (fibres, rows)

    Raises
    ------
    BadInputError
        Shapes that don't fit, wavelengths that don't ascend or don't cover the camera, or light that is negative or no
        number.
    """
    geometry = camera.geometry
    f_lambda = np.asarray(f_lambda, dtype=np.float64)
    if f_lambda.shape != (geometry.fibres, len(wavelength)):
        raise BadInputError(
            f"spectra of shape {f_lambda.shape} for {geometry.fibres} fibres and {len(wavelength)} wavelengths; "
            "give one row per fibre"
        )
    if not (np.diff(wavelength) > 0).all():
        raise BadInputError("wavelengths of the spectra that enter the fibres don't ascend; sort them")
    edges = camera.wavelength(np.arange(-0.5, geometry.rows, 1.0 / _OVERSAMPLE))
    if wavelength[0] > edges.min() or wavelength[-1] < edges.max():
        raise BadInputError(
            f"spectra from {wavelength[0]:.0f} to {wavelength[-1]:.0f} Å don't cover the {camera.arm} camera's "
            f"{edges.min():.0f} to {edges.max():.0f} Å; give longer ones"
        )
    if not (np.isfinite(f_lambda).all() and (f_lambda >= 0).all()):
        raise BadInputError("light that enters the fibres must be finite and not negative; mend the spectra")
    photons = 1e-17 * TELESCOPE["collecting_area"].value * exptime / TELESCOPE["photon"].value * wavelength
    rate = f_lambda * (photons * np.asarray(throughput, dtype=np.float64))
    # Integrals up to each wavelength, interpolated at the samples' edges, so that no light is lost between grids.
    steps = 0.5 * np.diff(wavelength)
    total = np.zeros_like(rate)
    np.cumsum((rate[:, 1:] + rate[:, :-1]) * steps, axis=1, out=total[:, 1:])
    slope = rate
    samples = np.empty((geometry.fibres, edges.shape[1] - 1))
    for i in range(geometry.fibres):
        samples[i] = np.diff(_integral(edges[i], wavelength, total[i], slope[i]))
    return _blur(camera, samples)


def _integral(at: Floats, x: Floats, total: Floats, rate: Floats) -> Floats:
    """Integral up to `at` of a piecewise linear rate."""
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    t = at - x[i]
    return total[i] + t * (rate[i] + 0.5 * t * (rate[i + 1] - rate[i]) / (x[i + 1] - x[i]))


def _blur(camera: Camera, samples: Floats) -> Floats:
    """Blur by slit and camera along the dispersion, then add up each row's samples."""
    box = max(1, round(camera.slit_pixels * _OVERSAMPLE))
    blurred = ndimage.uniform_filter1d(samples, box, axis=1, mode="nearest")
    for i, sigma in enumerate(camera.line_width()):
        blurred[i] = ndimage.gaussian_filter1d(blurred[i], sigma * _OVERSAMPLE, mode="nearest")
    rows = camera.geometry.rows
    return (
        blurred[:, : rows * _OVERSAMPLE].reshape(len(blurred), rows, _OVERSAMPLE).sum(axis=2)
        * (camera.efficiency[:, None])
    )


def arc_electrons(camera: Camera, lines: npt.ArrayLike, strengths: npt.ArrayLike) -> Floats:
    """Electrons per fibre and row of an arc lamp, whose lines are far narrower than the slit.

    Parameters
    ----------
    camera : Camera
    lines : array_like, shape (m,)
        Å, vacuum.
    strengths : array_like, shape (m,)
        Electrons of a whole line in a fibre of mean throughput.

    Returns
    -------
    ndarray of float64, shape (fibres, rows)
    """
    rows = camera.geometry.rows
    edges = camera.wavelength(np.arange(-0.5, rows, 1.0 / _OVERSAMPLE))
    samples = np.zeros((camera.geometry.fibres, edges.shape[1] - 1))
    for i in range(len(samples)):
        place = (
            np.interp(np.asarray(lines, dtype=np.float64), edges[i], np.arange(edges.shape[1]), left=-1.0, right=-1.0)
            - 0.5
        )
        for at, strength in zip(place, np.asarray(strengths, dtype=np.float64), strict=True):
            left = int(np.floor(at))
            if 0 <= left < samples.shape[1] - 1:
                samples[i, left] += strength * (left + 1 - at)
                samples[i, left + 1] += strength * (at - left)
    return _blur(camera, samples)


def expected_image(camera: Camera, electrons: Floats, shift: float = 0.0) -> npt.NDArray[np.float32]:
    """Electrons expected in each pixel, were all pixels alike.

    Parameters
    ----------
    camera : Camera
    electrons : ndarray, shape (fibres, rows)
    shift : float
        Columns by which the image has moved since the camera was drawn.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    geometry = camera.geometry
    image = np.empty((geometry.rows, geometry.columns), dtype=np.float32)
    # Light of one wavelength lies on a slanted line: across a fibre's image its spectrum shifts a little.
    slope = np.gradient(electrons, axis=1) * camera.tilt()[:, None]
    for start in range(0, geometry.rows, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, geometry.rows))
        base, share = camera.core(rows, shift, _REACH)
        share *= (1.0 - camera.wing_share(rows)).T.astype(np.float32)[:, :, None]
        centre = camera.centres(rows).T + shift
        off = ((base - centre)[:, :, None] + np.arange(-_REACH, _REACH + 1)).astype(np.float32)
        light = (
            electrons[:, rows].T.astype(np.float32)[:, :, None] + off * slope[:, rows].T.astype(np.float32)[:, :, None]
        )
        share *= np.maximum(light, 0.0)
        part = np.zeros((len(rows), geometry.columns + 2 * _REACH), dtype=np.float32)
        index = base[:, :, None] + np.arange(2 * _REACH + 1)
        for parity in (0, 1):  # every other fibre: no pixel twice
            part[np.arange(len(rows))[:, None, None], index[:, parity::2]] += share[:, parity::2]
        image[rows] = part[:, _REACH:-_REACH]
        wings = electrons[:, rows].T * camera.wing_share(rows).T
        image[rows] += spread_wings(wings, centre, geometry.columns, camera.wing_radius)
    return np.maximum(image, 0.0)


def expose(
    camera: Camera,
    electrons: Floats,
    rng: np.random.Generator,
    *,
    kind: str = "OBJ",
    planid: str = "PLAN",
    lmjm: int = 81430865,
    start: str = "20130914210500",
    exptime: float = 1800.0,
    cosmic_rays: float = 1.0,
    scattered: float = 0.0,
    shift: float | None = None,
) -> tuple[RawFrame, Truth]:
    """Take one frame.

    Parameters
    ----------
    camera : Camera
    electrons : ndarray, shape (fibres, rows)
        From `expected_electrons` or `arc_electrons`.
    rng : numpy.random.Generator
        All of this exposure's chance.
    kind : {"OBJ", "FLAT", "ARC", "BIAS"}
    planid, lmjm, start
        For the header.
    exptime : float
        Seconds; what it takes of cosmic rays.
    cosmic_rays : float
        Times the usual rate.
    scattered : float
        Share of all the fibres' light that is spread evenly over the chip.
    shift : float, optional
        Columns by which the camera has bent; drawn for an OBJ frame, 0 for others.

    Returns
    -------
    RawFrame, Truth
    """
    geometry = camera.geometry
    if shift is None:
        shift = float(OPTICS["flexure"].value * rng.standard_normal()) if kind == "OBJ" else 0.0
    image = expected_image(camera, electrons, shift)
    if scattered:
        image += np.float32(scattered * electrons.sum() / image.size)
    # The chip's own response is its serial number's, whatever the exposure.
    chip = np.random.default_rng([camera.seed, camera.spid, 1 + ARMS.index(camera.arm)])
    image *= 1.0 + OPTICS["pixel_response"].value * chip.standard_normal(image.shape, dtype=np.float32)
    image = rng.poisson(np.maximum(image, 0.0)).astype(np.float32)
    hits = add_cosmic_rays(image, exptime, rng, cosmic_rays)
    np.minimum(image, OPTICS["full_well"].value, out=image)
    arm = ARMS.index(camera.arm)
    data = np.empty(geometry.shape, dtype=np.uint16)
    gains = OPTICS["gain"].value[arm]
    drift = OPTICS["bias_drift"].value * np.linspace(0.0, 1.0, geometry.rows) ** 2
    for i, amplifier in enumerate(geometry.amplifiers):
        bias = (OPTICS["bias"].value[arm][i] + drift)[:, None].astype(np.float32)
        noise = OPTICS["read_noise"].value[arm][i] / gains[i]
        for columns, light in ((amplifier.data, image[:, amplifier.image]), (amplifier.overscan, None)):
            counts = rng.standard_normal((geometry.rows, columns.stop - columns.start), dtype=np.float32)
            counts = counts * np.float32(noise) + bias
            if light is not None:
                counts += light / np.float32(gains[i])
            data[:, columns] = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    rows = np.arange(geometry.rows)
    truth = Truth(electrons, camera.centres(rows) + shift, camera.wavelength(rows), hits)
    frame = RawFrame(
        data, camera.arm, camera.spid, kind, planid, lmjm, exptime, gains, geometry, start, f"a simulated {kind} frame"
    )
    return frame, truth
