"""What surveys take from the sky: shares of the classes, programmes with their published cuts, compactness, faintness.

A survey is a mix of samples (`asterism.simulate.objects.samples`), each a kind of object in a window of magnitude with the cut
that the programme made on photometry (`asterism.simulate.objects.targeting`). Add a survey by adding one entry to `SURVEYS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from asterism.errors import ConfigurationError, unknown_name
from asterism.simulate.objects.samples import Sample, Window, shares_of

__all__ = ["SURVEYS", "Sample", "Survey", "Window", "survey_named"]


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
    brightest : float or None
        Keep objects whose measured r, as observed, is fainter; None keeps all.
    faintest : float or None
        Keep objects whose measured r, as observed, is brighter; None keeps all.
    spectrographs : int
        Of LAMOST's surveys: how many of the 16 of an observation plan are on these objects.
    """

    name: str
    fractions: dict[str, float]
    samples: dict[str, tuple[Sample, ...]]
    max_compactness: float | None
    description: str
    brightest: float | None = None
    faintest: float | None = None
    spectrographs: int = 16

    def keeps(self, r_observed: npt.ArrayLike, compactness: npt.ArrayLike, slack: float = 0.0) -> npt.NDArray[np.bool_]:
        """Whether objects pass the cuts that hold for all samples.

        Parameters
        ----------
        r_observed, compactness : array_like, shape (n,)
            Measured; with `slack` (mag) true ones, to see beforehand what could not pass.
        slack : float
            By how much brightness may miss.
        """
        good = np.ones(np.shape(r_observed), bool)
        if self.brightest is not None:
            good &= np.asarray(r_observed) > self.brightest - slack
        if self.faintest is not None:
            good &= np.asarray(r_observed) < self.faintest + slack
        if self.max_compactness is not None:
            good &= np.asarray(compactness) <= self.max_compactness
        return good


def _segue(
    name: str, kind: str, goal: float, faint: float = 20.2, colours: tuple[float, float] | None = None
) -> tuple[Sample, ...]:
    """One SEGUE type, half of it from the bright and half from the faint plate of each pair (Yanny et al. 2009)."""
    name = f"segue-{name}"
    return (
        Sample(f"{name}-bright", kind, goal / 2, Window(14.0, 17.8, 0.1, 18.0), None, name, colours),
        Sample(f"{name}-faint", kind, goal / 2, Window(17.8, faint, 0.1, faint + 0.3), None, name, colours),
    )


