import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.errors import BadInputError
from asterism.surveys.tables.table_cells import blank_sentinels, integers, mjd_days, numbers, texts


def as_numbers(cells, missing=()):
    told = []
    column = pa.array(cells, pa.string()) if isinstance(cells, list) else cells
    rows = np.arange(1, len(column) + 1)
    return numbers(column, "x", "t.csv", rows, lambda row, why: told.append((row, why)), missing), told


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.floats(allow_infinity=False).map(lambda v: (repr(v), v)),
            st.sampled_from([("", np.nan), (" NaN ", np.nan), ("null", np.nan), ("--", np.nan), ("-9999", np.nan)]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_and_blanks_are_no_news(pairs):
    pairs = [(text, np.nan if value == -9999 else value) for text, value in pairs]
    found, told = as_numbers([text for text, _ in pairs], missing=[-9999.0])
    np.testing.assert_array_equal(found, [value for _, value in pairs])
    assert not told


def test_mistakes_blank_the_cell_and_are_told():
    found, told = as_numbers(["1.5", "12:30", "inf", "1_000", "+2"])
    np.testing.assert_array_equal(found, [1.5, np.nan, np.nan, np.nan, 2.0])
    assert sorted(row for row, _ in told) == [2, 3, 4]
    assert "'12:30', not a number" in dict(told)[2]
    assert "infinite" in dict(told)[3]
    found, told = as_numbers(np.array([1.0, -np.inf]))
    assert np.isnan(found[1])
    assert told[0][0] == 2


def test_a_column_of_text_is_the_wrong_column():
    with pytest.raises(BadInputError, match=r"t.csv: column 'x' holds text, not numbers \(row 1: 'GALAXY'\)"):
        as_numbers(["GALAXY", "STAR", ""])


def test_single_precision_sentinels():
    values = np.array([99.99, -9999.0, 20.0], np.float32).astype(np.float64)
    np.testing.assert_array_equal(np.isnan(blank_sentinels(values, [99.99, -9999])), [True, True, False])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=10))
def test_ids_and_flags_keep_every_digit(values):
    rows = np.arange(len(values))
    for column in (pa.array([str(v) for v in values]), np.array(values, np.int64)):
        assert texts(column, "x", "t", identifier=True).to_pylist() == [str(v) for v in values]
        assert integers(column, "x", "t", rows, print).to_pylist() == values


def test_integers_with_blanks_and_mistakes():
    told = []
    rows = np.arange(1, 5)
    found = integers(pa.array(["1", "", "2.5", "-9999"]), "f", "t", rows, lambda *a: told.append(a), [-9999.0])
    assert found.to_pylist() == [1, None, None, None]
    assert told[0][0] == 3
    masked = np.ma.array([1, 2, -9999], mask=[0, 1, 0])
    assert integers(masked, "f", "t", rows[:3], print, [-9999.0]).to_pylist() == [1, None, None]
    assert integers(np.array([1.0, np.nan]), "f", "t", rows[:2], print).to_pylist() == [1, None]


def test_ids_that_lost_digits_are_refused():
    for column in (pa.array(["1.23765e+18"]), np.array([1237648720142401611.0])):
        with pytest.raises(BadInputError, match="lost digits"):
            texts(column, "objid", "t.csv", identifier=True)
    assert texts(np.array([7.0, np.nan]), "objid", "t", identifier=True).to_pylist() == ["7", None]
    assert texts(pa.array([" a ", "", None, "-"]), "name", "t").to_pylist() == ["a", None, None, "-"]


def test_dates():
    rows = np.arange(1, 6)
    told = []
    column = pa.array(["2013-03-03", "1858/11/17", "2000-01-01T12:00:00Z", "", "soon"])
    days = mjd_days(column, "date", "t", rows, lambda *a: told.append(a))
    np.testing.assert_array_equal(days, [56354.0, 0.0, 51544.5, np.nan, np.nan])
    assert told == [(5, "date is 'soon', not a date: the cell is taken as missing")]
    np.testing.assert_array_equal(mjd_days(pa.array(["51544.5"]), "d", "t", rows[:1], print), [51544.5])
    np.testing.assert_array_equal(mjd_days(np.array([51544]), "d", "t", rows[:1], print), [51544.0])
