"""Neighbours: the stars and galaxies that fall onto a stamp by chance, from published counts.

Their numbers and magnitudes follow the counts of galaxies and of stars at high latitude; their colours and sizes are those
of the simulated population itself at that magnitude, from a reference set that is drawn once with a fixed seed. They stand
anywhere, so that some are blended with the object. Neighbours that belong to it (pairs, groups) are not made.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.imaging.rendering import Sources
from asterism.simulate.light.photometry import grid_wavelength, observed_fluxes
from asterism.simulate.light.seds import EmbeddedSeds
from asterism.simulate.objects.population import Population, draw
from asterism.simulate.objects.selection import Sample, Survey, Window
from asterism.surveys.stamps.cameras import CAMERAS, SDSS, Camera

__all__ = ["COUNTS", "draw_neighbours", "expected_number"]

Floats = npt.NDArray[np.float64]

COUNTS: dict[str, tuple[tuple[float, float], ...]] = {
    # r (AB), log10 of galaxies per deg2 and mag. Main sample, 92 per deg2 to 17.77 (Strauss et al. 2002, AJ 124, 1810),
    # growing as 10^0.6m; from r = 22.5 on 46 per arcmin2 to i = 25, growing as 10^0.31m (LSST Science Book 2009, section
    # 3.7.2) with r - i = 0.5 (choice); straight between, which is the slope of Yasuda et al. 2001, AJ 122, 1104.
    "GALAXY": ((14.0, -0.16), (17.77, 2.10), (22.5, 4.14), (25.5, 5.07), (27.5, 5.69)),
    # Stars at b = 60 deg: 48 million in 6500 deg2 to r = 21.5, and the run of the same model with magnitude (Jurić et al.
    # 2008, ApJ 673, 864).
    "STAR": ((14.0, 1.93), (16.5, 2.51), (18.5, 2.96), (20.5, 3.35), (22.5, 3.66), (24.5, 3.91), (27.5, 4.12)),
}
"""Differential counts that neighbours are drawn from."""

_BRIGHTEST = 15.0  # choice: around brighter stars surveys mask
_FAINTER = 0.3  # mag below the depth: what is fainter is lost in the noise
_MARGIN = 3.0  # arcsec around the stamp from which light still reaches it
_CLOSE = 3.0  # arcsec; a fainter source farther away does not make a star look extended
_STEP = 0.05  # mag
_REFERENCE = 600  # objects of each class whose colours and sizes neighbours have
_SEED = 20080101
_SIZE_SLOPE = (
    -0.1
)  # dex per mag: galaxies fainter than the reference shrink (choice, near Shen et al. 2003 at fixed distance)
_SURVEY = Survey(
    "neighbours",
    {"STAR": 0.5, "GALAXY": 0.5},
    {
        "STAR": (Sample("field", "field", 1.0, Window(14.5, 22.3, 0.2)),),
        "GALAXY": (
            Sample("bright", "galaxy", 0.3, Window(14.5, 18.0, 0.2)),
            Sample("middle", "galaxy", 0.3, Window(18.0, 20.0, 0.2)),
            Sample("faint", "galaxy", 0.4, Window(20.0, 22.3, 0.2)),
        ),
    },
    None,
    "",
)


@cache
def _reference() -> Population:
    """Stars, then galaxies, each rising in r magnitude."""
    rng = np.random.default_rng(_SEED)
    objects = draw(rng, np.repeat(["STAR", "GALAXY"], _REFERENCE), _SURVEY)
    order = np.concatenate([start + np.argsort(objects.r_mag[start : start + _REFERENCE]) for start in (0, _REFERENCE)])
    return objects.take(order)


@cache
def _reference_fluxes(camera: str) -> Floats:
    """Of the reference as they would be at r = 22.5, without extinction: (2 x reference, bands), nanomaggy."""
    objects = _reference()
    chosen = CAMERAS[camera]
    seds = EmbeddedSeds().seds(objects, grid_wavelength(chosen))
    return observed_fluxes(seds, np.full(len(objects), 22.5), np.zeros(len(objects)), chosen)


@cache
def _cumulative(kind: str, faintest: float) -> tuple[Floats, Floats]:
    """Magnitudes and objects per deg2 that are brighter."""
    r = np.arange(_BRIGHTEST, faintest + _STEP, _STEP)
    points, log_counts = np.array(COUNTS[kind]).T
    density = 10.0 ** np.interp(r, points, log_counts)
    return r, np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * _STEP)])


def _faintest(camera: Camera) -> float:
    return camera.channels[camera.reference].depth_5sigma + _FAINTER


def expected_number(camera: Camera = SDSS, size: int | None = None) -> dict[str, float]:
    """Mean number of neighbours of each class on a stamp and its margin.

    Parameters
    ----------
    camera : Camera
        Depth and pixels.
    size : int, optional
        Pixels along each side; the camera's first by default.

    Returns
    -------
    dict of str to float
    """
    side = (size or camera.stamps[0]) * camera.pixel_scale + 2.0 * _MARGIN
    area = (side / 3600.0) ** 2
    return {kind: float(_cumulative(kind, _faintest(camera))[1][-1] * area) for kind in COUNTS}


def draw_neighbours(
    rng: np.random.Generator,
    ebv: Floats,
    camera: Camera = SDSS,
    size: int | None = None,
    close: npt.NDArray[np.bool_] | None = None,
) -> Sources:
    """Neighbours on n stamps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    ebv : ndarray, shape (n,)
        Galactic E(B-V) before each stamp, mag.
    camera : Camera
        Depth, pixels and bands.
    size : int, optional
        Pixels along each side; the camera's first by default.
    close : ndarray of bool, shape (n,), optional
        Stamps with one neighbour more, nearer than 3 arcsec to the middle: for objects that could not be selected
        without. Given a neighbour, all others of a Poisson process are as ever (Slivnyak's theorem).

    Returns
    -------
    Sources
        In the camera's bands.
    """
    side = size or camera.stamps[0]
    reach = 0.5 * side + _MARGIN / camera.pixel_scale
    objects = _reference()
    colours = _reference_fluxes(camera.name)
    parts = []
    expected = expected_number(camera, side)
    beside = np.empty(0, np.intp) if close is None else np.flatnonzero(close)
    of_kind = np.where(rng.random(len(beside)) * sum(expected.values()) < expected["GALAXY"], "GALAXY", "STAR")
    for kind, mean in expected.items():
        stamp = np.repeat(np.arange(len(ebv)), rng.poisson(mean, len(ebv)))
        chance = len(stamp)
        stamp = np.concatenate([stamp, beside[of_kind == kind]])
        m = len(stamp)
        r, brighter = _cumulative(kind, _faintest(camera))
        magnitude = np.interp(rng.random(m) * brighter[-1], brighter, r)
        x, y = rng.uniform(-reach, reach, (2, m))
        if m > chance:
            away = _CLOSE / camera.pixel_scale * np.sqrt(rng.random(m - chance))
            angle = rng.uniform(0.0, 2.0 * np.pi, m - chance)
            x[chance:], y[chance:] = away * np.cos(angle), away * np.sin(angle)
        first = _REFERENCE if kind == "GALAXY" else 0
        known = objects.r_mag[first : first + _REFERENCE]
        # A member of the reference within a twentieth of it in rank; beyond its faint end one of the faintest tenth.
        rank = np.searchsorted(known, magnitude) + rng.integers(-_REFERENCE // 20, _REFERENCE // 20 + 1, m)
        rank = np.where(magnitude > known[-1], rng.integers(_REFERENCE * 9 // 10, _REFERENCE, m), rank)
        like = first + np.clip(rank, 0, _REFERENCE - 1)
        dimmed = camera.extinction_coefficient * ebv[stamp][:, None]
        flux = colours[like] * 10.0 ** (0.4 * (22.5 - magnitude[:, None] - dimmed))
        if kind == "STAR":
            parts.append(Sources.points(stamp, x, y, flux))
        else:
            fainter = np.maximum(magnitude - known[-1], 0.0)
            radius = objects.half_light_radius[like] * 10.0 ** (_SIZE_SLOPE * fainter)
            parts.append(
                Sources.galaxies(
                    stamp, x, y, flux, radius, objects.bulge_fraction[like], objects.bulge_axis_ratio[like],
                    objects.disc_axis_ratio[like], rng.uniform(0.0, 180.0, m),
                )
            )  # fmt: skip
    return Sources.concatenate(parts)
