"""Stars: a magnitude-limited draw from a thin disc, a thick disc and a halo, with hot stars and white dwarfs beside."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from asterism.simulate.constants import constant
from asterism.simulate.objects.population import Population, draw_sky
from asterism.simulate.objects.selection import Sample

__all__ = ["colour_of_magnitude", "counts_by_colour", "fill", "spectral_type", "teff_of_colour"]

Floats = npt.NDArray[np.float64]

_LIGHT = 299792.458  # km/s
_M_STEP, _D_STEP = 0.5, 0.1  # mag, dex
_MAGNITUDES = np.arange(1.75, 15.5, _M_STEP) + _M_STEP / 2
_LOG_DISTANCE = np.arange(1.5, 5.0, _D_STEP) + _D_STEP / 2
# Lower temperature (K) of a type and its name, after Pecaut & Mamajek (2013), table 5.
_TYPES = ((10700, "B9"), (9200, "A0"), (8000, "A5"), (7200, "F0"), (6550, "F5"), (5930, "G0"), (5660, "G5"), (5270,
"K0"),
          (4440, "K5"), (3900, "K7"), (3750, "M0"), (3600, "M1"), (3480, "M2"), (3300, "M3"), (3130, "M4"), (2900,
          "M5"), (2750, "M6"), (0, "M7"))  # fmt: skip


def fill(rng: np.random.Generator, stars: Population, sample: Sample) -> None:
    """Give stars their parameters, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    stars : Population
        Objects with their place on the sky.
    sample : Sample
        Of a kind of star: ``field`` (the main sequence), ``giant``, ``hot``, ``white-dwarf``, ``hot-subdwarf``,
        ``carbon`` or ``cataclysmic``.
    """
    n = len(stars)
    if sample.kind == "field":
        _main_sequence(rng, stars, sample)
    else:
        # Stars of the disc's scale are seen out to where it thins, luminous ones through the halo.
        halo = sample.kind in ("hot", "giant", "hot-subdwarf")
        stars.r_mag[:] = _draw_magnitudes(rng, n, sample, constant("halo_star_slope") if halo else 0.25)
        _OFF_MAIN_SEQUENCE[sample.kind](rng, stars)
        stars.distance[:] = 10.0 ** (0.2 * (stars.r_mag - stars.absolute_magnitude) + 1.0)
    stars.tilt[:] = rng.normal(0.0, constant("locus_width"), n)
    stars.redshift[:] = rng.normal(0.0, constant("star_velocity") / _LIGHT, n)


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float], n: int) -> Floats:
    return np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]), n))


def _normal(rng: np.random.Generator, name: str, n: int) -> Floats:
    mean, scatter = constant(name)
    return rng.normal(mean, scatter, n)


def _hot(rng: np.random.Generator, stars: Population) -> None:
    """Blue horizontal branch and blue stragglers of the halo."""
    n = len(stars)
    stars.teff[:] = _log_uniform(rng, constant("horizontal_branch_teff"), n)
    stars.feh[:] = _normal(rng, "halo_feh", n)
    stars.log_g[:] = rng.uniform(3.0, 4.3, n)
    stars.absolute_magnitude[:] = np.where(stars.log_g < 3.6, 0.7, 2.5)
    stars.subclass[:] = spectral_type(stars.teff)


def _white_dwarf(rng: np.random.Generator, stars: Population) -> None:
    n = len(stars)
    stars.teff[:] = _log_uniform(rng, constant("white_dwarf_teff"), n)
    stars.log_g[:] = rng.normal(8.0, 0.2, n)
    # A DA of log g 8 cools along M_r = 10.5 at 25000 K to 13 at 7000 K (Holberg & Bergeron 2006, AJ 132, 1221).
    stars.absolute_magnitude[:] = 10.5 + 2.5 * np.log(25000.0 / stars.teff) / np.log(25000.0 / 7000.0)
    helium = (stars.teff > 12000) & (rng.random(n) < 2 * constant("helium_fraction"))
    stars.subclass[:] = np.where(helium, "DB", "DA")


def _hot_subdwarf(rng: np.random.Generator, stars: Population) -> None:
    n = len(stars)
    stars.teff[:] = _log_uniform(rng, constant("hot_subdwarf_teff"), n)
    stars.feh[:] = 0.0
    stars.log_g[:] = rng.normal(5.6, 0.2, n)
    stars.absolute_magnitude[:] = 4.5
    stars.subclass[:] = "sdB"


def _giant(rng: np.random.Generator, stars: Population) -> None:
    """Red giants of the halo and the thick disc: along the locus, from its base to the tip (An et al. 2009)."""
    n = len(stars)
    share = rng.random(n) ** 1.5
    stars.absolute_magnitude[:] = 3.0 - 5.5 * share
    stars.colour[:] = 0.75 + 0.75 * share + rng.normal(0.0, 0.05, n)
    stars.feh[:] = np.clip(_normal(rng, "giant_feh", n), -2.5, 0.0)
    stars.teff[:] = teff_of_colour(stars.colour)
    stars.log_g[:] = 3.4 - 2.4 * share
    stars.subclass[:] = spectral_type(stars.teff)


def _carbon(rng: np.random.Generator, stars: Population) -> None:
    """Most carbon stars of the survey are dwarfs of the discs and the halo (Green 2013, ApJ 765, 12)."""
    n = len(stars)
    low, high = constant("carbon_colour")
    stars.colour[:] = rng.uniform(low, high, n)
    stars.absolute_magnitude[:] = 8.5
    stars.feh[:] = rng.normal(-1.0, 0.5, n).clip(-2.5, 0.0)
    stars.teff[:] = teff_of_colour(stars.colour)
    stars.log_g[:] = 4.7
    stars.subclass[:] = "carbon"


def _cataclysmic(rng: np.random.Generator, stars: Population) -> None:
    n = len(stars)
    stars.teff[:] = _log_uniform(rng, constant("cataclysmic_teff"), n)
    stars.feh[:] = 0.0
    stars.log_g[:] = 8.2
    stars.absolute_magnitude[:] = rng.normal(9.5, 1.5, n)
    stars.subclass[:] = "CV"


_OFF_MAIN_SEQUENCE = {
    "hot": _hot,
    "white-dwarf": _white_dwarf,
    "hot-subdwarf": _hot_subdwarf,
    "giant": _giant,
    "carbon": _carbon,
    "cataclysmic": _cataclysmic,
}


def _draw_magnitudes(rng: np.random.Generator, n: int, sample: Sample, slope: float) -> Floats:
    grid = np.arange(sample.window.bright, sample.window.limit, 0.01)
    weight = sample.window.weight(grid) * 10.0 ** (slope * grid)
    return grid[rng.choice(len(grid), n, p=weight / weight.sum())] + rng.uniform(0.0, 0.01, n)


def _main_sequence(rng: np.random.Generator, stars: Population, sample: Sample) -> None:
    """Absolute magnitude and distance of each star from its own line of sight: Phi(M) rho(D) D^3 d ln D."""
    modulus = 5.0 * _LOG_DISTANCE - 5.0
    functions = np.stack(_luminosity_functions(sample.colours))  # (component, magnitude)
    held = np.flatnonzero((functions > 0).any(axis=0))
    magnitudes = _MAGNITUDES[held]
    taken = sample.window.weight(magnitudes[:, None] + modulus[None, :]) * 10.0 ** (3.0 * _LOG_DISTANCE)
    height, densities = _densities(stars.galactic_l, stars.galactic_b, 10.0**_LOG_DISTANCE)
    cells = taken[None] * functions[:, held, None]  # (component, magnitude, distance)
    flat = np.cumsum((densities[:, :, None, :] * cells[None]).reshape(len(stars), -1), axis=1)
    choice = (flat < rng.random(len(stars))[:, None] * flat[:, -1:]).sum(axis=1)
    component, magnitude, distance = np.unravel_index(choice, cells.shape)
    m = magnitudes[magnitude] + rng.uniform(-_M_STEP / 2, _M_STEP / 2, len(stars))
    log_d = _LOG_DISTANCE[distance] + rng.uniform(-_D_STEP / 2, _D_STEP / 2, len(stars))
    z = np.abs(height[np.arange(len(stars)), distance])
    disc = constant("disc_feh_far") + constant("disc_feh_rise") * np.exp(-z / constant("disc_feh_height"))
    halo_mean, halo_scatter = constant("halo_feh")
    mean = np.where(component == 2, halo_mean, disc)
    scatter = np.where(component == 2, halo_scatter, constant("disc_feh_scatter"))
    stars.feh[:] = np.clip(mean + scatter * rng.standard_normal(len(stars)), -2.5, 0.3)
    stars.absolute_magnitude[:] = m
    stars.r_mag[:] = m + 5.0 * log_d - 5.0
    stars.distance[:] = 10.0**log_d
    stars.colour[:] = colour_of_magnitude(m, stars.feh)
    stars.teff[:] = teff_of_colour(stars.colour)
    stars.log_g[:] = np.where(stars.teff > 5000, 4.3, 4.6 + 0.4 * np.clip((4000 - stars.teff) / 1300, 0, 1))
    stars.subclass[:] = spectral_type(stars.teff)


def _densities(longitude: Floats, latitude: Floats, distance: Floats) -> tuple[Floats, Floats]:
    """Height above the plane (n, d) in pc and density of thin disc, thick disc, halo (n, 3, d), local thin disc = 1."""
    l_rad, b_rad = np.radians(longitude)[:, None], np.radians(latitude)[:, None]
    sun = constant("sun_radius")
    along = distance[None, :] * np.cos(b_rad)
    radius = np.sqrt(sun**2 + along**2 - 2.0 * sun * along * np.cos(l_rad))
    z = distance[None, :] * np.sin(b_rad) + constant("sun_height")

    def disc(scale_height: float, scale_length: float) -> Floats:
        return np.exp(-(radius - sun) / scale_length - np.abs(z) / scale_height)

    elliptical = np.sqrt(radius**2 + (z / constant("halo_flattening")) ** 2)
    halo = constant("halo_fraction") * (sun / elliptical) ** constant("halo_slope")
    thin = disc(constant("thin_scale_height"), constant("thin_scale_length"))
    thick = constant("thick_fraction") * disc(constant("thick_scale_height"), constant("thick_scale_length"))
    return z, np.stack([thin, thick, halo], axis=1)


def _turn_offs() -> tuple[tuple[float, float], ...]:
    """Bluest g-i and typical [Fe/H] of thin disc, thick disc and halo."""
    return (0.2, -0.4), (constant("turn_off_thick"), -0.7), (constant("turn_off_halo"), -1.46)


@cache
def _luminosity_functions(colours: tuple[float, float] | None) -> tuple[Floats, Floats, Floats]:
    """Stars per magnitude of M_r in each component: one function, cut at the component's turn-off and to colours."""
    m_v, counts = np.array(constant("luminosity_function"), dtype=np.float64).T
    # M_V to M_r along the main sequence: V-r grows from 0.1 (F) to 0.9 (late M), Jordi et al. 2006, A&A 460, 339.
    m_r = m_v - np.interp(m_v, [2.0, 5.0, 8.0, 11.0, 16.0], [0.1, 0.2, 0.5, 0.75, 0.9])
    phi = np.interp(_MAGNITUDES, m_r, counts)
    cuts = []
    for colour, feh in _turn_offs():
        keep = _magnitude_of_colour(colour, feh) < _MAGNITUDES
        if colours is not None:
            # By cells: what the scatter of metallicity carries past a border is left to the sample's own cut.
            keep &= _magnitude_of_colour(colours[0], feh) < _MAGNITUDES + _M_STEP
            keep &= _magnitude_of_colour(colours[1], feh) > _MAGNITUDES - _M_STEP
        cuts.append(np.where(keep, phi, 0.0))
    return cuts[0], cuts[1], cuts[2]


