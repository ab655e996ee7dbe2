"""Objects before they are observed: what each one is, where it stands, how bright and how large it is.

`draw` makes a `Population`: arrays of one length, one element an object, physical parameters only. Spectra are given to
it by a provider of `asterism.simulate.light.seds`, light on a detector by `asterism.simulate.imaging.images`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.objects.samples import Sample
from asterism.simulate.objects.selection import Survey
from asterism.surveys.stamps.cameras import SDSS

__all__ = ["NUMBERS", "Population", "draw", "draw_sky"]

Floats = npt.NDArray[np.float64]


@dataclass
class Population:
    """Objects as arrays of one length n; what has no meaning for an object is NaN.

    Attributes
    ----------
    kind : ndarray of str
        Class: STAR, GALAXY, QSO.
    subclass, target : ndarray of str
        Finer type; name of the sample that took it.
    ra, dec : ndarray
        deg, ICRS.
    galactic_l, galactic_b : ndarray
        deg.
    ebv : ndarray
        E(B-V) of the Galaxy towards the object, in the scale of Schlegel et al. (1998), mag.
    redshift : ndarray
        Of the spectrum; stars: radial velocity over c.
    r_mag : ndarray
        AB, total light, without extinction.
    teff, log_g, feh, distance : ndarray
        Stars: K, dex, dex, pc.
    colour : ndarray
        Stars on the main sequence: g-i of the locus, mag.
    galaxy_type : ndarray
        Galaxies: 0 (E), 1 (Sbc), 2 (Scd), 3 (Im) and between.
    dust : ndarray
        Own dust, E(B-V), mag.
    slope, line_strength, igm : ndarray
        Quasars: alpha_nu of the continuum, factor of the broad lines, factor of the intergalactic depth.
    host_fraction : ndarray
        Quasars: share of the host galaxy in the light at 5100 Å at rest.
    tilt : ndarray
        Own deviation of the continuum's slope, mag from g to i.
    absolute_magnitude : ndarray
        Stars M_r; galaxies M_r at z = 0.1 with h = 1 (0.1r - 5 log h); quasars M_i at z = 2.
    agn, agn_seyfert : ndarray
        Galaxies: share of an active nucleus in the light of the Balmer lines (0: none); whether its lines are a Seyfert's
        (1) or a LINER's (0).
    half_light_radius, bulge_fraction, bulge_axis_ratio, disc_axis_ratio, position_angle : ndarray
        Galaxies: arcsec (semi-major axis of the disc), share of light, ratios, deg.
    """

    kind: npt.NDArray[np.str_]
    subclass: npt.NDArray[np.str_]
    target: npt.NDArray[np.str_]
    ra: Floats
    dec: Floats
    galactic_l: Floats
    galactic_b: Floats
    ebv: Floats
    redshift: Floats
    r_mag: Floats
    teff: Floats
    log_g: Floats
    feh: Floats
    distance: Floats
    colour: Floats
    galaxy_type: Floats
    dust: Floats
    slope: Floats
    line_strength: Floats
    igm: Floats
    host_fraction: Floats
    tilt: Floats
    absolute_magnitude: Floats
    agn: Floats
    agn_seyfert: Floats
    half_light_radius: Floats
    bulge_fraction: Floats
    bulge_axis_ratio: Floats
    disc_axis_ratio: Floats
    position_angle: Floats

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: npt.NDArray[np.intp]) -> Population:
        """The objects of these rows, in this order."""
        return Population(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def put(self, rows: npt.NDArray[np.intp], other: Population) -> None:
        """Set the objects of these rows to those of `other`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)

    @classmethod
    def empty(cls, n: int) -> Population:
        """n objects of which nothing is known yet."""
        return cls(**{f.name: np.full(n, "", "U32") if f.name in _WORDS else np.full(n, np.nan) for f in fields(cls)})


_WORDS = ("kind", "subclass", "target")
_AT_ONCE = 12  # tries of one object in one go
_TRIES = 200  # of drawing a hopeful object; what is left then is measured and refused, and `sky.observe` says so
# Compact samples draw only galaxies whose true radius could be measured as compact: of 44 simulated without this cut that
# were, none was larger than 1.4 times what would be compact without noise.
_COMPACT_MARGIN = 1.4

NUMBERS: tuple[str, ...] = tuple(field.name for field in fields(Population) if field.name not in _WORDS)
"""Names of the numeric attributes of `Population`."""


