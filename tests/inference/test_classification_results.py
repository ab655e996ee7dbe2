"""Classes scored: figures, tables and columns, from probabilities whose quality is known."""

import numpy as np
import pytest

from asterism.inference.answers import Answers
from asterism.inference.classification_results import classification_results
from asterism.inference.results import Sample

CLASSES = ("STAR", "GALAXY", "QSO")
N = 400


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.4, 0.4, 0.4], N)
    labels = np.array([rng.choice(3, p=row) for row in p])
    inside = np.arange(N) % 10 > 0
    magnitudes = rng.uniform(17, 20, N)
    answers = Answers(p, p > 0.2, rng.normal(size=N), inside, magnitudes, np.ones(N, bool))
    names = [f"object-{i}" for i in range(N)]
    flat = np.full((N, 3), 1 / 3) + [[0.01, 0, -0.01]]
    sample = Sample("margformer", names, names, magnitudes, "r")
    return classification_results(sample, answers, labels, CLASSES, {"lightgbm": flat}, 1.0), p, labels


def test_figures_are_those_of_the_probabilities(case):
    results, p, labels = case
    m = results.metrics
    assert m["accuracy"] == pytest.approx((p.argmax(1) == labels).mean())
    assert m["in_domain"] == pytest.approx(0.9)
    assert m["ece"] <= m["ece_null95"]
    assert sum(b["n"] for b in m["bins"]["r_mag"]) == m["n"] == N


def test_a_baseline_that_knows_nothing_is_worse(case):
    results, *_ = case
    theirs = results.baselines["lightgbm"]
    assert theirs["difference"]["accuracy"]["interval"][0] > 0
    row = results.sections[0].tables[0].rows[1]
    assert (row[1].verdict, row[3].verdict) == ("better", "better")
    assert results.sections[0].tables[0].rows[0][1].verdict == ""


def test_columns_and_tables_hold_what_was_scored(case):
    results, p, labels = case
    assert np.array_equal(results.columns["p_qso"], p[:, 2])
    assert results.columns["class_predicted"] == [CLASSES[i] for i in p.argmax(1)]
    counts = {row["true class"]: [row[c] for c in CLASSES] for row in results.tables["confusion"]}
    assert sum(counts["QSO"]) == (labels == 2).sum()


def test_the_page_shows_domain_bins_and_trust(case):
    titles = [section.title for section in case[0].sections]
    assert titles[-2:] == ["Against r magnitude", "Objects unlike the training set"]
    assert "Do the probabilities mean what they say?" in titles
