import numpy as np
import pytest

from asterism.errors import BadInputError
from asterism.papers.training_objects import count_classes


def test_objects_of_each_class_are_counted_in_the_order_asked_for(small_run):
    rows = np.arange(5, 60)
    names = small_run.catalog.read(["class"])["class"].to_pylist()[5:60]
    counts = count_classes(small_run.catalog, rows, ("QSO", "STAR"))
    assert list(counts) == ["QSO", "STAR"]
    assert counts == {name: names.count(name) for name in counts}


def test_a_class_without_objects_is_an_error(small_run):
    names = small_run.catalog.read(["class"])["class"].to_pylist()
    stars = np.array([row for row, name in enumerate(names) if name == "STAR"])
    with pytest.raises(BadInputError, match="has no QSO to learn from in its training part; give more objects"):
        count_classes(small_run.catalog, stars, ("STAR", "QSO"))