def draw_sky(rng: np.random.Generator, n: int) -> dict[str, Floats]:
    """Positions uniform over the footprint, and the dust before them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n : int
        Number of positions.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``ra``, ``dec``, ``galactic_l``, ``galactic_b`` (deg) and ``ebv`` (mag).
    """
    parts = np.array(constant("footprint"))
    positions: dict[str, Floats] = {name: np.empty(0) for name in ("ra", "dec", "galactic_l", "galactic_b")}
    while len(positions["ra"]) < n:
        part = parts[rng.choice(len(parts), n, p=parts[:, 4])]
        ra = rng.uniform(part[:, 0], part[:, 1]) % 360.0
        south, north = np.sin(np.radians(part[:, 2])), np.sin(np.radians(part[:, 3]))
        dec = np.degrees(np.arcsin(rng.uniform(south, north)))
        longitude, latitude = _galactic(ra, dec)
        keep = np.abs(latitude) > constant("footprint_min_latitude")
        drawn = {"ra": ra[keep], "dec": dec[keep], "galactic_l": longitude[keep], "galactic_b": latitude[keep]}
        positions = {name: np.concatenate([positions[name], drawn[name]])[:n] for name in positions}
    cosecant = 1.0 / np.sin(np.radians(np.abs(positions["galactic_b"])))
    positions["ebv"] = constant("ebv_pole") * cosecant * np.exp(constant("ebv_scatter") * rng.standard_normal(n))
    return positions


def _galactic(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    """Galactic longitude and latitude (deg); pole and node in ICRS as the Hipparcos catalogue fixes them (ESA 1997)."""
    pole_ra, pole_dec, node = np.radians([192.85948, 27.12825, 122.93192])
    a, d = np.radians(ra), np.radians(dec)
    sin_b = np.sin(d) * np.sin(pole_dec) + np.cos(d) * np.cos(pole_dec) * np.cos(a - pole_ra)
    y = np.cos(d) * np.sin(a - pole_ra)
    x = np.sin(d) * np.cos(pole_dec) - np.cos(d) * np.sin(pole_dec) * np.cos(a - pole_ra)
    return np.degrees(node - np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(sin_b))


def draw(
    rng: np.random.Generator,
    kinds: npt.NDArray[np.str_],
    survey: Survey,
    targets: npt.NDArray[np.str_] | None = None,
) -> Population:
    """Objects of these classes as a survey's samples hold them; cuts on measured quantities are not made here.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance; the same state gives the same objects.
    kinds : ndarray of str, shape (n,)
        Class of each object.
    survey : Survey
        Its samples.
    targets : ndarray of str, shape (n,), optional
        Sample of each object; empty where it is to be drawn by the samples' shares.

    Returns
    -------
    Population
        n objects.
    """
    objects = Population.empty(len(kinds))
    objects.kind[:] = kinds
    for name, values in draw_sky(rng, len(kinds)).items():
        getattr(objects, name)[:] = values
    wanted = np.full(len(kinds), "", objects.target.dtype) if targets is None else targets
    for kind, samples in survey.samples.items():
        shares = np.array([sample.share for sample in samples])
        # What could not pass the survey's cuts on brightness and size gives way to another object of the class, of any
        # sample: so the samples keep the shares that they have among what passes.
        open_rows = np.flatnonzero(kinds == kind)
        for number in range(_TRIES):
            if not len(open_rows):
                break
            # From the second try on several a row, in order, since small arrays cost as much as larger ones.
            rows = np.repeat(open_rows, min(number + 1, _AT_ONCE))
            given = wanted[rows]
            chosen = rng.choice(len(samples), size=len(rows), p=shares / shares.sum())
            part = objects.take(rows)
            for place, sample in enumerate(samples):
                _draw_sample(
                    rng, part, np.flatnonzero(np.where(given == "", chosen == place, given == sample.name)), sample
                )
            good = _hopeful(part, survey)
            good[np.searchsorted(rows, open_rows)] |= number == _TRIES - 1
            done, first = np.unique(rows[good], return_index=True)
            objects.put(done, part.take(np.flatnonzero(good)[first]))
            open_rows = np.setdiff1d(open_rows, done)
    return objects


def _draw_sample(rng: np.random.Generator, objects: Population, rows: npt.NDArray[np.intp], sample: Sample) -> None:
    """Set these rows to objects of a sample."""
    while len(rows):
        part = objects.take(rows)
        part.target[:] = sample.name
        _fill(rng, part, sample)
        objects.put(rows, part)
        # The populations draw from cells of magnitude and distance; what a cell's width puts past the window's end is
        # drawn again.
        rows = rows[~sample.window.holds(part.r_mag)]


def _fill(rng: np.random.Generator, objects: Population, sample: Sample) -> None:
    # Each population is a room of its own; late, since each one imports this module's Population.
    from asterism.simulate.objects import galaxies, quasars, stars

    room = {"STAR": stars, "GALAXY": galaxies, "QSO": quasars}[str(objects.kind[0])]
    room.fill(rng, objects, sample)


def _hopeful(objects: Population, survey: Survey) -> npt.NDArray[np.bool_]:
    """Whether objects could be measured to be as faint and as compact as a survey asks."""
    narrow = float(SDSS.fwhm.mean()) * SDSS.fwhm_ratio
    compactness = np.nan_to_num(objects.half_light_radius) / narrow / _COMPACT_MARGIN
    extinction = objects.ebv * 2.285
    return survey.keeps(objects.r_mag + extinction, compactness, slack=0.5)
