"""What one spectrograph publishes of one observation plan: both arms' science, flat and arc frames, and the star catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asterism.errors import BadInputError
from asterism.simulate.frames.camera_optics import Camera, make_camera
from asterism.simulate.frames.ccd import Truth, arc_electrons, expected_electrons, expose
from asterism.simulate.frames.frame_defaults import DEFAULTS, Plan, default_sky, default_throughput, flat_lamp
from asterism.surveys.ccd.arc_calibration import arc_lines
from asterism.surveys.ccd.lamost_frames import ARMS, KINDS, LAMOST, Geometry, RawFrame, local_day, write_frame
from asterism.surveys.ccd.lamost_stars import write_star_catalogue
from asterism.surveys.fits.fits_files import Cards

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["Observation", "observe_spectrograph", "star_catalogue", "write_observation"]

Floats = npt.NDArray[np.float64]


@dataclass
class Observation:
    """Frames of one spectrograph, by arm and kind.

    Attributes
    ----------
    frames : dict of (str, str) to RawFrame
        E.g. ``("blue", "OBJ")``.
    truth : dict of (str, str) to Truth
    cameras : dict of str to Camera
    stars : astropy.table.Table or None
        The star catalogue.
    """

    frames: dict[tuple[str, str], RawFrame] = field(default_factory=dict)
    truth: dict[tuple[str, str], Truth] = field(default_factory=dict)
    cameras: dict[str, Camera] = field(default_factory=dict)
    stars: Table | None = None


def star_catalogue(
    plan: Plan,
    spid: int,
    ra: npt.ArrayLike,
    dec: npt.ArrayLike,
    fibertype: npt.ArrayLike,
    classes: npt.ArrayLike,
    mag: npt.ArrayLike,
    redshift: npt.ArrayLike,
    subclass: npt.ArrayLike | None = None,
) -> Table:
    """Star catalogue of one spectrograph, one row per fibre in their order.

    Parameters
    ----------
    plan : Plan
    spid : int
    ra, dec : array_like of float, shape (fibres,)
        deg.
    fibertype : array_like of str
        ``Obj``, ``Sky``, ``F-std``, ``Dead``.
    classes, subclass : array_like of str
        As the survey's own pipeline would name them; empty for sky.
    mag : array_like of float
        r, AB; NaN for sky.
    redshift : array_like of float
        -9999 where unknown, as LAMOST writes it.

    Returns
    -------
    astropy.table.Table
    """
    from astropy.table import Table

    n = len(np.asarray(ra))
    fibre = np.arange(1, n + 1)
    return Table(
        {
            "obsid": (local_day(plan.lmjm) * 100 + spid) * 1000 + fibre,
            "lmjd": np.full(n, local_day(plan.lmjm)),
            "planid": np.full(n, plan.name),
            "spid": np.full(n, spid),
            "fiberid": fibre,
            "ra": np.asarray(ra, dtype=np.float64),
            "dec": np.asarray(dec, dtype=np.float64),
            "fibertype": np.asarray(fibertype, dtype=np.str_),
            "class": np.asarray(classes, dtype=np.str_),
            "subclass": np.asarray([""] * n if subclass is None else subclass, dtype=np.str_),
            "z": np.asarray(redshift, dtype=np.float64),
            "mag": np.asarray(mag, dtype=np.float64),
        }
    )


def observe_spectrograph(
    wavelength: Floats,
    f_lambda: Floats,
    plan: Plan,
    spid: int,
    *,
    seed: int = 0,
    stars: Table | None = None,
    sky: Floats | None = None,
    throughput: Floats | None = None,
    geometry: Geometry = LAMOST,
    arms: tuple[str, ...] = ARMS,
    kinds: tuple[str, ...] = ("FLAT", "ARC", "OBJ"),
    cosmic_rays: float = 1.0,
) -> Observation:
    """Take the frames of one spectrograph and plan.

    Each frame draws its chance from its own name (seed, spectrograph, plan, arm, kind), so that the same frame comes out
    whatever else is made, by one worker or many.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Å, vacuum, ascending; 0.5 Å or finer keeps the lines' shapes. It must cover the arms.
    f_lambda : ndarray, shape (fibres, n)
        1e-17 erg/s/cm2/Å: each object's light that gets into its fibre, without sky; zeros for sky fibres.
    plan : Plan
        Which night.
    spid : int
        Spectrograph, 1 to 16.
    seed : int
        Of the instruments and of all chance.
    stars : astropy.table.Table, optional
        Star catalogue; fibres of type Dead get no light.
    sky : ndarray, shape (n,), (fibres, n), optional
        The same unit, in the fibre; `default_sky` of the plan by default.
    throughput : ndarray, shape (n,), optional
        Sky to electrons; `default_throughput` by default.
    geometry : Geometry
    arms, kinds : tuple of str
        Which frames.
    cosmic_rays : float
        Times the usual rate.

    Returns
    -------
    Observation

    Raises
    ------
    BadInputError
        As `asterism.simulate.frames.ccd.expected_electrons`; or a star catalogue of another number of fibres.
    """
    if stars is not None and len(stars) != geometry.fibres:
        raise BadInputError(
            f"the star catalogue has {len(stars)} rows for {geometry.fibres} fibres; give one row per fibre, in order"
        )
    sky = default_sky(wavelength, plan) if sky is None else np.asarray(sky)
    share = default_throughput(wavelength) if throughput is None else np.asarray(throughput)
    lit = np.ones(geometry.fibres)
    if stars is not None:
        lit[np.char.upper(np.asarray(stars["fibertype"]).astype(str)) == "DEAD"] = 0.0
    out = Observation(stars=stars)
    for arm in arms:
        camera = out.cameras[arm] = make_camera(arm, spid, geometry, seed)
        for kind in kinds:
            exptime = plan.exptime if kind == "OBJ" else 30.0
            if kind == "OBJ":
                electrons = expected_electrons(camera, wavelength, f_lambda + sky, share, exptime)
            elif kind == "FLAT":
                lamp = np.broadcast_to(flat_lamp(wavelength), f_lambda.shape)
                electrons = expected_electrons(camera, wavelength, lamp, share, exptime)
                electrons *= DEFAULTS["lamp_electrons"].value / np.median(electrons, axis=0).max()
            elif kind == "ARC":
                lines, strengths = arc_lines(float(wavelength[0]), float(wavelength[-1]))
                electrons = arc_electrons(camera, lines, strengths * DEFAULTS["arc_electrons"].value)
            else:
                electrons = np.zeros((geometry.fibres, geometry.rows))
            key = [seed, spid, plan.lmjm, ARMS.index(arm), list(KINDS).index(kind)]
            out.frames[arm, kind], out.truth[arm, kind] = expose(
                camera,
                electrons * lit[:, None],
                np.random.default_rng(key),
                kind=kind,
                planid=plan.name,
                lmjm=plan.lmjm,
                start=plan.start,
                exptime=exptime,
                cosmic_rays=cosmic_rays,
            )
    return out


def write_observation(directory: Path, observation: Observation, cards: Cards | None = None) -> list[Path]:
    """Write frames and star catalogue as files.

    Parameters
    ----------
    directory : Path
    observation : Observation
    cards : mapping, optional
        More of the frames' headers.

    Returns
    -------
    list of Path
        The frames under LAMOST's names; ``stars-PLAN-spSS.fits`` last, where there is a star catalogue.
    """
    paths = [write_frame(directory, frame, cards) for frame in observation.frames.values()]
    if observation.stars is not None:
        frame = next(iter(observation.frames.values()))
        name = f"stars-{frame.planid}-sp{frame.spid:02d}.fits"
        paths.append(write_star_catalogue(directory / name, observation.stars))
    return paths