# Stars of DR17, in thousands: SEGUE-1 240 and SEGUE-2 118, shared by the types' fibres (Yanny et al. 2009, AJ 137, 4377;
# Eisenstein et al. 2011, AJ 142, 72: SEGUE-2 took no G and K dwarfs and went for the halo's turn-off, metal-poor, blue
# and giant stars); SDSS-I/II besides (Abazajian et al. 2009, ApJS 182, 543: 464 stars with SEGUE-1's) with 70 M dwarfs
# (West et al. 2011, AJ 141, 97), 20 white dwarfs in all programmes (Kleinman et al. 2013, ApJS 204, 5), 1.2 carbon stars
# (Green 2013, ApJ 765, 12), 0.5 cataclysmic variables (Inight et al. 2023, MNRAS 524, 4867) and the stars, 2 per cent,
# among the main sample's targets (Strauss et al. 2002, AJ 124, 1810); BOSS 247 (Alam et al.
# 2015, ApJS 219, 12): about half of the quasar targets, 20 standards a plate, 3 per cent of CMASS; eBOSS 190 (Ahumada et
# al. 2020, ApJS 249, 3): standards, time-domain targets, stars among quasar and 9 per cent of the red-galaxy targets
# (Prakash et al. 2016). What is not published (the split among the kinds of quasar candidates, the programmes of
# SDSS-I/II) is a choice.
_SEGUE = (
    *_segue("g-dwarf", "field", 240 * 375 / 1180, 20.2, (0.5, 1.0)),
    *_segue("turn-off", "field", 240 * 200 / 1180 + 118 * 0.30, 20.2, (0.2, 0.8)),
    *_segue("a-star", "hot", 240 * 155 / 1180 + 118 * 0.12, 20.4),
    *_segue("low-metallicity", "field", 240 * 150 / 1180 + 118 * 0.20, 19.0, (0.2, 1.1)),
    *_segue("k-giant", "giant", 240 * 130 / 1180 + 118 * 0.33, 18.5),
    *_segue("k-dwarf", "field", 240 * 95 / 1180, 19.0, (0.6, 1.3)),
    *_segue("f-g", "field", 240 * 50 / 1180 + 118 * 0.05, 20.2, (0.2, 0.8)),
    *_segue("white-dwarf", "white-dwarf", 240 * 25 / 1180, 20.4),
)
_LEGACY_STARS = Window(15.0, 20.4, 0.3, 20.9)
_CANDIDATES = Window(17.5, 22.1, 0.2, 22.5)
_STARS = shares_of(
    *_SEGUE,
    Sample("legacy-standard", "field", 30, Window(16.0, 18.3, 0.3), None, "standard", (0.2, 0.7)),
    Sample("boss-standard", "field", 85, Window(15.0, 18.9, 0.2), None, "standard", (0.2, 0.7)),
    Sample("legacy-qso-star-dwarf", "white-dwarf", 15, _LEGACY_STARS, None, "legacy-qso-star"),
    Sample("legacy-qso-star-blue", "hot-subdwarf", 5, _LEGACY_STARS, None, "legacy-qso-star"),
    Sample("legacy-qso-star-a", "hot", 5, _LEGACY_STARS, None, "legacy-qso-star"),
    Sample("legacy-qso-star-red", "field", 20, Window(17.5, 20.3, 0.3), None, None, (1.2, 3.0)),
    Sample("legacy-m-dwarf", "field", 60, Window(15.0, 20.3, 0.4), None, None, (1.9, 4.0)),
    Sample("legacy-star", "field", 50, Window(14.5, 19.3, 0.5), None, None, (0.2, 1.9)),
    Sample("main-star", "field", 12, Window(14.5, 17.77, 0.1)),
    Sample("legacy-blue-star", "hot", 10, Window(14.5, 19.2, 0.4)),
    Sample("legacy-white-dwarf", "white-dwarf", 8, Window(15.0, 20.0, 0.4)),
    Sample("legacy-carbon", "carbon", 1.2, Window(15.0, 19.8, 0.4)),
    Sample("legacy-cataclysmic", "cataclysmic", 0.5, Window(15.5, 20.0, 0.5)),
    Sample("boss-qso-star", "field", 100, _CANDIDATES, None, "boss-qso-star", (0.1, 1.3)),
    Sample("boss-qso-star-a", "hot", 48, _CANDIDATES, None, "boss-qso-star"),
    Sample("boss-qso-star-dwarf", "white-dwarf", 22, _CANDIDATES, None, "boss-qso-star"),
    Sample("cmass-star", "field", 932 * 0.03 / 0.97, Window(18.0, 22.2, 0.3), None, "cmass", (1.0, 4.0), blended=True),
    Sample("eboss-qso-star", "field", 25, _CANDIDATES, None, "eboss-qso-star", (0.1, 1.3)),
    Sample("eboss-qso-star-a", "hot", 10, _CANDIDATES, None, "eboss-qso-star"),
    Sample("eboss-qso-star-dwarf", "white-dwarf", 10, _CANDIDATES, None, "eboss-qso-star"),
    Sample("eboss-lrg-star", "field", 240 * 0.09 / 0.91, Window(20.0, 22.6, 0.2, 23.2), None, "eboss-lrg", (2.2, 4.0)),
    Sample("tdss-star", "field", 50, Window(16.5, 20.9, 0.3)),
)

