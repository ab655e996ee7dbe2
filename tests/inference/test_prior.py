import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.inference.prior import Prior, read_prior, reweight
from asterism.models.class_mix import ClassMix

CLASSES = ["STAR", "GALAXY"]


def written(tmp_path, text, name="prior.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def constant(*fractions):
    return Prior(tuple(CLASSES), np.array([fractions]), None, np.array([]))


def test_a_constant_prior_is_bayes_rule(tmp_path):
    mix = ClassMix(2).fit([0, 0, 0, 1], [18.0] * 4)
    prior = read_prior(written(tmp_path, "STAR,GALAXY\n1,3\n"), CLASSES)
    moved = reweight([[0.6, 0.4]], mix.overall(), prior.at([18.0]))
    odds = (0.6 / 0.4) * (0.25 / 0.75) / (0.75 / 0.25)
    assert moved[0, 0] / moved[0, 1] == pytest.approx(odds)


def test_the_training_mix_as_prior_changes_nothing():
    mix = ClassMix(2).fit([0, 0, 0, 1], [18.0] * 4)
    p = np.array([[0.6, 0.4], [0.01, 0.99]])
    assert reweight(p, mix.overall(), constant(0.75, 0.25).at([18.0, 18.0])) == pytest.approx(p)


def test_a_prior_by_magnitude_takes_the_bin_of_each_object(tmp_path):
    text = "GALAXY,STAR,r_mag_lo,r_mag_hi\n0.9,0.1,20,22\n0.1,0.9,14,20\n"
    prior = read_prior(written(tmp_path, text), CLASSES)
    assert prior.band == "r"
    assert prior.at([15.0, 21.0, 30.0, 3.0]) == pytest.approx(
        np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.9, 0.1]])
    )
    mix = ClassMix(2).fit([0, 1] * 50, [15.0] * 50 + [21.0] * 50)
    moved = reweight([[0.5, 0.5], [0.5, 0.5]], mix.at([15.0, 21.0]), prior.at([15.0, 21.0]))
    assert moved == pytest.approx(np.array([[0.9, 0.1], [0.1, 0.9]]), abs=1e-6)


def test_reweighting_recovers_the_true_posterior_of_another_population():
    rng = np.random.default_rng(0)
    labels = (rng.random(20000) < 0.8).astype(int)
    x = rng.standard_normal(20000) + 2 * labels
    mix = ClassMix(2).fit(labels, np.full(20000, 18.0))
    density = np.stack([np.exp(-(x**2) / 2), np.exp(-((x - 2) ** 2) / 2)], axis=1)

    def posterior(fractions):
        p = density * fractions
        return p / p.sum(axis=1, keepdims=True)

    moved = reweight(posterior(mix.overall()), mix.overall(), [0.7, 0.3])
    assert moved == pytest.approx(posterior([0.7, 0.3]), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=2).filter(lambda f: sum(f) > 0.01), st.floats(0, 1))
def test_reweighted_rows_stay_probabilities(fractions, p):
    mix = ClassMix(2).fit([0, 1], [18.0, 18.0])
    moved = reweight([[p, 1 - p]], mix.overall(), np.array(fractions) / sum(fractions))
    assert np.isfinite(moved).all()
    assert moved.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("STAR\n1\n", "'GALAXY' is missing"),
        ("STAR,GALAXY,GALAXI\n1,1,1\n", "did you mean 'GALAXY'"),
        ("STAR,GALAXY\n1,-1\n", "0 or more"),
        ("STAR,GALAXY\n0,0\n", "not all 0"),
        ("STAR,GALAXY\nx,1\n", "numbers"),
        ("STAR,GALAXY\n1,1\n2,1\n", "no magnitude bins"),
        ("STAR,GALAXY\n", "no rows"),
        ("STAR,GALAXY,r_mag_lo,r_mag_hi\n1,1,14,18\n1,1,17,20\n", "without gap or overlap"),
        ("STAR,GALAXY,r_mag_lo,r_mag_hi\n1,1,14,faint\n", "magnitudes must be numbers"),
        ("STAR,GALAXY,r_mag_lo,r_mag_hi\n1,1,14,nan\n", "without gap or overlap"),
    ],
)
def test_a_bad_prior_is_refused_in_one_sentence(tmp_path, text, message):
    with pytest.raises(BadInputError, match=message) as caught:
        read_prior(written(tmp_path, text), CLASSES)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        read_prior(tmp_path / "none.csv", CLASSES)
    with pytest.raises(BadInputError, match="not a table"):
        read_prior(written(tmp_path, "\0\1", "prior.fits"), CLASSES)
