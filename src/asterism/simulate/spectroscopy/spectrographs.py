"""The spectrographs: what each one lets through, spreads, adds and gets wrong, and where its numbers are from.

The instruments are described by York et al. (2000, AJ 120, 1579), Gunn et al. (2006, AJ 131, 2332) and Smee et al. (2013,
AJ 146, 32) for SDSS and BOSS; DESI Collaboration (2022, AJ 164, 207) and Guy et al. (2023, AJ 165, 144) for DESI; Cui et
al. (2012, RAA 12, 1197), Zhao et al. (2012, RAA 12, 723) and Luo et al. (2015, RAA 15, 1095) for LAMOST. The comments
beside each say where a number was read, which are recalled from these papers without having been checked there, which
are choices, and which were set after a look at real spectra: those are no test of the simulator. Add a spectrograph by
adding one entry to `SPECTROGRAPHS`, and say in `PROGRAMMES` which survey uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError, unknown_name
from asterism.surveys.formats.spectral_grids import SpectralGrid, grid_named

__all__ = [
    "PROGRAMMES",
    "SPECTROGRAPHS",
    "Arm",
    "Spectrograph",
    "grids_of",
    "in_bright_time",
    "spectrograph_named",
    "spectrographs_of",
]

Table = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Arm:
    """One arm of a spectrograph.

    Attributes
    ----------
    low, high : float
        Wavelengths that are kept of it, Å.
    resolution : tuple of (float, float)
        Å and R = wavelength / FWHM, linear between.
    throughput : tuple of (float, float)
        Å and electrons per photon at the top of the atmosphere at airmass 1, fibre losses and bands of the atmosphere
        apart, linear between.
    read_noise : float
        Electrons per pixel of the detector.
    dark : float
        Electrons per hour and pixel of the detector.
    dispersion : float
        Å per pixel of the detector.
    trace : float
        Pixels across the dispersion that share the noise: 1 / sum of the squared profile.
    """

    low: float
    high: float
    resolution: Table
    throughput: Table
    read_noise: float
    dark: float
    dispersion: float
    trace: float


@dataclass(frozen=True)
class Spectrograph:
    """A spectrograph, its telescope and its pipeline.

    Attributes
    ----------
    name : str
        Key of `SPECTROGRAPHS`.
    survey : str
        Whose columns its spectra stand in (``spectrum_SURVEY_flux``), and whose grid.
    fibre : float
        Diameter, arcsec.
    area : float
        Collecting area, m2.
    arms : tuple of Arm
        From blue to red.
    exposure : float
        Of one exposure, s.
    exposures : tuple of int
        Numbers of exposures, equally likely.
    seeing : (float, float)
        Median FWHM (arcsec) and scatter of its logarithm.
    offset : float
        Standard deviation of the fibre's place against the object along each axis, arcsec.
    airmass : (float, float)
        Range, uniform.
    water : float
        Median precipitable water, mm.
    sky : float
        Brightness of the dark sky's continuum against that of `night_sky`.
    moon : float
        Moonlight in bright time, 1e-17 erg/s/cm2/Å/arcsec2 at 5000 Å.
    haze : float
        Extinction against that of `night_sky`.
    sky_fibres : int
        Fibres that a sky model is the mean of.
    sky_error : (float, float)
        Standard deviation of what is left of the sky: as a share of it, and as a shift in pixels.
    flux_error : (float, float, float)
        Standard deviations of ln of the calibration error: grey, from end to end, between arms.
    ragged : (float, float)
        How far within the arms' ends (Å, blue and red) a fibre's coverage can begin and end.
    bad : float
        Share of pixels that cosmic rays and the detector take.
    flat_error : float
        Error of an exposure's pixel that goes with the object's flux (flat field, extraction), as a share of it.
    transparency : float
        Scatter of ln of the light that arrives: clouds, and fibres that differ.
    """

    name: str
    survey: str
    fibre: float
    area: float
    arms: tuple[Arm, ...]
    exposure: float
    exposures: tuple[int, ...]
    seeing: tuple[float, float]
    offset: float
    airmass: tuple[float, float]
    water: float
    sky: float
    moon: float
    haze: float
    sky_fibres: int
    sky_error: tuple[float, float]
    flux_error: tuple[float, float, float]
    ragged: tuple[float, float]
    bad: float
    flat_error: float
    transparency: float

    @property
    def grid(self) -> SpectralGrid:
        """The survey's grid."""
        return grid_named(self.survey)


