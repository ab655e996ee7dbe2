"""Light that a spectrograph sees besides its objects: night sky of an observation plan, throughput, flat and arc lamps.

Compact stand-ins, so that frames can be made with nothing else at hand: whoever has a better sky or throughput passes it
to `asterism.simulate.frames.spectrograph_frames` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from asterism.errors import look_up
from asterism.simulate.constants import Constant

__all__ = ["DEFAULTS", "PLANS", "Plan", "default_sky", "default_throughput", "flat_lamp", "plan_named"]

Floats = npt.NDArray[np.float64]

_LEINERT = "Leinert et al. 1998, A&AS 127, 1, section 6: typical zenith intensity"
_OSTERBROCK = (
    "wavelengths of Osterbrock et al. 1996, PASP 108, 277; choice: intensities, near Hanuschik 2003, A&A 407, 1157"
)

# name: (Å in vacuum, Rayleigh, kind, source)
_LINES: tuple[tuple[float, float, str, str], ...] = (
    (4047.71, 15.0, "mercury", "choice: street lamps seen from the site"),
    (4359.56, 40.0, "mercury", "choice: street lamps seen from the site"),
    (5462.27, 40.0, "mercury", "choice: street lamps seen from the site"),
    (5578.89, 250.0, "oxygen", f"[O I], {_LEINERT}"),
    (5891.58, 30.0, "sodium", f"Na I D2, {_LEINERT}"),
    (5897.55, 15.0, "sodium", "Na I D1, half of D2"),
    (6302.05, 60.0, "oxygen", f"[O I], {_LEINERT}"),
    (6365.54, 20.0, "oxygen", "[O I], a third of 6300"),
    *(
        (line, rayleigh, "hydroxyl", f"OH, {_OSTERBROCK}")
        for line, rayleigh in (
            (6500.53, 12.0), (6534.85, 12.0), (6555.43, 10.0), (6578.66, 8.0), (6831.45, 20.0), (6836.13, 12.0),
            (6843.83, 14.0), (6865.85, 45.0), (6873.05, 12.0), (6882.91, 30.0), (6891.20, 18.0), (6902.74, 22.0),
            (6914.55, 25.0), (6925.13, 35.0), (6941.44, 28.0), (6950.99, 12.0), (7246.64, 25.0), (7278.41, 70.0),
            (7286.44, 40.0), (7305.73, 45.0), (7318.29, 90.0), (7331.17, 40.0), (7342.90, 110.0), (7360.70, 50.0),
            (7371.31, 70.0), (7403.71, 40.0), (7526.20, 25.0), (7573.83, 25.0), (7714.42, 30.0), (7718.84, 18.0),
            (7726.69, 35.0), (7752.77, 90.0), (7762.13, 45.0), (7782.60, 50.0), (7796.30, 130.0), (7810.56, 55.0),
            (7823.65, 170.0), (7843.42, 65.0), (7855.45, 70.0), (7862.68, 30.0), (7872.92, 70.0), (7893.31, 50.0),
            (7915.87, 210.0), (7921.87, 40.0), (7951.39, 65.0), (7966.83, 260.0), (7995.53, 260.0), (8016.30, 70.0),
            (8027.94, 140.0), (8064.23, 60.0), (8105.52, 20.0), (8290.89, 45.0), (8301.02, 90.0), (8313.01, 50.0),
            (8346.89, 200.0), (8355.14, 50.0), (8384.69, 110.0), (8401.47, 340.0), (8417.51, 80.0), (8432.49, 330.0),
            (8454.59, 120.0), (8467.69, 250.0), (8495.73, 150.0), (8507.16, 120.0), (8541.05, 60.0), (8551.08, 40.0),
        )
    ),
)  # fmt: skip

_LIST = (
    Constant("dark_sky", 21.0, "V mag/arcsec2", "choice: a northern site with a town's light; darkest sites have 21.9"),
    Constant("moon_sky", 20.0, "V mag/arcsec2", "Krisciunas & Schaefer 1991, PASP 103, 1033: gibbous moon, 60 deg away"),
    Constant("fibre_area", np.pi * 1.65**2, "arcsec2", "Luo et al. 2015, RAA 15, 1095: fibres of 3.3 arcsec"),
    Constant("rayleigh", 1e10 / (4.0 * np.pi), "photon s-1 m-2 sr-1", "definition, Hunten et al. 1956"),
    Constant("vega_v", 3.631e-9, "erg s-1 cm-2 Å-1", "Bessell et al. 1998, A&A 333, 231: V = 0"),
    Constant(
        "throughput",
        ((3500.0, 0.004), (3900.0, 0.020), (4500.0, 0.045), (5500.0, 0.055), (5900.0, 0.050), (6500.0, 0.075),
         (7500.0, 0.085), (8300.0, 0.070), (9100.0, 0.030)),
        "Å, fraction",
        "choice: sky to chip through the narrowed slit, a few per cent as Luo et al. 2015, RAA 15, 1095, give",
    ),
    Constant("lamp_temperature", 3200.0, "K", "choice: tungsten-halogen lamp"),
    Constant("lamp_electrons", 1.6e5, "electron per row and fibre", "choice: brightest row at a third of the well"),
    Constant("arc_electrons", 4e5, "electron per line and fibre", "choice: the strongest line below saturation"),
)  # fmt: skip

DEFAULTS: dict[str, Constant] = {entry.name: entry for entry in _LIST}
"""Constants of sky, throughput and lamps, by name, with unit and source."""


@dataclass(frozen=True)
class Plan:
    """An observation plan: what differs from night to night.

    Attributes
    ----------
    name : str
        PLANID.
    lmjm : int
        Local modified Julian minute of the start.
    start : str
        The same as YYYYMMDDhhmmss.
    exptime : float
        Seconds.
    moon : float
        Share of the sky brightness of a gibbous moon.
    airglow : dict of str to float
        Times the typical intensity, by kind of line: oxygen, sodium, hydroxyl, mercury.
    """

    name: str
    lmjm: int
    start: str
    exptime: float
    moon: float
    airglow: dict[str, float]


# The two nights of the paper (MAC-Net, RASTI 2, 408): on the first the moon was gibbous, on the second new. choice: airglow,
# within its factor of two from night to night (Leinert et al. 1998).
_PLANS = (
    Plan("A20130914", 81431825, "20130914210500", 1800.0, 1.0,
         {"oxygen": 1.3, "sodium": 0.9, "hydroxyl": 0.7, "mercury": 1.0}),
    Plan("B20131103", 81503830, "20131103211000", 1800.0, 0.0,
         {"oxygen": 0.7, "sodium": 1.3, "hydroxyl": 1.4, "mercury": 0.6}),
)  # fmt: skip

PLANS: dict[str, Plan] = {plan.name[0]: plan for plan in _PLANS}
"""Two observation plans, ``A`` with moonlight and ``B`` without."""


def plan_named(name: str) -> Plan:
    """The plan of a letter.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    return look_up("observation plan", name, PLANS)


