"""Objects small enough to stand on a page by the thousand: a picture of a kilobyte and a spectrum of 480 points."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asterism.catalogs.blocks import Progress
from asterism.catalogs.colour import STRETCHES, colour_picture
from asterism.catalogs.objects import grid_wavelength, object_values
from asterism.errors import ConfigurationError
from asterism.explore.grey_images import grey_image

if TYPE_CHECKING:
    from asterism.catalogs.catalog import Catalog
    from asterism.catalogs.groups import Group

__all__ = ["SPECTRUM_POINTS", "chosen_objects", "object_cards", "small_picture", "small_spectrum"]

SPECTRUM_POINTS = 480
"""Points of a small spectrum, at most."""

_SIDE = 64  # pixels of a small picture: the middle of a larger one
_QUALITY = 75  # of WebP
_LEVELS = 254  # a point of a spectrum is a byte; 255: not observed
_TOLD = 16  # objects after which the progress is told


def chosen_objects(kinds: Sequence[Any], most: int, seed: int = 0) -> NDArray[np.int64]:
    """Objects that get a picture where not all can: as many of each kind, so that the rare ones have theirs.

    Parameters
    ----------
    kinds : sequence, length n
        Class and subclass of each object, say; anything that can be compared for equality.
    most : int
        How many.
    seed : int
        Which ones of a kind.

    Returns
    -------
    ndarray, shape (min(n, most),), int64
        Rising places.

    Examples
    --------
    >>> chosen_objects(["G"] * 100 + ["CV"] * 3, 6)[-3:].tolist()
    [100, 101, 102]
    """
    turn = np.zeros(len(kinds), np.int64)
    met: dict[Any, int] = {}
    order = np.random.default_rng(seed).permutation(len(kinds))
    for place in order:
        turn[place] = met[kinds[place]] = met.get(kinds[place], -1) + 1
    return np.sort(order[np.argsort(turn[order], kind="stable")][:most])


def object_cards(
    catalog: Catalog, rows: NDArray[np.int64], progress: Progress | None = None
) -> Iterator[tuple[int, str | None, dict[str, Any] | None]]:
    """Small pictures and spectra of some objects; a partition is read at a time.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray, shape (m,), int64
        Rising row numbers.
    progress : callable, optional
        Told (objects done, m).

    Yields
    ------
    row : int
    picture : str or None
        Of `small_picture`, of the first group of images that the object has.
    spectrum : dict or None
        Of `small_spectrum`, likewise.
    """
    kinds = {kind: [g for g in catalog.groups.values() if g.kind == kind] for kind in ("image", "spectrum")}
    columns = ["object_id"]
    columns += [f"{g.name}_flux" for g in kinds["image"] if "flux" in g.quantities]
    columns += [f"{g.name}_{q}" for g in kinds["spectrum"] for q in ("flux", "ivar") if q in g.quantities]
    if len(columns) == 1:
        return
    done = 0
    for partition in catalog.partitions:
        here = rows[(rows >= partition.start) & (rows < partition.start + partition.rows)]
        if not len(here):
            continue
        table = catalog.read_partition(partition, columns)
        for row in here:
            values = object_values(table.slice(int(row) - partition.start, 1))
            pictures = (small_picture(values.get(f"{g.name}_flux"), g) for g in kinds["image"])
            spectra = (
                small_spectrum(values.get(f"{g.name}_flux"), values.get(f"{g.name}_ivar"), g) for g in kinds["spectrum"]
            )
            yield int(row), next(filter(None, pictures), None), next(filter(None, spectra), None)
            done += 1
            if progress is not None and (done % _TOLD == 0 or done == len(rows)):
                progress(done, len(rows))


def small_picture(flux: NDArray[np.floating] | None, group: Group) -> str | None:
    """The middle of an image as a WebP file in base64, in its survey's colours, or in grey where bands don't allow them.

    Parameters
    ----------
    flux : ndarray, shape (bands, y, x), or None
        nanomaggy.
    group : Group
        Whose bands and survey these are.

    Returns
    -------
    str or None
        None where nothing was observed. The first row of the image is at the bottom.
    """
    if flux is None or not np.isfinite(flux).any():
        return None
    from PIL import Image

    ends = [((size - min(size, _SIDE)) // 2, min(size, _SIDE)) for size in flux.shape[1:]]
    (top, high), (left, wide) = ends
    middle = np.asarray(flux[:, top : top + high, left : left + wide], float)
    if not np.isfinite(middle).any():
        return None
    try:
        survey = group.survey if group.survey in STRETCHES else "sdss"
        picture = colour_picture(middle, group.bands, survey=survey)
    except ConfigurationError:  # no three bands that go together
        seen = next(plane for plane in middle if np.isfinite(plane).any())
        picture = (255 * np.nan_to_num(grey_image(seen))).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture[::-1])).save(buffer, "WEBP", quality=_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()


def small_spectrum(
    flux: NDArray[np.floating] | None, ivar: NDArray[np.floating] | None, group: Group
) -> dict[str, Any] | None:
    """A spectrum as bytes: means by inverse variance of neighbouring pixels, between its extremes.

    Parameters
    ----------
    flux, ivar : ndarray, shape (pixels,), or None
        1e-17 erg/s/cm²/Å or relative; ivar 0 where not observed.
    group : Group
        Whose grid it is.

    Returns
    -------
    dict or None
        ``first`` and ``last`` wavelength of the points (Å), ``log``: whether they are even in its logarithm, ``low`` and
        ``high`` flux, ``relative``: whether the flux has no unit, ``points``: bytes in base64, 0 to 254 from low to high, 255
        where nothing was observed. None without a pixel that was observed.
    """
    if flux is None or ivar is None:
        return None
    weight = np.where(np.isfinite(ivar) & np.isfinite(flux), np.maximum(ivar, 0.0), 0.0).astype(float)
    seen = np.flatnonzero(weight > 0)
    if not len(seen):
        return None
    grid = group.meta("grid") or ""
    wavelength = grid_wavelength(grid)[seen[0] : seen[-1] + 1]
    weight, light = weight[seen[0] : seen[-1] + 1], np.where(weight > 0, flux, 0.0)[seen[0] : seen[-1] + 1]
    each = -(-len(weight) // SPECTRUM_POINTS)
    starts = np.arange(0, len(weight), each)
    total = np.add.reduceat(weight, starts)
    mean = np.add.reduceat(weight * light, starts) / np.where(total > 0, total, 1.0)
    there = total > 0
    # Where the noise is far above the usual, as at a spectrum's ends, it must not flatten all the rest: it stands at the edge.
    noise = np.where(there, total, 1.0) ** -0.5
    trusted = mean[there & (noise <= 2.5 * np.median(noise[there]))]
    low, high = np.quantile(trusted, [0.002, 0.998])
    reach = high - low
    low, high = max(trusted.min(), low - reach), min(trusted.max(), high + reach)
    low, high = min(float(low), 0.0), float(high) if high > min(low, 0.0) else min(float(low), 0.0) + 1.0
    level = np.rint(_LEVELS * np.clip((mean - low) / (high - low), 0.0, 1.0))
    points = np.where(there, level, 255).astype(np.uint8)
    log = grid.startswith("log10")
    even = np.log10(wavelength) if log else wavelength
    step = float(even[1] - even[0]) if len(even) > 1 else 0.0
    ends = even[0] + step * (0.5 * (each - 1) + each * np.array([0, len(starts) - 1]))
    first, last = 10.0**ends if log else ends
    return {
        "first": round(float(first), 2),
        "last": round(float(last), 2),
        "log": log,
        "low": float(f"{low:.4g}"),
        "high": float(f"{high:.4g}"),
        "relative": group.meta("calibration") == "relative",
        "points": base64.b64encode(points.tobytes()).decode(),
    }
