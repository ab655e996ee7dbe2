import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.errors import OutputError
from asterism.papers.macnet.fitting import fit_method, objects_to_test, probabilities, rows_seen, settings_of
from asterism.papers.macnet.rows import Fit


def test_a_training_that_is_there_is_taken(place, paper):
    fit = Fit("sample", "cnet", 0)
    told = fit_method(fit, paper, "tiny", place)
    assert told["settings"] == settings_of(fit, paper, "tiny")
    assert told["epochs"] == 1
    assert set(told["objects"]) == {"GALAXY", "QSO", "STAR"}
    with pytest.raises(OutputError, match="trained with other settings"):
        fit_method(fit, paper, "small", place)


def test_the_test_catalog_is_scored_and_none_of_it_was_seen(paper):
    test = objects_to_test(paper)
    assert test.catalog.path == paper.catalogs["test"]
    assert len(test.rows) == 40
    assert test.part is None


def test_a_plan_is_half_of_the_sample(paper):
    _, everyone = rows_seen(paper, "sample", ("train",))
    _, first = rows_seen(paper, "plan1", ("train",))
    assert 0.35 < len(first) / len(everyone) < 0.65
    assert set(first) < set(everyone)


def test_a_plan_is_tested_on_the_other_and_on_what_is_left_of_its_own(paper):
    test = objects_to_test(paper, "plans", "plan1")
    catalog, taught = rows_seen(paper, "plan1")
    mjd = np.array(catalog.read(["mjd"])["mjd"])
    assert test.catalog.path == paper.catalogs["sample"]
    assert not set(test.rows) & set(taught)
    other = mjd[test.rows] >= paper.boundary
    assert other.sum() == (mjd >= paper.boundary).sum()
    assert (~other).sum() == (mjd < paper.boundary).sum() - len(taught)


def test_answers_are_probabilities_in_the_papers_order(place, paper):
    catalog = open_catalog(paper.catalogs["test"])
    for method in ("cnet", "lightgbm"):
        p = probabilities(Fit("sample", method, 0), place, catalog, np.arange(40))
        assert p.shape == (40, 3)
        np.testing.assert_allclose(p.sum(axis=1), 1)
    kinds = np.array(catalog.read(["class"])["class"].to_pylist())
    assert (np.array(["GALAXY", "QSO", "STAR"])[p.argmax(1)] == kinds).mean() > 0.8