def _value(name: str) -> float:
    return float(DEFAULTS[name].value)


def default_sky(wavelength: Floats, plan: Plan) -> Floats:
    """Night sky in one fibre.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Å, vacuum, ascending.
    plan : Plan

    Returns
    -------
    ndarray of float64, shape (n,)
        1e-17 erg/s/cm2/Å over the fibre's area, as it arrives at the telescope.
    """
    area = _value("fibre_area")
    dark = _value("vega_v") * 10.0 ** (-0.4 * _value("dark_sky"))
    moon = _value("vega_v") * 10.0 ** (-0.4 * _value("moon_sky"))
    # Airglow's pseudo-continuum rises to the red, moonlight is the Sun's with Rayleigh's slope upon it.
    light = dark * (0.75 + 0.25 * wavelength / 5500.0)
    sun = (wavelength / 5500.0) ** -1.8
    for line, depth, width in ((3935.1, 0.6, 9.0), (3969.1, 0.6, 8.0), (4305.0, 0.3, 12.0), (4862.7, 0.3, 4.0),
                               (5176.0, 0.25, 10.0), (5894.5, 0.2, 4.0), (6564.6, 0.3, 3.0)):  # fmt: skip
        sun *= 1.0 - depth * np.exp(-0.5 * ((wavelength - line) / width) ** 2)
    light += plan.moon * moon * sun
    spectrum = 1e17 * area * light
    # A Rayleigh in erg/s/cm2/arcsec2 at each line; the line is as narrow as the grid can carry.
    steradian = (np.pi / 180.0 / 3600.0) ** 2
    step = np.gradient(wavelength)
    for line, rayleigh, kind, _ in _LINES:
        if not wavelength[0] < line < wavelength[-1]:
            continue
        photon = 1.98644586e-8 / line
        power = rayleigh * plan.airglow[kind] * _value("rayleigh") * 1e-4 * steradian * photon * area * 1e17
        sigma = max(0.5, float(np.interp(line, wavelength, step)))
        near = np.abs(wavelength - line) < 6.0 * sigma
        shape = np.exp(-0.5 * ((wavelength[near] - line) / sigma) ** 2)
        spectrum[near] += power * shape / (shape * step[near]).sum()
    return spectrum


def default_throughput(wavelength: npt.ArrayLike) -> Floats:
    """Share of photons that become electrons, from the top of the atmosphere on; a smooth curve through the table."""
    at, share = np.array(DEFAULTS["throughput"].value).T
    # In logarithm and without corners, which no optics makes and a flat's smooth fit would trip over.
    return np.exp(CubicSpline(at, np.log(share))(np.asarray(wavelength, dtype=np.float64)))


def flat_lamp(wavelength: Floats) -> Floats:
    """Continuum lamp, f_lambda on any scale: a black body of the lamp's temperature."""
    x = 1.438777e8 / (wavelength * _value("lamp_temperature"))
    spectrum = 1.0 / (wavelength**5 * np.expm1(x))
    return spectrum / spectrum.max()
