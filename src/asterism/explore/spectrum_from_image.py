"""A spectrum predicted from an image: the weighted mean of the spectra that lie nearest to the image in the shared space.

Image and spectrum of an object lie close together in an aligned embedding, so the spectra near an unseen object's image are
spectra that it may have. Their mean, each at the same level, is the prediction; their scatter says how far they agree. It is
scored by `asterism.explore.spectrum_scores`, beside the mean spectrum of the class, which is known without an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from asterism.catalogs.catalog import Catalog
from asterism.catalogs.lists import list_values
from asterism.catalogs.objects import grid_wavelength
from asterism.catalogs.roles import bind_roles
from asterism.errors import BadInputError, ConfigurationError
from asterism.learning.retrieval import unit_length

__all__ = ["PredictedSpectra", "Spectra", "mean_spectra", "read_spectra", "spectra_from_images"]

Floats = NDArray[np.float64]
_BLOCK = 256
_NUMBERS = 2_000_000
#: Spectra of one kind differ by this at least, of their level: else the brightest would be the only one to speak.
_LEAST_SCATTER = 0.05
#: Distance of unit vectors below which one is not nearer than another.
_NEAREST = 1e-6


@dataclass(frozen=True)
class Spectra:
    """Spectra on one grid.

    Attributes
    ----------
    wavelength : ndarray, shape (P,)
        Å, vacuum, rising.
    flux, ivar : ndarray, shape (n, P)
        In any one unit; inverse variance 0 where not observed, where the flux does not count.
    """

    wavelength: NDArray[Any]
    flux: NDArray[Any]
    ivar: NDArray[Any]

    def __post_init__(self) -> None:
        if self.flux.shape != self.ivar.shape or self.flux.shape[1:] != self.wavelength.shape:
            raise BadInputError(
                f"spectra {self.flux.shape}, inverse variances {self.ivar.shape} and wavelengths {self.wavelength.shape} "
                "don't fit; give (objects, pixels) twice and (pixels,)"
            )

    def __len__(self) -> int:
        return len(self.flux)

    def take(self, rows: ArrayLike) -> Spectra:
        """Some of the spectra, by index."""
        return Spectra(self.wavelength, self.flux[np.asarray(rows)], self.ivar[np.asarray(rows)])

    def level(self) -> Floats:
        """A spectrum's brightness (n,): the mean of its observed flux, weighted by inverse variance capped at its median.

        The cap keeps a few bright sky-free pixels from speaking for all; NaN where nothing was observed or the mean is not
        positive beyond twice its own error, so that dividing by it would only make noise.
        """
        levels = np.full(len(self), np.nan)
        for row in range(len(self)):
            seen = self.ivar[row] > 0
            if not seen.any():
                continue
            weight = np.minimum(self.ivar[row, seen].astype(float), np.median(self.ivar[row, seen]))
            mean = np.average(self.flux[row, seen].astype(float), weights=weight)
            error = np.sqrt((weight**2 / self.ivar[row, seen]).sum()) / weight.sum()
            if mean > 2 * error:
                levels[row] = mean
        return levels


@dataclass(frozen=True)
class PredictedSpectra:
    """Spectra of level 1 that were predicted.

    Attributes
    ----------
    wavelength : ndarray, shape (P,)
    mean : ndarray, shape (q, P), float64
        Relative flux; NaN where none of the neighbours was observed.
    scatter : ndarray, shape (q, P), float64
        Weighted standard deviation of the neighbours' flux, less what their noise adds to it; 0 where noise explains it all.
    neighbours : ndarray, shape (q, k), int64
        Rows of the reference, nearest first.
    distance : ndarray, shape (q, k), float64
        1 − cosine similarity.
    """

    wavelength: NDArray[Any]
    mean: Floats
    scatter: Floats
    neighbours: NDArray[np.int64]
    distance: Floats


def read_spectra(catalog: Catalog, rows: NDArray[np.int64], group: str | None = None) -> Spectra:
    """Spectra of some rows of a catalog, in memory as float32.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray, shape (n,), int64
        Row numbers.
    group : str, optional
        E.g. ``spectrum_desi``, where the catalog has several.

    Returns
    -------
    Spectra
        Absent ones have inverse variance 0 throughout.

    Raises
    ------
    ConfigurationError
        The catalog has no spectra, or several groups of them and none is named.
    """
    found = bind_roles(catalog.schema, "spectrum" if group is None else f"spectrum={group}")["spectrum"]
    wavelength = grid_wavelength(found.meta("grid") or "")
    parts: dict[str, list[NDArray[np.float32]]] = {"flux": [], "ivar": []}
    wanted = np.sort(rows)
    for partition in catalog.partitions:
        inside = wanted[(wanted >= partition.start) & (wanted < partition.start + partition.rows)] - partition.start
        if not len(inside):
            continue
        names = {quantity: found.quantities[quantity].name for quantity in parts}
        table = catalog.read_partition(partition, list(names.values())).take(pa.array(inside))
        for quantity, name in names.items():
            parts[quantity].append(list_values(table[name], len(wavelength), name, np.float32))
    order = np.argsort(np.argsort(rows, kind="stable"), kind="stable")
    flux, ivar = (np.concatenate(parts[quantity])[order] for quantity in ("flux", "ivar"))
    return Spectra(wavelength, np.nan_to_num(flux), np.nan_to_num(ivar))


def spectra_from_images(images: ArrayLike, spectra: ArrayLike, reference: Spectra, *, k: int = 16) -> PredictedSpectra:
    """Predict the spectrum of each image.

    Parameters
    ----------
    images : array_like, shape (q, E)
        Embeddings of the images.
    spectra : array_like, shape (n, E)
        Embeddings of the reference's spectra, in the same space; neither zero.
    reference : Spectra
        n spectra. Those without a level (nothing observed, or lost in noise) are nobody's neighbours.
    k : int
        Neighbours. Each weighs as 1/√(2 − 2 cos), and in a pixel also as 1/(s² + σ²), σ being its noise after division by its
        level and s what the neighbours differ by beyond noise (median over pixels): the mean under random effects
        (DerSimonian & Laird 1986, Controlled Clinical Trials 7, 177).

    Returns
    -------
    PredictedSpectra

    Raises
    ------
    ConfigurationError
        `k` is less than 1 or exceeds the reference's spectra.
    BadInputError
        The embeddings don't fit each other or the spectra.
    """
    q, r = unit_length(images), unit_length(spectra)
    if len(r) != len(reference):
        raise BadInputError(
            f"there are {len(reference):,} reference spectra and embeddings of {len(r):,}; give one each"
        )
    if q.shape[1] != r.shape[1]:
        raise BadInputError(
            f"images are embedded in {q.shape[1]} numbers and spectra in {r.shape[1]}; take one model's"
        )
    level = reference.level()
    usable = np.flatnonzero(np.isfinite(level))
    if not 1 <= k <= len(usable):
        raise ConfigurationError(
            f"{k:,} neighbours were asked for and the reference has {len(usable):,} spectra that rise above their noise; "
            f"give 1 to {len(usable):,}"
        )
    pixels = len(reference.wavelength)
    mean, scatter = np.empty((len(q), pixels)), np.empty((len(q), pixels))
    neighbours, distance = np.empty((len(q), k), np.int64), np.empty((len(q), k))
    for start in range(0, len(q), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(q)))
        gap = 1 - q[rows] @ r[usable].T
        near = np.argpartition(gap, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(near, np.argsort(np.take_along_axis(gap, near, 1), axis=1, kind="stable"), 1)
        distance[rows], neighbours[rows] = np.take_along_axis(gap, near, 1), usable[near]
    for row in range(len(q)):
        chosen = neighbours[row]
        weight = 1 / np.maximum(np.sqrt(2 * np.maximum(distance[row], 0)), _NEAREST)
        mean[row], scatter[row] = _combine(reference, chosen, level[chosen], weight)
    return PredictedSpectra(reference.wavelength, mean, scatter, neighbours, distance)


def mean_spectra(reference: Spectra, names: Sequence[str | None] | None = None) -> dict[str, Floats]:
    """The mean spectrum of each class, each object at level 1: what is known of a spectrum without seeing the object.

    Parameters
    ----------
    reference : Spectra
    names : sequence of str or None, optional
        Class of each spectrum.

    Returns
    -------
    dict of str to ndarray, shape (P,)
        By class, and of all of them under ``""``; as `spectra_from_images` combines its neighbours, with equal weights.

    Raises
    ------
    BadInputError
        No spectrum rises above its noise.
    """
    level = reference.level()
    usable = np.isfinite(level)
    if not usable.any():
        raise BadInputError("no reference spectrum rises above its noise, so there is no mean; take others")
    of = np.array([None] * len(reference) if names is None else names, object)
    kinds: dict[str, NDArray[np.bool_]] = {"": usable}
    kinds |= {name: usable & (of == name) for name in sorted({n for n in of if n is not None})}
    result = {}
    for name, chosen in kinds.items():
        rows = np.flatnonzero(chosen)
        if len(rows):
            result[name] = _combine(reference, rows, level[rows], np.ones(len(rows)))[0]
    return result


def _combine(reference: Spectra, rows: NDArray[np.int64], level: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted mean and intrinsic scatter (P,) of some spectra at level 1."""
    # Random effects: what spectra differ by is added to their noise, so that bright ones count alike and noise does not count.
    _, first = _moments(reference, rows, level, weight, 0.0)
    seen = first[np.isfinite(first)]
    apart = max(float(np.median(seen**2)) if len(seen) else 0.0, _LEAST_SCATTER**2)
    return _moments(reference, rows, level, weight, apart)