@cache
def counts_by_colour(edges: tuple[float, ...], bright: float, faint: float) -> Floats:
    """Main-sequence stars per deg2 by colour: the luminosity function and the three components, over the whole footprint.

    Nothing is adjusted to counts on the sky: the luminosity function gives stars per pc3 near the Sun, the densities of
    Jurić et al. (2008) what becomes of it along 256 lines of sight of `draw_sky` with a fixed seed.

    Parameters
    ----------
    edges : tuple of float
        g-i, mag, rising: k + 1 edges of k bins.
    bright, faint : float
        Limits of r, AB, without extinction.

    Returns
    -------
    ndarray, shape (k,)
        Stars per deg2.

    Examples
    --------
    Jurić et al. (2008) count 48 million stars in 6500 deg2 to r = 21.5, 7400 per deg2:

    >>> bool(5000 < counts_by_colour((0.0, 4.0), 14.0, 21.5)[0] < 11000)
    True
    """
    sight = draw_sky(np.random.default_rng(0), 256)
    step = _D_STEP / 2
    distance = 10.0 ** (np.arange(_LOG_DISTANCE[0], _LOG_DISTANCE[-1], step))
    along = _densities(sight["galactic_l"], sight["galactic_b"], distance)[1].mean(axis=0)
    here = _densities(np.zeros(1), np.full(1, 90.0), np.full(1, 1e-3))[1].sum()
    m = np.arange(_MAGNITUDES[0], _MAGNITUDES[-1], 0.05)
    r = m[:, None] + 5.0 * np.log10(distance)[None, :] - 5.0
    # The luminosity function counts stars within 20 pc.
    per_volume = np.interp(m, _MAGNITUDES, _luminosity_functions(None)[0]) / (4.0 / 3.0 * np.pi * 20.0**3 * here)
    shells = distance**3 * np.log(10.0) * step * np.radians(1.0) ** 2
    found = np.zeros(len(edges) - 1)
    for (colour, feh), density in zip(_turn_offs(), along, strict=True):
        taken = ((r > bright) & (r < faint)) * (density * shells)[None, :]
        stars = 0.05 * per_volume * (m > _magnitude_of_colour(colour, feh)) * taken.sum(axis=1)
        found += np.histogram(colour_of_magnitude(m, np.full(len(m), feh)), edges, weights=stars)[0]
    return found


