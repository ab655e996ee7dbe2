"""A selection is the rows that the catalog's own reader would give."""

import numpy as np
import pytest

from asterism.catalogs.selection import select_rows
from asterism.catalogs.splits import make_split
from asterism.errors import BadInputError, ConfigurationError


@pytest.fixture
def sky(make_sky):
    catalog = make_sky(rows=60, image=False, rows_per_partition=25)
    make_split(catalog, "a", where="class IS NOT NULL")
    return catalog


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"where": "r_mag < 20"},
        {"where": "1 = 1"},
        {"split": "a"},
        {"split": "a", "part": "train"},
        {"split": "a", "part": ["train", "test"], "where": "class <> 'STAR'"},
    ],
)
def test_the_same_rows_as_reading(sky, chosen):
    rows = select_rows(sky, **chosen)
    assert rows.dtype == np.int64
    assert (np.diff(rows) > 0).all()
    ids = np.array(sky.read(["object_id"])["object_id"].to_pylist())
    assert ids[rows].tolist() == sky.read(["object_id"], **chosen)["object_id"].to_pylist()


@pytest.mark.parametrize(
    ("chosen", "error", "sentence"),
    [
        ({"part": "train"}, ConfigurationError, "without a split"),
        ({"split": "b"}, ConfigurationError, "unknown split 'b'"),
        ({"split": "a", "part": "tran"}, ConfigurationError, "did you mean 'train'"),
        ({"where": "redshift > 99"}, BadInputError, "leaves none of 60 rows"),
        ({"where": "redshfit > 99"}, ConfigurationError, "did you mean 'redshift'"),
    ],
)
def test_one_sentence(sky, chosen, error, sentence):
    with pytest.raises(error) as caught:
        select_rows(sky, **chosen)
    assert sentence in str(caught.value)
