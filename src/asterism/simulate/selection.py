"""What a survey takes from the sky: class fractions, magnitude windows, target samples, compactness.

A survey is a mix of samples, each a kind of object within a window of magnitude and redshift. Windows end softly, as
the completeness of a spectroscopic survey does. Add a survey by adding one entry to `SURVEYS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import erfc

from asterism.errors import ConfigurationError, unknown_name

__all__ = ["SURVEYS", "Sample", "Survey", "Window", "survey_named"]


@dataclass(frozen=True)
class Window:
    """A window of r magnitude (AB, without extinction) with a soft faint end.

    Attributes
    ----------
    bright : float
        Magnitude of the sharp bright end.
    faint : float
        Magnitude at which half of the objects are taken.
    softness : float
        Width of the faint end (mag): completeness is erfc((r - faint) / softness) / 2.
    limit : float
        No object is fainter.
    """

    bright: float
    faint: float
    softness: float = 0.3
    limit: float = 22.5

    def weight(self, r_mag: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Share of the objects taken at these magnitudes, in [0, 1]."""
        r = np.asarray(r_mag, dtype=np.float64)
        return np.where((r >= self.bright) & (r <= self.limit), 0.5 * erfc((r - self.faint) / self.softness), 0.0)

    def holds(self, r_mag: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether the window takes more than about 1 in 400 objects of these magnitudes."""
        return self.weight(r_mag) > 0.0023


@dataclass(frozen=True)
class Sample:
    """One kind of object as one programme of a survey takes it.

    Attributes
    ----------
    name : str
        Goes to the column `targets`.
    kind : str
        Population: ``field``, ``turn-off``, ``hot``, ``white-dwarf`` (stars), ``galaxy``, ``red-galaxy``,
        ``blue-galaxy``, ``quasar``.
    share : float
        Of its class.
    window : Window
        Of r magnitude.
    redshifts : (float, float) or None
        Range of redshift, where the programme chooses by colour what lies there.
    """

    name: str
    kind: str
    share: float
    window: Window
    redshifts: tuple[float, float] | None = None


@dataclass(frozen=True)
class Survey:
    """A survey's selection.

    Attributes
    ----------
    name : str
        As ``simulate --survey`` names it.
    fractions : dict of str to float
        Share of each class.
    samples : dict of str to tuple of Sample
        By class.
    max_compactness : float or None
        Keep objects whose measured compactness (mean over bands of the de Vaucouleurs radius over the seeing) is not
        larger; None keeps all.
    description : str
        For ``--help``.
    """

    name: str
    fractions: dict[str, float]
    samples: dict[str, tuple[Sample, ...]]
    max_compactness: float | None
    description: str


# Magnitude windows; the shares of samples within a class are choices. Stars: photometric standards, SEGUE and the stars
# among quasar candidates (Yanny et al. 2009, AJ 137, 4377; Ross et al. 2012, ApJS 199, 3). Galaxies: main sample to r =
# 17.77 (Strauss et al. 2002, AJ 124, 1810), BOSS LOWZ and CMASS to i = 19.9 (Dawson et al. 2013, AJ 145, 10), eBOSS
# luminous red and emission-line galaxies (Dawson et al. 2016, AJ 151, 44). Quasars: i < 19.1 (Richards et al. 2002, AJ
# 123, 2945), g or r < 22 (Ross et al. 2012; Myers et al. 2015, ApJS 221, 27).
_STARS = (
    Sample("field", "field", 0.45, Window(15.5, 19.8, 0.8)),
    Sample("turn-off", "turn-off", 0.33, Window(15.5, 19.4, 0.8)),
    Sample("blue-horizontal-branch", "hot", 0.12, Window(15.0, 19.2, 0.7)),
    Sample("white-dwarf", "white-dwarf", 0.10, Window(15.5, 20.2, 0.7)),
)
_GALAXIES = (
    Sample("main", "galaxy", 0.34, Window(14.5, 17.77, 0.1)),
    Sample("boss-lowz", "red-galaxy", 0.15, Window(16.5, 19.5, 0.2), (0.15, 0.43)),
    Sample("boss-cmass", "red-galaxy", 0.35, Window(17.5, 20.9, 0.4), (0.43, 0.75)),
    Sample("eboss-lrg", "red-galaxy", 0.08, Window(19.5, 21.7, 0.3), (0.55, 1.0)),
    Sample("eboss-elg", "blue-galaxy", 0.08, Window(20.5, 22.3, 0.3), (0.55, 1.1)),
)
# Compact galaxies are looked for to the faint end of every kind: half of them fainter than the main sample's limit.
_COMPACT_GALAXIES = (
    Sample("main", "galaxy", 0.25, Window(15.5, 17.77, 0.1)),
    Sample("boss-lowz", "red-galaxy", 0.10, Window(16.5, 19.5, 0.2), (0.15, 0.43)),
    Sample("boss-cmass", "red-galaxy", 0.30, Window(17.5, 20.9, 0.4), (0.43, 0.75)),
    Sample("faint", "galaxy", 0.35, Window(18.0, 21.6, 0.5)),
)
_QUASARS = (
    Sample("legacy", "quasar", 0.30, Window(15.5, 19.2, 0.3)),
    Sample("boss", "quasar", 0.40, Window(17.5, 21.8, 0.4), (2.1, 4.8)),
    Sample("eboss", "quasar", 0.30, Window(17.0, 21.9, 0.4), (0.8, 2.3)),
)

SURVEYS: dict[str, Survey] = {
    survey.name: survey
    for survey in (
        Survey(
            "sdss-compact",
            {"STAR": 1 / 3, "GALAXY": 1 / 3, "QSO": 1 / 3},
            {"STAR": _STARS, "GALAXY": _COMPACT_GALAXIES, "QSO": _QUASARS},
            0.5,
            "compact sources in equal numbers of each class, as Chaini et al. (2023, MNRAS 518, 3123) select them",
        ),
        Survey(
            "sdss-spectro",
            # Objects with good spectra in the SDSS's DR17 (Abdurro'uf et al. 2022, ApJS 259, 35), rounded.
            {"STAR": 0.22, "GALAXY": 0.59, "QSO": 0.19},
            {"STAR": _STARS, "GALAXY": _GALAXIES, "QSO": _QUASARS},
            None,
            "what SDSS to DR17 took spectra of, of any size",
        ),
    )
}
"""The surveys that can be simulated, by name."""


def survey_named(name: str) -> Survey:
    """The survey of that name.

    Raises
    ------
    ConfigurationError
        There is none; the sentence names the nearest.
    """
    survey = SURVEYS.get(name)
    if survey is None:
        raise ConfigurationError(unknown_name("survey", name, SURVEYS))
    return survey
