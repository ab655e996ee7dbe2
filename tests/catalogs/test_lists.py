"""List columns become arrays, null becomes NaN, and lengths are checked."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.lists import is_list, list_values, number_values, present_rows
from asterism.errors import BadInputError

ROWS = st.lists(st.none() | st.lists(st.none() | st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), max_size=12)


@pytest.mark.parametrize("type_", [pa.list_(pa.float32(), 3), pa.list_(pa.float32()), pa.large_list(pa.float64())])
@given(rows=ROWS, cut=st.integers(0, 12))
@settings(deadline=None, max_examples=40)
def test_values_are_those_of_the_rows(type_, rows, cut):
    column = pa.chunked_array([pa.array(rows[:cut], type_), pa.array(rows[cut:], type_)])
    expected = [[np.nan if v is None else v for v in row] if row is not None else [np.nan] * 3 for row in rows]
    found = list_values(column, 3, "flux")
    assert found.shape == (len(rows), 3)
    np.testing.assert_array_equal(found, np.array(expected, float).reshape(-1, 3))
    np.testing.assert_array_equal(present_rows(column), [row is not None for row in rows])


def test_slices_keep_their_place():
    column = pa.array([[i, i + 1] for i in range(6)], pa.list_(pa.float32(), 2)).slice(2, 3)
    np.testing.assert_array_equal(list_values(column, 2, "flux")[:, 0], [2, 3, 4])


def test_other_lengths_are_refused():
    with pytest.raises(BadInputError, match="'flux' has 2 values per row where 3"):
        list_values(pa.array([[1, 2]], pa.list_(pa.float32(), 2)), 3, "flux")
    with pytest.raises(BadInputError, match="'flux' has a row of 1 values where 2"):
        list_values(pa.array([[1, 2], [1]], pa.list_(pa.float32())), 2, "flux")
    with pytest.raises(BadInputError, match="'flux' holds float"):
        list_values(pa.array([1.0], pa.float32()), 2, "flux")


def test_numbers_of_any_type():
    np.testing.assert_array_equal(number_values(pa.array([1, None], pa.int32())), [1, np.nan])
    np.testing.assert_array_equal(number_values(pa.array([True, None])), [1, np.nan])
    half = pa.array(np.array([1.5, 2], np.float16))
    assert number_values(half, np.float16).dtype == np.float16
    assert number_values(pa.chunked_array([], pa.float32())).shape == (0,)


def test_is_list():
    assert is_list(pa.list_(pa.float32(), 2))
    assert not is_list(pa.float32())
