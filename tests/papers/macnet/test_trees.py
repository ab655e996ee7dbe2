import numpy as np
import pytest

from asterism.catalogs.catalog import open_catalog
from asterism.papers.macnet.fitting import rows_seen
from asterism.papers.macnet.published import CLASSES
from asterism.papers.macnet.trees import fit_trees, tree_probabilities, tree_redshifts


@pytest.fixture(scope="module")
def asked(paper):
    catalog = open_catalog(paper.catalogs["test"])
    told = catalog.read(["class", "redshift"])
    return catalog, np.array(told["class"].to_pylist(), dtype=object), np.array(told["redshift"], dtype=float)


@pytest.mark.parametrize("inputs", ["image", "spectrum2d", "spectrum2d,image"])
def test_trees_tell_classes_and_redshifts_by_what_they_read(tmp_path, paper, asked, inputs):
    catalog, kinds, z = asked
    fit_trees(*rows_seen(paper, "sample", ("train", "calibration")), inputs, tmp_path, redshifts=True)
    rows = np.arange(len(kinds))
    p = tree_probabilities(tmp_path, catalog, rows, inputs)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (np.array(CLASSES, dtype=object)[p.argmax(axis=1)] == kinds).mean() > 0.8
    known = kinds != "STAR"
    found = tree_redshifts(tmp_path, catalog, rows[known], inputs)
    assert np.median(np.abs(found - z[known])) < 0.03
    np.testing.assert_allclose(tree_redshifts(tmp_path, catalog, rows[known][:5], inputs), found[:5])


def test_no_redshifts_are_learned_where_none_are_asked_for(tmp_path, paper):
    fit_trees(*rows_seen(paper, "sample", ("train",)), "image", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lightgbm.txt"]


def test_objects_without_a_label_are_not_learned_from(tmp_path, paper, asked):
    catalog, rows = rows_seen(paper, "few", ("train", "calibration"))
    names = np.array(catalog.read(["class"])["class"].to_pylist(), dtype=object)[rows]
    assert None in names
    for folder, learned in (("all", rows), ("named", rows[names != None])):  # noqa: E711
        (tmp_path / folder).mkdir()
        fit_trees(catalog, learned, "image", tmp_path / folder, redshifts=True)
    for tell in (tree_probabilities, tree_redshifts):
        found = [tell(tmp_path / folder, asked[0], np.arange(20), "image") for folder in ("all", "named")]
        np.testing.assert_array_equal(*found)
