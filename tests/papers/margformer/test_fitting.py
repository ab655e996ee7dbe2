import json

import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.errors import OutputError
from asterism.papers.margformer.fitting import fit_method, probabilities, settings_of
from asterism.papers.margformer.rows import Fit


def test_a_training_that_is_there_is_taken_whatever_it_would_cost(place, paper):
    fit = Fit("compact", "sg", "margformer", 0)
    stamp = (fit.folder(place) / "training.json").stat().st_mtime_ns
    told = fit_method(fit, paper, "tiny", place)
    assert (fit.folder(place) / "training.json").stat().st_mtime_ns == stamp
    assert told["settings"] == settings_of(fit, paper, "tiny")
    assert told["epochs"] == 1
    assert set(told["objects"]) == {"STAR", "GALAXY"}


def test_other_settings_are_refused(place, paper):
    with pytest.raises(OutputError, match="trained with other settings"):
        fit_method(Fit("compact", "sg", "margformer", 0), paper, "small", place)


def test_the_cut_is_tuned_away_from_the_test_part(place, paper):
    fit = Fit("compact", "sg", "magnitude-cut", 0)
    cut = json.loads((fit.folder(place) / "cut.json").read_text())
    assert 0.05 < cut["threshold"] < 0.25  # stars are made at 0, galaxies at 0.3
    catalog = open_catalog(paper.catalogs["compact"])
    p = probabilities(fit, place, catalog, np.arange(50))
    assert set(np.unique(p.argmax(axis=1))) == {0, 1}
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_only_where_training_is_bright_do_classes_weigh_the_same(paper):
    assert settings_of(Fit("bright", "sgq", "lightgbm", 0), paper, "tiny")["balanced"]
    assert not settings_of(Fit("compact", "sgq", "lightgbm", 0), paper, "tiny")["balanced"]