# Galaxies of DR17, in thousands: the main sample and the red galaxies beyond it (Abazajian et al. 2009), BOSS (Alam et
# al. 2015; Reid et al. 2016), eBOSS (Ahumada et al. 2020), galaxies among quasar targets (no count was
# found: 90 is the first guess, to which the number was set back after 40 had been taken by hand after looks). "Other" are
# the programmes of SDSS-I/II beside its main survey, somewhat fainter than it: 2,402 of all galaxies to DR12 less 1,481 of
# BOSS (Alam et al. 2015, table 1), less the main sample and the red galaxies. Ancillary ones of BOSS are left out.
_GALAXIES = shares_of(
    Sample("main", "galaxy", 690, Window(13.5, 17.9, 0.1, 18.2), None, "main"),
    Sample("legacy-lrg", "galaxy", 110, Window(17.5, 19.7, 0.1, 20.0), (0.15, 0.6), "legacy-lrg"),
    Sample("boss-lowz", "galaxy", 340, Window(15.8, 19.7, 0.1, 20.0), (0.05, 0.55), "lowz"),
    Sample("boss-cmass", "galaxy", 950, Window(18.0, 21.6, 0.2, 22.2), (0.35, 0.9), "cmass"),
    Sample("eboss-lrg", "galaxy", 240, Window(20.2, 22.9, 0.2, 23.4), (0.5, 1.1), "eboss-lrg"),
    Sample("other", "galaxy", 2402 - 1481 - 690 - 110, Window(16.0, 18.8, 0.4, 20.0)),
    Sample("qso-candidate", "galaxy", 90, Window(18.0, 22.1, 0.2, 22.4), (0.05, 1.2), "galaxy-qso"),
    Sample("eboss-elg", "galaxy", 200, Window(21.0, 22.9, 0.2, 23.3), (0.5, 1.3), "eboss-elg"),
)

# Quasars of DR17, in thousands: Schneider et al. (2010, AJ 139, 2360), Liu et al. (2019, ApJS 243, 21) for broad lines in
# galaxies, Pâris et al. (2017, A&A 597, A79), Lyke et al. (2020, ApJS 250, 8).
_QUASARS = shares_of(
    Sample("legacy", "quasar", 105, Window(15.0, 20.6, 0.2), (0.06, 4.8), "legacy-qso"),
    Sample("seyfert", "quasar", 15, Window(14.5, 17.77, 0.1), (0.06, 0.35)),
    Sample("boss", "quasar", 200, Window(17.5, 22.3, 0.1), (2.1, 4.8), "boss-qso"),
    Sample("boss-near", "quasar", 130, Window(17.5, 22.3, 0.1), (0.3, 2.15), "boss-qso"),
    Sample("eboss", "quasar", 340, Window(17.0, 22.3, 0.1), (0.8, 2.2), "eboss-qso"),
    Sample("eboss-far", "quasar", 80, Window(17.0, 22.3, 0.1), (2.2, 4.0), "eboss-qso"),
    Sample("eboss-near", "quasar", 30, Window(16.5, 21.3, 0.3), (0.1, 0.8), "eboss-qso"),
)

# DESI's main survey by targets per deg2 (Schlafly et al. 2023, AJ 166, 259, and the classes' papers in `targeting`). Seven
# in ten of the quasar targets are quasars, most others stars (Chaussidon et al. 2023).
_DESI_GALAXIES = shares_of(
    Sample("BGS_BRIGHT", "galaxy", 854, Window(13.0, 19.7, 0.1, 20.0), None, "bgs-bright"),
    Sample("BGS_FAINT", "galaxy", 526, Window(19.2, 20.4, 0.1, 20.7), None, "bgs-faint"),
    Sample("LRG", "galaxy", 624, Window(18.0, 22.6, 0.2, 23.2), (0.3, 1.2), "desi-lrg"),
    Sample("ELG", "galaxy", 2404, Window(20.5, 23.7, 0.2, 24.2), (0.5, 1.7), "desi-elg"),
)
_DESI_STARS = shares_of(
    Sample("MWS", "field", 1500, Window(15.8, 19.2, 0.1, 19.4), None, "mws"),
    Sample("MWS_GIANT", "giant", 60, Window(15.8, 19.2, 0.1, 19.4), None, "mws"),
    Sample("MWS_BHB", "hot", 20, Window(15.8, 19.2, 0.1, 19.4), None, "mws"),
    Sample("MWS_WD", "white-dwarf", 10, Window(15.8, 20.0, 0.2, 20.5)),
    Sample("QSO", "field", 70, Window(17.0, 22.9, 0.2, 23.3), None, "desi-qso", (0.2, 1.6)),
)
_DESI_QUASARS = shares_of(
    Sample("QSO", "quasar", 210, Window(16.3, 23.1, 0.1, 23.4), (0.3, 4.8), "desi-qso"),
)
# Kinds of which DESI sees few, to learn from: its standards, stars of the halo's turn-off (Cooper et al. 2023, section 3), and accreting
# binaries among the secondary targets. Their numbers per deg2 are choices.
_DESI_RARE_STARS = (
    Sample("STD_FAINT", "field", 40, Window(16.0, 19.0, 0.1, 19.2), None, None, (0.1, 0.25)),
    Sample("WD_BINARIES", "cataclysmic", 2, Window(15.5, 20.0, 0.5)),
)

