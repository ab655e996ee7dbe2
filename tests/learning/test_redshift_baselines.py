"""Regressors answer after saving as before, and the forest's arrays say what scikit-learn says."""

import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.learning.redshift_baselines import REDSHIFT_BASELINES, RandomForestRedshift

pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4)).astype(np.float32)
    z = 0.5 + 0.1 * x[:, 0] + 0.05 * x[:, 1] ** 2 + 0.01 * rng.normal(size=400)
    x[::7, 2] = np.nan
    x[::5, 0] = np.nan
    return x, z


@pytest.mark.parametrize("kind", REDSHIFT_BASELINES, ids=lambda kind: kind.name)
def test_they_learn_and_come_back_from_files_that_hold_no_code(kind, data, tmp_path):
    x, z = data
    member = kind()
    member.fit(x[:300], z[:300], seed=1)
    told = member.predict(x[300:])
    assert np.std(told - z[300:]) < 0.8 * np.std(z[300:])
    with pytest.raises(BadInputError, match="train again with --baselines"):
        kind.load(tmp_path)
    member.save(tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == [kind.file]
    np.testing.assert_array_equal(kind.load(tmp_path).predict(x[300:]), told)


def test_the_forest_is_scikit_learns(data):
    from sklearn.ensemble import RandomForestRegressor

    x, z = data
    ours = RandomForestRedshift()
    ours.fit(x, z, seed=3)
    theirs = RandomForestRegressor(random_state=3).fit(x, z)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-12)
