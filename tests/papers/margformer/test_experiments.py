import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.catalogs.selection import select_rows
from asterism.papers.margformer.experiments import (
    CLASS_SETS,
    EXPERIMENTS,
    condition,
    experiment_named,
    objects_to_test,
    rows_seen,
)


def ids(test):
    found = []
    for path, rows in test.parts:
        found += np.array(open_catalog(path).read(["object_id"])["object_id"].to_pylist())[rows].tolist()
    return found


@pytest.mark.parametrize("class_set", CLASS_SETS)
def test_the_leaking_variant_mirrors_the_published_share_and_counts_it(paper, class_set):
    leaking = objects_to_test(paper, experiment_named("experiment3-leaking"), class_set)
    disjoint = objects_to_test(paper, experiment_named("experiment3-disjoint"), class_set)
    compact = [name for name in ids(leaking) if name.startswith("compact")]
    assert leaking.n == disjoint.n
    assert leaking.seen == len(compact)
    assert 0.15 < leaking.seen / leaking.n < 0.3
    catalog, rows = rows_seen(paper, "compact", class_set, ("train",), "r_mag > 20")
    seen = set(np.array(catalog.read(["object_id"])["object_id"].to_pylist())[rows].tolist())
    assert set(compact) <= seen
    assert disjoint.seen == 0
    assert all(name.startswith("faint") for name in ids(disjoint))


def test_experiment_1_tests_what_was_not_trained_on(paper):
    test = objects_to_test(paper, EXPERIMENTS[0], "sg")
    catalog, rows = rows_seen(paper, "compact", "sg")
    assert not set(ids(test)) & set(np.array(catalog.read(["object_id"])["object_id"].to_pylist())[rows].tolist())


def test_the_bright_training_set_ends_at_20(paper):
    catalog, rows = rows_seen(paper, "bright", "sgq")
    bright = select_rows(catalog, where="r_mag <= 20")
    assert len(rows) > 50
    assert np.isin(rows, bright).all()
    assert condition("sg", "r_mag <= 20") == "class IN ('STAR', 'GALAXY') AND (r_mag <= 20)"