def _moments(
    reference: Spectra, rows: NDArray[np.int64], level: Floats, weight: Floats, apart: float
) -> tuple[Floats, Floats]:
    """Mean and scatter less noise (P,), with weights over (`apart` + noise variance); with the median noise where it is 0."""
    pixels = reference.flux.shape[1]
    mean, scatter = np.full(pixels, np.nan), np.full(pixels, np.nan)
    # Thousands of spectra at once would be gigabytes as float64.
    step = max(1, _NUMBERS // len(rows))
    for start in range(0, pixels, step):
        part = slice(start, start + step)
        flux = reference.flux[rows, part] / level[:, None]
        ivar = reference.ivar[rows, part] * level[:, None] ** 2
        seen = ivar > 0
        some = seen.any(axis=0)
        variance = 1 / np.where(seen, ivar, 1.0)
        added = np.full(flux.shape[1], apart)
        if not apart:
            added[some] = np.nanmedian(np.where(seen, variance, np.nan)[:, some], axis=0)
        w = np.where(seen, weight[:, None] / (added + variance), 0.0)
        share = w / np.where(some, w.sum(axis=0), 1.0)
        flux = np.where(seen, flux, 0.0)
        found = (share * flux).sum(axis=0)
        spread = (share * np.where(seen, flux - found, 0.0) ** 2).sum(axis=0) - (share * variance).sum(axis=0)
        mean[part] = np.where(some, found, np.nan)
        scatter[part] = np.where(some, np.sqrt(np.maximum(spread, 0.0)), np.nan)
    return mean, scatter
