"""The sky between telescope and object: what it glows, what it takes away, and where lines of the atmosphere stand.

Emission is a continuum (zodiacal light, starlight, airglow), lines, and moonlight; its shape is that of a flux-calibrated
UVES spectrum (Hanuschik 2003, A&A 407, 1157), its brightness in broad bands near that of a dark sky over SDSS's telescope,
from which the camera's noise is made too (`cameras`). Absorption is continuous extinction by airmass and
the bands of oxygen and water. All wavelengths are in vacuum.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["LINES", "extinction", "moonlight", "sky_continuum", "sky_lines", "telluric_transmission"]

Floats = npt.NDArray[np.float64]

# Surface brightness between the lines: Å, 1e-17 erg/s/cm2/Å/arcsec2. Choice: the shape of medians over 200 Å of desihub/specter's
# sky-uves.fits (by its name and range the atlas of Hanuschik 2003), lowered by hand until broad bands with lines are those
# of the camera's dark sky: u 22.2, g 21.9, r 20.9, i 20.3, z 19.2 mag/arcsec2. Redwards of 7500 Å it was lowered again
# after a look at the variances of real DESI spectra, which is why z falls short of 18.9.
_CONTINUUM = (
    (3300.0, 1.35), (3500.0, 1.20), (3700.0, 1.05), (3900.0, 0.82), (4100.0, 0.90), (4500.0, 0.98), (4800.0, 0.90),
    (5100.0, 0.80), (5300.0, 0.80), (5600.0, 0.84), (5900.0, 0.98), (6200.0, 0.96), (6500.0, 0.92), (6800.0, 0.85),
    (7200.0, 0.83), (7700.0, 0.82), (8000.0, 0.80), (8500.0, 0.74), (9000.0, 0.72), (9500.0, 0.74), (10000.0, 1.00),
    (10600.0, 1.50),
)  # fmt: skip

# Lines: vacuum wavelength (Å) and brightness (1e-17 erg/s/cm2/arcsec2), measured on the same sky-uves.fits: peaks over a
# running continuum, summed over 1.1 Å, those closer than 2 Å joined, the brightest of each stretch kept. They are not
# taken from a published table of lines. Choices: [O I] 5577 lowered from 225 to 190, 6302 and 6365 halved (that atlas was
# taken near solar maximum); the three mercury lamps at 4048, 4360 and 5462 Å.
LINES: tuple[tuple[float, float], ...] = (
    (4047.7, 1), (4359.6, 3), (5462.3, 2), (5578.9, 190), (5656.5, 31), (5891.3, 24), (5897.5, 13), (6237.4, 9),
    (6302.0, 105), (6365.5, 36), (6500.4, 9), (6546.5, 10), (6617.9, 18), (6662.9, 17), (6679.1, 24), (6765.1, 9),
    (6830.8, 12), (6836.0, 10), (6865.8, 18), (6925.1, 10), (6951.0, 11), (7242.4, 40), (7247.3, 25), (7278.3, 37),
    (7318.3, 27), (7342.9, 33), (7371.4, 26), (7526.1, 23), (7714.6, 28), (7718.8, 40), (7752.7, 50), (7796.3, 34),
    (7810.5, 18), (7823.7, 43), (7855.5, 46), (7872.9, 19), (7892.0, 24), (7915.7, 60), (7923.3, 23), (7933.4, 23),
    (7966.9, 42), (7995.5, 46), (8027.8, 39), (8283.9, 29), (8290.9, 31), (8301.2, 36), (8346.7, 102), (8355.2, 33),
    (8401.5, 73), (8417.6, 28), (8432.5, 86), (8467.7, 59), (8507.2, 32), (8652.7, 35), (8657.5, 27), (8662.3, 28),
    (8667.3, 27), (8763.8, 45), (8769.9, 79), (8778.6, 27), (8780.8, 60), (8793.5, 26), (8829.4, 174), (8838.9, 58),
    (8870.1, 38), (8888.3, 116), (8905.6, 48), (8922.1, 129), (8945.9, 40), (8960.6, 97), (8990.9, 26), (9003.8, 55),
    (9052.0, 38), (9309.5, 84), (9315.9, 110), (9326.0, 118), (9378.3, 270), (9442.3, 165), (9461.0, 86), (9479.5, 172),
    (9522.0, 124), (9570.1, 87), (9722.5, 79), (9793.6, 212), (9874.9, 172), (9897.6, 68), (9917.4, 172), (9944.6, 155),
    (9949.1, 204), (9959.3, 151), (9964.4, 124), (10015.8, 387), (10028.2, 101), (10063.4, 77), (10085.2, 184),
    (10106.4, 71), (10126.7, 225), (10155.9, 89), (10174.6, 260), (10192.5, 156), (10205.9, 64), (10211.4, 63),
    (10213.9, 210), (10228.7, 197), (10233.5, 82), (10289.3, 606), (10298.9, 174), (10312.4, 67), (10320.3, 231),
    (10350.0, 135), (10375.7, 250), (10421.2, 104), (10471.8, 123),
)  # fmt: skip

# Extinction at Kitt Peak, mag per airmass: every few entries of kpnoextinct.dat as IRAF distributes it, whose last four are
# from CTIO; smoothed there, and constant beyond 10400 Å. Other sites: the same, times a factor.
_EXTINCTION = (
    (3300.0, 0.787), (3500.0, 0.600), (3571.0, 0.556), (3704.0, 0.484), (3816.0, 0.433), (4000.0, 0.365), (4167.0, 0.315),
    (4370.0, 0.268), (4604.0, 0.225), (4825.0, 0.197), (5067.0, 0.174), (5341.0, 0.158), (5710.0, 0.146), (6056.0, 0.132),
    (6365.0, 0.109), (6600.0, 0.093), (6975.0, 0.075), (7500.0, 0.062), (8080.0, 0.051), (8708.0, 0.040), (9832.0, 0.037),
    (10400.0, 0.024),
)  # fmt: skip

# Oxygen bands: origin (cm-1), rotational constants of the upper and lower state (cm-1), equivalent width (Å) at airmass 1.
# Constants as in Huber & Herzberg (1979), recalled and not checked there; widths: choice, bands about as deep as usual.
_OXYGEN = ((13120.9, 1.3913, 1.4377, 32.0), (14525.7, 1.3731, 1.4377, 8.5), (15902.4, 1.3549, 1.4377, 1.5))
_AIR_TEMPERATURE = 270.0  # K
_HC_K = 1.438777  # cm K
# Absorption by water, mean over 15 Å, for 4 mm of precipitable water at airmass 1: Å, transmission. Choice: the known
# bands with depths set by hand; no atlas or model was read for them.
_WATER = (
    (5870.0, 1.00), (5895.0, 0.985), (5920.0, 0.975), (5950.0, 0.985), (5980.0, 1.00), (6460.0, 1.00), (6480.0, 0.985),
    (6520.0, 0.98), (6560.0, 0.99), (6600.0, 1.00), (6925.0, 1.00), (6945.0, 0.96), (6970.0, 0.97), (7000.0, 0.98),
    (7040.0, 1.00), (7155.0, 1.00), (7170.0, 0.90), (7185.0, 0.84), (7205.0, 0.88), (7230.0, 0.90), (7250.0, 0.87),
    (7275.0, 0.92), (7300.0, 0.95), (7350.0, 1.00), (8110.0, 1.00), (8135.0, 0.89), (8165.0, 0.84), (8185.0, 0.81),
    (8205.0, 0.87), (8230.0, 0.80), (8265.0, 0.87), (8290.0, 0.90), (8325.0, 0.92), (8350.0, 0.97), (8380.0, 1.00),
    (8915.0, 1.00), (8940.0, 0.88), (8970.0, 0.80), (8990.0, 0.86), (9030.0, 0.88), (9065.0, 0.90), (9100.0, 0.83),
    (9155.0, 0.79), (9190.0, 0.88), (9225.0, 0.92), (9260.0, 0.94), (9290.0, 0.82), (9310.0, 0.68), (9330.0, 0.56),
    (9360.0, 0.42), (9380.0, 0.50), (9400.0, 0.42), (9420.0, 0.54), (9440.0, 0.48), (9475.0, 0.54), (9505.0, 0.52),
    (9525.0, 0.64), (9555.0, 0.66), (9585.0, 0.80), (9620.0, 0.84), (9665.0, 0.84), (9700.0, 0.90), (9760.0, 0.95),
    (9850.0, 1.00),
)  # fmt: skip
# Strong lines grow with the root of the column (curve of growth); water's are less saturated than oxygen's.
_OXYGEN_GROWTH, _WATER_GROWTH = 0.55, 0.7
_SUN_TEMPERATURE = 5772.0  # K, nominal (IAU 2015, resolution B3)


def _centres(edges: Floats) -> Floats:
    return 0.5 * (edges[1:] + edges[:-1])


def sky_continuum(edges: Floats) -> Floats:
    """Brightness of a dark moonless sky at zenith between the lines.

    Parameters
    ----------
    edges : ndarray, shape (m + 1,)
        Edges of cells, Å, vacuum.

    Returns
    -------
    ndarray, shape (m,)
        Mean over each cell, 1e-17 erg/s/cm2/Å/arcsec2.
    """
    wavelength, brightness = np.array(_CONTINUUM).T
    return np.interp(_centres(edges), wavelength, brightness)


def sky_lines(edges: Floats) -> Floats:
    """Brightness of the lines of a dark sky at zenith; they are narrower than any cell here.

    Parameters
    ----------
    edges : ndarray, shape (m + 1,)
        Edges of cells, Å, vacuum.

    Returns
    -------
    ndarray, shape (m,)
        Mean over each cell, 1e-17 erg/s/cm2/Å/arcsec2; a line outside of all cells is left out.
    """
    wavelength, strength = np.array(LINES, dtype=np.float64).T
    width = np.diff(edges)
    centre = _centres(edges)
    # A line is shared by the two cells whose centres it lies between, so that its centroid is kept.
    inside = (wavelength > centre[0]) & (wavelength < centre[-1])
    place = np.searchsorted(centre, wavelength[inside]) - 1
    share = (wavelength[inside] - centre[place]) / (centre[place + 1] - centre[place])
    light = np.bincount(place, strength[inside] * (1.0 - share), len(width))
    return np.asarray((light + np.bincount(place + 1, strength[inside] * share, len(width))) / width)


def moonlight(edges: Floats) -> Floats:
    """Scattered moonlight: the Sun's continuum, bluer by Rayleigh scattering, 1 at 5000 Å.

    The law is that of Krisciunas & Schaefer (1991, PASP 103, 1033) with a third of aerosol light: (0.67 (5000/lambda)^4 +
    0.33) times a black body; the Sun's lines are left out.

    Parameters
    ----------
    edges : ndarray, shape (m + 1,)
        Edges of cells, Å.

    Returns
    -------
    ndarray, shape (m,)
        Relative to 5000 Å.
    """

    def light(wavelength: Floats) -> Floats:
        planck = wavelength**-5 / np.expm1(_HC_K * 1e8 / (wavelength * _SUN_TEMPERATURE))
        return np.asarray(planck * (0.67 * (5000.0 / wavelength) ** 4 + 0.33))

    return light(_centres(edges)) / light(np.array(5000.0))


def extinction(wavelength: npt.ArrayLike) -> Floats:
    """Continuous extinction of the atmosphere over Kitt Peak, mag per airmass.

    Parameters
    ----------
    wavelength : array_like
        Å.

    Returns
    -------
    ndarray
        Of the same shape.

    Examples
    --------
    >>> round(float(extinction(4000.0)), 3)
    0.365
    """
    at, value = np.array(_EXTINCTION).T
    return np.interp(np.asarray(wavelength, dtype=np.float64), at, value)


@cache
def _oxygen_lines() -> tuple[Floats, Floats]:
    """Vacuum wavelengths (Å) and equivalent widths (Å) of the lines of the three bands.

    The lower states have odd rotational numbers N only; their populations are thermal. A saturated line's width goes with
    the root of its strength (Goody & Yung 1989, section 3.2).
    """
    number = np.arange(1, 38, 2, dtype=np.float64)
    wavelengths, widths = [], []
    for origin, upper, lower, total in _OXYGEN:
        energy = lower * number * (number + 1.0)
        strength = np.sqrt((2.0 * number + 1.0) * np.exp(-_HC_K * energy / _AIR_TEMPERATURE))
        branches = []
        for m in (number + 1.0, -number):  # R and P branch
            branches.append(origin + (upper + lower) * m + (upper - lower) * m**2)
        wavelengths.append(1e8 / np.concatenate(branches))
        both = np.concatenate([strength, strength])
        widths.append(total * both / both.sum())
    return np.concatenate(wavelengths), np.concatenate(widths)


def telluric_transmission(wavelength: Floats, sigma: npt.ArrayLike, airmass: Floats, water: Floats) -> Floats:
    """Transmission of the bands of oxygen and water, as seen at a resolution.

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        Å, vacuum.
    sigma : float or ndarray of shape (m,)
        Standard deviation of the line-spread function, Å.
    airmass : ndarray, shape (n,)
        Of each observation.
    water : ndarray, shape (n,)
        Precipitable water, mm.

    Returns
    -------
    ndarray, shape (n, m)
        In (0, 1].
    """
    depth = _oxygen_depth(tuple(wavelength), tuple(np.broadcast_to(sigma, wavelength.shape)))
    at, transmission = np.array(_WATER).T
    damp = -np.log(np.interp(wavelength, at, transmission))
    oxygen = np.power(airmass, _OXYGEN_GROWTH)[:, None] * depth
    return np.exp(-oxygen - np.power(airmass * water / 4.0, _WATER_GROWTH)[:, None] * damp)


@cache
def _oxygen_depth(wavelength: tuple[float, ...], sigma: tuple[float, ...]) -> Floats:
    """-ln of the oxygen bands' transmission at airmass 1."""
    at, width = np.array(wavelength), np.array(sigma)
    depth = np.zeros(len(at))
    for centre, strength in zip(*_oxygen_lines(), strict=True):
        near = np.abs(at - centre) < 6.0 * width
        depth[near] += (
            strength * np.exp(-0.5 * ((at[near] - centre) / width[near]) ** 2) / (np.sqrt(2.0 * np.pi) * width[near])
        )
    return depth