# LAMOST takes what is bright (Zhao et al. 2012, RAA 12, 723; Deng et al. 2012, RAA 12, 735); shares of kinds as in Luo et al.
# (2015, RAA 15, 1095), rounded.
_BRIGHT = Window(10.0, 17.3, 0.5, 18.2)
_LAMOST_STARS = shares_of(
    Sample("field", "field", 72, _BRIGHT),
    Sample("giant", "giant", 22, _BRIGHT),
    Sample("a-star", "hot", 4, _BRIGHT),
    Sample("m-dwarf", "field", 6, Window(12.0, 17.8, 0.3, 18.5), None, None, (1.9, 4.0)),
    Sample("white-dwarf", "white-dwarf", 0.15, Window(12.0, 17.8, 0.3, 18.5)),
    Sample("hot-subdwarf", "hot-subdwarf", 0.03, _BRIGHT),
    Sample("carbon", "carbon", 0.03, _BRIGHT),
    Sample("cataclysmic", "cataclysmic", 0.005, Window(13.0, 18.0, 0.3)),
)
_LAMOST_GALAXIES = (Sample("galaxy", "galaxy", 1.0, Window(13.0, 17.8, 0.2)),)
_LAMOST_QUASARS = (Sample("quasar", "quasar", 1.0, Window(15.0, 19.0, 0.3), (0.06, 4.8)),)

# LAMOST's extragalactic plans of 2013, as far as the objects of Table 1 of the MAC-Net paper (RASTI 2, 408) go: 1,223 galaxies, 466
# quasars and 1,202 stars. Galaxies: those that SDSS's main sample missed, to r = 17.77 (Luo et al. 2015, RAA 15, 1095; Shen et
# al. 2016, RAA 16, 43), and fainter blue ones to about 18.8. Quasar candidates: point sources of SDSS to i = 20, brighter than which
# the survey's quasars are found (Wu et al. 2011, AJ 142, 78; Ai et al. 2016, AJ 151, 24; in the commissioning field i = 16.4 to 19.3). Stars:
# of plates to r = 17.8 (Yuan et al. 2015, MNRAS 448, 855: F plates), and those that quasar candidates turn out to be. Choices:
# the shares among samples and how soft the faint ends are. Kinds of stars that no template library has are left out, so that
# all templates can be kept apart (`asterism.simulate.light.template_parts`).
_PLAN_STARS = Window(14.0, 17.5, 0.4, 18.5)
_MACNET_STARS = shares_of(
    Sample("field", "field", 58, _PLAN_STARS),
    Sample("giant", "giant", 10, _PLAN_STARS),
    Sample("a-star", "hot", 4, _PLAN_STARS),
    Sample("m-dwarf", "field", 6, Window(14.0, 17.8, 0.3, 18.5), None, None, (1.9, 4.0)),
    Sample("qso-candidate", "field", 20, Window(16.0, 19.2, 0.5, 20.2), None, None, (0.2, 1.2)),
    Sample("qso-candidate-dwarf", "white-dwarf", 2, Window(16.0, 19.2, 0.5, 20.2)),
)
_MACNET_GALAXIES = shares_of(
    Sample("main", "galaxy", 75, Window(14.0, 17.77, 0.2, 18.2)),
    Sample("blue", "blue-galaxy", 25, Window(17.0, 18.7, 0.3, 19.4)),
)
_MACNET_QUASARS = (Sample("quasar", "quasar", 1.0, Window(16.0, 19.3, 0.5, 20.2), (0.06, 4.8)),)