def _magnitude_of_colour(colour: npt.ArrayLike, feh: npt.ArrayLike) -> Floats:
    solar = np.polynomial.polynomial.polyval(np.asarray(colour, np.float64), constant("photometric_parallax"))
    metals = np.polynomial.polynomial.polyval(np.asarray(feh, np.float64), constant("parallax_metallicity"))
    return np.asarray(solar + metals)


def colour_of_magnitude(m_r: npt.ArrayLike, feh: npt.ArrayLike) -> Floats:
    """g-i of main-sequence stars of this M_r and [Fe/H]: the photometric parallax, read backwards.

    Examples
    --------
    >>> bool(0.45 < float(colour_of_magnitude(4.6, 0.0)) < 0.7)   # the Sun: 0.57
    True
    """
    grid = np.linspace(0.2, 4.0, 400)
    metals = np.polynomial.polynomial.polyval(np.asarray(feh, np.float64), constant("parallax_metallicity"))
    on_grid = np.polynomial.polynomial.polyval(grid, constant("photometric_parallax"))
    return np.asarray(np.interp(np.asarray(m_r, np.float64) - metals, on_grid, grid))


def teff_of_colour(colour: npt.ArrayLike) -> Floats:
    """Effective temperature (K) of main-sequence stars of this g-i.

    From g-r for FGK stars, from r-i for M dwarfs (where g-r saturates), joined smoothly between g-i = 1.6 and 2.
    """
    from asterism.simulate.light.stellar_seds import locus_colours

    x = np.asarray(colour, dtype=np.float64)
    _, g_r, r_i, _ = locus_colours(x)
    warm = 10.0 ** np.polynomial.polynomial.polyval(np.clip(g_r, -0.3, 1.3), constant("teff_colour"))
    r_i_grid, teff_grid = np.array(constant("teff_m_dwarfs"), dtype=np.float64).T
    cool = np.interp(r_i, r_i_grid, teff_grid)
    share = np.clip((x - 1.6) / 0.4, 0.0, 1.0)
    return np.asarray((1.0 - share) * warm + share * cool)


def spectral_type(teff: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """Nearest name of a spectral type, by temperature."""
    limits = np.array([limit for limit, _ in _TYPES], dtype=np.float64)
    names = np.array([name for _, name in _TYPES])
    return names[np.argmax(np.asarray(teff, np.float64)[..., None] >= limits, axis=-1)]
