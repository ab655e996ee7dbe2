"""Sky and sources of an image by `sep`, the extraction of SExtractor as a library.

Why sep (Barbary 2016, JOSS 1, 58): it is SExtractor's own code (Bertin & Arnouts 1996, A&AS 117, 393), which astronomers
know and whose parameters they can cite; a field of 2048 x 1489 pixels takes a second, where pure Python takes half a minute;
and it depends on numpy alone. It is an extra of this package, since only ``ingest images --detect`` and SDSS's old frames,
whose sky is still in them, need it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError, ConfigurationError

__all__ = ["extract", "half_light_radii", "sky_level"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_MESH = 256  # pixels: SDSS's own sky is a median over boxes of this size (Stoughton et al. 2002, section 4.4.2)
_SMOOTH = 3  # boxes
_MASKED = 1.5  # standard deviations from which pixels, smoothed, are sources and no sky
_GROWN = 4  # pixels around them that are left out too: wings
_CLIPS = 4  # rounds
_AREA = (
    3  # pixels of a source above the threshold. choice: enough for moments; the matched filter has joined 20 already
)
_CLEAN = 1.0
_CONTRAST = 0.005
_LEVELS = 32
# A Gaussian of 3 pixels' full width: SDSS's seeing of 1.2 arcsec; a matched filter (Irwin 1985, MNRAS 214, 575).
_KERNEL = np.exp(-0.5 * ((np.indices((5, 5)) - 2.0) ** 2).sum(axis=0) / (3.0 / 2.3548) ** 2)


def _sep() -> Any:
    try:
        import sep
    except ImportError as error:
        raise ConfigurationError(
            "sources and the sky of raw frames are found with sep, which is not installed; "
            "pip install 'asterism[surveys]'"
        ) from error
    return sep


def sky_level(image: npt.NDArray[np.floating], bad: npt.NDArray[np.bool_] | None = None) -> tuple[Singles, float]:
    """Sky of an image at every pixel.

    Sources that stand out are masked first; boxes are clipped, smoothed and interpolated. Integers are spread over their
    steps, since the mode that SExtractor estimates jumps from one to the next; and that mode lies below the mean of photons'
    noise, by which the whole level is raised.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Any unit.
    bad : ndarray of bool, optional
        Pixels that don't count.

    Returns
    -------
    sky : ndarray of float32, shape (y, x)
    sigma : float
        Standard deviation of its noise.

    Raises
    ------
    ConfigurationError
        sep is not installed.
    BadInputError
        There is no sky in the image.
    """
    sep = _sep()
    data = np.ascontiguousarray(image, np.float32)
    masked = np.zeros(data.shape, bool) if bad is None else bad.copy()
    masked |= ~np.isfinite(data)
    data = np.where(masked, np.float32(0), data)
    if np.issubdtype(np.asarray(image).dtype, np.integer) or (data[:64] == np.rint(data[:64])).all():
        data += np.random.default_rng(0).random(data.shape, np.float32) - np.float32(0.5)
    if masked.mean() > 0.9:
        raise BadInputError("nine tenths of the image are not observed; there is no sky in it")
    box = min(_MESH, *data.shape)
    try:
        for _ in range(2):
            found = sep.Background(data, mask=masked, bw=box, bh=box, fw=_SMOOTH, fh=_SMOOTH)
            masked = masked | _sources(data - found.back(), found.globalrms)
        found = sep.Background(data, mask=masked, bw=box, bh=box, fw=_SMOOTH, fh=_SMOOTH)
    except Exception as error:  # sep raises bare exceptions
        raise BadInputError(f"the sky of the image can't be found ({error}); is it an image of the sky?") from error
    sigma = float(found.globalrms)
    sky = np.asarray(found.back(dtype=np.float32))
    blank = (data - sky)[~(masked | _sources(data - sky, sigma))].astype(np.float64)
    for _ in range(_CLIPS):
        blank = blank[np.abs(blank - blank.mean()) < 3.0 * blank.std()] if len(blank) else blank
    if not (np.isfinite(sigma) and sigma > 0) or not len(blank) or blank.std() == 0:
        raise BadInputError("the sky of the image has no noise; is it an image of the sky?")
    return sky + np.float32(blank.mean()), sigma


def _sources(data: Singles, sigma: float) -> npt.NDArray[np.bool_]:
    from scipy.ndimage import binary_dilation, uniform_filter

    seen = uniform_filter(data, 3) > _MASKED * sigma
    return np.asarray(binary_dilation(seen, iterations=_GROWN))


def extract(
    image: npt.NDArray[np.floating], sigma: npt.NDArray[np.floating], threshold: float, bad: npt.NDArray[np.bool_]
) -> npt.NDArray[np.void]:
    """Sources of a sky-subtracted image.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Without sky.
    sigma : ndarray, shape (y, x)
        Standard deviation of each pixel.
    threshold : float
        Standard deviations above which pixels, filtered, are of a source.
    bad : ndarray of bool, shape (y, x)
        Pixels that don't count.

    Returns
    -------
    ndarray, structured
        sep's columns, with ``xwin``, ``ywin`` (windowed positions; Bertin's SExtractor manual), ``r50`` (pixels, of the light in
        Kron's aperture; NaN unknown), in order of y and x.

    Raises
    ------
    ConfigurationError
        sep is not installed.
    BadInputError
        There are too many sources to be a field.
    """
    sep = _sep()
    data = np.where(bad, 0, image).astype(np.float32)
    noise = np.where(bad, 1, sigma).astype(np.float32)
    sep.set_extract_pixstack(max(300_000, data.size // 2))
    try:
        found = sep.extract(
            data, threshold, err=noise, mask=bad, minarea=_AREA, filter_kernel=_KERNEL.astype(np.float32),
            deblend_nthresh=_LEVELS, deblend_cont=_CONTRAST, clean=True, clean_param=_CLEAN,
        )  # fmt: skip
    except Exception as error:  # sep raises bare exceptions
        raise BadInputError(
            f"sources can't be found ({error}); is the image one of the sky, without its sky?"
        ) from error
    found = found[np.lexsort((found["x"], found["y"]))]
    found = found[(found["a"] > 0) & (found["b"] > 0) & np.isfinite(found["theta"])]
    x, y, r50 = (np.array([]) for _ in range(3))
    if len(found):
        kron, _ = sep.kron_radius(data, found["x"], found["y"], found["a"], found["b"], found["theta"], 6.0, mask=bad)
        reach = np.clip(np.nan_to_num(kron, nan=3.0), 1.5, 8.0) * 2.5 * np.sqrt(found["a"] * found["b"])
        r50, _ = sep.flux_radius(data, found["x"], found["y"], np.maximum(reach, 6.0), 0.5, mask=bad, subpix=5)
        size = np.clip(2.0 / 2.3548 * r50, 0.8, 6.0)
        x, y, _ = sep.winpos(data, found["x"], found["y"], size, mask=bad)
        # What wanders off (blends) stays at its centroid.
        lost = (np.hypot(x - found["x"], y - found["y"]) > 2.0) | ~np.isfinite(x + y)
        x, y = np.where(lost, found["x"], x), np.where(lost, found["y"], y)
    from numpy.lib.recfunctions import append_fields

    named = append_fields(found, ["xwin", "ywin", "r50"], [x, y, np.where(r50 > 0, r50, np.nan)], usemask=False)
    return np.asarray(named)


def half_light_radii(
    image: npt.NDArray[np.floating], sigma: npt.NDArray[np.floating], bad: npt.NDArray[np.bool_], x: Floats, y: Floats
) -> tuple[Floats, Floats]:
    """Radii that hold half of the light within 10 pixels, and signal-to-noise within 3, at places.

    Parameters
    ----------
    image, sigma : ndarray, shape (y, x)
        Without sky; standard deviation of each pixel.
    bad : ndarray of bool, shape (y, x)
        Pixels that don't count.
    x, y : ndarray, shape (n,)
        Places.

    Returns
    -------
    radius, signal_to_noise : ndarray, shape (n,)
        pixels; NaN where there is none.
    """
    sep = _sep()
    data, noise = np.where(bad, 0, image).astype(np.float32), np.where(bad, 1, sigma).astype(np.float32)
    x, y = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
    inside = (x > 0) & (x < data.shape[1] - 1) & (y > 0) & (y < data.shape[0] - 1)
    radius, strength = np.full(len(x), np.nan), np.zeros(len(x))
    if inside.any():
        radius[inside], _ = sep.flux_radius(
            data, x[inside], y[inside], np.full(inside.sum(), 10.0), 0.5, mask=bad, subpix=5
        )
        light, error, _ = sep.sum_circle(data, x[inside], y[inside], 3.0, err=noise, mask=bad)
        strength[inside] = light / np.where(error > 0, error, np.inf)
    return radius, strength
