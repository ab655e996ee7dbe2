"""Leaks: by id, by position anywhere on the sky, by photometry where there is no position."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterism.catalogs.leaks import SourceSet, check_no_leak, check_split, find_leaks
from asterism.errors import BadInputError, ConfigurationError, LeakError

ARCSEC = 1 / 3600


def sources(ids, ra=None, dec=None, light=None, role="labelled"):
    n = len(ids)
    return SourceSet(
        pa.table(
            {
                "source_id": pa.array(ids, pa.string()),
                "ra": pa.array([None] * n if ra is None else ra, pa.float64()),
                "dec": pa.array([None] * n if dec is None else dec, pa.float64()),
                "photometry_hash": pa.array([None] * n if light is None else light, pa.string()),
                "role": pa.array([role] * n),
            }
        )
    )


def test_by_source_id_whatever_the_role():
    for role in ("labelled", "unlabelled", "validation", "calibration"):
        with pytest.raises(LeakError, match=f"1 of 2 objects were seen in training \\(1 {role}; 1 by source id\\)"):
            check_no_leak(sources(["a", "b"], role=role), sources(["b", "c"]), "the test part")
    check_no_leak(sources(["a", "b"]), sources(["c", "d"]), "the test part")


@pytest.mark.parametrize(
    ("seen", "scored"),
    [
        ((10, 20), (10, 20 + 0.9 * ARCSEC)),
        ((0.4 * ARCSEC, 0), (360 - 0.4 * ARCSEC, 0)),
        ((0, 60), (1.9 * ARCSEC, 60)),
        ((10, 90 - 0.4 * ARCSEC), (190, 90 - 0.4 * ARCSEC)),
        ((123, -90), (321, -90)),
        ((10, 20), (10, 20)),
    ],
)
def test_within_one_arcsecond(seen, scored):
    leaks = find_leaks(sources(["a"], [seen[0]], [seen[1]]), sources(["b"], [scored[0]], [scored[1]]))
    assert leaks.position.tolist() == [0]
    assert leaks.source.tolist() == [-1]
    assert leaks.seen.tolist() == [True]


@pytest.mark.parametrize(
    ("seen", "scored"),
    [
        ((10, 20), (10, 20 + 1.1 * ARCSEC)),
        ((0.6 * ARCSEC, 0), (360 - 0.6 * ARCSEC, 0)),
        ((0, 60), (2.1 * ARCSEC, 60)),
        ((10, 90 - 0.6 * ARCSEC), (190, 90 - 0.6 * ARCSEC)),
    ],
)
def test_farther_is_another_source_even_with_the_same_light(seen, scored):
    a = sources(["a"], [seen[0]], [seen[1]], ["h"])
    b = sources(["b"], [scored[0]], [scored[1]], ["h"])
    assert not find_leaks(a, b).seen.any()


def test_same_light_counts_where_either_has_no_position():
    placed = sources(["a", "b"], [1, 2], [0, 0], ["h", "k"])
    unplaced = sources(["c", "d"], None, None, ["k", "m"])
    assert find_leaks(placed, unplaced).photometry.tolist() == [1, -1]
    assert find_leaks(unplaced, placed).photometry.tolist() == [-1, 0]
    assert find_leaks(unplaced, unplaced).photometry.tolist() == [0, 1]
    mixed = sources(["e", "f"], [1, None], [0, float("nan")], ["m", "k"])
    assert find_leaks(mixed, placed).photometry.tolist() == [-1, 1]
    assert find_leaks(placed, mixed).photometry.tolist() == [-1, 1]
    with pytest.raises(LeakError, match="1 by identical photometry"):
        check_no_leak(placed, unplaced, "x")


def test_nothing_is_not_the_same_as_nothing():
    assert not find_leaks(sources([None, "a"]), sources([None, "b"])).seen.any()
    empty = sources([])
    assert find_leaks(empty, sources(["a"], [1], [1], ["h"])).seen.tolist() == [False]
    check_no_leak(sources(["a"]), empty, "x")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.none() | st.integers(0, 4)), max_size=12),
    st.lists(st.tuples(st.integers(6, 9), st.integers(0, 8), st.none() | st.integers(0, 4)), max_size=12),
    st.lists(st.booleans(), min_size=24, max_size=24),
)
@settings(deadline=None, max_examples=100)
def test_the_same_as_looking_at_every_pair(first, second, placed):
    def build(rows, flags):
        ra = [r[1] * 0.45 * ARCSEC if f else None for r, f in zip(rows, flags, strict=False)]
        light = [None if r[2] is None else f"h{r[2]}" for r in rows]
        return sources([f"s{r[0]}" for r in rows], ra, [0.0] * len(rows), light), ra, light

    a, ra_a, light_a = build(first, placed)
    b, ra_b, light_b = build(second, placed[12:])
    expected = [
        any(
            abs(p - q) <= ARCSEC if p is not None and q is not None else k is not None and k == m
            for p, k in zip(ra_a, light_a, strict=True)
        )
        for q, m in zip(ra_b, light_b, strict=True)
    ]
    assert find_leaks(a, b).seen.tolist() == expected


def test_the_message_says_what_to_do():
    with pytest.raises(LeakError) as caught:
        check_no_leak(sources(["s1"], [10], [5]), sources(["t1"], [10], [5]), "all of sky")
    said = str(caught.value)
    assert "all of sky: 1 of 1 objects" in said
    assert "'t1' (seen as 's1')" in said
    assert "within 1″" in said
    assert "score a part" in said
    assert "\n" not in said


def test_of_a_catalog(tiny_sky, tiny_table_sky, tmp_path):
    rows = np.array([1, 5, 40])
    some = SourceSet.from_catalog(tiny_sky, rows=rows, role="unlabelled")
    table = tiny_sky.read(["source_id", "ra"]).take(pa.array(rows))
    assert some.table["source_id"].to_pylist() == table["source_id"].to_pylist()
    assert some.table["ra"].to_pylist() == table["ra"].to_pylist()
    assert some.table["role"].to_pylist() == ["unlabelled"] * 3
    assert some.table["photometry_hash"].null_count < 3
    others = SourceSet.from_catalog(tiny_sky, rows=np.setdiff1d(np.arange(60), rows))
    check_no_leak(some, others, "x")
    with pytest.raises(LeakError):
        check_no_leak(SourceSet.union([some, others]), some, "x")
    some.save(tmp_path / "seen.parquet")
    assert SourceSet.load(tmp_path / "seen.parquet").table.equals(some.table)
    assert len(SourceSet.union([])) == 0
    with pytest.raises(ConfigurationError, match="unknown role"):
        SourceSet.from_catalog(tiny_sky, role="seen")
    unplaced = SourceSet.from_catalog(tiny_table_sky)
    assert unplaced.table["ra"].null_count == 60
    with pytest.raises(LeakError):
        check_no_leak(unplaced, unplaced, "x")


def test_the_same_light_in_a_placed_and_an_unplaced_catalog(make_sky, make_rows):
    rows = make_rows(rows=20, image=False)
    placed = make_sky("placed", rows)
    unplaced = make_sky("unplaced", rows.drop_columns(["ra", "dec"]))
    leaks = find_leaks(SourceSet.from_catalog(placed), SourceSet.from_catalog(unplaced))
    assert (leaks.source < 0).all()
    assert (leaks.photometry >= 0).sum() == 19  # one row of twenty has no photometry


def test_what_is_no_set_of_sources(tmp_path):
    with pytest.raises(BadInputError, match="lacks a column"):
        SourceSet(pa.table({"source_id": ["a"]}))
    with pytest.raises(BadInputError, match="can't be read"):
        SourceSet.load(tmp_path / "none.parquet")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    with pytest.raises(BadInputError, match="lacks a column"):
        SourceSet.load(tmp_path / "other.parquet")
    wrong = sources(["a"]).table.set_column(1, "ra", pa.array(["north"]))
    with pytest.raises(BadInputError, match="wrong type"):
        SourceSet(wrong)


def test_a_torn_source():
    table = pa.table({"source_id": ["a", "b", "a", "b"], "part": ["train", "test", "test", "test"]})
    with pytest.raises(LeakError, match="1 sources are in more than one part, such as 'a' in test and train"):
        check_split(table, "split 'x'")
    check_split(table.slice(1), "split 'x'")