# Apache Point.
# Read: BOSS's throughput, points that a third party's code took off figure 38 of Smee et al. (2013), the dip of the A band
# filled, split into arms by hand; BOSS's read noise, dark and 900 s: specsim's eboss.yaml.
# Recalled, not checked: area (2.5 m less 27 per cent, Gunn et al. 2006), fibres, 15 min exposures, BOSS's resolution,
# SDSS's read noise, numbers of sky fibres, calibration errors of 4 and 5 per cent (Adelman-McCarthy et al. 2008).
# Choices: SDSS's throughput (a curve near BOSS's over 1.5, not digitised), numbers of exposures, fibre offsets,
# transparency, sky residuals, BOSS's larger colour error (in the sense of Margala et al. 2016, ApJ 831, 157), ragged ends.
# Set after a look at the real files of tests/real: ends of SDSS's resolution (their wdisp), BOSS's seeing (1.5 gave S/N
# lower than real by 1.3 to 1.4), and the flux-proportional error of 3 per cent an exposure (bright SDSS spectra had .6 to
# .8 of the S/N without it; idlspec2d has such a default, adderr = 0.03, in spfluxcorr, its use in ivar is inferred).
_SDSS = Spectrograph(
    "sdss", "sdss", fibre=3.0, area=3.58,
    arms=(
        Arm(3790.0, 6150.0, ((3800.0, 1560.0), (6100.0, 2200.0)),
            ((3790.0, 0.030), (4000.0, 0.065), (4300.0, 0.105), (4700.0, 0.140), (5100.0, 0.160), (5500.0, 0.165),
             (5800.0, 0.145), (6000.0, 0.080), (6150.0, 0.010)), 5.0, 3.0, 1.15, 3.6),
        Arm(5800.0, 9215.0, ((5800.0, 1850.0), (9200.0, 2500.0)),
            ((5800.0, 0.010), (6000.0, 0.090), (6200.0, 0.165), (6600.0, 0.190), (7000.0, 0.205), (7500.0, 0.205),
             (8000.0, 0.180), (8500.0, 0.150), (9000.0, 0.100), (9215.0, 0.070)), 5.0, 3.0, 1.66, 3.6),
    ),
    exposure=900.0, exposures=(3, 3, 3, 4, 5), seeing=(1.5, 0.15), offset=0.25, airmass=(1.0, 1.4), water=4.0,
    sky=1.0, moon=0.0, haze=1.0, sky_fibres=16, sky_error=(0.01, 0.02), flux_error=(0.04, 0.05, 0.015),
    ragged=(40.0, 35.0), bad=0.002, flat_error=0.03, transparency=0.15,
)  # fmt: skip
_BOSS = Spectrograph(
    "boss", "sdss", fibre=2.0, area=3.58,
    arms=(
        Arm(3560.0, 6350.0, ((3700.0, 1560.0), (6000.0, 2270.0)),
            ((3560.0, 0.020), (3650.0, 0.050), (3850.0, 0.100), (4120.0, 0.150), (4400.0, 0.200), (4900.0, 0.250),
             (5230.0, 0.270), (5500.0, 0.260), (5900.0, 0.220), (6050.0, 0.120), (6350.0, 0.010)), 2.0, 2.1, 0.68, 3.6),
        Arm(5650.0, 10390.0, ((6000.0, 1850.0), (9000.0, 2650.0)),
            ((5650.0, 0.005), (5900.0, 0.030), (6050.0, 0.115), (6200.0, 0.238), (6500.0, 0.253), (7000.0, 0.275),
             (7130.0, 0.290), (7500.0, 0.283), (7900.0, 0.255), (8200.0, 0.240), (8500.0, 0.233), (8950.0, 0.230),
             (9300.0, 0.190), (9500.0, 0.165), (9750.0, 0.135), (10000.0, 0.090), (10250.0, 0.050), (10390.0, 0.030)),
            2.9, 4.2, 1.15, 3.6),
    ),
    exposure=900.0, exposures=(4, 5, 5, 6, 7), seeing=(1.3, 0.15), offset=0.25, airmass=(1.0, 1.4), water=4.0,
    sky=1.0, moon=0.0, haze=1.0, sky_fibres=40, sky_error=(0.008, 0.015), flux_error=(0.04, 0.08, 0.015),
    ragged=(50.0, 70.0), bad=0.002, flat_error=0.03, transparency=0.15,
)  # fmt: skip