# LSST by magnitude alone. Per deg2 to i = 25: 150,000 galaxies, 6,000 stars and 450 quasars at high latitude (LSST Science
# Collaboration 2009, arXiv:0912.0201, sections 3.7, 6 and 10, rounded).
_DEEP_LIMIT = (25.7, 0.3, 26.5)
_LSST_STARS = shares_of(
    Sample("field", "field", 5700, Window(16.5, *_DEEP_LIMIT), None, "lsst-i"),
    Sample("hot", "hot", 60, Window(16.5, 23.0, 0.5), None, "lsst-i"),
    Sample("white-dwarf", "white-dwarf", 240, Window(16.5, *_DEEP_LIMIT), None, "lsst-i"),
)
_LSST_GALAXIES = (Sample("galaxy", "galaxy", 1.0, Window(16.0, *_DEEP_LIMIT), None, "lsst-i"),)
_LSST_QUASARS = (Sample("quasar", "quasar", 1.0, Window(16.0, *_DEEP_LIMIT), (0.06, 4.8), "lsst-i"),)

# All that stands on a field, 15 < r < 20.5, per deg2. Classes by the counts that neighbours have (b = 60 deg): 4,420 stars (Jurić
# et al. 2008) and 1,870 galaxies (Strauss et al. 2002; Yasuda et al. 2001), and 33 quasars of the luminosity function of Ross et
# al. (2013). Among the stars 11 of the horizontal branch and blue stragglers (Yanny et al. 2000, ApJ 540, 825: 4,208 A stars in
# 370 deg2), 60 giants (as DESI's, Cooper et al. 2023) and 6 white dwarfs (Gentile Fusillo et al. 2021, MNRAS 508, 3877: 359,000 on the
# sky). Windows reach past the limits on both sides, so that noise and extinction carry objects over them both ways.
_FIELD = Window(14.3, 21.2, 0.1, 21.3)
_FIELD_STARS = shares_of(
    Sample("field", "field", 4343, _FIELD),
    Sample("giant", "giant", 60, _FIELD),
    Sample("hot", "hot", 11, _FIELD),
    Sample("white-dwarf", "white-dwarf", 6, _FIELD),
)
_FIELD_GALAXIES = (Sample("galaxy", "galaxy", 1.0, _FIELD),)
_FIELD_QUASARS = (Sample("quasar", "quasar", 1.0, _FIELD, (0.06, 4.8)),)


# Broad lines in galaxies whose nucleus is too faint for a quasar's (Liu et al. 2019 go that far down); their share of the quasars is a choice.
_FAINT_NUCLEI = Sample("near-nucleus", "seyfert", 0.1, Window(14.5, 19.0, 0.3), (0.02, 0.35))


