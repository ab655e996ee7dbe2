"""Baselines: fitted, saved without pickle, and the same when they are read again."""

import warnings

import numpy as np
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.learning import baselines
from asterism.learning.baselines import BASELINES, LightGBM, Perceptron, XGBoost

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")
pytest.importorskip("sklearn")


def table(classes, n=240, seed=0):
    random = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    features = random.normal(size=(n, 4)).astype(np.float32)
    features[:, 0] += 3 * labels
    features[random.random(features.shape) < 0.1] = np.nan
    features[:, 3] = np.nan  # never observed
    return features, labels.astype(np.int64)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", BASELINES)
def test_a_baseline_learns_and_survives_saving(kind, classes, tmp_path):
    features, labels = table(classes)
    fresh = kind()
    fresh.fit(features, labels, seed=1)
    p = fresh.predict_proba(features)
    assert p.shape == (240, classes)
    np.testing.assert_allclose(p.sum(1), 1)
    assert (p.argmax(1) == labels).mean() > 0.75
    fresh.save(tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == [kind.file]
    np.testing.assert_allclose(kind.load(tmp_path).predict_proba(features), p, rtol=0, atol=1e-7)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_perceptron_answers_as_scikit_learn_does(classes):
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    features, labels = table(classes)
    ours = Perceptron()
    ours.fit(features, labels, seed=2)
    filled = np.where(np.isnan(features), np.nanmedian(features[:, :3], axis=0).tolist() + [0.0], features)
    scaled = StandardScaler().fit_transform(filled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MLPClassifier(random_state=2).fit(scaled, labels)
    np.testing.assert_allclose(ours.predict_proba(features), theirs.predict_proba(scaled), atol=1e-6)


def test_missing_files_are_one_sentence(tmp_path):
    for kind in (LightGBM, XGBoost, Perceptron):
        with pytest.raises(BadInputError, match=f"{kind.file} is missing"):
            kind.load(tmp_path)


def test_a_missing_library_names_the_extra(monkeypatch):
    def nothing(name, *args):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(baselines, "import_module", nothing)
    with pytest.raises(ConfigurationError, match=r"pip install 'asterism\[bench\]'"):
        baselines.check_libraries()
