"""From a raw frame to electrons with inverse variance: bias from overscan, gain, noise, saturation, cosmic rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from asterism.errors import BadInputError
from asterism.surveys.ccd.lamost_frames import RawFrame

__all__ = ["BAD", "COSMIC", "SATURATED", "Exposure", "calibrate", "find_cosmic_rays"]

SATURATED, COSMIC, BAD = 1, 2, 4
"""Bits of an exposure's flags: at the converter's end (or beside such a pixel); hit by a cosmic ray; no number."""

_ADC_END = 65535  # largest count of a 16-bit converter
_BIAS_ROWS = 101  # rows over which the bias is averaged. choice: it drifts slowly, and its own noise becomes negligible
_THRESHOLD = 5.0  # sigma of the Laplacian; van Dokkum (2001) uses 4.5 to 5
_CONTRAST = 0.45  # Laplacian over local light that no light through the optics reaches; see find_cosmic_rays

Image = npt.NDArray[np.float32]


@dataclass
class Exposure:
    """A frame in electrons.

    Attributes
    ----------
    electrons : ndarray of float32, shape (rows, columns)
        Without bias and overscan; a flagged pixel keeps its number.
    ivar : ndarray of float32, shape (rows, columns)
        Inverse variance of read noise and photons; 0 where flagged.
    flags : ndarray of uint8, shape (rows, columns)
        `SATURATED`, `COSMIC`, `BAD`.
    read_noise : (float, float)
        Electrons, of the two amplifiers, as measured in the overscan.
    frame : RawFrame
        Where it came from.
    """

    electrons: Image
    ivar: Image
    flags: npt.NDArray[np.uint8]
    read_noise: tuple[float, float]
    frame: RawFrame

    def read_variance(self) -> Image:
        """Variance of the read noise per column, (columns,)."""
        variance = np.empty(self.frame.geometry.columns, dtype=np.float32)
        for amplifier, noise in zip(self.frame.geometry.amplifiers, self.read_noise, strict=True):
            variance[amplifier.image] = noise**2
        return variance


def calibrate(frame: RawFrame, cosmic_rays: bool = True) -> Exposure:
    """Electrons and their inverse variance of a raw frame.

    The bias of each amplifier is the median of its overscan in each row, averaged over rows around it. The read noise is the
    scatter of the overscan about that. Photon noise is that of the measured electrons.

    Parameters
    ----------
    frame : RawFrame
    cosmic_rays : bool
        Flag cosmic rays; without it only saturation is flagged.

    Returns
    -------
    Exposure

    Raises
    ------
    BadInputError
        The overscan has no scatter at all, or is no number, so that no noise can be told.
    """
    geometry = frame.geometry
    electrons = np.empty((geometry.rows, geometry.columns), dtype=np.float32)
    flags = np.zeros(electrons.shape, dtype=np.uint8)
    noises = []
    for i, (amplifier, gain) in enumerate(zip(geometry.amplifiers, frame.gain, strict=True), start=1):
        overscan = frame.data[:, amplifier.overscan].astype(np.float32)
        data = frame.data[:, amplifier.data]
        if not np.isfinite(overscan).all():
            raise BadInputError(
                f"the overscan of amplifier {i} of {frame.place} has pixels that are no number; read it again"
            )
        if frame.data.dtype.kind == "f":
            bad = ~np.isfinite(data)
            flags[:, amplifier.image][bad] = BAD
            data = np.where(bad, np.float32(0.0), data)
        bias = ndimage.uniform_filter1d(np.median(overscan, axis=1).astype(np.float64), _BIAS_ROWS, mode="nearest")
        scatter = overscan - bias[:, None]
        # Clipped, so that neither charge that trails into the overscan nor rounding to whole counts moves it.
        spread = 1.4826 * np.median(np.abs(scatter)) + 0.5
        noise = gain * float(np.std(scatter[np.abs(scatter) < 5.0 * spread], dtype=np.float64))
        if noise <= 0:
            raise BadInputError(
                f"the overscan of amplifier {i} of {frame.place} is constant, so its noise can't be told; "
                "check where the overscan is"
            )
        electrons[:, amplifier.image] = gain * (data - bias[:, None])
        if frame.data.dtype.kind != "f":
            flags[:, amplifier.image][data >= _ADC_END] = SATURATED
        noises.append(noise)
    if (flags & SATURATED).any():
        flags |= ndimage.maximum_filter(flags & SATURATED, size=3)
    electrons[flags & BAD > 0] = 0.0
    exposure = Exposure(electrons, np.empty_like(electrons), flags, (noises[0], noises[1]), frame)
    variance = np.maximum(electrons, 0.0) + exposure.read_variance()
    if cosmic_rays:
        flags[find_cosmic_rays(electrons, variance)] |= COSMIC
    np.divide(1.0, variance, out=exposure.ivar)
    exposure.ivar[flags > 0] = 0.0
    return exposure


def find_cosmic_rays(electrons: Image, variance: Image) -> npt.NDArray[np.bool_]:
    """Pixels that cosmic rays hit, by the Laplacian of the image.

    After van Dokkum (2001, PASP 113, 1420): a Laplacian finds edges sharper than the optics can make. A pixel is hit where
    the Laplacian exceeds its noise and a share of the light around it; where van Dokkum compares with a median-filtered
    image, the optics here blur light over 5 × 8 pixels, so that the mean over a ring two pixels away will do, at a tenth of
    the time. Pixels beside a hit one are hit where they pass half of either threshold.

    Parameters
    ----------
    electrons, variance : ndarray of float32, shape (rows, columns)

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    # The mean of the four neighbours, of a 3 × 3 and of a 5 × 5 box, by running sums along either axis.
    four = np.zeros_like(electrons)
    for axis in (0, 1):
        four += 0.5 * (ndimage.uniform_filter1d(electrons, 3, axis=axis, mode="nearest") * 3.0 - electrons)
    laplacian = electrons - 0.5 * four
    box5 = ndimage.uniform_filter(electrons, 5, mode="nearest")
    box3 = ndimage.uniform_filter(electrons, 3, mode="nearest")
    ring = np.maximum((25.0 * box5 - 9.0 * box3) / 16.0, 0.0)
    # Noise of what the ring's light would make, so that a hit's own electrons do not hide it.
    floor = np.minimum(variance, ring + np.min(variance))
    significance = laplacian / np.sqrt(1.25 * floor)
    sharp = laplacian / (ring + 10.0 * np.sqrt(np.min(variance)))
    hit = (significance > _THRESHOLD) & (sharp > _CONTRAST)
    beside = ndimage.binary_dilation(hit, structure=np.ones((3, 3), dtype=bool))
    return hit | (beside & (significance > 0.5 * _THRESHOLD) & (sharp > 0.5 * _CONTRAST))
