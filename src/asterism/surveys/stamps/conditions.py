"""How objects on stamps were observed: seeing, sky, gain, place, shape of the PSF."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from asterism.surveys.stamps.cameras import SDSS, Camera

__all__ = ["Conditions"]

Floats = npt.NDArray[np.float64]


@dataclass
class Conditions:
    """How each of n objects was observed, in the bands of one camera.

    Attributes
    ----------
    fwhm : ndarray, shape (n, bands)
        Seeing as the survey quotes it, arcsec.
    sky_sigma : ndarray, shape (n, bands)
        Standard deviation of a pixel's sky and read noise, nanomaggy.
    gain : ndarray, shape (n, bands)
        Electrons per nanomaggy: the photon variance of a flux f is f / gain.
    offset : ndarray, shape (n, 2)
        Position against the stamp's centre (x, y), pixels, within half a pixel.
    ellipticity : ndarray, shape (n, bands, 2)
        e1, e2 of the PSF.
    rotation : ndarray, shape (n,)
        Angle from north through east to the stamp's y axis, deg.
    """

    fwhm: Floats
    sky_sigma: Floats
    gain: Floats
    offset: Floats
    ellipticity: Floats
    rotation: Floats

    def take(self, rows: npt.NDArray[np.intp]) -> Conditions:
        """Those of these rows."""
        return Conditions(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def put(self, rows: npt.NDArray[np.intp], other: Conditions, chosen: npt.NDArray[np.intp]) -> None:
        """Set these rows to the chosen ones of `other`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)[chosen]

    @classmethod
    def empty(cls, n: int, camera: Camera = SDSS) -> Conditions:
        """n observations of which nothing is known yet."""
        b = len(camera.bands)
        shapes = ((n, b), (n, b), (n, b), (n, 2), (n, b, 2), (n,))
        return cls(*(np.full(shape, np.nan) for shape in shapes))
