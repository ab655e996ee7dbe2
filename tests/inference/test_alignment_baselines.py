import numpy as np
import pytest

from asterism.catalogs.selection import select_rows
from asterism.catalogs.splits import make_split
from asterism.errors import ConfigurationError
from asterism.inference.alignment_baselines import class_means, trees_on_photometry
from asterism.inference.probed_objects import probed_objects


@pytest.fixture(scope="module")
def samples(make_spectra):
    catalog = make_spectra(rows=360, seed=4)
    make_split(catalog, "s", fractions={"train": 0.5, "validation": 0.15, "test": 0.35})
    parts = [select_rows(catalog, split="s", part=part) for part in ("train", "validation", "test")]
    return [(catalog, probed_objects(catalog, rows)) for rows in parts]


def test_the_mean_of_a_class_is_that_of_the_training_objects(samples):
    train, _, test = (objects for _, objects in samples)
    found = class_means(train, test, resamples=20).found["redshift_GALAXY"]["mean"]
    z = train.values("redshift_GALAXY")
    assert np.allclose(found.predicted, np.nanmean(z))
    assert found.scores["r2"] == pytest.approx(0, abs=0.1)
    assert found.scores["reference"] == np.isfinite(z).sum()
    assert np.array_equal(found.places, np.flatnonzero(test.known("redshift_GALAXY")))


def test_trees_learn_from_photometry_alone_within_a_class(samples):
    found = trees_on_photometry(*samples, resamples=20).found
    assert set(found) == {"redshift_GALAXY", "redshift_QSO"}
    galaxies = found["redshift_GALAXY"]["trees"]
    known = [objects.known("redshift_GALAXY").sum() for _, objects in samples]
    assert galaxies.scores["reference"] == known[0] + known[1]
    assert len(galaxies.predicted) == known[2]
    assert 0 < galaxies.predicted.mean() < 2


def test_a_catalog_without_photometry_has_no_trees(samples, make_rows, make_sky):
    table = make_rows(rows=40)
    bare = make_sky("bare", table.select([name for name in table.column_names if not name.startswith("photometry")]))
    objects = probed_objects(bare, np.arange(40))
    assert objects.band == ""
    with pytest.raises(ConfigurationError, match="no photometry columns"):
        trees_on_photometry((bare, objects), (bare, objects), (bare, objects))
