"""Which field shows an object: of all that cover it, the one in the most bands, and of those the one where it is most central.

Only headers are read. Two objects a degree apart never meet the same frame, so candidates come from a tree on the sphere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.catalogs.sources import unit_vectors
from asterism.errors import BadInputError
from asterism.surveys.stamps.frame_files import FrameFile
from asterism.surveys.stamps.frame_images import read_footprint

__all__ = ["FrameJob", "choose_frames"]

_MARGIN = 1.05  # of a frame's half diagonal, within which objects are looked for


@dataclass(frozen=True)
class FrameJob:
    """A frame and the objects that are cut from it.

    Attributes
    ----------
    file : FrameFile
    rows : ndarray of int64
        Rows of the objects.
    """

    file: FrameFile
    rows: npt.NDArray[np.int64]


def choose_frames(
    files: Sequence[FrameFile],
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
    report: Callable[[FrameFile, str], None],
    progress: Callable[[int], None] | None = None,
) -> tuple[list[FrameJob], float]:
    """Choose a field for each object.

    Parameters
    ----------
    files : sequence of FrameFile
        Frames, of any fields and bands.
    ra, dec : ndarray, shape (n,)
        Objects, deg.
    report : callable
        Told of frames whose header can't be used, and why.
    progress : callable, optional
        Told how many headers are read.

    Returns
    -------
    jobs : list of FrameJob
        Frames that show an object, in order of field and band.
    pixel_scale : float
        Of the first frame, arcsec; NaN where there is none.
    """
    from scipy.spatial import cKDTree

    places = unit_vectors(ra, dec)
    tree = cKDTree(places) if len(places) else None
    covered: dict[tuple[str, str], dict[FrameFile, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]] = {}
    scale = np.nan
    for done, file in enumerate(files):
        if progress is not None:
            progress(done + 1)
        try:
            footprint = read_footprint(file)
        except BadInputError as error:
            report(file, str(error))
            continue
        scale = footprint.place.pixel_scale if np.isnan(scale) else scale
        if tree is None:
            continue
        height, width = footprint.shape
        middle = unit_vectors(*footprint.place.to_sky([0.5 * (width - 1)], [0.5 * (height - 1)]))[0]
        reach = np.radians(_MARGIN * 0.5 * np.hypot(height, width) * footprint.place.pixel_scale / 3600.0)
        near = np.array(sorted(tree.query_ball_point(middle, 2.0 * np.sin(reach / 2.0))), np.int64)
        if not len(near):
            continue
        x, y = footprint.place.to_pixel(ra[near], dec[near])
        depth = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
        inside = depth >= -0.5
        if inside.any():
            covered.setdefault(file.of, {})[file] = near[inside], depth[inside]
    return _jobs(covered, len(places)), float(scale)


def _jobs(
    covered: dict[tuple[str, str], dict[FrameFile, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]], n: int
) -> list[FrameJob]:
    """The best field of each object, by number of bands, then by distance from the nearest edge."""
    best_bands, best_depth, best = np.zeros(n, np.int64), np.full(n, -np.inf), np.full(n, -1, np.int64)
    for number, of in enumerate(sorted(covered)):
        bands, depth = np.zeros(n, np.int64), np.full(n, np.inf)
        for rows, deep in covered[of].values():
            bands[rows] += 1
            depth[rows] = np.minimum(depth[rows], deep)
        better = (bands > best_bands) | ((bands == best_bands) & (bands > 0) & (depth > best_depth))
        best[better], best_bands[better], best_depth[better] = number, bands[better], depth[better]
    jobs = []
    for number, of in enumerate(sorted(covered)):
        for file, (rows, _) in covered[of].items():
            mine = rows[best[rows] == number]
            if len(mine):
                jobs.append(FrameJob(file, mine))
    return jobs
