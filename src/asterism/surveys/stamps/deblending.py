"""Neighbours taken off a stamp before it is measured, by the object's own symmetry.

As SDSS's deblender does (Lupton et al. 2001, ASP Conf. Ser. 238, 269; Stoughton et al. 2002, section 4.4.3), an object is
taken to look the same when turned by 180 degrees about its centre: where a pixel is brighter than its mirror image by far
more than noise, the mirror image stands in its place. Pixels that have neither are set to the sky.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.surveys.stamps.cameras import Camera

__all__ = ["remove_neighbours"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_DETECTED = 5.0  # standard deviations of the smoothed image
_UNLIKE = 0.5  # share of the light by which a pixel and its mirror image must differ: mirrors are of whole pixels
_CORE = 0.8  # of the seeing; nearer to the centre nothing is taken off
_SPREAD = 1.2  # of the seeing; what lies so near to a detected pixel goes with it


def remove_neighbours(data: Singles, centroid: Floats, sky_sigma: Floats, camera: Camera) -> Singles:
    """Stamps without what stands beside the object.

    Parameters
    ----------
    data : ndarray of float32, shape (n, bands, size, size)
        Sky-subtracted, nanomaggy per pixel.
    centroid : ndarray, shape (n, 2)
        x and y of the object against the stamp's centre, pixels.
    sky_sigma : ndarray, shape (n, bands)
        Standard deviation of a pixel without source.
    camera : Camera
        Seeing and pixels.

    Returns
    -------
    ndarray of float32, shape (n, bands, size, size)
        `data` itself where nothing was found.
    """
    n, bands, size, _ = data.shape
    seeing = float(np.median(camera.fwhm)) / camera.pixel_scale
    kernel = _smoothing(size, seeing)
    seen = np.einsum("nbyx,nb->nyx", data, (1.0 / sky_sigma).astype(np.float32))
    noise = np.float32(np.sqrt(bands) * (kernel[size // 2] ** 2).sum())
    smooth = (kernel @ seen @ kernel) / noise
    middle = np.rint(2.0 * centroid + size - 1.0).astype(np.intp)  # sum of the indices of a pixel and its mirror
    place = np.arange(size)
    x, y = middle[:, :1] - place, middle[:, 1:] - place
    inside = ((y >= 0) & (y < size))[:, :, None] & ((x >= 0) & (x < size))[:, None, :]
    x, y = np.clip(x, 0, size - 1), np.clip(y, 0, size - 1)
    mirror = np.where(inside, smooth[np.arange(n)[:, None, None], y[:, :, None], x[:, None, :]], 0.0)
    apart = smooth - mirror > _DETECTED + _UNLIKE * (np.abs(smooth) + np.abs(mirror))
    across = place - 0.5 * (size - 1) - centroid[:, :1]
    up = place - 0.5 * (size - 1) - centroid[:, 1:]
    apart &= across[:, None, :] ** 2 + up[:, :, None] ** 2 > (_CORE * seeing) ** 2
    found = np.flatnonzero(apart.any(axis=(1, 2)))
    if not len(found):
        return data
    cleaned = data.copy()
    near = (np.abs(place[:, None] - place) <= _SPREAD * seeing).astype(np.float32)
    for row in found:
        taken = (near @ apart[row].astype(np.float32) @ near) > 0
        taken &= across[row] ** 2 + up[row][:, None] ** 2 > (_CORE * seeing) ** 2
        # A mirror image that is itself a neighbour's is no help; nor is one off the stamp.
        clear = inside[row] & ~taken[y[row][:, None], x[row][None, :]]
        image = data[row][:, y[row][:, None], x[row][None, :]]
        cleaned[row] = np.where(taken, np.where(clear, image, 0.0), data[row])
    return cleaned


def _smoothing(size: int, seeing: float) -> Singles:
    """Matrix (size, size) that smooths along one axis with a Gaussian of the seeing's width."""
    place = np.arange(size)
    kernel = np.exp(-0.5 * ((place[:, None] - place) / (seeing / 2.355)) ** 2)
    return (kernel / kernel[size // 2].sum()).astype(np.float32)
