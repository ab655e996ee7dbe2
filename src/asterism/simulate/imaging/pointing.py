"""Where stamps are on the sky: their centres, and the World Coordinate System that follows from centre and rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["stamp_centres", "stamp_wcs"]

Floats = npt.NDArray[np.float64]


def stamp_centres(
    ra: Floats, dec: Floats, offset: Floats, rotation: Floats, pixel_scale: float
) -> tuple[Floats, Floats]:
    """Sky positions of the centres of stamps on which objects stand at an offset.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Of the objects, deg.
    offset : ndarray, shape (n, 2)
        x and y of the objects against the centres, pixels.
    rotation : ndarray, shape (n,)
        Angle from north through east to the y axis, deg.
    pixel_scale : float
        arcsec.

    Returns
    -------
    ra, dec : ndarray, shape (n,)
        deg, 0 <= ra < 360.
    """
    cosine, sine = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    x, y = offset.T * pixel_scale / 3600.0
    # East is to the left: x grows towards the west where y points north.
    east, north = -x * cosine + y * sine, x * sine + y * cosine
    return (ra - east / np.cos(np.radians(dec))) % 360.0, dec - north


def stamp_wcs(ra: float, dec: float, rotation: float, pixel_scale: float, size: int) -> WCS:
    """World Coordinate System of one stamp, from what stands in a catalog.

    Parameters
    ----------
    ra, dec : float
        Of the centre: columns ``image_…_ra``, ``image_…_dec``, deg.
    rotation : float
        Column ``image_…_rotation``, deg.
    pixel_scale : float
        Metadata ``pixel_scale``, arcsec.
    size : int
        Pixels along each side: metadata ``shape``.

    Returns
    -------
    astropy.wcs.WCS
        Tangential; pixels count from 0 in astropy's functions.

    Examples
    --------
    >>> wcs = stamp_wcs(150.0, 20.0, 0.0, 0.396, 32)
    >>> [round(float(value), 6) for value in wcs.all_world2pix(150.0, 20.0, 0)]
    [15.5, 15.5]
    """
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    cosine, sine = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [0.5 * (size + 1), 0.5 * (size + 1)]
    wcs.wcs.cd = np.array([[-cosine, sine], [sine, cosine]]) * pixel_scale / 3600.0
    return wcs
