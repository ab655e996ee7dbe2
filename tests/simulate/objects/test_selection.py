"""What surveys take."""

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.simulate.imaging.neighbours import COUNTS
from asterism.simulate.objects.galaxies import comoving_weight, distance_modulus
from asterism.simulate.objects.quasars import luminosity_function
from asterism.simulate.objects.selection import SURVEYS, survey_named
from asterism.simulate.objects.targeting import CUTS


@pytest.mark.parametrize("survey", SURVEYS.values(), ids=lambda survey: survey.name)
def test_shares_are_shares_and_cuts_exist(survey):
    assert sum(survey.fractions.values()) == pytest.approx(1)
    assert set(survey.samples) == set(survey.fractions) <= {"STAR", "GALAXY", "QSO"}
    for samples in survey.samples.values():
        assert sum(sample.share for sample in samples) == pytest.approx(1)
        assert len({sample.name for sample in samples}) == len(samples)
        assert {sample.cut for sample in samples} - {None} <= set(CUTS)
        assert all(len(sample.name) <= 32 for sample in samples)


def test_every_cut_is_somebodys():
    used = {s.cut for survey in SURVEYS.values() for samples in survey.samples.values() for s in samples}
    assert set(CUTS) <= used


def test_the_surveys_asked_for_are_there():
    wanted = {"sdss-compact", "sdss-faint-compact", "sdss-spectro", "sdss-main", "sdss-field", "desi-main"}
    wanted |= {"desi-even", "sdss-even", "lamost", "lamost-macnet", "lamost-even", "lsst"}
    assert set(SURVEYS) == wanted
    classes = {sample.name for samples in SURVEYS["desi-main"].samples.values() for sample in samples}
    assert {"BGS_BRIGHT", "BGS_FAINT", "LRG", "ELG", "QSO", "MWS"} <= classes


def test_faint_compact_keeps_the_faint_and_the_compact():
    survey = survey_named("sdss-faint-compact")
    assert survey.keeps([19.9, 20.1, 20.1], [0.1, 0.1, 0.6]).tolist() == [False, True, False]
    assert survey.keeps([19.9], [0.1], slack=0.5).all()
    assert survey_named("sdss-spectro").keeps(np.array([10.0]), np.array([9.0])).all()


def quasars_per_square_degree(bright, faint):
    """The luminosity function over volume, with r as M_i (z = 2) + DM + K of a power law of slope -0.5."""
    z = np.arange(0.07, 4.8, 0.02)
    m = np.arange(-29.5, -20.5, 0.05)
    # Comoving Mpc3 per deg2 and unit of redshift; comoving_weight is D^2 / E.
    volume = comoving_weight(z) * 299792.458 / 70.0 * np.radians(1.0) ** 2
    r = m[:, None] + distance_modulus(z) - 2.5 * 0.5 * np.log10((1.0 + z) / 3.0) + 0.1
    density = luminosity_function(m[:, None], z[None, :]) * volume * ((r > bright) & (r < faint))
    return float(density.sum() * 0.05 * 0.02)


def test_a_field_holds_what_its_magnitudes_hold_in_the_numbers_that_were_counted():
    survey = survey_named("sdss-field")
    assert survey.keeps([14.9, 15.1, 20.4, 20.6], np.full(4, 9.0)).tolist() == [False, True, True, False]
    assert survey.keeps([14.9, 20.6], np.full(2, 9.0), slack=0.5).all()
    counts = {}
    for kind, table in COUNTS.items():
        r = np.arange(15.0, 20.5, 0.01)
        counts[kind] = float(np.sum(10.0 ** np.interp(r, *np.array(table).T)) * 0.01)
    counts["QSO"] = quasars_per_square_degree(15.0, 20.5)
    assert counts["QSO"] == pytest.approx(33, abs=3)
    total = sum(counts.values())
    for kind, share in survey.fractions.items():
        assert share == pytest.approx(counts[kind] / total, abs=0.004), kind


def test_an_unknown_survey_names_the_nearest():
    with pytest.raises(ConfigurationError, match="unknown survey 'sdss-compct'; did you mean 'sdss-compact'"):
        survey_named("sdss-compct")


def test_what_is_to_be_learned_from_has_more_of_the_rare():
    for even, usual in (("sdss-even", "sdss-spectro"), ("lamost-even", "lamost")):
        assert set(SURVEYS[even].fractions.values()) == {1 / 3}
        for name in ("STAR", "GALAXY", "QSO"):
            shares = {sample.name: sample.share for sample in SURVEYS[usual].samples[name]}
            evened = {sample.name: sample.share for sample in SURVEYS[even].samples[name]}
            assert set(shares) <= set(evened)
            rarest, commonest = min(shares, key=shares.get), max(shares, key=shares.get)
            assert evened[commonest] / evened[rarest] == pytest.approx((shares[commonest] / shares[rarest]) ** 0.5)
    assert "seyfert" in {sample.kind for sample in SURVEYS["sdss-even"].samples["QSO"]}


def test_desi_to_learn_from_has_quasars_enough_and_every_kind_of_star():
    even, usual = SURVEYS["desi-even"], SURVEYS["desi-main"]
    assert even.fractions["QSO"] > 5 * usual.fractions["QSO"]
    assert even.fractions["GALAXY"] == 0.5
    for name in ("STAR", "GALAXY"):
        shares = {sample.name: sample.share for sample in usual.samples[name]}
        evened = {sample.name: sample.share for sample in even.samples[name]}
        rarest, commonest = min(shares, key=shares.get), max(shares, key=shares.get)
        assert evened[commonest] / evened[rarest] == pytest.approx((shares[commonest] / shares[rarest]) ** 0.5)
    assert {"white-dwarf", "cataclysmic", "hot", "giant", "field"} == {s.kind for s in even.samples["STAR"]}
    assert all(share / 0.0125 > 1.0 for share in (sample.share for sample in even.samples["STAR"]))