# Kitt Peak.
# Read: area, and read noise and dark of the blue arm: desimodel's desi.yaml; of the others: specsim's desi.yaml; R from 2000
# to 5500: abstract of the instrument's design (arXiv:1611.00037).
# Recalled, not checked: throughput (peaks of .33, .41, .44), 1.1 arcsec of seeing, exposures of 1000 s, 40 sky fibres.
# Choices: the rest. Set after a look at real coadds: throughput at the arms' edges, and the residuals of the sky.
_DESI = Spectrograph(
    "desi", "desi", fibre=1.5, area=8.66,
    arms=(
        Arm(3600.0, 5800.0, ((3600.0, 2000.0), (5550.0, 3200.0)),
            ((3600.0, 0.060), (3800.0, 0.140), (4000.0, 0.200), (4300.0, 0.270), (4600.0, 0.310), (5000.0, 0.330),
             (5500.0, 0.330), (5650.0, 0.260), (5800.0, 0.080)), 3.3, 1.9, 0.60, 3.7),
        Arm(5760.0, 7620.0, ((5660.0, 3200.0), (7600.0, 4500.0)),
            ((5760.0, 0.080), (5880.0, 0.300), (6200.0, 0.380), (6800.0, 0.410), (7300.0, 0.400), (7480.0, 0.300),
             (7620.0, 0.060)), 2.9, 2.0, 0.53, 3.7),
        Arm(7520.0, 9824.0, ((7470.0, 4100.0), (9800.0, 5500.0)),
            ((7520.0, 0.060), (7650.0, 0.300), (8000.0, 0.420), (8500.0, 0.440), (9000.0, 0.420), (9500.0, 0.330),
             (9824.0, 0.200)), 2.9, 2.0, 0.60, 3.7),
    ),
    exposure=1000.0, exposures=(1, 1, 2, 3), seeing=(1.1, 0.20), offset=0.10, airmass=(1.0, 1.6), water=4.0,
    sky=1.0, moon=1.5, haze=1.0, sky_fibres=40, sky_error=(0.004, 0.004), flux_error=(0.03, 0.03, 0.005),
    ragged=(0.0, 0.0), bad=0.002, flat_error=0.005, transparency=0.10,
)  # fmt: skip

# Xinglong.
# Read: S/N = 10 at V = 19.5 (abstract of Yao et al. 2012, RAA 12, 772); aperture of 3.6 to 4.9 m (abstract of Cui et al.
# 2012), 4 m here; R = 1800.
# Recalled, not checked: 250 fibres with 20 on the sky, V = 21 of the sky, detectors and the width of a trace.
# Choices: constant FWHM along an arm, calibration errors of 10 per cent and a free scale of 30.
# Set after a look at the headers and S/N of real files: throughput (peak of 6 per cent), 3 arcsec of seeing, exposures,
# transparency, the dip between the arms, and the residuals of the sky.
_LAMOST = Spectrograph(
    "lamost", "lamost", fibre=3.3, area=12.6,
    arms=(
        Arm(3700.0, 5950.0, ((3700.0, 1210.0), (5500.0, 1800.0), (5950.0, 1950.0)),
            ((3700.0, 0.004), (3900.0, 0.011), (4200.0, 0.022), (4600.0, 0.033), (5000.0, 0.040), (5500.0, 0.040),
             (5750.0, 0.025), (5950.0, 0.004)), 4.0, 2.0, 0.55, 12.0),
        Arm(5700.0, 9099.0, ((5700.0, 1360.0), (7500.0, 1800.0), (9100.0, 2180.0)),
            ((5700.0, 0.002), (5900.0, 0.016), (6200.0, 0.046), (6800.0, 0.060), (7500.0, 0.060), (8200.0, 0.050),
             (8800.0, 0.036), (9099.0, 0.020)), 4.0, 2.0, 0.83, 12.0),
    ),
    exposure=1500.0, exposures=(2, 3, 3), seeing=(3.0, 0.15), offset=0.50, airmass=(1.0, 1.4), water=6.0,
    sky=1.7, moon=2.0, haze=1.4, sky_fibres=20, sky_error=(0.015, 0.03), flux_error=(0.30, 0.10, 0.05),
    ragged=(60.0, 60.0), bad=0.005, flat_error=0.01, transparency=0.40,
)  # fmt: skip