def _evened(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """The same samples with the root of their shares: the rare ones are seen, the common ones still lead."""
    return shares_of(*(replace(sample, share=sample.share**0.5) for sample in samples))


_THIRDS = {"STAR": 1 / 3, "GALAXY": 1 / 3, "QSO": 1 / 3}

SURVEYS: dict[str, Survey] = {
    survey.name: survey
    for survey in (
        Survey(
            "sdss-compact",
            {"STAR": 1 / 3, "GALAXY": 1 / 3, "QSO": 1 / 3},
            {"STAR": _STARS, "GALAXY": _GALAXIES, "QSO": _QUASARS},
            0.5,
            "compact sources in equal numbers of each class, as Chaini et al. (2023, MNRAS 518, 3123) select them",
        ),
        Survey(
            "sdss-faint-compact",
            {"STAR": 1 / 3, "GALAXY": 1 / 3, "QSO": 1 / 3},
            {"STAR": _STARS, "GALAXY": _GALAXIES, "QSO": _QUASARS},
            0.5,
            "faint (r > 20) compact sources in equal numbers of each class, as Chaini et al. (2023) select them",
            20.0,
        ),
        Survey(
            "sdss-spectro",
            # 1,021,843 stars, 2,863,635 galaxies and 960,678 quasars among the useful spectra of DR16 (Ahumada et al.
            # 2020, ApJS 249, 3), the last release with new ones of these programmes.
            {"STAR": 0.211, "GALAXY": 0.591, "QSO": 0.198},
            {"STAR": _STARS, "GALAXY": _GALAXIES, "QSO": _QUASARS},
            None,
            "what SDSS to DR17 took spectra of, of any size",
        ),
        Survey(
            "sdss-even",
            _THIRDS,
            {"STAR": _evened(_STARS), "GALAXY": _evened(_GALAXIES), "QSO": _evened((*_QUASARS, _FAINT_NUCLEI))},
            None,
            "what SDSS to DR17 took spectra of, in equal numbers of each class and with more of the small programmes: to learn from",
        ),
        Survey(
            "sdss-main",
            {"GALAXY": 1.0},
            {"GALAXY": (replace(_GALAXIES[0], share=1.0),)},
            None,
            "the main galaxy sample (Strauss et al. 2002, AJ 124, 1810)",
        ),
        Survey(
            "sdss-field",
            {"STAR": 0.699, "GALAXY": 0.296, "QSO": 0.005},
            {"STAR": _FIELD_STARS, "GALAXY": _FIELD_GALAXIES, "QSO": _FIELD_QUASARS},
            None,
            "all that is found on SDSS's images at high latitude, 15 < r < 20.5, whatever took spectra of it",
            15.0,
            20.5,
        ),
        Survey(
            "desi-main",
            {"STAR": 0.270, "GALAXY": 0.696, "QSO": 0.034},
            {"STAR": _DESI_STARS, "GALAXY": _DESI_GALAXIES, "QSO": _DESI_QUASARS},
            None,
            "the target classes of DESI's main survey (BGS, LRG, ELG, QSO, MWS) in the Legacy Surveys' images",
        ),
        Survey(
            "desi-even",
            # choice: as many galaxies as the rest, since most of what an image tells is about them
            {"STAR": 0.25, "GALAXY": 0.5, "QSO": 0.25},
            {
                "STAR": _evened((*(replace(star, share=1600 * star.share) for star in _DESI_STARS), *_DESI_RARE_STARS)),
                "GALAXY": _evened(_DESI_GALAXIES),
                "QSO": _DESI_QUASARS,
            },
            None,
            "DESI's target classes, half galaxies and a quarter each stars and quasars, with more of the rare stars: to learn from",
        ),
        Survey(
            "lamost",
            {"STAR": 0.965, "GALAXY": 0.025, "QSO": 0.010},
            {"STAR": _LAMOST_STARS, "GALAXY": _LAMOST_GALAXIES, "QSO": _LAMOST_QUASARS},
            None,
            "what LAMOST takes spectra of: bright stars, few galaxies and quasars",
        ),
        Survey(
            "lamost-macnet",
            {"STAR": 1202 / 2891, "GALAXY": 1223 / 2891, "QSO": 466 / 2891},
            {"STAR": _MACNET_STARS, "GALAXY": _MACNET_GALAXIES, "QSO": _MACNET_QUASARS},
            None,
            "LAMOST's extragalactic plans of 2013, with the class fractions of the MAC-Net paper",
            # choice: 8 x 230 objects a plan, from which the 1,446 of the paper's are taken; the others' fibres are of other programmes.
            spectrographs=8,
        ),
        Survey(
            "lamost-even",
            _THIRDS,
            {"STAR": _evened(_LAMOST_STARS), "GALAXY": _LAMOST_GALAXIES, "QSO": _LAMOST_QUASARS},
            None,
            "what LAMOST takes spectra of, in equal numbers of each class and with more of the rare stars: to learn from",
        ),
        Survey(
            "lsst",
            {"STAR": 0.038, "GALAXY": 0.959, "QSO": 0.003},
            {"STAR": _LSST_STARS, "GALAXY": _LSST_GALAXIES, "QSO": _LSST_QUASARS},
            None,
            "everything to i = 25 in ten years of LSST",
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
