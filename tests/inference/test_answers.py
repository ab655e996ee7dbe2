"""Answers as arrays and as columns: batches in a row, what is lost, and points that agree with the density."""

import json

import numpy as np
import pytest

from asterism.errors import ConfigurationError
from asterism.inference.answers import Answers, RedshiftAnswers, redshift_columns
from asterism.inference.predictor import Predictor

GRID = np.linspace(0, 2, 201)


def gaussian(*middles, width=0.1):
    pdf = np.exp(-0.5 * ((GRID - np.array(middles)[:, None]) / width) ** 2)
    return pdf / np.trapezoid(pdf, GRID, axis=1)[:, None]


def answers(n=2, probabilities=None, pdf=None):
    both = np.ones(n, bool)
    redshift = None if pdf is None else RedshiftAnswers(GRID, pdf)
    return Answers(probabilities, None, None, None, np.full(n, 18.0), both, redshift)


def test_points_are_those_of_the_density():
    columns = redshift_columns(RedshiftAnswers(GRID, gaussian(0.5, 1.2)), np.zeros(2, bool))
    for name, expected in (("z_median", [0.5, 1.2]), ("z_mode", [0.5, 1.2]), ("z_mean", [0.5, 1.2])):
        np.testing.assert_allclose(columns[name].to_pylist(), expected, atol=0.003)
    np.testing.assert_allclose(columns["z_16"].to_pylist(), [0.4, 1.1], atol=0.003)
    np.testing.assert_allclose(columns["z_84"].to_pylist(), [0.6, 1.3], atol=0.003)
    np.testing.assert_allclose(columns["z_025"].to_pylist(), [0.304, 1.004], atol=0.005)
    np.testing.assert_allclose(columns["z_975"].to_pylist(), [0.696, 1.396], atol=0.005)
    np.testing.assert_allclose(columns["z_pdf"].to_pylist(), gaussian(0.5, 1.2), rtol=1e-6, atol=1e-30)


def test_batches_stand_one_after_the_other():
    one, two = answers(1, pdf=gaussian(0.5)), answers(2, pdf=gaussian(0.7, 0.9))
    whole = Answers.concatenate([one, two])
    assert whole.probabilities is None
    np.testing.assert_array_equal(whole.redshift.pdf, gaussian(0.5, 0.7, 0.9))
    np.testing.assert_array_equal(whole.redshift.grid, GRID)
    assert len(whole.informed) == 3
    with pytest.raises(ConfigurationError, match="gives no class probabilities"):
        _ = whole.of_classes


def test_a_density_that_is_not_finite_is_null_throughout(redshift_runs):
    predictor = Predictor.from_pretrained(redshift_runs["redshift"].path)
    pdf = np.ones((2, len(predictor.grid))) / predictor.grid[-1]
    pdf[0, 3] = np.nan
    both = np.ones(2, bool)
    told = Answers(None, None, np.zeros(2), both, np.full(2, 18.0), both, RedshiftAnswers(predictor.grid, pdf))
    assert told.lost.tolist() == [True, False]
    columns = predictor.columns(told)
    for name in ("z_median", "z_pdf", "in_domain"):
        assert [value is None for value in columns[name].to_pylist()] == [True, False]


def test_columns_are_those_of_the_tasks(redshift_runs):
    names = {}
    for name, run in redshift_runs.items():
        fields = Predictor.from_pretrained(run.path).fields()
        names[name] = [field.name for field in fields]
        (pdf,) = (field for field in fields if field.name == "z_pdf")
        assert len(json.loads(pdf.metadata[b"grid"])) == pdf.type.list_size == 120
    redshift = ["z_median", "z_mode", "z_mean", "z_16", "z_84", "z_025", "z_975", "z_pdf"]
    about = ["in_domain", "domain_score", "model_fingerprint"]
    assert names["redshift"] == [*redshift, *about]
    assert names["both"] == ["p_star", "p_galaxy", "p_qso", "class_predicted", "class_set", *redshift, *about]