SPECTROGRAPHS: dict[str, Spectrograph] = {one.name: one for one in (_SDSS, _BOSS, _DESI, _LAMOST)}
"""The spectrographs that can be simulated, by name."""

_APACHE_POINT = {"boss": "boss", "cmass": "boss", "eboss": "boss", "tdss": "boss", "faint": "boss", "": "sdss"}
PROGRAMMES: dict[str, dict[str, str]] = {
    "sdss-compact": _APACHE_POINT,
    "sdss-faint-compact": _APACHE_POINT,
    "sdss-spectro": _APACHE_POINT,
    "sdss-even": _APACHE_POINT,
    "sdss-main": _APACHE_POINT,
    "desi-main": {"": "desi"},
    "desi-even": {"": "desi"},
    "lamost": {"": "lamost"},
    "lamost-macnet": {"": "lamost"},
    "lamost-even": {"": "lamost"},
}
"""Survey → how the names of its samples (`asterism.simulate.objects.selection`) begin → spectrograph; the longest that fits holds."""

_BRIGHT_TIME = ("bgs", "mws")  # DESI's bright-time programmes (Hahn et al. 2023, AJ 165, 253; Cooper et al. 2023)


def spectrograph_named(name: str) -> Spectrograph:
    """The spectrograph of that name.

    Raises
    ------
    ConfigurationError
        There is none; the sentence names the nearest.
    """
    found = SPECTROGRAPHS.get(name)
    if found is None:
        raise ConfigurationError(unknown_name("spectrograph", name, SPECTROGRAPHS))
    return found


def spectrographs_of(survey: str, targets: Sequence[str] | npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Which spectrograph takes each object's spectrum.

    Parameters
    ----------
    survey : str
        Name of the survey.
    targets : sequence of str, length n
        Samples that took the objects.

    Returns
    -------
    ndarray of str, shape (n,)
        Names of `SPECTROGRAPHS`.

    Raises
    ------
    ConfigurationError
        The survey has no spectrograph.
    """
    programmes = _programmes(survey)
    longest_first = sorted(programmes, key=len, reverse=True)

    def of(target: str) -> str:
        return programmes[next(beginning for beginning in longest_first if target.startswith(beginning))]

    return np.array([of(str(target)) for target in targets], dtype="U16")


def grids_of(survey: str) -> tuple[SpectralGrid, ...]:
    """Grids of the spectra of a survey, each once.

    Raises
    ------
    ConfigurationError
        The survey has no spectrograph.
    """
    names = {SPECTROGRAPHS[name].survey: None for name in _programmes(survey).values()}
    return tuple(grid_named(name) for name in names)


def in_bright_time(targets: Sequence[str] | npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Whether each object's programme observes in moonlight."""
    return np.array([str(target).startswith(_BRIGHT_TIME) for target in targets], dtype=bool)


def _programmes(survey: str) -> dict[str, str]:
    found = PROGRAMMES.get(survey)
    if found is None:
        raise ConfigurationError(
            f"survey {survey!r} takes no spectra; leave spectrum out of the modalities, or choose one of "
            + ", ".join(PROGRAMMES)
        )
    return found
