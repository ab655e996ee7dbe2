"""Cosmic rays on a chip: muons' straight tracks of all lengths, and the short crooked ones of electrons.

A chip of 24 cm2 in half an hour has some 700 muons. Their tracks are as long as they are slanted: they come from above
(intensity cos2 of the zenith distance) onto a chip that stands upright.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import Constant

__all__ = ["COSMIC_RAYS", "add_cosmic_rays"]

_LIST = (
    Constant("muon_rate", 1.0, "cm-2 min-1", "Particle Data Group, Cosmic rays: through a horizontal detector at sea level"),
    Constant("electron_rate", 0.7, "cm-2 min-1", "choice: Groom 2002, Exp. Astron. 14, 45: as common as muons or nearly, "
             "from the rock and glass around"),
    Constant("thickness", 1.35, "pix", "e2v, CCD203-82 data sheet: 16 um of silicon, 12 um pixels"),
    Constant("ionisation", 80.0, "electron/um", "Janesick 2001, Scientific CCDs, SPIE: minimum ionising particle, most probable"),
    Constant("landau_width", 0.18, "of the ionisation", "choice: width of the straggling in a thin layer, Bichsel 1988, RMP 60, 663"),
    Constant("diffusion", 0.35, "pix", "choice: spread of charge on its way to the gates"),
    Constant("pixel", 12e-4, "cm", "LAMOST, CCD cameras (lamost.org/public/instrument/ccd)"),
)  # fmt: skip

COSMIC_RAYS: dict[str, Constant] = {entry.name: entry for entry in _LIST}
"""Constants of cosmic rays, by name, with unit and source."""


def _value(name: str) -> float:
    return float(COSMIC_RAYS[name].value)


def add_cosmic_rays(
    image: npt.NDArray[np.float32], exptime: float, rng: np.random.Generator, rate: float = 1.0
) -> npt.NDArray[np.bool_]:
    """Add cosmic rays to an image.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Electrons; changed in place.
    exptime : float
        Seconds.
    rng : numpy.random.Generator
    rate : float
        Times the usual rate.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        Pixels that got more than 10 electrons.
    """
    rows, columns = image.shape
    area = rows * columns * _value("pixel") ** 2
    added = np.zeros_like(image)
    for name, straight in (("muon_rate", True), ("electron_rate", False)):
        for _ in range(rng.poisson(rate * _value(name) * area * exptime / 60.0)):
            points = _muon(rng) if straight else _electron(rng)
            start = rng.uniform([0.0, 0.0], [rows, columns])
            _deposit(added, points + start, rng)
    image += added
    return added > 10.0


def _muon(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Points every tenth of a pixel along a muon's path through the chip, (n, 2); also its path's length per point."""
    while True:
        cosine = rng.uniform() ** (1.0 / 3.0)  # zenith distance of cos2 per solid angle
        sine, turn = np.sqrt(1.0 - cosine**2), rng.uniform(0.0, 2.0 * np.pi)
        across = sine * np.cos(turn)  # along the normal of the upright chip
        if rng.uniform() < abs(across) and abs(across) > 0.004:
            break
    length = _value("thickness") / abs(across)
    steps = np.arange(0.05, length, 0.1)
    return steps[:, None] * np.array([cosine, sine * np.sin(turn)])


def _electron(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Points along the crooked way of an electron that a gamma ray knocked out."""
    steps = int(rng.exponential(60.0)) + 5
    heading = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(0.35 * rng.standard_normal(steps))
    return 0.1 * np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)


def _deposit(image: npt.NDArray[np.float32], points: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
    """Put each point's charge down, spread by diffusion; what misses the chip is lost."""
    # Moyal's distribution, which is Landau's but for the far tail, is minus the logarithm of a squared normal deviate.
    straggling = -2.0 * np.log(np.abs(rng.standard_normal(len(points))) + 1e-9)
    path = 0.1 * _value("pixel") * 1e4 * _value("ionisation")  # a tenth of a pixel's electrons
    charge = path * np.maximum(1.0 + _value("landau_width") * straggling, 0.1)
    place = points[:, None] + _value("diffusion") * rng.standard_normal((len(points), 4, 2))
    pixel = np.floor(place).astype(np.intp).reshape(-1, 2)
    inside = ((pixel >= 0) & (pixel < image.shape)).all(axis=1)
    np.add.at(image, (pixel[inside, 0], pixel[inside, 1]), np.repeat(charge / 4.0, 4)[inside].astype(np.float32))
